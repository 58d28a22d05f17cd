"""How often one mail address and one number may meet."""

from __future__ import annotations

from gateway.core.pairs import HOUR_S, REMEMBERED, PairLimits


def meet(limits: PairLimits, times: int, now: float = 0.0, who: str = "a@example.org") -> None:
    for _ in range(times):
        limits.met(who, "79991234567", now)


def test_a_pair_is_full_after_so_many_within_an_hour_and_other_pairs_are_not() -> None:
    limits = PairLimits(3)
    meet(limits, 2)
    assert not limits.full("a@example.org", "79991234567", 10.0)
    meet(limits, 1, 10.0)
    assert limits.full("a@example.org", "79991234567", 10.0)
    assert not limits.full("a@example.org", "79990000000", 10.0)
    assert not limits.full("b@example.org", "79991234567", 10.0)


def test_an_hour_after_the_first_the_count_begins_anew() -> None:
    limits = PairLimits(2)
    meet(limits, 2)
    assert limits.full("a@example.org", "79991234567", HOUR_S - 1)
    assert not limits.full("a@example.org", "79991234567", HOUR_S)
    meet(limits, 1, HOUR_S)
    assert not limits.full("a@example.org", "79991234567", HOUR_S)


def test_memory_is_bounded_and_the_pairs_that_met_last_are_kept() -> None:
    limits = PairLimits(1)
    for number in range(REMEMBERED + 1):
        limits.met(f"{number}@example.org", "79991234567", 0.0)
    assert not limits.full("0@example.org", "79991234567", 0.0)
    assert limits.full("1@example.org", "79991234567", 0.0)
    assert limits.full(f"{REMEMBERED}@example.org", "79991234567", 0.0)
