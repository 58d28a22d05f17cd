"""A random walk over money: what accepts messages, and the store, against a model that only adds up.

    balance = what was put in - what was charged + what was given back

in memory and in the store, whatever is accepted, ends, fails, is replaced or restarted in whatever order; and
no balance is ever below its credit.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from gateway_fakes import DAY_MS, NOW_MS, FakeJournal, ManualClock, account, draft, quiet_events
from store_support import SqliteEngine, receipt, submitted

from gateway.core.batch import Batch
from gateway.core.errors import Refusal
from gateway.core.ledger import Ledger
from gateway.core.message_ids import MessageIds
from gateway.core.prices import PriceTable
from gateway.core.router import Router
from gateway.core.routing import Route, RouteTable
from gateway.core.submission import Submission
from gateway.core.upstream import Upstream

PRICES = {"7": 45_000, "49": 70_000, "1": 0}
NUMBERS = ("79161234567", "491511234567", "15550100100", "449990000000")
CREDIT = 100_000
ACCOUNTS = [
    account(system_id="own", balance="own", credit=0.1, prices="list", refund="unsent"),
    account(system_id="part", balance="parent", parent="own", prices="list", refund="undelivered"),
    account(system_id="third", balance="parent", parent="part", prices="list", refund="never"),
    account(system_id="other", balance="own", prices="list", refund="undelivered"),
    account(system_id="free"),
]
PAYERS = {"own": "own", "part": "own", "third": "own", "other": "other", "free": ""}
LOWEST = {"own": -CREDIT, "other": 0}


class Paid:
    """What the model knows of one message."""

    def __init__(self, name: str, amount: int, segments: int) -> None:
        self.name, self.amount, self.segments = name, amount, segments
        self.payer = PAYERS[name]
        self.refund = next(one.config.refund for one in ACCOUNTS if one.name == name)
        self.stored = self.sent = self.taken = self.doubtful = False

    def comes_back(self, state: int) -> bool:
        if self.refund == "unsent":
            return not self.taken and not self.doubtful
        return self.refund == "undelivered" and state not in (2, 6, 7)


class Walk:
    def __init__(self, folder: Path, seed: int) -> None:
        self.random = Random(seed)
        self.engine = SqliteEngine(folder)
        self.clock = ManualClock()
        self.expected = {"own": 0, "other": 0}
        self.live: dict[int, Paid] = {}
        self.last_id = 0
        self._start()

    def _start(self) -> None:
        self.journal = FakeJournal()
        upstream = Upstream(
            "one",
            window=100,
            rate=0,
            whole=False,
            journal=self.journal,
            events=quiet_events(),
            clock=self.clock,
            random=Random(1),
        )
        self.submission = Submission(
            self.journal,
            MessageIds(self.last_id),
            Router(RouteTable([Route("", ("one",))]), {"one": upstream}),
            quiet_events(),
            max_messages=1000,
            default_validity_ms=2 * DAY_MS,
        )
        balances = [(row["account"], row["amount"]) for row in self.engine.rows("balance")]
        self.ledger = self.submission.ledger = Ledger(quiet_events(), balances)
        self.ledger.configure([one.config for one in ACCOUNTS], {"list": PriceTable(PRICES)})

    def _apply(self, **lists: Any) -> Any:
        """A batch beside the gathering one; what comes back goes to the ledger, as in the daemon."""
        answer = self.engine.apply(Batch(**lists))
        for payer, amount in answer.refunds:
            self.ledger.given_back(payer, amount)
        return answer

    def _end(self, message_id: int, state: int, **lists: Any) -> None:
        paid = self.live.pop(message_id)
        if paid.payer and paid.comes_back(state):
            self.expected[paid.payer] += paid.amount
        self._apply(**lists)

    def _some(self, *, sent: bool) -> int | None:
        fitting = [n for n, paid in self.live.items() if paid.stored and paid.sent is sent]
        return self.random.choice(fitting) if fitting else None

    # -- what may happen ---------------------------------------------------------------------------------

    def credit(self) -> None:
        name, amount = self.random.choice(sorted(LOWEST)), self.random.randint(1, 400_000)
        self._apply(credits=[(name, amount, NOW_MS, "root", "")])
        self.ledger.credited(name, amount)
        self.expected[name] += amount

    def accept(self) -> None:
        for _ in range(self.random.randint(1, 4)):
            sender, number = self.random.choice(ACCOUNTS), self.random.choice(NUMBERS)
            segments = self.random.randint(1, 3)
            what = draft(destination=number, segments=segments)
            taken = self.submission.accept(sender, what, self.clock.now(), self.clock.now_ms())
            payer = PAYERS[sender.name]
            price = next((cost for prefix, cost in PRICES.items() if number.startswith(prefix)), None)
            amount = (price or 0) * segments if payer else 0
            if payer and price is None:
                assert taken is Refusal.NO_PRICE
            elif payer and amount and self.expected[payer] - amount < LOWEST[payer]:
                assert taken is Refusal.BALANCE
            else:
                assert not isinstance(taken, Refusal)
                self.last_id = taken.message_id
                self.live[taken.message_id] = Paid(sender.name, amount, segments)
                if payer:
                    self.expected[payer] -= amount
        self.submission.flush()

    def commit(self) -> None:
        ok = self.random.random() < 0.8
        batch, end = self.journal.take()
        ids = [row[0] for row in batch.accepted]
        if ok:
            self.engine.apply(batch)
        for message_id in ids:
            if ok:
                self.live[message_id].stored = True
            else:
                self._forget(message_id)
        end(ok)

    def _forget(self, message_id: int) -> None:
        paid = self.live.pop(message_id)
        if paid.payer:
            self.expected[paid.payer] += paid.amount

    def send(self) -> None:
        ((_, rows, _),) = self._apply(claims=[("one", self.random.randint(1, 9), NOW_MS + DAY_MS, 1)]).claimed
        for fields, _ in rows:
            self.live[fields[0]].sent = True

    def take(self) -> None:
        message_id = self._some(sent=True)
        if message_id is not None:
            paid = self.live[message_id]
            paid.taken = True
            rows = [submitted(message_id, f"{message_id}-{n}", n) for n in range(1, paid.segments + 1)]
            self._apply(submitted=rows)

    def tell(self) -> None:
        state = self.random.choice((2, 3, 5, 7, 8))
        message_id = self._some(sent=True)
        if message_id is not None and self.live[message_id].taken:
            parts = range(1, self.live[message_id].segments + 1)
            rows = [receipt(f"{message_id}-{n}", state, peer="") for n in parts]
            self._end(message_id, state, receipts=rows)

    def fail(self) -> None:
        sent, state = self.random.random() < 0.5, self.random.choice((3, 8))
        message_id = self._some(sent=sent)
        if message_id is not None:
            self._end(message_id, state, failed=[(message_id, state, "", NOW_MS)])

    def doubt(self) -> None:
        message_id = self._some(sent=True)
        if message_id is not None and not self.live[message_id].taken:
            paid = self.live[message_id]
            held = paid.doubtful
            paid.doubtful, paid.sent = True, False
            parts = range(1, paid.segments + 1)
            self._apply(doubts=[(message_id, n, NOW_MS, "lost", "", 0) for n in parts])
            if held:  # a person gives it up
                self._end(message_id, 4, decisions=[(message_id, "drop", NOW_MS)])

    def cancel(self) -> None:
        message_id = self._some(sent=False)
        if message_id is not None and not self.live[message_id].doubtful:
            name = self.live[message_id].name
            self._end(message_id, 4, cancels=[(name, message_id, "", "", "", NOW_MS)])

    def replace(self) -> None:
        message_id = self._some(sent=self.random.random() < 0.2)
        if message_id is None:
            return
        paid = self.live[message_id]
        segments = self.random.randint(1, 3)
        charge = self.ledger.charge(paid.name, self.random.choice(NUMBERS[:2]), segments)
        if isinstance(charge, Refusal):
            return
        row = (paid.name, message_id, b"text", segments, 0, 0, -1, 0, "", 1, NOW_MS)
        recharges = [(0, message_id, charge.purse.name, charge.amount)] if charge is not None else []
        (done,) = self._apply(replacements=[row], recharges=recharges).replaced
        assert done == (not paid.sent and not paid.doubtful)
        if done:
            paid.segments = segments
        if done and charge is not None and paid.amount:
            self.expected[paid.payer] += paid.amount - charge.amount
            paid.amount = charge.amount

    def restart(self) -> None:
        """What was not committed is gone, and its sender was told nothing."""
        for message_id in [n for n, paid in self.live.items() if not paid.stored]:
            self._forget(message_id)
        for message_id, paid in list(self.live.items()):
            if paid.sent and not paid.taken:
                held = paid.doubtful
                paid.doubtful, paid.sent = True, False
                if held:
                    paid.sent = True
                    del self.live[message_id]  # a person decides; nobody does here
        self.engine.restart(NOW_MS)
        self._start()

    # -- what always holds -------------------------------------------------------------------------------

    def look(self) -> None:
        for name, amount in self.expected.items():
            assert self.ledger.purse(name).balance == amount
            assert amount >= LOWEST[name]
        if not self.journal.batch.charges:
            stored = {row["account"]: row["amount"] for row in self.engine.rows("balance")}
            assert {name: stored.get(name, 0) for name in self.expected} == self.expected

    def step(self) -> None:
        steps: dict[Callable[[], None], int] = {
            self.credit: 2,
            self.accept: 6,
            self.commit: 6,
            self.send: 3,
            self.take: 4,
            self.tell: 3,
            self.fail: 2,
            self.doubt: 1,
            self.cancel: 1,
            self.replace: 2,
            self.restart: 1,
        }
        (chosen,) = self.random.choices(list(steps), weights=list(steps.values()))
        chosen()


@pytest.mark.parametrize("seed", range(12))
def test_balances_add_up(seed: int, tmp_path: Path) -> None:
    walk = Walk(tmp_path, seed)
    for _ in range(150):
        walk.step()
        walk.look()
    walk.engine.close()
