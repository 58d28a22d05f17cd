"""Who takes what an SMSC cannot take: by what it said, by what the route wants, by who works."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import pytest
from gateway_fakes import NOW_MS, FakeJournal, FakeLink, ManualClock, message, recorded_events
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import alternatives
from gateway.core.model import MessageState, Wish
from gateway.core.upstream import Upstream

REFUSED = Wish.failover_flags(("down", "silent", "refused"))
THROTTLED = Wish.failover_flags(("down", "silent", "throttled"))


@dataclass
class Some:
    works: bool


def some(working: str, down: str = "") -> dict[str, Some]:
    return {**{name: Some(True) for name in working.split()}, **{name: Some(False) for name in down.split()}}


@pytest.mark.parametrize(
    ("names", "here", "working", "down", "other"),
    [
        ("one two three", "one", "one two three", "", "two"),
        ("one two three", "one", "one three", "two", "three"),
        ("one two three", "two", "one two three", "", "three"),
        ("one two three", "three", "one two three", "", "one"),
        ("one two three", "three", "two three", "one", "two"),
        ("one two three", "one", "one", "two three", "two"),  # none works: it waits at the next
        ("one two", "one", "one", "", None),  # the other is not configured any more
        ("one", "one", "one two", "", None),
        ("two three", "one", "one two three", "", "two"),
    ],
)
def test_a_refused_message(names: str, here: str, working: str, down: str, other: str | None) -> None:
    given_ = message(1, alternatives=names, flags=REFUSED)
    assert alternatives.refused(given_, here, some(working, down)) == other
    assert alternatives.refused(given_._replace(flags=0), here, some(working, down)) is None


@pytest.mark.parametrize(
    ("here", "retries", "working", "found"),
    [
        ("one", 0, "one two three", (None, False)),  # the first time it waits
        ("one", 1, "one two three", ("two", True)),
        ("one", 5, "one three", ("three", True)),
        ("two", 2, "one two three", ("three", True)),
        ("three", 3, "one two three", ("one", False)),  # once round: not without a pause
        ("one", 1, "one", (None, False)),
    ],
)
def test_a_throttled_message(here: str, retries: int, working: str, found: tuple[str | None, bool]) -> None:
    given_ = message(1, alternatives="one two three", flags=THROTTLED, retries=retries)
    upstreams = some(working)
    assert alternatives.too_much(given_, here, upstreams) == found
    assert alternatives.too_much(given_._replace(flags=REFUSED), here, upstreams) == (None, False)


def test_trouble_is_like_being_down() -> None:
    given_ = message(1, alternatives="one two")
    assert alternatives.in_trouble(given_, "one", some("one two")) == "two"
    stays = given_._replace(flags=Wish.failover_flags(("silent",)))
    assert alternatives.in_trouble(stays, "one", some("one two")) is None


@given(st.sets(st.sampled_from(["down", "silent", "refused", "throttled"])))
def test_flags_say_what_the_route_says(kinds: set[str]) -> None:
    flags = Wish.failover_flags(kinds)
    assert ("down" in kinds) == (not flags & Wish.STAYS_DOWN)
    assert ("silent" in kinds) == (not flags & Wish.STAYS_SILENT)
    assert ("refused" in kinds) == bool(flags & Wish.ON_REFUSED)
    assert ("throttled" in kinds) == bool(flags & Wish.ON_THROTTLED)
    # nothing that a message's flags say otherwise
    assert not flags & (0x1F | Wish.default_message(255) | Wish.behind(65535))


def test_the_default_costs_no_flag() -> None:
    assert Wish.failover_flags(("down", "silent")) == 0


class Up:
    """The connector "one" of several."""

    def __init__(self, *others: str) -> None:
        self.clock, self.journal = ManualClock(), FakeJournal()
        self.events, self.written = recorded_events()
        self.upstreams: dict[str, Upstream] = {}
        for name in ("one", *others):
            upstream = Upstream(
                name,
                window=4,
                rate=0,
                whole=False,
                journal=self.journal,
                events=self.events,
                clock=self.clock,
                random=Random(7),
            )
            upstream.all = self.upstreams
            upstream.link_up(FakeLink())
            self.upstreams[name] = upstream
        self.one = self.upstreams["one"]


def test_a_refusal_goes_on_as_one_row_and_frees_its_slot() -> None:
    up = Up("two")
    up.one.adopt(1)
    in_flight = up.one.in_flight
    up.one.refused_here(message(1, alternatives="one two", flags=REFUSED), 2, "ESME_RINVDSTADR", NOW_MS)
    up.one.results_end()
    batch = up.journal.commit()
    assert batch.rerouted == [(1, 2, "one", "two", NOW_MS, "ESME_RINVDSTADR")]
    assert batch.failed == []
    assert up.one.in_flight == in_flight - 1
    assert (up.one.refused, up.one.last_error) == (1, "ESME_RINVDSTADR")
    up.events.flush()
    line = "rerouted message_id=1 connector=one to=two reason=ESME_RINVDSTADR"
    assert line in "".join(up.written)


@pytest.mark.parametrize(("flags", "others"), [(0, "one two"), (REFUSED, "one"), (REFUSED, "one gone")])
def test_a_refusal_that_nobody_else_takes_is_the_end(flags: int, others: str) -> None:
    up = Up("two")
    up.one.refused_here(message(1, alternatives=others, flags=flags), 1, "ESME_RINVDSTADR", NOW_MS)
    batch = up.journal.commit()
    assert batch.rerouted == []
    assert batch.failed == [(1, MessageState.REJECTED, "ESME_RINVDSTADR", NOW_MS)]


@pytest.mark.parametrize(
    ("retries", "other", "waits"), [(0, "one", True), (1, "two", False), (7, "two", False)]
)
def test_the_second_too_much_is_anothers_at_once(retries: int, other: str, waits: bool) -> None:
    up = Up("two")
    given_ = message(1, alternatives="one two", flags=THROTTLED, retries=retries)
    up.one.refused_for_now(given_, 1, "ESME_RTHROTTLED", full=True, now_ms=NOW_MS)
    (row,) = up.journal.commit().postponed
    assert (row[2], row[3] > NOW_MS, row[4]) == (other, waits, 1)


def test_too_much_everywhere_is_a_pause_in_each_round() -> None:
    up = Up("two")
    given_ = message(1, alternatives="one two", flags=THROTTLED, retries=2)
    up.upstreams["two"].refused_for_now(given_, 1, "ESME_RTHROTTLED", full=True, now_ms=NOW_MS)
    (row,) = up.journal.commit().postponed
    assert row[2] == "one"
    assert row[3] > NOW_MS
    assert "handed to one" in row[6]
