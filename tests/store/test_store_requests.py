"""What senders ask for after they sent: what became of a message, cancel it, give it another text."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import DAY_MS, NOW_MS, message
from store_support import PEER, Store, postponed, receipt, submitted

from gateway.core.batch import Answer, Row
from gateway.core.model import MessageState, Origin, Progress
from gateway.store import end_steps, operation_steps

LATER_MS = NOW_MS + 5000
DELETED = MessageState.DELETED.value


def query(store: Store, message_id: int, account: str = "app") -> Row:
    (found,) = store.apply(queries=[(account, message_id)]).queried
    return tuple(found)


def cancel(store: Store, message_id: int = 0, *, account: str = "app", **fields: str) -> Answer:
    values = {"source": "Example", "destination": PEER, "service_type": "", **fields}
    return store.apply(cancels=[(account, message_id, *values.values(), LATER_MS)])


def replacement(message_id: int, **fields: Any) -> Row:
    values: dict[str, Any] = {
        "account": "app",
        "message_id": message_id,
        "user_data": b"another text",
        "segments": 2,
        "esm_class": 0x40,
        "data_coding": 8,
        "due_ms": -1,
        "expires_ms": 0,
        "validity_period": "",
        "registered_delivery": 2,
        "now_ms": LATER_MS,
    }
    assert not fields.keys() - values.keys()
    return tuple({**values, **fields}.values())


def replace(store: Store, message_id: int, **fields: Any) -> Answer:
    return store.apply(replacements=[replacement(message_id, **fields)])


def live(store: Store, message_id: int) -> dict[str, Any]:
    (row,) = store.rows("message", message_id=message_id)
    return row


# -- queries ----------------------------------------------------------------------------------------


def test_a_query_tells_of_what_waits(store: Store) -> None:
    store.queue(message(1, esm_class=0x40, data_coding=8, segments=2, service_type="CMT"))
    enroute = MessageState.ENROUTE.value
    numbers = ("Example", PEER, 0x40, 8, "one")
    assert query(store, 1) == (enroute, Progress.QUEUED.value, 0, "", *numbers, [], 2, "CMT", "")


def test_a_query_tells_when_what_waits_for_its_time_is_due(store: Store) -> None:
    store.queue(message(1, due_ms=LATER_MS), message(2, due_ms=-3), message(3, due_ms=LATER_MS, retries=1))
    assert [query(store, number)[2] for number in (1, 2, 3)] == [LATER_MS, 0, 0], "not of what was throttled"
    store.send(message(4, due_ms=5))
    assert query(store, 4)[2] == 0


def test_a_query_names_the_segments_that_were_taken(store: Store) -> None:
    store.send(message(1, segments=3))
    store.apply(submitted=[submitted(1, "C", 3), submitted(1, "A", 1)])
    assert query(store, 1)[:2] == (MessageState.ENROUTE, Progress.SENT)
    assert query(store, 1)[9] == ["A", "C"]


def test_a_query_tells_of_the_end(store: Store) -> None:
    store.sent(1, "A")
    answer = store.apply(receipts=[receipt("A", 5, error="042")], queries=[("app", 1)])
    ended = (5, -1, NOW_MS + 2000, "042", "Example", PEER, 0, 0, "one", ["A"], 1, "", "")
    assert answer.queried == [ended], "of the batch's own end too"
    store.restart()
    assert query(store, 1) == ended


def test_a_query_knows_the_id_when_the_segments_are_forgotten(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(end_steps, "REMEMBERED", 0)
    store.sent(1, "A")
    store.apply(receipts=[receipt("A")])
    assert store.rows("submission") == []
    assert query(store, 1)[9] == ["A"]
    store.queue(message(2))
    store.apply(failed=[(2, 8, "x", NOW_MS)])
    assert query(store, 2)[9] == []


def test_queries_are_answered_in_order_and_of_ones_own_messages_alone(store: Store) -> None:
    store.queue(message(1), message(2, account="other"))
    store.apply(failed=[(2, 8, "x", NOW_MS)])
    store.queue(message(3, account="other"))
    answer = store.apply(queries=[("app", 9), ("app", 2), ("app", 3), ("app", 1), ("other", 1)])
    assert [bool(found) for found in answer.queried] == [False, False, False, True, False]


# -- cancels ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("asked", "receipts"), [(0, 0), (1, 1), (2, 1), (3, 0)])
def test_a_cancelled_message_ends_as_deleted_with_the_receipt_that_was_asked_for(
    store: Store, asked: int, receipts: int
) -> None:
    store.queue(message(1, registered_delivery=asked))
    answer = cancel(store, 1)
    assert answer.cancelled == [(1, [], 0)]
    assert answer.ended == [("app", 1)]
    assert store.end(1) == (DELETED, "")
    assert store.rows("history")[0]["done_ms"] == LATER_MS
    assert [(row[2], row[15]) for row in answer.deliveries] == [(1, DELETED)] * receipts
    store.restart()
    assert store.claim() == []
    assert cancel(store, 1).cancelled == [(0, [], 1)]


def test_a_cancelled_message_of_a_mail_is_reported(store: Store) -> None:
    store.mail(1, notify=2)
    store.apply(postponed=[postponed(1)])
    assert cancel(store, 1).letters_waiting
    assert store.rows("history")[0]["origin"] == Origin.MAIL


def test_what_the_smsc_has_is_named_and_not_touched(store: Store) -> None:
    store.send(message(1, segments=3))
    store.apply(submitted=[submitted(1, "A", 1), submitted(1, "B", 2)], receipts=[receipt("A")])
    answer = cancel(store, 1)
    assert answer.cancelled == [(0, [(1, "one", ["B"], "")], 0)], "the end of A is known"
    assert (store.progress(1), answer.ended) == (Progress.SENT, [])


def test_what_is_about_to_be_sent_or_in_doubt_is_not_touched(store: Store) -> None:
    store.send(message(1), message(2, on_ambiguous=2), message(3))
    store.doubt(2)
    store.doubt(3)
    assert [store.progress(n) for n in (1, 2, 3)] == [Progress.SENT, Progress.HELD, Progress.QUEUED]
    for n in (1, 2, 3):
        assert cancel(store, n).cancelled == [(0, [(n, "one", [], "")], 0)]
    assert cancel(store).cancelled == [(0, [(2, "one", [], ""), (3, "one", [], "")], 0)]
    assert store.rows("history") == []


def test_what_a_claim_without_intents_took_is_not_touched(store: Store) -> None:
    store.queue(message(1))
    store.apply(claims=[("one", 1, NOW_MS, 0)])
    assert cancel(store, 1).cancelled == [(0, [(1, "one", [], "")], 0)]
    assert store.progress(1) is Progress.SENT


def test_a_message_half_of_which_was_sent_is_not_touched(store: Store) -> None:
    store.send(message(1, segments=2))
    store.apply(submitted=[submitted(1, "A", 1)], postponed=[postponed(1, 2)])
    assert store.progress(1) is Progress.QUEUED
    assert cancel(store, 1).cancelled == [(0, [(1, "one", ["A"], "")], 0)]
    assert store.claim() == [(1, [2])]


def test_what_was_refused_for_now_can_be_cancelled(store: Store) -> None:
    store.send(message(1))
    store.apply(postponed=[postponed(1)])
    assert cancel(store, 1).cancelled == [(1, [], 0)]


def test_of_a_message_of_another_account_nothing_is_known(store: Store) -> None:
    store.queue(message(1, account="other"))
    store.sent(2, "B", account="other")
    assert cancel(store, 1).cancelled == [(0, [], 0)]
    assert cancel(store, 2).cancelled == [(0, [], 0)]
    assert cancel(store).cancelled == [(0, [], 0)]
    store.apply(receipts=[receipt("B")])
    assert cancel(store, 2).cancelled == [(0, [], 0)]
    assert cancel(store, 9).cancelled == [(0, [], 0)]
    assert store.progress(1) is Progress.QUEUED


def test_without_an_id_all_that_fit_are_cancelled(store: Store) -> None:
    store.queue(
        *(message(n, service_type=kind) for n, kind in ((1, "CMT"), (2, ""), (3, "CMT"))),
        message(4, source="Other", service_type="CMT"),
        message(5, destination="79990000000", service_type="CMT"),
        message(6, account="other", service_type="CMT"),
    )
    store.send(message(7, service_type="CMT"))
    assert cancel(store, service_type="CMT").cancelled == [(2, [], 0)]
    assert sorted(row["message_id"] for row in store.rows("history")) == [1, 3]
    assert cancel(store).cancelled == [(1, [], 0)], "any service type"
    assert sorted(row["message_id"] for row in store.rows("message")) == [4, 5, 6, 7]


def test_so_many_are_cancelled_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation_steps, "CANCEL_MAX", 2)
    store.queue(*(message(n) for n in (1, 2, 3)))
    assert cancel(store).cancelled == [(2, [], 0)]
    assert cancel(store).cancelled == [(1, [], 0)]


def test_several_cancels_of_a_batch_are_answered_one_by_one(store: Store) -> None:
    store.queue(message(1), message(2))
    rows = [("app", n, "", "", "", LATER_MS) for n in (2, 2, 9, 1)]
    answer = store.apply(cancels=rows, claims=[("one", 5, NOW_MS, 1)])
    assert answer.cancelled == [(1, [], 0), (0, [], 1), (0, [], 0), (1, [], 0)]
    assert answer.ended == [("app", 2)]
    assert answer.claimed == [("one", [], None)], "what has ended does not go up"


# -- replacements -----------------------------------------------------------------------------------


def test_what_waits_gets_another_text(store: Store) -> None:
    store.queue(message(1, validity_period="000001000000000R", due_ms=7))
    answer = replace(store, 1)
    assert (answer.replaced, answer.queued) == ([1], [("one", 7)])
    row = live(store, 1)
    wanted = {"user_data": b"another text", "segments": 2, "esm_class": 0x40, "data_coding": 8}
    wanted |= {"registered_delivery": 2, "due_ms": 7, "validity_period": "000001000000000R"}
    wanted |= {"expires_ms": message(1).expires_ms, "progress": Progress.QUEUED}
    assert {name: row[name] for name in wanted} == wanted
    assert store.rows("incident")[0]["text"] == "its sender replaced it"
    store.restart()
    assert store.claim(now_ms=NOW_MS) == [(1, [1, 2])]


def test_a_replacement_may_come_later_and_last_longer(store: Store) -> None:
    store.queue(message(1))
    changes = {"due_ms": LATER_MS, "expires_ms": LATER_MS + DAY_MS, "validity_period": "x"}
    assert replace(store, 1, **changes).queued == [("one", LATER_MS)]
    assert {name: live(store, 1)[name] for name in changes} == changes
    assert store.claim(now_ms=LATER_MS - 1) == []


def test_what_went_up_or_has_ended_or_is_anothers_is_not_replaced(store: Store) -> None:
    store.send(message(1), message(2))
    store.doubt(2)
    store.queue(message(3), message(4, account="other"), message(5, expires_ms=LATER_MS))
    store.apply(failed=[(3, 8, "x", NOW_MS)])
    rows = [replacement(n) for n in (1, 2, 3, 4, 5, 9)]
    assert store.apply(replacements=rows).replaced == [0] * 6
    assert {row["user_data"] for row in store.rows("message")} == {b"hello"}


def test_what_is_cancelled_in_the_same_batch_is_not_replaced(store: Store) -> None:
    store.queue(message(1))
    answer = store.apply(cancels=[("app", 1, "", "", "", LATER_MS)], replacements=[replacement(1)])
    assert (answer.cancelled, answer.replaced) == ([(1, [], 0)], [0])


# -- replace_if_present -----------------------------------------------------------------------------


def follow(store: Store, message_id: int, progress: Progress = Progress.QUEUED, **fields: Any) -> Answer:
    """A message that takes the place of earlier ones."""
    new = message(message_id, **fields)
    four = (new.account, new.source, new.destination, new.service_type)
    intents = [(message_id, 1, "one", NOW_MS)] if progress is Progress.SENT else []
    return store.apply(
        accepted=[(*new, progress.value)], intents=intents, replaced_by=[(message_id, *four, LATER_MS)]
    )


@pytest.mark.parametrize("progress", [Progress.QUEUED, Progress.SENT])
def test_a_message_takes_the_place_of_those_that_wait(store: Store, progress: Progress) -> None:
    store.queue(message(1), message(2))
    answer = follow(store, 3, progress)
    assert answer.ended == [("app", 2)]
    assert store.end(1) == store.end(2) == (DELETED, "replaced")
    assert store.delivery_states() == [(1, DELETED), (2, DELETED)]
    assert store.progress(3) is progress


def test_the_next_one_of_the_same_batch_takes_its_place_too(store: Store) -> None:
    rows = [(n, "app", "Example", PEER, "", LATER_MS) for n in (1, 2)]
    store.apply(accepted=[(*message(n), Progress.QUEUED.value) for n in (1, 2)], replaced_by=rows)
    assert (store.end(1), store.progress(2)) == ((DELETED, "replaced"), Progress.QUEUED)


@pytest.mark.parametrize(
    "other",
    [{"account": "other"}, {"source": "Other"}, {"destination": "79990000000"}, {"service_type": "CMT"}],
)
def test_what_differs_in_one_of_four_stays(store: Store, other: dict[str, str]) -> None:
    store.queue(message(1, **other))
    assert follow(store, 2).ended == []


def test_what_was_sent_or_is_in_doubt_stays(store: Store) -> None:
    store.send(message(1), message(2))
    store.doubt(2)
    assert follow(store, 3).ended == []


def test_a_message_that_was_left_out_takes_no_place(store: Store) -> None:
    store.mail(1, key=b"k")
    store.queue(message(2))
    row = (3, "app", "Example", PEER, "", LATER_MS)
    answer = store.apply(replaced_by=[row])
    assert answer.ended == []
