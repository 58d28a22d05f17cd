"""Messages on their way up: accepted, sent, claimed, put back, refused, moved, decided."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import DAY_MS, NOW_MS, message
from store_support import Store, postponed, submitted

from gateway.core.model import Attempt, Message, MessageState, Progress

SENT, QUEUED, HELD = Progress.SENT, Progress.QUEUED, Progress.HELD


def test_every_field_of_a_message_comes_back(store: Store) -> None:
    given = Message(
        *(77, "app", NOW_MS, "CMT", 5, 1, "Café", 1, 2, "79161234567", 0x43, 4, 3, 0x11, 8),
        *(b"\x00\xff\x1b", b"\x02\x04\x00\x01\x07", 3, "one", "one two", 2, 5, NOW_MS + 9, "00R", 6),
    )
    store.queue(given)
    ((_, ((fields, segments),), due_ms),) = store.apply(claims=[("one", 10, NOW_MS, 1)]).claimed
    assert Message._make(fields) == given
    assert (segments, due_ms) == ([1, 2, 3], None)


def test_a_message_that_goes_straight_up_has_its_intents(store: Store) -> None:
    store.send(message(1), message(2, segments=2))
    assert store.progress(1) is store.progress(2) is SENT
    assert [(r["message_id"], r["segment"], r["connector"]) for r in store.rows("submission")] == [
        (1, 1, "one"),
        (2, 1, "one"),
        (2, 2, "one"),
    ]
    assert {r["attempt"] for r in store.rows("submission")} == {Attempt.INTENT}
    assert store.claim() == []


def test_an_answer_is_recorded(store: Store) -> None:
    store.send(message(1))
    store.taken(1, "0A1B")
    (row,) = store.rows("submission")
    assert (row["attempt"], row["upstream_id"], row["upstream_key"]) == (Attempt.SUBMITTED, "0A1B", "a1b")
    assert row["submitted_ms"] == NOW_MS + 1000
    assert store.progress(1) is SENT


# -- claims -----------------------------------------------------------------------------------------


def test_claims_bring_what_is_due_in_order_and_once(store: Store) -> None:
    store.queue(message(3), message(1), message(2, due_ms=NOW_MS), message(4, due_ms=NOW_MS + 1))
    assert store.claim(2) == [(1, [1]), (3, [1])]
    assert store.claim() == [(2, [1])]
    assert store.next_due() == NOW_MS + 1
    assert store.claim(now_ms=NOW_MS + 1) == [(4, [1])]
    assert store.claim() == []
    assert store.next_due() is None


def test_a_queue_is_over_behind_what_a_claim_has_found_expired(store: Store) -> None:
    store.queue(message(1, due_ms=-3, expires_ms=NOW_MS), message(2))
    assert store.next_due(now_ms=-4) == -3, "before all that it claims"
    ((_, rows, due_ms),) = store.apply(claims=[("one", 4, NOW_MS, 1)]).claimed
    assert ([fields[0] for fields, _ in rows], due_ms) == ([2], None)
    store.queue(message(3, expires_ms=NOW_MS))
    assert store.apply(claims=[("one", 4, NOW_MS, 1)]).claimed == [("one", [], None)]


def test_what_is_claimed_is_intended(store: Store) -> None:
    store.queue(message(1, segments=2))
    store.claim()
    assert store.progress(1) is SENT
    assert [(r["segment"], r["attempt"]) for r in store.rows("submission")] == [(1, 0), (2, 0)]


def test_room_is_counted_in_segments(store: Store) -> None:
    store.queue(message(1, segments=2), message(2, segments=3), message(3))
    assert store.claim(4) == [(1, [1, 2])]  # the second does not fit, and the third may not overtake it
    assert store.claim(4) == [(2, [1, 2, 3]), (3, [1])]


def test_a_message_longer_than_the_room_is_claimed_alone(store: Store) -> None:
    store.queue(message(1, segments=5), message(2))
    assert store.claim(2) == [(1, [1, 2, 3, 4, 5])]


def test_a_claim_in_the_batch_that_accepts_finds_the_message(store: Store) -> None:
    answer = store.apply(accepted=[(*message(1), QUEUED.value)], claims=[("one", 5, NOW_MS, 1)])
    assert [fields[0] for fields, _ in answer.claimed[0][1]] == [1]


def test_each_connector_has_its_own_queue(store: Store) -> None:
    store.queue(message(1, connector="one"), message(2, connector="two"))
    assert store.claim(connector="two") == [(2, [1])]
    assert store.claim(connector="one") == [(1, [1])]


def test_a_claim_finds_more_when_there_is_more(store: Store) -> None:
    store.queue(*(message(n) for n in range(1, 8)))
    answer = store.apply(claims=[("one", 5, NOW_MS, 1)])
    assert len(answer.claimed[0][1]) == 5
    assert answer.claimed[0][2] == 0  # due at once


def test_what_expired_while_it_waited_ends_instead_of_going_up(store: Store) -> None:
    store.queue(message(1, expires_ms=NOW_MS), message(2))
    answer = store.apply(claims=[("one", 5, NOW_MS, 1)])
    assert [fields[0] for fields, _ in answer.claimed[0][1]] == [2]
    assert [row[0] for row in answer.expired] == [1]
    assert answer.ended == [("app", 1)]
    assert store.end(1) == (MessageState.EXPIRED, "")
    assert store.delivery_states() == [(1, MessageState.EXPIRED)]


# -- put back ---------------------------------------------------------------------------------------


def test_postponed_waits_for_its_time(store: Store) -> None:
    store.send(message(1))
    answer = store.apply(postponed=[postponed(1, due_ms=NOW_MS + 500)])
    assert answer.queued == [("one", NOW_MS + 500)]
    (row,) = store.rows("message")
    assert (row["progress"], row["retries"], row["due_ms"]) == (QUEUED, 1, NOW_MS + 500)
    assert store.rows("submission") == []
    assert [r["text"] for r in store.rows("incident")] == ["one: ESME_RTHROTTLED"]
    assert store.claim(now_ms=NOW_MS + 499) == []
    assert store.claim(now_ms=NOW_MS + 500) == [(1, [1])]


def test_what_sent_no_octet_is_no_attempt(store: Store) -> None:
    store.send(message(1))
    store.apply(postponed=[postponed(1, answered=0)])
    assert store.rows("message")[0]["retries"] == 0
    assert store.rows("incident") == []
    assert store.claim() == [(1, [1])]


def test_postponed_may_go_to_another_connector(store: Store) -> None:
    store.send(message(1))
    answer = store.apply(postponed=[postponed(1, connector="two")])
    assert answer.queued == [("two", 0)]
    assert store.claim(connector="two") == [(1, [1])]
    store.apply(submitted=[submitted(1, "77", connector="two")])
    assert store.rows("submission")[0]["connector"] == "two"


def test_only_the_postponed_segment_is_sent_again(store: Store) -> None:
    store.send(message(1, segments=3))
    store.apply(submitted=[submitted(1, "A", 1)], postponed=[postponed(1, 2)])
    assert store.claim() == [(1, [2])]  # the third is still on its way


def test_of_several_postponed_segments_the_first_time_counts(store: Store) -> None:
    store.send(message(1, segments=3))
    store.apply(postponed=[postponed(1, 1, NOW_MS + 900)])
    store.apply(postponed=[postponed(1, 2, NOW_MS + 300), postponed(1, 3, NOW_MS + 600)])
    assert store.claim(now_ms=NOW_MS + 299) == []
    assert store.claim(now_ms=NOW_MS + 300) == [(1, [1, 2, 3])]


def test_a_message_with_nothing_left_to_send_leaves_the_queue(store: Store) -> None:
    """A segment is put back although its message is complete by then: it must not be claimed for ever."""
    store.send(message(1, segments=2))
    store.apply(postponed=[postponed(1, 1)])
    store.claim()
    store.apply(submitted=[submitted(1, "A", 1), submitted(1, "B", 2)])
    assert store.claim() == []
    assert store.progress(1) is SENT


# -- without a receipt ------------------------------------------------------------------------------


@pytest.mark.parametrize("registered_delivery", [0, 1])
def test_handed_over_ends_a_message_when_its_last_segment_is_taken(
    store: Store, registered_delivery: int
) -> None:
    store.send(message(1, segments=2, registered_delivery=registered_delivery))
    answer = store.apply(submitted=[submitted(1, "A", 1)], handed_over=[(1, NOW_MS)])
    assert answer.ended == []
    answer = store.apply(submitted=[submitted(1, "B", 2)], handed_over=[(1, NOW_MS)])
    assert answer.ended == [("app", 1)]
    assert store.end(1) == (MessageState.ACCEPTED, "")
    assert store.delivery_states() == [(1, MessageState.ACCEPTED)] * registered_delivery


def test_a_final_refusal_ends_the_message_whatever_its_other_segments_do(store: Store) -> None:
    store.send(message(1, segments=3))
    row = (1, MessageState.REJECTED.value, "ESME_RINVDSTADR", NOW_MS + 5)
    answer = store.apply(failed=[row, row])
    assert answer.ended == [("app", 1)]
    assert store.end(1) == (MessageState.REJECTED, "ESME_RINVDSTADR")
    assert store.delivery_states() == [(1, MessageState.REJECTED)]
    # what is still heard of the others changes nothing
    answer = store.apply(submitted=[submitted(1, "B", 2)], postponed=[postponed(1, 3)], failed=[row])
    assert answer.ended == []
    assert (store.progress(1), store.claim()) == (None, [])
    assert len(store.delivery_states()) == 1


# -- failover and decisions -------------------------------------------------------------------------


def test_a_move_takes_what_waits_and_may_go_there(store: Store) -> None:
    store.queue(
        message(1, alternatives="one two"),
        message(2, alternatives="one"),
        message(3, alternatives="one twoo"),
        message(4, alternatives="two one", due_ms=NOW_MS + 1),
    )
    store.send(message(5, alternatives="one two"))
    store.apply(moves=[("one", "two", 0)])
    assert {r["message_id"]: r["connector"] for r in store.rows("message")} == {
        1: "two",
        2: "one",
        3: "one",
        4: "two",
        5: "one",
    }


def held(store: Store, **fields: Any) -> None:
    store.send(message(1, on_ambiguous=2, **fields))
    store.doubt(1)
    assert store.progress(1) is HELD


def test_a_decision_to_send_again(store: Store) -> None:
    held(store)
    answer = store.apply(decisions=[(1, "resend", NOW_MS)])
    assert (answer.decided, answer.queued) == ([True], [("one", 0)])
    assert store.claim() == [(1, [1])]


def test_a_decision_to_give_up(store: Store) -> None:
    held(store)
    answer = store.apply(decisions=[(1, "drop", NOW_MS)])
    assert (answer.decided, answer.ended) == ([True], [("app", 1)])
    assert store.end(1) == (MessageState.DELETED, "given up")


def test_decisions_about_what_does_not_wait(store: Store) -> None:
    store.send(message(1))
    store.queue(message(2))
    decisions = [(1, "resend", 0), (1, "drop", 0), (2, "resend", 0), (9, "resend", 0), (9, "drop", 0)]
    answer = store.apply(decisions=decisions)
    assert answer.decided == [False] * 5
    assert (store.progress(1), store.progress(2)) == (SENT, QUEUED)
    assert store.apply(decisions=[(2, "drop", NOW_MS)]).decided == [True]


def test_history_has_everything_but_the_text(store: Store) -> None:
    text = b"canary-text"
    store.send(message(1, user_data=text, source="Example", connector="two", alternatives="two"))
    store.apply(postponed=[postponed(1, connector="two")])
    store.claim(connector="two")
    store.apply(submitted=[submitted(1, "0A", connector="two")])
    store.apply(failed=[(1, 5, "042", NOW_MS + DAY_MS)])
    (row,) = store.rows("history")
    assert text not in repr(row).encode()
    assert row == {
        "message_id": 1,
        "account": "app",
        "accepted_ms": NOW_MS,
        "source": "Example",
        "destination": "79161234567",
        "registered_delivery": 1,
        "segments": 1,
        "connector": "two",
        "submitted_ms": NOW_MS + 1000,
        "upstream_id": "0A",
        "state": 5,
        "error": "042",
        "done_ms": NOW_MS + DAY_MS,
        "retries": 1,
        "doubts": 0,
        "origin": 0,
        "route": "",
        "client_id": "",
        "numbering": None,
    }
