"""One message: what happened to it, its segments and doubts, and what a person decides about it."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from gateway.core.message_ids import parse_id
from gateway.core.prices import amount_text
from gateway.ops.web.page import PageError, Route, Visit
from gateway.ops.web.spans import span
from gateway.ops.web.words import N_

DECISIONS = {
    "hold": (N_("Hold"), N_("It is kept from being sent; its validity goes on.")),
    "release": (N_("Release"), N_("It goes on as if nothing had been.")),
    "retry": (N_("Try now"), N_("It tries at once, whenever it was due.")),
    "cancel": (N_("Cancel message"), N_("It ends; its sender gets a receipt that says DELETED.")),
    "resend": (N_("Send again"), N_("It is sent once more: its receiver may get it twice.")),
    "drop": (N_("Give up"), N_("It ends without another try, though its receiver may not have it.")),
}
"""Words of the command line: button, and what it does."""
FINAL = frozenset({"cancel", "resend", "drop"})
"""What cannot be undone is asked about first."""
_KINDS = (
    (re.compile("^ended (DELIVERED|ACCEPTED)|^the doubt is settled"), "ok"),
    (re.compile("^ended |refused|dead letters|ESME_R[A-Z]+: goes to"), "bad"),
    (re.compile("in doubt|, again in |handed to|holds it back|late response|waits"), "warn"),
)


def _id_of(visit: Visit, text: str) -> int:
    try:
        return parse_id(text)
    except ValueError:
        raise PageError(404, visit._("This is no message id: decimal, 16 hex digits, or a UUID.")) from None


async def show(visit: Visit) -> web.StreamResponse:
    return await _show(visit, {})


async def show_full(visit: Visit) -> web.StreamResponse:
    """With its numbers as they are."""
    return await _show(visit, {"full": True})


async def show_text(visit: Visit) -> web.StreamResponse:
    """With its text."""
    return await _show(visit, {"text": True})


async def _show(visit: Visit, wish: dict[str, bool]) -> web.StreamResponse:
    found = await visit.ask("message", message_id=_id_of(visit, visit.match["id"]), **wish)
    if "messages" in found:
        return visit.page("message_mail.html", mail=found)
    charge = found["charge"]
    return visit.page(
        "message.html",
        message=found,
        steps=_steps(visit, found),
        decisions=[(word, *DECISIONS[word]) for word in found["can"] if word in DECISIONS],
        price=None if charge is None else amount_text(charge["amount"]),
        wish=wish,
    )


def _steps(visit: Visit, found: dict[str, Any]) -> list[dict[str, Any]]:
    """The timeline; of each step how long after the one before it came."""
    steps: list[dict[str, Any]] = []
    last_ms = 0
    for event in found["timeline"]:
        at_ms, text = event["at_ms"], event["text"]
        kind = next((kind for pattern, kind in _KINDS if pattern.search(text)), "")
        after = span(at_ms - last_ms, visit._) if last_ms and at_ms > last_ms else ""
        is_ahead = at_ms > found["now_ms"]
        steps.append({"at_ms": at_ms, "text": text, "kind": kind, "after": after, "is_ahead": is_ahead})
        last_ms = at_ms
    return steps


async def decide(visit: Visit) -> web.StreamResponse:
    """A person's word on it; asked about first where it cannot be undone."""
    message_id, word = _id_of(visit, visit.match["id"]), visit.form.get("word", "")
    if word not in DECISIONS:
        raise PageError(400, visit._("There is no such decision."))
    page = f"/messages/{message_id}"
    button, meaning = (visit._(text) for text in DECISIONS[word])
    if word in FINAL and visit.form.get("confirmed") != "yes":
        return visit.page(
            "message_confirm.html",
            message_id=message_id,
            word=word,
            button=button,
            meaning=meaning,
            back=page,
        )
    [result] = (await visit.ask("decide", word=word, message_ids=[message_id]))["results"]
    if result["done"]:
        return visit.redirect(page, notice=f"{button}: {meaning}")
    return visit.redirect(
        page, problem=visit._("{button}: not done, {why}.", button=button, why=result["why"])
    )


ROUTES = (
    Route("GET", "/messages/{id}", show),
    Route("POST", "/messages/{id}/full", show_full, "operator"),
    Route("POST", "/messages/{id}/text", show_text, "operator"),
    Route("POST", "/messages/{id}/decide", decide, "operator"),
)
