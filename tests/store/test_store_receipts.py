"""Receipts and the responses they belong to, in either order and every form; folding of segments."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import NOW_MS, message
from store_support import Store, postponed, receipt, submitted

from gateway.core.batch import Answer, Row
from gateway.core.model import MessageState, Progress

DELIVERED, UNDELIVERABLE, EXPIRED = 2, 5, 3


def parked(store: Store) -> list[str]:
    return [row["upstream_id"] for row in store.rows("parked_receipt")]


def test_a_receipt_after_the_response(store: Store) -> None:
    store.sent(1, "77")
    answer = store.apply(receipts=[receipt("77", UNDELIVERABLE, error="042")])
    assert answer.results == [(1, 1, 0)]
    assert answer.ended == [("app", 1)]
    assert store.end(1) == (MessageState.UNDELIVERABLE, "042")
    assert store.rows("history")[0]["done_ms"] == NOW_MS + 2000
    assert store.progress(1) is None


def test_quirk_07_a_receipt_before_its_response_waits_for_it(store: Store) -> None:
    store.send(message(1))
    early = receipt("77", UNDELIVERABLE, error="042")
    answer = store.apply(receipts=[early])
    assert (answer.results, answer.ended) == ([(None, None, None)], [])
    assert parked(store) == ["77"]
    answer = store.taken(1, "77")
    assert answer.unparked == [(1, *early)]
    assert answer.ended == [("app", 1)]
    assert store.end(1) == (MessageState.UNDELIVERABLE, "042")
    assert parked(store) == []


def test_a_receipt_and_its_response_in_one_batch(store: Store) -> None:
    store.send(message(1))
    answer = store.apply(submitted=[submitted(1, "77")], receipts=[receipt("77")])
    assert (answer.results, answer.ended) == ([(1, 1, 0)], [("app", 1)])


def test_an_early_receipt_survives_a_restart(store: Store) -> None:
    store.send(message(1), message(2))
    store.apply(receipts=[receipt("77")])
    store.restart()
    store.apply(late=[submitted(1, "77")])
    assert store.end(1) == (MessageState.DELIVERED, "000")


def test_results_are_in_the_order_of_the_receipts(store: Store) -> None:
    for n in range(1, 6):
        store.sent(n, f"A{n}")
    rows = [receipt(name) for name in ("A4", "none", "A1", "A5", "nothing", "A2")]
    answer = store.apply(receipts=rows)
    assert [message_id for _, message_id, _ in answer.results] == [4, None, 1, 5, None, 2]


def test_an_early_receipt_that_is_found_comes_after_the_batchs_own_results(store: Store) -> None:
    store.send(message(1), message(2))
    store.apply(receipts=[receipt("A1")])
    answer = store.apply(
        submitted=[submitted(1, "A1"), submitted(2, "A2")], receipts=[receipt("A2", EXPIRED), receipt("none")]
    )
    assert answer.results[:2] == [(1, 2, 0), (None, None, None)]
    assert [row[0] for row in answer.unparked] == [1]
    assert (store.end(1), store.end(2)) == ((2, "000"), (3, "000"))


# -- repeated receipts, replays ---------------------------------------------------------------------


def test_a_repeated_receipt_is_known_and_changes_nothing(store: Store) -> None:
    store.sent(1, "77")
    store.apply(receipts=[receipt("77")])
    answer = store.apply(receipts=[receipt("77"), receipt("77", UNDELIVERABLE)])
    assert answer.results == [(1, 1, 1), (1, 1, 1)]
    assert (answer.ended, answer.deliveries, parked(store)) == ([], [], [])
    assert store.end(1) == (MessageState.DELIVERED, "000")


def test_of_two_final_receipts_in_one_batch_the_first_counts(store: Store) -> None:
    store.sent(1, "77")
    answer = store.apply(receipts=[receipt("77", UNDELIVERABLE, error="1"), receipt("77", DELIVERED)])
    assert answer.ended == [("app", 1)]
    assert store.end(1) == (MessageState.UNDELIVERABLE, "1")
    assert len(store.rows("delivery")) == 1


def test_replays_are_remembered_across_a_restart(store: Store) -> None:
    store.sent(1, "77")
    store.apply(receipts=[receipt("77")])
    store.restart()
    assert store.apply(receipts=[receipt("77")]).results == [(1, 1, 1)]
    assert parked(store) == []


def test_a_response_after_the_messages_end_makes_its_receipt_a_replay(store: Store) -> None:
    store.send(message(1, segments=2))
    store.apply(failed=[(1, 8, "x", NOW_MS)])
    store.apply(submitted=[submitted(1, "B", 2)])
    assert store.apply(receipts=[receipt("B")]).results == [(1, 1, 1)]
    assert store.end(1) == (8, "x")


def test_the_same_early_receipt_is_parked_once(store: Store) -> None:
    store.apply(receipts=[receipt("77"), receipt("77")])
    store.apply(receipts=[receipt("77"), receipt("77", UNDELIVERABLE)])
    assert parked(store) == ["77", "77"]


def test_an_id_that_the_smsc_gives_again_means_the_newer_message(store: Store) -> None:
    """SMSCs that count from 1 after each restart."""
    for n in (3, 2, 4):
        store.sent(n, "1")
        answer = store.apply(receipts=[receipt("1")])
        assert answer.results == [(1, n, 0)]
        assert store.end(n) is not None


def test_an_id_given_again_while_its_receipt_comes_in_the_same_batch(store: Store) -> None:
    store.sent(1, "1")
    store.apply(receipts=[receipt("1")])
    store.send(message(2))
    answer = store.apply(submitted=[submitted(2, "1")], receipts=[receipt("1", UNDELIVERABLE)])
    assert answer.results == [(1, 2, 0)]
    assert store.end(2) == (UNDELIVERABLE, "000")


# -- whose receipt it is ----------------------------------------------------------------------------


def test_security_22_another_connectors_id_never_matches(store: Store) -> None:
    store.sent(1, "77")
    answer = store.apply(receipts=[receipt("77", connector="two")])
    assert answer.results == [(None, None, None)]
    assert store.progress(1) is Progress.SENT


def test_security_22_an_early_receipt_is_not_found_by_another_connectors_response(store: Store) -> None:
    store.apply(receipts=[receipt("77", connector="two")])
    store.sent(1, "77")
    assert store.progress(1) is Progress.SENT
    assert parked(store) == ["77"]


FORM_CASES = [
    ("same", "00ab", "AB", 1),
    ("hex_to_dec", "255", "FF", 2),
    ("dec_to_hex", "FF", "255", 3),
    ("dec_to_hex", "18c9fb822ccd645e0000", "117062714244798261100544", 3),
]


@pytest.mark.parametrize(("form", "response_id", "receipt_id", "how"), FORM_CASES)
@pytest.mark.parametrize("early", [False, True])
def test_quirks_01_to_04_id_forms(
    store: Store, form: str, response_id: str, receipt_id: str, how: int, early: bool
) -> None:
    store.send(message(1))
    if early:
        store.apply(receipts=[receipt(receipt_id)])
        store.taken(1, response_id)
    else:
        store.taken(1, response_id)
        assert store.apply(receipts=[receipt(receipt_id)]).results == [(how, 1, 0)]
    assert store.end(1) == (MessageState.DELIVERED, "000")
    assert parked(store) == []


@pytest.mark.parametrize("peer", ["79161234567", "+79161234567", "1234567", "0079161234567", "89161234567"])
def test_a_converted_id_matches_when_the_number_is_the_messages(store: Store, peer: str) -> None:
    store.sent(1, "255")
    assert store.apply(receipts=[receipt("FF", peer=peer)]).results == [(2, 1, 0)]


@pytest.mark.parametrize("peer", ["79169999999", "", "567", "Example"])
@pytest.mark.parametrize(("response_id", "receipt_id"), [("255", "FF"), ("FF", "255")])
@pytest.mark.parametrize("early", [False, True])
def test_a_converted_id_of_a_stranger_does_not_match(
    store: Store, response_id: str, receipt_id: str, peer: str, early: bool
) -> None:
    row = receipt(receipt_id, peer=peer)
    if early:
        store.apply(receipts=[row])
        store.send(message(1))
        assert store.taken(1, response_id).unparked == []
    else:
        store.sent(1, response_id)
        assert store.apply(receipts=[row]).results == [(None, None, None)]
    assert store.progress(1) is Progress.SENT
    assert parked(store) == [receipt_id]


def test_the_same_id_matches_whatever_the_number(store: Store) -> None:
    store.sent(1, "255")
    assert store.apply(receipts=[receipt("255", peer="short")]).results == [(1, 1, 0)]


def test_the_plain_form_wins_over_a_converted_one(store: Store) -> None:
    store.sent(1, "16")
    store.sent(2, "10")
    assert store.apply(receipts=[receipt("10")]).results == [(1, 2, 0)]
    assert store.apply(receipts=[receipt("16")]).results == [(1, 1, 0)]


def test_the_connectors_usual_form_comes_first(store: Store) -> None:
    store.sent(1, "16")
    store.sent(2, "10")
    usual = ("hex_to_dec", "same", "dec_to_hex")
    assert store.apply(receipts=[receipt("10", forms=usual)]).results == [(1, 1, 0)]


def test_quirk_06_a_response_without_an_id_matches_no_receipt(store: Store) -> None:
    store.sent(1, "")
    store.apply(receipts=[receipt(""), receipt("0"), receipt("?")])
    assert store.progress(1) is Progress.SENT
    assert len(parked(store)) == 3


# -- states -----------------------------------------------------------------------------------------


def test_quirk_19_an_intermediate_receipt_matches_and_ends_nothing(store: Store) -> None:
    store.sent(1, "77")
    answer = store.apply(receipts=[receipt("77", 6, final=False)])
    assert (answer.results, answer.ended) == ([(1, 1, 0)], [])
    assert store.progress(1) is Progress.SENT
    assert store.apply(receipts=[receipt("77")]).results == [(1, 1, 0)]
    assert store.end(1) == (MessageState.DELIVERED, "000")


def test_an_intermediate_receipt_before_the_response_ends_nothing(store: Store) -> None:
    store.apply(receipts=[receipt("77", 1, final=False)])
    store.sent(1, "77")
    assert (store.progress(1), parked(store)) == (Progress.SENT, [])


def test_intermediate_and_final_in_one_batch(store: Store) -> None:
    store.sent(1, "77")
    store.apply(receipts=[receipt("77", 6, final=False), receipt("77"), receipt("77", 1, final=False)])
    assert store.end(1) == (MessageState.DELIVERED, "000")


# -- folding (quirk 20: one receipt for each part) --------------------------------------------------


def parts(store: Store, **fields: Any) -> None:
    store.sent(1, "A", "B", "C", **fields)


def fold(store: Store, *states: int) -> list[Answer]:
    """One batch for each part's receipt."""
    return [
        store.apply(receipts=[receipt(name, state, error=f"{name}{state}")])
        for name, state in zip("ABC", states, strict=False)
    ]


