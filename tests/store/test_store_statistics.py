"""What is counted of ended messages: each once, whatever comes again."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from gateway_fakes import DAY_MS, NOW_MS, message
from store_support import Store, receipt

from gateway.core.batch import NO_TEXTS
from gateway.core.model import Progress, Wish

DAY = NOW_MS // DAY_MS


def counted(store: Store) -> dict[tuple[Any, ...], tuple[int, int, int]]:
    """(day, account, connector, state) → messages, segments, amount."""
    return {
        (row["day"] - DAY, row["account"], row["connector"], row["state"]): (
            row["messages"],
            row["segments"],
            row["amount"],
        )
        for row in store.rows("statistics")
    }


def test_ends_are_counted_by_day_account_connector_and_state(store: Store) -> None:
    store.send(message(1), message(2, segments=3), message(3, account="other"), message(4, connector="two"))
    store.send(message(5, accepted_ms=NOW_MS - DAY_MS), message(6))
    store.apply(failed=[(n, 2, "", NOW_MS) for n in range(1, 6)] + [(6, 5, "", NOW_MS)])
    assert counted(store) == {
        (0, "app", "one", 2): (2, 4, 0),
        (0, "other", "one", 2): (1, 1, 0),
        (0, "app", "two", 2): (1, 1, 0),
        (-1, "app", "one", 2): (1, 1, 0),
        (0, "app", "one", 5): (1, 1, 0),
    }


def test_batches_add_up_and_what_lives_is_not_counted(store: Store) -> None:
    for n in range(1, 4):
        store.sent(n, f"id-{n}")
        store.apply(receipts=[receipt(f"id-{n}")])
    store.sent(9, "id-9")
    assert counted(store) == {(0, "app", "one", 2): (3, 3, 0)}


def test_the_day_is_that_of_the_acceptance_in_utc(store: Store) -> None:
    midnight = DAY * DAY_MS
    store.send(message(1, accepted_ms=midnight - 1), message(2, accepted_ms=midnight))
    store.apply(failed=[(1, 2, "", NOW_MS), (2, 2, "", NOW_MS)])
    assert sorted(key[0] for key in counted(store)) == [-1, 0]


@pytest.mark.parametrize("again", [*permutations(["receipt", "failed", "restart", "sweep"], 3)], ids="-".join)
def test_a_message_counts_once_whatever_comes_again(store: Store, again: tuple[str, ...]) -> None:
    store.sent(1, "A", "B")
    store.apply(receipts=[receipt("A"), receipt("B")])
    for what in again:
        if what == "receipt":
            store.apply(receipts=[receipt("A"), receipt("B", 5)])
        elif what == "failed":
            store.apply(failed=[(1, 5, "", NOW_MS)])
        elif what == "restart":
            store.restart()
        else:
            store.sweep()
    assert counted(store) == {(0, "app", "one", 2): (1, 2, 0)}


def test_what_ends_by_the_sweep_or_in_a_claim_counts_too(store: Store) -> None:
    store.queue(message(1, expires_ms=NOW_MS - 1), message(2, expires_ms=NOW_MS - 1))
    store.claim()
    store.queue(message(3, expires_ms=NOW_MS - 1))
    store.sweep(NOW_MS)
    assert counted(store) == {(0, "app", "one", 3): (3, 3, 0)}


def test_the_amount_is_what_was_not_given_back(store: Store) -> None:
    charged = [message(n, flags=Wish.CHARGED.value, segments=2) for n in (1, 2)]
    store.apply(
        accepted=[(*m, Progress.SENT.value) for m in [*charged, message(3)]],
        intents=[(n, 1, "one", NOW_MS) for n in (1, 2, 3)],
        charges=[(1, "app", 90_000, 2), (2, "app", 80_000, 2)],
    )
    store.apply(failed=[(1, 2, "", NOW_MS), (2, 5, "", NOW_MS), (3, 2, "", NOW_MS)])
    assert counted(store) == {(0, "app", "one", 2): (2, 3, 90_000), (0, "app", "one", 5): (1, 2, 0)}
    store.apply(accepted=[(*message(4, flags=Wish.CHARGED.value), 0)], charges=[(4, "app", 1, 2)])
    store.apply(failed=[(4, 2, "", NOW_MS)])
    assert counted(store)[0, "app", "one", 2] == (3, 4, 90_001)


def test_old_days_go(store: Store) -> None:
    store.send(message(1), message(2, accepted_ms=NOW_MS - DAY_MS))
    store.apply(failed=[(1, 2, "", NOW_MS), (2, 2, "", NOW_MS)])
    store.sweep(statistics_before_day=DAY, text_before_id=NO_TEXTS)
    assert [key[0] for key in counted(store)] == [0]


def test_segments_that_went_up_joined_are_counted_where_they_went(store: Store) -> None:
    rows = []
    for n in (1, 2, 3):
        part = message(n, esm_class=0x40, user_data=bytes((5, 0, 3, 7, 3, n)) + b"x" * 100)
        rows.append((*part, Progress.GATHERED.value))
    parts = [(n, "app", rows[0][6], rows[0][9], 7, 3, n, NOW_MS) for n in (1, 2, 3)]
    store.apply(accepted=rows, parts=parts)
    assert sorted(row["progress"] for row in store.rows("message")) == [0, 4, 4]
    segments = next(row["segments"] for row in store.rows("message") if row["progress"] == 0)
    store.apply(postponed=[(1, 1, "two", 0, 0, NOW_MS, "")])
    carrier = next(row for row in store.rows("message") if row["progress"] == 0)
    store.apply(failed=[(carrier["message_id"], 2, "", NOW_MS)])
    assert counted(store) == {(0, "app", carrier["connector"], 2): (3, segments, 0)}
