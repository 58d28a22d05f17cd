"""Accounts: sessions, limits and their use, money; and that an operator puts some in or takes some out."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import web

from gateway.core.prices import amount_text, parse_amount
from gateway.ops.web.gateway_client import GatewayDown, GatewayError
from gateway.ops.web.page import PageError, Route, Visit
from gateway.ops.web.spans import span
from gateway.ops.web.words import N_

ROWS = 50
NAME_MAX = 64
STATES = {
    N_("open"): "ok",
    N_("test mode"): "info",
    N_("blocked"): "bad",
    N_("blocked by its parent"): "bad",
}
"""What the daemon says of an account, and how it looks."""


async def show_all(visit: Visit) -> web.StreamResponse:
    name, after = visit.query.get("name", "")[:NAME_MAX], visit.query.get("after", "")[:NAME_MAX]
    found = await visit.ask("accounts_page", name=name, after=after, limit=ROWS)
    rows = [{**row, **_waiting(visit, row), "path": path_of(row["account"])} for row in found["accounts"]]
    for row in rows:
        row["state"] = _state(visit, row["state"])
    more = urlencode({"name": name, "after": found["next"]}) if found["next"] else ""
    return visit.page(
        "accounts.html",
        rows=rows,
        name=name,
        is_first=not after,
        first=f"/accounts?{urlencode({'name': name})}" if name else "/accounts",
        more=f"/accounts?{more}" if more else None,
        has_money=any(row["balance"] is not None for row in rows),
    )


async def show_one(visit: Visit) -> web.StreamResponse:
    return await _show(visit, visit.match["name"], {})


async def _show(visit: Visit, name: str, form: dict[str, str], wrong: str = "") -> web.StreamResponse:
    found = await visit.ask("account", account=name, for_page=True)
    account, limits = found["account"], found["limits"]
    return visit.page(
        "account.html",
        status=400 if wrong else 200,
        account={**account, "state": _state(visit, account["state"])},
        parent_path=path_of(account["parent"]) if account["parent"] else "",
        limits=limits,
        days=found["days"],
        found={**found, **_waiting(visit, found)},
        changes=list(reversed(found["changes"])),
        has_own=account["balance"] is not None and account["payer"] == account["account"],
        payer_path=path_of(account["payer"]) if account["payer"] else "",
        parts=[(one, path_of(one)) for one in account["parts"]],
        path=path_of(name),
        form=form,
        wrong=wrong,
        once=found["once"],
    )


def _state(visit: Visit, word: str) -> tuple[str, str]:
    """Its badge."""
    return STATES.get(word, "idle"), visit._(word)


def _waiting(visit: Visit, row: dict[str, Any]) -> dict[str, str]:
    oldest_s = row["oldest_s"]
    return {"oldest": "" if oldest_s is None else span(int(1000 * oldest_s), visit._)}


def path_of(name: str) -> str:
    """The address of an account's page."""
    return f"/accounts/{quote(name, safe='')}"


# -- money --------------------------------------------------------------------------------------------


async def credit(visit: Visit) -> web.StreamResponse:
    """First asks whether it is meant so, then changes the balance; a form counts once."""
    name, form = visit.match["name"], visit.form
    word, note = form.get("word", ""), form.get("note", "")[:200]
    if word not in ("credit", "debit"):
        raise PageError(400, visit._("Say whether money is put in or taken out."))
    try:
        amount = parse_amount(form.get("amount", "").strip())
    except ValueError:
        amount = 0
    if amount <= 0:
        wrong = visit._("Write an amount above 0 in digits, for example 100 or 12.50.")
        return await _show(visit, name, form, wrong)
    if form.get("confirmed") != "yes":
        return visit.page(
            "account_confirm.html",
            name=name,
            path=path_of(name),
            word=word,
            amount=amount_text(amount),
            note=note,
            currency=form.get("currency", "")[:16],
            once=form.get("once", ""),
        )
    signed = amount_text(amount if word == "credit" else -amount)
    once = form.get("once", "")
    if not once:
        raise PageError(400, visit._("This form is not whole: open the account's page anew."))
    try:
        answer = await visit.ask("account_credit", account=name, amount=signed, note=note, once=once)
    except GatewayDown:
        raise
    except GatewayError as error:
        return visit.redirect(path_of(name), problem=str(error))
    notice = visit._(
        "Changed by {amount}: the balance is {balance} {currency}",
        amount=answer["amount"],
        balance=answer["balance"],
        currency=answer["currency"],
    )
    return visit.redirect(path_of(name), notice=notice)


ROUTES = (
    Route("GET", "/accounts", show_all),
    Route("GET", "/accounts/{name}", show_one),
    Route("POST", "/accounts/{name}/credit", credit, role="operator"),
)
