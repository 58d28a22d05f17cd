"""Profiles: options of a connector that are known of one kind of SMSC, in a file of their own.

`profile: NAME` means the file of that name in gateway/profiles, `profile: PATH` (with a / or ending in .yaml)
one of the operator's, relative to the file that names it. They are merged as nodes before the sections are
read: types and messages are the usual ones, and a mistake is reported where it was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from gateway.config import nodes
from gateway.config.problems import Problem
from gateway.config.values import one_of, quoted

DIRECTORY = Path(__file__).parent.parent / "profiles"
OF_ITS_OWN = (
    "name",
    "profile",
    "address",
    "backup_addresses",
    "system_id",
    "password",
    "incoming_account",
)
"""Options that belong to one connector, so that no profile may hold them."""

_SUFFIX = ".yaml"
_Files = dict[Path, MappingNode | None]


def names() -> tuple[str, ...]:
    """The profiles that the gateway brings."""
    return tuple(sorted(path.name.removesuffix(_SUFFIX) for path in DIRECTORY.glob(f"*{_SUFFIX}")))


def described(name: str) -> tuple[str, dict[str, Any]]:
    """What one of these profiles is for, and its options."""
    text = (DIRECTORY / f"{name}{_SUFFIX}").read_text(encoding="utf-8")
    return text.splitlines()[0].removeprefix(f"# {name}: "), yaml.safe_load(text)


def written(options: Mapping[str, Any]) -> str:
    """The text of a profile with these options; "" for none."""
    return yaml.safe_dump(dict(options), sort_keys=False, default_flow_style=None) if options else ""


def apply(root: MappingNode, problems: list[Problem]) -> None:
    """Give each connector in the configuration `root` the options of its profile that it does not have."""
    files: _Files = {}
    for key, value in root.value:
        if isinstance(key, ScalarNode) and key.value == "connectors" and isinstance(value, SequenceNode):
            for index, connector in enumerate(value.value):
                if isinstance(connector, MappingNode):
                    _apply(connector, f"connectors[{index}].profile", files, problems)


def _apply(connector: MappingNode, key: str, files: _Files, problems: list[Problem]) -> None:
    options = {name.value: value for name, value in connector.value if isinstance(name, ScalarNode)}
    value = options.get("profile")
    if not isinstance(value, ScalarNode) or nodes.is_null(value) or not value.value:
        return  # without one, or whoever reads the section says what is wrong with it
    path = _path(value, key, problems)
    if path is None:
        return
    if path not in files:
        files[path] = _read(path, problems)
    profile = files[path]
    if profile is not None:
        _merge(connector, profile)


def _path(value: ScalarNode, key: str, problems: list[Problem]) -> Path | None:
    """The file that is meant; None when there is none, which is told to `problems`."""
    written: str = value.value
    if "/" in written or written.endswith(_SUFFIX):
        path: Path = nodes.file_of(value).parent / written
        if path.is_file():
            return path
        text, fix = f"there is no file {path}", "check the path; it starts at the file it is written in"
    else:
        if written in names():
            return DIRECTORY / f"{written}{_SUFFIX}"
        text, fix = (
            f"there is no profile {quoted(written)}",
            f"write {one_of(names())}, or the path of a file",
        )
    problems.append(nodes.problem_at(value, key, text, fix))
    return None


def _read(path: Path, problems: list[Problem]) -> MappingNode | None:
    """The profile in `path`, without what may not be in one."""
    found = nodes.read_file(path, problems)
    if found is None:
        return None
    kept = []
    for name, value in found.value:
        if isinstance(name, ScalarNode) and name.value in OF_ITS_OWN:
            fix = "write it at the connector"
            problems.append(nodes.problem_at(name, name.value, "is no option of a profile", fix))
        else:
            kept.append((name, value))
    return MappingNode(found.tag, kept, found.start_mark, found.end_mark)


def _merge(own: MappingNode, profile: MappingNode) -> None:
    """Add what `own` does not have; sections are merged option by option, lists stay as they are."""
    present: dict[str, Node] = {key.value: node for key, node in own.value if isinstance(key, ScalarNode)}
    for key, value in profile.value:
        mine = present.get(key.value) if isinstance(key, ScalarNode) else None
        if mine is None:
            own.value.append((key, _copy(value)))
        elif isinstance(mine, MappingNode) and isinstance(value, MappingNode):
            _merge(mine, value)


def _copy(node: Node) -> Node:
    """A mapping of its own for each connector, as reading one may not change another's."""
    if not isinstance(node, MappingNode):
        return node
    pairs = [(key, _copy(value)) for key, value in node.value]
    return MappingNode(node.tag, pairs, node.start_mark, node.end_mark, node.flow_style)
