"""Contacts and their groups as others need them: whom a group has, whose a number is.

A group is a record of the kind "group"; those of numbers and of mail addresses have their sending numbers
(`num`, the 777 of G777) in common, as send.php cannot tell them apart.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final, NamedTuple

from gateway.core.api import Contact
from gateway.front.desk import Desk, Record

GROUP: Final = "group"
"""Of the records."""
GROUPS_MAX: Final = 1000
PAGE: Final = 1000
MEMBERS_MAX: Final = 100_000
"""Recipients of one group; more are not sent to."""


class Group(NamedTuple):
    """A group of contacts."""

    group_id: int
    name: str
    number: int
    is_mail: bool

    @property
    def record(self) -> Record:
        """As it is kept."""
        return Record(self.group_id, self.name, {"num": self.number, "is_mail": int(self.is_mail)})


async def groups_of(desk: Desk, account: str) -> dict[int, Group]:
    """All groups of an account, by their ids, oldest first."""
    found = await desk.records.all(GROUP, account, GROUPS_MAX)
    return {
        one.record_id: Group(one.record_id, one.name, int(one.data["num"]), bool(one.data["is_mail"]))
        for one in found
    }


async def members_of(desk: Desk, account: str, group: Group) -> AsyncIterator[list[Contact]]:
    """The contacts of a group, a page at a time."""
    after = 0
    while True:
        rows = await desk.rows(
            "contacts_of_group", (group.group_id, account, int(group.is_mail), after, PAGE)
        )
        if rows:
            yield [contact_in(row) for row in rows]
        if len(rows) < PAGE:
            return
        after = rows[-1]["contact_id"]


async def group_numbers(desk: Desk, account: str, number: str, is_mail: bool) -> list[str] | None:
    """All numbers (digits) or addresses of the group with this sending number, each once.

    None: the account has no such group of this kind.
    """
    groups = await groups_of(desk, account)
    group = next((one for one in groups.values() if str(one.number) == number), None)
    if group is None or group.is_mail is not is_mail:
        return None
    found: dict[str, None] = {}
    async for page in members_of(desk, account, group):
        for contact in page:
            found.update(dict.fromkeys(contact.numbers.split()))
        if len(found) > MEMBERS_MAX:
            break
    return list(found)[:MEMBERS_MAX]


async def contact_of(desk: Desk, account: str, entry: str, *, is_mail: bool = False) -> Contact | None:
    """Whose a number (digits) or an address (small letters) is."""
    rows = await desk.rows("contact_of_number", (account, int(is_mail), entry))
    return contact_in(rows[0]) if rows else None


def contact_in(row: dict[str, Any]) -> Contact:
    """A row of the store."""
    return Contact(**{name: row[name] for name in Contact._fields})
