"""Connectors: how each is, its options, and that one pauses, goes on, or is bound anew."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from aiohttp import web

from gateway.ops.web.gateway_client import GatewayError
from gateway.ops.web.page import Route, Visit
from gateway.ops.web.spans import span


async def show_all(visit: Visit) -> web.StreamResponse:
    found = await visit.ask("connectors")
    rows = [_shown(visit, row, found["now_ms"]) for row in found["connectors"]]
    return visit.page("connectors.html", rows=rows, has_services=any(row["kind"] == "smsc" for row in rows))


async def show_one(visit: Visit) -> web.StreamResponse:
    found = await visit.ask("connector", connector=visit.match["name"])
    return visit.page(
        "connector.html",
        row=_shown(visit, found["connector"], found["now_ms"]),
        options=[(one["option"], one["value"]) for one in found["options"]],
        routes=found["routes"],
        routes_left=found["routes_count"] - len(found["routes"]),
    )


def _shown(visit: Visit, row: dict[str, Any], now_ms: int) -> dict[str, Any]:
    """A connector with its lengths of time as people read them."""
    oldest_s, error_ms, paused_ms = row["oldest_s"], row["last_error_ms"], row["paused_ms"]
    return {
        **row,
        "path": path_of(row["connector"]),
        "oldest": None if oldest_s is None else span(int(1000 * oldest_s), visit._),
        "error_ago": span(now_ms - error_ms, visit._) if error_ms else "",
        "paused_for": span(now_ms - paused_ms, visit._) if paused_ms else "",
    }


def path_of(name: str) -> str:
    """The address of a connector's page."""
    return f"/connectors/{quote(name, safe='')}"


# -- what a person says -------------------------------------------------------------------------------


async def pause(visit: Visit) -> web.StreamResponse:
    return await _say(visit, "connector_pause")


async def resume(visit: Visit) -> web.StreamResponse:
    return await _say(visit, "connector_resume")


async def rebind(visit: Visit) -> web.StreamResponse:
    return await _say(visit, "connector_rebind")


async def _say(visit: Visit, command: str) -> web.StreamResponse:
    name = visit.form.get("connector", "")
    back = path_of(name) if visit.form.get("back") == "one" else "/connectors"
    try:
        answer = await visit.ask(command, connector=name)
    except GatewayError as error:
        return visit.redirect("/connectors", problem=str(error))
    if command == "connector_rebind" and not answer["done"]:
        return visit.redirect(back, problem=_not_bound(visit, answer))
    return visit.redirect(back, notice=_done(visit, command, answer))


def _done(visit: Visit, command: str, answer: dict[str, Any]) -> str:
    name, under_way = answer["connector"], answer["in_flight"]
    if command == "connector_pause":
        return visit._(
            "{connector} is paused: nothing new goes up by it. Segments under way: {count}",
            connector=name,
            count=under_way,
        )
    if command == "connector_resume":
        return visit._("{connector} goes on.", connector=name)
    return visit._("{connector} is bound anew, links: {count}", connector=name, count=answer["links"])


def _not_bound(visit: Visit, answer: dict[str, Any]) -> str:
    name, under_way = answer["connector"], answer["in_flight"]
    if under_way:
        return visit._(
            "{connector} unbinds when {count} segments under way are answered, and binds again then.",
            connector=name,
            count=under_way,
        )
    return visit._(
        "{connector} is not bound (yet): {error}",
        connector=name,
        error=answer["last_error"] or answer["state"],
    )


ROUTES = (
    Route("GET", "/connectors", show_all),
    Route("GET", "/connectors/{name}", show_one),
    Route("POST", "/connectors/pause", pause, role="operator"),
    Route("POST", "/connectors/resume", resume, role="operator"),
    Route("POST", "/connectors/rebind", rebind, role="operator"),
)
