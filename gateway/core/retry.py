"""When to try again.  Full jitter: a random share of a delay that doubles."""

from __future__ import annotations

from random import Random

FIRST_S = 1.0
FIRST_THROTTLED_S = 0.1
LONGEST_S = 60.0


def delay_s(tries: int, random: Random, first_s: float = FIRST_S, longest_s: float = LONGEST_S) -> float:
    """Seconds before try number `tries` + 1, at least a tenth of what it may be at the most."""
    ceiling = min(longest_s, first_s * 2.0 ** min(tries, 16))
    return max(ceiling / 10, random.random() * ceiling)
