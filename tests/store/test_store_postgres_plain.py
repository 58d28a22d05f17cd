"""Most messages on PostgreSQL end by one statement: stored and said is what the long way stores and says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import product
from typing import Any

import pytest
from gateway_fakes import NOW_MS, message
from store_nodes import Nodes
from store_support import Store, receipt

from gateway.core.batch import Answer, Row
from gateway.core.model import Message, Wish
from gateway.store import receipt_steps
from gateway.store.plain_receipts import Plain

TABLES = ("message", "submission", "history", "history_text", "delivery", "ambiguous")
IDS = ("message_id", "upstream_id", "upstream_key", "delivery_id", "created_ms")
WANTED = (0, 1, 2, 3, 4 | 1, 8 | 2, 16 | 1)
STATES = (2, 5, 8, 6)


def messages(first: int) -> list[Message]:
    """One of each kind."""
    some = [
        message(first + n, registered_delivery=wanted, account=account, retries=n % 3, user_data=text)
        for n, (wanted, account, text) in enumerate(product(WANTED, ("app", "shop"), (b"hello", b"")))
    ]
    last = first + len(some)
    return [
        *some,
        message(last, registered_delivery=1, esm_class=64, user_data=b"\x00with a header"),
        message(last + 1, registered_delivery=1, data_coding=8, user_data=b"\x04\x1f"),
        message(last + 2, registered_delivery=1, user_data=b"longer than twenty characters"),
        message(last + 3, registered_delivery=1, route="night", client_id="R1", source_ton=1, source="+1"),
        # and some for which the short way is too short
        message(last + 4, registered_delivery=1, segments=2),
        message(last + 5, registered_delivery=1, flags=Wish.behind(1)),
        message(last + 6, registered_delivery=1, origin=2),
        message(last + 7, registered_delivery=1, flags=Wish.CALLED.value),
    ]


def upstream_ids(one: Message) -> list[str]:
    return [f"{one.message_id}.{segment}" for segment in range(1, one.segments + 1)]


def ends(some: Iterable[Message], at_ms: int) -> list[Row]:
    """The receipts that end them; of some there are two, which do not say the same."""
    rows = []
    for n, one in enumerate(some):
        for upstream_id in upstream_ids(one):
            row = receipt(upstream_id, STATES[n % len(STATES)], error=f"{n % 7:03d}", at_ms=at_ms)
            rows.append((*row[:-1], "tlv:1401000101" if n % 5 == 0 else ""))
        if n % 6 == 0:
            rows.append(receipt(upstream_ids(one)[0], 5, error="999", at_ms=at_ms + 1))
    return [*rows, receipt("nobody's", at_ms=at_ms)]


def walk(store: Store, first: int) -> Answer:
    """All of them are taken, sent, and ended; what the store says of the last."""
    some = messages(first)
    store.apply(receivers=[("app", 1), ("shop", 0)])
    store.send(*some)
    for one in some:
        store.taken(one.message_id, *upstream_ids(one))
    return store.apply(receipts=ends(some, NOW_MS + 9000))


def without_ids(rows: Iterable[dict[str, Any]], first: int) -> list[str]:
    """Comparable between two walks."""
    return sorted(
        str({**row, "message_id": row["message_id"] - first, **dict.fromkeys(IDS[1:])}) for row in rows
    )


def said(answer: Answer, first: int) -> tuple[Any, ...]:
    """The order in which ends are counted means nothing, nor which of a batch's receipts was a repetition."""
    results = [(how, message_id and message_id - first) for how, message_id, _ in answer.results]
    downward = [(row[1], row[2] - first, *row[4:]) for row in answer.deliveries]
    ended: Counter[str] = Counter()
    for account, count in answer.ended:
        ended[account] += count
    return results, sorted(downward), ended


def test_the_short_way_ends_messages_as_the_long_way_does(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = nodes.a
    store.apply(sweeps=[store.sweep_row(NOW_MS, text_before_id=0)])  # texts are kept
    found = {}
    for first in (1000, 2000):
        answer = walk(store, first)
        stored = {
            table: without_ids(
                (row for row in store.rows(table) if first <= row.get("message_id", 0) < first + 1000), first
            )
            for table in TABLES
        }
        found[first] = said(answer, first), stored, store.rows("statistics")
        store.write("DELETE FROM statistics")
        store.write("DELETE FROM parked_receipt")
        monkeypatch.setattr(receipt_steps, "end_plain", lambda many, receipts: Plain({}, [], []))
    for short, long in zip(found[1000], found[2000], strict=True):
        assert short == long
    assert len(found[1000][1]["history"]) == len(messages(0))


def test_what_is_plain_takes_the_short_way_and_nothing_else_does(nodes: Nodes) -> None:
    """Else the test above would compare the long way with itself."""
    some = messages(1000)
    nodes.a.send(*some)
    for one in some:
        nodes.a.taken(one.message_id, *upstream_ids(one))
    nodes.a.write("UPDATE message SET progress = 2 WHERE message_id = 1001")  # it is held
    many = nodes.engines[0].db.many
    nodes.engines[0].db.begin()
    plain = receipt_steps.end_plain(many, ends(some, NOW_MS))
    nodes.engines[0].db.rollback()
    odd = {1001, *(one.message_id for one in some[-4:])}
    assert set(plain.messages.values()) == {one.message_id for one in some} - odd


def test_a_message_in_doubt_takes_the_long_way(nodes: Nodes) -> None:
    nodes.a.send(message(1, on_ambiguous=2, registered_delivery=1))
    nodes.a.doubt(1)
    nodes.a.apply(late=[(NOW_MS, "A", "a", 1, 1, "one")])
    nodes.a.write("UPDATE ambiguous SET settled_ms = NULL")
    answer = nodes.a.apply(receipts=[receipt("A")])
    assert answer.ended == [("app", 1)]
    assert [row["settled_by"] for row in nodes.a.rows("ambiguous")] == ["receipt"]
