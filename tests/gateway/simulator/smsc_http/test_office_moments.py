"""Dates and times of the simulated service."""

from __future__ import annotations

from datetime import date

import pytest
from office_support import DAY, NOON

from gateway.simulator.smsc_http.model import ApiProblem
from gateway.simulator.smsc_http.moments import begin, period, read_day, written


def test_times_are_moscows_or_so_many_hours_from_it() -> None:
    assert written(NOON, 0) == "01.01.2025 12:00:00"
    assert written(NOON, 2) == "01.01.2025 14:00:00"
    assert written(NOON, -13) == "31.12.2024 23:00:00"


@pytest.mark.parametrize("value", ["2025-01-01", "1.1.25", "32.01.2025", "29.02.2025", "01.01.0000", ""])
def test_a_date_that_is_none(value: str) -> None:
    assert read_day("29.02.2024") == date(2024, 2, 29)
    with pytest.raises(ValueError, match=r"date|day|month|year"):
        read_day(value)


def test_a_period_is_whole_days_of_the_zone() -> None:
    midnight = NOON - DAY / 2
    assert begin(date(2025, 1, 1), 0) == midnight
    assert period({}, NOON, 0) == (midnight, midnight + DAY)
    assert period({"start": "01.01.2025"}, NOON + 5 * DAY, 0) == (midnight, midnight + DAY)
    assert period({"start": "01.01.2025", "end": "03.01.2025"}, NOON, 0) == (midnight, midnight + 3 * DAY)
    assert period({}, NOON, 13) == (midnight + 11 * 3600, midnight + 11 * 3600 + DAY)


def test_a_period_must_go_forward_and_not_be_too_long() -> None:
    for params in (
        {"start": "02.01.2025", "end": "01.01.2025"},
        {"start": "01.01.2025", "end": "01.03.2025"},
        {"start": "x"},
    ):
        with pytest.raises(ApiProblem):
            period(params, NOON, 0, longest_days=31)
