"""What an accepted message hangs on that other nodes change too (Batch.conditions).

Each node's memory is the first filter and refuses what cannot be; where several nodes share a store, that
one decides, in the transaction that accepts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from gateway.core.accounts import Account, family_of
from gateway.core.admission import Counted
from gateway.core.batch import Batch, Row
from gateway.core.errors import Refusal
from gateway.core.ledger import Charge

if TYPE_CHECKING:
    from gateway.core.submission import Submission

NOTHING_LATE: Mapping[int, Refusal] = {}


def conditions_of(
    message_id: int, group: int, account: Account, counted: Counted | None, charge: Charge | None, now_ms: int
) -> Iterator[Row]:
    """The rows of one message, in the order in which this node's memory has looked at the same; `group`: the
    first of those that are taken together, 0: it is alone."""
    group = group or message_id
    if counted is not None and account.rules is not None:
        repeats, floods = counted.repeats, counted.floods
        if repeats is not None:
            within_ms = round(repeats.within_s * 1000)
            yield "repeat", message_id, group, account.name, counted.repeat_key, within_ms, now_ms
        if floods is not None:
            gap_ms, whose = round(floods.gap_s * 1000), family_of(account)
            yield "flood", message_id, group, whose, counted.flood_key, floods.most, gap_ms, now_ms
        most = {
            (day.counts.account, int(kind)): limit
            for day in account.rules.days
            for kind, limit, _ in day.limits
        }
        for whose, day_number, kind, key, _ in counted.rows:
            yield "count", message_id, group, whose, day_number, kind, key, most[whose, kind]
    if charge is not None:
        yield "money", message_id, group, charge.purse.name, charge.amount, -charge.purse.credit


def ask_for_move(
    submission: Submission, batch: Batch, payer: str, amount: int, floor: int, now_ms: int
) -> int:
    """The two rows of `credits` that come next move what the payer must have where several nodes share the
    store; the id under which it is refused late, 0: it is this node's to say."""
    if not submission.shared:
        return 0
    move_id = submission.ids.next(now_ms)
    batch.conditions.append(("move", move_id, move_id, payer, amount, floor, len(batch.credits)))
    return move_id


def ask_for_replacement(
    submission: Submission, batch: Batch, charge: Charge, place: int, now_ms: int
) -> None:
    """What the replacement at this place costs must be there where several nodes share the store; else
    nothing is replaced."""
    if submission.shared:
        id, purse = submission.ids.next(now_ms), charge.purse
        row = ("replace", id, id, purse.name, charge.amount, -purse.credit, place)
        batch.conditions.append(row)


def refused_late(rows: Iterable[Row]) -> Mapping[int, Refusal]:
    """Answer.refused_late by message."""
    return {message_id: Refusal(word) for message_id, word in rows}
