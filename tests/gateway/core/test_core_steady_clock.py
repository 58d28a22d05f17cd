"""The gateway's wall clock when the machine's leaps."""

from __future__ import annotations

import pytest

from gateway.core.steady_clock import LEAP_MS, LONG_GAP_MS, STANDS_MS, SteadyClock

DAY_MS = 86_400_000
NOW_MS = 1_750_000_000_000


class Machine:
    """Both clocks of a machine, and the gateway's."""

    def __init__(self, wall_ms: int = NOW_MS) -> None:
        self.wall_ms, self.elapsed_ms = wall_ms, 5_000
        self.clock = SteadyClock(lambda: self.wall_ms, lambda: self.elapsed_ms)

    def passes(self, ms: int) -> list[str]:
        """Time goes on, and the clock looks every minute; what there is to say."""
        said = []
        while ms:
            step = min(ms, 60_000)
            self.wall_ms, self.elapsed_ms, ms = self.wall_ms + step, self.elapsed_ms + step, ms - step
            found = self.clock.look()
            said += [f"{found.name} {found.by_ms}"] if found else []
        return said


@pytest.mark.parametrize("by_ms", [3_600_000, -3_600_000, 30 * DAY_MS, 365 * DAY_MS, -NOW_MS])
def test_a_leap_and_back_is_as_if_nothing_had_happened(by_ms: int) -> None:
    machine = Machine()
    machine.wall_ms += by_ms
    assert machine.clock.now_ms() == NOW_MS  # before anybody has looked
    assert machine.passes(600_000) == [f"clock_jumped {by_ms}"]
    assert machine.clock.now_ms() == NOW_MS + 600_000
    assert machine.clock.leapt_ms == by_ms
    machine.wall_ms -= by_ms
    assert machine.passes(600_000) == ["clock_back 0"]
    assert machine.clock.now_ms() == machine.wall_ms == NOW_MS + 1_200_000
    assert machine.clock.leapt_ms == 0


def test_what_stands_for_an_hour_is_followed() -> None:
    machine = Machine()
    machine.wall_ms += DAY_MS
    assert machine.passes(STANDS_MS) == [f"clock_jumped {DAY_MS}"]
    assert machine.passes(60_000) == [f"clock_followed {DAY_MS}"]
    assert machine.clock.now_ms() == machine.wall_ms


def test_another_leap_begins_the_hour_anew() -> None:
    machine = Machine()
    machine.wall_ms += DAY_MS
    machine.passes(STANDS_MS)
    machine.wall_ms += DAY_MS
    assert machine.passes(STANDS_MS) == [f"clock_jumped {2 * DAY_MS}"]
    assert machine.passes(60_000) == [f"clock_followed {2 * DAY_MS}"]


def test_a_clock_from_before_there_were_messages_is_never_followed() -> None:
    machine = Machine()
    machine.wall_ms = 0
    assert machine.passes(3 * STANDS_MS) == [f"clock_jumped {-NOW_MS}"]
    assert machine.clock.now_ms() == NOW_MS + 3 * STANDS_MS


def test_small_steps_are_followed_as_they_come() -> None:
    machine = Machine()
    for step_ms in (LEAP_MS - 1, 1 - LEAP_MS, 17):
        machine.wall_ms += step_ms
        assert machine.passes(60_000) == []
        assert machine.clock.now_ms() == machine.wall_ms


def test_a_start_before_ntp_goes_on_from_what_is_stored_until_the_clock_is_set() -> None:
    machine = Machine(0)
    assert machine.clock.begin(NOW_MS) is not None
    assert machine.clock.now_ms() == NOW_MS
    assert machine.passes(60_000) == []
    machine.wall_ms = NOW_MS + DAY_MS
    [said] = machine.passes(60_000)
    assert said.startswith("clock_followed ")
    assert machine.clock.now_ms() == machine.wall_ms


def test_after_a_long_pause_nothing_is_old_for_an_hour() -> None:
    machine = Machine()
    assert machine.clock.begin(NOW_MS - LONG_GAP_MS - 1) is None
    assert machine.clock.unproven_ms == LONG_GAP_MS + 1
    machine.passes(STANDS_MS)
    assert machine.clock.unproven_ms == 0


@pytest.mark.parametrize("newest_ms", [0, NOW_MS, NOW_MS - LONG_GAP_MS, NOW_MS + LEAP_MS - 1])
def test_an_ordinary_start(newest_ms: int) -> None:
    machine = Machine()
    assert machine.clock.begin(newest_ms) is None
    assert machine.clock.unproven_ms == 0
    assert machine.clock.now_ms() == NOW_MS
