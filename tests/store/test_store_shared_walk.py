"""Two nodes send, and hear what became of it, on one database at the same time: against a model that adds up.

Whatever they do at once: a balance is what was put in less what was charged and not given back, no day has
more than its limit, and the messages that have not ended are counted as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import psycopg
import pytest
from store_nodes import Nodes
from store_support import NOW_MS, message, receipt, submitted

from gateway.core.batch import Answer, Batch
from gateway.core.model import Progress, Wish
from gateway.store.apply import Applier

DAY = NOW_MS // 86_400_000
PAYERS = ("one", "two", "three")
PUT_IN, PRICE, LIMIT = 300, 10, 75
BATCHES, MESSAGES = 50, 6


@pytest.fixture
def nodes(postgres_url: str) -> Iterator[Nodes]:
    made = Nodes(postgres_url)
    yield made
    made.close()


class Sender:
    """What a node does: it takes messages of three payers, sends them, and hears what became of them."""

    def __init__(self, applier: Applier, seed: int) -> None:
        self.applier = applier
        self.random = Random(seed)
        self.next_id = NOW_MS * 1000 + seed
        self.sent: list[int] = []
        self.refused = 0
        self.again = 0

    def run(self) -> Any:
        for _ in range(BATCHES):
            batch = self._batch()
            answer = self._apply(batch)
            late = {message_id for message_id, _ in answer.refused_late}
            self.refused += len(late)
            self.sent += [row[0] for row in batch.accepted if row[0] not in late]
            assert all(balance >= 0 for _, balance in answer.balances)
        return self

    def _apply(self, batch: Batch) -> Answer:
        while True:  # as the writing process does
            try:
                return self.applier.apply(batch)
            except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure):
                self.again += 1
                self.applier.db.rollback()
                self.applier.read_again()

    def _batch(self) -> Batch:
        batch, random = Batch(), self.random
        for message_id in self.sent:
            batch.submitted.append(submitted(message_id, f"up{message_id}"))
            state = random.choice((2, 5))
            batch.receipts.append(receipt(f"up{message_id}", state))
        self.sent = []
        for _ in range(random.randrange(1, MESSAGES)):
            self.next_id += 64
            id, payer = self.next_id, random.choice(PAYERS)
            one = message(id, account=payer, flags=Wish.CHARGED.value)
            batch.accepted.append((*one, Progress.SENT.value))
            batch.intents.append((id, 1, "one", NOW_MS))
            batch.charges.append((id, payer, PRICE, 2))  # what is not delivered comes back
            batch.counted.append((payer, DAY, 1, b"", 1))
            batch.conditions.append(("count", id, id, payer, DAY, 1, b"", LIMIT))
            batch.conditions.append(("money", id, id, payer, PRICE, 0))
        if random.random() < 0.2:
            batch.beats.append(("{}", 1))
        return batch


def test_everything_adds_up(nodes: Nodes) -> None:
    appliers = [engine.applier for engine in nodes.engines]
    appliers[0].apply(Batch(credits=[(payer, PUT_IN, NOW_MS, "admin", "") for payer in PAYERS]))
    with ThreadPoolExecutor(2) as pool:
        senders = list(pool.map(Sender.run, [Sender(one, n + 1) for n, one in enumerate(appliers)]))
    run = appliers[0].db.run
    execute = appliers[0].db.connection.execute  # type: ignore[attr-defined]
    spent = dict(
        execute(
            "SELECT payer, sum(amount)::bigint FROM charge WHERE given_back = 0 GROUP BY payer"
        ).fetchall()
    )
    assert dict(run("list_balances").fetchall()) == {payer: PUT_IN - spent[payer] for payer in PAYERS}
    assert all(0 < amount <= PUT_IN for amount in spent.values())
    accepted = dict(execute("SELECT payer, count(*) FROM charge GROUP BY payer").fetchall())
    counted = dict(execute("SELECT account, times FROM day_count").fetchall())
    assert counted == accepted
    assert max(counted.values()) <= LIMIT
    live = dict(execute("SELECT account, count(*) FROM message GROUP BY account").fetchall())
    assert {account: n for account, n in run("list_open").fetchall() if n} == live
    assert sum(one.refused for one in senders) > 0
    assert sum(one.again for one in senders) < 3, "nodes wait for each other in a circle"
