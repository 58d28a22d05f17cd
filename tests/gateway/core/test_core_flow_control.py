"""How much may go up by a connector: what is configured, this node's part of it, and what the SMSC takes."""

from __future__ import annotations

from gateway_fakes import NOW, FakeLink

from gateway.core.flow_control import FlowControl
from gateway.core.links import Link


def flow(window: int = 10, rate: int = 0, *, adaptive: bool = True) -> FlowControl:
    made = FlowControl(window, rate, NOW)
    made.adaptive = adaptive
    return made


def links(count: int = 1) -> list[Link]:
    return [FakeLink() for _ in range(count)]


def refuse(one: FlowControl, in_flight: int, now: float, times: int = 3) -> list[bool]:
    """The SMSC says so often that it is too much, of what was sent a moment before."""
    return [one.too_fast(now - 0.01, in_flight, now, 0) for _ in range(times)]


def test_each_link_has_a_window_unless_its_smsc_does_not_read() -> None:
    one, both = flow(), links(2)
    assert one.room(both, 3, NOW) == 17
    both[0].stuck = True
    assert one.room(both, 3, NOW) == 7
    assert one.most(2) == 20


def test_there_is_no_room_when_the_window_is_full() -> None:
    assert flow().room(links(), 12, NOW) < 1


def test_the_rate_bounds_what_there_is_room_for() -> None:
    one = flow(rate=5)
    assert one.room(links(), 0, NOW) == 5
    one.bucket.spend(5)
    assert one.room(links(), 0, NOW + 0.5) == 2


def test_a_part_of_the_window_is_for_all_links_together() -> None:
    one = flow()
    one.share(7, 0.0, NOW)
    assert one.room(links(2), 3, NOW) == 4
    assert one.most(2) == 7
    one.share(0, 0.0, NOW)
    assert (one.room(links(2), 0, NOW), one.most(2)) == (0, 0)


def test_a_part_that_is_more_than_the_window_changes_nothing() -> None:
    one = flow()
    one.share(70, 0.0, NOW)
    assert (one.room(links(), 3, NOW), one.most(1)) == (7, 10)


def test_a_rate_without_a_window_is_none() -> None:
    one = flow(rate=50)
    one.share(0, 25.0, NOW)
    assert (one.pace.rate, one.bucket.rate) == (50, 50)


def test_what_others_may_have_used_until_now_is_gone() -> None:
    one = flow(window=100, rate=50)
    one.share(0, 0.0, NOW)
    one.share(100, 25.0, NOW + 10)
    assert one.room(links(), 0, NOW + 10) == 0
    assert one.room(links(), 0, NOW + 11) == 25
    one.share(100, 50.0, NOW + 11)  # it had a part: what is there stays
    assert one.room(links(), 0, NOW + 11) == 25


def test_what_the_smsc_says_is_too_much_halves_the_window() -> None:
    one = flow()
    assert refuse(one, 8, NOW) == [False, False, True]
    assert (one.room(links(), 1, NOW), one.most(1)) == (3, 4)


def test_congestion_halves_the_window() -> None:
    one = flow()
    assert one.congestion(95, NOW - 0.01, 8, NOW, 0)
    assert one.most(1) == 4


def test_who_is_not_adaptive_sends_as_configured() -> None:
    one = flow(adaptive=False)
    assert refuse(one, 8, NOW, 9) == [False] * 9
    assert not one.congestion(100, NOW - 0.01, 8, NOW, 0)
    one.tick(1, NOW + 100, 0)
    assert one.most(1) == 10


def slowed(rate: int) -> FlowControl:
    """The SMSC has taken ten in a second while it refused others."""
    one = flow(window=100, rate=rate)
    refuse(one, 80, NOW)
    one.too_fast(NOW + 0.9, 80, NOW + 1, 10)
    one.too_fast(NOW + 0.9, 80, NOW + 1, 10)
    one.too_fast(NOW + 0.9, 80, NOW + 1, 10)
    return one


def test_the_rate_that_was_measured_holds() -> None:
    for rate in (0, 50):
        one = slowed(rate)
        assert one.pace.rate == one.bucket.rate == 10
        assert one.room(links(), 0, NOW + 1) == (10 if rate else 0), "without a limit nothing was saved up"


def test_congestion_has_the_rate_measured_too() -> None:
    one = flow(window=100)
    one.congestion(95, NOW - 0.01, 80, NOW, 0)
    one.congestion(95, NOW + 0.9, 80, NOW + 1, 10)
    assert one.pace.rate == one.bucket.rate == 10


def test_the_window_of_all_links_grows_again() -> None:
    one = flow()
    refuse(one, 16, NOW)
    assert one.most(2) == 8
    for second in range(1, 17):
        one.tick(2, NOW + second, 0)
    assert one.most(2) == 18


def test_with_time_it_is_as_configured_again() -> None:
    one = slowed(0)
    for second in range(2, 100):
        one.tick(1, NOW + second, 10)
    assert (one.most(1), one.bucket.rate) == (100, 0)


def test_other_limits_forget_what_was_learnt_and_another_window_does_not() -> None:
    one = slowed(50)
    one.limit(80, 50, adaptive=True, now=NOW + 1, taken=10)
    assert (one.window, one.pace.rate) == (80, 10)
    one.limit(80, 40, adaptive=True, now=NOW + 1, taken=10)
    assert (one.rate, one.pace.rate, one.bucket.rate, one.most(1)) == (40, 40, 40, 80)
    one.limit(80, 40, adaptive=False, now=NOW + 1, taken=10)
    assert not one.adaptive


def test_what_was_taken_before_other_limits_says_nothing_of_them() -> None:
    one = flow()
    one.limit(10, 40, adaptive=True, now=NOW, taken=1000)
    assert [one.too_fast(NOW - 0.01, 8, NOW, 1000) for _ in range(3)] == [False, False, True]


def test_other_limits_are_not_used_until_this_nodes_part_of_them_is_known() -> None:
    one = flow(rate=50)
    one.share(5, 25.0, NOW)
    one.limit(10, 50, adaptive=True, now=NOW, taken=0)
    assert one.part == 5
    one.limit(10, 80, adaptive=True, now=NOW, taken=0)
    assert one.part == 0
