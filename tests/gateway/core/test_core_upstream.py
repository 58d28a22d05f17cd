"""One connector's way up: slots, the queue on disk, and what answers mean."""

from __future__ import annotations

from random import Random

import pytest
from gateway_fakes import NOW_MS, FakeJournal, FakeLink, ManualClock, message, recorded_events

from gateway.core.batch import Row
from gateway.core.failover import moves
from gateway.core.results import LONG_PAUSE_AFTER
from gateway.core.routing import Route
from gateway.core.upstream import MOVE_AFTER_S, Upstream


class Up:
    """The connector "one" with a link, whose queue on disk is empty unless `backlog`."""

    def __init__(
        self, *, window: int = 4, rate: int = 0, links: int = 1, backlog: bool = False, log: str = "info"
    ) -> None:
        self.clock, self.journal = ManualClock(), FakeJournal()
        self.events, self.written = recorded_events(level=log)
        self.upstream = self.make("one", window, rate)
        self.links = [FakeLink(window) for _ in range(links)]
        for link in self.links:
            self.upstream.link_up(link)
        if not backlog and links:
            self.answer_claim([], None)

    def make(self, name: str, window: int = 4, rate: int = 0) -> Upstream:
        return Upstream(
            name,
            window=window,
            rate=rate,
            whole=False,
            journal=self.journal,
            events=self.events,
            clock=self.clock,
            random=Random(7),
        )

    def answer_claim(self, rows: list[Row], next_due_ms: int | None) -> None:
        """Commits the batch with the claim; the store found these rows."""
        batch, end = self.journal.take()
        assert batch.claims, "no claim to answer"
        self.upstream.claimed(rows, next_due_ms)
        end(True, None)

    def straight(self, message_id: int, segments: int = 1) -> bool:
        """Accepts and commits a message that goes straight up, if there is room."""
        if not self.upstream.reserve(segments, self.clock.now()):
            return False
        self.upstream.send(message(message_id, segments=segments), range(1, segments + 1))
        return True

    @property
    def sent(self) -> list[tuple[int, int]]:
        return [item for link in self.links for item in link.sent]


# -- slots ------------------------------------------------------------------------------------------


def test_slots_are_the_window_of_all_links() -> None:
    up = Up(window=3, links=2)
    assert [up.straight(n) for n in range(8)] == [True] * 6 + [False, False]
    assert up.upstream.in_flight == 6


def test_a_message_takes_a_slot_for_each_segment() -> None:
    up = Up(window=4)
    assert up.straight(1, segments=3)
    assert not up.straight(2, segments=2)
    assert up.straight(3)


def test_without_a_link_there_is_no_room() -> None:
    up = Up(links=0)
    assert not up.upstream.up
    assert not up.straight(1)


def test_a_link_that_is_stuck_gives_no_slots() -> None:
    up = Up(window=2, links=2)
    up.links[0].stuck = True
    assert [up.straight(n) for n in range(3)] == [True, True, False]


def test_a_slot_is_free_only_when_its_result_is_committed() -> None:
    up = Up(window=1)
    assert up.straight(1)
    up.upstream.taken(message(1), 1, "A1", NOW_MS)
    up.upstream.results_end()
    assert not up.upstream.reserve(1, up.clock.now())
    batch = up.journal.commit()
    assert batch.submitted == [(NOW_MS, "A1", "a1", 1, 1, "one")]
    assert up.upstream.in_flight == 0
    assert up.upstream.reserve(1, up.clock.now())


def test_slots_come_back_even_when_the_commit_of_their_results_failed() -> None:
    up = Up(window=2)
    up.straight(1)
    up.straight(2)
    up.upstream.taken(message(1), 1, "1", NOW_MS)
    up.upstream.refused_for_good(message(2), "ESME_RINVDSTADR", NOW_MS)
    up.upstream.results_end()
    up.journal.commit(ok=False)
    assert up.upstream.in_flight == 0


def test_results_end_without_results_asks_for_no_commit() -> None:
    up = Up()
    up.upstream.results_end()
    assert not up.journal.is_due


# -- the queue on disk ------------------------------------------------------------------------------


