"""Samples: rates from counters, gaps where nobody knows, and no more memory than said."""

from __future__ import annotations

from math import isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ops.web.samples import (
    COARSE_S,
    DAY_S,
    FINE_S,
    HOUR_S,
    NAMES_MAX,
    POINTS,
    Reading,
    Ring,
    Samples,
    Window,
    quotient,
)


def reading(at_s: float, accepted: float = 0, *, boot: float = 1, **gauges: float) -> Reading:
    return Reading(at_s, boot, {"accepted": accepted}, gauges)


def known(values: object) -> list[float]:
    assert isinstance(values, list)
    return [value for value in values if not isnan(value)]


def test_a_counter_becomes_a_rate_for_each_second() -> None:
    ring = Ring(2, 60)
    for at_s, accepted in ((0, 100), (2, 120), (4, 120), (6, 150)):
        ring.take(reading(at_s, accepted))
    window = ring.window(6, 60)
    assert known(window.of("accepted")) == [10, 0, 15]
    assert list(window.ages_s) == [6, 4, 2, 0]


def test_looks_that_come_faster_than_the_step_make_one_point_with_the_highest_gauge_between() -> None:
    ring = Ring(10, 100)
    for at_s, accepted, waiting in ((0, 0, 1), (3, 5, 99), (6, 7, 2), (10, 20, 3)):
        ring.take(reading(at_s, accepted, waiting=waiting))
    window = ring.window(10, 100)
    assert known(window.of("accepted")) == [2]
    assert known(window.of("waiting")) == [1, 99]


def test_a_restart_is_a_gap_and_never_a_negative_rate() -> None:
    ring = Ring(2, 60)
    ring.take(reading(0, 1000))
    ring.take(reading(2, 1010))
    ring.take(reading(4, 5, boot=2))
    ring.take(reading(6, 9, boot=2))
    row = ring.window(6, 60).of("accepted")
    assert [nan if isnan(rate) else rate for rate in row][1] == 5
    assert isnan(row[2])
    assert row[3] == 2


def test_a_counter_that_went_back_within_a_run_is_a_gap_too() -> None:
    ring = Ring(2, 60)
    ring.take(reading(0, 50))
    ring.take(reading(2, 40))
    assert known(ring.window(2, 60).of("accepted")) == []


def test_a_time_without_answers_is_a_gap_between_the_points() -> None:
    ring = Ring(2, 600)
    for at_s in (0, 2, 4, 100, 102):
        ring.take(reading(at_s, at_s, waiting=1))
    window = ring.window(102, 120)
    assert [isnan(age) for age in window.ages_s] == [False, False, False, True, False, False]
    assert [isnan(value) for value in window.of("waiting")] == [False, False, False, True, False, False]


def test_a_window_has_only_what_is_new_enough_and_no_more_points_than_are_seen() -> None:
    ring = Ring(2, HOUR_S)
    for second in range(0, 3600, 2):
        ring.take(reading(second, second * 3, waiting=second))
    window = ring.window(3598, HOUR_S)
    assert POINTS / 2 <= len(window.ages_s) <= POINTS + 1
    assert known(window.of("accepted")) == pytest.approx([3] * len(known(window.of("accepted"))))
    assert max(ring.window(3598, 60).ages_s) < 60


def test_the_oldest_points_make_room() -> None:
    ring = Ring(2, 20)
    for at_s in range(0, 100, 2):
        ring.take(reading(at_s, waiting=at_s))
    assert list(ring.window(98, 100).of("waiting")) == list(range(80, 100, 2))


def test_figures_that_nobody_asks_for_any_more_leave_and_there_is_a_limit_to_their_number() -> None:
    ring = Ring(2, 20)
    ring.take(reading(0, waiting=1))
    for at_s in range(2, 40, 2):
        ring.take(reading(at_s, **{f"connector {i}": 1.0 for i in range(NAMES_MAX + 50)}))
    window = ring.window(38, 1000)
    assert "waiting" not in window.figures
    assert len(window.figures) <= NAMES_MAX


def test_an_hour_is_seen_finely_and_a_day_coarsely() -> None:
    samples = Samples()
    for at_s in range(0, 7200, 2):
        samples.take(reading(at_s, at_s))
    assert samples.window(7198, 60).ages_s[-2:] == [FINE_S, 0.0]
    day = samples.window(7198, DAY_S)
    assert 6000 < max(day.ages_s) < 7200
    assert day.ages_s[-2] - day.ages_s[-1] >= COARSE_S
    assert known(day.of("accepted")) == pytest.approx([1] * len(known(day.of("accepted"))))


def test_sums_and_highest_of_what_is_known() -> None:
    window = Window([2, 1, 0], {"q:a": [1, nan, nan], "q:b": [2, 5, nan], "other": [100, 100, 100]})
    total, highest = window.total("q:"), window.highest("q:")
    assert (total[:2], highest[:2]) == ([3, 5], [2, 5])
    assert isnan(total[2])
    assert isnan(highest[2])
    assert all(map(isnan, window.of("unknown")))


def test_a_mean_is_a_gap_where_nothing_came() -> None:
    assert quotient([6.0, 0.0], [3.0, 0.0])[0] == 2
    assert isnan(quotient([6.0, 0.0], [3.0, 0.0])[1])


@given(
    st.lists(
        st.tuples(st.floats(0.01, 500), st.integers(-50, 500), st.booleans()),
        max_size=60,
    ),
    st.sampled_from([60.0, 300.0, HOUR_S, DAY_S]),
)
def test_whatever_comes_rates_are_never_negative_and_points_are_in_order(
    steps: list[tuple[float, int, bool]], span_s: float
) -> None:
    samples, at_s, accepted, boot = Samples(), 0.0, 0, 1
    for elapsed_s, more, is_restart in steps:
        at_s, accepted, boot = at_s + elapsed_s, max(0, accepted + more), boot + is_restart
        samples.take(reading(at_s, accepted, boot=boot))
    window = samples.window(at_s, span_s)
    assert all(rate >= 0 for rate in known(list(window.of("accepted"))))
    ages = [age for age in window.ages_s if not isnan(age)]
    assert ages == sorted(ages, reverse=True)
    assert len(window.of("accepted")) == len(window.ages_s)
