"""What goes down beside the receipt of a message: notices, TLVs, receipts for single segments."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import NOW_MS, delivery, message
from store_support import SENDER, Store, receipt, submitted

from gateway.core.batch import Row
from gateway.core.model import Delivery, LetterKind, MessageState, Wish

ENROUTE = MessageState.ENROUTE.value
ACCEPTED = MessageState.ACCEPTED.value
DELIVERED = MessageState.DELIVERED.value
INTERMEDIATE, BY_HANDSET, BY_USER = 0x20, 0x08, 0x10
WISHES = {INTERMEDIATE: 0x10, BY_HANDSET: 0x04, BY_USER: 0x08}
"""Bits of registered_delivery."""
ALL = 0x1D


def says(upstream_id: str, state: int, final: int, info: str = "", at_ms: int = NOW_MS + 1500) -> Row:
    row = receipt(upstream_id, state, at_ms=at_ms)
    return (*row[:7], final, *row[8:10], info)


def went_down(store: Store) -> list[tuple[int, int, int]]:
    """(message_id, esm_class, state) of what waits for the accounts."""
    return [(row["message_id"], row["esm_class"], row["state"]) for row in store.rows("delivery")]


# -- notices ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", WISHES)
def test_a_notice_goes_down_to_who_asked_and_ends_nothing(store: Store, kind: int) -> None:
    for n, asked in enumerate((WISHES[kind], ALL & ~WISHES[kind]), 1):
        store.sent(n, f"A{n}", registered_delivery=asked)
    answer = store.apply(receipts=[says("A1", ENROUTE, kind), says("A2", ENROUTE, kind)])
    assert went_down(store) == [(1, kind, ENROUTE)]
    assert [row[2] for row in answer.deliveries] == [1]
    assert (answer.ended, store.rows("history")) == ([], [])
    assert answer.results == [(1, 1, 0), (1, 2, 0)]


@pytest.mark.parametrize("state", [ENROUTE, ACCEPTED])
def test_a_receipt_that_is_not_final_is_an_intermediate_notice(store: Store, state: int) -> None:
    store.sent(1, "A", registered_delivery=0x11)
    store.sent(2, "B", registered_delivery=0x01)
    store.apply(receipts=[says("A", state, 0), says("B", state, 0), says("A", 0, 0)])
    assert went_down(store) == [(1, INTERMEDIATE, state)]
    store.apply(receipts=[receipt("A")])
    assert went_down(store) == [(1, INTERMEDIATE, state), (1, 4, DELIVERED)]


def test_a_notice_is_like_a_receipt(store: Store) -> None:
    text = b"a text of more than twenty octets"
    store.sent(1, "A", registered_delivery=0x10, source_ton=5, source_npi=0, user_data=text)
    answer = store.apply(receipts=[says("A", ENROUTE, INTERMEDIATE, "tlv:042300010A")])
    at_ms = NOW_MS + 1500
    assert Delivery._make(answer.deliveries[0]) == delivery(
        1, message_id=1, state=ENROUTE, esm_class=INTERMEDIATE, user_data=text[:20], tlvs=b"tlv:042300010A",
        created_ms=at_ms, done_ms=at_ms,
    )  # fmt: skip


def test_an_acknowledgement_has_its_own_text(store: Store) -> None:
    store.sent(1, "A", registered_delivery=0x0C, data_coding=8)
    store.apply(receipts=[says("A", DELIVERED, BY_USER, "да"), says("A", DELIVERED, BY_HANDSET, "tlv:00")])
    rows = [(row["esm_class"], row["user_data"], row["tlvs"], row["state"]) for row in store.rows("delivery")]
    assert rows == [(BY_USER, "да".encode(), b"", DELIVERED), (BY_HANDSET, b"", b"tlv:00", DELIVERED)]


def test_a_repeated_notice_is_not_brought_again(store: Store) -> None:
    store.sent(1, "A", registered_delivery=ALL)
    notice = says("A", ENROUTE, INTERMEDIATE)
    store.apply(receipts=[notice, notice, says("A", ENROUTE, 0)])
    store.restart()
    store.apply(receipts=[notice])
    assert went_down(store) == [(1, INTERMEDIATE, ENROUTE)]
    store.apply(receipts=[says("A", ACCEPTED, INTERMEDIATE), says("A", ENROUTE, BY_HANDSET)])
    assert went_down(store)[1:] == [(1, INTERMEDIATE, ACCEPTED), (1, BY_HANDSET, ENROUTE)]


def test_nothing_is_said_of_the_way_after_the_end(store: Store) -> None:
    store.sent(1, "A", registered_delivery=ALL)
    store.apply(receipts=[receipt("A")])
    answer = store.apply(receipts=[says("A", ENROUTE, INTERMEDIATE), says("A", ACCEPTED, 0)])
    assert went_down(store) == [(1, 4, DELIVERED)]
    assert answer.results == [(1, 1, 1)] * 2
    assert store.end(1) == (DELIVERED, "000")


def test_acknowledgements_come_after_the_end(store: Store) -> None:
    numbers = {"source_ton": 5, "source_npi": 0, "destination_ton": 2, "destination_npi": 8}
    store.sent(1, "A", registered_delivery=0x0D, **numbers)
    store.sent(2, "B", registered_delivery=0x01)
    store.apply(receipts=[receipt("A"), receipt("B")])
    store.restart()
    notice = says("A", DELIVERED, BY_USER, "yes", at_ms=NOW_MS + 9000)
    answer = store.apply(receipts=[notice, says("B", DELIVERED, BY_USER)])
    assert Delivery._make(answer.deliveries[0]) == delivery(
        3, message_id=1, esm_class=BY_USER, user_data=b"yes", created_ms=NOW_MS + 9000, done_ms=NOW_MS + 9000,
        source_ton=2, source_npi=8,
    )  # fmt: skip
    assert len(answer.deliveries) == 1
    assert store.apply(receipts=[notice]).deliveries == []


def test_a_notice_and_the_end_of_one_batch_come_in_this_order(store: Store) -> None:
    store.sent(1, "A", registered_delivery=ALL)
    store.apply(receipts=[receipt("A"), says("A", ENROUTE, INTERMEDIATE)])
    assert went_down(store) == [(1, INTERMEDIATE, ENROUTE), (1, 4, DELIVERED)]


def test_notices_wait_for_their_response_like_receipts(store: Store) -> None:
    store.send(message(1, registered_delivery=ALL))
    early = [says("A", DELIVERED, BY_USER, "yes"), says("A", DELIVERED, 1, "tlv:00"), says("A", ENROUTE, 0)]
    store.apply(receipts=early)
    assert (len(store.rows("parked_receipt")), went_down(store)) == (3, [])
    store.restart()
    answer = store.apply(late=[submitted(1, "A")])
    assert len(answer.unparked) == 3
    assert len(went_down(store)) == 3
    said = {row["esm_class"]: (row["user_data"], row["tlvs"]) for row in store.rows("delivery")}
    assert said == {4: (b"hello", b"tlv:00"), BY_USER: (b"yes", b""), INTERMEDIATE: (b"hello", b"")}


def test_the_segments_of_a_message_say_the_same_once(store: Store) -> None:
    store.sent(1, "A", "B", registered_delivery=ALL)
    store.sent(2, "C", "D", registered_delivery=ALL, flags=Wish.PER_PART.value)
    store.apply(receipts=[says(name, ENROUTE, INTERMEDIATE) for name in "ABCD"])
    rows = [(row["message_id"], row["segments"], row["part"]) for row in store.rows("delivery")]
    assert rows == [(1, 2, 0), (2, 1, 1), (2, 1, 2)]


def test_a_segment_that_is_sent_again_may_say_it_again(store: Store) -> None:
    store.sent(1, "A", registered_delivery=ALL)
    store.apply(receipts=[says("A", ENROUTE, 0)])
    store.apply(postponed=[(1, 1, "one", 0, 1, NOW_MS, "x")])
    store.claim()
    store.taken(1, "B")
    store.apply(receipts=[says("B", ENROUTE, 0)])
    assert went_down(store) == [(1, INTERMEDIATE, ENROUTE)] * 2


def test_a_mails_sender_gets_no_notices(store: Store) -> None:
    store.mail(1, registered_delivery=ALL)
    store.taken(1, "A")
    store.apply(receipts=[says("A", ENROUTE, INTERMEDIATE)])
    assert (went_down(store), store.letters()) == ([], [])


def test_a_notice_from_nowhere_is_parked(store: Store) -> None:
    store.apply(receipts=[says("none", ENROUTE, INTERMEDIATE)])
    assert [row["final"] for row in store.rows("parked_receipt")] == [INTERMEDIATE]


# -- TLVs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("early", [False, True])
def test_tlvs_go_down_with_the_receipt(store: Store, early: bool) -> None:
    store.send(message(1))
    row = says("A", DELIVERED, 1, "tlv:0423000301000A")
    if early:
        store.apply(receipts=[row])
        store.restart()
        store.apply(late=[submitted(1, "A")])
    else:
        store.apply(submitted=[submitted(1, "A")], receipts=[row])
    assert [delivery["tlvs"] for delivery in store.rows("delivery")] == [b"tlv:0423000301000A"]


def test_tlvs_of_the_receipt_that_ends_a_long_message_go_down(store: Store) -> None:
    store.sent(1, "A", "B")
    store.apply(receipts=[says("A", DELIVERED, 1, "tlv:AA")])
    store.apply(receipts=[says("B", DELIVERED, 1, "tlv:BB")])
    assert [row["tlvs"] for row in store.rows("delivery")] == [b"tlv:BB"]


def test_a_report_by_mail_has_no_use_for_tlvs(store: Store) -> None:
    for n, info in ((1, "tlv:00"), (2, " imsi:250")):
        store.mail(n, mail_id=1000 + n, notify=1)
        store.taken(n, f"A{n}")
        store.apply(receipts=[says(f"A{n}", DELIVERED, 1, info)])
    assert store.letters() == [(LetterKind.REPORT, SENDER, n) for n in (1, 2)]
    assert [row["text"] for row in store.rows("letter")] == ["", " imsi:250"]


# -- a receipt for each segment -----------------------------------------------------------------------


def per_part(store: Store, *upstream_ids: str, **fields: Any) -> None:
    store.sent(1, *upstream_ids, flags=Wish.PER_PART.value, **fields)


def parts_told(store: Store) -> list[tuple[int, int, int, int]]:
    rows = store.rows("delivery")
    return [(row["message_id"], row["part"], row["state"], row["segments"]) for row in rows]


def test_each_segment_has_its_receipt_and_the_whole_none(store: Store) -> None:
    per_part(store, "A", "B", "C")
    answer = store.apply(receipts=[says("B", 5, 1, "tlv:00")])
    assert parts_told(store) == [(1, 2, 5, 1)]
    assert [(row[2], row[14], row[-1]) for row in answer.deliveries] == [(1, b"tlv:00", 2)]
    assert answer.ended == [], "the others' receipts are still to come"
    store.restart()
    store.apply(receipts=[receipt("A"), receipt("A"), receipt("C")])
    assert parts_told(store) == [(1, 2, 5, 1), (1, 1, 2, 1), (1, 3, 2, 1)]
    assert store.end(1) == (5, "000")
    assert store.apply(receipts=[receipt("C")]).deliveries == []


@pytest.mark.parametrize(("asked", "parts"), [(0, []), (1, [1, 2]), (2, [2]), (3, [1])])
def test_each_end_is_told_to_who_asked_for_it(store: Store, asked: int, parts: list[int]) -> None:
    per_part(store, "A", "B", registered_delivery=asked)
    store.apply(receipts=[receipt("A"), receipt("B", 5)])
    assert [part for _, part, _, _ in parts_told(store)] == parts
    assert store.end(1) == (5, "000")


def test_a_message_of_one_segment_has_one_receipt(store: Store) -> None:
    per_part(store, "A")
    store.apply(receipts=[receipt("A")])
    assert parts_told(store) == [(1, 0, 2, 1)]


def test_an_end_without_receipts_is_told_once(store: Store) -> None:
    per_part(store, "A", "B")
    store.apply(receipts=[receipt("A")], failed=[(1, 8, "x", NOW_MS)])
    assert parts_told(store) == [(1, 1, 2, 1), (1, 0, 8, 2)]
    store.queue(message(2, segments=2, flags=Wish.PER_PART.value, expires_ms=NOW_MS))
    store.sweep(NOW_MS)
    assert parts_told(store)[2:] == [(2, 0, 3, 2)]


def test_receipts_per_part_that_came_early_are_told_each(store: Store) -> None:
    store.send(message(1, segments=2, flags=Wish.PER_PART.value))
    store.apply(receipts=[receipt("B"), receipt("A")])
    store.taken(1, "A", "B")
    assert sorted(parts_told(store)) == [(1, 1, 2, 1), (1, 2, 2, 1)]
    assert store.end(1) == (2, "000")


def test_a_message_without_the_wish_has_one_receipt_as_before(store: Store) -> None:
    store.sent(1, "A", "B")
    store.apply(receipts=[receipt("A")])
    assert parts_told(store) == []
    store.apply(receipts=[receipt("B")])
    assert parts_told(store) == [(1, 0, 2, 2)]


def test_a_receipt_for_a_part_that_is_refused_keeps_its_number(store: Store) -> None:
    per_part(store, "A", "B")
    store.apply(receipts=[receipt("B")])
    store.apply(refused=[(1, "x", NOW_MS)])
    assert [(row["part"], row["reason"]) for row in store.rows("dead_delivery")] == [(2, "x")]


# -- several destinations -----------------------------------------------------------------------------


def test_what_is_said_of_a_submit_multi_bears_the_id_of_its_first_message(store: Store) -> None:
    flags = Wish.behind(3)
    store.sent(11, "A", registered_delivery=ALL, flags=flags)
    store.sent(21, "B", "C", registered_delivery=ALL, flags=flags | Wish.PER_PART.value)
    store.apply(receipts=[says("A", ENROUTE, INTERMEDIATE), receipt("B")])
    store.apply(receipts=[receipt("A")])
    store.apply(receipts=[says("A", DELIVERED, BY_USER)])
    assert went_down(store) == [
        (8, INTERMEDIATE, ENROUTE),
        (18, 4, DELIVERED),
        (8, 4, DELIVERED),
        (8, BY_USER, DELIVERED),
    ]
    assert [row["message_id"] for row in store.rows("history")] == [11]
