"""A file's text to a tree of YAML nodes that know their place, within limits.

Only PyYAML's parser and composer are used, so no tag can build an object. Anchors, aliases and tags are
refused: the configuration needs none, and aliases are how a small file grows into a huge tree. Files are
joined on nodes too, so that a mistake in a joined file is reported where it was written.

The parser is libyaml, where PyYAML was built with it, and the nodes are made here: ten thousand routes are
read in a second and not in ten. What libyaml does not like is read again by the parser in Python, which says
better what is wrong, and whose word counts.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from gateway.config.problems import Problem

MAX_OCTETS = 1_000_000
MAX_NODES = 200_000
MAX_DEPTH = 16

_STANDARD_TAGS = "tag:yaml.org,2002:"
_NULL, _TEXT = _STANDARD_TAGS + "null", _STANDARD_TAGS + "str"
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
"""What YAML 1.1 takes for nothing when it stands without quotes."""


class _Composer(yaml.SafeLoader):
    """Composes nodes and stops at the limits."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self.name = name
        self._nodes = 0
        self._depth = 0

    def compose_node(self, parent: Node | None, index: object) -> Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        self._nodes += 1
        self._depth += 1
        _check_event(event, self._depth, self._nodes)
        node = super().compose_node(parent, index)  # type: ignore[arg-type]
        self._depth -= 1
        return node


class _Stream(io.BytesIO):
    """Gives libyaml the file's name, for its marks."""

    def __init__(self, octets: bytes, name: str) -> None:
        super().__init__(octets)
        self.name = name


