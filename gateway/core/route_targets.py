"""In which order a message's connectors are tried: weights, prices, and who has a link.

All of it is worked out from the message, the route and the state of the links; nothing is remembered.  By
weight each connector draws a number from the message's key, and the highest wins (rendezvous hashing with
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
_NEVER = float("-inf")


class Linked(Protocol):
    """What is asked of a connector's upstream."""

    @property
    def up(self) -> bool:
        """Whether a message should be given to it now."""
        ...


def by_weight(names: Sequence[str], weights: Sequence[int], key: int) -> list[str]:
    """The connectors in the order of a message; those of weight 0 come last, as they are listed."""
    drawn = [
        (-_draw(name, weight, key), place)
        for place, (name, weight) in enumerate(zip(names, weights, strict=True))
    ]
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


def _draw(name: str, weight: int, key: int) -> float:
    """A number for this connector and this key; of two weights the greater has the greater chance."""
    if not weight:
        return _NEVER
    mixed = key + _seed(name) & _MASK
    # the finalizer of splitmix64: ids that follow one another become numbers that have nothing in common
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _MASK
    mixed ^= mixed >> 31
    return -weight / log(((mixed >> 12) + 0.5) / 2.0**52)  # between 0 and 1, and neither of them


@lru_cache(maxsize=4096)
def _seed(name: str) -> int:
    return key_of(name)
