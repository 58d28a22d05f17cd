"""Counting in buckets."""

from __future__ import annotations

from gateway.core.histogram import Histogram


def test_a_value_is_counted_where_its_bound_is_the_first_that_is_not_below_it() -> None:
    spread = Histogram((1.0, 2.0, 5.0))
    for value in (0.0, 1.0, 1.5, 2.0, 5.0, 5.1, 1e9):
        spread.observe(value)
    assert spread.counts == [2, 2, 1, 2]
    assert spread.sum == 0.0 + 1.0 + 1.5 + 2.0 + 5.0 + 5.1 + 1e9


def test_a_value_that_was_seen_often_is_counted_so_often() -> None:
    spread = Histogram((1.0, 2.0))
    spread.observe(1.5, 40)
    assert (spread.counts, spread.sum) == ([0, 40, 0], 60.0)


def test_moments_are_counted_by_how_long_ago_they_were() -> None:
    spread = Histogram((1.0, 10.0))
    spread.observe_since([100.0, 99.5, 95.0, 0.0], 100.0)
    assert (spread.counts, spread.sum) == ([2, 1, 1], 105.5)


def test_moments_of_one_bucket_are_counted_like_one_by_one() -> None:
    moments = [100.0 - 0.1 * number for number in range(95)]
    together, each = Histogram((1.0, 10.0)), Histogram((1.0, 10.0))
    for start in range(0, 95, 5):
        together.observe_since(moments[start : start + 5], 100.0)
    for moment in moments:
        each.observe(100.0 - moment)
    assert together.counts == each.counts
    assert abs(together.sum - each.sum) < 1e-9
    together.observe_since([], 100.0)
    assert together.counts == each.counts
