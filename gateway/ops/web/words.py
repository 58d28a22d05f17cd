"""The languages of the pages.  English stands in templates and modules, the others in locale/*/*.yaml.

A text may have {places}; `words.text("Sent {count}", count=3)`.  What is counted has two forms in English and
as many as the other language has: `words.count("{count} message", "{count} messages", 3)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from markupsafe import Markup, escape

DEFAULT = "en"
LANGUAGES = {"en": "English", "ru": "Русский"}
FOLDER = Path(__file__).parent / "locale"
_NO_BREAK = "\u00a0"


def N_(text: str) -> str:
    """Marks a text that is translated elsewhere, such as a title in a table."""
    return text


class Words:
    """One language."""

    def __init__(self, language: str, texts: Mapping[str, Any]) -> None:
        self.language = language
        self._texts = texts

    def text(self, english: str, **values: object) -> str:
        """The text in this language, with its places filled; Markup in the values stays as it is."""
        return _filled(str(self._texts.get(english, english)), values)

    def count(self, one: str, many: str, count: int, **values: object) -> str:
        """The form that goes with a number; {count} is written as people write it."""
        forms = self._texts.get(f"{one}|{many}", (one, many))
        form = forms[_form_of(self.language, count)] if len(forms) > 2 else forms[count != 1]
        return _filled(str(form), {"count": self.number(count), **values})

    def number(self, value: float) -> str:
        """With the language's marks between thousands and before decimals."""
        text = f"{value:,}"
        if self.language == "ru":
            return text.replace(",", _NO_BREAK).replace(".", ",")
        return text

    def moment(self, ms: int | None, *, millis: bool = False) -> str:
        """Milliseconds since 1970 as the machine's local time; "" for none."""
        if not ms:
            return ""
        at = datetime.fromtimestamp(ms / 1000, UTC).astimezone()
        text = at.strftime("%d.%m.%Y %H:%M:%S" if self.language == "ru" else "%Y-%m-%d %H:%M:%S")
        return f"{text}.{ms % 1000:03d}" if millis else text


def _filled(text: str, values: Mapping[str, object]) -> str:
    if not values:
        return text
    if any(hasattr(value, "__html__") for value in values.values()):
        return Markup(escape(text)).format(**values)  # noqa: S704 - the text is escaped
    return text.format(**values)


def _form_of(language: str, count: int) -> int:
    """Which form a number needs: CLDR's one, few, many."""
    if language == "ru":
        ones, tens = abs(count) % 10, abs(count) % 100
        if ones == 1 and tens != 11:
            return 0
        return 1 if ones in (2, 3, 4) and tens not in (12, 13, 14) else 2
    return int(count != 1)


@cache
def load_words() -> Mapping[str, Words]:
    """All languages by their codes; each is a folder with a file for each subject."""
    found = {DEFAULT: Words(DEFAULT, {})}
    for folder in sorted(FOLDER.iterdir()):
        texts: dict[str, Any] = {}
        for path in sorted(folder.glob("*.yaml")):
            texts |= yaml.safe_load(path.read_text("utf-8"))
        found[folder.name] = Words(folder.name, texts)
    return found


def choose(accepted: str) -> str:
    """The language that a browser asks for (Accept-Language), if it is there."""
    best, best_weight = DEFAULT, 0.0
    for part in accepted[:200].split(",")[:20]:
        name, _, weight = part.strip().partition(";")
        code = name.strip().lower().partition("-")[0]
        try:
            value = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            continue
        if code in LANGUAGES and best_weight < value <= 1:
            best, best_weight = code, value
    return best
