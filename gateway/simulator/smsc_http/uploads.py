"""Files in the body of a request, for the handlers that take some."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol


class File(Protocol):
    """One file, as the request's decoder gives it."""

    @property
    def name(self) -> str:
        """Its name at the sender's, without folders."""

    @property
    def data(self) -> bytes:
        """What is in it."""


FileHandler = Callable[[dict[str, str], float, Sequence[File]], object]
"""A Handler of an operation whose request may carry files."""
