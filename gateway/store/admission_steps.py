"""What nodes on one store share is decided here, in the transaction that accepts: money, counts of the day,
texts that repeat, floods (Batch.conditions).  Only where the database is shared.

All that the conditions of a batch are about is read and locked by a statement of each kind, in one order
(balances, counts, what was sent a moment ago, each by its key), so nodes wait for each other and never in a
circle.  Then the messages are looked at one after the other, as they came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from gateway.core.api import ApiFlag
from gateway.core.batch import Answer, Batch, Row, with_late
from gateway.core.errors import Refusal
from gateway.core.model import Message, MessageState
from gateway.store.api_steps import KEY_MS, OF_MESSAGES
from gateway.store.mail_steps import KEY_MS as MAIL_KEY_MS
from gateway.store.steps import Many, Run

_BY_KIND = (Refusal.PER_DAY, Refusal.PER_NUMBER, Refusal.PER_TEXT, Refusal.PER_ADDRESS)
"""What refuses when a count is full, by gateway.core.day_counts.Kind, which begins with 1."""
_COST, _FLAGS = 7, 9
"""Of a row of Batch.api_messages."""
_JSON = ApiFlag.JSON.value
_REJECTED = MessageState.REJECTED.value
_MONEY, _MOVE, _REPLACE, _COUNT, _RECENT = "money", "move", "replace", "count", "recent"
ABOUT_MONEY = (_MONEY, _MOVE, _REPLACE)


def key_of(condition: Row) -> Row:
    """What a condition is about."""
    kind, _, _, *what = condition
    if kind in ABOUT_MONEY:
        return _MONEY, what[0]
    if kind == _COUNT:
        return _COUNT, *what[:4]
    return _RECENT, what[0], what[1]


def judged(condition: Row, value: Any) -> Any:
    """How it stands after the message; a Refusal if the condition does not hold.

    The value is money left, times counted, or (times, when last, until when that matters) of what was sent.
    """
    kind, _, _, *what = condition
    if kind in ABOUT_MONEY:
        _, amount, floor, *_ = what
        return Refusal.BALANCE if value - amount < floor else value - amount
    if kind == _COUNT:
        return _BY_KIND[what[2] - 1] if value >= what[-1] else value + 1
    times, at_ms, _ = value
    if kind == "repeat":
        _, _, within_ms, now_ms = what
        if times and now_ms - at_ms < within_ms:
            return Refusal.REPEATED
        return 1, now_ms, now_ms + within_ms
    _, _, most, gap_ms, now_ms = what
    length = times if now_ms - at_ms < gap_ms else 0
    return Refusal.FLOOD if length >= most else (length + 1, now_ms, now_ms + gap_ms)


def decide(conditions: Iterable[Row], standing: dict[Row, Any]) -> Refusal | None:
    """Whether messages that are taken together may be; only then they change how things stand."""
    changed: dict[Row, Any] = {}
    for condition in conditions:
        key = key_of(condition)
        after = judged(condition, changed[key] if key in changed else standing[key])
        if isinstance(after, Refusal):
            return after
        changed[key] = after
    standing.update(changed)
    return None


def without(batch: Batch, late: dict[int, str]) -> Batch:
    """The batch without the messages that were refused; of those that came over HTTP it is registered."""
    lists: dict[str, list[Row]] = {
        name: [row for row in getattr(batch, name) if row[column] not in late]
        for name, column in OF_MESSAGES.items()
    }
    left = {row[1] for row in lists["mail_recipients"]}
    emptied = {row[1] for row in batch.mail_recipients if row[0] in late} - left
    lists["mails"] = [row for row in batch.mails if row[0] not in emptied]
    shown = [row for row in batch.api_messages if row[0] in late and not row[_FLAGS] & _JSON]
    lists["api_messages"] += [(*row[:_COST], 0, *row[_COST + 1 :]) for row in shown]
    known = {row[0] for row in shown}
    lists["registered"] += [_registered(row, late) for row in batch.accepted if row[0] in known]
    lists["request_keys"] = [_request(row, late) for row in batch.request_keys]
    refused = [row for row in batch.conditions if row[1] in late]
    moves, kept_as_it_is = _moves(refused), _places(refused, _REPLACE)
    lists["credits"] = [row for place, row in enumerate(batch.credits) if place not in moves]
    lists["replacements"] = [
        (row[0], 0, *row[2:]) if place in kept_as_it_is else row  # no message has this id
        for place, row in enumerate(batch.replacements)
    ]
    return replace(batch, **lists)


def _places(conditions: Iterable[Row], kind: str) -> set[int]:
    return {row[-1] for row in conditions if row[0] == kind}


def _moves(conditions: Iterable[Row]) -> set[int]:
    """The places among `credits` of money that is moved."""
    return {place for first in _places(conditions, _MOVE) for place in (first, first + 1)}


def _registered(accepted: Row, late: dict[int, str]) -> Row:
    """A row of Batch.registered in the place of one of Batch.accepted."""
    one = Message._make(accepted[:-1])
    head = (one.message_id, one.account, one.accepted_ms, one.source, one.destination, one.segments)
    text = (one.esm_class, one.data_coding, one.user_data)
    return (*head, _REJECTED, late[one.message_id], "", one.client_id, *text)


def _request(row: Row, late: dict[int, str]) -> Row:
    """A row of Batch.request_keys; of one of which nothing is left nothing is kept, but it has its place."""
    account, key, digest, at_ms, answer, ids = row
    refused = [(message_id, late[message_id]) for message_id in ids if message_id in late]
    if not refused:
        return row
    kept = tuple(message_id for message_id in ids if message_id not in late)
    return account, key, digest if kept else b"", at_ms, with_late(answer, refused), kept


class AdmissionSteps:
    """Part of the Applier; `run` and `many` run the named statements in its transaction."""

    def __init__(self, run: Run, many: Many) -> None:
        self._run = run
        self._many = many

    def apply(self, batch: Batch, answer: Answer) -> Batch:
        """A batch in the place of this one, which stays as it is: without what cannot be taken, and without
        `counted`, which is stored already.  Locks all balances that it changes."""
        again = self._known(batch) if batch.conditions else set()
        conditions = [row for row in batch.conditions if row[1] not in again]
        standing: dict[Row, Any] = self._money(batch, conditions)
        standing.update(self._counts(batch, conditions))
        recent = {key for row in conditions if (key := key_of(row))[0] == _RECENT}
        standing.update(self._recent(recent))
        late: dict[int, str] = {}
        full: set[Row] = set()
        for _, rows in groupby(conditions, lambda row: row[2]):
            together = list(rows)
            why = decide(together, standing)
            if why is not None:
                late.update((row[1], why.value) for row in together)
                full.update(row[3:7] for row in together if row[0] == _COUNT)
        self._keep(standing, recent, [row for row in conditions if row[0] == _COUNT and row[1] in late])
        answer.refused_late = list(late.items())
        answer.counts = [(*key[:2], key[3], standing[_COUNT, *key]) for key in full]
        return replace(without(batch, late) if late else batch, counted=[])

    def _known(self, batch: Batch) -> set[int]:
        """Messages of requests and mails that came before: they are left out anyway, and not refused."""
        known: set[int] = set()
        if batch.request_keys:
            rows = [(account, key, at_ms - KEY_MS) for account, key, _, at_ms, *_ in batch.request_keys]
            found = {tuple(row) for row in self._many("known_keys", rows)}
            known.update(*(row[-1] for row in batch.request_keys if row[:2] in found))
        mails = [(row[0], row[1], row[3] - MAIL_KEY_MS) for row in batch.mails if row[1] is not None]
        if mails:
            found_mails = {row[0] for row in self._many("known_mails", mails)}
            known.update(row[0] for row in batch.mail_recipients if row[1] in found_mails)
        return known

    def _money(self, batch: Batch, conditions: Sequence[Row]) -> dict[Row, int]:
        """What is left of each balance that the batch changes, less what it takes in any case."""
        judged_here = {row[1] for row in conditions if row[0] == _MONEY}
        taken: Counter[str] = Counter()
        for message_id, payer, amount, _ in batch.charges:
            taken[payer] += 0 if message_id in judged_here else amount
        moves = _moves(conditions)
        for place, (account, amount, *_) in enumerate(batch.credits):
            taken[account] += 0 if place in moves else max(0, -amount)
        replaced = _places(conditions, _REPLACE)
        for place, _, payer, amount in batch.recharges:
            taken[payer] += 0 if place in replaced else amount
        left = self._locked(taken) if taken else {}
        return {(_MONEY, payer): amount - taken[payer] for payer, amount in left.items()}

    def _locked(self, payers: Iterable[str]) -> dict[str, int]:
        payers = list(payers)
        rows = self._many("lock_balances", ((payer,) for payer in payers)).fetchall()
        if len(rows) < len(payers):
            self._many("open_balances", ((payer,) for payer in payers))
            rows = self._many("lock_balances", ((payer,) for payer in payers)).fetchall()
        left = {payer: amount for payer, amount, _ in rows}
        left.update(self._many("fold_refunds", [row[:1] for row in rows if row[2]]).fetchall())
        return left

    def _counts(self, batch: Batch, conditions: Iterable[Row]) -> dict[Row, int]:
        """Counts what the batch counts; how often that was without what is looked at now."""
        times: Counter[Row] = Counter()
        for row in batch.counted:
            times[row[:-1]] += row[-1]
        if not times:
            return {}
        found = self._many("count_all", [(*key, count) for key, count in times.items()]).fetchall()
        here = Counter(row[3:7] for row in conditions if row[0] == _COUNT)
        return {(_COUNT, *row[:4]): row[4] - here[tuple(row[:4])] for row in found}

    def _recent(self, keys: Iterable[Row]) -> dict[Row, Row]:
        found = self._many("lock_recent", [key[1:] for key in keys]).fetchall()
        return {(_RECENT, account, key): (times, at_ms, 0) for account, key, times, at_ms in found}

    def _keep(self, standing: dict[Row, Any], recent: Iterable[Row], uncounted: Iterable[Row]) -> None:
        changed = [(*key[1:], *standing[key]) for key in recent]
        self._many("set_recent", [row for row in changed if row[-1]])  # 0: it is as it was
        times = Counter(row[3:7] for row in uncounted)
        self._many("count_all", [(*key, -count) for key, count in times.items()])
