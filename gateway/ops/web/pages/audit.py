"""Who did what by the pages or the command line, the newest first."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from gateway.core.moments import FORMS, read_moment
from gateway.ops.web.page import Route, Visit
from gateway.ops.web.words import N_

ROWS = 100
NEWEST_MAX = 1 << 62
OUTCOMES = {
    "done": ("ok", N_("done")),
    "refused": ("bad", N_("refused")),
    "stopped": ("warn", N_("stopped")),
    "under way": ("info", N_("under way")),
    "unknown": ("warn", N_("unknown")),
}
"""Their colours, and how they are called."""
ORIGINS = {"page": N_("page"), "command": N_("command line"), "signal": N_("signal")}
FILTERS = ("who", "action", "outcome", "since")


async def show(visit: Visit) -> web.StreamResponse:
    wanted = {name: visit.query.get(name, "").strip() for name in FILTERS}
    since_ms, wrong = _since(visit, wanted["since"])
    before = visit.query.get("before", "")
    found: dict[str, Any] = {"rows": [], "next": None}
    if not wrong:
        found = await visit.ask(
            "audit",
            since_ms=since_ms,
            who=wanted["who"],
            action=wanted["action"],
            outcome=wanted["outcome"] if wanted["outcome"] in OUTCOMES else "",
            before=_id(before),
            limit=ROWS,
        )
    for row in found["rows"]:
        row["kind"], word = OUTCOMES.get(row["outcome"], ("idle", row["outcome"]))
        row["word"] = visit._(word)
        row["came"] = visit._(ORIGINS.get(row["origin"], row["origin"]))
    return visit.page(
        "audit.html",
        rows=found["rows"],
        wanted=wanted,
        wrong=wrong,
        outcomes=[
            ("", visit._("any outcome")),
            *((key, visit._(word)) for key, (_, word) in OUTCOMES.items()),
        ],
        is_filtered=any(wanted.values()),
        newest=_address(wanted) if before else None,
        older=_address(wanted, found["next"]) if found["next"] else None,
    )


def _since(visit: Visit, text: str) -> tuple[int, str]:
    """A moment (0: none), and what is wrong with it."""
    if not text:
        return 0, ""
    try:
        return read_moment(text, int(time.time() * 1000)), ""
    except ValueError:
        return 0, visit._("This is no time; write {forms}", forms=FORMS)


def _id(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text[:19]) <= NEWEST_MAX else 0


def _address(wanted: dict[str, str], before: int = 0) -> str:
    query = {name: value for name, value in wanted.items() if value}
    if before:
        query["before"] = str(before)
    return f"/audit?{urlencode(query)}" if query else "/audit"


ROUTES = (Route("GET", "/audit", show),)
