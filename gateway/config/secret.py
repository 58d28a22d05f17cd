"""A value that must never be shown: it prints as stars wherever it ends up."""

from __future__ import annotations

import hmac


class Secret:
    """Holds a password or a hash; only `reveal` gives it away.

    `str`, `repr`, formatting and tracebacks show stars. It cannot be pickled, so it does not leave the
    process by accident.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the one place that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(********)"

    def __str__(self) -> str:
        return "********"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not pickled")
