"""Objects of one level in JSON and XML, both ways: the body of /rest/send/, and of callbacks.

Values are text: a number stays as it is written, true and false are "1" and "0", null is as if absent.
FlatError is all that escapes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final, NoReturn

MAX_MEMBERS: Final = 256

_is_prolog = re.compile(r"\s*(?:<\?xml[^<>?]{0,200}\?>\s*)?<([A-Za-z_][\w.-]{0,63})\s*(/?)>", re.ASCII).match
_is_element = re.compile(
    r"\s*<([A-Za-z_][\w.-]{0,63})\s*(?:/>|>(?:([^<]*)|<!\[CDATA\[(.*?)\]\]>)</\1\s*>)", re.ASCII | re.DOTALL
).match
_is_name = re.compile(r"[A-Za-z_][\w.-]{0,63}", re.ASCII).fullmatch
_each_reference = re.compile(r"&(?:#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6})|(\w{2,4}));|&", re.ASCII).sub
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_surrogates = re.compile("[\ud800-\udfff]").sub
_not_xml = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]").sub


class FlatError(ValueError):
    """Text that is no object of one level; the message never repeats it."""


def parse_json(text: str, *, lists: bool = False) -> dict[str, str]:
    """The members of an object. With `lists` an array of values is their text, joined by commas."""
    try:
        found = json.loads(
            text, parse_int=str, parse_float=str, parse_constant=_no_constant, object_pairs_hook=_Pairs
        )
    except (ValueError, RecursionError):
        raise FlatError("it is no JSON") from None
    if not isinstance(found, _Pairs) or len(found) > MAX_MEMBERS:
        raise FlatError(f"it is no JSON object of at most {MAX_MEMBERS} members")
    values: dict[str, str] = {}
    for name, value in found:
        if name in values:
            raise FlatError("a member stands twice")
        if lists and isinstance(value, list) and not isinstance(value, _Pairs):
            value = ",".join([_value(each) for each in value])
        if value is not None:
            values[name] = _value(value)
    return values


class _Pairs(list[tuple[str, object]]):
    """An object's members as they stand; a list of JSON is never one."""


def _no_constant(name: str) -> NoReturn:
    raise FlatError("NaN and Infinity are no JSON")


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if not isinstance(value, str):
        raise FlatError("a value is neither text nor a number")
    return _surrogates("\ufffd", value)


def format_json(members: Iterable[tuple[str, str | int]]) -> str:
    """An object, one member in a line, as the service writes it."""
    lines = [f"{_json(name)}: {_json(value)}" for name, value in members]
    return "{\n" + ",\n".join(lines) + "\n}"


def _json(value: str | int) -> str:
    return json.dumps(value, ensure_ascii=False)


def parse_xml(text: str) -> dict[str, str]:
    """The text of each child of the root, which has nothing else: no attributes, no DTD, no depth."""
    root = _is_prolog(text)
    if root is None:
        raise FlatError("it is no XML element")
    position = root.end()
    values: dict[str, str] = {}
    while not root[2] and (found := _is_element(text, position)) is not None:
        if found[1] in values or len(values) == MAX_MEMBERS:
            raise FlatError(f"an element stands twice, or there are more than {MAX_MEMBERS}")
        values[found[1]] = _each_reference(_character, found[2] or "") if found[3] is None else found[3]
        position = found.end()
    end = "" if root[2] else f"</{root[1]}>"
    if text[position:].strip() != end:
        raise FlatError("the root element has more than elements of text")
    return values


def _character(match: re.Match[str]) -> str:
    decimal, hexadecimal, name = match.groups()
    code = int(decimal) if decimal else int(hexadecimal, 16) if hexadecimal else None
    if code is not None and 0 < code < 0x110000 and not 0xD800 <= code < 0xE000:
        return chr(code)
    if name not in _NAMED:
        raise FlatError("a reference names no character")
    return _NAMED[name]


def format_xml(root: str, members: Iterable[tuple[str, str | int]]) -> str:
    """An element with a child in each line; members whose names XML does not allow are left out."""
    lines = [f"<{name}>{_escaped(str(value))}</{name}>" for name, value in members if _is_name(name)]
    return "\n".join([f"<{root}>", *lines, f"</{root}>"])


def _escaped(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    return _not_xml("\ufffd", text)
