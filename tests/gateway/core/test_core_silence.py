"""An SMSC that takes submits and answers none: when it counts as silent, how it is tried, how it is back."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from gateway_fakes import FakeJournal, FakeLink, ManualClock, message, recorded_events

from gateway.core.failover import moves
from gateway.core.model import Message
from gateway.core.routing import Route
from gateway.core.silence import AFTER_REBIND_S, FIRST_PAUSE_S, LONGEST_PAUSE_S, Silence, Turn
from gateway.core.upstream import Upstream

LIMIT_S = 60.0
TICK_S = 0.5


class House:
    """A connector "one" with a link and a window of ten, and "two" that is up."""

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self.clock = ManualClock()
        self.journal = FakeJournal()
        self.events, self.written = recorded_events()
        self.upstreams = {name: self.make(name) for name in ("one", "two")}
        self.one = self.upstreams["one"]
        self.one.silence.limit_s = limit_s
        self.links = {name: FakeLink(1000) for name in self.upstreams}
        for name, upstream in self.upstreams.items():
            upstream.all = self.upstreams
            upstream.link_up(self.links[name])
        self.journal.commit()
        for upstream in self.upstreams.values():
            upstream.claimed([], None)
        self.next_id = 0

    def make(self, name: str) -> Upstream:
        return Upstream(
            name,
            window=10,
            rate=0,
            whole=False,
            journal=self.journal,
            events=self.events,
            clock=self.clock,
            random=Random(1),
        )

    def pass_time(self, seconds: float) -> None:
        """As housekeeping does."""
        for _ in range(round(seconds / TICK_S)):
            self.clock.advance(TICK_S)
            self.one.tick(self.clock.now(), self.clock.now_ms())
            if self.journal.batch.claims:
                self.journal.commit()
                self.one.claimed([], None)

    def send(self) -> Message | None:
        """A message that goes straight up, if there is room."""
        if not self.one.reserve(1, self.clock.now()):
            return None
        self.next_id += 1
        new = message(self.next_id)
        self.one.send(new, [1])
        return new

    def answer(self, of: Message, *, only_doubt: bool = False) -> None:
        if only_doubt:
            self.one.in_doubt(of, 1, "no response within 30 s", self.clock.now_ms())
        else:
            self.one.heard = True
            self.one.taken(of, 1, "A1", self.clock.now_ms())
        self.one.results_end()
        self.journal.commit()

    def silent(self) -> list[Message]:
        """Fills the window, and waits until it is silent and all of it in doubt."""
        sent = [found for _ in range(10) if (found := self.send())]
        self.pass_time(LIMIT_S + TICK_S)
        assert self.one.silence.is_silent
        for one in sent:
            self.answer(one, only_doubt=True)
        return sent

    def log(self) -> str:
        self.events.flush()
        return "".join(self.written)


def test_it_is_silent_when_nothing_was_answered_for_so_long_while_something_waits() -> None:
    house = House()
    house.send()
    house.pass_time(LIMIT_S - TICK_S)
    assert house.one.works
    house.pass_time(2 * TICK_S)
    assert not house.one.works
    assert not house.one.up
    assert house.one.bound
    assert " silent connector=one" in house.log()
    assert "answered no submit for 60 s" in house.one.last_error


def test_any_answer_begins_the_time_anew() -> None:
    house = House()
    house.send()
    second = house.send()
    assert second is not None
    house.pass_time(LIMIT_S - 1)
    house.answer(second)
    house.pass_time(LIMIT_S - 1)
    assert house.one.works
    house.pass_time(3)
    assert not house.one.works


def test_time_without_anything_to_answer_does_not_count() -> None:
    house = House()
    house.pass_time(10 * LIMIT_S)
    sent = house.send()
    assert sent is not None
    house.pass_time(LIMIT_S - 1)
    assert house.one.works
    house.answer(sent, only_doubt=True)  # the policy gives it up: nothing waits any more
    house.pass_time(10)
    house.send()
    house.pass_time(LIMIT_S - 1)
    assert house.one.works


def test_a_time_without_a_link_neither_counts_nor_forgives() -> None:
    house = House()
    house.send()
    house.pass_time(LIMIT_S / 2)
    house.one.link_down(house.links["one"])
    house.pass_time(10 * LIMIT_S)
    assert not house.one.silence.is_silent
    house.one.link_up(house.links["one"])
    house.pass_time(LIMIT_S / 2 - 5)
    assert house.one.works
    house.pass_time(10)
    assert not house.one.works


def test_a_question_that_waits_is_no_submit() -> None:
    house = House()
    house.one.adopt(1)
    house.one.questions += 1
    house.pass_time(2 * LIMIT_S)
    assert house.one.works


def test_a_claim_that_waits_for_the_store_is_no_submit() -> None:
    house = House()
    house.one.queued(0)
    house.journal.take()
    house.pass_time(2 * LIMIT_S)
    assert house.one.works


def test_what_waits_in_the_queue_keeps_the_time_that_has_passed() -> None:
    house = House()
    sent = house.send()
    assert sent is not None
    house.pass_time(LIMIT_S - 5)
    house.one.use(0, 0.0)  # nothing may go up for a while
    house.answer(sent, only_doubt=True)
    house.one.queued(0)
    house.pass_time(10)
    house.one.use(10, 0.0)
    house.journal.commit()
    house.one.claimed([(tuple(sent), [1])], None)
    house.pass_time(10)
    assert not house.one.works


def test_without_a_limit_nothing_is_silent() -> None:
    house = House(limit_s=0)
    house.send()
    house.pass_time(3600)
    assert house.one.works


def test_what_waits_for_it_moves_at_once_and_not_to_another_silent_one() -> None:
    house = House()
    route = Route("", ("one", "two"))
    house.silent()
    house.one.queued(0)
    found = moves([route], house.upstreams, house.clock.now())
    assert found == {("one", "two"): "silent"}
    only_down = Route("", ("one", "two"), failover=frozenset(("down",)))
    assert moves([only_down], house.upstreams, house.clock.now()) == {}
    house.upstreams["two"].silence.is_silent = True
    assert moves([route], house.upstreams, house.clock.now()) == {}


def test_one_message_at_a_time_tries_it_with_growing_pauses() -> None:
    house = House()
    house.silent()
    tried: list[float] = []
    for _ in range(round(1800 / TICK_S)):
        house.pass_time(TICK_S)
        if house.one.up:
            sent = house.send()
            assert sent is not None
            assert not house.one.up, "one is enough"
            assert house.send() is None
            tried.append(house.clock.now())
            house.pass_time(TICK_S)
            house.answer(sent, only_doubt=True)
    pauses = [round(b - a) for a, b in pairwise(tried)]
    assert pauses[:5] == [30, 60, 120, 120, 120]
    assert max(pauses) <= LONGEST_PAUSE_S + 2


def test_one_that_is_on_its_way_to_the_queue_will_try_it() -> None:
    house = House()
    house.silent()
    house.pass_time(FIRST_PAUSE_S + TICK_S)
    assert house.one.up
    house.one.join(1)
    assert not house.one.up


def test_what_can_only_go_by_it_tries_it_from_the_queue() -> None:
    house = House()
    house.silent()
    while not house.journal.batch.claims:
        house.clock.advance(TICK_S)
        house.one.tick(house.clock.now(), house.clock.now_ms())
    assert [row[:2] for row in house.journal.batch.claims] == [("one", 1)]
    house.journal.commit()
    long = message(77, segments=3)
    house.one.claimed([(tuple(long), [1, 2, 3])], house.clock.now_ms())
    assert house.links["one"].sent[-3:] == [(77, 1), (77, 2), (77, 3)]
    assert not house.journal.batch.claims, "the next one waits for its turn"


@pytest.mark.parametrize("late", [False, True])
def test_the_first_answer_brings_everything_back(late: bool) -> None:
    house = House()
    sent = house.silent()
    if late:
        house.one.heard = True
        house.one.taken_late(sent[0], 1, "A1", house.clock.now_ms())
    else:
        house.pass_time(FIRST_PAUSE_S + 1)
        probe = house.send()
        assert probe is not None
        house.answer(probe)
    house.clock.advance(TICK_S)
    house.one.tick(house.clock.now(), house.clock.now_ms())
    assert house.one.works
    assert [row[:2] for row in house.journal.batch.claims] == [("one", 10)]
    assert " answers_again connector=one" in house.log()


def test_a_new_link_is_tried_soon() -> None:
    house = House()
    house.silent()
    house.one.link_down(house.links["one"])
    assert not house.one.up
    house.one.link_up(house.links["one"])
    house.pass_time(AFTER_REBIND_S - TICK_S)
    assert not house.one.up
    house.pass_time(2 * TICK_S)
    assert house.one.up


def test_a_reload_that_wants_no_silence_ends_one() -> None:
    house = House()
    house.silent()
    house.one.silence.limit_s = 0
    house.pass_time(TICK_S)
    assert house.one.works


def test_a_loop_that_stood_still_is_no_silence_of_what_was_sent_after_it() -> None:
    silence = Silence(0.0)
    silence.limit_s = 10
    assert silence.look(1, heard=False, waiting=False, over=True) is Turn.NOTHING
    assert silence.look(100, heard=False, waiting=True, over=False) is Turn.NOTHING
    assert silence.look(108, heard=False, waiting=True, over=False) is Turn.NOTHING
    assert silence.look(110, heard=False, waiting=True, over=False) is Turn.BEGAN
    assert silence.look(111, heard=True, waiting=True, over=False) is Turn.ENDED


def test_a_limit_that_is_the_time_out_of_submits_is_noticed_before_they_are_sent_again() -> None:
    silence = Silence(0.0)
    silence.limit_s = 30
    times = [0.26 * n for n in range(1, 200)]  # looks that drift
    sent_at = 1.05
    for now in times:
        turn = silence.look(now, heard=False, waiting=now > sent_at, over=now <= sent_at)
        assert turn is Turn.BEGAN or now < sent_at + 30
        if turn is Turn.BEGAN:
            break


def test_a_reload_that_wants_to_hear_of_silence_again_counts_from_what_was_seen() -> None:
    house = House()
    sent = house.send()
    house.pass_time(2)
    house.one.silence.limit_s = 0  # a reload
    assert sent is not None
    house.answer(sent)
    house.pass_time(3600)
    house.send()
    house.one.silence.limit_s = LIMIT_S
    house.pass_time(LIMIT_S / 2)
    assert house.one.works


def test_nothing_tries_it_while_something_waits_for_its_answer() -> None:
    silence = Silence(0.0)
    silence.limit_s = 10
    silence.look(1, heard=False, waiting=True, over=False)
    assert silence.look(20, heard=False, waiting=True, over=False) is Turn.BEGAN
    assert silence.look(20 + FIRST_PAUSE_S, heard=False, waiting=True, over=False) is Turn.NOTHING
    assert not silence.probe_due
    assert silence.look(21 + FIRST_PAUSE_S, heard=False, waiting=False, over=False) is Turn.PROBE
