"""Accounts: their money and what else is true of them now; and a person's change of a balance."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.admin.commits import CANNOT_WRITE, committed
from gateway.admin.who import who_of
from gateway.core.accounts import Account
from gateway.core.conditions import ask_for_move
from gateway.core.day_counts import Kind
from gateway.core.ledger import Purse, payer_of
from gateway.core.prices import amount_text, parse_amount
from gateway.ops.control import Handler, Reply, Request
from gateway.store.reader_money import balance_changes
from gateway.store.reader_waiting import undelivered

if TYPE_CHECKING:
    from gateway.daemon import Daemon

CHANGES = 20
"""So many changes of a balance are shown, unless more are asked for."""
CHANGES_MAX = 10_000
NOTE_MAX = 200
"""Characters."""
PAGE_MAX = 500
FORMS_MAX = 10_000
"""So many forms are remembered as used."""
USED = "this form was sent before: look at the changes of the balance, and open it anew for another one"
OLD_FORM = "the gateway was started anew since this form was made: look at the changes of the balance first"


def handlers(daemon: Daemon) -> dict[str, Handler]:
    """What can be asked of accounts."""
    forms: dict[str, None] = {}

    async def accounts_page(request: Request) -> Reply:
        return await _page(daemon, request)

    async def accounts(request: Request) -> Reply:
        return {"accounts": [_row(daemon, account) for account in daemon.accounts.values()]}

    async def account(request: Request) -> Reply:
        found = daemon.accounts.get(str(request["account"]))
        if found is None:
            return _unknown(daemon, str(request["account"]))
        limit = min(int(request.get("limit", CHANGES)), CHANGES_MAX)
        changes = await asyncio.to_thread(balance_changes, daemon.reads, found.name, limit)
        amounts = ("amount", "balance")
        for change in changes:
            change.update({name: amount_text(change[name]) for name in amounts})
        answer = {"account": _details(daemon, found), "changes": changes}
        if request.get("for_page"):
            answer |= {**await _for_page(daemon, found), "once": f"{daemon.boot}.{secrets.token_hex(8)}"}
        return answer

    async def account_credit(request: Request) -> Reply:
        try:
            amount = parse_amount(str(request["amount"]))
        except ValueError as error:
            return {"error": f"amount: {error}"}
        note = str(request.get("note", ""))[:NOTE_MAX]
        change = Change(str(request["account"]), amount, who_of(request), note)
        source, form = str(request.get("from", "")), str(request.get("once", ""))
        if form and (why_not := _use(daemon, forms, form)):
            return {"error": why_not}
        answer = await (_move(daemon, source, change) if source else _credit(daemon, change))
        if "error" in answer:
            forms.pop(form, None)
        return answer

    return {
        "accounts": accounts,
        "accounts_page": accounts_page,
        "account": account,
        "account_credit": account_credit,
    }


def _use(daemon: Daemon, forms: dict[str, None], form: str) -> str:
    """Marks a form as used, so that it counts once however often it is sent; else why it does not count."""
    if not form.startswith(f"{daemon.boot}."):
        return OLD_FORM
    if form in forms:
        return USED
    while len(forms) >= FORMS_MAX:
        del forms[next(iter(forms))]
    forms[form] = None
    return ""


async def _page(daemon: Daemon, request: Request) -> Reply:
    """Some accounts by name, after the one that the page before has ended with, with what waits for them."""
    text, after = str(request.get("name") or "").casefold(), str(request.get("after") or "")
    limit = int(request.get("limit") or 50)
    if not 0 < limit <= PAGE_MAX:
        raise ValueError(f"limit is 1 to {PAGE_MAX}")
    names = sorted(name for name in daemon.accounts if name > after and text in name.casefold())
    shown = names[:limit]
    now_ms = daemon.clock.now_ms()
    waiting = await asyncio.to_thread(undelivered, daemon.reads, shown, now_ms)
    rows = []
    for name in shown:
        account = daemon.accounts.get(name)
        if account is not None:  # a reload may have taken it away
            row, its = _row(daemon, account), waiting[name]
            rows.append(
                {
                    **row,
                    "accepted": account.accepted,
                    "rate": account.config.rate or None,
                    "undelivered": its.messages,
                    "undelivered_more": its.is_more,
                    "oldest_s": its.oldest_s if its.messages else None,
                    **_today(daemon, account),
                }
            )
    return {
        "accounts": rows,
        "next": shown[-1] if len(names) > limit else None,
        "count": len(daemon.accounts),
        "now_ms": now_ms,
    }


async def _for_page(daemon: Daemon, account: Account) -> Reply:
    """What a page shows beside the details: limits with their use, and what waits for the account."""
    now_ms = daemon.clock.now_ms()
    waiting = (await asyncio.to_thread(undelivered, daemon.reads, [account.name], now_ms))[account.name]
    config, outlet = account.config, daemon.outlets[account.name]
    return {
        "limits": {
            "rate": config.rate or None,
            "window": config.window,
            "max_open": config.max_open,
            "max_segments": config.max_segments,
            **{name: getattr(config.limits, name) or None for name in LIMITS},
        },
        "days": _days(daemon, account),
        "allowed_sources": list(config.allowed_sources),
        "receivers": len(outlet.receivers),
        "returned": outlet.delivered,
        "undelivered": waiting.messages,
        "undelivered_more": waiting.is_more,
        "oldest_s": waiting.oldest_s if waiting.messages else None,
        "now_ms": now_ms,
    }


LIMITS = ("per_day", "per_number", "per_text", "per_address", "hours", "flood", "repeat_s")


def _days(daemon: Daemon, account: Account) -> list[dict[str, Any]]:
    """Of each limit per day that holds for it, its own or a parent's: whose, sent today, at the most."""
    found = []
    for days in account.rules.days if account.rules is not None else ():
        most = next((most for kind, most, _ in days.limits if kind is Kind.DAY), 0)
        if most:
            days.counts.turn(daemon.clock.now_ms())
            found.append({"account": days.counts.account, "today": days.counts.of(b""), "per_day": most})
    return found


