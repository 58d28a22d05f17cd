"""Money in the store: a charge with its message, what comes back at the end, and what people put in."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import DAY_MS, NOW_MS, message
from store_support import LONG_AGO_MS, Store, mail_rows, postponed, receipt, submitted

from gateway.core.batch import Answer, Row
from gateway.core.model import Message, Progress, Wish

NEVER, UNSENT, UNDELIVERED = 0, 1, 2
PRICE = 45_000
CHARGED = Wish.CHARGED.value


def charged(message_id: int, **fields: Any) -> Message:
    flags = fields.pop("flags", 0) | CHARGED
    return message(message_id, flags=flags, **fields)


def accept(
    store: Store,
    *messages: Message,
    refund: int = UNSENT,
    payer: str = "app",
    progress: Progress = Progress.SENT,
    **lists: Any,
) -> Answer:
    sent = [m for m in messages if progress is Progress.SENT]
    return store.apply(
        accepted=[(*m, progress.value) for m in messages],
        intents=[(m.message_id, n, m.connector, NOW_MS) for m in sent for n in range(1, m.segments + 1)],
        charges=[(m.message_id, payer, PRICE * m.segments, refund) for m in messages],
        **lists,
    )


def balances(store: Store) -> dict[str, int]:
    return dict(store.engine.applier.money.balances())


def credit(store: Store, account: str, amount: int, note: str = "") -> Answer:
    return store.apply(credits=[(account, amount, NOW_MS, "root", note)])


def test_what_is_accepted_is_charged_with_it(store: Store) -> None:
    credit(store, "app", 1_000_000)
    accept(store, charged(1), charged(2, segments=3))
    accept(store, charged(3), payer="head")
    assert balances(store) == {"app": 1_000_000 - 4 * PRICE, "head": -PRICE}
    assert store.rows("charge", message_id=2) == [
        {"message_id": 2, "payer": "app", "amount": 3 * PRICE, "refund": UNSENT, "given_back": 0}
    ]
    store.restart()
    assert balances(store) == {"app": 1_000_000 - 4 * PRICE, "head": -PRICE}


def test_what_people_change_is_kept_with_who_and_why(store: Store) -> None:
    credit(store, "app", 5_000_000, "invoice 7")
    accept(store, charged(1))
    credit(store, "app", -1_000_000)
    rows = store.rows("balance_change")
    assert [(row["amount"], row["balance"], row["who"], row["note"]) for row in rows] == [
        (5_000_000, 5_000_000, "root", "invoice 7"),
        (-1_000_000, 4_000_000 - PRICE, "root", ""),
    ]
    assert balances(store) == {"app": 4_000_000 - PRICE}


ENDS = {
    "refused": {"failed": [(1, 8, "ESME_RINVDSTADR", NOW_MS)]},
    "expired here": {"failed": [(1, 3, "", NOW_MS)]},
    "cancelled": {"failed": [(1, 4, "", NOW_MS)]},
}


@pytest.mark.parametrize("ends", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("refund", [NEVER, UNSENT, UNDELIVERED])
def test_what_no_smsc_took_is_given_back(store: Store, ends: dict[str, list[Row]], refund: int) -> None:
    accept(store, charged(1), refund=refund)
    answer = store.apply(**ends)
    back = refund != NEVER
    assert answer.refunds == [("app", PRICE)] * back
    assert balances(store) == {"app": 0 if back else -PRICE}
    assert [row["given_back"] for row in store.rows("charge")] == [int(back)]


@pytest.mark.parametrize("state", range(2, 10))
@pytest.mark.parametrize("refund", [NEVER, UNSENT, UNDELIVERED])
def test_what_an_smsc_took_is_given_back_only_if_that_was_agreed(
    store: Store, state: int, refund: int
) -> None:
    accept(store, charged(1), refund=refund)
    store.taken(1, "A1")
    answer = store.apply(receipts=[receipt("A1", state)])
    back = refund == UNDELIVERED and state not in (2, 6, 7)
    assert answer.refunds == [("app", PRICE)] * back
    assert balances(store) == {"app": 0 if back else -PRICE}


def test_one_of_its_segments_is_enough(store: Store) -> None:
    accept(store, charged(1, segments=2))
    store.taken(1, "A1")
    answer = store.apply(failed=[(1, 8, "ESME_RINVDSTADR", NOW_MS)])
    assert (answer.refunds, balances(store)) == ([], {"app": -2 * PRICE})


@pytest.mark.parametrize(
    "answers", [{"submitted": [submitted(1, "B", 2)]}, {"doubts": [(1, 3, NOW_MS, "no answer", "", 0)]}]
)
def test_one_that_is_answered_after_the_end_is_enough_too(
    store: Store, answers: dict[str, list[Row]]
) -> None:
    """The SMSC refuses a segment while others are still under way: those may be on its bill."""
    credit(store, "app", 5 * PRICE)
    accept(store, charged(1, segments=3), charged(2, segments=2))
    refused = [(n, 8, "", NOW_MS) for n in (1, 2)]
    assert sum(amount for _, amount in store.apply(failed=refused).refunds) == 5 * PRICE
    assert store.apply(failed=refused).refunds == []
    for again in (True, False):
        assert store.apply(**answers).refunds == ([("app", -3 * PRICE)] if again else [])
    assert balances(store) == {"app": 2 * PRICE}
    assert sum(row["amount"] for row in store.rows("statistics")) == 3 * PRICE


def test_segments_that_went_up_as_one_too(store: Store) -> None:
    parts = {"source": "1", "destination": "7"}
    messages = [
        charged(n, user_data=bytes((5, 0, 3, 7, 2, n)) + b"x" * 134, esm_class=64, **parts) for n in (1, 2)
    ]
    rows = [(n, "app", "1", "7", 7, 2, n, NOW_MS) for n in (1, 2)]
    accept(store, *messages, progress=Progress.GATHERED, parts=rows)
    ((_, [(row, segments)], _),) = store.apply(claims=[("one", 9, NOW_MS, 1)]).claimed
    assert len(segments) == 2
    store.apply(failed=[(row[0], 8, "", NOW_MS)])
    assert balances(store) == {"app": 0}
    assert store.apply(submitted=[submitted(row[0], "A", 2)]).refunds == [("app", -2 * PRICE)]
    assert balances(store) == {"app": -2 * PRICE}


def test_what_was_put_off_and_not_taken_is_given_back(store: Store) -> None:
    accept(store, charged(1))
    store.apply(postponed=[postponed(1)])
    answer = store.sweep(NOW_MS + 3 * DAY_MS)
    assert answer.expired == [(1, 3)]
    assert (answer.refunds, balances(store)) == ([("app", PRICE)], {"app": 0})


@pytest.mark.parametrize(("on_ambiguous", "ends"), [(3, {}), (2, {"decisions": [(1, "drop", NOW_MS)]})])
def test_what_may_have_been_taken_is_not(store: Store, on_ambiguous: int, ends: dict[str, Any]) -> None:
    accept(store, charged(1, on_ambiguous=on_ambiguous))
    store.doubt(1)
    if ends:
        store.apply(**ends)
    assert store.end(1) is not None
    assert balances(store) == {"app": -PRICE}


def test_a_doubt_stays_one_when_the_next_try_is_refused(store: Store) -> None:
    accept(store, charged(1, on_ambiguous=0))
    store.doubt(1)
    assert store.claim() == [(1, [1])]
    store.apply(failed=[(1, 8, "ESME_RINVDSTADR", NOW_MS)])
    assert balances(store) == {"app": -PRICE}


def test_what_a_start_ends_is_given_back_by_it(store: Store) -> None:
    accept(store, charged(1, on_ambiguous=3), refund=UNDELIVERED)
    accept(store, charged(2), progress=Progress.QUEUED)
    store.restart()
    assert store.end(1) == (7, "ambiguous")
    assert balances(store) == {"app": -2 * PRICE}
    assert store.apply(cancels=[("app", 2, "", "", "", NOW_MS)]).refunds == [("app", PRICE)]


def test_many_payers_in_one_batch(store: Store) -> None:
    accept(store, charged(1), charged(2))
    accept(store, charged(3), payer="head")
    store.send(message(4))
    answer = store.apply(failed=[(n, 8, "", NOW_MS) for n in (1, 2, 3, 4)])
    assert sorted(answer.refunds) == [("app", 2 * PRICE), ("head", PRICE)]
    assert balances(store) == {"app": 0, "head": 0}


def test_an_end_gives_back_once(store: Store) -> None:
    accept(store, charged(1))
    store.apply(failed=[(1, 8, "", NOW_MS)])
    assert store.apply(failed=[(1, 8, "", NOW_MS)]).refunds == []
    assert balances(store) == {"app": 0}


def test_a_mail_that_came_before_costs_nothing(store: Store) -> None:
    store.apply(**mail_rows(1, key=b"k", flags=CHARGED), charges=[(1, "app", PRICE, UNSENT)])
    rows = mail_rows(2, mail_id=1001, key=b"k", flags=CHARGED)
    other = mail_rows(3, mail_id=1002, key=b"other", flags=CHARGED)
    both = {name: rows[name] + other[name] for name in rows}
    answer = store.apply(**both, charges=[(2, "app", PRICE, UNSENT), (3, "app", PRICE, UNSENT)])
    assert answer.repeated == [(1001, 1000)]
    assert balances(store) == {"app": -2 * PRICE}
    assert [row["message_id"] for row in store.rows("charge")] == [1, 3]


def gather(store: Store, *message_ids: int, total: int = 2, first: int = 1, **fields: Any) -> Answer:
    messages = [charged(n, **fields) for n in message_ids]
    return accept(
        store,
        *messages,
        progress=Progress.GATHERED,
        parts=[
            (m.message_id, m.account, m.source, m.destination, 7, total, part, NOW_MS)
            for part, m in enumerate(messages, first)
        ],
    )


def test_segments_that_go_up_as_one_come_back_as_one(store: Store) -> None:
    gather(store, 1, 2)
    assert balances(store) == {"app": -2 * PRICE}
    assert [message_id for message_id, _ in store.claim()] == [1]
    answer = store.apply(failed=[(1, 8, "ESME_RINVDSTADR", NOW_MS)])
    assert (answer.refunds, balances(store)) == ([("app", 2 * PRICE)], {"app": 0})


def test_what_goes_up_with_another_was_taken_with_it(store: Store) -> None:
    gather(store, 1, 2)
    ((_, segments),) = store.claim()
    store.taken(1, *[f"A{n}" for n in segments])
    store.apply(failed=[(1, 5, "", NOW_MS)])
    assert store.end(2) == (5, "")
    assert balances(store) == {"app": -2 * PRICE}


def test_what_goes_up_with_another_is_in_doubt_with_it(store: Store) -> None:
    gather(store, 1, 2, on_ambiguous=3)
    store.claim()
    store.doubt(1)
    assert store.end(2) == (7, "ambiguous")
    assert balances(store) == {"app": -2 * PRICE}


def test_segments_that_wait_for_others_come_back_when_cancelled(store: Store) -> None:
    gather(store, 1, total=3)
    gather(store, 2, total=3, first=2)
    answer = store.apply(cancels=[("app", 1, "", "", "", NOW_MS)])
    assert (answer.refunds, balances(store)) == ([("app", PRICE)], {"app": -PRICE})


def replace(store: Store, message_id: int, amount: int, payer: str = "app") -> Answer:
    row = ("app", message_id, b"another text", amount // PRICE, 0, 0, -1, 0, "", 1, NOW_MS)
    return store.apply(replacements=[row], recharges=[(0, message_id, payer, amount)])


def test_another_text_costs_what_it_costs(store: Store) -> None:
    accept(store, charged(1), progress=Progress.QUEUED)
    answer = replace(store, 1, 3 * PRICE)
    assert (answer.replaced, answer.refunds) == ([1], [("app", PRICE)])
    assert balances(store) == {"app": -3 * PRICE}
    assert store.apply(cancels=[("app", 1, "", "", "", NOW_MS)]).refunds == [("app", 3 * PRICE)]
    assert balances(store) == {"app": 0}


def test_who_pays_may_have_changed(store: Store) -> None:
    accept(store, charged(1), progress=Progress.QUEUED)
    answer = replace(store, 1, 2 * PRICE, payer="head")
    assert (answer.refunds, balances(store)) == ([("app", PRICE)], {"app": 0, "head": -2 * PRICE})
    assert store.apply(cancels=[("app", 1, "", "", "", NOW_MS)]).refunds == [("head", 2 * PRICE)]


def test_a_text_that_is_not_replaced_costs_what_it_did(store: Store) -> None:
    accept(store, charged(1))
    answer = replace(store, 1, 3 * PRICE)
    assert (answer.replaced, answer.refunds) == ([0], [("app", 3 * PRICE)])
    assert balances(store) == {"app": -PRICE}


def test_what_was_free_stays_free(store: Store) -> None:
    store.queue(message(1))
    answer = replace(store, 1, 3 * PRICE)
    assert (answer.replaced, answer.refunds) == ([1], [("app", 3 * PRICE)])
    assert balances(store) == {"app": 0}


def test_a_charge_is_known_as_long_as_its_message(store: Store) -> None:
    accept(store, charged(1), charged(2), charged(3), refund=NEVER)
    store.apply(failed=[(n, 8, "", LONG_AGO_MS) for n in (1, 3)])
    store.sweep(history_before_id=3)
    assert [row["message_id"] for row in store.rows("charge")] == [2, 3]
    assert [row["message_id"] for row in store.rows("history")] == [3]
