"""Every option of a configuration for people: what holds, what of it is a default, where it is written."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Hashable, Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, NamedTuple

from gateway.config.differences import URLS, entry_name, option_text
from gateway.config.nodes import file_of
from gateway.config.secret import Secret
from gateway.config.sections import Reading

HIDDEN = "********"
_PROCESS_KEY = os.urandom(32)


class Option(NamedTuple):
    """One option that is no section."""

    key: str
    """For people: accounts[shop].limits.per_day."""
    place: str
    """As `Reading` has it: accounts[0].limits.per_day."""
    value: Any
    is_default: bool


class Written(NamedTuple):
    """Where an option is written."""

    file: str
    line: int


def options_of(section: Any, key: str = "", place: str = "", only: str = "") -> Iterator[Option]:
    """All options of a section and of those in it, in the order of the model; absent sections have none.

    `only`: those of this field.
    """
    key, place = (f"{name}." if name else "" for name in (key, place))
    for name, default in _defaults(section.__class__):
        if only and name != only:
            continue
        value = getattr(section, name)
        if _is_section(value.__class__):
            yield from options_of(value, f"{key}{name}", f"{place}{name}")
        elif isinstance(value, list | tuple) and value and all(_is_section(one.__class__) for one in value):
            for number, entry in enumerate(value):
                called = f"{key}{name}[{entry_name(entry) or number}]"
                yield from options_of(entry, called, f"{place}{name}[{number}]")
        else:
            yield Option(f"{key}{name}", f"{place}{name}", value, value == default)


@cache
def _defaults(section: Hashable) -> tuple[tuple[str, Any], ...]:
    """The names of a section's options, and what they are by default."""
    assert isinstance(section, type)
    return tuple((a_field.name, a_field.default) for a_field in fields(section))


@cache
def _is_section(kind: Hashable) -> bool:
    """Whether it is made of options; some values are dataclasses too."""
    return is_dataclass(kind) and all("option" in a_field.metadata for a_field in fields(kind))


def text_of(option: Option) -> str:
    """Its value as it would be written; stars for a secret and for what may hold one."""
    if option.value and option.key.endswith(URLS):
        return HIDDEN
    return option_text(option.value)


def written_at(reading: Reading, place: str) -> Written | None:
    """Where an option is written; None: nowhere."""
    node = reading.places.get(place)
    return None if node is None else Written(str(file_of(node)), node.start_mark.line + 1)


def print_of(*configs: Any) -> str:
    """A digest by which configurations are known again, in this process only; it gives no secret away."""
    text = repr([_shape(config) for config in configs]).encode("utf-8", "surrogatepass")
    return hmac.new(_PROCESS_KEY, text, hashlib.sha256).hexdigest()


def _shape(section: Any) -> list[tuple[str, Any]]:
    """What of a section is no default, with the sections in it; most options are, and cost nothing."""
    found: list[tuple[str, Any]] = []
    for name, default in _defaults(section.__class__):
        value = getattr(section, name)
        if value is default:
            continue
        if _is_section(value.__class__):
            found.append((name, _shape(value)))
        elif isinstance(value, list | tuple) and value and all(_is_section(one.__class__) for one in value):
            found.append((name, [_shape(one) for one in value]))
        elif value != default:
            found.append((name, _plain(value)))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return [_plain(item) for item in value]
    return repr(value)  # of lists that were read from files too: all that they hold
