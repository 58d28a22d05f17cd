"""When to try again: a share of a delay that doubles, and never more than the longest."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.retry import delay_s


class Drawn(Random):
    """Draws the same number each time."""

    def __init__(self, number: float) -> None:
        super().__init__(1)
        self.number = number

    def random(self) -> float:
        return self.number


def test_the_most_doubles_from_a_second_to_a_minute() -> None:
    most = Drawn(1.0)
    assert [delay_s(tries, most) for tries in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert [delay_s(tries, most, 0.1) for tries in range(3)] == [0.1, 0.2, 0.4]
    assert delay_s(10**9, most) == 60
    assert delay_s(5, most, longest_s=3) == 3


@given(tries=st.integers(0, 10_000), drawn=st.floats(0, 1, exclude_max=True))
def test_it_is_the_share_that_is_drawn_and_at_least_a_tenth(tries: int, drawn: float) -> None:
    most = delay_s(tries, Drawn(1.0))
    assert delay_s(tries, Drawn(drawn)) == max(most * 0.1, most * drawn) or drawn < 0.1
    assert most / 10 <= delay_s(tries, Drawn(drawn)) <= most