def test_a_message_is_delivered_when_all_its_segments_are(store: Store) -> None:
    parts(store)
    answers = fold(store, DELIVERED, DELIVERED, DELIVERED)
    assert [answer.ended for answer in answers] == [[], [], [("app", 1)]]
    assert store.end(1) == (MessageState.DELIVERED, "A2")
    assert len(store.rows("delivery")) == 1
    assert store.rows("delivery")[0]["segments"] == 3


def test_all_receipts_in_one_batch(store: Store) -> None:
    parts(store)
    answer = store.apply(receipts=[receipt("C"), receipt("A"), receipt("B")])
    assert answer.ended == [("app", 1)]
    assert store.end(1) == (MessageState.DELIVERED, "000")


@pytest.mark.parametrize(
    ("states", "ends_with"),
    [((UNDELIVERABLE,), 0), ((DELIVERED, EXPIRED), 1), ((DELIVERED, DELIVERED, UNDELIVERABLE), 2)],
)
def test_the_first_failure_ends_the_message_and_the_end_never_changes(
    store: Store, states: tuple[int, ...], ends_with: int
) -> None:
    parts(store)
    answers = fold(store, *states)
    assert [bool(answer.ended) for answer in answers] == [n == ends_with for n in range(len(states))]
    end = store.end(1)
    assert end == (states[-1], f"{'ABC'[ends_with]}{states[-1]}")
    answer = store.apply(receipts=[receipt(name, DELIVERED) for name in "ABC"])
    assert answer.ended == []
    assert store.end(1) == end
    assert len(store.rows("delivery")) == 1


