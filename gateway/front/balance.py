"""balance.php: what an account has left (SMSC HTTP API, balance.php)."""

from __future__ import annotations

from gateway.core.accounts import Account
from gateway.core.ledger import Purse
from gateway.core.prices import amount_text
from gateway.front import fields
from gateway.front.desk import BAD_PARAMETERS, ApiProblem, Asked, Desk, Handler, Value

CURRENCY = "RUR"
"""Where a price list says none: the service's own."""


def handlers(desk: Desk) -> dict[str, Handler]:
    """By the name of the operation."""

    async def balance(asked: Asked) -> Value:
        with_currency = fields.flag(asked.params, "cur")
        purse = purse_of(desk, asked.account)
        if purse is None:
            raise ApiProblem(BAD_PARAMETERS, "this account has no balance: it pays nothing")
        found = {"balance": amount_text(purse.balance)}
        if not with_currency:
            return found
        if purse.credit:
            found["credit"] = amount_text(purse.credit)
        return {**found, "currency": purse.currency or CURRENCY}

    return {"balance": balance}


def purse_of(desk: Desk, account: Account) -> Purse | None:
    """What its messages are paid from: its own, or that of an account that it is a part of; None: nothing."""
    seen: set[str] = set()
    while account.config.balance == "parent" and account.name not in seen:
        seen.add(account.name)
        parent = desk.accounts.get(account.config.parent)
        if parent is None:
            return None
        account = parent
    return desk.submission.ledger.purse(account.name) if account.config.balance == "own" else None
