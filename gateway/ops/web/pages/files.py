"""/static: style, scripts and pictures."""

from __future__ import annotations

from aiohttp import web

from gateway.ops.web.page import PageError, Route, Visit

FOR_EVER = "public, max-age=31536000, immutable"


async def static(visit: Visit) -> web.StreamResponse:
    """A file of the table; the address with the wrong version gets today's, which is not kept."""
    found = visit.shell.statics.get(visit.match["name"])
    if found is None:
        raise PageError(404, visit._("There is no such page."))
    headers = {"Cache-Control": FOR_EVER} if visit.query.get("v") == found.version else {}
    return visit.answer(found.body, found.content_type, headers=headers)


ROUTES = (Route("GET", "/static/{name}", static, "open"),)
