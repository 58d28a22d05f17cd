"""GET /v1/account and /v1/incoming: what an account has, may and has used, and the SMS that came to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from gateway.api.queries import Query
from gateway.api.states import ENDED, time_text
from gateway.core.accounts import Account
from gateway.core.prices import amount_text
from gateway.front.desk import Desk
from gateway.translate.stored_text import readable

LIMIT, LIMIT_MAX = 100, 1000
_DAY_MS = 86_400_000
_NEWEST = (1 << 63) - 1


async def overview(desk: Desk, account: Account) -> dict[str, Any]:
    """Balance, limits and usage; days and months are those of UTC, as statistics count them."""
    config = account.config
    now_ms = desk.clock.now_ms()
    today = now_ms // _DAY_MS
    month = today - datetime.fromtimestamp(now_ms / 1000, UTC).day + 1
    limits = config.limits
    plan = desk.submission.ledger.plans.get(account.name)
    return {
        "account": account.name,
        "balance": None if plan is None else amount_text(plan.purse.balance),
        "credit": None if plan is None else amount_text(plan.purse.credit),
        "currency": None if plan is None else plan.prices.currency,
        "test_mode": config.test_mode,
        "open_messages": account.open_messages,
        "limits": {
            "open_messages": config.max_open,
            "parts_per_second": config.rate or None,
            "parts_per_message": config.max_segments,
            "messages_per_day": limits.per_day or None,
            "messages_per_number_per_day": limits.per_number or None,
        },
        "usage": {
            "today": _usage(await desk.rows("v1_usage", (today, today, account.name))),
            "month": _usage(await desk.rows("v1_usage", (month, today, account.name))),
        },
    }


def _usage(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of messages that have ended."""
    return {
        "messages": sum(row["messages"] for row in rows),
        "parts": sum(row["parts"] for row in rows),
        "cost": amount_text(sum(row["cost"] for row in rows)),
        "states": {ENDED.get(row["state"], "unknown"): row["messages"] for row in rows},
    }


async def incoming(desk: Desk, account: Account, query: Query) -> dict[str, Any]:
    """Incoming SMS, the oldest first, and `next`: what to give as `after` to hear of those that come then."""
    after = query.number("after", 0, 0, _NEWEST)
    limit = query.number("limit", LIMIT, 1, LIMIT_MAX)
    query.end()
    rows = await desk.rows("v1_incoming", (account.name, after, limit))
    return {
        "incoming": [_shown(row) for row in rows],
        "next": str(rows[-1]["inbox_id"] if rows else after),
    }


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": str(row["inbox_id"]),
        "from": row["phone"],
        "to": row["own_number"],
        "text": readable(row["esm_class"], row["data_coding"], bytes(row["user_data"])),
        "received_at": time_text(row["received_ms"]),
        "answers": row["answers"] or None,
    }
