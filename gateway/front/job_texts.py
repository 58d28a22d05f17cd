"""Texts of mailing lists that say something of each recipient: {Name} and what else his contact has."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

from gateway.core.accounts import Account
from gateway.core.api import Contact
from gateway.front.address_book import contact_in
from gateway.front.desk import Desk
from gateway.front.planning import MAX_COMMENT, reader_for
from gateway.translate.api_submit import Kind
from protocols.smsc_http.sending import MAX_TEXT, ListLine, split_comment

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
_BEGINNING = re.compile(r"^[\s_]+")
_AT_ONCE: Final = 1000


async def written(desk: Desk, account: Account, lines: Sequence[ListLine], kind: Kind) -> Sequence[ListLine]:
    """The texts as each recipient gets his; a macro of somebody who is no contact is empty, and who then has
    nothing to read gets nothing."""
    if not any(_MACRO.search(line.text) for line in lines):
        return lines
    read = reader_for(account, kind)
    found: list[ListLine] = []
    for line in lines:
        if not _MACRO.search(line.text):
            found.append(line)
            continue
        names = [read(phone) for phone in line.phones]
        contacts = await _contacts(desk, account.name, names, is_mail=kind.name == "mail")
        by_text: dict[str, list[str]] = {}
        for phone, name in zip(line.phones, names, strict=True):
            by_text.setdefault(_text(line.text, contacts.get(name)), []).append(phone)
        found.extend(
            line._replace(phones=tuple(phones), text=text) for text, phones in by_text.items() if text.strip()
        )
    return found


async def _contacts(desk: Desk, account: str, names: Sequence[str], *, is_mail: bool) -> dict[str, Contact]:
    found: dict[str, Contact] = {}
    for first in range(0, len(names), _AT_ONCE):
        wanted = json.dumps(names[first : first + _AT_ONCE])
        for row in await desk.rows("contacts_of_numbers", (account, int(is_mail), wanted)):
            found[row["number"]] = contact_in(row)
        await asyncio.sleep(0)
    return found


def _text(text: str, contact: Contact | None) -> str:
    """What somebody reads. Whatever stands in his contact is text: it may be a stranger who has written it
    in a form, and it neither makes the message one of another kind nor hides the rest as a comment."""

    def value(macro: re.Match[str]) -> str:
        return "" if contact is None else plain(str(getattr(contact, _COLUMNS[macro[1].lower()])))

    said, _ = split_comment(text)
    read, comment = _MACRO.sub(value, said), _MACRO.sub(value, text[len(said) :])
    # longer than one may be it would refuse the messages of all others
    return of_its_kind(read, said)[:MAX_TEXT] + comment[:MAX_COMMENT]


def plain(value: str) -> str:
    """A value that comes into a text, so that it begins no comment."""
    return value.replace("~", "-")


def of_its_kind(text: str, template: str) -> str:
    """A text with its values, without a prefix of another kind of message that they have brought."""
    if text.lstrip()[:2] == "__" and template.lstrip()[:2] != "__":
        return _BEGINNING.sub("", text)
    return text