class _FastComposer:
    """The same limits and the same nodes, from libyaml's events."""

    def __init__(self, text: str, name: str) -> None:
        self._parser = yaml.CSafeLoader(_Stream(text.encode(), name))
        self._nodes = 0

    def get_single_node(self) -> Node | None:
        """The only document; YAMLError when there are more."""
        next_event = self._parser.get_event
        next_event()  # the stream's begin
        event = next_event()
        if isinstance(event, yaml.StreamEndEvent):
            return None
        node = self._node(next_event(), 1)
        next_event()  # the document's end
        if not isinstance(next_event(), yaml.StreamEndEvent):
            raise yaml.YAMLError("more than one document")
        return node

    def _node(self, event: Any, depth: int) -> Node:
        self._nodes += 1
        _check_event(event, depth, self._nodes)
        start: Any = event.start_mark
        end: Any = event.end_mark
        if isinstance(event, yaml.ScalarEvent):
            is_nothing = not event.style and event.value in _NULLS
            tag = _NULL if is_nothing else _TEXT
            return ScalarNode(tag, event.value, start, end, event.style or None)
        next_event = self._parser.get_event
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(event := next_event(), yaml.SequenceEndEvent):
                items.append(self._node(event, depth + 1))
            return SequenceNode(_STANDARD_TAGS + "seq", items, start, end)
        pairs = []
        while not isinstance(event := next_event(), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            pairs.append((key, self._node(next_event(), depth + 1)))
        return MappingNode(_STANDARD_TAGS + "map", pairs, start, end)


def _compose(text: str, name: str) -> Node | None:
    """The tree of a text; YAMLError says what is wrong with it."""
    if yaml.__with_libyaml__:
        try:
            return _FastComposer(text, name).get_single_node()
        except _Refused:
            raise
        except yaml.YAMLError:
            pass  # the other one says why, or knows better
    return _Composer(text, name).get_single_node()


def _check_event(event: Any, depth: int, nodes: int) -> None:
    """Whether a value may stand in a configuration; _Refused says why not."""
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
        raise _refused("anchors and aliases are not allowed", "write the value out", event)
    if getattr(event, "tag", None) is not None:
        raise _refused("tags (!…) are not allowed", "remove the tag", event)
    odd = _unprintable(event.value) if isinstance(event, yaml.ScalarEvent) else ""
    if odd:
        raise _refused(f"has a character that cannot be printed (U+{ord(odd):04X})", "remove it", event)
    if depth > MAX_DEPTH:
        raise _refused(f"nested deeper than {MAX_DEPTH} levels", "remove brackets", event)
    if nodes > MAX_NODES:
        raise _refused(f"more than {MAX_NODES} values", "split it over several gateways", event)


class _Refused(yaml.MarkedYAMLError):
    """Valid YAML that a configuration may not use."""

    fix: str = ""


def _unprintable(text: str) -> str:
    """The first character that would garble a terminal or a log, or fit no encoding; "" without one."""
    return "" if text.isprintable() else next(char for char in text if not char.isprintable())


def _refused(text: str, fix: str, event: yaml.Event) -> _Refused:
    error = _Refused(problem=text, problem_mark=event.start_mark)  # type: ignore[arg-type]
    error.fix = fix
    return error


def read_file(path: Path, problems: list[Problem]) -> MappingNode | None:
    """The mapping in the file `path`; None when it is empty, or unusable, which is told to `problems`."""

    def refuse(text: str, fix: str, line: int = 1, column: int = 1) -> None:
        problems.append(Problem(path, line, column, "", text, fix))

    try:
        with path.open("rb") as file:
            octets = file.read(MAX_OCTETS + 1)
    except FileNotFoundError as error:
        fix = "check the path; smsc-gateway describe-config prints an example to begin with"
        refuse(f"cannot be read: {error.strerror}", fix)
        return None
    except OSError as error:
        refuse(f"cannot be read: {error.strerror}", "check the path and its permissions")
        return None
    if len(octets) > MAX_OCTETS:
        refuse(f"larger than {MAX_OCTETS} octets", "check that this is the right file")
        return None
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        refuse("is not UTF-8", "save the file as UTF-8", octets.count(b"\n", 0, error.start) + 1)
        return None
    try:
        node = _compose(text, str(path))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        refuse(f"has a character that YAML forbids (U+{error.character:04X})", "remove it", line)
    except yaml.MarkedYAMLError as error:
        refuse(*_explain(error))
    else:
        if node is None or is_null(node):
            return None
        if isinstance(node, MappingNode):
            return node
        refuse("must hold options (name: value)", "compare with smsc-gateway describe-config")
    return None


def _explain(error: yaml.MarkedYAMLError) -> tuple[str, str, int, int]:
    """Text, fix, line and column of what PyYAML complains about."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    text = error.problem or "is not YAML"
    if isinstance(error, _Refused):
        return text, error.fix, line, column
    if error.context and error.context_mark and error.context_mark.line + 1 != line:
        text += f" ({error.context} begun in line {error.context_mark.line + 1})"
    return text, "correct the YAML, often its indentation or a quote", line, column


def join(base: MappingNode, extra: MappingNode) -> None:
    """Add what `extra` holds to `base`: lists are appended, sections joined.

    A value given in both is kept twice; whoever reads the section reports the second one.
    """
    names = {key.value for key, _ in extra.value if isinstance(key, ScalarNode)}
    base.value[:] = [(key, value) for key, value in base.value if not (is_null(value) and key.value in names)]
    known = {key.value: value for key, value in base.value if isinstance(key, ScalarNode)}
    for key, value in extra.value:
        present = known.get(key.value) if isinstance(key, ScalarNode) else None
        if isinstance(present, MappingNode) and isinstance(value, MappingNode):
            join(present, value)
        elif isinstance(present, SequenceNode) and isinstance(value, SequenceNode):
            present.value.extend(value.value)
        else:
            base.value.append((key, value))


def is_null(node: Node) -> bool:
    """Whether nothing was written, or `null`."""
    return isinstance(node, ScalarNode) and node.tag == _STANDARD_TAGS + "null"


def is_plain(node: ScalarNode) -> bool:
    """Whether the value was written without quotes."""
    return node.style is None


def problem_at(node: Node, key: str, text: str, fix: str) -> Problem:
    """A problem at the place where `node` was written."""
    mark = node.start_mark
    return Problem(file_of(node), mark.line + 1, mark.column + 1, key, text, fix)


def file_of(node: Node) -> Path:
    """The file in which `node` was written."""
    return Path(node.start_mark.name)
