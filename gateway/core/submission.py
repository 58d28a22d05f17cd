"""Taking responsibility for a message: the checks, the route, and the row that makes it durable.

`accept` decides at once and appends to the batch that is gathering; nothing is promised to the sender until
that batch is committed.  Where the connector has room right now, the same commit carries the intent to
send, so a message costs one commit on its way up instead of two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from gateway.core.accounts import Account
from gateway.core.admission import Counted
from gateway.core.batch import Journal
from gateway.core.conditions import NOTHING_LATE, conditions_of
from gateway.core.errors import Refusal
from gateway.core.events import Events
from gateway.core.ledger import Charge, Ledger
from gateway.core.message_ids import MessageIds
from gateway.core.model import Draft, Message, Origin, Progress, Wish
from gateway.core.router import Router
from gateway.core.routing import Prefixes, Route
from gateway.core.sandbox import in_sandbox
from gateway.core.sent_as import parse
from gateway.core.upstream import Upstream
from protocols.sms.addresses import digits_of

_MESSAGE_PART = Draft._fields.index("segments")
_BY_SESSION = Origin.SESSION.value
_REPLACE = Wish.REPLACE.value
_CHARGED = Wish.CHARGED.value
_QUEUED, _STRAIGHT, _GATHERED = Progress.QUEUED.value, Progress.SENT.value, Progress.GATHERED.value
MOST_URGENT = 3
"""The highest priority_flag (SMPP v3.4 §5.2.14)."""
_Taken = tuple[Account, Message, Upstream, int, Counted | None]
"""The fourth: the Progress it was stored with."""


OF_ALL = frozenset({Refusal.STORE, Refusal.STOPPING, Refusal.QUEUE_FULL, Refusal.RATE, Refusal.BALANCE})
"""Reasons that are not about one message: of those that come in one request they refuse all."""


class Accepted(NamedTuple):
    """A message that was taken, and what it costs its payer (millionths of the currency)."""

    message: Message
    cost: int


_Decided = tuple[Draft, Route, Counted | None, Charge | None]
"""A message that nothing is wrong with: what is taken, and what is taken back should it not be."""


class Submission:
    """Accepts messages for all ingresses."""

    def __init__(
        self,
        journal: Journal,
        ids: MessageIds,
        router: Router,
        events: Events,
        *,
        max_messages: int,
        default_validity_ms: int,
    ) -> None:
        self.journal = journal
        self.ids = ids
        self.router = router
        self.events = events
        self.max_messages = max_messages
        self.default_validity_ms = default_validity_ms
        self.open_messages = 0
        self.accepted = 0
        self.refused: dict[Refusal, int] = dict.fromkeys(Refusal, 0)
        self.ledger = Ledger(events)
        self.denied: Prefixes | None = None
        """Numbers that nobody may write to."""
        self.closed_because: Refusal | None = None
        """Set while nothing is taken: the gateway stops, or the disk is nearly full."""
        self.not_kept: frozenset[int] = frozenset()
        """Messages of the batch that was just committed that were left out: a mail that had come before."""
        self.shared = False
        """Other nodes use the store, so it has the last word on money, limits and repeats."""
        self.refused_late: Mapping[int, Refusal] = NOTHING_LATE
        """Messages of the batch that was just committed that it has refused."""
        self._taken: list[_Taken] = []

    def accept(
        self, account: Account, draft: Draft, now: float, now_ms: int, origin: int = _BY_SESSION
    ) -> Message | Refusal:
        """Takes the message into the gathering batch, or says why not.

        The caller ends its chunk of work with `flush`, and answers after the commit.
        """
        decided = self._decide(account, draft, now, now_ms, origin)
        if not isinstance(decided, tuple):  # asked so as it costs least
            refusal = decided
        elif account.bucket.take(decided[0].segments, now):
            return self._take(account, decided, now, now_ms, origin)
        else:
            _take_back(decided)
            refusal = Refusal.RATE
        self.refused[refusal] += 1
        return refusal

    def accept_all(
        self, account: Account, drafts: Sequence[Draft], now: float, now_ms: int, origin: Origin
    ) -> list[Message] | Refusal:
        """The same for messages that are taken together or not at all."""
        room = min(self.max_messages - self.open_messages, account.config.max_open - account.open_messages)
        refusal: Refusal | None = None
        all_decided: list[_Decided] = []
        for draft in drafts:
            decided = self._decide(account, draft, now, now_ms, origin.value)
            if isinstance(decided, Refusal):
                refusal = decided
                break
            all_decided.append(decided)
        if refusal is None and len(drafts) > room:
            refusal = Refusal.QUEUE_FULL
        segments = sum(written.segments for written, *_ in all_decided)
        if refusal is None and not account.bucket.take(segments, now):
            refusal = Refusal.RATE
        if refusal is not None:
            for decided in reversed(all_decided):
                _take_back(decided)
            self.refused[refusal] += 1
            return refusal
        messages: list[Message] = []
        for decided in all_decided:
            group = messages[0].message_id if messages else 0
            messages.append(self._take(account, decided, now, now_ms, origin.value, group))
        return messages

    def accept_each(
        self, account: Account, drafts: Sequence[Draft], now: float, now_ms: int, origin: Origin
    ) -> list[Accepted | Refusal] | Refusal:
        """The same for messages of which each is taken or refused by itself.

        One Refusal of OF_ALL for all: nothing is taken then.
        """
        decided: list[_Decided | Refusal] = []
        room = min(self.max_messages - self.open_messages, account.config.max_open - account.open_messages)
        refusal: Refusal | None = None
        for draft in drafts:
            one = self._decide(account, draft, now, now_ms, origin.value)
            decided.append(one)
            if isinstance(one, Refusal):
                if one in OF_ALL:
                    refusal = one
                    break
                continue
            room -= 1
        good = [one for one in decided if not isinstance(one, Refusal)]
        if refusal is None and room < 0:
            refusal = Refusal.QUEUE_FULL
        if refusal is None and good:
            segments = sum(written.segments for written, *_ in good)
            refusal = None if account.bucket.take(segments, now) else Refusal.RATE
        if refusal is not None:
            for taken in reversed(good):
                _take_back(taken)
            self.refused[refusal] += 1
            return refusal
        return [self._take_or_count(account, one, now, now_ms, origin.value) for one in decided]

    def _take_or_count(
        self, account: Account, decided: _Decided | Refusal, now: float, now_ms: int, origin: int
    ) -> Accepted | Refusal:
        if isinstance(decided, Refusal):
            self.refused[decided] += 1
            return decided
        charge = decided[-1]
        message = self._take(account, decided, now, now_ms, origin)
        return Accepted(message, 0 if charge is None else charge.amount)

    def _decide(
        self, account: Account, draft: Draft, now: float, now_ms: int, origin: int
    ) -> _Decided | Refusal:
        """All about a message but the rate; what is counted here is taken back if it goes no further."""
        rules = account.rules
        if rules is not None:
            draft = rules.prepare(draft)
        route = self.router.find(account, draft, origin, now_ms)
        if route is not None and route.changes:
            written = self.router.written(draft, route, now_ms)
            if isinstance(written, Refusal):
                return written
            draft = written
        refusal = self._check(account, draft, now_ms)
        if refusal is not None:
            return refusal
        if route is None or route.refuse:
            return Refusal.NO_ROUTE if route is None else Refusal.ROUTE
        if account.config.test_mode:
            route = in_sandbox(route)
        counted = None
        if rules is not None:
            admitted = rules.admit(draft, now, now_ms)
            if isinstance(admitted, Refusal):
                return admitted
            draft, counted = admitted
        if not self.ledger.plans:
            return draft, route, counted, None
        charge = self.charge(account, draft)
        if isinstance(charge, Refusal):
            _take_back((draft, route, counted, None))
            return charge
        return draft, route, counted, charge

    def charge(self, account: Account, draft: Draft) -> Charge | Refusal | None:
        """Takes what a message costs as its route has written it; None: it costs nothing."""
        return self.ledger.charge(account.name, self.router.digits_up(draft), draft.segments)

    def _take(
        self, account: Account, decided: _Decided, now: float, now_ms: int, origin: int, group: int = 0
    ) -> Message:
        """`group`: the first message of those that are taken together or not at all, if it is another one."""
        draft, route, counted, charge = decided
        message_id = self.ids.next(now_ms)
        flags = draft.flags | route.flags | account.flags
        if charge is not None:
            flags |= _CHARGED
            self.journal.batch.charges.append(self.ledger.accepted(message_id, charge))
        if self.shared:
            rows = conditions_of(message_id, group, account, counted, charge, now_ms)
            self.journal.batch.conditions.extend(rows)
        upstream, alternatives = self.router.choose(route, draft, message_id)
        if draft.tlvs and route.passing is not None:
            draft = draft._replace(tlvs=route.passing(draft.tlvs))
        # What is due before 1970 leaves the queue before what is due at once.
        due_ms = draft.due_ms
        if draft.priority and not due_ms:
            due_ms = -min(draft.priority, MOST_URGENT)
        if upstream.sender_rate:
            # 0: it need not wait, and stays before others by its priority
            source = parse(draft.sent_as).source if draft.sent_as else draft.source
            due_ms = max(due_ms, upstream.paced(source, draft.segments, now_ms) or due_ms)
        message = Message._make(
            (
                message_id,
                account.name,
                now_ms,
                *draft[:_MESSAGE_PART],
                # a service gets it whole by its claim: until then another connector may have to take it
                1 if upstream.whole and not upstream.service else draft.segments,
                upstream.name,
                alternatives,
                route.ambiguous[upstream.name],
                due_ms,
                draft.expires_ms or max(now_ms, due_ms) + self.default_validity_ms,
                draft.validity_period,
                0,
                origin,
                flags,
                route.name,
                draft.client_id,
                draft.sent_as,
            )
        )
        if counted is not None:
            self.journal.batch.counted.extend(counted.rows)
        if draft.part is None:
            self._record(account, message, upstream, now, now_ms, counted)
        elif route.whole or upstream.service:
            self._gather(account, message, upstream, draft.part, counted)
        else:
            self._record(account, message, upstream, now, now_ms, counted)
            return message  # it must not replace the segments before it
        if draft.flags and draft.flags & _REPLACE:
            self.journal.batch.replaced_by.append(
                (
                    message.message_id,
                    account.name,
                    draft.source,
                    draft.destination,
                    draft.service_type,
                    now_ms,
                )
            )
        return message

    def _check(self, account: Account, draft: Draft, now_ms: int) -> Refusal | None:
        if self.closed_because is not None:
            return self.closed_because
        if self.journal.error:
            return Refusal.STORE
        if self.open_messages >= self.max_messages or account.open_messages >= account.config.max_open:
            return Refusal.QUEUE_FULL
        if account.sources and draft.source not in account.sources:
            return Refusal.SOURCE
        if draft.segments > account.config.max_segments:
            return Refusal.TOO_LONG
        if draft.expires_ms and draft.expires_ms <= now_ms:
            return Refusal.VALIDITY
        if self.denied is not None and self.is_denied(self.denied, draft):
            return Refusal.DENIED
        return None

    def is_denied(self, denied: Prefixes, draft: Draft) -> bool:
        """Whether nobody may write to the number that came, or to the one that its route has made of it."""
        if denied.fit(digits_of(draft.destination, draft.destination_ton)):
            return True
        return bool(draft.sent_as) and denied.fit(self.router.digits_up(draft))

    def _record(
        self,
        account: Account,
        message: Message,
        upstream: Upstream,
        now: float,
        now_ms: int,
        counted: Counted | None,
    ) -> None:
        batch = self.journal.batch
        straight = message.due_ms <= now_ms and upstream.reserve(message.segments, now)
        if straight:
            batch.accepted.append((*message, _STRAIGHT))
            if message.segments == 1:
                batch.intents.append((message.message_id, 1, upstream.name, now_ms))
            else:
                batch.intents.extend(
                    (message.message_id, n, upstream.name, now_ms) for n in range(1, message.segments + 1)
                )
        else:
            batch.accepted.append((*message, _QUEUED))
            if message.due_ms <= message.accepted_ms:
                upstream.join(message.segments)
        account.open_messages += 1
        self.open_messages += 1
        self._taken.append((account, message, upstream, _STRAIGHT if straight else _QUEUED, counted))

    def _gather(
        self,
        account: Account,
        message: Message,
        upstream: Upstream,
        part: tuple[int, int, int],
        counted: Counted | None,
    ) -> None:
        """A segment that the sender made itself waits in the store for the others."""
        batch = self.journal.batch
        if upstream.whole and not upstream.service:
            message = message._replace(flags=message.flags | Wish.ONE_PDU.value)
        batch.accepted.append((*message, _GATHERED))
        batch.parts.append(
            (
                message.message_id,
                account.name,
                message.source,
                message.destination,
                *part,
                message.accepted_ms,
            )
        )
        account.open_messages += 1
        self.open_messages += 1
        self._taken.append((account, message, upstream, _GATHERED, counted))

    def flush(self) -> None:
        """Ends a chunk of work: what it accepted goes up when it is durable."""
        if self._taken:
            taken, self._taken = self._taken, []
            self.journal.then(lambda ok: self._committed(taken, ok))

    def _committed(self, taken: list[_Taken], ok: bool) -> None:
        if not ok:
            self._forget(taken, stored=False)
            return
        if self.not_kept:
            self._forget([one for one in taken if one[1].message_id in self.not_kept], stored=True)
            taken = [one for one in taken if one[1].message_id not in self.not_kept]
        if self.refused_late:
            taken = self._without_late(taken, self.refused_late)
        self.accepted += len(taken)
        self.ledger.stored(message.message_id for _, message, *_ in taken)
        log = self.events.accepted if self.events.messages else None
        for account, message, upstream, progress, _ in taken:
            account.accepted += 1
            if log is not None:
                log(message, message.accepted_ms)
            if progress == _STRAIGHT:
                upstream.send(message, range(1, message.segments + 1))
            elif progress == _QUEUED:
                if message.due_ms <= message.accepted_ms:
                    upstream.joined(ok=True)
                else:
                    upstream.queued(message.due_ms)

    def _without_late(self, taken: list[_Taken], late: Mapping[int, Refusal]) -> list[_Taken]:
        """Those that the store has not refused; the others are given up as if they had never been taken."""
        refused = [one for one in taken if one[1].message_id in late]
        self._forget(refused, stored=False)
        for _, message, *_ in refused:
            self.refused[late[message.message_id]] += 1
        return [one for one in taken if one[1].message_id not in late]

    def _forget(self, taken: Iterable[_Taken], *, stored: bool) -> None:
        """Messages that were not kept give back their slots, and their counts, which may be `stored`."""
        for account, message, upstream, progress, counted in taken:
            self.ended(account, 1)
            if message.flags & _CHARGED:
                self.ledger.not_stored(message.message_id)
            if counted is not None:
                rows = counted.take_back()
                if stored:
                    self.journal.batch.counted.extend(rows)
                    self.journal.wake()
            if progress == _STRAIGHT:
                upstream.release(message.segments)
            elif progress == _QUEUED and message.due_ms <= message.accepted_ms:
                upstream.joined(ok=False)

    def ended(self, account: Account | None, count: int) -> None:
        """Messages of an account (None: one that is no longer configured) have ended."""
        self.open_messages -= count
        if account is not None:
            account.open_messages -= count
            if self.shared:  # one that another node has accepted since they were counted
                account.open_messages = max(0, account.open_messages)
        if self.shared:
            self.open_messages = max(0, self.open_messages)


def _take_back(decided: _Decided) -> None:
    """The message is not taken after all."""
    _, _, counted, charge = decided
    if counted is not None:
        counted.take_back()
    if charge is not None:
        charge.take_back()
