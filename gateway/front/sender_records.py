"""Names of senders as they are kept: what a person's word on one of them does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from gateway.core.accounts import Account
from gateway.front.desk import Desk, Record, committed
from gateway.front.keeping import turn_of

KIND: Final = "sender"
"""Of the records."""
WAITS, ALLOWED, OFF = 0, 1, 2
"""What `status` of a name is, by a person's word or by a code; see `state_of`."""
NAMES_MAX: Final = 1000
"""Of one account."""


class SenderName(NamedTuple):
    """A name; its fields but the first two are the data of its record."""

    number: int
    name: str
    status: int
    comment: str = ""
    changed_ms: int = 0
    operators: tuple[str, ...] = ()
    files: tuple[Mapping[str, Any], ...] = ()
    """fid, file, info."""

    @property
    def record(self) -> Record:
        """As it is kept."""
        return Record(self.number, self.name, dict(zip(self._fields[2:], self[2:], strict=True)))


def state_of(name: SenderName, account: Account | None) -> int:
    """What holds for a name now. One of allowed_sources is allowed for as long as it stands there, and any
    name is while there is no such list; nothing of that outlives a change of the configuration."""
    if account is None:
        return name.status
    listed = account.config.allowed_sources
    is_free = not listed and name.status == WAITS
    return ALLOWED if is_free or name.name in listed else name.status


def name_in(record: Record) -> SenderName:
    """What a record says."""
    data = record.data
    return SenderName(
        record.record_id,
        record.name,
        data["status"],
        data["comment"],
        data["changed_ms"],
        tuple(data["operators"]),
        tuple(data["files"]),
    )


async def load(desk: Desk) -> None:
    """Takes into memory what the store has."""
    found = await desk.records.of_kind(KIND)
    allowed = [(account, record.name) for account, record in found if record.data["status"] == ALLOWED]
    desk.sender_names.load(allowed, desk.accounts)


async def read(desk: Desk, account: str) -> None:
    """Takes into memory what another node has changed of an account's."""
    async with turn_of(desk, account):
        found = await desk.records.all(KIND, account, 2 * NAMES_MAX)
        allowed = [record.name for record in found if record.data["status"] == ALLOWED]
        desk.sender_names.replace(account, allowed, desk.accounts)


async def decide(desk: Desk, account: str, name: str, *, allowed: bool) -> bool:
    """A person's word on a name; False: the account has not added it."""
    found = await desk.records.named(KIND, account, name)
    if found is None:
        return False
    known = name_in(found)
    await put(
        desk, account, known._replace(status=ALLOWED if allowed else OFF, changed_ms=desk.clock.now_ms())
    )
    return True


async def put(desk: Desk, account: str, name: SenderName) -> None:
    """Stores a name, and lets it be used from then on if it is allowed."""
    desk.records.put(KIND, account, name.record)
    await committed(desk.journal)
    desk.sender_names.put(account, name.name, desk.accounts, allowed=name.status == ALLOWED)