def test_at_the_start_the_disk_is_asked_before_anything_goes_straight() -> None:
    up = Up(backlog=True)
    assert up.upstream.backlog
    assert up.journal.batch.claims == [("one", 4, NOW_MS, 1)]
    assert not up.straight(1)
    up.answer_claim([], None)
    assert up.straight(1)


def test_claimed_messages_are_sent_at_once_in_order() -> None:
    up = Up(window=4, backlog=True)
    up.answer_claim([(tuple(message(1)), [1]), (tuple(message(2, segments=3)), [2, 3])], None)
    assert up.sent == [(1, 1), (2, 2), (2, 3)]
    assert up.upstream.in_flight == 3
    assert up.straight(3)
    assert not up.straight(4)


def test_while_more_waits_nothing_goes_straight_and_the_next_claim_follows() -> None:
    up = Up(window=4, backlog=True)
    up.answer_claim([(tuple(message(1)), [1])], NOW_MS)
    assert up.upstream.backlog
    assert up.journal.batch.claims == [("one", 3, NOW_MS, 1)]
    assert not up.straight(2)


def test_one_claim_at_a_time() -> None:
    up = Up(backlog=True)
    up.upstream.queued(0)
    up.upstream.pump()
    up.upstream.tick(up.clock.now(), NOW_MS)
    assert len(up.journal.batch.claims) == 1


def test_a_claim_that_failed_gives_its_slots_back_and_is_made_again() -> None:
    up = Up(backlog=True)
    up.journal.commit(ok=False)
    assert up.upstream.in_flight == 0
    up.upstream.tick(up.clock.now(), NOW_MS)
    assert up.journal.batch.claims == [("one", 4, NOW_MS, 1)]


def test_no_claim_without_room_and_one_as_soon_as_there_is() -> None:
    up = Up(window=1)
    up.straight(1)
    up.upstream.queued(0)
    assert up.journal.batch.claims == []
    up.upstream.taken(message(1), 1, "1", NOW_MS)
    up.upstream.results_end()
    up.journal.commit()
    assert up.journal.batch.claims == [("one", 1, NOW_MS, 1)]


@pytest.mark.parametrize("how", ["limit", "use"])
def test_what_waits_is_claimed_as_soon_as_more_may_go_up(how: str) -> None:
    up = Up(window=1)
    up.straight(1)
    if how == "use":
        up.upstream.limit(2, 0, adaptive=False)
        up.upstream.use(1, 0.0)
    up.upstream.queued(0)
    assert up.journal.batch.claims == []
    if how == "use":
        up.upstream.use(2, 0.0)
    else:
        up.upstream.limit(2, 0, adaptive=False)
    assert up.journal.batch.claims == [("one", 1, NOW_MS, 1)]


def test_what_is_due_later_wakes_at_its_time() -> None:
    up = Up(window=4, backlog=True)
    up.answer_claim([], NOW_MS + 1000)
    assert not up.upstream.backlog
    up.upstream.queued(NOW_MS + 500)
    up.upstream.queued(NOW_MS + 800)
    up.upstream.tick(up.clock.now(), NOW_MS + 499)
    assert not up.upstream.backlog
    up.upstream.tick(up.clock.now(), NOW_MS + 500)
    assert len(up.journal.batch.claims) == 1


def test_nothing_overtakes_a_message_whose_way_to_the_queue_is_not_committed() -> None:
    up = Up()
    up.upstream.join(1)
    assert not up.straight(1)
    up.upstream.joined(ok=False)
    assert up.straight(1)


def test_a_queue_ends_while_more_comes_when_a_claim_has_room_for_all_of_it() -> None:
    up = Up(window=4)
    up.upstream.join(1)
    _, first_is_stored = up.journal.take()
    up.upstream.join(2)  # it comes while the first one is being committed
    first_is_stored(True, None)
    up.upstream.joined(ok=True)
    assert up.journal.batch.claims == [("one", 3, NOW_MS, 1)], "both of them, and no more"
    assert up.straight(3), "behind them in the same batch"
    assert not up.straight(4), "there is no more room"
    up.answer_claim([(tuple(message(1)), [1]), (tuple(message(2, segments=2)), [1, 2])], None)
    up.upstream.joined(ok=True)
    assert (up.upstream.backlog, up.upstream.queue.joining) == (False, 0)
    assert not up.journal.is_due, "nothing is left to be claimed"


