"""JSON of strangers: in UTF-8, of little depth, without names that come twice (RFC 8259 allows both)."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

MAX_DEPTH = 8
MAX_NAMES = 200
"""Of one object."""
MAX_OBJECTS = 2000
"""More of them, or what might be, are counted before anything is decoded: a thousand messages are as many."""
MAX_TOKENS = 50_000
"""Texts and brackets of what is counted. Four million octets of [] would hold the loop for seconds."""
_IN_AN_OBJECT = re.compile(rb":[ \t\r\n]*+\{")
_TOKENS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)


class BadJson(ValueError):
    """What is wrong with a text, for the one who wrote it."""


def load(body: bytes) -> Any:
    """The value of a body; raises BadJson."""
    if _may_be_deep(body) or body.count(b"{") > MAX_OBJECTS:
        _check_tokens(body)
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadJson(f"the body is not UTF-8: octet {error.start + 1}") from error
    except json.JSONDecodeError as error:
        raise BadJson(f"{error.msg}: line {error.lineno}, column {error.colno}") from error
    except BadJson:
        raise
    except ValueError as error:  # a number of thousands of digits
        raise BadJson("a number has too many digits") from error


def _may_be_deep(body: bytes) -> bool:
    """Counts what a deep text must have, because to look at each token takes longer than to decode them all.

    An object is the first of all, or in an object, or in an array; on the way down each array has one.
    """
    most = 1 + 2 * body.count(b"[")
    return most > MAX_DEPTH or most + len(_IN_AN_OBJECT.findall(body)) > MAX_DEPTH


def _check_tokens(body: bytes) -> None:
    depth = 0
    for count, found in enumerate(_TOKENS.finditer(body)):
        token = found[0]
        if token in (b"{", b"["):
            depth += 1
            if depth > MAX_DEPTH:
                raise BadJson(f"arrays and objects may be {MAX_DEPTH} deep, not deeper")
        elif token in (b"}", b"]"):
            depth -= 1
        if count == MAX_TOKENS:
            raise BadJson("there is too much in it: send fewer messages at once")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_NAMES:
        raise BadJson(f"an object may have {MAX_NAMES} names, not more")
    found = dict(pairs)
    if len(found) != len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise BadJson(f"the name {twice[:40]!a} stands twice in one object")
    return found


def _constant(name: str) -> Any:
    raise BadJson(f"{name} is no number in JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
