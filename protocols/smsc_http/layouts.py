"""What a shape of an answer is made of, and the short notation in which the tables write it.

One record of an answer stands in four ways: fmt 0 and 1 are templates of text, fmt 2 is a small tree of
elements, fmt 3 lists its members.  Everything here is data: `answers` reads by it, `rendering` writes by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from string import Formatter
from typing import NamedTuple


class Kind(Enum):
    """What a member holds; the letter stands behind a colon in `members()`."""

    TEXT = "S"
    NUMBER = "N"
    IDENTITY = "I"
    """A number, or a text where the client chose one: an id of a message."""
    TEXTS = "L"
    RECORDS = "R"


class Member(NamedTuple):
    """One member of the object of fmt 3; `inner` are those of its records."""

    name: str
    kind: Kind = Kind.TEXT
    inner: tuple[Member, ...] = ()


class Part(NamedTuple):
    """A member in a line of text, and what stands before it; both are absent together when `optional`."""

    before: str
    member: str
    optional: bool = False


class Template(NamedTuple):
    """A line of fmt 0 or 1. `free` is the member that may hold the separators itself, "" when none does."""

    parts: tuple[Part, ...]
    tail: str = ""
    free: str = ""


class Block(NamedTuple):
    """Lines of one template: one for the record itself, or one for each record of the member `rows`."""

    template: Template
    rows: str = ""


class Element(NamedTuple):
    """An element of fmt 2.

    `text` is the member whose value it holds ("." for the value itself), `attributes` are pairs of attribute
    and member. With `each` the only child stands once for each record of that member.
    """

    tag: str
    text: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    children: tuple[Element, ...] = ()
    each: str = ""


class Shape(NamedTuple):
    """One record of an answer in the four formats, and when an answer has this shape."""

    members: tuple[Member, ...]
    text: tuple[Block, ...]
    values: tuple[Block, ...]
    tree: Element
    needs: tuple[str, ...] = ()
    """Members without which an object is not this answer."""
    when: tuple[tuple[str, str], ...] = ()
    """Parameters of the request and their values; "0" is also an absent one."""
    listed: bool | None = None
    """Only in a list, only outside of one, or both."""
    mark: tuple[str, int | str | None] | None = None
    """A member, and its value, by which a record is known to have this shape."""
    proof: tuple[str, str] | None = None
    """What a line of fmt 1 must hold, whose columns do not tell."""
    gap: str = "\n"
    """Between the blocks of fmt 0."""
    keyed: tuple[str, str] | None = None
    """Two members that fmt 3 writes as one, whose name is the value of the first."""
    leading: tuple[str, str] | None = None
    """A member that fmt 1 leaves out, being the first value of the other."""
    aliases: tuple[tuple[str, str], ...] = ()
    """Names that were seen in place of the documented ones."""


class Listing(NamedTuple):
    """An answer of any number of records: the root of fmt 2, lines of fmt 0 and 1, an array of fmt 3.

    `commas` are parameters: the answer is a list only when one of them holds a comma. None: always.
    """

    root: str = "list"
    commas: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """Every shape that an operation's success may have; the first that fits counts."""

    shapes: tuple[Shape, ...]
    listing: Listing | None = None
    _known: dict[int, dict[str, Member]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _found: dict[tuple[bool, tuple[str, ...]], list[Shape]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _values: frozenset[tuple[str, str]] = field(init=False, repr=False, compare=False)
    _names: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        values = frozenset(condition for shape in self.shapes for condition in shape.when)
        object.__setattr__(self, "_values", values)
        object.__setattr__(self, "_names", tuple(sorted({name for name, _ in values})))

    def shapes_of(self, params: Mapping[str, str], listed: bool) -> list[Shape]:
        """The shapes that the answer to this request may have. A value that selects none is like "0"."""
        said = tuple(
            [params[name] if (name, params.get(name)) in self._values else "0" for name in self._names]
        )
        found = self._found.get((listed, said))
        if found is None:
            given = dict(zip(self._names, said, strict=True))
            found = self._found[listed, said] = [
                shape
                for shape in self.shapes
                if shape.listed in (None, listed) and all(given[name] == value for name, value in shape.when)
            ]
        return found

    def known(self, shape: Shape) -> Mapping[str, Member]:
        """Members by name: those of one of the shapes, and what other shapes have besides."""
        found = self._known.get(id(shape))
        if found is None:
            found = {member.name: member for other in self.shapes for member in other.members}
            found.update((member.name, member) for member in shape.members)
            self._known[id(shape)] = found
        return found

    def is_list(self, params: Mapping[str, str]) -> bool:
        """Whether the answer to a request with these parameters is a list."""
        if self.listing is None:
            return False
        commas = self.listing.commas
        return not commas or any("," in params.get(name, "") for name in commas)


# -- the notation of the tables ---------------------------------------------------------------------


def members(names: str) -> tuple[Member, ...]:
    """`"id:N name"`: names with their kinds, in the order of fmt 3; without a letter it is a text."""
    found = []
    for word in names.split():
        name, _, letter = word.partition(":")
        found.append(Member(name, Kind(letter or "S")))
    return tuple(found)


def template(text: str) -> Template:
    """`"OK, ID - {id}"`; `{name?}` may be absent together with what stands before it, `{name*}` is free."""
    parts, tail, free = [], "", ""
    for before, marked, _, _ in Formatter().parse(text):
        if marked is None:
            tail = before
            continue
        name = marked.rstrip("?*")
        free = name if marked.endswith("*") else free
        parts.append(Part(before, name, marked.endswith("?")))
    return Template(tuple(parts), tail, free)


def lines(text: str, rows: str = "") -> tuple[Block, ...]:
    """One block of one template."""
    return (Block(template(text), rows),)


def named(names: str) -> str:
    """`"id = {id}, name = {name}"`; `"ID=id"` names a member otherwise; the marks of `template()` stay."""
    found = []
    for word in names.split():
        label, _, name = word.rpartition("=")
        found.append(f"{label or name.rstrip('?*')} = {{{name}}}")
    return ", ".join(found)


def bare(names: str, separator: str = ",") -> str:
    """`"{id},{name}"`."""
    return separator.join(f"{{{name}}}" for name in names.split())


def leaves(names: str) -> tuple[Element, ...]:
    """Elements that hold one member each; `"id=sender"` is an element whose member is named otherwise."""
    found = []
    for word in names.split():
        tag, _, name = word.rpartition("=")
        found.append(Element(tag or name, text=name))
    return tuple(found)


def attributes(names: str) -> tuple[tuple[str, str], ...]:
    """Attributes that are named as their members."""
    return tuple((name, name) for name in names.split())


def record(tag: str, names: str, text: str, values: str, elements: str = "") -> Shape:
    """A shape whose fmt 2 is an element `tag` with one for each of `elements` (default: of the members)."""
    found = members(names)
    tree = Element(tag, children=leaves(elements or " ".join(member.name for member in found)))
    return Shape(found, lines(text), lines(values), tree)
