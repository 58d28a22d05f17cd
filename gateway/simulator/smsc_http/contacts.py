"""phones.php and mails.php: contacts and groups. The blacklists are in blacklist.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial

from gateway.simulator.smsc_http import fields
from gateway.simulator.smsc_http.model import ApiProblem, Handler, Params
from gateway.simulator.smsc_http.moments import day
from gateway.simulator.smsc_http.shelf import Shelf

MAX_CONTACTS = 10_000
MAX_ENTRIES = 100
"""Numbers or addresses of one contact."""
MAX_GROUPS = 1_000
MAX_RECORDS = 1_000

_NO_RECORDS = 3
_FAILED = 5


class EntryKind(IntEnum):
    """What a contact or group holds; the numbers are those of the parameter `type`."""

    PHONE = 0
    MAIL = 1

    @property
    def word(self) -> str:
        """How the parameters of this kind's script name an entry."""
        return "phone" if self is EntryKind.PHONE else "mail"

    def read_one(self, value: str) -> str:
        """One number or address, in the form it is kept in."""
        return fields.phone(value) if self is EntryKind.PHONE else fields.mail(value)

    def read_all(self, value: str) -> list[str]:
        """A list of them, from one to MAX_ENTRIES."""
        found = fields.phones(value) if self is EntryKind.PHONE else fields.mails(value)
        if len(found) > MAX_ENTRIES:
            raise fields.bad()
        return found


@dataclass(slots=True, eq=False)
class Group:
    """A group of contacts; `number` is what send.php calls it by."""

    id: int
    kind: EntryKind
    name: str
    number: int


@dataclass(slots=True, eq=False)
class Contact:
    """A subscriber with one or more numbers or addresses."""

    id: int
    entries: list[str]
    groups: list[Group] = field(default_factory=list)
    details: dict[str, str] = field(default_factory=dict)
    """By the names of the parameters: name, fnm, lnm, mnm, bd, myid, cmt, tags, pho."""


_DETAILS = ("name", "fnm", "lnm", "mnm", "bd", "myid", "cmt", "tags", "pho")
_ANSWER = {
    "first_name": "fnm",
    "last_name": "lnm",
    "middle_name": "mnm",
    "birthday": "bd",
    "id": "myid",
    "comments": "cmt",
    "tags": "tags",
}


