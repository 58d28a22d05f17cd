"""send.php: when messages are sent, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from front_sending import OTHER, PHONE, SendDesk
from gateway_fakes import NOW_MS
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.model import UNTIL_EXPIRY
from gateway.front.desk import ApiProblem
from gateway.front.schedule import LONGEST_WAIT_MS, schedule_of

NOW = datetime.fromtimestamp(NOW_MS / 1000, UTC)
HOUR = 3_600_000
MOSCOW, YEKATERINBURG = 3, 5


def local(moment: datetime, hours: int) -> str:
    return (moment + timedelta(hours=hours)).strftime("%d%m%y%H%M")


LATER = NOW.replace(second=0) + timedelta(hours=2)
LATER_MS = int(LATER.timestamp() * 1000)
HOUR_THERE = (NOW + timedelta(hours=MOSCOW)).hour


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SendDesk]:
    made = SendDesk(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("params", "zone", "due_ms"),
    [
        ({"time": local(LATER, MOSCOW), "tz": "0"}, "", LATER_MS),
        ({"time": local(LATER, MOSCOW + 2), "tz": "+2"}, "", LATER_MS),
        ({"time": local(LATER, MOSCOW - 5), "tz": "-5"}, "Asia/Yekaterinburg", LATER_MS),
        ({"time": local(LATER, 0)}, "", LATER_MS),
        ({"time": local(LATER, YEKATERINBURG)}, "Asia/Yekaterinburg", LATER_MS),
        ({"time": (LATER + timedelta(hours=3)).strftime("%d.%m.%y %H:%M"), "tz": "0"}, "", LATER_MS),
        ({"time": f"0{LATER_MS // 1000}"}, "", LATER_MS),
        ({"time": "+90"}, "", NOW_MS + 90 * 60_000),
        ({"time": "0"}, "", 0),
        ({"time": ""}, "", 0),
        ({"time": "01012000:00"[:8] + "00"}, "", 0),
        ({"time": f"{HOUR_THERE}-{HOUR_THERE + 1}", "tz": "0"}, "", 0),
    ],
    ids=[
        *("Moscow", "before Moscow", "behind Moscow", "account in UTC", "zone of the account", "dots"),
        *("timestamp", "minutes", "0", "empty", "past", "hours are open"),
    ],
)
def test_times_in_their_zones(params: dict[str, str], zone: str, due_ms: int) -> None:
    assert schedule_of(params, zone, NOW_MS).due_ms("") == due_ms


def test_hours_of_the_day_open_next() -> None:
    hour = (HOUR_THERE + 3) % 22
    due_ms = schedule_of({"time": f"{hour}-{hour + 1}", "tz": "0"}, "", NOW_MS).due_ms("")
    opening = datetime.fromtimestamp(due_ms / 1000, UTC) + timedelta(hours=MOSCOW)
    assert (opening.hour, opening.minute, opening.second) == (hour, 0, 0)
    assert NOW_MS < due_ms <= NOW_MS + 24 * HOUR


@pytest.mark.parametrize(
    "params",
    [
        *({"time": time} for time in ("x", "3213251200", "+", "22-6", "25:00", "-5", "09999999999999")),
        {"time": "+999999"},
        {"tz": "12"},
        {"time": "+1", "tz": "x"},
        *({"valid": valid} for valid in ("25", "0", "24:01", "00:00", "1:2:3", "x")),
    ],
)
def test_what_is_no_time_is_error_5(params: dict[str, str]) -> None:
    with pytest.raises(ApiProblem) as caught:
        schedule_of(params, "", NOW_MS)
    assert caught.value.number == 5


def test_a_message_waits_for_its_time(desk: SendDesk) -> None:
    desk.ask("here", time=local(LATER, YEKATERINBURG))
    assert desk.message().due_ms == LATER_MS


def test_each_line_of_a_list_can_have_a_zone(desk: SendDesk) -> None:
    desk.ask(list=f",0|{PHONE}:a\n,1|{OTHER}:b", time=local(LATER, MOSCOW))
    assert [message.due_ms for message in desk.messages()] == [LATER_MS, LATER_MS - HOUR]


def test_the_lifetime_begins_when_it_is_sent(desk: SendDesk) -> None:
    desk.ask(valid="00:30", id="a")
    desk.ask(valid="2", time="+60", id="b")
    desk.ask(id="c")
    first, second, third = desk.messages()
    assert (first.expires_ms, first.validity_period) == (NOW_MS + HOUR // 2, UNTIL_EXPIRY)
    assert (second.due_ms, second.expires_ms) == (NOW_MS + HOUR, NOW_MS + 3 * HOUR)
    assert third.validity_period == ""


def test_recipients_are_spread_over_a_period(desk: SendDesk) -> None:
    phones = ",".join(f"7999000000{n}" for n in range(4))
    desk.ask(phones=phones, period="2", id="a", valid="1")
    desk.ask(phones=phones, period="2", freq="60", id="b")
    even, stepped = desk.messages()[:4], desk.messages()[4:]
    assert [message.due_ms for message in even] == [0, *(NOW_MS + n * HOUR // 2 for n in (1, 2, 3))]
    assert [message.due_ms for message in stepped] == [0, 0, NOW_MS + HOUR, NOW_MS + HOUR]
    assert [m.expires_ms - (m.due_ms or NOW_MS) for m in even] == [HOUR] * 4


@settings(max_examples=300, deadline=None)
@given(
    time=st.one_of(
        st.text(alphabet="0123456789+-.: ", max_size=16),
        st.from_regex(r"[0-9]{10}", fullmatch=True),
        st.text(max_size=8),
    ),
    tz=st.one_of(st.just(""), st.integers(-20, 20).map(str), st.text(max_size=3)),
    valid=st.one_of(
        st.just(""), st.from_regex(r"[0-9]{1,2}(:[0-9]{2})?", fullmatch=True), st.text(max_size=5)
    ),
)
def test_any_time_is_one_within_a_year_or_error_5(time: str, tz: str, valid: str) -> None:
    try:
        schedule = schedule_of({"time": time, "tz": tz, "valid": valid}, "Europe/Paris", NOW_MS)
    except ApiProblem as problem:
        assert problem.number == 5
        return
    due_ms = schedule.due_ms("")
    assert due_ms == 0 or NOW_MS < due_ms <= NOW_MS + LONGEST_WAIT_MS
    assert 0 <= schedule.lifetime_ms <= 24 * HOUR
    assert time or due_ms == 0


@settings(max_examples=200, deadline=None)
@given(
    count=st.integers(1, 50),
    period=st.floats(0.1, 720, allow_nan=False).map(lambda hours: f"{hours:.2f}"),
    freq=st.one_of(st.just(""), st.integers(1, 1440).map(str)),
)
def test_a_period_is_filled_in_order_and_never_left(count: int, period: str, freq: str) -> None:
    schedule = schedule_of({"period": period, "freq": freq}, "", NOW_MS)
    moments = [schedule.spread(0, place, count) or NOW_MS for place in range(count)]
    assert moments == sorted(moments) and moments[0] == NOW_MS
    assert moments[-1] <= NOW_MS + float(period) * HOUR
