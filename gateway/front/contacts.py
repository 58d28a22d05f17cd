"""phones.php and mails.php: contacts and groups (SMSC HTTP API, phones.php).

The two scripts do the same with numbers and with mail addresses. What a request reads and then changes is
its account's alone meanwhile.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from gateway.core.api import Contact
from gateway.front.address_book import (
    GROUP,
    GROUPS_MAX,
    PAGE,
    Group,
    contact_in,
    contact_of,
    group_numbers,
    groups_of,
    members_of,
)
from gateway.front.desk import CONTACT, NOT_FOUND, ApiProblem, Asked, Desk, Handler, Value, committed
from gateway.front.entries import MAIL, PHONE, Entries
from gateway.front.fields import bad, count, integer, items
from gateway.front.keeping import text, turn_of
from protocols.smsc_http.times import TimeError, parse_date

__all__ = ["group_numbers", "handlers"]

CONTACTS_MAX: Final = 100_000
"""Of one account and script."""
FAILED: Final = 5
"""Error number of these scripts, SMSC HTTP API §1.6."""
_ID_MAX: Final = 2**31 - 1
_GROUPS_LONGEST: Final = GROUPS_MAX * 11
"""Characters of the ids of all groups there may be."""
_DETAILS: Final = {
    "name": ("name", 100),
    "lnm": ("last_name", 100),
    "fnm": ("first_name", 100),
    "mnm": ("middle_name", 100),
    "bd": ("birthday", 10),
    "myid": ("own_id", 100),
    "cmt": ("comment", 1000),
    "tags": ("tags", 1000),
    "pho": ("others", 1000),
}
"""Parameters, what they are called in a Contact, and how many characters they may have."""


class _Filters(NamedTuple):
    """What a list of contacts is asked for."""

    group: str
    """The group's id; "": any."""
    fio: str
    search: str

    def let(self, contact: Contact) -> bool:
        """Whether a contact is among what was asked for."""
        if self.group and self.group not in contact.groups.split():
            return False
        names = (contact.first_name, contact.last_name, contact.middle_name)
        return _has(self.fio, *names) and _has(self.search, contact.name, contact.numbers)


def handlers(desk: Desk) -> dict[str, Handler]:
    """By the names of the operations, for both scripts."""
    book = _AddressBook(desk)
    actions: dict[str, Callable[[Entries, Asked], Awaitable[Value]]] = {
        "add": book.add,
        "chg": book.change,
        "del": book.delete,
        "get": book.show,
        "move": book.move,
        "join": book.join,
        "leave": book.leave,
        "group_add": book.add_group,
        "group_chg": book.change_group,
        "group_del": book.delete_group,
        "group_get": book.show_groups,
    }
    return {
        f"{kind.word}_{name}": partial(action, kind)
        for kind in (PHONE, MAIL)
        for name, action in actions.items()
    }


