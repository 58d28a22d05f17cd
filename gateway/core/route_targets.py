"""In which order a message's connectors are tried: weights, prices, and who has a link.

All of it is worked out from the message, the route and the state of the links; nothing is remembered.  By
weight each connector draws a number from the message's key, and the best one wins (rendezvous hashing with
weights): when one fails, its messages are shared out to the others by their weights, and no other message
changes its way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from math import log
from typing import Protocol

PriceOf = Callable[[str], int | None]
"""The price of a segment to a number; None: it has none."""
_MASK = (1 << 64) - 1
_RANGE = 2.0**52


class Linked(Protocol):
    """What is asked of a connector's upstream."""

    @property
    def up(self) -> bool:
        """Whether a message should be given to it now."""
        ...


def by_weight(names: Sequence[str], weights: Sequence[int], key: int) -> list[str]:
    """The connectors in the order of a message; those of weight 0 come last, as they are listed."""
    drawn = []
    for place, weight in enumerate(weights):
        # The lowest wins: the logarithm is below 0, so the greater weight has the greater chance.
        drawn.append((weight / log(_draw(key + _seed(names[place]))) if weight else 0.0, place))
    drawn.sort()
    return [names[place] for _, place in drawn]


def by_price(names: Iterable[str], prices: Mapping[str, PriceOf], digits: str) -> list[str]:
    """The cheapest first, equal ones in the order given; who has no price for the number comes last."""

    def price(name: str) -> tuple[bool, int]:
        find = prices.get(name)
        found = find(digits) if find is not None else None
        return found is None, found or 0

    return sorted(names, key=price)


def linked_first(names: Sequence[str], upstreams: Mapping[str, Linked]) -> list[str]:
    """Those that can take a message now before the others."""
    return sorted(names, key=lambda name: not upstreams[name].up)


def key_of(text: str) -> int:
    """A key for what has to stay together: a number, or the segments of one text. Equal in every run."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def _draw(mixed: int) -> float:
    """A number between 0 and 1, and neither of them; numbers that follow one another have nothing in common.

    This is the finalizer of splitmix64.
    """
    mixed &= _MASK
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _MASK
    return (((mixed ^ mixed >> 31) >> 12) + 0.5) / _RANGE


@lru_cache(maxsize=4096)
def _seed(name: str) -> int:
    return key_of(name)
