"""Messages that are taken together or not at all, and those that the store left out."""

from __future__ import annotations

from typing import Any

from gateway_fakes import account, draft
from test_core_submission import Desk

from gateway.core.accounts import Account
from gateway.core.batch import Answer, Batch, not_kept
from gateway.core.errors import Refusal
from gateway.core.model import Message, Origin
from gateway.core.routing import Route


def take(desk: Desk, of: Account, *drafts: Any) -> list[Message] | Refusal:
    now, now_ms = desk.clock.now(), desk.clock.now_ms()
    return desk.submission.accept_all(of, drafts, now, now_ms, Origin.MAIL)


def test_all_are_taken_and_carry_where_they_came_from() -> None:
    desk, app = Desk(), account()
    taken = take(desk, app, draft(destination="79990000001"), draft(destination="79990000002"))
    assert isinstance(taken, list)
    assert [message.origin for message in taken] == [Origin.MAIL.value] * 2
    assert [message.destination for message in taken] == ["79990000001", "79990000002"]
    desk.submission.flush()
    desk.journal.commit()
    assert [message_id for message_id, _ in desk.sent] == [message.message_id for message in taken]
    assert app.open_messages == desk.submission.open_messages == 2


def test_one_that_is_refused_keeps_all_back() -> None:
    desk, app = Desk(Route("7", ("one",))), account(max_segments=2, rate=10)
    good = draft(destination="79990000001")
    assert take(desk, app, good, draft(destination="4479990000")) is Refusal.NO_ROUTE
    assert take(desk, app, good, draft(destination="79990000002", segments=3)) is Refusal.TOO_LONG
    desk.submission.flush()
    assert not desk.journal.batch.accepted
    assert app.open_messages == desk.submission.open_messages == 0
    assert app.bucket.available(desk.clock.now()) == 10


def test_there_must_be_room_for_all() -> None:
    desk, app = Desk(), account(max_open=2)
    three = [draft(destination=f"7999000000{n}") for n in range(3)]
    assert take(desk, app, *three) is Refusal.QUEUE_FULL
    assert isinstance(take(desk, app, *three[:2]), list)
    assert take(desk, app, three[2]) is Refusal.QUEUE_FULL
    desk.submission.max_messages = 3
    assert take(desk, account(), *three) is Refusal.QUEUE_FULL


def test_the_rate_counts_the_segments_of_all() -> None:
    desk, app = Desk(), account(rate=5)
    assert isinstance(take(desk, app, *[draft(segments=2) for _ in range(3)]), list)
    assert take(desk, app, draft()) is Refusal.RATE
    desk.clock.advance(1)
    assert isinstance(take(desk, app, draft()), list)


def test_what_the_store_left_out_is_not_sent_and_gives_its_slots_back() -> None:
    desk, app = Desk(window=2), account()
    first, second = take(desk, app, draft()), take(desk, app, draft())
    assert isinstance(first, list) and isinstance(second, list)
    waits = take(desk, app, draft())
    assert isinstance(waits, list)  # no slot is left for it
    desk.submission.flush()
    desk.submission.not_kept = frozenset({first[0].message_id, waits[0].message_id})
    desk.journal.commit()
    assert desk.sent == [(second[0].message_id, 1)]
    assert desk.upstreams["one"].in_flight == 1
    assert desk.upstreams["one"].queue.joining == 0
    assert not desk.upstreams["one"].backlog
    assert app.open_messages == desk.submission.open_messages == desk.submission.accepted == 1


def test_messages_of_requests_and_mails_that_came_before_are_not_kept() -> None:
    batch = Batch(
        mail_recipients=[(1, 100), (2, 100), (3, 101)],
        request_keys=[("app", "a", b"", 0, b"", (4, 5)), ("app", "b", b"", 0, b"", (6,))],
    )
    assert not_kept(batch, Answer()) == frozenset()
    assert not_kept(batch, Answer(repeated=[(100, 90)])) == {1, 2}
    assert not_kept(batch, Answer(keys_known=[(1, b"", b"")])) == {6}
    assert not_kept(batch, Answer(repeated=[(101, 90)], keys_known=[(0, b"", b"")])) == {3, 4, 5}