def test_a_queue_ends_also_when_more_joins_it_behind_the_claim() -> None:
    up = Up(window=4)
    up.upstream.join(4)
    up.upstream.joined(ok=True)
    up.upstream.join(1)  # in the batch of the claim, which has no room for it
    up.answer_claim([(tuple(message(1, segments=4)), [1, 2, 3, 4])], 0)
    up.upstream.joined(ok=True)
    assert up.journal.batch.claims == [], "there is no room yet"
    up.upstream.release(4)
    assert up.journal.batch.claims == [("one", 1, NOW_MS, 1)], "what has joined, and no more"
    up.answer_claim([(tuple(message(2)), [1])], 0)
    assert not up.straight(3), "somebody else has queued: nothing has joined behind this claim"
    assert up.journal.batch.claims == [("one", 3, NOW_MS, 1)]


def test_a_queue_that_a_claim_has_not_ended_goes_on() -> None:
    """Something that was put off stood before what came later."""
    up = Up(window=4)
    up.upstream.join(1)
    up.upstream.joined(ok=True)
    assert up.journal.batch.claims == [("one", 1, NOW_MS, 1)]
    up.answer_claim([(tuple(message(7)), [1])], NOW_MS)
    assert not up.straight(2)
    assert up.journal.batch.claims == [("one", 3, NOW_MS, 1)]


def test_a_claim_of_all_that_failed_is_made_again_before_anything_goes_straight() -> None:
    up = Up(window=4)
    up.upstream.join(1)
    up.upstream.joined(ok=True)
    up.journal.commit(ok=False)
    assert up.upstream.in_flight == 0
    assert not up.straight(2)
    up.upstream.tick(up.clock.now(), NOW_MS)
    assert up.journal.batch.claims == [("one", 4, NOW_MS, 1)]


def test_a_link_that_comes_up_asks_the_disk_again() -> None:
    """Failover moves what may go elsewhere; what may not has stayed, and nobody would look."""
    up = Up()
    up.upstream.link_down(up.links[0])
    up.upstream.moved_away(up.clock.now())
    up.upstream.link_up(up.links[0])
    assert [claim[0] for claim in up.journal.batch.claims] == ["one"]


def test_a_queue_that_goes_to_others_is_looked_at_again_in_a_while_or_at_once_where_there_is_more() -> None:
    down, working = Up(links=0), Up()
    upstreams = {"one": down.upstream, "two": working.upstream}

    def is_due() -> bool:
        return bool(moves([Route("", ("one", "two"))], upstreams, down.clock.now()))

    down.clock.advance(MOVE_AFTER_S)
    assert is_due()
    down.upstream.moved_away(down.clock.now())
    down.upstream.queued(0)
    assert not is_due()
    down.upstream.moved(more=True)
    assert is_due()


# -- sending ----------------------------------------------------------------------------------------


def test_links_take_turns() -> None:
    up = Up(window=10, links=2)
    for n in range(4):
        up.straight(n)
    assert [len(link.sent) for link in up.links] == [2, 2]


def test_a_link_without_room_is_passed_over() -> None:
    up = Up(window=2, links=2)
    up.links[0].room = 0
    for n in range(2):
        assert up.straight(n)
    assert up.links[1].sent == [(0, 1), (1, 1)]


def test_a_message_may_use_several_links() -> None:
    up = Up(window=3, links=2)
    assert up.straight(1, segments=5)
    assert sorted(up.sent) == [(1, 1), (1, 2), (1, 3), (1, 4), (1, 5)]


def test_a_message_longer_than_the_window_goes_up_in_pieces() -> None:
    up = Up(window=2, backlog=True)
    up.answer_claim([(tuple(message(1, segments=5)), [1, 2, 3, 4, 5])], None)
    assert up.sent == [(1, 1), (1, 2)]
    batch = up.journal.commit()
    assert [(row[0], row[1]) for row in batch.postponed] == [(1, 3), (1, 4), (1, 5)]
    assert up.upstream.in_flight == 2
    up.upstream.queued(0)  # the daemon hears it from the store's answer
    assert not up.journal.is_due, "a claim without room would turn in circles"


