"""The blacklists of phones.php and mails.php: whom no message, or no message of one sort, goes to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from gateway.simulator.smsc_http import fields
from gateway.simulator.smsc_http.contacts import EntryKind
from gateway.simulator.smsc_http.model import ApiProblem, Handler
from gateway.simulator.smsc_http.shelf import Shelf

MAX_ENTRIES = 10_000
MAX_RECORDS = 1_000

_NO_RECORDS = 3
_MASS = 1
_SINGLE = 2


@dataclass(slots=True, eq=False)
class Entry:
    """One number or address; `type` 0 keeps off all messages, 1 mass mailings, 2 single messages."""

    id: int
    kind: EntryKind
    address: str
    type: int
    comment: str


class Blacklist:
    """The account's two blacklists, with ids in common."""

    def __init__(self) -> None:
        self._entries: Shelf[Entry] = Shelf(MAX_ENTRIES)
        self._by_address: dict[tuple[EntryKind, str], Entry] = {}

    def handlers(self) -> dict[str, Handler]:
        """By the names of the operations, for both scripts."""
        return {
            f"{kind.word}_black_{name}": partial(action, kind)
            for kind in EntryKind
            for name, action in (("add", self._add), ("del", self._delete), ("get", self._get))
        }

    def forbids(self, address: str, *, mass: bool) -> bool:
        """Whether a message to this number or address may not be sent."""
        kind = EntryKind.MAIL if "@" in address else EntryKind.PHONE
        entry = self._by_address.get((kind, address.removeprefix("+")))
        return entry is not None and entry.type in (0, _MASS if mass else _SINGLE)

    def _add(self, kind: EntryKind, params: dict[str, str], now: float) -> object:
        address = kind.read_one(params.get(kind.word, ""))
        sort = fields.optional_integer(params, "type", 0, 2) or 0
        comment = fields.optional_text(params, "cmt")
        entry = self._by_address.get((kind, address))
        if entry is not None:
            entry.type, entry.comment = sort, comment
            return {"id": entry.id}
        if len(self._entries) >= MAX_ENTRIES:
            oldest = next(iter(self._entries))
            del self._by_address[oldest.kind, oldest.address]
        entry = self._entries.add(lambda id: Entry(id, kind, address, sort, comment))
        self._by_address[kind, address] = entry
        return {"id": entry.id}

    def _delete(self, kind: EntryKind, params: dict[str, str], now: float) -> object:
        entry = self._by_address.pop((kind, kind.read_one(params.get(kind.word, ""))), None)
        if entry is None:
            raise ApiProblem(_NO_RECORDS)
        self._entries.remove(entry.id)
        return {"result": "OK"}

    def _get(self, kind: EntryKind, params: dict[str, str], now: float) -> object:
        most = fields.count(params, MAX_RECORDS)
        before = fields.optional_integer(params, "prev_id", 1, 2**31 - 1)
        found = [
            entry
            for entry in self._entries.newest()
            if entry.kind is kind and (before is None or entry.id < before)
        ]
        if not found:
            raise ApiProblem(_NO_RECORDS)
        return [
            {"id": entry.id, _member_of(kind): entry.address, "type": entry.type, "comment": entry.comment}
            for entry in found[:most]
        ]


def _member_of(kind: EntryKind) -> str:
    """Addresses of mails have another name here than in the lists of contacts."""
    return "email" if kind is EntryKind.MAIL else kind.word
