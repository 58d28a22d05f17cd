"""What an upstream asks of the links to its SMSC."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from gateway.core.model import Message

Ask = Callable[[object, Callable[[object | None], None]], bool]
"""Sends a request and calls back with the response, or None; False: it cannot be sent."""


class Link(Protocol):
    """A bound transport to the SMSC, as its upstream sees it."""

    @property
    def room(self) -> int:
        """Segments that it can take now."""
        ...

    @property
    def stuck(self) -> bool:
        """Whether the SMSC does not read what was sent."""
        ...

    def submit(self, message: Message, segments: Sequence[int]) -> None:
        """Sends these segments of a message (numbers from 1); results come back to the upstream."""
        ...
