"""YAML nodes to the classes of the model, by their fields' types and metadata.

Every mistake is noted and reading goes on. A field that could not be read holds its default, or None, and
its key is in `Reading.bad`; the checks that follow ask there before they judge it.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from gateway.config import nodes
from gateway.config.model import Network, Option
from gateway.config.problems import Problem
from gateway.config.values import TO_VALUE, BadValueError, to_choice

_MAX_NAME = 60


@dataclass(slots=True)
class Reading:
    """What one reading of the configuration has come across."""

    problems: list[Problem]
    places: dict[str, Node] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)

    def note(self, key: str, text: str, fix: str, node: Node | None = None) -> None:
        """Add a problem at `node`, or at the place where `key` or the section around it is written."""
        self.bad.add(key)
        self.problems.append(nodes.problem_at(node or self.place(key), key, text, fix))

    def place(self, key: str) -> Node:
        """The node of `key`, or of the nearest section around it."""
        while key not in self.places:
            key = key[: max(key.rfind("."), key.rfind("["), 0)]
        return self.places[key]

    def is_good(self, key: str) -> bool:
        """Whether the value of `key` can be judged further."""
        return key not in self.bad


def option_of(a_field: Field[Any]) -> Option:
    """The documentation and limits of a field."""
    option: Option = a_field.metadata["option"]
    return option


_HINTS: dict[type[Any], Mapping[str, Any]] = {}
_FIELDS: dict[type[Any], Mapping[str, Field[Any]]] = {}
_REQUIRED: dict[type[Any], tuple[str, ...]] = {}


def hints_of(section: type[Any]) -> Mapping[str, Any]:
    """The types of a section's fields, with None taken off the optional ones."""
    found = _HINTS.get(section)
    if found is None:  # to work them out takes ten times as long as to read a section
        found = {name: _required(hint) for name, hint in get_type_hints(section).items()}
        _HINTS[section] = found
    return found


def is_required(a_field: Field[Any]) -> bool:
    """Whether the option has no default."""
    return a_field.default is MISSING


def read_section(section: type[Any], node: Node, key: str, reading: Reading) -> Any:
    """An instance of the dataclass `section`; its mistakes are in `reading`."""
    reading.places[key] = node
    if not isinstance(node, MappingNode):
        if not nodes.is_null(node):
            reading.note(key, "must hold options (name: value)", "write its options indented below it")
            return None
        node = MappingNode("tag:yaml.org,2002:map", [], node.start_mark, node.end_mark)
    known = _fields_of(section)
    hints = hints_of(section)
    written = _written(node, key, list(known), reading)
    values: dict[str, Any] = {}
    required = _REQUIRED[section]
    for name in (*written, *(name for name in required if name not in written)):
        a_field = known[name]
        path = f"{key}.{name}" if key else name
        if name in written:
            values[name] = _read_field(a_field, hints[name], written[name], path, reading)
        elif is_dataclass(hints[name]):
            values[name] = read_section(hints[name], _nothing(node), path, reading)
        else:
            reading.note(path, "is missing", f"add {name}: {option_of(a_field).example}")
            values[name] = _absent(a_field, hints[name])
    return section(**values)


def _fields_of(section: type[Any]) -> Mapping[str, Field[Any]]:
    found = _FIELDS.get(section)
    if found is None:
        found = _FIELDS[section] = {a_field.name: a_field for a_field in fields(section)}
        _REQUIRED[section] = tuple(name for name, a_field in found.items() if is_required(a_field))
    return found


def _written(node: MappingNode, key: str, known: list[str], reading: Reading) -> dict[str, Node]:
    """The options in `node` by name, without the unknown and the repeated ones."""
    written: dict[str, Node] = {}
    for name_node, value in node.value:
        name = name_node.value[:_MAX_NAME] if isinstance(name_node, ScalarNode) else "?"
        path = f"{key}.{name}" if key else name
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            fix = f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"
            reading.note(path, "is not an option", fix, name_node)
        elif name in written:
            first = written[name].start_mark
            where = f"{nodes.file_of(written[name]).name} line {first.line + 1}"
            reading.note(path, f"is given twice, first in {where}", "keep one of them", name_node)
        else:
            written[name] = value
    return written


def _read_field(a_field: Field[Any], hint: Any, node: Node, key: str, reading: Reading) -> Any:
    default = _absent(a_field, hint)
    if a_field.default is None and nodes.is_null(node):
        return None
    option = option_of(a_field)
    value = _read(hint, option, node, key, reading)
    if value == "" and default != "" and not option.may_be_empty:
        reading.note(key, "is empty", "write a value, or remove the line")
    return value if reading.is_good(key) else default


def _absent(a_field: Field[Any], hint: Any) -> Any:
    """What a field holds that could not be read: something the checks can walk over."""
    if not is_required(a_field):
        return a_field.default
    return () if get_origin(hint) is Sequence else None


def _nothing(node: Node) -> Node:
    return ScalarNode("tag:yaml.org,2002:null", "", node.start_mark, node.end_mark)


def _read(hint: Any, option: Option, node: Node, key: str, reading: Reading) -> Any:
    reading.places[key] = node
    if is_dataclass(hint):
        assert isinstance(hint, type)
        return read_section(hint, node, key, reading)
    if get_origin(hint) is Sequence:
        return _read_list(get_args(hint)[0], option, node, key, reading)
    try:
        if get_origin(hint) is Literal:
            return to_choice(node, get_args(hint))
        convert: Callable[[Node, Option], Any] = TO_VALUE[hint]
        return convert(node, option)
    except BadValueError as error:
        reading.note(key, error.text, error.fix)
        return None


def _read_list(hint: Any, option: Option, node: Node, key: str, reading: Reading) -> tuple[Any, ...] | None:
    if nodes.is_null(node):
        node = SequenceNode("tag:yaml.org,2002:seq", [], node.start_mark, node.end_mark)
    if not isinstance(node, SequenceNode):
        alone = isinstance(node, ScalarNode) and not is_dataclass(hint)
        fix = f"write [{node.value}]" if alone else "begin each entry with a dash (- )"
        reading.note(key, "must be a list", fix)
        return None
    if len(node.value) < option.min_items:
        reading.note(key, "is empty", "add at least one entry; see smsc-gateway describe-config")
    items = []
    for index, item in enumerate(node.value):
        path = f"{key}[{index}]"
        value = _read(hint, option, item, path, reading)
        if value == "":
            reading.note(path, "is empty", "write a value, or remove the entry")
        items.append(value)
    return tuple(items)


def _required(hint: Any) -> Any:
    if hint == Network or get_origin(hint) not in (Union, UnionType):
        return hint
    [rest] = [part for part in get_args(hint) if part is not NoneType]
    return rest
