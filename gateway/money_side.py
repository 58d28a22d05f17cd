"""The daemon's part that is about money, and about test mode, which costs none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.config.model import Config
from gateway.core.batch import Answer, Batch
from gateway.core.cluster import DRAINED
from gateway.core.ledger import Ledger
from gateway.core.prices import tables_of
from gateway.core.receipts import ReceiptBook
from gateway.core.upstream import Upstream
from gateway.egress.sandbox import SANDBOX, WINDOW, Sandbox
from gateway.store.journal import Opening
from protocols.sms.receipts import FORMS

if TYPE_CHECKING:
    from gateway.daemon import Daemon

MARK = SANDBOX
"""A mark in the store: 1 while something may have been left in the sandbox."""


class MoneySide:
    """Who pays how, and the sandbox when there is one."""

    def __init__(self, daemon: Daemon, opening: Opening) -> None:
        self._daemon = daemon
        self._waits = any(name == SANDBOX for name, *_ in opening.queued)
        self._left_something = self._waits or bool(opening.marks.get(MARK))
        self.sandbox: Sandbox | None = None
        daemon.submission.ledger = Ledger(daemon.events, opening.balances)
        daemon.submission.ledger.shared = bool(opening.node)

    def configure(self, config: Config) -> None:
        """Takes over a checked configuration, before any account knows of it.

        A sandbox that nobody uses any more stays until the next start, so that what is in it can end.
        """
        is_wanted = self._is_wanted(config)
        if self.sandbox is None and (self._left_something or is_wanted):
            self.sandbox = self._add_sandbox()
        elif is_wanted:  # it may have been found empty before
            self._daemon.journal.batch.marks.append((MARK, 1))
        self._daemon.submission.ledger.configure(config.accounts, tables_of(config.price_lists))

    @staticmethod
    def _is_wanted(config: Config) -> bool:
        return any(account.test_mode for account in config.accounts)

    def _add_sandbox(self) -> Sandbox:
        daemon = self._daemon
        journal, clock = daemon.journal, daemon.clock
        upstream = Upstream(
            SANDBOX,
            window=WINDOW,
            rate=0,
            whole=False,
            journal=journal,
            events=daemon.events,
            clock=clock,
            random=daemon.random,
        )
        upstream.all = daemon.upstreams
        if daemon.is_drained:
            upstream.hold(DRAINED)
        if not self._waits:
            upstream.queue.nothing_waits()
        receipts = ReceiptBook(SANDBOX, journal, daemon.events, forms=FORMS[:1])
        sandbox = Sandbox(upstream, receipts, journal, clock)
        daemon.upstreams[SANDBOX] = upstream
        daemon.receipts[SANDBOX] = receipts
        daemon.connectors[SANDBOX] = sandbox
        journal.batch.marks.append((MARK, 1))
        sandbox.start()
        return sandbox

    def store_says(self, batch: Batch, answer: Answer) -> None:
        """What a commit has given back, and what an earlier run left in the sandbox."""
        daemon = self._daemon
        ledger = daemon.submission.ledger
        if ledger.shared:
            ledger.store_has((row[0] for row in batch.charges), answer.balances)
        else:
            for payer, amount in answer.refunds:
                ledger.given_back(payer, amount)
        for row in answer.unfinished:
            if row[0] == SANDBOX and self.sandbox is not None:
                is_empty = self.sandbox.walked(row)
                if is_empty and not self._waits and not self._is_wanted(daemon.config):
                    daemon.journal.batch.marks.append((MARK, 0))
