"""How fast is sent, to an SMSC that says "too fast" and in the name of one sender."""

from __future__ import annotations

from itertools import pairwise

import pytest

from gateway.core import pacing
from gateway.core.pacing import Pace, SenderPace

NOW = 1000.0
NOW_MS = 1_750_000_000_000


def refuse(pace: Pace, now: float, in_flight: int, taken: int, times: int = 3) -> bool:
    """So many refusals of what was sent a moment ago; whether that changed anything."""
    return any(pace.throttled(now, now - 0.01, in_flight, taken) for _ in range(times))


def slowed(taken: int = 10, in_flight: int = 64, rate: int = 0) -> Pace:
    """Throttled at NOW + 1, after a second with refusals in which so many were taken."""
    pace = Pace(rate, NOW)
    pace.throttled(NOW, NOW - 0.01, in_flight, 0)
    assert refuse(pace, NOW + 1, in_flight, taken, max(3, taken // 2))
    return pace


def test_nothing_is_limited_before_the_first_refusal() -> None:
    pace = Pace(0, NOW)
    pace.tick(NOW + 1, 5000, 100)
    assert (pace.limited, pace.rate) == (False, 0)


def test_what_was_under_way_is_halved_and_the_rate_is_what_was_taken() -> None:
    pace = slowed(taken=9, in_flight=64)
    assert (pace.limited, pace.window, pace.rate) == (True, 32, 9)


def test_one_refusal_among_many_is_no_reason() -> None:
    pace, taken = Pace(0, NOW), 0
    for n in range(1, 500):
        taken += 19
        assert not pace.throttled(NOW + n / 20, NOW + n / 20 - 0.01, 50, taken)
    assert not pace.limited


def test_refusals_of_long_ago_count_no_more() -> None:
    pace = Pace(0, NOW)
    assert not any(pace.throttled(NOW + 5 * n, NOW + 5 * n - 0.01, 1, 0) for n in range(10))


def test_what_was_taken_in_a_moment_says_nothing_of_the_rate() -> None:
    pace = Pace(0, NOW)
    pace.tick(NOW + 1, 1, 100)
    assert refuse(pace, NOW + 1.05, 90, 11)
    assert (pace.window, pace.rate) == (45, 0)
    assert refuse(pace, NOW + 1.65, 90, 41, times=10)
    assert pace.rate in (49, 50)


def test_the_window_is_halved_once_in_a_round_trip() -> None:
    pace = slowed()
    assert not refuse(pace, NOW + 1.005, 60, 10, times=20)  # sent before
    assert (pace.window, pace.cuts) == (32, 1)
    assert refuse(pace, NOW + 1.3, 32, 10)
    assert (pace.window, pace.cuts) == (16, 2)


def test_a_segment_at_a_time_goes_on_however_often_it_is_too_fast() -> None:
    pace = slowed(taken=0, in_flight=1)
    for n in range(20):
        refuse(pace, NOW + 2 + n, 1, 0)
    assert (pace.window, pace.rate) == (1, 1)


def test_an_smsc_that_refuses_a_part_at_any_speed_is_not_left_alone() -> None:
    """Of each second's traffic a third is refused, however little it is."""
    pace, taken = Pace(0, NOW), 0
    pace.tick(NOW + 1, taken, 100)
    for second in range(2, 62):
        sent = pace.rate or 999
        taken += sent * 2 // 3
        refuse(pace, NOW + second, 10, taken, max(3, sent // 3))
        pace.tick(NOW + second, taken, 100)
    assert taken > 5000  # a quarter of the best, which fades


def test_a_configured_rate_is_never_exceeded() -> None:
    pace = slowed(taken=80, rate=50)
    assert pace.rate == 50
    pace = slowed(taken=20, rate=50)
    assert pace.rate == 20
    for second in range(2, 60):
        pace.tick(NOW + second, 20 * second, 100)
        assert 20 <= pace.rate <= 50
    assert pace.rate == 50


def test_the_window_grows_by_the_same_steps_and_not_at_once() -> None:
    pace = slowed(in_flight=20)
    windows = []
    for second in range(1, 4):
        pace.tick(NOW + 1 + 3 * second, 100, 100)
        windows.append(pace.window)
    assert windows == [20, 30, 40]


def test_the_rate_grows_slowly_at_first_and_faster_while_all_is_well() -> None:
    pace = slowed(taken=100)
    rates = []
    for second in range(1, 13):
        pace.tick(NOW + 1 + second, 100 * (1 + second), 100)
        rates.append(pace.rate)
    steps = [after - before for before, after in pairwise(rates)]
    assert rates[0] == 102
    assert steps[:3] == [2, 2, 2]
    assert steps[-1] == 8
    pace.throttled(NOW + 13.4, NOW + 13.3, 10, 1340)
    assert refuse(pace, NOW + 14, 10, 1400, 400)
    before = pace.rate
    pace.tick(NOW + 15, 1500, 100)
    assert pace.rate - before < 8


def test_after_a_good_minute_the_configured_limits_hold_again() -> None:
    pace = slowed()
    pace.tick(NOW + 60, 6000, 100)
    assert pace.limited
    pace.tick(NOW + 61, 6000, 100)
    assert (pace.limited, pace.rate) == (False, 0)


def test_an_smsc_of_thirty_a_second_gets_about_that() -> None:
    """Of a second's traffic the SMSC takes 30 and refuses the rest at once."""
    pace, taken, refused = Pace(0, NOW), 0, 0
    for second in range(1, 61):
        now = NOW + second
        wanted = min(100, pace.rate or 100) if pace.limited else 100
        taken, refused = taken + min(30, wanted), refused + max(0, wanted - 30)
        if wanted > 30:
            refuse(pace, now, wanted, taken, wanted - 30)
        pace.tick(now, taken, 100)
    assert taken >= 60 * 29
    assert refused < 70 + 60 * 6


@pytest.mark.parametrize(("state", "cut"), [(0, False), (79, False), (89, False), (90, True), (100, True)])
def test_congestion_is_as_good_as_a_refusal(state: int, cut: bool) -> None:
    pace = Pace(0, NOW)
    assert pace.congestion(state, NOW + 1, NOW + 0.9, 10, 50) is cut
    assert pace.limited is cut


def test_at_optimum_load_nothing_grows() -> None:
    pace = slowed(in_flight=20)
    pace.congestion(85, NOW + 2, NOW + 1.9, 10, 10)
    pace.tick(NOW + 2.5, 100, 100)
    assert pace.window == 10
    pace.tick(NOW + 5.5, 100, 100)
    assert pace.window == 20


# -- senders ----------------------------------------------------------------------------------------


def test_a_sender_has_a_second_of_burst_and_then_its_rate() -> None:
    pace = SenderPace(5)
    due = [pace.due_ms("Shop", 1, NOW_MS) for _ in range(8)]
    assert due == [0, 0, 0, 0, 0, NOW_MS + 200, NOW_MS + 400, NOW_MS + 600]


def test_senders_do_not_wait_for_each_other() -> None:
    pace = SenderPace(1)
    assert [pace.due_ms(source, 1, NOW_MS) for source in ("a", "b", "a", "c")] == [0, 0, NOW_MS + 1000, 0]


def test_segments_count_and_not_messages() -> None:
    pace = SenderPace(2)
    assert pace.due_ms("a", 6, NOW_MS) == 0
    assert pace.due_ms("a", 1, NOW_MS) == NOW_MS + 2500


def test_time_that_passed_is_not_owed() -> None:
    pace = SenderPace(1)
    for _ in range(3):
        pace.due_ms("a", 1, NOW_MS)
    assert pace.due_ms("a", 1, NOW_MS + 60_000) == 0
    assert pace.due_ms("a", 1, NOW_MS + 60_000) == NOW_MS + 61_000


def test_only_so_many_senders_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "SENDERS_MAX", 10)
    pace = SenderPace(1)
    for n in range(100):
        pace.due_ms(f"sender {n}", 5, NOW_MS)
        assert len(pace) <= 10
    assert pace.due_ms("sender 99", 1, NOW_MS) > NOW_MS


def test_a_moment_without_a_link_takes_nothing_of_the_window() -> None:
    pace = slowed(in_flight=64)
    pace.tick(NOW + 1.1, 10, 100)
    before = pace.window
    pace.tick(NOW + 1.2, 10, 0)
    pace.tick(NOW + 1.3, 10, 100)
    assert pace.window >= before == 32
