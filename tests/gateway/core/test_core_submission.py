"""Taking responsibility: every refusal, the row, the two ways up, and what a failed commit gives back."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from gateway_fakes import (
    DAY_MS,
    NOW,
    NOW_MS,
    FakeJournal,
    FakeLink,
    ManualClock,
    account,
    draft,
    recorded_events,
)

from gateway.core.accounts import Account
from gateway.core.batch import Answer
from gateway.core.errors import Refusal
from gateway.core.message_ids import MessageIds
from gateway.core.model import Draft, Message, OnAmbiguous, Progress
from gateway.core.router import Router
from gateway.core.routing import Route, RouteTable
from gateway.core.submission import Submission
from gateway.core.upstream import Upstream


class Desk:
    """A submission with the connectors one and two; `answer` makes the commits."""

    def __init__(self, *routes: Route, window: int = 100, whole: bool = False, up: str = "one two") -> None:
        self.clock, self.journal = ManualClock(), FakeJournal()
        self.events, self.written = recorded_events()
        self.links = {name: FakeLink() for name in ("one", "two")}
        self.upstreams: dict[str, Upstream] = {}
        for name, link in self.links.items():
            upstream = Upstream(
                name,
                window=window,
                rate=0,
                whole=whole,
                journal=self.journal,
                events=self.events,
                clock=self.clock,
                random=Random(1),
            )
            upstream.all = self.upstreams
            self.upstreams[name] = upstream
            if name in up:
                upstream.link_up(link)
                self.journal.commit()
                upstream.claimed([], None)
        self.submission = Submission(
            self.journal,
            MessageIds(),
            Router(RouteTable(routes or (Route("", ("one", "two"), OnAmbiguous.HOLD),)), self.upstreams),
            self.events,
            max_messages=1000,
            default_validity_ms=2 * DAY_MS,
        )

    def accept(self, of: Account, what: Draft | None = None, **fields: Any) -> Message | Refusal:
        clock = self.clock
        return self.submission.accept(of, what or draft(**fields), clock.now(), clock.now_ms())

    def taken(self, of: Account, **fields: Any) -> Message:
        result = self.accept(of, **fields)
        assert isinstance(result, Message)
        return result

    @property
    def sent(self) -> list[tuple[int, int]]:
        return self.links["one"].sent


def test_a_message_carries_the_draft_the_account_and_the_route() -> None:
    desk, app = Desk(), account()
    given = draft(service_type="CMT", priority=3, tlvs=b"\x02\x04\x00\x02\x00\x07", validity_period="x")
    taken = desk.accept(app, given)
    assert isinstance(taken, Message)
    fields = taken._asdict()
    worked_out = ("due_ms", "expires_ms", "part", "address")
    assert {name: fields[name] for name in given._fields if name not in worked_out} == {
        name: value for name, value in given._asdict().items() if name not in worked_out
    }
    assert (taken.account, taken.accepted_ms, taken.retries) == ("app", NOW_MS, 0)
    assert (taken.connector, taken.alternatives, taken.on_ambiguous) == ("one", "one two", 2)
    assert taken.expires_ms == NOW_MS + 2 * DAY_MS
    assert desk.journal.batch.accepted == [(*taken, Progress.SENT)]


def test_one_commit_carries_message_and_intent_and_nothing_goes_up_before_it() -> None:
    desk, app = Desk(), account()
    short, long = desk.taken(app), desk.taken(app, segments=3, user_data=b"x" * 400)
    desk.submission.flush()
    assert desk.sent == []
    batch = desk.journal.commit()
    assert batch.intents == [
        (short.message_id, 1, "one", NOW_MS),
        (long.message_id, 1, "one", NOW_MS),
        (long.message_id, 2, "one", NOW_MS),
        (long.message_id, 3, "one", NOW_MS),
    ]
    assert desk.sent == [
        (short.message_id, 1),
        (long.message_id, 1),
        (long.message_id, 2),
        (long.message_id, 3),
    ]
    assert (desk.submission.accepted, app.accepted, app.open_messages) == (2, 2, 2)
    assert sum(" accepted message_id=" in line for line in "".join(desk.written).split("\n")) == 0
    desk.events.flush()
    assert "".join(desk.written).count(" accepted message_id=") == 2


def test_without_a_link_the_message_waits_on_disk() -> None:
    desk, app = Desk(up=""), account()
    taken = desk.taken(app)
    desk.submission.flush()
    batch = desk.journal.commit()
    assert batch.accepted == [(*taken, Progress.QUEUED)]
    assert (batch.intents, desk.sent) == ([], [])
    assert desk.upstreams["one"].backlog


def test_the_first_connector_that_is_up_takes_it_and_the_first_of_all_when_none_is() -> None:
    assert Desk(up="two").taken(account()).connector == "two"
    assert Desk(up="").taken(account()).connector == "one"


def test_a_scheduled_message_waits_on_disk_until_its_time() -> None:
    desk, app = Desk(), account()
    taken = desk.taken(app, due_ms=NOW_MS + 60_000)
    desk.submission.flush()
    batch = desk.journal.commit()
    assert batch.accepted == [(*taken, Progress.QUEUED)]
    upstream = desk.upstreams["one"]
    upstream.tick(NOW + 59, NOW_MS + 59_000)
    assert not upstream.backlog
    upstream.tick(NOW + 60, NOW_MS + 60_000)
    assert [claim[0] for claim in desk.journal.batch.claims] == ["one"]


def test_the_default_validity_begins_when_the_message_is_due() -> None:
    due_ms = NOW_MS + 5 * DAY_MS
    assert Desk().taken(account(), due_ms=due_ms).expires_ms == due_ms + 2 * DAY_MS


def test_a_message_whose_validity_is_given_keeps_it() -> None:
    assert Desk().taken(account(), expires_ms=NOW_MS + 1000).expires_ms == NOW_MS + 1000


def test_a_connector_that_wants_long_texts_whole_gets_one_segment() -> None:
    desk, app = Desk(whole=True), account()
    taken = desk.taken(app, segments=4, user_data=b"x" * 600)
    desk.submission.flush()
    assert taken.segments == 1
    assert desk.journal.commit().intents == [(taken.message_id, 1, "one", NOW_MS)]


def test_what_finds_no_room_queues_and_nothing_overtakes_it() -> None:
    desk, app = Desk(window=3), account()
    first = desk.taken(app, segments=2)
    second = desk.taken(app, segments=2)  # does not fit beside the first
    third = desk.taken(app)  # would fit, but the second goes first
    desk.submission.flush()
    batch = desk.journal.commit()
    assert [(row[0], row[-1]) for row in batch.accepted] == [
        (first.message_id, Progress.SENT),
        (second.message_id, Progress.QUEUED),
        (third.message_id, Progress.QUEUED),
    ]
    assert desk.sent == [(first.message_id, 1), (first.message_id, 2)]
    assert desk.upstreams["one"].in_flight <= 3


def test_a_failed_commit_gives_back_counts_and_slots() -> None:
    desk, app = Desk(window=4), account(open_messages=1)
    desk.submission.open_messages = 1
    desk.taken(app, segments=3)
    desk.taken(app, segments=3)
    assert (app.open_messages, desk.submission.open_messages) == (3, 3)
    desk.submission.flush()
    desk.journal.commit(ok=False)
    assert desk.sent == []
    assert (app.open_messages, desk.submission.open_messages) == (1, 1)
    assert (app.accepted, desk.submission.accepted) == (0, 0)
    upstream = desk.upstreams["one"]
    desk.journal.commit(answer=Answer())  # the claim that the second one's queueing may have asked for
    upstream.claimed([], None)
    assert upstream.in_flight == 0
    assert upstream.reserve(4, NOW)


def test_what_was_not_kept_is_not_looked_for_in_the_queue() -> None:
    desk, app = Desk(window=1), account()
    desk.taken(app)
    desk.taken(app)  # finds no room
    desk.taken(app, due_ms=NOW_MS + 60_000)
    desk.submission.flush()
    upstream = desk.upstreams["one"]
    assert upstream.queue.joining == 1
    desk.journal.commit(ok=False)
    assert (upstream.queue.joining, upstream.backlog, upstream.in_flight) == (0, False, 0)
    assert desk.journal.batch.claims == []


def test_ended_messages_make_room() -> None:
    desk, app = Desk(), account(max_open=1)
    desk.taken(app)
    assert desk.accept(app) is Refusal.QUEUE_FULL
    desk.submission.ended(app, 1)
    desk.taken(app)
    desk.submission.ended(None, 1)  # of an account that is no longer configured
    assert (desk.submission.open_messages, app.open_messages) == (0, 1)


def test_what_another_node_has_accepted_since_the_count_may_end_first() -> None:
    desk, app = Desk(), account(max_open=2)
    desk.submission.shared = True
    desk.taken(app)
    desk.submission.ended(app, 3)
    assert (desk.submission.open_messages, app.open_messages) == (0, 0)
    desk.taken(app)
    desk.submission.ended(None, 3)
    assert (desk.submission.open_messages, app.open_messages) == (0, 1)


def test_a_flush_without_messages_asks_for_no_commit() -> None:
    desk = Desk()
    desk.submission.flush()
    assert not desk.journal.is_due


@pytest.mark.parametrize("reason", [Refusal.STOPPING, Refusal.QUEUE_FULL])
def test_refused_while_closed(reason: Refusal) -> None:
    desk = Desk()
    desk.submission.closed_because = reason
    assert desk.accept(account()) is reason


def test_refused_while_the_store_cannot_write() -> None:
    desk = Desk()
    desk.journal.error = "database or disk is full"
    assert desk.accept(account()) is Refusal.STORE


def test_refused_when_too_many_messages_are_open() -> None:
    desk = Desk()
    desk.submission.max_messages = 2
    desk.taken(account())
    desk.taken(account())
    assert desk.accept(account()) is Refusal.QUEUE_FULL
    assert Desk().accept(account(open_messages=5, max_open=5)) is Refusal.QUEUE_FULL


def test_security_31_a_sender_that_is_not_the_accounts() -> None:
    app = account(allowed_sources=["Example", "79990000001"])
    assert Desk().accept(app, source="Other") is Refusal.SOURCE
    assert Desk().accept(app, source="") is Refusal.SOURCE
    assert Desk().accept(app, source="example") is Refusal.SOURCE
    assert isinstance(Desk().accept(app, source="79990000001"), Message)


def test_security_34_more_segments_than_the_account_may_send() -> None:
    app = account(max_segments=3)
    assert Desk().accept(app, segments=4) is Refusal.TOO_LONG
    assert isinstance(Desk().accept(app, segments=3), Message)


def test_refused_when_its_validity_is_over() -> None:
    assert Desk().accept(account(), expires_ms=NOW_MS) is Refusal.VALIDITY
    assert isinstance(Desk().accept(account(), expires_ms=NOW_MS + 1), Message)


def test_refused_over_the_rate_and_taken_a_second_later() -> None:
    desk, app = Desk(), account(rate=2)
    assert [isinstance(desk.accept(app), Message) for _ in range(3)] == [True, True, False]
    assert desk.accept(app) is Refusal.RATE
    desk.clock.advance(0.5)
    desk.taken(app)


def test_refused_without_a_route() -> None:
    desk = Desk(Route("79", ("one",)))
    assert desk.accept(account(), destination="4915112345678") is Refusal.NO_ROUTE
    assert desk.submission.refused[Refusal.NO_ROUTE] == 1


def test_a_route_is_found_with_or_without_the_international_prefix() -> None:
    desk = Desk(Route("79", ("two",)))
    assert desk.taken(account(), destination="0079161234567").connector == "two"
    assert desk.taken(account(), destination="+79161234567").connector == "two"


def test_what_is_refused_costs_nothing() -> None:
    desk, app = Desk(Route("79", ("one",))), account()
    desk.accept(app, destination="4915112345678")
    desk.accept(app, segments=100)
    desk.submission.flush()
    assert not desk.journal.is_due
    assert (app.open_messages, desk.submission.open_messages, desk.upstreams["one"].in_flight) == (0, 0, 0)
    assert {reason: count for reason, count in desk.submission.refused.items() if count} == {
        Refusal.NO_ROUTE: 1,
        Refusal.TOO_LONG: 1,
    }
