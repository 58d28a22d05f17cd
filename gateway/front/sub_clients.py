"""What is kept of a sub-client (users.php)."""

from __future__ import annotations

from typing import Any, NamedTuple

KIND = "user"
"""Of the records."""


class SubClient(NamedTuple):
    """An account that another one has made."""

    record_id: int
    """The id that users.php tells."""
    name: str
    parent: str
    password_hash: str
    settings: dict[str, str]
    """By the names of users.php's parameters."""

    @property
    def type(self) -> str:
        """0 own tariff and balance … 4 another login of its parent."""
        return self.settings.get("type") or "0"

    @property
    def data(self) -> dict[str, Any]:
        """What its record holds."""
        return {"hash": self.password_hash, "settings": self.settings}
