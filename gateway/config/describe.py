"""The example configuration, written from the documentation on the model's fields.

Options that must be given stand open, the others as `#name: default`, so that a later version's defaults
reach everybody who did not choose otherwise.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import Field, fields, is_dataclass
from typing import Any, Literal, get_args, get_origin

from gateway.config.model import Config
from gateway.config.sections import hints_of, is_required, option_of
from gateway.config.values import longest_text, one_of, shown

_WIDTH = 100
_PLAIN = re.compile(r"[\w./-]+( [\w./-]+)*", re.ASCII)
_HEADER = """\
# Configuration of smsc-gateway, as `smsc-gateway describe-config` prints it.
#
# "#name: value" shows an option with its default, or with an example where the default is nothing;
# remove the # to set it. Names end in their unit: _ms, _s (seconds), _h (hours), _days.
# `smsc-gateway check-config` finds every mistake.
#
# Files: the *.yaml files in `conf.d` and in `<name of this file>.d` beside this file are read too. Their
# lists are appended, their sections joined; a value is given in one place only. Relative paths start at
# the file they are written in. Anchors, aliases and tags are refused.
#
# Secrets (password, password_hash, secret, webhook_secret, api_key, api_keys) are written out, or fetched:
#   {file: PATH}        a file's text, without the newline at its end
#   {env: NAME}         an environment variable
#   {credential: NAME}  a credential of the systemd unit (LoadCredential=NAME:PATH)
# A file with a secret or a private key must not be readable by everybody (chmod 0640). This file neither,
# once it holds a secret of a connector, smarthost or webhook, unless that one's address is on loopback.
"""


def describe() -> str:
    """The annotated example, as `config.example.yaml` holds it."""
    return _HEADER + "\n".join(_section(Config, "", in_list=False)) + "\n"


def _section(section: type[Any], indent: str, *, in_list: bool) -> Iterator[str]:
    """The lines of one section; in a list its first option carries the dash."""
    hints = hints_of(section)
    for number, a_field in enumerate(fields(section)):
        hint = hints[a_field.name]
        first = in_list and number == 0
        if section is Config:
            yield ""
        yield from _comment(documented(a_field, hint), indent)
        margin = indent[:-2] + "- " if first else indent
        yield from _option(a_field, hint, indent, margin, is_open=first or is_required(a_field))


def _option(a_field: Field[Any], hint: Any, indent: str, margin: str, *, is_open: bool) -> Iterator[str]:
    is_list = get_origin(hint) is Sequence
    inner = get_args(hint)[0] if is_list else hint
    option, name = option_of(a_field), a_field.name
    if is_dataclass(inner):
        assert isinstance(inner, type)
        lines = _section(inner, "    " if is_list else "  ", in_list=is_list)
        # a section that is there by default can be opened without changing anything, a list cannot
        is_open = is_open or option.is_open or not (is_list or a_field.default is None)
        if is_open:
            yield f"{margin}{name}:"
            yield from (indent + line for line in lines)
        else:
            yield f"{indent}#{name}:"
            yield from (f"{indent}#{line}" for line in lines)
    else:
        value = option.example or written(a_field.default)
        yield f"{margin}{'' if is_open or option.is_open else '#'}{name}: {value}"


def documented(a_field: Field[Any], hint: Any) -> str:
    """The field's documentation with its limits."""
    option = option_of(a_field)
    notes = []
    if get_origin(hint) is Literal:
        notes.append(one_of(get_args(hint)))
    if option.low is not None and option.high is not None:
        notes.append(f"{shown(option.low)} to {shown(option.high)}")
    if hint is str and longest_text(option) is not None:
        notes.append(f"at most {longest_text(option)} characters")
    return f"{option.doc} ({'; '.join(notes)})" if notes else option.doc


def _comment(text: str, indent: str) -> list[str]:
    margin = f"{indent}# "
    return textwrap.wrap(
        text, _WIDTH, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False
    )


def written(value: object) -> str:
    """A default as YAML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float | int):
        return shown(value)
    if isinstance(value, tuple) and value:
        return f"[{', '.join(written(item) for item in value)}]"
    text = str(value) if value else ""
    return text if _PLAIN.fullmatch(text) else "'" + text.replace("'", "''") + "'"
