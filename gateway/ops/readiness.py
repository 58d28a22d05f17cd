"""Whether the gateway accepts messages, for who sends clients here: a load balancer, a supervisor.

A connector that is down is no reason: messages are accepted, and wait.  Clients that were sent elsewhere for
it would meet the same SMSC there; `status` and the alarms are for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.daemon import Daemon

STORE_SLOW_S = 10.0
"""A commit that takes so long: clients have no answer for as long."""


def reasons_of(daemon: Daemon) -> list[str]:
    """Why nothing is accepted; empty: it is."""
    submission, journal = daemon.submission, daemon.journal
    found = []
    if journal.error:
        found.append(f"the store cannot write: {journal.error}")
    elif (waiting_s := journal.waiting_s()) > STORE_SLOW_S:
        found.append(f"the store has not answered for {waiting_s:.0f} s")
    if daemon.is_drained:
        found.append("the node is drained, others take its clients")
    elif submission.closed_because is not None:
        found.append(f"nothing is accepted: {submission.closed_because.value}")
    elif submission.open_messages >= submission.max_messages:
        found.append(f"the queue is full: {submission.open_messages} messages have not ended")
    return found
