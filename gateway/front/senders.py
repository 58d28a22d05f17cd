"""senders.php: the names that an account may send with (SMSC HTTP API, senders.php).

Those of `allowed_sources` are there from the beginning. Others are added here, and wait for a person's word
(`smsc-gateway sender allow`) where the account has such a list; where it has none every name is good. A
number is allowed when its owner knows the code that was sent to it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway.core.accounts import Account, family_of
from gateway.core.hours import zone_of
from gateway.front.desk import (
    NOT_FOUND,
    ApiProblem,
    Asked,
    Desk,
    Handler,
    Record,
    Unavailable,
    Value,
    committed,
)
from gateway.front.documents_kept import FOLDER, path_of, remove, write
from gateway.front.fields import begin_ms, count, flag, integer
from gateway.front.keeping import HIGHEST, OK, full, in_turn, not_saved, optional_text, sender_name, text
from gateway.front.sender_codes import Codes, whose
from gateway.front.sender_records import (
    ALLOWED,
    KIND,
    NAMES_MAX,
    OFF,
    WAITS,
    SenderName,
    name_in,
    put,
    state_of,
)
from protocols.smsc_http.requests import File
from protocols.smsc_http.times import TimeError, parse_date

RECORDS_MAX: Final = 15_000
FILES_MAX: Final = 20
"""Of one name."""
FILE_MAX: Final = 3 * 1024 * 1024
FILES_OCTETS_MAX: Final = 100 * 1024 * 1024
"""Of an account with all its sub-clients: as many names as there may be would fill the disk."""
OPERATORS: Final = (
    *("mega_step", "mega_int", "bee_step", "motiv", "motiv_step", "motiv_int", "sber_step", "sber_int"),
    *("winmob_step", "volnamob_step", "mts_step", "mts_int", "tele2_step", "tele2", "tele2_int"),
    *("ua_reg", "ua_int", "by_reg", "by_int"),
)
"""Registrations of a name, in the order of JSON answers."""
_ASKABLE: Final = tuple(
    name for name in OPERATORS if not name.endswith("_int") or name in ("ua_int", "by_int")
)
_UA_NEEDS: Final = ("fio", "inn", "site", "email", "address", "desc", "subj")
_BY_NEEDS: Final = ("by_fio", "by_inn", "by_address", "by_mes", "by_site")
_STATES: Final = {WAITS: 0, ALLOWED: 2, OFF: 3}
"""The state of a registration that was asked for, as a person's word on the name leaves it."""
_FILE_TYPES: Final = ("jpg", "tif", "pdf", "png", "zip", "rar")
_is_file_name = re.compile(r"[^/\\\x00-\x1f\x7f]{1,200}").fullmatch


def handlers(desk: Desk) -> dict[str, Handler]:
    """By the names of the operations."""
    senders, codes = _Senders(desk), Codes(desk)
    return {
        "sender_get": in_turn(desk, senders.show),
        "sender_add": in_turn(desk, senders.add),
        "sender_chg": in_turn(desk, senders.change),
        "sender_del": in_turn(desk, senders.delete),
        "sender_code": in_turn(desk, codes.send),
        "sender_check": in_turn(desk, codes.check),
    }


