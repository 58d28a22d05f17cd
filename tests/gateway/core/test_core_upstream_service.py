"""The way up to an SMSC service, which gives nothing straight and whose ids are ours."""

from __future__ import annotations

from random import Random

from gateway_fakes import NOW_MS, FakeJournal, FakeLink, ManualClock, message, recorded_events

from gateway.core.model import MessageState
from gateway.core.upstream import Upstream


class Up:
    """A service that is up."""

    def __init__(self, *, rate: int = 0, log: str = "info") -> None:
        self.clock, self.journal = ManualClock(), FakeJournal()
        self.events, self.written = recorded_events(level=log)
        self.upstream = self.make("centre", rate)
        self.link = FakeLink()
        self.upstream.link_up(self.link)

    def make(self, name: str, rate: int = 0) -> Upstream:
        return Upstream(
            name,
            window=10,
            rate=rate,
            whole=True,
            service=True,
            journal=self.journal,
            events=self.events,
            clock=self.clock,
            random=Random(7),
        )

    def claimed(self, *message_ids: int, next_due_ms: int | None = None) -> None:
        batch, end = self.journal.take()
        assert batch.claims
        self.upstream.claimed([(tuple(message(n)), [1]) for n in message_ids], next_due_ms)
        end(True, None)

    def said(self, word: str) -> list[str]:
        self.events.flush()
        return [line for text in self.written for line in text.splitlines() if word in line]


def test_a_claim_is_for_all_that_there_is_room_for() -> None:
    """What joins behind it in its batch goes up with it: nothing goes straight in the meantime."""
    up = Up()
    up.claimed()
    up.upstream.join(1)
    up.upstream.joined(ok=True)
    assert up.journal.batch.claims == [("centre", 10, NOW_MS, 0)]
    up.upstream.join(1)
    up.claimed(1, 2)
    up.upstream.joined(ok=True)
    assert (up.upstream.backlog, up.journal.batch.claims) == (False, [])


def test_a_claim_says_that_intents_follow() -> None:
    up = Up()
    assert up.journal.batch.claims == [("centre", 10, NOW_MS, 0)]


def test_nothing_goes_straight_up() -> None:
    up = Up()
    up.claimed()
    assert not up.upstream.reserve(1, up.clock.now())
    assert up.upstream.in_flight == 0


def test_what_an_earlier_run_has_sent_takes_slots_until_its_result_is_committed() -> None:
    up = Up()
    up.claimed()
    up.upstream.adopt(3)
    assert up.upstream.in_flight == 3
    up.upstream.taken(message(1), 1, "g1/7", NOW_MS)
    up.upstream.expired(message(2), NOW_MS)
    up.upstream.in_doubt(message(3), 1, "nobody knows", NOW_MS)
    up.upstream.results_end()
    assert up.upstream.in_flight == 3
    batch = up.journal.commit()
    assert up.upstream.in_flight == 0
    assert batch.failed == [(2, MessageState.EXPIRED.value, "", NOW_MS)]
    assert batch.doubts == [(3, 1, NOW_MS, "nobody knows", "", 0)]
    assert len(up.said(" ended message_id=2 state=EXPIRED")) == 1


def test_what_is_put_off_is_no_attempt_and_costs_no_rate() -> None:
    up = Up(rate=2)
    up.claimed(1, 2, next_due_ms=NOW_MS)
    assert not up.journal.batch.claims, "the rate is used up"
    for n in (1, 2):
        up.upstream.put_off(message(n), 1, 61.0, "too_many_to_one_number", NOW_MS)
    up.upstream.results_end()
    batch = up.journal.commit()
    assert batch.postponed == [(n, 1, "centre", NOW_MS + 61_000, 0, NOW_MS, "") for n in (1, 2)]
    assert up.journal.batch.claims == [("centre", 2, NOW_MS, 0)]
    assert len(up.said("reason=too_many_to_one_number")) == 2
    assert (up.upstream.last_error, up.upstream.throttled) == ("", 0)


def test_only_others_of_the_route_that_are_up_are_an_alternative() -> None:
    up = Up()
    others = {name: up.make(name) for name in ("before", "down", "up", "stranger")}
    up.upstream.all = {**others, "centre": up.upstream}
    for name in ("before", "up", "stranger"):
        others[name].links.append(FakeLink())
    assert up.upstream.has_alternative(message(alternatives="centre down up"))
    assert not up.upstream.has_alternative(message(alternatives="before centre down gone"))
    assert up.upstream.has_alternative(message(alternatives="stranger"))


def test_a_link_that_never_came_up_may_go_down() -> None:
    up = Up()
    down_since = up.upstream.down_since
    up.clock.advance(5)
    up.upstream.link_down(FakeLink())
    assert (up.upstream.up, up.upstream.down_since) == (True, down_since)
    up.upstream.link_down(up.link)
    assert (up.upstream.up, up.upstream.down_since) == (False, down_since + 5)


def test_single_messages_are_not_told_where_nobody_wants_them() -> None:
    up = Up(log="warning")
    up.upstream.expired(message(1), NOW_MS)
    up.upstream.put_off(message(2), 1, 1.0, "too_many_to_one_number", NOW_MS)
    assert up.said("") == []
