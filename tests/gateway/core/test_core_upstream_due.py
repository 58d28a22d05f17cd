"""What was put off comes back beside new messages, and holds none of them back."""

from __future__ import annotations

from random import Random

from gateway_fakes import FakeJournal, FakeLink, ManualClock

from gateway.core.disk_queue import DUE_AT_ONCE
from gateway.core.events import Events
from gateway.core.upstream import Upstream


def upstream(journal: FakeJournal, clock: ManualClock) -> Upstream:
    made = Upstream(
        "one",
        window=1000,
        rate=0,
        whole=False,
        journal=journal,
        events=Events(write=lambda text: None),
        clock=clock,
        random=Random(1),
    )
    made.queue.nothing_waits()
    made.links.append(FakeLink())
    return made


def test_a_due_message_is_claimed_while_others_go_straight_up() -> None:
    journal, clock = FakeJournal(), ManualClock()
    one = upstream(journal, clock)
    one.queued(clock.now_ms() + 100)
    assert one.reserve(1, clock.now())
    clock.advance(0.2)
    one.tick(clock.now(), clock.now_ms())
    assert journal.batch.claims == [("one", DUE_AT_ONCE, clock.now_ms(), 1)]
    assert one.reserve(1, clock.now())  # the claim is under way
    one.claimed([], None)
    assert one.reserve(1, clock.now())
    assert one.in_flight == 3


def test_what_waits_for_a_slot_is_not_overtaken() -> None:
    journal, clock = FakeJournal(), ManualClock()
    one = upstream(journal, clock)
    one.queued(0)
    assert not one.reserve(1, clock.now())


def test_what_is_due_at_a_dead_connector_is_there_for_failover() -> None:
    journal, clock = FakeJournal(), ManualClock()
    one = upstream(journal, clock)
    one.links.clear()
    one.queued(clock.now_ms() + 100)
    assert not one.backlog
    clock.advance(0.2)
    one.tick(clock.now(), clock.now_ms())
    assert one.backlog
    one.moved_away(clock.now())
    assert not one.backlog