class _AddressBook:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    # -- contacts ----------------------------------------------------------------------------------------

    async def add(self, kind: Entries, asked: Asked) -> Value:
        """A new contact."""
        entries = kind.read_all(asked.params.get(kind.word, ""))
        details = _details(asked.params)
        if not details.get("name"):
            raise bad()
        account = asked.account.name
        async with turn_of(self._desk, account):
            groups = await self._groups_in(kind, asked)
            for entry in entries:
                if await contact_of(self._desk, account, entry, is_mail=kind.is_mail):
                    raise ApiProblem(FAILED, "another contact has this already")
            [row] = await self._desk.rows("count_contacts", (account, int(kind.is_mail)))
            if row["found"] >= CONTACTS_MAX:
                raise ApiProblem(FAILED, f"there are {CONTACTS_MAX} contacts already")
            number = self._desk.records.next_id(CONTACT)
            contact = Contact(
                number,
                account,
                int(kind.is_mail),
                " ".join(entries),
                " ".join(map(str, groups)),
                *("",) * len(_DETAILS),
            )
            changes: dict[str, Any] = dict(details)
            await self._put(contact._replace(**changes))
        return {"id": number}

    async def change(self, kind: Entries, asked: Asked) -> Value:
        """What is named of a contact becomes another."""
        params = asked.params
        changes: dict[str, Any] = dict(_details(params))
        if changes.get("name") == "":
            raise bad()
        new = params.get(f"new_{kind.word}", "")
        entries = kind.read_all(new) if new else []
        if entries:
            changes["numbers"] = " ".join(entries)
        if not changes and "grp" not in params:
            raise bad()
        async with turn_of(self._desk, asked.account.name):
            contact = await self._contact(kind, asked)
            for entry in entries:
                owner = await contact_of(self._desk, asked.account.name, entry, is_mail=kind.is_mail)
                if owner is not None and owner.contact_id != contact.contact_id:
                    raise ApiProblem(FAILED, "another contact has this already")
            if "grp" in params:
                changes["groups"] = " ".join(map(str, await self._groups_in(kind, asked)))
            await self._put(contact._replace(**changes))
        return {"result": "OK"}

    async def delete(self, kind: Entries, asked: Asked) -> Value:
        """It is no more."""
        async with turn_of(self._desk, asked.account.name):
            contact = await self._contact(kind, asked)
            self._desk.journal.batch.contacts_gone.append((contact.account, contact.contact_id))
            await committed(self._desk.journal)
        return {"result": "OK"}

    async def show(self, kind: Entries, asked: Asked) -> Value:
        """Those that fit, oldest first."""
        params, account = asked.params, asked.account.name
        most = count(params, PAGE)
        after = integer(params, "after_id", 0, _ID_MAX) or 0
        entry = kind.read_one(params[kind.word]) if params.get(kind.word) else ""
        groups = await groups_of(self._desk, account)
        group = _group_in(kind, groups, params["grp"]) if params.get("grp") else None
        filters = _Filters(
            str(group.group_id) if group else "",
            params.get("fio", "").casefold(),
            params.get("search", "").casefold(),
        )
        if entry:
            one = await contact_of(self._desk, account, entry, is_mail=kind.is_mail)
            found = [one] if one is not None and one.contact_id > after and filters.let(one) else []
        else:
            found = await self._search(kind, account, group, filters, after, most)
        if not found:
            raise ApiProblem(NOT_FOUND)
        return [_record(kind, contact, groups, group) for contact in found]

    async def _search(
        self, kind: Entries, account: str, group: Group | None, filters: _Filters, after: int, most: int
    ) -> list[Contact]:
        found: list[Contact] = []
        while len(found) < most:
            rows = await self._page(kind, account, group, after)
            found += [one for one in map(contact_in, rows) if filters.let(one)]
            if len(rows) < PAGE:
                break
            after = rows[-1]["contact_id"]
        return found[:most]

    async def _page(
        self, kind: Entries, account: str, group: Group | None, after: int
    ) -> list[dict[str, Any]]:
        of_account = (account, int(kind.is_mail), after, PAGE)
        if group is None:
            return await self._desk.rows("contacts_page", of_account)
        return await self._desk.rows("contacts_of_group", (group.group_id, *of_account))

    # -- who is in which group -----------------------------------------------------------------------------

    async def move(self, kind: Entries, asked: Asked) -> Value:
        """Into this group and out of all others."""
        return await self._regroup(kind, asked, lambda _, group: [group])

    async def join(self, kind: Entries, asked: Asked) -> Value:
        """Into one group more."""
        return await self._regroup(kind, asked, lambda groups, group: [*groups, group])

    async def leave(self, kind: Entries, asked: Asked) -> Value:
        """Out of a group."""

        def without(groups: list[str], group: str) -> list[str]:
            if group not in groups:
                raise ApiProblem(FAILED, "the contact is not in this group")
            return [one for one in groups if one != group]

        return await self._regroup(kind, asked, without)

    async def _regroup(
        self, kind: Entries, asked: Asked, change: Callable[[list[str], str], list[str]]
    ) -> Value:
        async with turn_of(self._desk, asked.account.name):
            group = await self._group(kind, asked)
            contact = await self._contact(kind, asked)
            groups = change(contact.groups.split(), str(group.group_id))
            await self._put(contact._replace(groups=" ".join(dict.fromkeys(groups))))
        return {"result": "OK"}

    # -- groups --------------------------------------------------------------------------------------------

    async def add_group(self, kind: Entries, asked: Asked) -> Value:
        """A new group; without a sending number it has the lowest that is free."""
        name, number = text(asked.params, "name", 100), _number_in(asked.params)
        is_mail = _is_mail(kind, asked.params)
        async with turn_of(self._desk, asked.account.name):
            groups = await groups_of(self._desk, asked.account.name)
            taken = {group.number for group in groups.values()}
            if number in taken or len(groups) >= GROUPS_MAX:
                raise ApiProblem(FAILED)
            if number is None:
                number = next(free for free in range(1, len(taken) + 2) if free not in taken)
            group = Group(self._desk.records.next_id(GROUP), name, number, is_mail)
            await self._put_group(asked, group)
        return {"id": group.group_id}

    async def change_group(self, kind: Entries, asked: Asked) -> Value:
        """Another name, and another sending number if one is given."""
        name, number = text(asked.params, "name", 100), _number_in(asked.params)
        async with turn_of(self._desk, asked.account.name):
            group = await self._group(kind, asked)
            groups = await groups_of(self._desk, asked.account.name)
            others = {one.number for one in groups.values() if one.group_id != group.group_id}
            if number in others:
                raise ApiProblem(FAILED)
            await self._put_group(asked, group._replace(name=name, number=number or group.number))
        return {"result": "OK"}

    async def delete_group(self, kind: Entries, asked: Asked) -> Value:
        """The group is gone at once; its contacts, which stay, forget it a page at a time."""
        account = asked.account.name
        async with turn_of(self._desk, account):
            group = await self._group(kind, asked)
            self._desk.records.drop(GROUP, account, group.group_id)
            await committed(self._desk.journal)
            gone = str(group.group_id)
            async for page in members_of(self._desk, account, group):
                for contact in page:
                    rest = " ".join(one for one in contact.groups.split() if one != gone)
                    self._desk.journal.batch.contacts.append(tuple(contact._replace(groups=rest)))
                await committed(self._desk.journal)
        return {"result": "OK"}

    async def show_groups(self, kind: Entries, asked: Asked) -> Value:
        """All of them, with how many contacts each has."""
        is_mail = _is_mail(kind, asked.params)
        groups = await groups_of(self._desk, asked.account.name)
        found = [group for group in groups.values() if group.is_mail is is_mail]
        if not found:
            raise ApiProblem(NOT_FOUND)
        rows = await self._desk.rows("group_sizes", (asked.account.name,))
        sizes = {row["group_id"]: row["size"] for row in rows}
        return [
            {
                "id": group.group_id,
                "name": group.name,
                "number": str(group.number),
                "cnt": str(sizes.get(group.group_id, 0)),
            }
            for group in found
        ]

    # -- what a request names ------------------------------------------------------------------------------

    async def _contact(self, kind: Entries, asked: Asked) -> Contact:
        entry = kind.read_all(asked.params.get(kind.word, ""))[0]
        contact = await contact_of(self._desk, asked.account.name, entry, is_mail=kind.is_mail)
        if contact is None:
            raise ApiProblem(NOT_FOUND)
        return contact

    async def _group(self, kind: Entries, asked: Asked) -> Group:
        groups = await groups_of(self._desk, asked.account.name)
        return _group_in(kind, groups, asked.params.get("grp", ""))

    async def _groups_in(self, kind: Entries, asked: Asked) -> list[int]:
        given = asked.params.get("grp", "")
        if len(given) > _GROUPS_LONGEST:
            raise bad()
        wanted = dict.fromkeys(items(given))
        if not wanted:
            return []
        groups = await groups_of(self._desk, asked.account.name)
        return [_group_in(kind, groups, one).group_id for one in wanted]

    async def _put(self, contact: Contact) -> None:
        self._desk.journal.batch.contacts.append(tuple(contact))
        await committed(self._desk.journal)

    async def _put_group(self, asked: Asked, group: Group) -> None:
        self._desk.records.put(GROUP, asked.account.name, group.record)
        await committed(self._desk.journal)


