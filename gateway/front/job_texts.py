"""Texts of mailing lists that say something of each recipient: {Name} and what else his contact has."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

from gateway.core.api import Contact
from gateway.front.address_book import contact_in
from gateway.front.desk import Desk
from protocols.smsc_http.recipients import canonical_number
from protocols.smsc_http.sending import ListLine

_COLUMNS: Final[Mapping[str, str]] = {
    "name": "name",
    "fnm": "first_name",
    "lnm": "last_name",
    "mnm": "middle_name",
    "bd": "birthday",
    "myid": "own_id",
    "cmt": "comment",
    "tags": "tags",
}
"""Macros are the parameters of phones.php, in braces, in small letters or capitals."""
_MACRO = re.compile(rf"\{{({'|'.join(_COLUMNS)})\}}", re.ASCII | re.IGNORECASE)
_AT_ONCE: Final = 1000


async def written(
    desk: Desk, account: str, lines: Sequence[ListLine], *, is_mail: bool
) -> Sequence[ListLine]:
    """The texts as each recipient gets his; a macro of somebody who is no contact is empty."""
    if not any(_MACRO.search(line.text) for line in lines):
        return lines
    found: list[ListLine] = []
    for line in lines:
        if not _MACRO.search(line.text):
            found.append(line)
            continue
        contacts = await _contacts(desk, account, line.phones, is_mail=is_mail)
        by_text: dict[str, list[str]] = {}
        for phone in line.phones:
            by_text.setdefault(_text(line.text, contacts.get(_key(phone))), []).append(phone)
        found.extend(line._replace(phones=tuple(phones), text=text) for text, phones in by_text.items())
    return found


async def _contacts(desk: Desk, account: str, phones: Sequence[str], *, is_mail: bool) -> dict[str, Contact]:
    keys = [_key(phone) for phone in phones]
    found: dict[str, Contact] = {}
    for first in range(0, len(keys), _AT_ONCE):
        wanted = json.dumps(keys[first : first + _AT_ONCE])
        for row in await desk.rows("contacts_of_numbers", (account, int(is_mail), wanted)):
            found[row["number"]] = contact_in(row)
    return found


def _key(phone: str) -> str:
    return phone.strip().lower() if "@" in phone else canonical_number(phone.strip())


def _text(text: str, contact: Contact | None) -> str:
    return _MACRO.sub(
        lambda macro: str(getattr(contact, _COLUMNS[macro[1].lower()])) if contact is not None else "", text
    )
