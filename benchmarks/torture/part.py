"""What a part of the fault plan is: a run of one size or the other, and figures with their bounds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Row(NamedTuple):
    """A figure of the report."""

    what: str
    value: str
    """With its unit."""
    bound: str = ""
    """What it has to be, as the report says it; empty: a figure that only informs."""
    holds: bool = True


class Run(NamedTuple):
    """What a part gets."""

    full: bool
    """The size of the plan; else the size that `make test` has time for."""
    folder: Path
    """An empty one of its own on a disk, for the gateway: configuration, state, log."""
    ledgers: Path
    """An empty one on another filesystem, for what the sender and the SMSC write down."""
    seed: int
    say: Callable[[str], None]
    """Tells a person how far it is; a line now and then."""


class Part(NamedTuple):
    """One test of the plan."""

    name: str
    """As guarantees.md calls it: K1."""
    title: str
    how: str
    """What is done, for the report; one to three sentences."""
    run: Callable[[Run], list[Row]]
    """Raises PartError when the run itself went wrong, so that there is nothing to judge."""


class PartError(Exception):
    """A run from which nothing follows."""


def count(what: str, value: int, most: int = 0) -> Row:
    """A figure that may not be more than this, mostly not more than nothing."""
    return Row(what, f"{value:,}", f"≤ {most:,}" if most else "0", value <= most)


def at_least(what: str, value: int, least: int) -> Row:
    """A figure that shows that the run has done something."""
    return Row(what, f"{value:,}", f"≥ {least:,}", value >= least)