class _Senders:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def add(self, asked: Asked) -> Value:
        """A new name, with one document at most."""
        whose(asked)
        params = asked.params
        is_mail = flag(params, "mail")
        name = sender_name(text(params, "sender", 254), is_mail=is_mail)
        comment = optional_text(params, "name" if is_mail else "cmt")
        operators = _registrations(params)
        _check_files(asked.files)
        names = await self._names(asked)
        if any(one.name == name for one in names):
            raise not_saved("the account has this name already")
        if len(names) >= NAMES_MAX:
            raise full(f"{NAMES_MAX} names")
        new = SenderName(
            self._desk.records.next_id(KIND),
            name,
            WAITS,
            comment,
            self._desk.clock.now_ms(),
            operators,
        )
        await self._put(asked, new)
        return {"sender": new.number}

    async def change(self, asked: Asked) -> Value:
        """Another comment, more registrations, a document."""
        operators = _registrations(asked.params)
        comment = optional_text(asked.params, "cmt")
        _check_files(asked.files)
        known = await self._find(asked)
        all_of_them = tuple(dict.fromkeys((*known.operators, *operators)))
        changed = known._replace(
            comment=comment if "cmt" in asked.params else known.comment, operators=all_of_them
        )
        if all_of_them != known.operators:
            changed = changed._replace(changed_ms=self._desk.clock.now_ms())
        await self._put(asked, changed)
        return OK

    async def delete(self, asked: Asked) -> Value:
        """It is no more; one of allowed_sources stays."""
        known = await self._find(asked)
        if known.name in asked.account.config.allowed_sources:
            raise not_saved("the name is one of allowed_sources: only who configures the gateway removes it")
        if known.status == OFF:  # or the next code for it would undo that
            raise not_saved("the name is refused, and stays so until somebody allows it")
        account = asked.account.name
        self._desk.records.drop(KIND, account, known.number)
        await committed(self._desk.journal)
        self._desk.sender_names.put(account, known.name, self._desk.accounts, allowed=False)
        await self._remove(known.files)
        return OK

    async def show(self, asked: Asked) -> Value:
        """Active names, or all, newest first."""
        whose(asked)
        params = asked.params
        wants_all, wants_operators = flag(params, "all"), flag(params, "operators")
        wants_files, most = flag(params, "files"), count(params, RECORDS_MAX)
        before = integer(params, "prev_id", 1, HIGHEST) or HIGHEST + 1
        names = [
            one._replace(status=state_of(one, asked.account))
            for one in await self._names(asked)
            if one.number < before
        ]
        names.sort(key=lambda one: one.number, reverse=True)
        if params.get("from_date"):
            since = _since(asked)
            names = [one for one in names if one.operators and one.changed_ms >= since]
            names.sort(key=lambda one: one.changed_ms, reverse=True)
        found = [one for one in names if wants_all or one.status == ALLOWED]
        if not found:
            raise ApiProblem(NOT_FOUND)
        return [
            _row(one, wants_all=wants_all, wants_operators=wants_operators, wants_files=wants_files)
            for one in found[:most]
        ]

    async def _names(self, asked: Asked) -> list[SenderName]:
        """All names of an account; those of allowed_sources get their ids when they are first seen."""
        desk, account = self._desk, asked.account
        found = [name_in(one) for one in await desk.records.all(KIND, account.name, 2 * NAMES_MAX)]
        known = {one.name for one in found}
        new = [
            SenderName(desk.records.next_id(KIND), name, WAITS, "", desk.clock.now_ms())
            for name in account.config.allowed_sources[:NAMES_MAX]
            if name not in known
        ]
        if new:
            for one in new:
                desk.records.put(KIND, account.name, one.record)
            await committed(desk.journal)
        return [*found, *new]

    async def _find(self, asked: Asked) -> SenderName:
        whose(asked)
        number = integer(asked.params, "id", 1, HIGHEST)
        name = asked.params.get("sender", "")
        for one in reversed(await self._names(asked)):
            if (one.name == name) if number is None else (one.number == number):
                found: SenderName = one
                return found
        raise ApiProblem(NOT_FOUND)

    async def _put(self, asked: Asked, name: SenderName) -> None:
        kept = await self._with_files(name, asked)
        try:
            await put(self._desk, asked.account.name, kept)
        except Unavailable:
            await self._remove(kept.files[len(name.files) :])
            raise

    async def _remove(self, files: Sequence[Mapping[str, Any]]) -> None:
        folder = self._desk.state_dir
        if folder is not None and files:
            await asyncio.to_thread(remove, [path_of(folder, one["fid"]) for one in files])

    async def _octets_kept(self, account: Account) -> int:
        """Of the documents of its names, and of those of its family."""
        accounts, whose = self._desk.accounts, family_of(account)
        return sum(
            one.get("size", FILE_MAX)
            for name, record in await self._desk.records.of_kind(KIND)
            if name in accounts and family_of(accounts[name]) == whose
            for one in record.data["files"]
        )

    async def _with_files(self, name: SenderName, asked: Asked) -> SenderName:
        folder, submission = self._desk.state_dir, self._desk.submission
        if not asked.files:
            return name
        if folder is None or submission.closed_because is not None or self._desk.journal.error:
            raise Unavailable
        octets = sum(len(file.content) for file in asked.files)
        if await self._octets_kept(asked.account) + octets > FILES_OCTETS_MAX:
            raise full(f"{FILES_OCTETS_MAX >> 20} MB of documents")
        files = list(name.files)
        if len(files) + len(asked.files) > FILES_MAX:
            raise full(f"{FILES_MAX} documents of this name")
        for file in asked.files:
            number = self._desk.records.next_id(FOLDER)
            try:
                await asyncio.to_thread(write, path_of(folder, number), file.content)
            except OSError:  # the disk is full
                await self._remove([{"fid": number}])
                raise Unavailable from None
            files.append(
                {
                    "fid": number,
                    "size": len(file.content),
                    "file": file.filename,
                    "info": optional_text(asked.params, "doc_info"),
                }
            )
        # the id of a file is never given again, whatever becomes of its name
        self._desk.records.put(FOLDER, asked.account.name, Record(number, "", {}))
        self._desk.records.drop(FOLDER, asked.account.name, number)
        return name._replace(files=tuple(files))


