"""Incoming SMS: what came last and where it went, what still waits, and what nobody took."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.ops.web.page import Route, Visit

ROWS = 50


async def show(visit: Visit) -> web.StreamResponse:
    full = visit.may_act and visit.query.get("full") == "yes"
    found = await visit.ask("incoming", limit=ROWS, full=full)
    for row in found["recent"]:
        row["went"] = _went(visit, row)
    waiting = ("deliveries", "parts", "letters", "calls")
    dead = ("dead_deliveries", "dead_letters")
    return visit.page(
        "incoming.html",
        found=found,
        full=full,
        has_waiting=any(found[name] for name in waiting),
        has_dead=any(found[name] for name in dead),
        cut=[name for name in (*waiting, *dead) if name in found["cut"]],
    )


def _went(visit: Visit, row: dict[str, Any]) -> str:
    """To whom, as far as was known when it came."""
    if not row["taken"]:
        return visit._("refused: no rule fits, and the connector has no incoming_account")
    words = list(row["mail"])
    if row["account"]:
        words.insert(0, visit._("account {account}", account=row["account"]))
    elif row["account"] == "":
        words.insert(0, visit._("as its first part says"))
    if row["may_answer"]:
        words.append(visit._("or the sender of the mail that it answers"))
    return ", ".join(words)


ROUTES = (Route("GET", "/incoming", show),)
