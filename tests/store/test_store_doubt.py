"""Segments that may or may not have been taken: each is listed, and each policy does what it says."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import NOW_MS, message
from store_support import LINK, Store, postponed, receipt, submitted

from gateway.core.model import Attempt, MessageState, OnAmbiguous, Progress

SENT, QUEUED, HELD = Progress.SENT, Progress.QUEUED, Progress.HELD
RESEND_ONCE, RESEND, HOLD, FAIL = OnAmbiguous
POLICIES = [
    (RESEND_ONCE, QUEUED, "resend"),
    (RESEND, QUEUED, "resend"),
    (HOLD, HELD, "hold"),
    (FAIL, None, "fail"),
]


def listed(store: Store) -> list[tuple[int, int, str, bool]]:
    """(message_id, segment, action, whether it is settled) of each possible duplicate."""
    return [
        (r["message_id"], r["segment"], r["action"], r["settled_ms"] is not None)
        for r in store.rows("ambiguous")
    ]


def in_doubt(store: Store, policy: OnAmbiguous, segments: int = 1) -> None:
    store.send(message(1, segments=segments, on_ambiguous=policy.value))
    store.doubt(1, *range(1, segments + 1))


@pytest.mark.parametrize(("policy", "becomes", "action"), POLICIES)
def test_each_policy(store: Store, policy: OnAmbiguous, becomes: Progress | None, action: str) -> None:
    in_doubt(store, policy)
    assert store.progress(1) is becomes
    assert listed(store) == [(1, 1, action, policy is FAIL)]
    (row,) = store.rows("ambiguous")
    assert (row["evidence"], row["connector"], row["link"]) == ("no response within 30 s", "one", LINK)
    assert (row["sent_ms"], row["since_ms"], row["boot"]) == (NOW_MS, NOW_MS + 1000, 1)
    assert row["settled_by"] == ("policy" if policy is FAIL else "")
    assert [r["text"] for r in store.rows("incident")] == ["in doubt: no response within 30 s"]


@pytest.mark.parametrize(("policy", "becomes", "action"), POLICIES)
def test_all_segments_of_a_lost_link_count_as_one_doubt(
    store: Store, policy: OnAmbiguous, becomes: Progress | None, action: str
) -> None:
    in_doubt(store, policy, segments=3)
    assert store.progress(1) is becomes
    assert listed(store) == [(1, n, action, policy is FAIL) for n in (1, 2, 3)]
    assert store.claim() == ([(1, [1, 2, 3])] if becomes is QUEUED else [])


@pytest.mark.parametrize(("policy", "becomes", "action"), POLICIES)
def test_a_doubt_is_told_to_the_queue_only_when_it_is_sent_again(
    store: Store, policy: OnAmbiguous, becomes: Progress | None, action: str
) -> None:
    store.send(message(1, on_ambiguous=policy.value))
    assert store.doubt(1).queued == ([("one", 0)] if becomes is QUEUED else [])


def test_fail_ends_the_message_and_says_so(store: Store) -> None:
    in_doubt(store, FAIL)
    assert store.end(1) == (MessageState.UNKNOWN, "ambiguous")
    assert store.delivery_states() == [(1, MessageState.UNKNOWN)]


@pytest.mark.parametrize(
    ("policy", "what", "how"),
    [
        (HOLD, {"decisions": [(1, "resend", NOW_MS + 9)]}, "person: resend"),
        (HOLD, {"decisions": [(1, "drop", NOW_MS + 9)]}, "person: drop"),
        (HOLD, {"failed": [(1, 3, "", NOW_MS + 9)]}, "end of validity"),
        (HOLD, {"late": [submitted(1, "77")]}, "late response"),
        (RESEND, {"failed": [(1, 8, "ESME_RINVDSTADR", NOW_MS + 9)]}, "end of the message"),
    ],
)
def test_what_settles_a_doubt_is_listed_with_it(
    store: Store, policy: OnAmbiguous, what: dict[str, Any], how: str
) -> None:
    in_doubt(store, policy)
    in_doubt_too = message(2, on_ambiguous=HOLD.value)
    store.send(in_doubt_too)
    store.doubt(2)
    store.apply(**what)
    first, second = store.rows("ambiguous")
    assert (first["settled_by"], second["settled_by"]) == (how, "")
    assert first["settled_ms"] and second["settled_ms"] is None


def test_what_a_person_has_sent_again_is_a_doubt_of_its_own_when_it_has_no_answer(store: Store) -> None:
    in_doubt(store, HOLD)
    store.apply(decisions=[(1, "resend", NOW_MS)])
    again(store)
    assert [(row["settled_by"], row["action"]) for row in store.rows("ambiguous")] == [
        ("person: resend", "hold"),
        ("", "hold"),
    ]


def again(store: Store) -> None:
    """What was in doubt is sent again, and its answer does not come either."""
    assert store.claim() == [(1, [1])]
    store.doubt(1)


def test_resend_once_holds_at_the_second_doubt(store: Store) -> None:
    in_doubt(store, RESEND_ONCE)
    again(store)
    assert store.progress(1) is HELD
    assert [action for _, _, action, _ in listed(store)] == ["resend", "hold"]


def test_resend_goes_on(store: Store) -> None:
    in_doubt(store, RESEND)
    for _ in range(3):
        again(store)
    assert store.progress(1) is QUEUED
    assert [action for _, _, action, _ in listed(store)] == ["resend"] * 4


def test_a_segment_that_was_answered_is_not_in_doubt(store: Store) -> None:
    store.send(message(1))
    store.taken(1, "77")
    store.doubt(1)
    assert (listed(store), store.progress(1)) == ([], SENT)


def test_a_doubt_about_an_unknown_or_ended_message_is_nothing(store: Store) -> None:
    store.doubt(99)
    store.send(message(1))
    store.apply(failed=[(1, 8, "x", NOW_MS)])
    store.doubt(1)
    assert listed(store) == []


def test_only_the_segment_in_doubt_is_sent_again(store: Store) -> None:
    store.send(message(1, segments=3))
    store.apply(submitted=[submitted(1, "A", 1)], doubts=[(1, 2, NOW_MS, "x", "", 0)])
    assert store.claim() == [(1, [2])]


# -- what waits for a person is not sent by accident -----------------------------------------------


@pytest.mark.parametrize("order", ["doubt first", "together", "throttled first"])
def test_hold_holds_although_another_segment_is_throttled(store: Store, order: str) -> None:
    store.send(message(1, segments=2, on_ambiguous=HOLD.value))
    doubts, throttled = [(1, 1, NOW_MS, "x", "", 0)], [postponed(1, 2)]
    if order == "together":
        store.apply(doubts=doubts, postponed=throttled)
    elif order == "doubt first":
        store.apply(doubts=doubts)
        store.apply(postponed=throttled)
    else:
        store.apply(postponed=throttled)
        store.apply(doubts=doubts)
    assert store.progress(1) is HELD
    assert store.claim() == []
    assert listed(store) == [(1, 1, "hold", False)]
    store.apply(decisions=[(1, "resend", NOW_MS)])
    assert store.claim() == [(1, [1, 2])]


@pytest.mark.parametrize("order", ["doubt first", "together", "throttled first"])
def test_resend_once_holds_although_another_segment_is_throttled(store: Store, order: str) -> None:
    in_doubt(store, RESEND_ONCE, segments=2)
    assert store.claim() == [(1, [1, 2])]
    doubts, throttled = [(1, 1, NOW_MS, "x", "", 0)], [postponed(1, 2)]
    if order == "together":
        store.apply(doubts=doubts, postponed=throttled)
    elif order == "doubt first":
        store.apply(doubts=doubts)
        store.apply(postponed=throttled)
    else:
        store.apply(postponed=throttled)
        store.apply(doubts=doubts)
    assert store.progress(1) is HELD
    assert store.claim() == []
    assert listed(store)[-1] == (1, 1, "hold", False)


def test_fail_ends_although_another_segment_is_throttled(store: Store) -> None:
    store.send(message(1, segments=2, on_ambiguous=FAIL.value))
    store.apply(postponed=[postponed(1, 2)], doubts=[(1, 1, NOW_MS, "x", "", 0)])
    assert store.end(1) == (MessageState.UNKNOWN, "ambiguous")
    assert listed(store) == [(1, 1, "fail", True)]
    assert store.claim() == []


# -- what settles a doubt ---------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [RESEND_ONCE, RESEND, HOLD])
def test_a_late_response_settles(store: Store, policy: OnAmbiguous) -> None:
    in_doubt(store, policy)
    store.apply(late=[submitted(1, "77")])
    assert store.progress(1) is SENT
    assert store.claim() == []
    assert listed(store)[0][3]
    assert store.rows("ambiguous")[0]["settled_by"] == "late response"
    assert store.apply(receipts=[receipt("77")]).ended == [("app", 1)]


def test_a_late_response_after_the_second_sending_changes_nothing(store: Store) -> None:
    in_doubt(store, RESEND)
    store.claim()
    store.apply(late=[submitted(1, "77")])
    (row,) = store.rows("submission")
    assert (row["attempt"], row["upstream_id"]) == (Attempt.INTENT, None)
    assert not listed(store)[0][3]
    store.taken(1, "78")
    assert store.apply(receipts=[receipt("78")]).ended == [("app", 1)]


def test_a_late_response_after_fail_changes_nothing(store: Store) -> None:
    in_doubt(store, FAIL)
    assert store.apply(late=[submitted(1, "77")]).ended == []
    assert store.end(1) == (MessageState.UNKNOWN, "ambiguous")


def test_late_responses_to_some_segments_leave_the_others(store: Store) -> None:
    in_doubt(store, RESEND_ONCE, segments=3)
    store.apply(late=[submitted(1, "A", 1), submitted(1, "C", 3)])
    assert store.progress(1) is QUEUED
    assert [settled for *_, settled in listed(store)] == [True, False, True]
    assert store.claim() == [(1, [2])]


def test_a_late_response_ends_a_message_that_wants_no_receipt(store: Store) -> None:
    store.send(message(1, registered_delivery=0))
    store.doubt(1)
    answer = store.apply(late=[submitted(1, "77")], handed_over=[(1, NOW_MS)])
    assert answer.ended == [("app", 1)]
    assert store.end(1) == (MessageState.ACCEPTED, "")


def test_a_receipt_settles(store: Store) -> None:
    in_doubt(store, RESEND_ONCE)
    store.claim()
    store.taken(1, "77")
    store.apply(receipts=[receipt("77")])
    assert listed(store) == [(1, 1, "resend", True)]
    assert store.rows("ambiguous")[0]["settled_by"] == "receipt"


def test_each_doubt_is_settled_at_the_time_of_its_own_receipt(store: Store) -> None:
    store.send(message(1), message(2, segments=2))
    doubts = [(1, 1, NOW_MS, "x", "", 0), *((2, n, NOW_MS, "x", "", 0) for n in (1, 2))]
    store.apply(doubts=doubts)
    store.claim()
    store.apply(submitted=[submitted(1, "A"), submitted(2, "B", 1), submitted(2, "C", 2)])
    times = {"C": 30, "A": 10, "B": 20}
    store.apply(receipts=[receipt(name, at_ms=NOW_MS + ms) for name, ms in times.items()])
    found = {
        (row["message_id"], row["segment"]): row["settled_ms"] - NOW_MS for row in store.rows("ambiguous")
    }
    assert found == {(1, 1): 10, (2, 1): 20, (2, 2): 30}


def test_a_receipt_for_another_segment_settles_nothing(store: Store) -> None:
    store.send(message(1, segments=2))
    store.apply(submitted=[submitted(1, "A", 1)], doubts=[(1, 2, NOW_MS, "x", "", 0)])
    store.apply(receipts=[receipt("A")])
    assert listed(store) == [(1, 2, "resend", False)]
    assert store.progress(1) is QUEUED


# -- after a crash ----------------------------------------------------------------------------------


def test_recovery_lists_every_open_intent(store: Store) -> None:
    store.send(message(1), message(2, segments=2), message(3, on_ambiguous=2), message(4, on_ambiguous=3))
    store.queue(message(5))
    store.sent(6, "66")
    store.taken(2, "A")
    assert store.restart() == 4
    assert sorted(listed(store)) == [
        (1, 1, "resend", False),
        (2, 2, "resend", False),
        (3, 1, "hold", False),
        (4, 1, "fail", True),
    ]
    for row in store.rows("ambiguous"):
        assert "the gateway ended" in row["evidence"]
        assert (row["link"], row["sent_ms"], row["boot"]) == ("", NOW_MS, 1), "the intent's time and start"
    assert store.claim() == [(1, [1]), (2, [2]), (5, [1])]
    assert (store.progress(3), store.progress(6)) == (HELD, SENT)
    assert store.end(4) == (MessageState.UNKNOWN, "ambiguous")
    assert store.fetch() == [1]


def test_recovery_finds_nothing_after_a_good_end(store: Store) -> None:
    store.sent(1, "77")
    store.queue(message(2))
    assert store.restart() == 0
    assert listed(store) == []


def test_an_intent_is_recovered_once(store: Store) -> None:
    store.send(message(1))
    assert [store.restart(), store.restart()] == [1, 0]
    store.claim()
    assert store.restart() == 1
    assert store.progress(1) is HELD


def test_receipts_still_match_after_a_restart(store: Store) -> None:
    store.sent(1, "77")
    store.restart()
    assert store.apply(receipts=[receipt("77")]).ended == [("app", 1)]
