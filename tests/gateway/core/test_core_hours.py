"""Days and hours by the clock on the wall, against a walk over the minutes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.hours import Hours, day_at, parse_hours, zone_of

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
# clocks that jump at midnight, at night, by half an hour; one that left out a whole day; and none that jumps
ZONES = [
    "America/Havana",
    "America/Sao_Paulo",
    "America/New_York",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Europe/Moscow",
    "Europe/Berlin",
    "Pacific/Apia",
    "UTC",
]
JUMPS = [
    datetime(2011, 12, 30, 10, tzinfo=UTC),  # Apia
    datetime(2018, 2, 18, 2, tzinfo=UTC),  # Sao Paulo, back from midnight
    datetime(2018, 11, 4, 3, tzinfo=UTC),  # Sao Paulo, forth at midnight
    datetime(2026, 3, 8, 5, tzinfo=UTC),  # Havana, New York
    datetime(2026, 3, 28, 22, tzinfo=UTC),  # Beirut, and three hours later Berlin
    datetime(2026, 4, 4, 15, tzinfo=UTC),  # Lord Howe
    datetime(2026, 10, 25, 1, tzinfo=UTC),  # Berlin
    datetime(2026, 11, 1, 5, tzinfo=UTC),  # Havana, New York
]
zones = st.sampled_from(ZONES)
moments = st.one_of(
    st.integers(
        int(datetime(2010, 1, 1, tzinfo=UTC).timestamp()), int(datetime(2037, 1, 1, tzinfo=UTC).timestamp())
    ).map(lambda it: datetime.fromtimestamp(it, UTC)),
    st.builds(
        lambda jump, minutes: datetime.fromtimestamp(jump.timestamp() + minutes * 60, UTC),
        st.sampled_from(JUMPS),
        st.integers(-3 * 1440, 3 * 1440),
    ),
).map(lambda it: int(it.timestamp()) * 1000)
spans = st.tuples(st.integers(0, 23), st.integers(0, 23)).filter(lambda it: it[0] != it[1])


def local(at_ms: int, zone: str) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone))


@given(at_ms=moments, zone=zones)
def test_a_day_is_one_of_the_calendar_and_ends_when_the_next_begins(at_ms: int, zone: str) -> None:
    day, ends_ms = day_at(at_ms, ZoneInfo(zone))
    today = local(at_ms, zone).date()
    assert day == (today - date(1970, 1, 1)).days
    assert at_ms < ends_ms <= at_ms + 26 * HOUR_MS
    assert local(ends_ms - 1, zone).date() == today
    assert local(ends_ms, zone).date() > today
    assert day_at(ends_ms, ZoneInfo(zone))[0] > day


def is_open(at: datetime, hours: Hours) -> bool:
    """Hour by hour, as a person would count them."""
    hour, within = hours.first, []
    while hour != hours.last:
        within.append(hour)
        hour = (hour + 1) % 24
    return at.hour in within


@given(at_ms=moments, zone=zones, span=spans)
def test_the_opening_is_the_first_moment_within_the_hours(
    at_ms: int, zone: str, span: tuple[int, int]
) -> None:
    hours = Hours(*span)
    opening_ms = hours.opening_ms(at_ms, ZoneInfo(zone))
    assert at_ms <= opening_ms
    assert is_open(local(opening_ms, zone), hours)
    if opening_ms == at_ms:
        return
    # not a quarter of an hour before is within them, nor is the last moment
    before = [*range(at_ms, opening_ms, 15 * MINUTE_MS), opening_ms - 1]
    assert not any(is_open(local(ms, zone), hours) for ms in before)


def test_hours_that_the_clocks_jump_over_wait_for_the_next_day() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    midnight = datetime(2026, 3, 29, tzinfo=berlin)
    opening_ms = Hours(2, 3).opening_ms(int(midnight.timestamp() * 1000), berlin)
    assert datetime.fromtimestamp(opening_ms / 1000, berlin) == datetime(2026, 3, 30, 2, tzinfo=berlin)


@pytest.mark.parametrize(
    ("text", "hours"), [("9-21", (9, 21)), ("21-6", (21, 6)), ("0-24", (0, 0)), ("22-24", (22, 0))]
)
def test_hours_as_they_are_configured(text: str, hours: tuple[int, int]) -> None:
    assert parse_hours(text) == hours


def test_all_day_is_always_open() -> None:
    assert Hours(0, 0).opening_ms(12_345, UTC) == 12_345


def test_utc_needs_no_time_zone_database() -> None:
    assert zone_of("") is UTC is zone_of("UTC")
    assert zone_of("Europe/Moscow") == ZoneInfo("Europe/Moscow")
