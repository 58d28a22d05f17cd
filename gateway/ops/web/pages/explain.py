"""Why a message would go which way, and its text as the phone will show it.  Nothing is sent."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from gateway.core.moments import read_moment
from gateway.core.prices import amount_text
from gateway.core.route_conditions import INGRESSES
from gateway.core.text_preview import shown_octets, shown_text
from gateway.ops.web.bubbles import pieces
from gateway.ops.web.gateway_client import GatewayDown, GatewayError
from gateway.ops.web.page import Route, Visit
from gateway.ops.web.spans import TIME_FORMS
from gateway.ops.web.words import N_

TEXT_MAX = 5000
FIELD_MAX = 64
SHOWN_SEGMENTS = 40
SHOWN_BEYOND = 20
FEW = 4
"""Foreign characters are marked while they are one of so many: not in a text that is all in Russian."""
FIELDS = ("account", "source", "destination", "ingress", "at")
REFUSALS = {
    "no_route": N_("No route holds for it."),
    "route_refuses": N_("Its route refuses it."),
    "source": N_("The account may not use this sender."),
    "destination": N_("The number is none that can be sent to."),
    "too_long": N_("It has more segments than the account may send."),
    "denied": N_("The number is on the list of denied destinations."),
    "no_price": N_("The account has no price for this number."),
    "blacklist": N_("The number is on the account's blacklist."),
    "number": N_("The account may not send to such numbers."),
    "limit_per_number": N_("The account may send no more to this number for now."),
    "hours": N_("The account may not send at this time."),
}
_REASONS = {
    "as given": N_("All of it is in GSM 7 bit."),
    "typography": N_("Quotes, dashes and the like are written plainly."),
    "shift tables": N_("National tables save segments."),
    "transliteration": N_("It is written in letters that GSM 7 bit has."),
    "nothing helped": N_("Some characters are not in GSM 7 bit, so all of it is UCS-2."),
}


async def show_form(visit: Visit) -> web.StreamResponse:
    return _page(visit, {name: visit.query.get(name, "")[:FIELD_MAX] for name in FIELDS}, "")


async def explain(visit: Visit) -> web.StreamResponse:
    asked = {name: visit.form.get(name, "").strip()[:FIELD_MAX] for name in FIELDS}
    text = visit.form.get("text", "").replace("\r\n", "\n")[:TEXT_MAX]
    wrong: dict[str, str] = {}
    told: dict[str, Any] | None = None
    at_ms = 0
    try:
        at_ms = read_moment(asked["at"], visit.shell.clock.now_ms()) if asked["at"] else 0
    except ValueError:
        wrong["at"] = visit._("This is no time; write {forms}.", forms=visit._(TIME_FORMS))
    if not asked["destination"] and not text:
        wrong["destination"] = visit._("Give a number, or a text, or both.")
    if asked["destination"] and not wrong:
        try:
            told = await visit.ask(
                "route_explain",
                source=asked["source"],
                destination=_number(asked["destination"]),
                text=text,
                account=asked["account"],
                ingress=asked["ingress"] if asked["ingress"] in INGRESSES else "smpp",
                at_ms=at_ms or None,
                octets=True,
            )
        except GatewayDown:
            raise
        except GatewayError as error:
            wrong["form"] = str(error)
    preview = await asyncio.to_thread(_preview, text, told) if text and not wrong else None
    return _page(visit, asked, text, wrong, told, preview)


def _page(
    visit: Visit,
    asked: dict[str, str],
    text: str,
    wrong: dict[str, str] | None = None,
    told: dict[str, Any] | None = None,
    preview: dict[str, Any] | None = None,
) -> web.StreamResponse:
    return visit.page(
        "explain.html",
        asked=asked,
        text=text,
        text_max=TEXT_MAX,
        wrong=wrong or {},
        ingresses=list(INGRESSES),
        forms=visit._(TIME_FORMS),
        told=told,
        changes=[] if told is None else [_change(visit, change) for change in told.get("changes", ())],
        refused="" if told is None or not told["refused"] else _refusal(visit, told["refused"]),
        preview=preview,
        amount=amount_text,
    )


def _number(text: str) -> str:
    """Without what people write between digits; what is no number the gateway says."""
    return "".join(sign for sign in text if sign not in " -()\u00a0")


def _refusal(visit: Visit, word: str) -> str:
    return visit._(REFUSALS[word]) if word in REFUSALS else word


def _change(visit: Visit, change: dict[str, Any]) -> tuple[str, str, str]:
    """What a route writes anew: its name, before, after."""
    before, after = change["from"], change["to"]
    if change["what"] == "expires_ms":
        before, after = visit.words.moment(before), visit.words.moment(after)
    names = {
        "source": visit._("Sender"),
        "destination": visit._("Number"),
        "text": visit._("Text"),
        "expires_ms": visit._("Expires"),
    }
    return names.get(change["what"], str(change["what"])), str(before or "–"), str(after or "–")


def _preview(text: str, told: dict[str, Any] | None) -> dict[str, Any]:
    """The text's segments: as its route would write them, or as it is where there is none."""
    try:
        shown = shown_text(text)
    except ValueError:
        return {"too_long": True}
    parts, named, reason = shown["parts"], shown["named"], _REASONS.get(shown["reason"], "")
    written = told.get("written") if told is not None else None
    if written is not None:
        octets = bytes.fromhex(written["user_data"])
        as_sent = shown_octets(octets, written["data_coding"], written["esm_class"])
        if as_sent["named"] != named or len(as_sent["parts"]) != len(parts):
            reason = N_("This is what the route makes of it.")
        parts, named = as_sent["parts"], as_sent["named"]
    foreign = sum(row["count"] for row in shown["beyond_gsm7"])
    marks = foreign * FEW <= shown["characters"]
    return {
        "too_long": False,
        "named": named,
        "reason": reason,
        "segments": len(parts),
        "parts": [{**part, "pieces": pieces(part["text"], marks=marks)} for part in parts[:SHOWN_SEGMENTS]],
        "left_out": max(0, len(parts) - SHOWN_SEGMENTS),
        "beyond": shown["beyond_gsm7"][:SHOWN_BEYOND],
        "more_beyond": max(0, len(shown["beyond_gsm7"]) - SHOWN_BEYOND),
        "policies": shown["policies"] if shown["beyond_gsm7"] else [],
    }


ROUTES = (Route("GET", "/explain", show_form), Route("POST", "/explain", explain))
