"""phones.php and mails.php: whom no message goes to, or none of one sort (SMSC HTTP API §2.5).

A number that gets no message at all (type 0) is on the account's blacklist, which holds however a message
comes and which `smsc-gateway blacklist` shows. What stop words and admins have put there stays there,
whatever the account adds and takes away. The other types, and mail addresses, hold for what comes over HTTP.
Each entry is a record of kind "black"; what `forbids` needs of them is in memory: Desk.black.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from gateway.front import fields
from gateway.front.desk import (
    NOT_FOUND,
    ApiProblem,
    Asked,
    Desk,
    Handler,
    Record,
    Value,
    committed,
    record_of,
)
from gateway.front.entries import MAIL, PHONE, Entries
from gateway.front.keeping import HIGHEST, OK, full, in_turn, optional_text, turn_of

KIND: Final = "black"
ENTRIES_MAX: Final = 10_000
"""Of an account."""
COMMENT_MAX: Final = 200
"""Characters."""
PAGE: Final = 1000
ALL, MASS, SINGLE = 0, 1, 2
"""The types of entries."""
_WHY: Final = "phones.php"


def handlers(desk: Desk) -> dict[str, Handler]:
    """By the names of the operations, for both scripts."""
    made: dict[str, Handler] = {}
    for kind in (PHONE, MAIL):
        made[f"{kind.word}_black_add"] = in_turn(desk, partial(_add, desk, kind))
        made[f"{kind.word}_black_del"] = in_turn(desk, partial(_delete, desk, kind))
        made[f"{kind.word}_black_get"] = partial(_get, desk, kind)
    return made


def forbids(desk: Desk, account: str, phone: str, mass: bool) -> bool:
    """Whether a message of the account, one of several or a single one, may not go there.

    `phone`: digits, with or without +, or a mail address. Numbers that get nothing at all are not meant: the
    account's blacklist says so.
    """
    known = desk.black.get(account)
    if not known:
        return False
    address = phone.lower() if "@" in phone else phone.removeprefix("+")
    return known.get(address) in (ALL, MASS if mass else SINGLE)


def check_of(desk: Desk, account: str) -> Callable[[str, bool], bool] | None:
    """`forbids` for this account; None: its blacklist is empty, as most are."""
    return partial(forbids, desk, account) if desk.black.get(account) else None


async def load(desk: Desk) -> None:
    """Takes into memory what the store has, a page at a time."""
    after: tuple[object, ...] = ("", "", 0)
    while True:
        rows = await desk.rows("black_kept", (*after, PAGE))
        for row in rows:
            _remember(desk, row["account"], row["name"], row["type"])
        if len(rows) < PAGE:
            return
        after = tuple(rows[-1][name] for name in ("account", "name", "record_id"))


async def read(desk: Desk, account: str) -> None:
    """Takes into memory what another node has changed of an account's."""
    async with turn_of(desk, account):
        found = await desk.records.all(KIND, account, ENTRIES_MAX)
        desk.black.pop(account, None)
        for record in found:
            _remember(desk, account, record.name, record.data["type"])


def _remember(desk: Desk, account: str, address: str, sort: int) -> None:
    if sort == ALL and "@" not in address:
        desk.black.get(account, {}).pop(address, None)
    else:
        desk.black.setdefault(account, {})[address] = sort


async def _add(desk: Desk, kind: Entries, asked: Asked) -> Value:
    account, params = asked.account.name, asked.params
    address = kind.read_one(params.get(kind.word, ""))
    sort = fields.integer(params, "type", ALL, SINGLE) or ALL
    comment = optional_text(params, "cmt", COMMENT_MAX)
    known = await desk.records.named(KIND, account, address)
    if known is None:
        [row] = await desk.rows("count_records", (account, KIND))
        if row["count"] >= ENTRIES_MAX:
            raise full(f"{ENTRIES_MAX} entries")
    is_ours = await _is_ours(desk, account, known)
    number = desk.records.next_id(KIND) if known is None else known.record_id
    desk.records.put(KIND, account, Record(number, address, {"type": sort, "comment": comment}))
    batch, now_ms = desk.journal.batch, desk.clock.now_ms()
    if sort == ALL and not kind.is_mail:
        batch.blacklisted.append((account, address, now_ms, _WHY))
        await committed(desk.journal)
        desk.blacklists.add(account, (address,))
    else:
        await _taken_off(desk, account, address, is_ours=is_ours)
    _remember(desk, account, address, sort)
    return {"id": number}


async def _delete(desk: Desk, kind: Entries, asked: Asked) -> Value:
    account = asked.account.name
    address = kind.read_one(asked.params.get(kind.word, ""))
    known = await desk.records.named(KIND, account, address)
    if known is None:
        raise ApiProblem(NOT_FOUND)
    is_ours = await _is_ours(desk, account, known)
    desk.records.drop(KIND, account, known.record_id)
    await _taken_off(desk, account, address, is_ours=is_ours)
    desk.black.get(account, {}).pop(address, None)
    return OK


async def _is_ours(desk: Desk, account: str, known: Record | None) -> bool:
    """Whether it is for this entry that the number is on the account's blacklist, and for nothing else."""
    if known is None or known.data["type"] != ALL or "@" in known.name:
        return False
    rows = await desk.rows("black_why", (account, known.name))
    return bool(rows) and rows[0]["why"] == _WHY


async def _taken_off(desk: Desk, account: str, address: str, *, is_ours: bool) -> None:
    """Commits, and with it that the number leaves the account's blacklist if it is there for this entry.

    It leaves the memory at once, so that a stop word that comes meanwhile counts.
    """
    batch = desk.journal.batch
    if not is_ours or any(row[:2] == (account, address) for row in batch.blacklisted):
        await committed(desk.journal)
        return
    batch.unblacklisted.append((account, address))
    desk.blacklists.remove(account, (address,))
    try:
        await committed(desk.journal)
    except BaseException:
        desk.blacklists.add(account, (address,))
        raise


async def _get(desk: Desk, kind: Entries, asked: Asked) -> Value:
    account = asked.account.name
    most = fields.count(asked.params, PAGE)
    before = fields.integer(asked.params, "prev_id", 1, HIGHEST) or HIGHEST + 1
    rows = await desk.rows("black_entries", (account, int(kind.is_mail), before, most))
    if not rows:
        raise ApiProblem(NOT_FOUND)
    return [_shown(record_of(row), kind) for row in rows]


def _shown(record: Record, kind: Entries) -> dict[str, Any]:
    # addresses of mails have another name here than in the lists of contacts
    address = {"email" if kind.is_mail else kind.word: record.name}
    return {"id": record.record_id, **address, "type": record.data["type"], "comment": record.data["comment"]}