def _unknown(daemon: Daemon, name: str) -> Reply:
    return {"error": f"there is no account {name!r}; there are: {', '.join(daemon.accounts)}"}


class Change(NamedTuple):
    """What a person wants of a balance."""

    account: str
    amount: int
    """Millionths; below 0: taken out."""
    who: str
    note: str


def _why_not(daemon: Daemon, name: str) -> Reply | None:
    """Why an account's balance cannot be changed; None: it can."""
    account = daemon.accounts.get(name)
    if account is None:
        return _unknown(daemon, name)
    if account.config.balance == "own":
        return None
    payer = _payer(daemon, account)
    fix = f"{payer} pays for it" if payer else "write balance: own into its configuration"
    return {"error": f"{name} has no balance of its own; {fix}"}


async def _credit(daemon: Daemon, change: Change) -> Reply:
    """Changes a balance."""
    why_not = _why_not(daemon, change.account)
    if why_not is not None:
        return why_not
    _append(daemon, change)
    if await committed(daemon.journal) is None:
        return CANNOT_WRITE
    return _changed(daemon, change)


async def _move(daemon: Daemon, source: str, change: Change) -> Reply:
    """Moves money from one balance to another in one commit."""
    why_not = _why_not(daemon, source) or _why_not(daemon, change.account)
    if why_not is not None:
        return why_not
    ledger = daemon.submission.ledger
    giver, taker = ledger.purse(source), ledger.purse(change.account)
    if giver is taker or change.amount <= 0:
        return {"error": "money is moved from another account, and more than nothing"}
    if giver.currency != taker.currency:
        return {"error": f"{source} is in {giver.currency or '?'}, {taker.name} in {taker.currency or '?'}"}
    if giver.left < change.amount:
        return {"error": f"{source} has only {amount_text(giver.left)} left, with its credit"}
    taken = Change(source, -change.amount, change.who, f"to {taker.name} {change.note}".rstrip())
    move_id = _append(
        daemon, taken, change._replace(note=f"from {source} {change.note}".rstrip()), floor=-giver.credit
    )
    answer = await committed(daemon.journal)
    if answer is None:
        return CANNOT_WRITE
    if any(refused == move_id for refused, _ in answer.refused_late):
        return {"error": f"{source} has only {amount_text(giver.left)} left, with its credit"}
    _changed(daemon, taken)
    return _changed(daemon, change)


def _append(daemon: Daemon, *changes: Change, floor: int = 0) -> int:
    """What leaves is gone at once; what comes counts when it is committed, whether or not the command that
    asked for it still waits for that.

    Of two changes the first one is from a balance that must not be below the floor: the id under which that
    is refused late.
    """
    ledger, now_ms = daemon.submission.ledger, daemon.clock.now_ms()
    move_id = 0
    if len(changes) > 1:
        giver, amount = changes[0].account, -changes[0].amount
        move_id = ask_for_move(daemon.submission, daemon.journal.batch, giver, amount, floor, now_ms)
    for change in changes:
        daemon.journal.batch.credits.append((change.account, change.amount, now_ms, change.who, change.note))
        ledger.purse(change.account).balance += min(change.amount, 0)

    def settle(ok: bool) -> None:
        if move_id in daemon.submission.refused_late:
            return  # what is left was said with the refusal
        for change in changes:
            if ok:
                ledger.credited(change.account, max(change.amount, 0))
            else:
                ledger.given_back(change.account, max(-change.amount, 0))

    daemon.journal.then(settle)
    return move_id


def _changed(daemon: Daemon, change: Change) -> Reply:
    """Says that a change is committed."""
    purse = daemon.submission.ledger.purse(change.account)
    amount, balance = amount_text(change.amount), amount_text(purse.balance)
    daemon.events.say(
        "info",
        "balance_changed",
        account=change.account,
        amount=amount,
        balance=balance,
        who=change.who or "-",
    )
    return {"account": change.account, "amount": amount, **_money(purse)}


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
        **_made(daemon, account),
        "parts": [one.name for one in daemon.accounts.values() if one.config.parent == account.name],
        "prices": config.prices or None,
        "refund": config.refund if _payer(daemon, account) else None,
        "tags": list(config.tags),
        "accepted": account.accepted,
        **_today(daemon, account),
    }


def _made(daemon: Daemon, account: Account) -> dict[str, Any]:
    """Of an account that no file has: which one has made it (users.php), and how."""
    made = daemon.sub_accounts.find(account.name)
    if made is None:
        return {}
    return {"made_by": made.parent, "settings": [f"{name}={value}" for name, value in made.settings.items()]}


def _today(daemon: Daemon, account: Account) -> dict[str, Any]:
    """What was sent today, where that is limited."""
    for days in account.rules.days if account.rules is not None else ():
        most = next((most for kind, most, _ in days.limits if kind is Kind.DAY), 0)
        if most and days.counts.account == account.name:
            days.counts.turn(daemon.clock.now_ms())
            return {"today": days.counts.of(b""), "per_day": most}
    return {}
