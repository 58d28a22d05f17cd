"""What the store answers goes to whom it concerns, in an order that some of them rely on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.connectors import hand_over, put_back
from gateway.core.batch import Answer, Batch, Row, not_kept
from gateway.core.conditions import NOTHING_LATE, refused_late
from gateway.core.model import Delivery
from gateway.core.receipts import results
from protocols.smpp.constants import ESM_CLASS_TYPE_SMSC_DELIVERY_RECEIPT

if TYPE_CHECKING:
    from gateway.daemon import Daemon

NOTHING: frozenset[int] = frozenset()
_ESM_CLASS, _ACCEPTED_MS, _DONE_MS = map(Delivery._fields.index, ("esm_class", "accepted_ms", "done_ms"))
_RECEIPT = ESM_CLASS_TYPE_SMSC_DELIVERY_RECEIPT
"""The esm_class of a final receipt; notices have others."""


def hand_out(daemon: Daemon, batch: Batch, answer: Answer) -> None:
    """Hands what followed from a commit to whom it concerns; the batch's callbacks come after it."""
    again = answer.repeated or answer.keys_known
    daemon.submission.not_kept = not_kept(batch, answer) if again else NOTHING
    late = refused_late(answer.refused_late) if answer.refused_late else NOTHING_LATE
    daemon.submission.refused_late = late
    _tell_sides(daemon, batch, answer, daemon.submission.not_kept.union(late))
    _tell_accounts(daemon, batch, answer)
    if daemon.cluster is not None:
        daemon.cluster.store_says(batch, answer)
    _tell_connectors(daemon, answer)
    if answer.counts:
        # After the batch's callbacks, which take back what this node has counted of the same.
        asyncio.get_running_loop().call_soon(daemon.admission.counted_elsewhere, answer.counts)
    if answer.fetched or answer.deliveries:
        # After the batch's callbacks: clients hear of a message's id before they hear of its end.
        asyncio.get_running_loop().call_soon(_bring_down, daemon, answer)


def _tell_sides(daemon: Daemon, batch: Batch, answer: Answer, not_written: frozenset[int]) -> None:
    if daemon.mail is not None:
        daemon.mail.store_says(batch, answer)
    daemon.http.store_says(batch, answer, not_written)
    if answer.open_sends or answer.unfinished:
        daemon.services.store_says(answer)
    if daemon.changes is not None and answer.changes:
        daemon.changes.heard(answer.changes)
    if answer.refunds or answer.unfinished or answer.balances:
        daemon.money.store_says(batch, answer)


def _tell_accounts(daemon: Daemon, batch: Batch, answer: Answer) -> None:
    """What has come of their messages."""
    if batch.receipts:
        results(daemon.receipts, batch.receipts, answer.results)
    for account, number in answer.stopped:
        daemon.incoming.stop_words.stopped(account, number)
    for message_id, *receipt in answer.unparked:
        if receipt[0] in daemon.receipts:
            daemon.receipts[receipt[0]].found_later(tuple(receipt), message_id)
    for account, count in answer.ended:
        daemon.submission.ended(daemon.accounts.get(account), count)
        if account in daemon.open_of_others:
            daemon.open_of_others[account] -= count
    now_ms = daemon.clock.now_ms()
    for message_id, state in answer.expired:
        daemon.events.ended(message_id, state, "time is over", now_ms)


def _tell_connectors(daemon: Daemon, answer: Answer) -> None:
    """What there is to send."""
    for connector, more in answer.moved:
        if connector in daemon.upstreams:
            daemon.upstreams[connector].moved(more=more)
        elif more:
            hand_over(daemon, connector)
    if answer.sweep_again:
        daemon.sweep_soon()
    for connector, due_ms in answer.queued:
        if connector in daemon.upstreams:
            daemon.upstreams[connector].queued(due_ms)
        else:
            hand_over(daemon, connector)  # a reload took it away while this was under way
    for connector, rows, next_due_ms in answer.claimed:
        if connector in daemon.upstreams:
            daemon.upstreams[connector].claimed(rows, next_due_ms)
        else:
            put_back(daemon, connector, rows)


def _bring_down(daemon: Daemon, answer: Answer) -> None:
    for account, rows, more in answer.fetched:
        if account in daemon.outlets:
            daemon.outlets[account].fetched(rows, more)
    _offer(daemon, answer.deliveries)


def _offer(daemon: Daemon, rows: list[Row]) -> None:
    outlets = daemon.outlets
    touched = set()
    for row in rows:
        delivery = Delivery._make(row)
        outlet = outlets.get(delivery.account)
        if outlet is not None:
            outlet.offer(delivery)
            touched.add(outlet)
    for outlet in touched:
        outlet.pump()
    # how long ago they were accepted when they ended
    taken = [(row[_ACCEPTED_MS] - row[_DONE_MS]) / 1000 for row in rows if row[_ESM_CLASS] == _RECEIPT]
    daemon.end_s.observe_since(taken, 0.0)
