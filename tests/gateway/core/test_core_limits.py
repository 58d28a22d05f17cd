"""Rates by tokens, and the delays between tries."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.limits import TokenBucket
from gateway.core.retry import FIRST_THROTTLED_S, LONGEST_S, delay_s


def test_no_rate_is_no_limit() -> None:
    bucket = TokenBucket(0, 0.0)
    assert all(bucket.take(255, 0.0) for _ in range(1000))
    bucket.spend(1_000_000)
    assert bucket.available(0.0) == float("inf")


def test_one_second_of_burst_then_the_rate() -> None:
    bucket = TokenBucket(10, 0.0)
    assert [bucket.take(1, 0.0) for _ in range(11)] == [True] * 10 + [False]
    assert not bucket.take(1, 0.099)
    assert bucket.take(1, 0.1)
    assert bucket.available(100.0) == 10.0


def test_a_long_message_overdraws_and_the_debt_is_paid_first() -> None:
    bucket = TokenBucket(2, 0.0)
    assert bucket.take(10, 0.0)
    assert not bucket.take(1, 4.4)
    assert bucket.take(1, 4.5)


def test_what_is_spent_is_gone() -> None:
    bucket = TokenBucket(5, 0.0)
    bucket.spend(3)
    assert bucket.available(0.0) == 2.0


@given(
    st.integers(1, 50),
    st.lists(st.tuples(st.floats(0, 0.5), st.integers(1, 5)), max_size=200),
)
def test_the_rate_holds_on_average(rate: int, steps: list[tuple[float, int]]) -> None:
    bucket, now, taken = TokenBucket(rate, 0.0), 0.0, 0
    for pause, segments in steps:
        now += pause
        if bucket.take(segments, now):
            taken += segments
    assert taken <= rate * (now + 1) + 5


class Fixed(Random):
    """Always draws the same share."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def random(self) -> float:
        return self.share


@pytest.mark.parametrize(
    ("tries", "longest"), [(0, 1.0), (1, 2.0), (5, 32.0), (6, LONGEST_S), (1000, LONGEST_S)]
)
def test_delays_double_up_to_the_longest_with_full_jitter(tries: int, longest: float) -> None:
    assert delay_s(tries, Fixed(1.0)) == longest
    assert delay_s(tries, Fixed(0.5)) == longest / 2
    assert delay_s(tries, Fixed(0.0)) == longest / 10


def test_other_first_and_longest_delays() -> None:
    assert delay_s(0, Fixed(1.0), FIRST_THROTTLED_S) == FIRST_THROTTLED_S
    assert delay_s(9, Fixed(1.0), longest_s=5.0) == 5.0
