"""Writing answers as the service does, octet for octet where the reference shows them.

What is given is what fmt 3 says (see `answers`). Only the members of the operation's shape are written, in
the order of the format; a member that is not there is left out of fmt 2 and 3, and is empty, or 0 for a
number, in fmt 0 and 1.  Lines end with one line feed, the last one with nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from protocols.smsc_http.layouts import Answer, Block, Element, Kind, Member, Shape, Template
from protocols.smsc_http.operations import OPERATIONS, answer_fmt

_quoted: Final = json.JSONEncoder(ensure_ascii=False).encode
_TEXT, _TEXTS, _RECORDS = Kind.TEXT, Kind.TEXTS, Kind.RECORDS
_quoted_name: Final = lru_cache(maxsize=1024)(_quoted)
_UNQUOTED: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_XML_TEXT: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_XML_ATTRIBUTE: Final = {**_XML_TEXT, ord('"'): "&quot;", ord("\n"): "&#10;", ord("\t"): "&#9;"}


def render(operation: str, value: object, fmt: int, *, params: Mapping[str, str] | None = None) -> str:
    """The answer of `operation` (a key of OPERATIONS) in `fmt`, 0 to 3.

    `value` is a dict, or a sequence of them where the answer is a list: the operation, and of some the
    `params` of the request, say which. ValueError when it is the other.
    """
    found = OPERATIONS[operation]
    fmt = answer_fmt(found, fmt)
    params = params or {}
    listed = found.answer.is_list(params)
    records = _records(value, listed)
    shaped = [(_shape(found.answer, params, record, listed), record) for record in records]
    match fmt:
        case 3:
            written = [_as_json(_object(shape, record)) for shape, record in shaped]
            return _array(written) if listed else written[0]
        case 2:
            root = found.answer.listing.root if listed and found.answer.listing else ""
            return "\n".join(_tree(root, shaped))
        case 0 | 1:
            answer = found.answer
            return "\n".join([_lines(shape, record, fmt, answer.known(shape)) for shape, record in shaped])
    raise ValueError("fmt is 0, 1, 2 or 3")


def render_failure(number: int, text: str, fmt: int, id: int | str | None = None) -> str:
    """An error: its number, its text (not in fmt 1), the id of a message that is registered all the same."""
    match fmt:
        case 0:
            return f"ERROR = {number} ({text})" + ("" if id is None else f", ID - {id}")
        case 1:
            return f"{'0' if id is None else id},-{number}"
        case 2:
            parts = [f"<error>{_xml_text(text)}</error>", f"<error_code>{number}</error_code>"]
            parts += [] if id is None else [f"<id>{_xml_text(str(id))}</id>"]
            return "\n".join(["<result>", *parts, "</result>"])
        case 3:
            members = [("error", _quoted(text)), ("error_code", str(number))]
            members += [] if id is None else [("id", _json_value(Kind.IDENTITY, id))]
            return _as_json(members)
    raise ValueError("fmt is 0, 1, 2 or 3")


# -- which shape ------------------------------------------------------------------------------------


def _records(value: object, listed: bool) -> Sequence[Mapping[str, Any]]:
    if not listed and type(value) is dict:
        return (value,)
    records: object = value if listed else [value]
    if not isinstance(records, Sequence) or not all(isinstance(record, Mapping) for record in records):
        raise ValueError(f"the answer is {'a list of objects' if listed else 'one object'}")
    return records


def _shape(answer: Answer, params: Mapping[str, str], record: Mapping[str, Any], listed: bool) -> Shape:
    """The first shape that this request and this record may have."""
    for shape in answer.shapes_of(params, listed):
        if shape.mark is None:
            return shape
        name, wanted = shape.mark
        if name in record and wanted in (None, record[name]):
            return shape
    raise ValueError("the answer has no such shape")


def _apart(shape: Shape, record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The two members that fmt 3 writes as one."""
    if shape.keyed is None:
        return record
    plain = {member.name for member in shape.members} - set(shape.keyed)
    name = next((name for name in record if name not in plain), "")
    return {shape.keyed[0]: name, shape.keyed[1]: record.get(name, ""), **record}


# -- fmt 3 ------------------------------------------------------------------------------------------


def _object(shape: Shape, record: Mapping[str, Any]) -> list[tuple[str, str]]:
    if shape.keyed is None:
        return _members(shape.members, record)
    plain = [member for member in shape.members if member.name not in shape.keyed]
    apart = _apart(shape, record)
    key, value = (apart[name] for name in shape.keyed)
    return [(key, _json_value(Kind.NUMBER, value)), *_members(plain, record)]


