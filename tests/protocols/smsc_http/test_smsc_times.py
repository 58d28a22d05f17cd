"""Times of the service: every form, its borders, and what is none."""

import contextlib
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.smsc_http.times import (
    TimeError,
    Window,
    format_callback_time,
    format_date,
    format_date_time,
    format_delay,
    format_local_time,
    format_time,
    format_valid,
    format_window,
    parse_date,
    parse_date_time,
    parse_time,
    parse_valid,
    parse_zone,
)

NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)  # 12:30 in Moscow
MOMENTS = st.integers(16_000_000, 68_000_000).map(lambda minutes: datetime.fromtimestamp(minutes * 60, UTC))


@pytest.mark.parametrize(
    ("text", "tz_hours", "expected"),
    [
        ("0101300000", 0, datetime(2029, 12, 31, 21, 0, tzinfo=UTC)),
        ("01.01.30 00:00", 0, datetime(2029, 12, 31, 21, 0, tzinfo=UTC)),
        ("0101300000", -3, datetime(2030, 1, 1, 0, 0, tzinfo=UTC)),
        ("0101300000", 7, datetime(2029, 12, 31, 14, 0, tzinfo=UTC)),
        ("01893456000", 0, datetime(2030, 1, 1, tzinfo=UTC)),
        ("01893456000", 5, datetime(2030, 1, 1, tzinfo=UTC)),
        ("+15", 0, NOW + timedelta(minutes=15)),
        ("9-18", 0, Window(9, 18)),
        ("0-24", 0, Window(0, 24)),
    ],
)
def test_forms_of_a_time(text: str, tz_hours: int, expected: datetime | Window) -> None:
    assert parse_time(text, tz_hours, NOW) == expected


@pytest.mark.parametrize("text", ["", "0", "+0", "0101120000", "01.01.12 00:00", "00000000001", "1003261230"])
def test_at_once(text: str) -> None:
    assert parse_time(text, 0, NOW) is None


@pytest.mark.parametrize(
    "text",
    [
        *("now", "1", "00", "+", "+1m", "-5", "+-5", "12345678901", "0123456789012345", "0999999999999"),
        *("3202300000", "0113300000", "0101302400", "0101300060", "01.01.2030 00:00", "01.01.30 0:00"),
        *("18-9", "9-9", "9-25", "9-", "22-6", "9-18-20", "01.01.30", "٠١٠١٣٠٠٠٠٠", " 15", "0101300000\n"),
    ],
)
def test_no_times(text: str) -> None:
    with pytest.raises(TimeError):
        parse_time(text, 0, NOW)


@pytest.mark.parametrize(
    ("window", "tz_hours", "expected"),
    [
        (Window(9, 18), 0, None),
        (Window(12, 13), 0, None),
        (Window(13, 18), 0, datetime(2026, 3, 10, 10, 0, tzinfo=UTC)),
        (Window(9, 12), 0, datetime(2026, 3, 11, 6, 0, tzinfo=UTC)),
        (Window(9, 12), -2, None),
        (Window(9, 18), 7, datetime(2026, 3, 10, 23, 0, tzinfo=UTC)),
        (Window(19, 24), 7, None),
    ],
)
def test_when_a_window_opens(window: Window, tz_hours: int, expected: datetime | None) -> None:
    assert window.opening(NOW, tz_hours) == expected


@given(MOMENTS, st.integers(-15, 11))
def test_a_moment_comes_back_in_every_form(moment: datetime, tz_hours: int) -> None:
    before = moment - timedelta(hours=1)
    assert parse_time(format_time(moment), tz_hours, before) == moment
    assert parse_time(format_local_time(moment, tz_hours), tz_hours, before) == moment
    assert parse_date_time(format_date_time(moment, tz_hours), tz_hours) == moment
    assert parse_date_time(format_callback_time(moment, tz_hours), tz_hours) == moment


def test_how_times_are_written() -> None:
    moment = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert format_time(moment) == "01735787045"
    assert format_local_time(moment, 1) == "0201250704"
    assert format_date_time(moment) == "02.01.2025 06:04:05"
    assert format_callback_time(moment, -3) == "02.01.25 03:04:05"
    assert format_delay(15) == "+15"
    assert format_delay(-1) == "+0"
    assert format_window(Window(9, 18)) == "9-18"


@pytest.mark.parametrize(
    ("text", "minutes"), [("1", 60), ("24", 1440), ("00:01", 1), ("24:00", 1440), ("01:30", 90)]
)
def test_lifetimes(text: str, minutes: int) -> None:
    assert parse_valid(text) == minutes


@pytest.mark.parametrize("text", ["", "0", "25", "00:00", "24:01", "1:30", "01:60", "-1", "1.5", "٣"])
def test_no_lifetimes(text: str) -> None:
    with pytest.raises(TimeError):
        parse_valid(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:01"), (60, "00:01"), (119.9, "00:01"), (3600, "01:00"), (86400, "24:00"), (10**9, "24:00")],
)
def test_a_lifetime_is_written_within_what_the_service_takes(seconds: float, text: str) -> None:
    assert format_valid(seconds) == text
    assert parse_valid(text) * 60 <= max(seconds, 60)


@pytest.mark.parametrize(
    ("text", "hours"), [("", 0), ("0", 0), ("+3", 3), ("-3", -3), ("11", 11), ("-15", -15)]
)
def test_zones(text: str, hours: int) -> None:
    assert parse_zone(text) == hours


@pytest.mark.parametrize("text", ["12", "-16", "+", "3.5", "MSK", "٣", " 3"])
def test_no_zones(text: str) -> None:
    with pytest.raises(TimeError):
        parse_zone(text)


def test_dates() -> None:
    assert parse_date("29.02.2024") == date(2024, 2, 29)
    assert format_date(date(2024, 2, 9)) == "09.02.2024"
    for text in ("29.02.2023", "1.2.2024", "01.02.24", "2024-02-01", "00.01.2024", ""):
        with pytest.raises(TimeError):
            parse_date(text)


@pytest.mark.parametrize(
    "text", ["17.03.2023 16:47", "31.02.2023 00:00:00", "17.03.2023 24:00:00", "", "17.03.123 00:00:00"]
)
def test_no_times_of_answers(text: str) -> None:
    with pytest.raises(TimeError):
        parse_date_time(text)


def test_the_borders_of_the_calendar_are_no_crash() -> None:
    for text in ("01.01.0001 00:00:00", "31.12.9999 23:59:59"):
        for tz_hours in (-15, 11):
            with contextlib.suppress(TimeError):
                parse_date_time(text, tz_hours)


@given(st.text(alphabet="0123456789.:+- x\n", max_size=20), st.integers(-15, 11))
def test_only_the_documented_error_escapes(text: str, tz_hours: int) -> None:
    for parse in (
        lambda: parse_time(text, tz_hours, NOW),
        lambda: parse_valid(text),
        lambda: parse_zone(text),
    ):
        with contextlib.suppress(TimeError):
            parse()
    for read in (parse_date, parse_date_time):
        with contextlib.suppress(TimeError):
            read(text)
