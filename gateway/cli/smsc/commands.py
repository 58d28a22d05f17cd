"""Every command of `smsc-gateway smsc` as a row: what it asks, with which options, and what it shows.

Most commands are one request: its parameters come from the options, its answer becomes a table. `work`
names the function of those that take more than that.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.cli.smsc.contact_commands import CONTACTS
from gateway.cli.smsc.message_commands import JOBS, MESSAGES, RECORDS
from gateway.cli.smsc.other_commands import OTHERS
from gateway.cli.smsc.sender_commands import SENDERS, TEMPLATES
from gateway.cli.smsc.table import Command
from gateway.cli.smsc.user_commands import DOCUMENTS, USERS

COMMANDS: Mapping[str, Command] = {
    command.name: command
    for command in (
        *MESSAGES,
        *RECORDS,
        *CONTACTS,
        *JOBS,
        *USERS,
        *DOCUMENTS,
        *SENDERS,
        *TEMPLATES,
        *OTHERS,
    )
}

GROUPS = {
    "contacts": "contacts: numbers, and with --mail mail addresses",
    "groups": "groups of contacts",
    "blacklist": "whom nothing is sent to",
    "jobs": "mailing lists",
    "sub-clients": "sub-clients, their settings and money",
    "documents": "invoices and acts of sub-clients",
    "senders": "sender names",
    "templates": "templates of messages",
    "operator-templates": "texts registered with operators",
    "numbers": "rented numbers",
    "downloads": "exports made in the background",
}
