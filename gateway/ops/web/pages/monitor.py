"""What machines ask: Prometheus for metrics, supervisors and load balancers whether all is well.

/health is about the process: it lives, and its loop answers.  /ready is about messages: they are accepted.
Whoever restarts what is not healthy must not look at /ready: a full disk does not get better by a restart.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from gateway.ops.web.exposition import Exposition
from gateway.ops.web.gateway_client import GatewayError
from gateway.ops.web.page import Route, Visit

JSON = "application/json"
PATIENCE_S = 5.0
"""A loop that answers nothing for so long does not live."""


async def metrics(visit: Visit) -> web.StreamResponse:
    """All metrics, in the form that was asked for."""
    try:
        answer = await visit.ask("metrics")
    except GatewayError as error:  # a page of HTML would be of no use to who asks
        return visit.answer(f"# {error}\n".encode(), "text/plain; charset=utf-8", status=503)
    body, content_type = Exposition(answer["metrics"]).written(visit.request.headers.get("Accept", ""))
    return visit.answer(body, content_type)


async def health(visit: Visit) -> web.StreamResponse:
    """Whether the gateway's process lives and its loop answers."""
    answer, reason = await _ready(visit)
    if answer is None:
        return _json(visit, 503, {"healthy": False, "reasons": [reason]})
    return _json(visit, 200, {"healthy": True, "up_s": answer["up_s"]})


async def ready(visit: Visit) -> web.StreamResponse:
    """Whether it accepts messages, and why not."""
    answer, reason = await _ready(visit)
    if answer is None:
        answer = {"ready": False, "reasons": [reason]}
    shown = {"ready": answer["ready"], "reasons": answer["reasons"]}
    return _json(visit, 200 if answer["ready"] else 503, shown)


async def _ready(visit: Visit) -> tuple[dict[str, Any] | None, str]:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await visit.ask("ready"), ""
    except GatewayError as error:
        return None, str(error)
    except TimeoutError:
        return None, f"the gateway has not answered for {PATIENCE_S:.0f} s"


def _json(visit: Visit, status: int, value: dict[str, Any]) -> web.Response:
    return visit.answer(json.dumps(value).encode() + b"\n", JSON, status=status)


ROUTES = (
    Route("GET", "/metrics", metrics, "monitor"),
    Route("GET", "/health", health, "monitor"),
    Route("GET", "/ready", ready, "monitor"),
)