class Contacts:
    """The address book of the account."""

    def __init__(self) -> None:
        self._groups: Shelf[Group] = Shelf(MAX_GROUPS)
        self._contacts: dict[EntryKind, Shelf[Contact]] = {kind: Shelf(MAX_CONTACTS) for kind in EntryKind}

    def handlers(self) -> dict[str, Handler]:
        """By the names of the operations, for both scripts."""
        actions: dict[str, Callable[[EntryKind, dict[str, str], float], object]] = {
            "add": self._add,
            "chg": self._change,
            "del": self._delete,
            "get": self._get,
            "move": self._move,
            "join": self._join,
            "leave": self._leave,
            "group_add": self._group_add,
            "group_chg": self._group_change,
            "group_del": self._group_delete,
            "group_get": self._group_get,
        }
        return {
            f"{kind.word}_{name}": partial(action, kind)
            for kind in EntryKind
            for name, action in actions.items()
        }

    def group_entries(self, number: str) -> Sequence[str] | None:
        """All numbers or addresses of the group with this sending number; None: no such group."""
        for group in self._groups:
            if str(group.number) == number:
                members = (c for c in self._contacts[group.kind] if group in c.groups)
                return list(dict.fromkeys(entry for contact in members for entry in contact.entries))
        return None

    def _add(self, kind: EntryKind, params: dict[str, str], now: float) -> object:
        entries = kind.read_all(params.get(kind.word, ""))
        fields.text(params, "name")
        details = _details_of(params)
        groups = self._groups_of(kind, params)
        if any(self._find(kind, entry) for entry in entries):
            raise ApiProblem(_FAILED)
        contact = self._contacts[kind].add(lambda id: Contact(id, entries, groups, details))
        return {"id": contact.id}

    def _change(self, kind: EntryKind, params: dict[str, str], now: float) -> object:
        details = _details_of(params)
        new = params.get(f"new_{kind.word}", "")
        entries = kind.read_all(new) if new else None
        groups = self._groups_of(kind, params) if "grp" in params else None
        if not details and entries is None and groups is None:
            raise fields.bad()
        contact = self._contact(kind, params)
        if entries is not None:
            if any(self._find(kind, entry) not in (None, contact) for entry in entries):
                raise ApiProblem(_FAILED)
            contact.entries = entries
        if groups is not None:
            contact.groups = groups
        contact.details.update(details)
        return {"result": "OK"}

    def _delete(self, kind: EntryKind, params: dict[str, str], now: float) -> object:
        self._contacts[kind].remove(self._contact(kind, params).id)
        return {"result": "OK"}

    def _get(self, kind: EntryKind, params: dict[str, str], now: float) -> object:
        most = fields.count(params, MAX_RECORDS)
        after = fields.optional_integer(params, "after_id", 0, 2**31 - 1) or 0
        entry = kind.read_one(params[kind.word]) if params.get(kind.word) else ""
        group = self._group(kind, params) if params.get("grp") else None
        fio, search = params.get("fio", "").casefold(), params.get("search", "").casefold()
        found = [
            contact
            for contact in self._contacts[kind]
            if contact.id > after
            and (not entry or entry in contact.entries)
            and (group is None or group in contact.groups)
            and _has(fio, *(contact.details.get(name, "") for name in ("fnm", "lnm", "mnm")))
            and _has(search, contact.details["name"], *contact.entries)
        ]
        if not found:
            raise ApiProblem(_NO_RECORDS)
        return [_record(kind, contact, group) for contact in found[:most]]

    def _move(self, kind: EntryKind, params: dict[str, str], now: float) -> object:
        group, contact = self._group(kind, params), self._contact(kind, params)
        contact.groups = [group]
        return {"result": "OK"}

    def _join(self, kind: EntryKind, params: dict[str, str], now: float) -> object:
        group, contact = self._group(kind, params), self._contact(kind, params)
        if group not in contact.groups:
            contact.groups.append(group)
        return {"result": "OK"}

    def _leave(self, kind: EntryKind, params: dict[str, str], now: float) -> object:
        group, contact = self._group(kind, params), self._contact(kind, params)
        if group not in contact.groups:
            raise ApiProblem(_FAILED)
        contact.groups.remove(group)
        return {"result": "OK"}

    def _group_add(self, kind: EntryKind, params: dict[str, str], now: float) -> object:
        name = fields.text(params, "name")
        kind = _kind_of(kind, params)
        number = self._number_of(params)
        taken = {group.number for group in self._groups}
        if number is None:  # the lowest that is free
            number = next(free for free in range(1, len(taken) + 2) if free not in taken)
        elif number in taken:
            raise ApiProblem(_FAILED)
        if len(self._groups) >= MAX_GROUPS:
            raise ApiProblem(_FAILED)
        chosen = number
        return {"id": self._groups.add(lambda id: Group(id, kind, name, chosen)).id}

    def _group_change(self, kind: EntryKind, params: dict[str, str], now: float) -> object:
        name, number = fields.text(params, "name"), self._number_of(params)
        group = self._group(kind, params)
        if number is not None and any(o.number == number for o in self._groups if o is not group):
            raise ApiProblem(_FAILED)
        group.name = name
        group.number = group.number if number is None else number
        return {"result": "OK"}

    def _group_delete(self, kind: EntryKind, params: dict[str, str], now: float) -> object:
        group = self._group(kind, params)
        for contact in self._contacts[kind]:
            if group in contact.groups:
                contact.groups.remove(group)
        self._groups.remove(group.id)
        return {"result": "OK"}

    def _group_get(self, kind: EntryKind, params: dict[str, str], now: float) -> object:
        kind = _kind_of(kind, params)
        found = [group for group in self._groups if group.kind is kind]
        if not found:
            raise ApiProblem(_NO_RECORDS)
        sizes = dict.fromkeys((group.id for group in found), 0)
        for contact in self._contacts[kind]:
            for group in contact.groups:
                sizes[group.id] += 1
        return [
            {"id": group.id, "name": group.name, "number": group.number, "cnt": str(sizes[group.id])}
            for group in found
        ]

    def _find(self, kind: EntryKind, entry: str) -> Contact | None:
        return next((contact for contact in self._contacts[kind] if entry in contact.entries), None)

    def _contact(self, kind: EntryKind, params: Params) -> Contact:
        contact = self._find(kind, kind.read_all(params.get(kind.word, ""))[0])
        if contact is None:
            raise ApiProblem(_NO_RECORDS)
        return contact

    def _group(self, kind: EntryKind, params: Params) -> Group:
        return self._group_by(kind, fields.text(params, "grp"))

    def _groups_of(self, kind: EntryKind, params: Params) -> list[Group]:
        ids = dict.fromkeys(fields.split(params.get("grp", "")))
        return [self._group_by(kind, id) for id in ids]

    def _group_by(self, kind: EntryKind, id: str) -> Group:
        group = self._groups.get(fields.as_integer(id, 1, 2**31 - 1))
        if group is None or group.kind is not kind:
            raise ApiProblem(_NO_RECORDS)
        return group

    @staticmethod
    def _number_of(params: Params) -> int | None:
        return fields.optional_integer(params, "num", 1, 2**31 - 1)


def _kind_of(kind: EntryKind, params: Params) -> EntryKind:
    """The script's own kind, unless `type` says another."""
    asked = fields.optional_integer(params, "type", 0, 1)
    return kind if asked is None else EntryKind(asked)


def _details_of(params: Params) -> dict[str, str]:
    day(params, "bd")
    return {name: fields.optional_text(params, name) for name in _DETAILS if name in params}


def _has(wanted: str, *texts: str) -> bool:
    return not wanted or any(wanted in text.casefold() for text in texts)


def _record(kind: EntryKind, contact: Contact, group: Group | None) -> dict[str, object]:
    """One contact as `get` has it; of several groups, the one that was asked for, else the first."""
    shown = group or next(iter(contact.groups), None)
    return {
        kind.word: ",".join(contact.entries),
        "name": contact.details["name"],
        "group": shown.id if shown else 0,
        **{key: contact.details.get(name, "") for key, name in _ANSWER.items()},
        f"{kind.word}_other": contact.details.get("pho", ""),
        "int_id": str(contact.id),
    }
