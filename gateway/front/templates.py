"""templates.php: the account's own templates of messages (SMSC HTTP API, templates.php)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.front.desk import NOT_FOUND, ApiProblem, Asked, Desk, Handler, Record, Value, committed
from gateway.front.fields import bad, flag, integer
from gateway.front.keeping import turn_of

KIND: Final = "template"
"""Of the records."""
TEMPLATES_MAX: Final = 1000
NAME_MAX, TEXT_MAX, SENDER_MAX = 100, 1000, 100
FORMATS: Final = ("", "sms", "flash", "bin", "push", "mms", "call", "mail", "viber")
NOT_SAVED: Final = 5
"""Error number of this script, SMSC HTTP API §1.6."""
_ID_MAX: Final = 2**31 - 1


def handlers(desk: Desk) -> dict[str, Handler]:
    """By the names of the operations."""
    templates = _Templates(desk)
    return {
        "tpl_add": templates.add,
        "tpl_chg": templates.change,
        "tpl_del": templates.delete,
        "tpl_get": templates.list,
    }


async def text_of(desk: Desk, account: str, template_id: int) -> str | None:
    """A template's text; None: the account has none with this id."""
    found = await desk.records.get(KIND, account, template_id)
    return None if found is None else str(found.data["msg"])


class _Templates:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def add(self, asked: Asked) -> Value:
        """A new one."""
        data = _read(asked.params)
        name, text = asked.params.get("name", ""), data.get("msg", "")
        if not name or not text:
            raise bad()
        async with turn_of(self._desk, asked.account.name):
            [row] = await self._desk.rows("count_records", (asked.account.name, KIND))
            if row["count"] >= TEMPLATES_MAX:
                raise ApiProblem(NOT_SAVED, f"there are {TEMPLATES_MAX} templates already")
            number = self._desk.records.next_id(KIND)
            await self._put(asked, Record(number, name, {"format": "", "sender": "", "flag": 0, **data}))
        return {"id": number}

    async def change(self, asked: Asked) -> Value:
        """What is named of it becomes another."""
        data = _read(asked.params)
        async with turn_of(self._desk, asked.account.name):
            known = await self._find(asked)
            name = asked.params.get("name", known.name)
            if not name or not data.get("msg", known.data["msg"]):
                raise bad()
            await self._put(asked, Record(known.record_id, name, {**known.data, **data}))
        return {"result": "OK"}

    async def delete(self, asked: Asked) -> Value:
        """It is no more."""
        async with turn_of(self._desk, asked.account.name):
            known = await self._find(asked)
            self._desk.records.drop(KIND, asked.account.name, known.record_id)
            await committed(self._desk.journal)
        return {"result": "OK"}

    async def list(self, asked: Asked) -> Value:
        """All of them, oldest first."""
        found = await self._desk.records.all(KIND, asked.account.name, TEMPLATES_MAX)
        if not found:
            raise ApiProblem(NOT_FOUND)
        return [
            {
                "id": one.record_id,
                "name": one.name,
                "format": one.data["format"],
                "sender": one.data["sender"],
                "flag": one.data["flag"],
                "message": one.data["msg"],
            }
            for one in found
        ]

    async def _find(self, asked: Asked) -> Record:
        number = integer(asked.params, "id", 1, _ID_MAX)
        found = None
        if number is not None:
            found = await self._desk.records.get(KIND, asked.account.name, number)
        if found is None:
            raise ApiProblem(NOT_FOUND)
        return found

    async def _put(self, asked: Asked, record: Record) -> None:
        self._desk.records.put(KIND, asked.account.name, record)
        await committed(self._desk.journal)


def _read(params: Mapping[str, str]) -> dict[str, Any]:
    """What a request says of a template, checked; the name is not among it."""
    found: dict[str, Any] = {}
    for name, most in (("msg", TEXT_MAX), ("format", 10), ("sender", SENDER_MAX)):
        if name in params:
            found[name] = params[name]
            if len(params[name]) > most:
                raise bad()
    if len(params.get("name", "")) > NAME_MAX or found.get("format", "") not in FORMATS:
        raise bad()
    if "fl[1]" in params:
        found["flag"] = int(flag(params, "fl[1]"))
    return found
