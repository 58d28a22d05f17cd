"""Letters and calls are claimed by one node, and none that starts or sweeps takes them from it."""

from __future__ import annotations

import store_http
from gateway_fakes import DAY_MS, NOW_MS
from store_http import WEBHOOK
from store_nodes import NodeEngine, Nodes
from store_support import Store, incoming_sms, mail_rows

from gateway.core.batch import NO_TEXTS, Answer, Batch
from gateway.core.model import LetterKind

LETTERS = Batch(letter_claims=[(NOW_MS, 9)])
CALLS = Batch(call_claims=[(NOW_MS, 9, ())])


def letters(answer: Answer) -> list[int]:
    return [row[0] for row in answer.letters[0][0]]


def calls(answer: Answer) -> list[int]:
    return [row[0] for row in answer.calls[0][0]]


def write_letters(store: Store, count: int) -> None:
    store.apply(incoming_mail=[incoming_sms(str(n)) for n in range(count)])


def write_calls(store: Store, count: int) -> None:
    store.apply(api_accounts=[("app", WEBHOOK)], calls=[store_http.call()] * count)


def test_letters_are_claimed_by_one(nodes: Nodes) -> None:
    write_letters(nodes.a, 3)
    first, second = nodes.without_waiting(Batch(letter_claims=[(NOW_MS, 2)]), LETTERS)
    assert (letters(first), letters(second)) == ([1, 2], [3])
    assert letters(nodes.b.apply_batch(LETTERS)) == []
    nodes.a.apply(letters_put_off=[(1, NOW_MS, "later")])
    assert letters(nodes.b.apply_batch(LETTERS)) == [1]


def test_calls_are_claimed_by_one(nodes: Nodes) -> None:
    write_calls(nodes.a, 3)
    first, second = nodes.without_waiting(Batch(call_claims=[(NOW_MS, 2, ())]), CALLS)
    assert (calls(first), calls(second)) == ([1, 2], [3])
    assert calls(nodes.b.apply_batch(CALLS)) == []
    nodes.a.apply(calls_put_off=[(1, NOW_MS, "later")])
    assert calls(nodes.b.apply_batch(CALLS)) == [1]


def test_a_node_that_starts_takes_nothing_from_one_that_lives(nodes: Nodes, postgres_url: str) -> None:
    write_letters(nodes.a, 1)
    write_calls(nodes.a, 1)
    nodes.a.apply_batch(LETTERS)
    nodes.a.apply_batch(CALLS)
    third = NodeEngine(postgres_url, "c")
    found = Store(third).apply(letter_claims=[(NOW_MS, 9)], call_claims=[(NOW_MS, 9, ())])
    third.close()
    assert (letters(found), calls(found)) == ([], [])


def test_what_somebody_sends_just_now_does_not_die_of_its_age(nodes: Nodes) -> None:
    write_letters(nodes.a, 2)
    write_calls(nodes.a, 2)
    claim = Batch(letter_claims=[(NOW_MS, 1)], call_claims=[(NOW_MS, 1, ())])
    later = NOW_MS + 40 * DAY_MS
    nodes.make_days(later)
    sweep = Batch(sweeps=[Store.sweep_row(later, delivery_before_ms=later)])
    nodes.without_waiting(claim, sweep)
    assert [row["letter_id"] for row in nodes.a.rows("letter")] == [1]
    assert [row["letter_id"] for row in nodes.a.rows("dead_letter")] == [2]
    assert [row["call_id"] for row in nodes.a.rows("call")] == [1]
    assert [row["call_id"] for row in nodes.a.rows("dead_call")] == [2]


def test_a_letter_that_two_sweeps_bury_is_dead_once(nodes: Nodes) -> None:
    write_letters(nodes.a, 1)
    later = NOW_MS + 40 * DAY_MS
    nodes.make_days(later)
    sweep = Batch(sweeps=[Store.sweep_row(later, delivery_before_ms=later)])
    nodes.at_once(sweep, sweep)
    assert len(nodes.a.rows("dead_letter")) == 1
    assert nodes.a.rows("letter") == []


def test_a_call_that_two_nodes_bury_is_dead_once(nodes: Nodes) -> None:
    write_calls(nodes.a, 2)
    nodes.at_once(
        Batch(calls_refused=[(1, "HTTP 410", NOW_MS)]),
        Batch(calls_refused=[(1, "too old", NOW_MS), (2, "too old", NOW_MS)]),
    )
    assert [(row["call_id"], row["reason"]) for row in nodes.a.rows("dead_call")] == [
        (1, "HTTP 410"),
        (2, "too old"),
    ]
    assert nodes.a.rows("call") == []


def test_a_delay_is_told_once(nodes: Nodes) -> None:
    nodes.a.apply(**mail_rows(1, notify=4))
    sweep = Batch(sweeps=[Store.sweep_row(NOW_MS, delay_before_id=2)])
    nodes.at_once(sweep, sweep)
    assert nodes.a.letters() == [(LetterKind.DELAY.value, "ops@example.org", 1)]


def test_a_sweep_leaves_the_delays_that_another_one_tells_just_now(nodes: Nodes) -> None:
    for n in (1, 2):
        nodes.a.apply(**mail_rows(n, mail_id=n, notify=4))
    nodes.make_days(NOW_MS)
    bounds = {"text_before_id": NO_TEXTS}  # else each of them writes that they are kept
    first, both = (Batch(sweeps=[Store.sweep_row(NOW_MS, delay_before_id=n, **bounds)]) for n in (2, 3))
    told = nodes.without_waiting(first, both)
    assert [answer.letters_waiting for answer in told] == [True, True]
    assert sorted(row[2] for row in nodes.a.letters()) == [1, 2]