def test_a_failure_while_a_segment_waits_in_the_queue(store: Store) -> None:
    store.send(message(1, segments=2))
    store.apply(submitted=[submitted(1, "A", 1)], postponed=[postponed(1, 2)])
    store.apply(receipts=[receipt("A", UNDELIVERABLE)])
    assert store.end(1) is not None
    assert store.claim() == []


def test_a_segment_that_was_never_taken_keeps_the_message_open(store: Store) -> None:
    store.send(message(1, segments=2))
    store.apply(submitted=[submitted(1, "A", 1)], postponed=[postponed(1, 2)])
    store.apply(receipts=[receipt("A")])
    assert store.claim() == [(1, [2])]
    store.apply(submitted=[submitted(1, "B", 2)])
    store.apply(receipts=[receipt("B")])
    assert store.end(1) == (MessageState.DELIVERED, "000")


def test_two_messages_end_in_one_batch(store: Store) -> None:
    parts(store)
    store.sent(2, "X", account="other")
    store.apply(receipts=[receipt("A"), receipt("B")])
    rows: list[Row] = [receipt("X", EXPIRED), receipt("C")]
    answer = store.apply(receipts=rows)
    assert sorted(answer.ended) == [("app", 1), ("other", 1)]
    assert sorted(store.delivery_states()) == [(1, 2), (2, 3)]


def test_early_receipts_of_all_segments(store: Store) -> None:
    store.send(message(1, segments=3))
    store.apply(receipts=[receipt(name) for name in "ABC"])
    answer = store.taken(1, "A", "B", "C")
    assert answer.ended == [("app", 1)]
    assert len(answer.unparked) == 3
