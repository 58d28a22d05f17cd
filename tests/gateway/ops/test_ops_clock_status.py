"""A machine's clock that has leapt is a problem in `status` until it is believed again."""

from __future__ import annotations

import pytest

from gateway.core.steady_clock import STANDS_MS, SteadyClock
from gateway.ops.status import clock_problems


@pytest.mark.parametrize(
    ("by_ms", "words"), [(3_600_000, "3600 s ahead of"), (-86_400_000, "86400 s behind")]
)
def test_a_clock_that_is_not_believed_is_a_problem(by_ms: int, words: str) -> None:
    at = {"wall": 1_750_000_000_000, "elapsed": 5_000}
    clock = SteadyClock(lambda: at["wall"], lambda: at["elapsed"])
    clock.look()
    assert not list(clock_problems(clock))
    at["wall"] += by_ms
    clock.look()
    [said] = clock_problems(clock)
    assert words in said
    for name in at:
        at[name] += STANDS_MS
    clock.look()
    assert not list(clock_problems(clock))


def test_a_start_behind_what_is_stored_is_a_problem() -> None:
    clock = SteadyClock(lambda: 0, lambda: 5_000)
    clock.begin(1_750_000_000_000)
    [said] = clock_problems(clock)
    assert "1750000000 s behind" in said