def _group_in(kind: Entries, groups: Mapping[int, Group], id: str) -> Group:
    number = integer({"grp": id}, "grp", 1, _ID_MAX)
    group = groups.get(number or 0)
    if group is None or group.is_mail is not kind.is_mail:
        raise bad() if number is None else ApiProblem(NOT_FOUND)
    return group


def _number_in(params: Mapping[str, str]) -> int | None:
    return integer(params, "num", 1, _ID_MAX)


def _is_mail(kind: Entries, params: Mapping[str, str]) -> bool:
    """The script's own kind of group, unless `type` says another."""
    asked = integer(params, "type", 0, 1)
    return kind.is_mail if asked is None else bool(asked)


def _details(params: Mapping[str, str]) -> dict[str, str]:
    """What a request says of a contact beside its numbers and groups."""
    found = {}
    for name, (column, most) in _DETAILS.items():
        if name in params:
            found[column] = params[name].strip()
            if len(found[column]) > most:
                raise bad()
    if found.get("birthday"):
        try:
            parse_date(found["birthday"])
        except TimeError:
            raise bad() from None
    return found


def _has(wanted: str, *texts: str) -> bool:
    return not wanted or any(wanted in one.casefold() for one in texts)


def _record(
    kind: Entries, contact: Contact, groups: Mapping[int, Group], group: Group | None
) -> dict[str, Any]:
    """One contact as `get` has it; of several groups, the one that was asked for, else the first."""
    known = [one for one in contact.groups.split() if int(one) in groups]
    return {
        kind.word: ",".join(contact.numbers.split()),
        "name": contact.name,
        "group": group.group_id if group else int(known[0]) if known else 0,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "middle_name": contact.middle_name,
        "birthday": contact.birthday,
        "id": contact.own_id,
        "comments": contact.comment,
        "tags": contact.tags,
        f"{kind.word}_other": contact.others,
        "int_id": str(contact.contact_id),
    }
