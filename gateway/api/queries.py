"""What stands behind the question mark, with bounds; a name that nobody knows is a mistake and is told."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import parse_qsl

from gateway.api.drafts import moment_of
from gateway.api.problems import FieldError, Problem

NAMES_MAX = 16


class Query:
    """The parameters of a request; `end` raises Problem 422 with all that was wrong."""

    def __init__(self, text: str) -> None:
        try:
            pairs = parse_qsl(
                text,
                keep_blank_values=True,
                strict_parsing=bool(text),
                max_num_fields=NAMES_MAX,
                errors="strict",
            )
        except ValueError as error:
            raise Problem(
                400, "malformed_request", "write parameters as name=value, in percent-encoded UTF-8"
            ) from error
        self._values = dict(pairs)
        self._errors: list[FieldError] = []
        if len(self._values) != len(pairs):
            raise Problem(400, "malformed_request", "name each parameter once")

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """Digits, from `low` to `high`."""
        text = self._values.pop(name, None)
        if text is None:
            return default
        if text.isascii() and text.isdecimal() and len(text) < 20 and low <= int(text) <= high:
            return int(text)
        self._wrong(name, f"write {low} to {high}" if high < 1 << 62 else "take it from an answer")
        return default

    def moment(self, name: str) -> int:
        """A time of RFC 3339 in milliseconds since 1970; 0: not given."""
        text = self._values.pop(name, None)
        if text is None:
            return 0
        # a + that nobody encoded
        moment = moment_of(text[:-6] + "+" + text[-5:] if text[-6:-5] == " " else text)
        if moment is None:
            self._wrong(name, "write a time as RFC 3339 has it, for example 2026-12-31T09:30:00Z")
        return moment or 0

    def word(self, name: str, words: Collection[str]) -> str:
        """One of these; "": not given."""
        text = self._values.pop(name, "")
        if text and text not in words:
            self._wrong(name, f"write one of {', '.join(words)}")
        return text

    def text(self, name: str, most: int) -> str:
        """Any text of so many characters; "": not given."""
        text = self._values.pop(name, "")
        if len(text) > most:
            self._wrong(name, f"write up to {most} characters")
        return text.strip()

    def end(self) -> None:
        """All has been read."""
        for name in self._values:
            self._errors.append(FieldError(name[:40], "unknown", "there is no such parameter"))
        if self._errors:
            raise Problem(422, "invalid", "parameters are not as they have to be", errors=self._errors)

    def _wrong(self, name: str, detail: str) -> None:
        self._errors.append(FieldError(name, "invalid", detail))
