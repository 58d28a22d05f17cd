"""A converted configuration as YAML that our loader reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

from gateway.importers.outcome import Password

_WIDTH = 100


class _Dumper(yaml.SafeDumper):
    """Lists of plain values in one line, and nothing by reference: the loader takes no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _list(dumper: _Dumper, data: list[Any]) -> yaml.Node:
    is_plain = not any(isinstance(item, dict | list) for item in data)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=is_plain)


_Dumper.add_representer(list, _list)


def yaml_of(tree: dict[str, Any], write_password: Callable[[Password], Any]) -> str:
    """The tree as YAML; `write_password` says what stands in a password's place."""
    parts = [
        yaml.dump(
            {name: _plain(section, write_password)},
            Dumper=_Dumper,
            sort_keys=False,
            allow_unicode=True,
            width=_WIDTH,
        )
        for name, section in tree.items()
    ]
    return "\n".join(parts)


def _plain(value: Any, write_password: Callable[[Password], Any]) -> Any:
    if isinstance(value, Password):
        return write_password(value)
    if isinstance(value, dict):
        return {key: _plain(item, write_password) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, write_password) for item in value]
    if isinstance(value, str):
        return "".join(character for character in value if character.isprintable())
    return value
