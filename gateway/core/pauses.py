"""Connectors by which a person lets nothing go up for now."""

from __future__ import annotations

from typing import NamedTuple


class Pause(NamedTuple):
    """Since when (milliseconds since 1970), and who has said so."""

    since_ms: int
    who: str
