"""What an account's messages cost, as the service tells it (SMSC HTTP API, get.php, get_price).

Its zones are the prefixes of the price list; those that only repeat the price of a shorter one are left out.
A segment of any kind costs the same, so the columns are alike.
"""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.core.accounts import Account
from gateway.core.networks import country_name
from gateway.core.prices import PriceTable, amount_text
from gateway.front.desk import BAD_PARAMETERS, ApiProblem, Desk

ZONES_MAX = 5_000
_NUMBER_DIGITS = 11
_known: dict[str, tuple[PriceTable, asyncio.Future[dict[str, Any]]]] = {}
"""By the names of price lists."""


async def price_zones(desk: Desk, account: Account) -> dict[str, Any]:
    """The answer; ApiProblem 1 for an account that pays nothing."""
    plan = desk.submission.ledger.plans.get(account.name)
    if plan is None:
        raise ApiProblem(BAD_PARAMETERS, "this account has no price list: it pays nothing")
    table = plan.prices
    known = _known.get(table.name)
    if known is None or known[0] is not table or not _is_of_use(known[1]):
        # to find out whose thousands of prefixes are takes seconds, for which all others would wait
        making = asyncio.ensure_future(asyncio.to_thread(_zones, table))
        _known[table.name] = known = table, making
    return await asyncio.shield(known[1])


def _is_of_use(made: asyncio.Future[dict[str, Any]]) -> bool:
    """Whether there are zones, or will be."""
    if made.done():
        return not made.cancelled() and made.exception() is None
    return made.get_loop() is asyncio.get_running_loop()


def _zones(table: PriceTable) -> dict[str, Any]:
    prices = dict(table.items())
    zones: list[dict[str, str]] = []
    for prefix in sorted(prices):
        if len(zones) == ZONES_MAX:
            break
        if prices[prefix] != _price_before(prices, prefix):
            cost = amount_text(prices[prefix])
            row = dict.fromkeys(("api", "mass", "mms", "hlr", "call"), cost)
            zones.append({"zone": str(len(zones) + 1), "name": _name(prefix), **row})
    mail = prices.get("")
    return {"zones": zones, "codes": [], "mail": amount_text(mail or 0)}


def _price_before(prices: dict[str, int], prefix: str) -> int | None:
    """What its numbers would cost without this prefix."""
    for length in range(len(prefix) - 1, -1, -1):
        found = prices.get(prefix[:length])
        if found is not None:
            return found
    return None


def _name(prefix: str) -> str:
    """The country, and the digits where that is not all of it."""
    if not prefix:
        return "all others"
    country = country_name(prefix.ljust(_NUMBER_DIGITS, "0"))
    return f"{country} +{prefix}".strip()
