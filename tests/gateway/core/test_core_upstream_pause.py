"""A connector that a person has paused: nothing new goes up, and others take over what waits."""

from __future__ import annotations

from random import Random

from gateway_fakes import NOW_MS, FakeJournal, FakeLink, ManualClock, message, quiet_events, recorded_events

from gateway.core import alternatives, failover
from gateway.core.batch import Batch
from gateway.core.pauses import Pause
from gateway.core.routing import Route
from gateway.core.upstream import Upstream

PAUSE = Pause(NOW_MS, "admin")


class Two:
    """Connectors "one" and "two" with a link each, whose queues on disk are empty."""

    def __init__(self) -> None:
        self.clock, self.journal = ManualClock(), FakeJournal()
        self.upstreams: dict[str, Upstream] = {}
        self.links: dict[str, FakeLink] = {}
        for name in ("one", "two"):
            upstream = self.upstreams[name] = Upstream(
                name,
                window=4,
                rate=0,
                whole=False,
                journal=self.journal,
                events=quiet_events(),
                clock=self.clock,
                random=Random(7),
            )
            upstream.all = self.upstreams
            link = self.links[name] = FakeLink()
            upstream.link_up(link)
            self.journal.commit()
            upstream.claimed([], None)
        self.one, self.two = self.upstreams.values()

    def moves(self, *failover_kinds: str) -> tuple[list[tuple[object, ...]], str]:
        """What failover asks of the store now, and what it says."""
        events, written = recorded_events()
        batch = Batch()
        route = Route("", ("one", "two"), failover=frozenset(failover_kinds))
        failover.move_queues([route], self.upstreams, batch, events, self.clock.now())
        events.flush()
        return batch.moves, "".join(written)


def test_nothing_goes_straight_up() -> None:
    it = Two()
    it.one.pause(PAUSE)
    assert not it.one.reserve(1, it.clock.now())
    assert (it.one.up, it.one.works, it.one.bound, it.one.trouble) == (False, False, True, "paused")
    assert it.two.reserve(1, it.clock.now())


def test_nothing_is_claimed_from_disk_until_it_goes_on() -> None:
    it = Two()
    it.one.pause(PAUSE)
    it.one.queued(0)
    it.one.queued(NOW_MS + 1000)
    it.clock.advance(2)
    it.one.tick(it.clock.now(), it.clock.now_ms())
    assert not it.journal.batch.claims
    it.one.resume()
    assert [row[0] for row in it.journal.batch.claims] == ["one"]


def test_it_looks_at_its_queue_when_it_goes_on_for_failover_may_have_left_something() -> None:
    it = Two()
    it.one.pause(PAUSE)
    it.one.resume()
    assert len(it.journal.batch.claims) == 1
    it.one.resume()  # a second word changes nothing
    assert len(it.journal.batch.claims) == 1


def test_what_was_under_way_is_sent_and_its_answer_counts() -> None:
    it = Two()
    assert it.one.reserve(1, it.clock.now())  # its intent is not committed yet
    it.one.pause(PAUSE)
    it.one.send(message(1), [1])
    assert it.links["one"].sent == [(1, 1)]
    it.one.taken(message(1), 1, "A1", NOW_MS)
    it.one.results_end()
    assert it.journal.commit().submitted
    assert it.one.in_flight == 0


def test_a_claim_that_was_under_way_is_the_last_one() -> None:
    it = Two()
    it.one.queued(0)
    _, end = it.journal.take()
    it.one.pause(PAUSE)
    it.one.claimed([(tuple(message(1)), [1])], NOW_MS)
    end(True)
    assert it.links["one"].sent == [(1, 1)]
    assert not it.journal.batch.claims


def test_a_link_that_comes_up_changes_nothing() -> None:
    it = Two()
    it.one.link_down(it.links["one"])
    it.one.pause(PAUSE)
    it.one.link_up(FakeLink())
    assert not it.journal.batch.claims
    assert not it.one.reserve(1, it.clock.now())


def test_its_queue_goes_to_the_next_connector_at_once_if_the_route_wants_that() -> None:
    it = Two()
    it.one.pause(PAUSE)
    it.one.queued(0)
    assert it.moves() == ([], "")
    assert it.moves("silent")[0] == []
    moves, said = it.moves("down")
    assert [row[:2] for row in moves] == [("one", "two")]
    assert "failover" in said
    assert "why=paused" in said


def test_two_that_are_paused_keep_what_they_have() -> None:
    it = Two()
    it.one.pause(PAUSE)
    it.two.pause(PAUSE)
    it.one.queued(0)
    assert it.moves("down", "silent")[0] == []


def test_what_an_smsc_refuses_does_not_go_to_one_that_is_paused() -> None:
    it = Two()
    one = message(1, alternatives="one two")
    assert alternatives.in_trouble(one, "one", it.upstreams) == "two"
    it.two.pause(PAUSE)
    assert alternatives.in_trouble(one, "one", it.upstreams) is None


def test_since_when_the_last_error_is_the_last_one() -> None:
    it = Two()
    it.one.last_error = "gone"
    it.one.tick(it.clock.now(), it.clock.now_ms())
    it.clock.advance(10)
    it.one.last_error = "".join(["go", "ne"])  # the same again
    it.one.tick(it.clock.now(), it.clock.now_ms())
    assert it.one.last_error_ms == NOW_MS
    it.one.last_error = "other"
    it.one.tick(it.clock.now(), it.clock.now_ms())
    assert it.one.last_error_ms == NOW_MS + 10_000
