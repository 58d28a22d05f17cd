"""Commands for sub-clients and their documents (SMSC HTTP API, users.php, documents.php)."""

from __future__ import annotations

from gateway.cli.smsc.options import Option
from gateway.cli.smsc.table import EXPORT, PERIOD, SAVE, STATISTICS, Command
from gateway.cli.smsc.user_options import CURRENT_PASSWORD, PASSWORD, SETTINGS

_USER = Option("LOGIN", "user", "login of the sub-client", required=True)
USERS = (
    Command(
        "sub-clients add",
        "user_add",
        "make a sub-client",
        "sub-clients add branch --password-file password.txt --phone 79991234567",
        (_USER, PASSWORD._replace(required=True), *SETTINGS),
    ),
    Command(
        "sub-clients change",
        "user_chg",
        "change a sub-client's settings",
        "sub-clients change branch --day-limit 1000 --no-smpp",
        (_USER, Option("--new-login", "new_login", "its new login"), PASSWORD, CURRENT_PASSWORD, *SETTINGS),
    ),
    Command(
        "sub-clients pay",
        "user_pay",
        "move money to a sub-client, or back with a negative sum",
        "sub-clients pay branch 500",
        (
            _USER,
            Option("SUM", "sum", "in the account's currency", required=True),
            Option("--electronic", "balance2", "the electronic balance", "flag"),
        ),
    ),
    Command(
        "sub-clients statistics",
        "user_stat",
        "messages and money of sub-clients",
        "sub-clients statistics --start 2024-01-01 --end 2024-01-31",
        (
            *STATISTICS,
            Option("--user", "user", "only of this sub-client", metavar="LOGIN", exclusive="user"),
            Option("--user-id", "user_id", "only of the sub-client with this id", exclusive="user"),
            Option("--reseller", "reseller", "of those with their own balance", "flag"),
            Option("--hide-deleted", "hide_deleted", "without deleted sub-clients", "flag"),
            *EXPORT,
        ),
    ),
    Command(
        "sub-clients details",
        "user_stat_all",
        "the same by service and operator, of those with their own balance",
        "sub-clients details --start 2024-01-01 --end 2024-01-31",
        (*PERIOD, *EXPORT),
        fixed={"reseller": "1"},
        work="records:details",
    ),
)

_WHOSE = (
    Option("--user", "user", "login of the sub-client", metavar="LOGIN", exclusive="user"),
    Option("--user-id", "user_id", "id of the sub-client", exclusive="user"),
)
DOCUMENTS = (
    Command(
        "documents new-invoice",
        "doc_add_account",
        "make an invoice for a sub-client and save it",
        "documents new-invoice 500 --user branch --output invoice.pdf",
        (
            Option("SUM", "sum", "in the sub-client's currency", required=True),
            *_WHOSE,
            Option("--service", "service", "name of the service on the invoice", metavar="TEXT"),
            *SAVE,
        ),
        work="files:new_invoice",
    ),
    Command(
        "documents invoice",
        "doc_get_account",
        "save an invoice",
        "documents invoice 17 --user branch --output invoice.pdf",
        (Option("ID", "id", "id of the invoice", required=True), *_WHOSE, *SAVE),
        work="files:save_answer",
    ),
    Command(
        "documents act",
        "doc_get_act",
        "save an act",
        "documents act --id 17 --user branch --output act.pdf",
        (
            Option("--id", "id", "id of the act", exclusive="act"),
            Option("--number", "num", "number of the act", metavar="N", exclusive="act"),
            *_WHOSE,
            *SAVE,
        ),
        work="files:save_answer",
    ),
)
