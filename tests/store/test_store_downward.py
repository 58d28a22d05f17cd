"""What goes down to the accounts, and what age does to everything."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from gateway_fakes import DAY_MS, ID_STEP, NOW_MS, delivery, id_at, message
from hypothesis import given, settings
from hypothesis import strategies as st
from store_support import LONG_AGO_MS, SqliteEngine, Store, postponed, receipt, submitted

from gateway.core.batch import Row
from gateway.core.model import INCOMING, Delivery, MessageState, Progress, wants_receipt


def ended(store: Store, message_id: int, state: int = 2, **fields: Any) -> None:
    """A message whose receipt has come."""
    store.sent(message_id, f"id-{message_id}", **fields)
    store.apply(receipts=[receipt(f"id-{message_id}", state)])


# -- who gets a receipt -----------------------------------------------------------------------------


@pytest.mark.parametrize("state", [2, 3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("registered_delivery", [0, 1, 2, 3, 0x10, 0x11])
def test_a_receipt_is_written_for_whoever_asked(store: Store, registered_delivery: int, state: int) -> None:
    store.send(message(1, registered_delivery=registered_delivery))
    store.apply(failed=[(1, state, "x", NOW_MS)])
    asked, failed = registered_delivery & 3, state not in (2, 6)
    expected = asked == 1 or (asked == 2 and failed) or (asked == 3 and state == 2)
    assert store.delivery_states() == ([(1, state)] if expected else [])
    assert wants_receipt(registered_delivery, state) is expected


def test_the_fields_of_a_receipt(store: Store) -> None:
    text = b"a text of more than twenty octets"
    store.sent(1, "A", "B", source_ton=5, source_npi=0, source="Example", destination_npi=1, user_data=text)
    answer = store.apply(receipts=[receipt("A"), receipt("B", 5, error="042", at_ms=NOW_MS + 7000)])
    (row,) = answer.deliveries
    assert Delivery._make(row) == delivery(
        *(1,), message_id=1, state=5, error="042", user_data=text[:20], segments=2, created_ms=NOW_MS + 7000,
        done_ms=NOW_MS + 7000
    )  # fmt: skip


@pytest.mark.parametrize(("data_coding", "esm_class"), [(8, 0), (4, 0), (0, 0x40)])
def test_a_receipt_repeats_no_text_that_its_own_alphabet_cannot_carry(
    store: Store, data_coding: int, esm_class: int
) -> None:
    ended(store, 1, data_coding=data_coding, esm_class=esm_class)
    assert store.rows("delivery")[0]["user_data"] == b""


def test_new_deliveries_are_told_once(store: Store) -> None:
    ended(store, 1)
    store.sent(2, "B")
    answer = store.apply(receipts=[receipt("B")])
    assert [row[2] for row in answer.deliveries] == [2]
    assert store.apply().deliveries == []


# -- brought, refused, fetched ----------------------------------------------------------------------


def test_delivered_is_gone(store: Store) -> None:
    ended(store, 1)
    ended(store, 2)
    store.apply(delivered=[(1,), (1,), (99,)])
    assert store.fetch() == [2]
    assert store.rows("dead_delivery") == []


def test_refused_goes_to_the_dead_letters(store: Store) -> None:
    ended(store, 1)
    store.apply(refused=[(1, "ESME_RX_R_APPN", NOW_MS + 9), (99, "x", 0)])
    assert store.fetch() == []
    (row,) = store.rows("dead_delivery")
    assert (row["delivery_id"], row["message_id"]) == (1, 1)
    assert (row["reason"], row["died_ms"]) == ("ESME_RX_R_APPN", NOW_MS + 9)


def test_fetches_are_by_account_in_order_and_in_pieces(store: Store) -> None:
    for n in range(1, 8):
        ended(store, n, account="app" if n % 2 else "other")
    assert store.fetch() == [1, 3, 5, 7]
    assert store.fetch(account="other") == [2, 4, 6]
    assert store.fetch(after=3) == [5, 7]
    assert store.fetch(account="nobody") == []
    answer = store.apply(fetches=[("app", 0, 2), ("app", 5, 2)])
    assert [(account, len(rows), more) for account, rows, more in answer.fetched] == [
        ("app", 2, True),
        ("app", 1, False),
    ]


def test_a_fetch_finds_what_its_own_batch_added_and_not_what_it_removed(sqlite_store: Store) -> None:
    store = sqlite_store  # of several nodes one has in memory what its sessions get: it need not fetch it
    ended(store, 1)
    store.sent(2, "B")
    answer = store.apply(receipts=[receipt("B")], delivered=[(1,)], fetches=[("app", 0, 10)])
    assert [row[0] for row in answer.deliveries] == [2]
    assert [row[0] for row in answer.fetched[0][1]] == [2]


def test_delivery_ids_are_never_given_twice(store: Store) -> None:
    ended(store, 1)
    store.apply(delivered=[(1,)])
    store.restart()
    store.sent(2, "B")
    answer = store.apply(receipts=[receipt("B")])
    assert [row[0] for row in answer.deliveries] == [2]


def incoming() -> Row:
    fields = delivery(0, message_id=0, state=INCOMING, error="", user_data=b"\x00hi", tlvs=b"\x02\x04\0\1x")
    return tuple(fields)[1:-1]


def test_an_incoming_sms_is_a_delivery(store: Store) -> None:
    answer = store.apply(incoming=[incoming()])
    assert answer.deliveries == [(1, *incoming(), 0)]
    assert store.fetch() == [1]
    assert answer.ended == []


# -- age --------------------------------------------------------------------------------------------


def test_what_waits_expires_and_what_was_sent_does_not(store: Store) -> None:
    store.queue(message(1, expires_ms=NOW_MS), message(2, expires_ms=NOW_MS + 1))
    store.send(message(3, expires_ms=NOW_MS), message(4, expires_ms=NOW_MS, on_ambiguous=2))
    store.doubt(4)
    answer = store.sweep(NOW_MS)
    assert sorted(row[0] for row in answer.expired) == [1, 4]
    assert answer.ended == [("app", 2)]
    assert store.end(1) == store.end(4) == (MessageState.EXPIRED, "")
    assert sorted(store.delivery_states()) == [(1, 3), (4, 3)]
    assert (store.progress(2), store.progress(3)) == (Progress.QUEUED, Progress.SENT)


def test_expired_are_only_those_whose_time_is_over(store: Store) -> None:
    """What the same batch ended for other reasons is not among them."""
    store.queue(message(1, expires_ms=NOW_MS), message(2, expires_ms=NOW_MS))
    store.sent(3, "C")
    store.send(message(4))
    answer = store.apply(
        receipts=[receipt("C")],
        failed=[(4, 8, "x", NOW_MS)],
        claims=[("one", 1, NOW_MS, 1)],
        sweeps=[Store.sweep_row(NOW_MS, with_counts=False)],
    )
    assert sorted(row[0] for row in answer.expired) == [1, 2]
    assert sum(count for _, count in answer.ended) == 4
    assert store.end(3) == (MessageState.DELIVERED, "000")


def test_what_ends_in_a_batch_is_not_claimed_by_it(store: Store) -> None:
    store.send(message(1, segments=2))
    store.apply(postponed=[postponed(1, 1)])
    store.queue(message(2))
    answer = store.apply(
        failed=[(1, 8, "x", NOW_MS)], decisions=[(2, "drop", NOW_MS)], claims=[("one", 9, NOW_MS, 1)]
    )
    assert answer.claimed == [("one", [], None)]
    assert answer.ended == [("app", 2)]


def test_without_a_receipt_a_message_ends_long_after_its_validity(store: Store) -> None:
    old, young = id_at(LONG_AGO_MS), id_at(NOW_MS)
    store.send(
        message(old, expires_ms=LONG_AGO_MS + DAY_MS),
        message(old + 1, expires_ms=NOW_MS),  # its validity was long
        message(young, expires_ms=LONG_AGO_MS),
    )
    answer = store.sweep(NOW_MS, receipt_before_ms=NOW_MS - 3 * DAY_MS, oldest_id=id_at(NOW_MS - 3 * DAY_MS))
    assert [row[0] for row in answer.expired] == [old]
    assert store.end(old) == (MessageState.UNKNOWN, "no receipt")
    assert store.progress(old + 1) is store.progress(young) is Progress.SENT


def test_deliveries_that_nobody_fetches_die_of_age(store: Store) -> None:
    ended(store, 1)
    store.apply(incoming=[incoming()])
    created = store.rows("delivery")[0]["created_ms"]
    store.sweep(NOW_MS + DAY_MS, delivery_before_ms=created)
    assert [row["reason"] for row in store.rows("dead_delivery")] == ["not fetched in time"]
    assert store.fetch() == [1]
    store.sweep(NOW_MS + 2 * DAY_MS, delivery_before_ms=created + 1)
    assert store.fetch() == []


def test_the_oldest_deliveries_of_an_account_die_when_there_are_too_many(store: Store) -> None:
    for n in range(1, 6):
        ended(store, n)
    ended(store, 6, account="other")
    store.sweep(NOW_MS + DAY_MS, deliveries_max=3, with_counts=False)
    assert len(store.fetch()) == 5
    store.sweep(NOW_MS + DAY_MS, deliveries_max=3)
    assert (store.fetch(), store.fetch(account="other")) == ([3, 4, 5], [6])
    assert [(r["delivery_id"], r["reason"]) for r in store.rows("dead_delivery")] == [
        (1, "too many waiting"),
        (2, "too many waiting"),
    ]


def test_a_delivery_dies_once(store: Store) -> None:
    for n in range(1, 6):
        ended(store, n)
    store.sweep(NOW_MS + DAY_MS, delivery_before_ms=NOW_MS + DAY_MS, deliveries_max=2)
    assert [row["delivery_id"] for row in store.rows("dead_delivery")] == [1, 2, 3, 4, 5]


def test_what_is_kept_goes_after_its_days(store: Store) -> None:
    old, young = id_at(LONG_AGO_MS), id_at(NOW_MS)
    for message_id in (old, young):
        store.send(message(message_id))
        store.doubt(message_id)
        store.apply(failed=[(message_id, 5, "x", NOW_MS)])
    store.apply(refused=[(1, "x", LONG_AGO_MS), (2, "x", NOW_MS)])
    store.apply(receipts=[receipt("P", at_ms=LONG_AGO_MS), receipt("Q", at_ms=NOW_MS)])
    kept = {"history": 2, "ambiguous": 2, "incident": 2, "dead_delivery": 2, "parked_receipt": 2}
    assert {table: len(store.rows(table)) for table in kept} == kept
    since = NOW_MS + 1000
    store.sweep(NOW_MS, history_before_id=young, history_before_ms=since, parked_before_ms=NOW_MS)
    assert [row["message_id"] for row in store.rows("history")] == [young]
    assert [row["upstream_id"] for row in store.rows("parked_receipt")] == ["Q"]
    assert len(store.rows("ambiguous")) == len(store.rows("incident")) == 2
    store.sweep(NOW_MS, history_before_ms=since + 1)
    assert len(store.rows("ambiguous")) == len(store.rows("incident")) == 0


def test_the_dead_go_after_their_days(store: Store) -> None:
    ended(store, 1)
    ended(store, 2)
    store.apply(refused=[(1, "x", LONG_AGO_MS), (2, "x", NOW_MS)])
    store.sweep(NOW_MS, history_before_ms=NOW_MS)
    assert [row["delivery_id"] for row in store.rows("dead_delivery")] == [2]


def test_a_parked_receipt_that_went_is_not_waited_for(store: Store) -> None:
    store.apply(receipts=[receipt("77", at_ms=LONG_AGO_MS)])
    store.sweep(NOW_MS, parked_before_ms=NOW_MS)
    store.sent(1, "77")
    assert store.progress(1) is Progress.SENT
    store.apply(receipts=[receipt("88")])
    store.send(message(2))
    assert len(store.apply(submitted=[submitted(2, "88")]).unparked) == 1


def test_ids_of_the_sweep_are_those_of_their_moment(sqlite_store: Store) -> None:
    """On PostgreSQL a day goes as a whole, when it is over."""
    store = sqlite_store
    assert id_at(NOW_MS) % ID_STEP == 0
    ended(store, id_at(NOW_MS))
    store.sweep(NOW_MS, history_before_id=id_at(NOW_MS))
    assert len(store.rows("history")) == 1
    store.sweep(NOW_MS, history_before_id=id_at(NOW_MS, 1))
    assert store.rows("history") == []


@settings(deadline=None, max_examples=30)
@given(sets=st.lists(st.sets(st.integers(1, 12)), min_size=1, max_size=3))
def test_what_an_account_has_is_gone_and_nothing_else(sets: list[set[int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = SqliteEngine(Path(folder))
        store = Store(engine)
        store.apply(incoming=[incoming() for _ in range(12)])
        left = set(range(1, 13))
        assert set(store.fetch()) == left
        for taken in sets:
            store.apply(delivered=[(number,) for number in taken])
            left -= taken
            assert set(store.fetch()) == left
        engine.close()