def _members(members: Iterable[Member], record: Mapping[str, Any]) -> list[tuple[str, str]]:
    written = []
    for member in members:
        value = record.get(member.name)
        if value is None:
            continue
        kind = member.kind
        if kind is _RECORDS:
            text = _array([_as_json(_members(member.inner, inner)) for inner in value])
        elif kind is _TEXTS:
            text = f"[{', '.join([_json_value(Kind.TEXT, each) for each in value])}]"
        else:
            text = _json_value(kind, value)
        written.append((member.name, text))
    return written


def _json_value(kind: Kind, value: object) -> str:
    """Numbers stand without quotes; so does an id, unless that would be no JSON."""
    text = str(value)
    if type(value) is int and kind is not _TEXT and 0 <= value < 10**19:
        return text
    if kind is Kind.NUMBER and isinstance(value, int):
        return text
    if kind is not Kind.TEXT and _UNQUOTED.fullmatch(text):
        return text
    return _quoted(text)


def _as_json(members: Iterable[tuple[str, str]]) -> str:
    """One member per line, nothing indented."""
    body = ",\n".join([f"{_quoted_name(name)}: {text}" for name, text in members])
    return f"{{\n{body}\n}}"


def _array(objects: Sequence[str]) -> str:
    return "[" + ",\n".join(objects) + "]"


# -- fmt 2 ------------------------------------------------------------------------------------------


def _tree(root: str, shaped: Iterable[tuple[Shape, Mapping[str, Any]]]) -> list[str]:
    rows = [] if not root else [f"<{root}>"]
    for shape, record in shaped:
        rows += _element(shape.tree, _apart(shape, record))
    return rows if not root else [*rows, f"</{root}>"]


def _element(element: Element, value: Any) -> list[str]:
    """An element that holds only a text is one line, any other has its tags on lines of their own."""
    if element.text == ".":
        return [f"<{element.tag}>{_xml_text(str(value))}</{element.tag}>"]
    pairs = [
        f' {name}="{_xml_attribute(str(value[member]))}"'
        for name, member in element.attributes
        if value.get(member) is not None
    ]
    begin = f"<{element.tag}{''.join(pairs)}>"
    if element.text:
        begin += _xml_text(str(value.get(element.text, "")))
    if element.each:
        (child,) = element.children
        inside = [row for each in value.get(element.each) or () for row in _element(child, each)]
    else:
        inside = [
            row for child in element.children if _is_there(child, value) for row in _element(child, value)
        ]
    end = f"</{element.tag}>"
    if element.text and not inside:
        return [begin + end]
    return [begin, *inside, end]


def _is_there(element: Element, value: Mapping[str, Any]) -> bool:
    needed = element.each or element.text
    return not needed or value.get(needed) is not None


def _xml_text(text: str) -> str:
    return _NOT_XML.sub("?", text).translate(_XML_TEXT)


def _xml_attribute(text: str) -> str:
    return _NOT_XML.sub("?", text).translate(_XML_ATTRIBUTE)


# -- fmt 0 and 1 ------------------------------------------------------------------------------------


def _lines(shape: Shape, record: Mapping[str, Any], fmt: int, known: Mapping[str, Member]) -> str:
    record = _leading(shape, _apart(shape, record))
    written = []
    for block in shape.values if fmt else shape.text:
        rows = [_line(block.template, row, known) for row in _rows(block, record)]
        if rows:
            written.append("\n".join(rows))
    return ("\n" if fmt else shape.gap).join(written)


def _rows(block: Block, record: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    if not block.rows:
        return [record]
    return [{**record, **row} for row in record.get(block.rows) or ()]


def _leading(shape: Shape, record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Several values of which the first says what a line leaves out."""
    if shape.leading is None:
        return record
    first, several = shape.leading
    others = [each for each in record.get(several) or () if each != record.get(first)]
    return {**record, several: [record.get(first, ""), *others]}


def _line(template: Template, record: Mapping[str, Any], known: Mapping[str, Member]) -> str:
    written: list[str] = []
    for part in template.parts:
        value = record.get(part.member)
        if value is None:
            if part.optional:
                continue
            member = known.get(part.member)
            value = "0" if member and member.kind is Kind.NUMBER else ""
        elif isinstance(value, list | tuple):
            value = ",".join([str(each) for each in value])
        written += (part.before, str(value))
    return "".join([*written, template.tail])