def test_what_could_not_be_sent_is_no_attempt() -> None:
    up = Up(window=4)
    assert up.upstream.reserve(2, up.clock.now())
    up.upstream.link_down(up.links[0])
    up.upstream.send(message(1, segments=2), range(1, 3))
    batch = up.journal.commit()
    assert batch.postponed == [(1, 1, "one", 0, 0, NOW_MS, ""), (1, 2, "one", 0, 0, NOW_MS, "")]
    assert up.upstream.in_flight == 0


def test_nothing_is_sent_while_the_gateway_stops() -> None:
    up = Up()
    up.upstream.hold("stopped")
    assert not up.straight(1)
    up.upstream.queued(0)
    up.upstream.link_up(FakeLink())  # a reconnect just now changes nothing
    up.upstream.tick(up.clock.now() + 1e6, NOW_MS)
    assert not up.journal.is_due


# -- the rate ---------------------------------------------------------------------------------------


def test_the_rate_is_by_segment() -> None:
    up = Up(window=100, rate=5)
    assert up.straight(1, segments=3)
    assert up.straight(2, segments=2)
    assert not up.straight(3)
    up.clock.advance(0.2)
    assert up.straight(3)


def test_what_is_claimed_counts_too() -> None:
    up = Up(window=100, rate=5, backlog=True)
    assert up.journal.batch.claims == [("one", 5, NOW_MS, 1)]
    up.answer_claim([(tuple(message(1, segments=5)), [1, 2, 3, 4, 5])], NOW_MS)
    assert up.journal.batch.claims == []
    up.clock.advance(0.5)
    up.upstream.tick(up.clock.now(), up.clock.now_ms())
    assert up.journal.batch.claims == [("one", 2, up.clock.now_ms(), 1)]


# -- many refusals ----------------------------------------------------------------------------------


def refuse(up: Up, times: int) -> None:
    for n in range(times):
        up.upstream.refused_for_now(message(n), 1, "ESME_RTHROTTLED", full=True, now_ms=NOW_MS)
    up.upstream.results_end()


def test_many_refusals_in_a_row_pause_the_connector() -> None:
    up = Up(window=1000)
    up.upstream.reserve(LONG_PAUSE_AFTER + 1, up.clock.now())
    refuse(up, LONG_PAUSE_AFTER)
    assert up.upstream.reserve(1, up.clock.now())
    refuse(up, 1)
    assert not up.upstream.reserve(1, up.clock.now())
    up.journal.commit()
    assert up.journal.batch.claims == []
    up.clock.advance(2.0)
    up.upstream.tick(up.clock.now(), up.clock.now_ms())
    assert len(up.journal.batch.claims) == 1


def test_a_success_between_refusals_prevents_the_pause() -> None:
    up = Up(window=1000)
    refuse(up, LONG_PAUSE_AFTER)
    up.upstream.taken(message(1), 1, "1", NOW_MS)
    refuse(up, LONG_PAUSE_AFTER)
    assert up.upstream.reserve(1, up.clock.now())


def test_a_new_link_ends_the_pause() -> None:
    up = Up(window=1000)
    refuse(up, LONG_PAUSE_AFTER + 1)
    up.upstream.link_up(FakeLink())
    assert up.journal.batch.claims != []


def test_what_was_not_sent_costs_nothing_of_the_rate() -> None:
    up = Up(window=100, rate=5)
    up.links[0].room = 1
    assert up.straight(1, segments=5)
    assert len(up.sent) == 1
    up.journal.commit()
    assert up.upstream.flow.bucket.available(up.clock.now()) == 4


def test_refusals_at_the_end_of_the_day_do_not_begin_another() -> None:
    up = Up(window=200)
    for n in range(LONG_PAUSE_AFTER + 1):
        up.straight(n)
    up.upstream.hold("stopped")
    for n in range(LONG_PAUSE_AFTER + 1):
        up.upstream.refused_for_now(message(n), 1, "ESME_RTHROTTLED", full=True, now_ms=NOW_MS)
    up.upstream.results_end()
    up.journal.commit()
    up.clock.advance(3600)
    up.upstream.tick(up.clock.now(), up.clock.now_ms())
    assert up.journal.batch.claims == []
