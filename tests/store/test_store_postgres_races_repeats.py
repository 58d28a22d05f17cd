"""What comes again, and comes to another node: requests, mails, incoming SMS that answer, dead letters."""

from __future__ import annotations

from typing import Any

import store_http
from gateway_fakes import DAY_MS, NOW_MS, message
from store_http import HANDLER, INBOX, WEBHOOK
from store_nodes import Nodes
from store_support import PEER, Store, incoming_sms, mail_rows

from gateway.core.batch import Batch, Row
from gateway.core.message_ids import lowest_id_at
from gateway.core.model import Progress
from gateway.store import mail_steps

KEY = b"the same mail"


def requested(message_id: int, key: str = "k", at_ms: int = NOW_MS, digest: bytes = b"d") -> Batch:
    new = message(message_id)
    return Batch(
        accepted=[(*new, Progress.QUEUED.value)],
        request_keys=[("app", key, digest, at_ms, f"answer {message_id}".encode(), (message_id,))],
    )


def test_a_request_that_comes_to_both_is_done_once(nodes: Nodes) -> None:
    first, second = nodes.at_once(requested(1), requested(2))
    assert first.keys_known == []
    assert second.keys_known == [(0, b"d", b"answer 1")]
    assert [row["message_id"] for row in nodes.a.rows("message")] == [1]


def test_a_request_whose_key_is_over_is_done_once_all_the_same(nodes: Nodes) -> None:
    nodes.a.apply_batch(requested(1))
    later = NOW_MS + 2 * DAY_MS
    _, second = nodes.at_once(requested(2, at_ms=later), requested(3, at_ms=later))
    assert second.keys_known == [(0, b"d", b"answer 2")]
    assert [row["message_id"] for row in nodes.a.rows("message")] == [1, 2]


def test_requests_in_any_order_do_not_wait_in_a_circle(nodes: Nodes) -> None:
    def both(*keys: str, first_id: int) -> Batch:
        batches = [requested(first_id + n, key) for n, key in enumerate(keys)]
        rows = [row for batch in batches for row in batch.request_keys]
        return Batch(accepted=[row for batch in batches for row in batch.accepted], request_keys=rows)

    _, second = nodes.at_once(both("k", "l", first_id=1), both("l", "k", first_id=3))
    assert sorted(second.keys_known) == [(0, b"d", b"answer 2"), (1, b"d", b"answer 1")]
    assert sorted(row["message_id"] for row in nodes.a.rows("message")) == [1, 2]


# -- mails --------------------------------------------------------------------------------------------


def mail(message_id: int, mail_id: int, **fields: Any) -> Batch:
    return Batch(**mail_rows(message_id, mail_id=mail_id, key=KEY, **fields))


def test_a_mail_that_comes_to_both_is_one(nodes: Nodes) -> None:
    first, second = nodes.at_once(mail(1, 1001), mail(2, 1002))
    assert (first.repeated, second.repeated) == ([], [(1002, 1001)])
    assert [row["message_id"] for row in nodes.a.rows("message")] == [1]
    assert [row["mail_id"] for row in nodes.a.rows("mail")] == [1001]


def test_a_mail_whose_key_is_over_is_one_too(nodes: Nodes) -> None:
    nodes.a.apply_batch(mail(1, 1001))
    later = NOW_MS + mail_steps.KEY_MS + 1
    first, second = nodes.at_once(mail(2, 1002, received_ms=later), mail(3, 1003, received_ms=later))
    assert (first.repeated, second.repeated) == ([], [(1003, 1002)])
    assert sorted(row["message_id"] for row in nodes.a.rows("message")) == [1, 2]
    assert [row["mail_id"] for row in nodes.a.rows("mail", key=KEY)] == [1002]


# -- incoming SMS -------------------------------------------------------------------------------------


def incoming() -> Row:
    return store_http.incoming(source=PEER)


def test_an_incoming_sms_answers_a_message_that_another_node_took(nodes: Nodes) -> None:
    nodes.a.apply(api_accounts=[("app", INBOX)])
    first = lowest_id_at(NOW_MS)
    store_http.send(nodes.a, store_http.live(first), api_id="of a")
    nodes.b.apply(incoming=[incoming()])
    store_http.send(nodes.b, store_http.live(first + 1), api_id="of b")
    nodes.a.apply(incoming=[incoming()])
    assert [row["answers"] for row in nodes.a.rows("inbox")] == ["of a", "of b"]


def test_an_account_is_called_as_another_node_was_told(nodes: Nodes) -> None:
    nodes.a.apply(api_accounts=[("app", HANDLER | WEBHOOK)])
    assert nodes.b.apply(incoming=[incoming()]).calls_waiting
    store_http.send(nodes.a, store_http.live(1))
    assert store_http.fail(nodes.b, 1).calls_waiting
    assert len(nodes.a.rows("call")) == 4
    nodes.b.apply(api_accounts=[("app", 0)])
    assert not nodes.a.apply(incoming=[incoming()]).calls_waiting


def test_an_answer_to_a_mail_of_another_node_goes_to_its_sender(nodes: Nodes) -> None:
    nodes.a.apply(**mail_rows(1))
    nodes.b.apply(incoming_mail=[incoming_sms(answers_since_ms=1)])
    assert [recipient for _, recipient, _ in nodes.a.letters()] == ["ops@example.org"]


# -- dead ones that wait again ------------------------------------------------------------------------


def bury_delivery(store: Store) -> int:
    store.apply(incoming=[incoming()])
    ((_, [row], _),) = store.apply(fetches=[("app", 0, 9)]).fetched
    store.apply(refused=[(row[0], "no", NOW_MS)])
    return int(row[0])


def test_a_dead_delivery_waits_again_once(nodes: Nodes) -> None:
    delivery_id = bury_delivery(nodes.a)
    replay = Batch(replays=[(delivery_id, "app", NOW_MS)])
    first, second = nodes.at_once(replay, replay)
    assert (first.replayed, second.replayed) == ([1], [0])
    assert len(nodes.a.rows("delivery")) == 1


def test_a_dead_letter_waits_again_once(nodes: Nodes) -> None:
    nodes.a.apply(incoming_mail=[incoming_sms()])
    (letter,) = nodes.a.claim_letters()
    nodes.a.apply(letters_refused=[(letter.letter_id, "no", NOW_MS)])
    replay = Batch(replays=[(letter.letter_id, "mail:", NOW_MS)])
    first, second = nodes.at_once(replay, replay)
    assert (first.replayed, second.replayed) == ([1], [0])
    assert len(nodes.a.letters()) == 1


def test_a_dead_call_waits_again_once(nodes: Nodes) -> None:
    nodes.a.apply(api_accounts=[("app", WEBHOOK)], incoming=[incoming()])
    (call,) = nodes.a.apply(call_claims=[(NOW_MS + 1, 9, ())]).calls[0][0]
    nodes.a.apply(calls_refused=[(call[0], "no", NOW_MS)])
    replay = Batch(call_replays=[(call[0], "app", NOW_MS)])
    first, second = nodes.at_once(replay, replay)
    assert (first.calls_replayed, second.calls_replayed) == ([1], [0])
    assert len(nodes.a.rows("call")) == 1


def test_a_connector_is_paused_by_both(nodes: Nodes) -> None:
    nodes.at_once(Batch(pauses=[("one", NOW_MS, "ops")]), Batch(pauses=[("one", NOW_MS + 1, "ops")]))
    assert nodes.engines[0].applier.decisions.pauses() == [("one", NOW_MS + 1, "ops")]
