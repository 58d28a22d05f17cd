"""Reading the service's answers: in every format they become what fmt 3 says.

A success is a dict, or a list of them, by `Shape.members`: a number is an int, everything else a text; a
member that the service left out, or left empty though it is a number, is not there. What the tables do not
know is kept when it is a plain value.  In fmt 0 and 1 texts are not escaped: what cannot be told apart there
is no answer, so ask for fmt 3.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, NoReturn

from protocols.smsc_http import xml
from protocols.smsc_http.layouts import Answer, Block, Element, Kind, Member, Shape
from protocols.smsc_http.matching import by_blocks, matched
from protocols.smsc_http.operations import OPERATIONS, answer_fmt
from protocols.smsc_http.values import AnswerError, Record, clean, has_mark, identity, typed, value_of

__all__ = ["MAX_CHARACTERS", "AnswerError", "Failure", "Record", "Value", "parse"]

Value = Record | list[Record]

MAX_CHARACTERS: Final = 16 * 1024 * 1024
"""A longer text is not looked at."""
_MAX_ERROR_TEXT: Final = 500
_SAYS_OK: Final = ("result", "OK")

_TEXT_ERROR: Final = re.compile(r"ERROR = ([0-9]{1,4}) \((.*)\)(?:, ID - ([A-Za-z0-9._-]{1,40}))?", re.DOTALL)
_VALUES_ERROR: Final = re.compile(r"([A-Za-z0-9._-]{1,40}),-([0-9]{1,4})")
# The service writes every id without quotes, also a text; within a string no such member can stand.
_BARE_ID: Final = re.compile(r'("id"\s*:\s*)([A-Za-z0-9._-]{1,40})(?=\s*[,}])')


class Failure(NamedTuple):
    """The service refused.

    `number` as in `errors`, `text` as the service has it ("" in fmt 1), `id` of a message that it registered
    all the same.
    """

    number: int
    text: str
    id: int | str | None = None


def parse(operation: str, fmt: int, text: str, *, params: Mapping[str, str] | None = None) -> Value | Failure:
    """What the service answered to `operation` (a key of OPERATIONS) in `fmt`.

    `params` are those of the request: the shape of some answers depends on them, in fmt 0 and 1 of all that
    have several. Raises AnswerError.
    """
    found = OPERATIONS[operation]
    params = params or {}
    if len(text) > MAX_CHARACTERS:
        raise AnswerError(f"longer than {MAX_CHARACTERS} characters")
    text = text.removeprefix("\ufeff").strip("\r\n")
    match answer_fmt(found, fmt):
        case 3:
            if text == "OK" and any(shape.mark == _SAYS_OK for shape in found.answer.shapes):
                text = '{"result": "OK"}'  # its public clients know the short form from the service
            read: _Reader = _json(text)
        case 2:
            read = _xml(text)
        case 0 | 1 as chosen:
            read = _Lines(text, chosen)
        case _:
            raise ValueError("fmt is 0, 1, 2 or 3")
    failure = read.failure(found.script == "send.php")
    if failure is not None:
        return failure
    if not found.answer.shapes:
        raise AnswerError("not a file and not an error")
    return read.success(found.answer, params)


class _Json:
    """fmt 3; also the objects that the other formats are brought to."""

    def __init__(self, value: object) -> None:
        self._value = value

    def failure(self, is_sending: bool) -> Failure | None:
        if not isinstance(self._value, dict) or "error_code" not in self._value:
            return None
        number = value_of(Member("error_code", Kind.NUMBER), self._value["error_code"])
        text = self._value.get("error", "")
        found = value_of(Member("id", Kind.IDENTITY), self._value.get("id")) if is_sending else None
        if not isinstance(number, int) or not isinstance(text, str):
            raise AnswerError("an error without its number")
        return Failure(number, clean(text[:_MAX_ERROR_TEXT]), found if isinstance(found, int | str) else None)

    def success(self, answer: Answer, params: Mapping[str, str]) -> Value:
        value = self._value
        is_list = isinstance(value, list)
        if is_list and answer.listing is None:
            raise AnswerError("an array where one object is expected")
        listed = is_list or answer.is_list(params)
        records = value if isinstance(value, list) else [value]
        shapes = answer.shapes_of(params, listed)
        read = [typed(_choose(shapes, record), answer, record) for record in records]
        return read if listed else read[0]


class _Xml:
    """fmt 2."""

    def __init__(self, root: xml.Node) -> None:
        self._root = root

    def failure(self, is_sending: bool) -> Failure | None:
        if self._root.tag != "result":
            return None
        return _Json({node.tag: node.text for node in self._root.children}).failure(is_sending)

    def success(self, answer: Answer, params: Mapping[str, str]) -> Value:
        root, listing = self._root, answer.listing
        is_list = listing is not None and root.tag == listing.root
        if listing is not None and listing.root and not listing.commas and not is_list:
            raise AnswerError(f"the root element is not {listing.root}")
        listed = is_list or answer.is_list(params)
        shapes = answer.shapes_of(params, listed)
        read = []
        for node in root.children if is_list else [root]:
            fitting = [shape for shape in shapes if shape.tree.tag == node.tag]
            if not fitting:
                raise AnswerError("an element that is not expected")
            plain = next((shape for shape in fitting if shape.mark is None), fitting[-1])
            raw = _gathered(plain.tree, node)
            shape = _choose(fitting, raw)
            read.append(typed(shape, answer, _keyed(shape, raw)))
        return read if listed else read[0]


class _Lines:
    """fmt 0 and 1."""

    def __init__(self, text: str, fmt: int) -> None:
        self._text = text
        self._fmt = fmt

    def failure(self, is_sending: bool) -> Failure | None:
        if self._fmt == 0:
            found = _TEXT_ERROR.fullmatch(self._text)
            if found is None:
                return None
            id_text = found[3] if is_sending else None
            return Failure(int(found[1]), found[2][:_MAX_ERROR_TEXT], identity(id_text) if id_text else None)
        found = _VALUES_ERROR.fullmatch(self._text)
        if found is None or (found[1] != "0" and not is_sending):
            return None
        return Failure(int(found[2]), "", None if found[1] == "0" else identity(found[1]))

    def success(self, answer: Answer, params: Mapping[str, str]) -> Value:
        listed = answer.is_list(params)
        shapes = answer.shapes_of(params, listed)
        if not listed:
            return self._record(shapes, answer, self._text)
        rows = [line.rstrip("\r") for line in self._text.split("\n")] if self._text else []
        grouped = self._blocks(shapes[-1])[0].rows
        if grouped:
            return self._groups(shapes[-1], answer, rows, grouped)
        return [self._record(shapes, answer, row) for row in rows]

    def _blocks(self, shape: Shape) -> tuple[Block, ...]:
        return shape.values if self._fmt else shape.text

    def _record(self, shapes: Sequence[Shape], answer: Answer, text: str) -> Record:
        """The first shape counts whose template fits, and whose values are what they should be."""
        for shape in shapes:
            raw = by_blocks(self._blocks(shape), text)
            if raw is None or (self._fmt and shape.proof and raw.get(shape.proof[0]) != shape.proof[1]):
                continue
            names = {member.name for member in shape.members}
            kept = _led(shape, {name: value for name, value in raw.items() if name in names})
            try:
                record = typed(shape, answer, _keyed(shape, kept))
            except AnswerError:
                continue
            if has_mark(shape, record):
                return record
        raise AnswerError("a line that does not fit")

    def _groups(self, shape: Shape, answer: Answer, rows: Sequence[str], member: str) -> Value:
        """Rows that repeat what they have in common: one record for each run of them."""
        template = self._blocks(shape)[0].template
        outer = [found.name for found in shape.members if found.name != member]
        records: list[dict[str, Any]] = []
        for row in rows:
            raw = matched(template, row)
            if raw is None:
                raise AnswerError("a line that does not fit")
            common = {name: raw.pop(name) for name in outer if name in raw}
            if not records or any(records[-1].get(name) != value for name, value in common.items()):
                records.append({**common, member: []})
            records[-1][member].append(raw)
        return [typed(shape, answer, record) for record in records]


_Reader = _Json | _Xml | _Lines

# -- which shape ------------------------------------------------------------------------------------


def _choose(shapes: Sequence[Shape], record: object) -> Shape:
    """By what the record holds; the last one when nothing marks another."""
    if not isinstance(record, dict):
        raise AnswerError("not an object")
    for shape in shapes:
        if has_mark(shape, record):
            return shape
    return shapes[-1]


# -- what stands otherwise than in fmt 3 -----------------------------------------------------------


def _keyed(shape: Shape, raw: Mapping[str, object]) -> Mapping[str, object]:
    """What fmt 3 writes as one member stands apart in the others."""
    if shape.keyed is None:
        return raw
    name, value = (raw.get(member) for member in shape.keyed)
    if not isinstance(name, str) or not name:
        raise AnswerError(f"{shape.keyed[0]} is not there")
    return {name: value, **{key: found for key, found in raw.items() if key not in shape.keyed}}


def _led(shape: Shape, raw: dict[str, object]) -> dict[str, object]:
    """A member that a line leaves out because it is the first of several that stand there."""
    if shape.leading is not None:
        first, several = shape.leading
        if first not in raw and isinstance(texts := raw.get(several), str):
            raw[first] = texts.partition(",")[0].strip()
    return raw


# -- JSON -------------------------------------------------------------------------------------------


def _json(text: str) -> _Json:
    try:
        return _Json(_loads(text))
    except AnswerError:
        raise
    except (ValueError, RecursionError):
        pass
    try:
        return _Json(_loads(_BARE_ID.sub(r'\1"\2"', text)))
    except AnswerError:
        raise
    except (ValueError, RecursionError):
        raise AnswerError("not JSON") from None


def _loads(text: str) -> object:
    found: object = json.loads(
        text, object_pairs_hook=_object, parse_int=_int, parse_float=str, parse_constant=_no_constant
    )
    return found


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise AnswerError("a member stands twice")
    return found


def _int(text: str) -> int:
    if len(text) > 20:
        raise AnswerError("a number of too many digits")
    return int(text)


def _no_constant(name: str) -> NoReturn:
    raise AnswerError("not a number")


# -- XML --------------------------------------------------------------------------------------------


def _xml(text: str) -> _Xml:
    try:
        return _Xml(xml.parse(text))
    except xml.XmlError as error:
        raise AnswerError(f"not XML: {error}") from None


def _gathered(element: Element, node: xml.Node) -> Record:
    """The members that an element holds, by its place in the tree of the shape."""
    if node.tag != element.tag:
        raise AnswerError("an element that is not expected")
    raw: Record = {
        member: node.attributes[name] for name, member in element.attributes if name in node.attributes
    }
    if element.text:
        raw[element.text] = node.text.rstrip("\r\n") if node.children else node.text
    if element.each:
        (child,) = element.children
        raw[element.each] = [
            found.text if child.text == "." else _gathered(child, found) for found in node.children
        ]
        return raw
    known = {child.tag: child for child in element.children}
    for found in node.children:
        inner = _gathered(known[found.tag], found) if found.tag in known else {found.tag: found.text}
        if any(name in raw for name in inner):
            raise AnswerError("an element stands twice")
        if found.tag in known or not found.children:
            raw.update(inner)
    return raw
