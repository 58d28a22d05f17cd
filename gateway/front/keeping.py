"""What the scripts share that keep small things of an account: one change after the other, to its end."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Mapping
from typing import Any, Final

from gateway.front.desk import BAD_DATE, BAD_PARAMETERS, ApiProblem, Asked, Desk, Handler, Value
from gateway.front.entries import MAIL

OK: Final[Mapping[str, Any]] = {"result": "OK"}
MAX_TEXT: Final = 1000
"""Characters of a name, a comment, a text."""
HIGHEST: Final = 2**31 - 1

_is_sender_name = re.compile(r"[A-Za-z0-9 !\"#$%&'()*+,./:;<=>?_-]{1,11}|[0-9]{1,15}", re.ASCII).fullmatch


def turn_of(desk: Desk, account: str) -> asyncio.Lock:
    """Who has it changes what the account keeps, and nobody else does meanwhile."""
    return desk.turns.setdefault(account, asyncio.Lock())


def in_turn(desk: Desk, handler: Handler) -> Handler:
    """The handler, for one request of an account after the other, each to its end even if its client leaves:
    what is in memory has to follow what is stored."""

    async def held(asked: Asked) -> Value:
        async with turn_of(desk, asked.account.name):
            return await handler(asked)

    async def turn(asked: Asked) -> Value:
        return await to_its_end(held(asked))

    return turn


async def to_its_end(doing: Coroutine[Any, Any, Value]) -> Value:
    """Goes on when the client leaves."""
    return await asyncio.shield(asyncio.ensure_future(doing))


def full(what: str) -> ApiProblem:
    """Error 5: there are as many as there may be."""
    return ApiProblem(BAD_DATE, f"there are {what} already, and that is all there may be")


def not_saved(text: str) -> ApiProblem:
    """Error 5 of scripts that keep things: it cannot be done."""
    return ApiProblem(BAD_DATE, text)


# -- parameters ------------------------------------------------------------------------------------------


def text(params: Mapping[str, str], name: str, most: int = MAX_TEXT) -> str:
    """A parameter that must be there."""
    value = optional_text(params, name, most)
    if not value.strip():
        raise ApiProblem(BAD_PARAMETERS)
    return value


def optional_text(params: Mapping[str, str], name: str, most: int = MAX_TEXT) -> str:
    """A parameter that may be missing: empty then."""
    value = params.get(name, "")
    if len(value) > most:
        raise ApiProblem(BAD_PARAMETERS, f"{name} has at most {most} characters")
    return value


def sender_name(value: str, *, is_mail: bool = False) -> str:
    """Who a message can be from: up to 11 characters, up to 15 digits, or a mail address."""
    if is_mail:
        return MAIL.read_one(value)
    if not _is_sender_name(value):
        raise ApiProblem(BAD_PARAMETERS)
    return value
