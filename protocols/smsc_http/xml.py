"""Reading the small trees of elements that the service writes in fmt 2.

No document type, no entities but the five and numeric references, no sections, no comments: whatever could
make more of a text than stands in it is refused.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

MAX_DEPTH: Final = 16
MAX_NODES: Final = 200_000

_PROLOG: Final = re.compile(r"\s*(?:<\?xml[^<>]{0,200}\?>\s*)?")
_NAME: Final = r"[A-Za-z_][A-Za-z0-9_.-]{0,63}"
_ATTRIBUTE: Final = rf"""\s+({_NAME})\s*=\s*(?:"([^"<]*)"|'([^'<]*)')"""
_TAG: Final = re.compile(
    rf"""<(?:/(?P<end>{_NAME})\s*|(?P<start>{_NAME})(?P<attributes>(?:{_ATTRIBUTE})*)\s*(?P<empty>/?))>"""
)
_ATTRIBUTES: Final = re.compile(_ATTRIBUTE)
_REFERENCE: Final = re.compile(r"&(?:#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6})|([a-z]{2,4}));|&")
_ENTITIES: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


class XmlError(ValueError):
    """No such tree."""


class Node(NamedTuple):
    """An element; `text` is what stands before its first child, as it is written but for references."""

    tag: str
    attributes: dict[str, str]
    children: list[Node]
    text: str


class _Open:
    """An element whose end has not come yet."""

    __slots__ = ("attributes", "children", "tag", "text")

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.children: list[Node] = []
        self.text = ""

    def node(self) -> Node:
        return Node(self.tag, self.attributes, self.children, self.text)


def parse(text: str) -> Node:
    """The root element of `text`. XmlError for anything else than one whole tree within the bounds."""
    prolog = _PROLOG.match(text)
    at = prolog.end() if prolog else 0
    above: list[_Open] = []
    nodes = 0
    while True:
        tag = _TAG.match(text, at)
        if tag is None:
            raise XmlError("it is no element")
        nodes += 1
        done = _step(tag, above)
        if len(above) > MAX_DEPTH or nodes > 2 * MAX_NODES:
            raise XmlError("it is too deep or has too many elements")
        at = tag.end()
        if done is not None and not above:
            break
        at = _text(text, at, above[-1])
    if text[at:].strip():
        raise XmlError("something stands after the root element")
    return done


def _step(tag: re.Match[str], above: list[_Open]) -> Node | None:
    """Open or close an element; the one that is complete now, if any is."""
    if tag["end"]:
        if not above or above[-1].tag != tag["end"]:
            raise XmlError("an element ends that was not open")
        closed = above.pop().node()
    else:
        begun = _Open(tag["start"], _attributes(tag["attributes"]))
        if not tag["empty"]:
            above.append(begun)
            return None
        closed = begun.node()
    if above:
        above[-1].children.append(closed)
    return closed


def _text(text: str, at: int, within: _Open) -> int:
    """Take the text up to the next tag, and tell where that is."""
    end = text.find("<", at)
    if end < 0:
        raise XmlError("it ends within an element")
    found = text[at:end]
    if within.children:
        if not found.isspace() and found:
            raise XmlError("text stands between elements")
    else:
        within.text = _plain(found)
    return end


def _attributes(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in _ATTRIBUTES.finditer(text):
        if match[1] in found:
            raise XmlError("an attribute stands twice")
        found[match[1]] = _plain(match[2] if match[2] is not None else match[3])
    return found


def _plain(text: str) -> str:
    return _REFERENCE.sub(_character, text) if "&" in text else text


def _character(match: re.Match[str]) -> str:
    if match[3] in _ENTITIES:
        return _ENTITIES[match[3]]
    number = int(match[1]) if match[1] else int(match[2], 16) if match[2] else 0
    if not 0 < number <= 0x10FFFF or 0xD800 <= number < 0xE000:
        raise XmlError("a reference that names no character")
    return chr(number)
