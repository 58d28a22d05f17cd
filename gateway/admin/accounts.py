"""Accounts: their money and what else is true of them now; and a person's change of a balance."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from gateway.admin.commits import CANNOT_WRITE, committed
from gateway.core.accounts import Account
from gateway.core.day_counts import Kind
from gateway.core.ledger import Purse, payer_of
from gateway.core.prices import amount_text, parse_amount
from gateway.ops.control import Handler, Reply, Request
from gateway.store.reader_money import balance_changes
from gateway.store.sqlite_open import FILE_NAME

if TYPE_CHECKING:
    from gateway.daemon import Daemon

CHANGES = 20
"""So many changes of a balance are shown, unless more are asked for."""
CHANGES_MAX = 10_000
WHO_MAX, NOTE_MAX = 64, 200
"""Characters."""


def handlers(daemon: Daemon) -> dict[str, Handler]:
    """What can be asked of accounts."""

    async def accounts(request: Request) -> Reply:
        return {"accounts": [_row(daemon, account) for account in daemon.accounts.values()]}

    async def account(request: Request) -> Reply:
        found = daemon.accounts.get(str(request["account"]))
        if found is None:
            return _unknown(daemon, str(request["account"]))
        limit = min(int(request.get("limit", CHANGES)), CHANGES_MAX)
        path = daemon.state_dir / FILE_NAME
        changes = await asyncio.to_thread(balance_changes, path, found.name, limit)
        amounts = ("amount", "balance")
        for change in changes:
            change.update({name: amount_text(change[name]) for name in amounts})
        return {"account": _details(daemon, found), "changes": changes}

    async def account_credit(request: Request) -> Reply:
        try:
            amount = parse_amount(str(request["amount"]))
        except ValueError as error:
            return {"error": f"amount: {error}"}
        who, note = str(request.get("who", "")), str(request.get("note", ""))
        return await _credit(daemon, str(request["account"]), amount, who[:WHO_MAX], note[:NOTE_MAX])

    return {"accounts": accounts, "account": account, "account_credit": account_credit}


def _unknown(daemon: Daemon, name: str) -> Reply:
    return {"error": f"there is no account {name!r}; there are: {', '.join(daemon.accounts)}"}


async def _credit(daemon: Daemon, name: str, amount: int, who: str, note: str) -> Reply:
    """Changes a balance; it counts when it is committed."""
    account = daemon.accounts.get(name)
    if account is None:
        return _unknown(daemon, name)
    if account.config.balance != "own":
        payer = _payer(daemon, account)
        fix = f"{payer} pays for it" if payer else "write balance: own into its configuration"
        return {"error": f"{name} has no balance of its own; {fix}"}
    daemon.journal.batch.credits.append((name, amount, daemon.clock.now_ms(), who, note))
    if await committed(daemon.journal) is None:
        return CANNOT_WRITE
    ledger = daemon.submission.ledger
    ledger.credited(name, amount)
    balance = amount_text(ledger.purse(name).balance)
    daemon.events.say(
        "info", "balance_changed", account=name, amount=amount_text(amount), balance=balance, who=who or "-"
    )
    return {"account": name, "amount": amount_text(amount), **_money(ledger.purse(name))}


def _payer(daemon: Daemon, account: Account) -> str:
    return payer_of(account.name, {name: one.config for name, one in daemon.accounts.items()})


def _money(purse: Purse) -> dict[str, str]:
    return {
        "balance": amount_text(purse.balance),
        "credit": amount_text(purse.credit),
        "left": amount_text(purse.left),
        "currency": purse.currency,
    }


NO_MONEY = {"balance": None, "credit": None, "left": None, "currency": None}


def _row(daemon: Daemon, account: Account) -> dict[str, Any]:
    """An account in one line; the money is that which pays for it."""
    payer = _payer(daemon, account)
    money = _money(daemon.submission.ledger.purse(payer)) if payer else NO_MONEY
    return {
        "account": account.name,
        "parent": account.config.parent or None,
        "payer": payer or None,
        **money,
        "sessions": account.sessions,
        "open_messages": account.open_messages,
        "state": _state(account),
    }


def _state(account: Account) -> str:
    if account.blocked:
        return "blocked" if account.config.blocked else "blocked by its parent"
    return "test mode" if account.config.test_mode else "open"


def _details(daemon: Daemon, account: Account) -> dict[str, Any]:
    config = account.config
    return {
        **_row(daemon, account),
        "parts": [one.name for one in daemon.accounts.values() if one.config.parent == account.name],
        "prices": config.prices or None,
        "refund": config.refund if _payer(daemon, account) else None,
        "tags": list(config.tags),
        "accepted": account.accepted,
        **_today(daemon, account),
    }


def _today(daemon: Daemon, account: Account) -> dict[str, Any]:
    """What was sent today, where that is limited."""
    for days in account.rules.days if account.rules is not None else ():
        most = next((most for kind, most, _ in days.limits if kind is Kind.DAY), 0)
        if most and days.counts.account == account.name:
            days.counts.turn(daemon.clock.now_ms())
            return {"today": days.counts.of(b""), "per_day": most}
    return {}
