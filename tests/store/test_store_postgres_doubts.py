"""Doubts on PostgreSQL are dealt with at once, and it comes to what SQLite does about one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from gateway_fakes import NOW_MS, message
from store_nodes import NodeEngine, Nodes
from store_support import Engine, PostgresEngine, SqliteEngine, Store, receipt, submitted

from gateway.core.batch import Answer, Batch, Row
from gateway.core.model import Progress

COMPARED = {
    "message": ("message_id", "connector", "due_ms", "progress", "doubts"),
    "submission": ("message_id", "segment", "connector", "boot", "attempt", "state"),
    "ambiguous": (
        *("message_id", "segment", "connector", "since_ms", "evidence", "action", "settled_by"),
        *("settled_ms", "link", "sent_ms", "boot"),
    ),
    "incident": ("message_id", "at_ms", "text"),
    "history": ("message_id", "state", "error", "done_ms", "doubts"),
    "delivery": ("message_id", "state", "error", "done_ms"),
}
"""Tables, whose rows are compared in the order of their keys."""
MESSAGES = 30


@pytest.fixture
def engines(postgres_url: str, tmp_path: Path) -> Iterator[tuple[Engine, Engine]]:
    both = SqliteEngine(tmp_path), PostgresEngine(postgres_url)
    yield both
    for engine in both:
        engine.close()


def stored(store: Store, table: str) -> list[Row]:
    return [tuple(row[name] for name in COMPARED[table]) for row in store.rows(table)]


def said(answer: Answer) -> tuple[Any, ...]:
    ended: Counter[str] = Counter()
    for account, count in answer.ended:
        ended[account] += count
    return sorted(answer.queued), ended, sorted(row[2] for row in answer.deliveries)


class Mixture:
    """Messages of all policies, of which some segments have answers, and others are in doubt already."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.all = [
            message(
                n,
                segments=self.random.choice((1, 1, 2, 3)),
                on_ambiguous=self.random.randrange(4),
                connector=self.random.choice(("one", "two")),
                registered_delivery=1,
                due_ms=NOW_MS - n,
            )
            for n in range(1, MESSAGES + 1)
        ]
        self.parts = [
            (one.message_id, n, one.connector) for one in self.all for n in range(1, one.segments + 1)
        ]

    def some(self, share: float) -> list[Row]:
        return [part for part in self.parts if self.random.random() < share]

    def doubts(self, share: float, at_ms: int) -> list[Row]:
        """In any order, with some that come twice, and with one of a message that nobody knows."""
        rows: list[Row] = [
            (message_id, n, at_ms + n, f"no response within {n} s", f"link {n}", at_ms - n)
            for message_id, n, _ in self.some(share)
        ]
        again = [(*row[:2], at_ms, "the link was lost", "", at_ms) for row in rows[::5]]
        rows += [*again, (MESSAGES + 1, 1, at_ms, "x", "", 0)]
        self.random.shuffle(rows)
        return rows

    def batches(self) -> Iterator[dict[str, list[Row]]]:
        yield {
            "accepted": [(*one, Progress.SENT.value) for one in self.all],
            "intents": [(*part, NOW_MS) for part in self.parts],
        }
        for turn in range(1, 7):
            at_ms = NOW_MS + 1000 * turn
            answered = [submitted(id, f"{id}.{n}", n, name, at_ms) for id, n, name in self.some(0.1)]
            yield {"submitted": answered, "doubts": self.doubts(0.3, at_ms)}
            throttled = [(id, n, name, at_ms, 1, at_ms, "x") for id, n, name in self.some(0.05)]
            yield {"postponed": throttled, "doubts": self.doubts(0.1, at_ms + 100)}
            ended = [receipt(f"{id}.{n}", connector=name, at_ms=at_ms) for id, n, name in self.some(0.1)]
            held = [(id, "resend", at_ms) for id, *_ in self.some(0.05)]
            yield {"receipts": ended, "decisions": held}
            yield {"claims": [("one", 20, at_ms, 1), ("two", 20, at_ms, 1)]}


@pytest.mark.parametrize("seed", range(6))
def test_both_engines_do_the_same_about_doubts(engines: tuple[Engine, Engine], seed: int) -> None:
    stores = [Store(engine) for engine in engines]
    for batch in Mixture(seed).batches():
        answers = [store.apply(**batch) for store in stores]
        assert said(answers[0]) == said(answers[1])
        for table in COMPARED:
            assert stored(stores[0], table) == stored(stores[1], table)
        assert engines[0].applier.doubts.in_doubt == engines[1].applier.doubts.in_doubt
    assert {row["action"] for row in stores[0].rows("ambiguous")} == {"resend", "hold", "fail"}
    found = [engine.restart(NOW_MS + 9000) for engine in engines]
    assert found[0] == found[1] > 0
    for table in COMPARED:
        assert stored(stores[0], table) == stored(stores[1], table)


def statements_of(engine: NodeEngine, batch: Batch, trace: Path) -> int:
    """How many statements a node gives its database for a batch."""
    connection = engine.db.connection.pgconn
    with trace.open("w") as lines:
        connection.trace(lines.fileno())
        engine.apply(batch)
        connection.untrace()
    return sum("\tBind\t" in line for line in trace.read_text("latin-1").splitlines())


def test_what_a_lost_node_had_under_way_takes_no_more_statements_the_more_it_is(
    nodes: Nodes, postgres_url: str, tmp_path: Path
) -> None:
    asked = []
    for first, last in ((1, 12), (13, 100)):
        lost = NodeEngine(postgres_url, "lost")
        some = [message(n, segments=n % 3 + 1, on_ambiguous=n % 4) for n in range(first, last + 1)]
        Store(lost).send(*some)
        boot = lost.applier.boot
        nodes.b.write(f"UPDATE boot SET lease_until = '-infinity' WHERE boot_id = {boot}")
        asked.append(statements_of(nodes.engines[1], Batch(beats=[("{}", 1)]), tmp_path / "trace"))
        in_doubt = [row for row in nodes.b.rows("ambiguous") if row["boot"] == boot]
        assert len(in_doubt) == sum(one.segments for one in some)
        lost.close()
    assert 0 < asked[1] <= asked[0]


def test_segments_that_two_nodes_doubt_at_once_are_one_doubt(nodes: Nodes) -> None:
    nodes.a.send(message(1, segments=2, on_ambiguous=0))
    first, second = (Batch(doubts=[(1, n, NOW_MS, "no response", "", NOW_MS)]) for n in (1, 2))
    told = nodes.at_once(first, second)
    assert [answer.queued for answer in told] == [[("one", 0)], []]
    (row,) = nodes.a.rows("message")
    assert (row["progress"], row["doubts"]) == (Progress.QUEUED, 1)
    assert [row["action"] for row in nodes.a.rows("ambiguous")] == ["resend", "resend"]
