"""Absolute and relative times."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.smpp.times import format_absolute, format_relative, parse_time

NOW = datetime(2024, 1, 31, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("240131235959900+", datetime(2024, 1, 31, 23, 59, 59, 900_000, UTC)),
        ("240131120000004+", datetime(2024, 1, 31, 11, 0, tzinfo=UTC)),
        ("240131120000004-", datetime(2024, 1, 31, 13, 0, tzinfo=UTC)),
        ("240131120000023+", datetime(2024, 1, 31, 6, 15, tzinfo=UTC)),
        ("370101000000000+", datetime(2037, 1, 1, tzinfo=UTC)),
        ("380101000000000+", datetime(1938, 1, 1, tzinfo=UTC)),
        ("000000000000000R", NOW),
        ("000002000000000R", datetime(2024, 2, 2, 12, 0, tzinfo=UTC)),
        ("000000013005000R", datetime(2024, 1, 31, 13, 30, 5, tzinfo=UTC)),
        ("000100000000000R", datetime(2024, 2, 29, 12, 0, tzinfo=UTC)),
        ("001200000000000R", datetime(2025, 1, 31, 12, 0, tzinfo=UTC)),
        ("010000000000000R", datetime(2025, 1, 31, 12, 0, tzinfo=UTC)),
    ],
)
def test_parse(text: str, moment: datetime) -> None:
    assert parse_time(text, NOW) == moment


def test_empty_is_none() -> None:
    assert parse_time("", NOW) is None


def test_absolute_keeps_its_offset() -> None:
    parsed = parse_time("240131120000022-", NOW)
    assert parsed is not None and parsed.utcoffset() == timedelta(hours=-5, minutes=-30)


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "240131120000000",
        "240131120000000+0",
        "24013112000000a+",
        "24013112000000 +",
        "２40131120000000+",
        "241331120000000+",
        "240230120000000+",
        "240131240000000+",
        "240131120000049+",
        "240131120000000Z",
        "240131120000000r",
    ],
)
def test_parse_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_time(text, NOW)


def test_a_naive_now_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        parse_time("000000000001000R", NOW.replace(tzinfo=None))


def test_relative_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_time("990000000000000R", datetime(9990, 1, 1, tzinfo=UTC))


offsets = st.integers(-48, 48).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))


EARLIEST, LATEST = datetime(1939, 1, 1), datetime(2037, 12, 30)  # noqa: DTZ001


@given(st.datetimes(EARLIEST, LATEST, timezones=offsets))
@settings(max_examples=100, deadline=None)
def test_absolute_round_trip(moment: datetime) -> None:
    tenth = moment.replace(microsecond=moment.microsecond // 100_000 * 100_000)
    text = format_absolute(moment)
    assert len(text) == 16
    parsed = parse_time(text, NOW)
    assert parsed == tenth and parsed.utcoffset() == tenth.utcoffset()


def test_odd_offsets_are_written_as_utc() -> None:
    moment = datetime(2024, 1, 31, 12, 0, tzinfo=timezone(timedelta(minutes=7)))
    assert format_absolute(moment) == "240131115300000+"
    assert format_absolute(datetime(2024, 1, 31, 12, tzinfo=timezone(timedelta(hours=14)))) == (
        "240130220000000+"
    )


@pytest.mark.parametrize("moment", [datetime(2024, 1, 1), datetime(2038, 1, 1, tzinfo=UTC)])  # noqa: DTZ001
def test_format_absolute_refuses(moment: datetime) -> None:
    with pytest.raises(ValueError, match=r"."):
        format_absolute(moment)


@pytest.mark.parametrize(
    ("period", "text"),
    [
        (timedelta(0), "000000000000000R"),
        (timedelta(hours=1), "000000010000000R"),
        (timedelta(days=3, seconds=3661), "000003010101000R"),
        (timedelta(days=30), "000100000000000R"),
        (timedelta(days=364), "001204000000000R"),
        (timedelta(days=365, microseconds=900_000), "010000000000000R"),
    ],
)
def test_format_relative(period: timedelta, text: str) -> None:
    assert format_relative(period) == text


@given(st.integers(0, 30 * 86_400 - 1))
@settings(max_examples=100, deadline=None)
def test_relative_round_trip_within_a_month(seconds: int) -> None:
    assert parse_time(format_relative(timedelta(seconds=seconds)), NOW) == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize("period", [timedelta(seconds=-1), timedelta(days=365 * 100)])
def test_format_relative_refuses(period: timedelta) -> None:
    with pytest.raises(ValueError, match="relative"):
        format_relative(period)
