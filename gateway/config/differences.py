"""What is different between two configurations, option by option, for people.

Entries of lists are matched by their names, so a new account in front of the others is one change. Secrets
are never shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

from gateway.config.secret import Secret

_NAMES = ("name", "address", "path", "system_id", "prefix")
"""What an entry of a list is known by, the first that it has."""
URLS = (".http.handler", ".http.webhook")
"""URLs in which a secret may stand."""
_LONGEST = 200
ADDED, REMOVED, CHANGED, CONTENT = "added", "removed", "changed", "its content changed"


class Change(NamedTuple):
    """One option that is different; `key` is its path, such as accounts[shop].limits.per_day."""

    key: str
    old: str | None
    """As it would be written; None: there is none, or it is not for showing."""
    new: str | None
    word: str = CHANGED
    """ADDED and REMOVED are sections and entries of lists."""

    def __str__(self) -> str:
        if self.old is None or self.new is None:
            return f"{self.key}: {self.word}"
        return f"{self.key}: {self.old} → {self.new}"


def differences(old: Any, new: Any, key: str = "") -> Iterator[Change]:
    """Everything that is different between two values of one option, in the order of the model."""
    if old == new:
        return
    if is_dataclass(old) and is_dataclass(new):
        for option in fields(old):
            path = f"{key}.{option.name}" if key else option.name
            yield from differences(getattr(old, option.name), getattr(new, option.name), path)
    elif _is_section(old) or _is_section(new):
        yield Change(key, None, None, ADDED if old is None else REMOVED)
    elif _are_sections(old) or _are_sections(new):
        yield from _of_lists(tuple(old), tuple(new), key)
    elif _holds_secret(old) or _holds_secret(new) or key.endswith(URLS):
        yield Change(key, None, None)
    elif option_text(old) == option_text(new):  # a file that was read with the configuration
        yield Change(key, None, None, CONTENT)
    else:
        yield Change(key, option_text(old), option_text(new))


def _of_lists(old: tuple[Any, ...], new: tuple[Any, ...], key: str) -> Iterator[Change]:
    before, after = _by_name(old), _by_name(new)
    if before is None or after is None:
        before, after = (dict(zip(map(str, range(len(them))), them, strict=True)) for them in (old, new))
    for name in before:
        if name not in after:
            yield Change(f"{key}[{name}]", None, None, REMOVED)
    for name, section in after.items():
        if name not in before:
            yield Change(f"{key}[{name}]", None, None, ADDED)
        else:
            yield from differences(before[name], section, f"{key}[{name}]")
    kept = [name for name in before if name in after], [name for name in after if name in before]
    if kept[0] != kept[1]:
        yield Change(f"{key}: order", option_text(kept[0]), option_text(kept[1]))


def _by_name(sections: tuple[Any, ...]) -> dict[str, Any] | None:
    """The entries of a list by their names; None: they have none of their own."""
    found = {entry_name(section): section for section in sections}
    return found if len(found) == len(sections) and "" not in found else None


def entry_name(section: Any) -> str:
    """What an entry of a list is known by; "" if it has no name."""
    for name in _NAMES:
        value = getattr(section, name, None)
        if value not in (None, ""):
            return str(value)
    return "*" if getattr(section, "prefix", None) == "" else ""


def _is_section(value: Any) -> bool:
    return is_dataclass(value) and not isinstance(value, type)


def _are_sections(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and any(map(_is_section, value))


def _holds_secret(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(isinstance(item, Secret) for item in value)
    return isinstance(value, Secret)


def option_text(value: Any) -> str:
    """A value as it would be written, in a line; a secret is stars."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return _cut(f"[{', '.join(option_text(item) for item in value[:_LONGEST])}]")
    return _cut(str(value)) or "''"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
