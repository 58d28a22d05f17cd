"""What a message would cost, without taking or counting anything of it."""

from __future__ import annotations

from typing import NamedTuple

from gateway.core.accounts import Account
from gateway.core.errors import Refusal
from gateway.core.model import Draft
from gateway.core.submission import Submission


class Quote(NamedTuple):
    """So many segments, as its route writes it, for so many millionths of its payer's currency."""

    segments: int
    cost: int


def quote(
    submission: Submission, account: Account, draft: Draft, now_ms: int, origin: int
) -> Quote | Refusal:
    """The price, or why the message would be refused whatever the balance and the counts of the day are."""
    rules, router = account.rules, submission.router
    if rules is not None:
        draft = rules.prepare(draft)
    route = router.find(account, draft, origin, now_ms)
    if route is not None and route.changes:
        written = router.written(draft, route, now_ms)
        if isinstance(written, Refusal):
            return written
        draft = written
    if account.sources and draft.source not in account.sources:
        return Refusal.SOURCE
    if draft.segments > account.config.max_segments:
        return Refusal.TOO_LONG
    if route is None or route.refuse:
        return Refusal.NO_ROUTE if route is None else Refusal.ROUTE
    if submission.denied is not None and submission.is_denied(submission.denied, draft):
        return Refusal.DENIED
    digits = router.digits_up(draft)
    refusal = rules.forbids(digits) if rules is not None else None
    if refusal is not None:
        return refusal
    plan = submission.ledger.plans.get(account.name)
    if plan is None:
        return Quote(draft.segments, 0)
    price = plan.prices.find(digits)
    return Refusal.NO_PRICE if price is None else Quote(draft.segments, price * draft.segments)
