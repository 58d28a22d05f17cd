"""The values of an answer, brought to what the tables say they are.

Whatever format an answer came in, its records come here: numbers become numbers, ids of messages too unless
the client chose a text for one, and what is not what it should be is no answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from protocols.smsc_http.layouts import Answer, Kind, Member, Shape

Record = dict[str, object]

_NUMBER: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_PLAIN_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_IS_NAME: Final = re.compile(r"[!-~]{1,64}")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class AnswerError(ValueError):
    """A text that is no answer of the operation; the message never repeats it."""


def has_mark(shape: Shape, record: Mapping[str, object]) -> bool:
    if shape.mark is None:
        return True
    name, wanted = shape.mark
    return name in record and (wanted is None or str(record[name]) == str(wanted))


def typed(shape: Shape, answer: Answer, raw: object) -> Record:
    """The record with its values as they should be. AnswerError: one is not, or is needed and not there."""
    if not isinstance(raw, dict):
        raise AnswerError("not an object")
    kinds = answer.known(shape)
    other_names = dict(shape.aliases)
    record: Record = {}
    for name, found in raw.items():
        if name not in kinds and other_names.get(name, name) not in raw:
            name = other_names.get(name, name)
        member = kinds.get(name)
        if shape.keyed and (member is None or name in shape.keyed):
            member = Member(name, Kind.NUMBER)
        value = value_of(member, found) if member else _unknown(found)
        if value is not None and (name in kinds or _IS_NAME.fullmatch(name)):
            record[name] = value
    if any(name not in record for name in shape.needs):
        raise AnswerError(f"{', '.join(shape.needs)} is not there")
    if answer.shapes[0].mark == ("result", "OK") and record.get("result") != "OK":
        raise AnswerError("neither OK nor an error")
    return record


def value_of(member: Member, found: object) -> object:
    """None: as if it were not there."""
    kind = member.kind
    # nearly every value of fmt 3 is one of these two
    if kind is Kind.TEXT and isinstance(found, str):
        return clean(found)
    if type(found) is int and kind in (Kind.NUMBER, Kind.IDENTITY):
        return found
    if found is None:
        return None
    match kind, found:
        case _, bool():
            pass
        case Kind.NUMBER | Kind.IDENTITY, "":
            return None
        case Kind.NUMBER, str() if _NUMBER.fullmatch(found.strip()):
            return int(found.strip())  # int() leaves some of what strip() takes off
        case Kind.IDENTITY, str():
            return identity(found)
        case Kind.TEXT, int():
            return str(found)
        case Kind.TEXTS, str():
            return [part.strip() for part in found.split(",") if part.strip()]
        case Kind.TEXTS, list():
            return [value_of(Member(member.name), each) for each in found if each is not None]
        case Kind.RECORDS, list():
            return [_inner(member, each) for each in found]
    raise AnswerError(f"{member.name} is not what it should be")


def _inner(member: Member, found: object) -> Record:
    if not isinstance(found, dict):
        raise AnswerError(f"{member.name} holds what is no object")
    kinds = {inner.name: inner for inner in member.inner}
    typed = {
        name: value_of(kinds[name], value) if name in kinds else _unknown(value)
        for name, value in found.items()
        if _IS_NAME.fullmatch(name)
    }
    return {name: value for name, value in typed.items() if value is not None}


def _unknown(found: object) -> object:
    """What no table knows stays when it is a plain value."""
    if isinstance(found, str):
        return clean(found)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def identity(text: str) -> int | str:
    return int(text) if _PLAIN_NUMBER.fullmatch(text) else clean(text)


def clean(text: str) -> str:
    """JSON can write halves of characters, which nothing else can."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)
