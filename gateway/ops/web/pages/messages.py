"""Messages found by what is known of them, page by page.

A page is answered in bounded time: with a million messages it may have looked at a part only.  Then it says
since when, and leads further back.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from gateway.core.message_ids import parse_id
from gateway.core.model import MessageState, Progress
from gateway.core.moments import read_moment
from gateway.ops.web.page import Route, Visit
from gateway.ops.web.spans import TIME_FORMS

PAGE_ROWS = 50
TEXT_MAX = 254
FIELDS = (
    "id",
    "number",
    "account",
    "connector",
    "state",
    "since",
    "until",
    "client_id",
    "upstream_id",
)
STATES = (*Progress.__members__, *(name for name in MessageState.__members__ if name != "SCHEDULED"))


async def search(visit: Visit) -> web.StreamResponse:
    asked = {name: visit.query.get(name, "").strip()[:TEXT_MAX] for name in FIELDS}
    wrong: dict[str, str] = {}
    request = _request(visit, asked, wrong)
    only_id = [name for name in FIELDS if asked[name]] == ["id"]
    if only_id and not wrong:
        return visit.redirect(f"/messages/{request['message_id']}")
    full = visit.may_act and visit.query.get("full") == "yes"
    found: dict[str, Any] = {"rows": [], "before": "", "reached_ms": 0}
    if not wrong:
        found = await visit.ask("find_page", **request, full=full, limit=PAGE_ROWS)
    kept = {name: value for name, value in asked.items() if value} | ({"full": "yes"} if full else {})
    return visit.page(
        "messages.html",
        asked=asked,
        wrong=wrong,
        full=full,
        states=STATES,
        forms=visit._(TIME_FORMS),
        rows=found["rows"],
        reached_ms=found["reached_ms"],
        newest=_address(kept) if visit.query.get("before") else None,
        older=_address({**kept, "before": found["before"]}) if found["before"] else None,
        is_narrowed=bool(kept),
    )


def _address(query: dict[str, str]) -> str:
    return "/messages" + (f"?{urlencode(query)}" if query else "")


def _request(visit: Visit, asked: dict[str, str], wrong: dict[str, str]) -> dict[str, Any]:
    """What to look for; what makes no sense is told in `wrong`, by field."""
    before = visit.query.get("before", "")
    return {
        "message_id": _id(visit, asked["id"], wrong),
        "number": _digits(visit, asked["number"], wrong),
        "account": asked["account"],
        "connector": asked["connector"],
        "client_id": asked["client_id"],
        "upstream_id": asked["upstream_id"],
        "since_ms": _moment(visit, "since", asked, wrong),
        "until_ms": _moment(visit, "until", asked, wrong),
        "states": [asked["state"]] if asked["state"] in STATES else [],
        "before": before if before.isascii() and before.isdigit() and len(before) < 20 else "",
    }


def _id(visit: Visit, text: str, wrong: dict[str, str]) -> int:
    try:
        return parse_id(text) if text else 0
    except ValueError:
        wrong["id"] = visit._("This is no message id: decimal, 16 hex digits, or a UUID.")
        return 0


def _digits(visit: Visit, number: str, wrong: dict[str, str]) -> str:
    digits = "".join(sign for sign in number if sign not in "+ -()\u00a0")
    if number and not (digits.isascii() and digits.isdecimal()):
        wrong["number"] = visit._("This is no number; write it as +79991234567.")
    return digits


def _moment(visit: Visit, name: str, asked: dict[str, str], wrong: dict[str, str]) -> int:
    try:
        return read_moment(asked[name], visit.shell.clock.now_ms()) if asked[name] else 0
    except ValueError:
        wrong[name] = visit._("This is no time; write {forms}.", forms=visit._(TIME_FORMS))
        return 0


ROUTES = (Route("GET", "/messages", search),)
