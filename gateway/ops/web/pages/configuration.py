"""The configuration in force, what stands on the disk, and a reload of exactly what was shown."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from gateway.ops.web.gateway_client import GatewayDown, GatewayError
from gateway.ops.web.page import Route, Visit

ROWS = 100


async def show(visit: Visit) -> web.StreamResponse:
    words, defaults = visit.query.get("words", "").strip(), visit.query.get("defaults") == "yes"
    section, after = visit.query.get("section", ""), visit.query.get("after", "")
    start = int(after[:9]) if after.isascii() and after.isdigit() else 0
    disk = await _on_disk(visit)  # first: the same files are not read twice then
    found = await visit.ask(
        "config", section=section, words=words, defaults=defaults, after=start, limit=ROWS
    )
    wanted = {"section": section, "words": words, "defaults": "yes" if defaults else ""}
    return visit.page(
        "configuration.html",
        rows=found["rows"],
        file=found["file"],
        sections=[("", visit._("all sections")), *found["sections"]],
        wanted=wanted,
        first=_address(wanted) if start else None,
        following=_address(wanted, found["next"]) if found["next"] else None,
        disk=disk,
    )


async def _on_disk(visit: Visit) -> dict[str, Any]:
    """What stands in the files now; a `state` says which of the cards is shown."""
    found = await visit.ask("config_on_disk")
    if found["file"] is None:
        return {"state": "none", "warnings": []}
    if "problems" in found:
        return {"state": "wrong", "warnings": [], **found}
    return {"state": "other" if found["changes"] else "same", **found}


def _address(wanted: dict[str, str], after: int = 0) -> str:
    query = {name: value for name, value in wanted.items() if value}
    if after:
        query["after"] = str(after)
    return f"/configuration?{urlencode(query)}" if query else "/configuration"


async def reload(visit: Visit) -> web.StreamResponse:
    """Only with what was shown: a reload of anything else is not what somebody has read and pressed."""
    shown = visit.form.get("shown", "")
    if not shown:
        return visit.redirect("/configuration", problem=visit._("Look at what would change first."))
    try:
        answer = await visit.ask("reload", shown=shown)
    except GatewayDown:
        text = visit._("It takes longer than a page can wait, and goes on: look here again in a moment.")
        return visit.redirect("/configuration", problem=text)
    except GatewayError as error:
        return visit.redirect("/configuration", problem=str(error))
    if "problems" in answer:
        text = visit._("Nothing was taken over: there are mistakes on the disk now.")
        return visit.redirect("/configuration", problem=text)
    return visit.redirect("/configuration", notice=_said(visit, answer))


def _said(visit: Visit, answer: dict[str, Any]) -> str:
    count = len(answer["changes"]) + answer["more_changes"]
    words = [visit.count("Taken over: {count} change.", "Taken over: {count} changes.", count)]
    if answer["rebuilt"]:
        words.append(visit._("Bound anew: {names}.", names=", ".join(answer["rebuilt"])))
    if answer["ended_sessions"]:
        words.append(visit._("Sessions ended of: {names}.", names=", ".join(answer["ended_sessions"])))
    if answer["restart_needed"]:
        words.append(visit._("A restart is needed for: {names}.", names=", ".join(answer["restart_needed"])))
    return " ".join(words)


ROUTES = (
    Route("GET", "/configuration", show),
    Route("POST", "/configuration/reload", reload, role="operator"),
)