# -- what a request says ---------------------------------------------------------------------------------


def _registrations(params: Mapping[str, str]) -> tuple[str, ...]:
    """The operators a request asks for; error 1 if it lacks what their countries need."""
    asked = tuple(name for name in _ASKABLE if flag(params, name))
    if "ua_reg" in asked or "ua_int" in asked:
        for name in _UA_NEEDS:
            text(params, name)
    if "by_reg" in asked or "by_int" in asked:
        for name in _BY_NEEDS:
            text(params, name)
        for name, most in (("by_ocup", 19), ("by_type", 3)):
            if integer(params, name, 1, most) is None:
                raise ApiProblem(1, f"{name} is missing")
    return asked


def _check_files(files: Sequence[File]) -> None:
    if len(files) > 1:
        raise ApiProblem(1, "one document at a time")
    for file in files:
        kind = file.filename.rpartition(".")[2].lower()
        if kind not in _FILE_TYPES or _is_file_name(file.filename) is None:
            raise ApiProblem(1, f"a document is one of {', '.join(_FILE_TYPES)}")
        if len(file.content) > FILE_MAX:
            raise ApiProblem(1, "a document has at most 3 MB")


def _since(asked: Asked) -> int:
    try:
        day = parse_date(asked.params["from_date"])
        return begin_ms(day, zone_of(asked.account.config.time_zone))
    except (TimeError, OverflowError):
        raise ApiProblem(1) from None


def _row(name: SenderName, *, wants_all: bool, wants_operators: bool, wants_files: bool) -> Mapping[str, Any]:
    row: dict[str, Any] = {"sender": name.name}
    if wants_operators:
        state = str(_STATES[name.status])
        row.update({one: state for one in OPERATORS if one in name.operators})
        row["id"] = str(name.number)
    else:
        row.update({"status": name.status} if wants_all else {})
        row["id"] = name.number
    if wants_files:
        seen = {WAITS: 0, ALLOWED: 2, OFF: 1}[name.status]
        row["files"] = [
            {"file": one["file"], "fid": one["fid"], "fstatus": seen, "fcomment": one["info"]}
            for one in name.files
        ]
    return row
