"""Objects of one level in JSON and XML, both ways: the body of /rest/send/, and of callbacks.

Values are text: a number stays as it is written, true and false are "1" and "0", null is as if absent.
FlatError is all that escapes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final, NoReturn

from protocols.smsc_http import xml

MAX_MEMBERS: Final = 256

_is_name = re.compile(r"[A-Za-z_][\w.-]{0,63}", re.ASCII).fullmatch
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
    try:
        root = xml.parse(_without_sections(text))
    except xml.XmlError:
        raise FlatError("it is no XML element") from None
    values = {child.tag: child.text for child in root.children}
    if len(values) < len(root.children) or len(values) > MAX_MEMBERS:
        raise FlatError(f"an element stands twice, or there are more than {MAX_MEMBERS}")
    if any(child.children or child.attributes for child in root.children) or root.text.strip():
        raise FlatError("the root element has more than elements of text")
    return values


def _without_sections(text: str) -> str:
    """CDATA sections as the text that they stand for; others may write them."""
    first, *rest = text.split("<![CDATA[")
    pieces = [first]
    for piece in rest:
        section, end, after = piece.partition("]]>")
        if not end:
            raise FlatError("a CDATA section does not end")
        pieces += [_escaped(section), after]
    return "".join(pieces)


def format_xml(root: str, members: Iterable[tuple[str, str | int]]) -> str:
    """An element with a child in each line; members whose names XML does not allow are left out."""
    lines = [f"<{name}>{_escaped(str(value))}</{name}>" for name, value in members if _is_name(name)]
    return "\n".join([f"<{root}>", *lines, f"</{root}>"])


def _escaped(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    return xml_text(text)


def xml_text(text: str) -> str:
    """The text with U+FFFD for each character that no XML can have."""
    return _not_xml("\ufffd", text)
