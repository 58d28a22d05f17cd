"""The files that a configuration names: lists, prices, certificates; and whether their content changed."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin

from yaml.nodes import MappingNode, ScalarNode

from gateway.config.differences import entry_name
from gateway.config.nodes import file_of
from gateway.config.sections import Reading, hints_of, option_of

Prints = Mapping[Path, bytes]
"""A digest of each file's content; of a file that cannot be read, an empty one."""


def files_of(section: Any, key: str = "") -> Iterator[tuple[str, Path]]:
    """Each file that is named in a section, with the option that names it; none that we make ourselves."""
    for name, is_list, is_file in _ways(type(section)):  # type: ignore[arg-type]
        value = getattr(section, name)
        path = f"{key}.{name}" if key else name
        if is_file:
            if value is not None:
                yield path, value
        elif is_list:
            for number, item in enumerate(value):
                yield from files_of(item, f"{path}[{entry_name(item) or number}]")
        elif value is not None:
            yield from files_of(value, path)


def secret_files(reading: Reading) -> Iterator[Path]:
    """The files of secrets that are written as {file: PATH}."""
    for node in reading.places.values():
        if isinstance(node, MappingNode) and len(node.value) == 1:
            [(key, value)] = node.value
            if key.value == "file" and isinstance(value, ScalarNode):
                yield file_of(node).parent / value.value


def prints_of(section: Any) -> dict[Path, bytes]:
    """The digests of all files that a section names."""
    return {path: _print_of(path) for _, path in files_of(section)}


def _print_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return b""


def changed_files(section: Any, before: Prints, after: Prints) -> list[str]:
    """The options of a section whose file had another content before; a file that was not named is none."""
    return [key for key, path in files_of(section) if before.get(path, after[path]) != after[path]]


@cache
def _ways(section: Hashable) -> tuple[tuple[str, bool, bool], ...]:
    """The options that are a file or lead to one: name, whether a list, whether the file itself."""
    assert isinstance(section, type)
    found = []
    hints = hints_of(section)
    for option in fields(section):
        hint = hints[option.name]
        is_list = get_origin(hint) is Sequence
        inner = get_args(hint)[0] if is_list else hint
        if inner is Path and not is_list:
            if not option_of(option).we_make:
                found.append((option.name, False, True))
        elif isinstance(inner, type) and is_dataclass(inner) and _ways(inner):
            found.append((option.name, is_list, False))
    return tuple(found)
