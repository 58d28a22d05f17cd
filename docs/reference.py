"""Writes the pages that are made from the code: configuration.md from its model, commands.md from the parsers.

python docs/reference.py             writes both (`make reference`)
python docs/reference.py --check     says which is not what it would write, and ends with 1
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import Field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

from gateway.__main__ import _find, _frame
from gateway.cli import COMMANDS
from gateway.config.describe import documented, written
from gateway.config.model import Config
from gateway.config.sections import hints_of, is_required, option_of

FOLDER = Path(__file__).parent
_CONFIGURATION = """\
# Configuration reference

Every option, made from the same model that reads the file (`make reference`). `smsc-gateway describe-config` prints the same as an example to begin with, and `smsc-gateway check-config` finds every mistake with its line and what to write instead.

*required* has no default. Names end in their unit: `_ms`, `_s` (seconds), `_h` (hours), `_days`. Secrets are written out or fetched: `{file: PATH}`, `{env: NAME}`, `{credential: NAME}` (a credential of the systemd unit). The `*.yaml` files in `conf.d` and in `config.yaml.d` beside the file are read too: their lists are appended, their sections joined. What a reload does to a changed option: [reload](reload.md).
"""
_COMMANDS = """\
# Commands

What each command says of itself with `--help`, made from their parsers (`make reference`). Commands that ask the running gateway find it by `--state-dir`; run them as root or as the gateway's user. The commands below `smsc` have [a page of their own](smsc-commands.md).
"""
_COLUMNS = "100"


def configuration() -> str:
    """The page of all options."""
    return "\n".join([_CONFIGURATION, *_sections(Config, "")]).rstrip() + "\n"


def _sections(section: type[Any], path: str) -> Iterator[str]:
    """The table of a section, and behind it those of its parts."""
    hints = hints_of(section)
    plain: list[Field[Any]] = []
    parts: list[tuple[Field[Any], type[Any], str]] = []
    for a_field in fields(section):
        is_list, inner = _inner(hints[a_field.name])
        if is_dataclass(inner):
            assert isinstance(inner, type)
            parts.append((a_field, inner, f"{path}{a_field.name}{'[]' if is_list else ''}"))
        else:
            plain.append(a_field)
    if plain:
        yield "| option | default | meaning |\n|---|---|---|"
        for a_field in plain:
            meaning = documented(a_field, hints[a_field.name])
            yield f"| `{a_field.name}` | {_default(a_field)} | {_cell(meaning)} |"
        yield ""
    for a_field, inner, name in parts:
        yield f"## `{name}`\n"
        yield f"{documented(a_field, hints[a_field.name])}{_presence(a_field)}\n"
        yield from _sections(inner, f"{name}.")


def _inner(hint: Any) -> tuple[bool, Any]:
    """Whether it is a list, and what it is (a list) of."""
    is_list = get_origin(hint) is Sequence
    return is_list, get_args(hint)[0] if is_list else hint


def _default(a_field: Field[Any]) -> str:
    option = option_of(a_field)
    if is_required(a_field):
        return "*required*" + (f", e.g. `{_cell(option.example)}`" if option.example else "")
    value = written(a_field.default)
    if value in ("", "''"):
        return f"none, e.g. `{_cell(option.example)}`" if option.example else "none"
    return f"`{_cell(value)}`"


def _presence(a_field: Field[Any]) -> str:
    return " *Required.*" if is_required(a_field) else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def commands() -> str:
    """The page of all commands."""
    os.environ["COLUMNS"] = _COLUMNS
    os.environ.pop("STATE_DIRECTORY", None)
    _, parsers = _frame()
    blocks = [_COMMANDS]
    for name in COMMANDS:
        command = _find(name)
        parsers[name].description = command.HELP
        command.configure(parsers[name])
        blocks.append(f"## {name}\n\n```text\n{parsers[name].format_help().rstrip()}\n```\n")
    return "\n".join(blocks)


PAGES = {"configuration.md": configuration, "commands.md": commands}


def main() -> int:
    """Writes or checks the pages."""
    stale = 0
    for name, made in PAGES.items():
        path = FOLDER / name
        if "--check" not in sys.argv:
            path.write_text(made(), encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != made():
            print(f"docs/{name} is not what the code says: make reference")
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())
