"""The steps of a batch that are about money: what messages cost, what comes back, what people put in.

Nothing is refused here: who can pay is known to the gateway (`gateway.core.ledger`), which is the only one
that asks.  Each payer's balance changes once in a batch for all that its messages cost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from gateway.core.batch import Answer, Row
from gateway.store.steps import Many, Run

EARLY_MAX = 10_000
"""So many messages of which not all is answered are remembered."""


class MoneySteps:
    """Part of the Applier; `run` and `many` run the named statements in its transaction."""

    def __init__(self, run: Run, many: Many, *, shared: bool = False) -> None:
        self._run = run
        self._many = many
        self._shared = shared
        self.early: dict[int, list[int]] = {}
        """What went up, and what was charged for: they ended with the SMSC's first "no", and their money came
        back, before it had answered everything.  Answers do not outlive a run, so this need not either."""

    def balances(self) -> list[Row]:
        """What is left of everybody's money: account, millionths."""
        return self._run("list_balances").fetchall()

    def charge(self, charges: list[Row], kept: set[int] | None) -> None:
        """See Batch.charges; `kept`: the messages that are new (None: all), the others cost nothing."""
        rows = charges if kept is None else [row for row in charges if row[0] in kept]
        self._many("insert_charge", rows)
        total: Counter[str] = Counter()
        for _, payer, amount, _ in rows:
            total[payer] -= amount
        self._many("add_to_balance", total.items())

    def credit(self, credits: Iterable[Row]) -> None:
        """See Batch.credits."""
        for account, amount, at_ms, who, note in credits:
            self._run("add_to_balance", (account, amount))
            self._run("insert_balance_change", (account, amount, at_ms, who, note))

    def give_back(self, answer: Answer) -> None:
        """What the messages in temp.ended cost goes back to its payers, where that was agreed on."""
        total: Counter[str] = Counter()
        for payer, amount in self._run("give_back"):
            total[payer] += amount
        if total:
            for sent, charged in self._run("list_early").fetchall():
                self.early.setdefault(sent, []).append(charged)
            while len(self.early) > EARLY_MAX:
                del self.early[next(iter(self.early))]
        self._return(total, answer)

    def taken_after_all(self, sent: Iterable[int]) -> Iterable[Row]:
        """Of these messages the SMSC took something, or may have: what came back `early` is taken again.
        What that is, for `take_again`."""
        charged = {one for first in sent for one in self.early.get(first, ())}
        if self._shared:  # others may have ended some
            return self._many("take_all_again", [(one,) for one in sorted({*charged, *sent})])
        return [(one, *row) for one in charged for row in self._run("take_again", (one,)).fetchall()]

    def take_again(self, taken: Iterable[Row], answer: Answer) -> None:
        """Takes it from its payers: message_id, payer, amount."""
        total: Counter[str] = Counter()
        for message_id, payer, amount in taken:
            self._run("count_again", (message_id, amount))
            total[payer] -= amount
        self._return(total, answer)

    def recharge(self, recharges: Iterable[Row], answer: Answer) -> None:
        """See Batch.recharges."""
        total: Counter[str] = Counter()
        for place, message_id, payer, amount in recharges:
            before = self._run("find_charge", (message_id,)).fetchone() if answer.replaced[place] else None
            self._run("add_to_balance", (payer, -amount))
            if before is None:
                total[payer] += amount
            else:
                self._run("change_charge", (message_id, payer, amount))
                total[before[0]] += before[1]
        self._return(total, answer)

    def _return(self, total: Counter[str], answer: Answer) -> None:
        self._many("return_to_balance", total.items())
        answer.refunds.extend(total.items())

    def sweep(self, history_before_id: int) -> None:
        """What messages have cost that are forgotten now; before they are."""
        self._run("purge_charges", (history_before_id,))
