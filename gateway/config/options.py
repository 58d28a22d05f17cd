"""Every option of a configuration for people: what holds, what of it is a default, where it is written."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterator
from dataclasses import Field, fields, is_dataclass
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
    for a_field in fields(section):
        name = a_field.name
        if only and name != only:
            continue
        yield from _options_in(
            a_field, getattr(section, name), f"{key}.{name}".lstrip("."), f"{place}.{name}".lstrip(".")
        )


def _options_in(a_field: Field[Any], value: Any, key: str, place: str) -> Iterator[Option]:
    if is_dataclass(value) and not isinstance(value, type) and _is_section(value):
        yield from options_of(value, key, place)
    elif isinstance(value, list | tuple) and value and all(map(_is_section, value)):
        for number, entry in enumerate(value):
            yield from options_of(entry, f"{key}[{entry_name(entry) or number}]", f"{place}[{number}]")
    else:
        yield Option(key, place, value, value == a_field.default)


def _is_section(value: Any) -> bool:
    """Whether it is made of options; some values are dataclasses too."""
    return is_dataclass(value) and all("option" in a_field.metadata for a_field in fields(value))


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
    digest = hmac.new(_PROCESS_KEY, digestmod=hashlib.sha256)
    for config in configs:
        for option in options_of(config):
            digest.update(repr((option.place, _plain(option.value))).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return [_plain(item) for item in value]
    return repr(value)  # of lists that were read from files too: all that they hold
