"""Connectors: how each of them is, and a person's word that one pauses, goes on, or is bound anew."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from gateway.admin.commits import CANNOT_WRITE, committed
from gateway.admin.who import who_of
from gateway.config.differences import option_text
from gateway.core.pauses import Pause
from gateway.ops.control import Handler, Reply, Request
from gateway.ops.status import connector_state
from gateway.store.reader_waiting import Waiting, queues

if TYPE_CHECKING:
    from gateway.config.connector_model import Connector
    from gateway.config.smsc_model import SmscConnector
    from gateway.core.upstream import Upstream
    from gateway.daemon import Daemon

ROUTES_MAX = 100
REBIND_S = 8.0
"""A rebind is waited for so long; it goes on all the same."""


def handlers(daemon: Daemon) -> dict[str, Handler]:
    """What can be asked of connectors."""
    # one after the other: who pauses and who resumes at the same moment must not leave one thing in the store
    # and another in memory
    turn = asyncio.Lock()

    async def connectors(request: Request) -> Reply:
        names = list(daemon.connectors)
        return {"connectors": await _rows(daemon, names), "now_ms": daemon.clock.now_ms()}

    async def connector(request: Request) -> Reply:
        name = str(request["connector"])
        if name not in daemon.connectors:
            return _unknown(daemon, name)
        [row] = await _rows(daemon, [name])
        routes = [
            {"name": route.name, "number": route.number}
            for route in daemon.submission.router.routes
            if name in route.connectors
        ]
        return {
            "connector": row,
            "options": _options(daemon, name),
            "routes": routes[:ROUTES_MAX],
            "routes_count": len(routes),
            "now_ms": daemon.clock.now_ms(),
        }

    async def connector_pause(request: Request) -> Reply:
        async with turn:
            return await _pause(daemon, str(request["connector"]), who_of(request))

    async def connector_resume(request: Request) -> Reply:
        async with turn:
            return await _resume(daemon, str(request["connector"]), who_of(request))

    async def connector_rebind(request: Request) -> Reply:
        return await _rebind(daemon, str(request["connector"]), who_of(request))

    return {
        "connectors": connectors,
        "connector": connector,
        "connector_pause": connector_pause,
        "connector_resume": connector_resume,
        "connector_rebind": connector_rebind,
    }


def _configured(daemon: Daemon) -> set[str]:
    """Not the sandbox, which is no link to anybody."""
    return {one.name for one in _sections(daemon)}


def _sections(daemon: Daemon) -> tuple[Connector | SmscConnector, ...]:
    return (*daemon.config.connectors, *daemon.config.smsc_connectors)


def _unknown(daemon: Daemon, name: str) -> Reply:
    return {"error": f"there is no connector {name!r}; there are: {', '.join(sorted(_configured(daemon)))}"}


# -- what a person says -------------------------------------------------------------------------------


async def _pause(daemon: Daemon, name: str, who: str) -> Reply:
    """Nothing new goes up from now on; what was under way before is being finished when this answers."""
    upstream = daemon.upstreams.get(name)
    if upstream is None or name not in _configured(daemon):
        return _unknown(daemon, name)
    if name not in daemon.pauses:
        pause = daemon.pauses[name] = Pause(daemon.clock.now_ms(), who)
        upstream.pause(pause)
        daemon.journal.batch.pauses.append((name, *pause))
        if await committed(daemon.journal) is None:
            _take_back(daemon, name, pause)
            return CANNOT_WRITE
        daemon.events.say("info", "paused", connector=name, who=who or "-")
    return _said(daemon, name)


def _take_back(daemon: Daemon, name: str, pause: Pause) -> None:
    """A pause that would be forgotten with the next start is none."""
    if daemon.pauses.get(name) is pause:
        del daemon.pauses[name]
    if (upstream := daemon.upstreams.get(name)) is not None:
        upstream.resume()


async def _resume(daemon: Daemon, name: str, who: str) -> Reply:
    """It goes on when it is written down that it does: what a kill brings back is a pause, or none."""
    if name not in _configured(daemon):
        return _unknown(daemon, name)
    if name in daemon.pauses:
        daemon.journal.batch.pauses.append((name, 0, ""))
        if await committed(daemon.journal) is None:
            return CANNOT_WRITE
        daemon.pauses.pop(name, None)
        if (upstream := daemon.upstreams.get(name)) is not None:  # a reload may have taken it away
            upstream.resume()
        daemon.events.say("info", "resumed", connector=name, who=who or "-")
    return _said(daemon, name)


async def _rebind(daemon: Daemon, name: str, who: str) -> Reply:
    connector = daemon.connectors.get(name)
    if name not in _configured(daemon):
        return _unknown(daemon, name)
    if connector is None:
        return {"error": f"a reload is about to bind {name} anew"}
    if daemon.is_stopping:
        return {"error": "the gateway is stopping"}
    if daemon.is_drained:
        return {"error": f"this node is drained: smsc-gateway nodes resume {daemon.node}"}
    daemon.events.say("info", "rebind", connector=name, who=who or "-")
    for task in connector.rebind():
        task.add_done_callback(daemon.task_ended)
    await daemon.until(lambda: connector.rebound, REBIND_S)
    return {**_said(daemon, name), "done": connector.rebound and connector.state == "bound"}


def _said(daemon: Daemon, name: str) -> Reply:
    """How it is now."""
    upstream = daemon.upstreams.get(name)
    if upstream is None or name not in daemon.connectors:
        return {"error": f"a reload has taken {name} away"}
    return {
        "connector": name,
        "state": connector_state(daemon, name),
        "links": len(upstream.links),
        "in_flight": upstream.in_flight,
        "last_error": upstream.last_error,
    }


# -- how they are -------------------------------------------------------------------------------------


async def _rows(daemon: Daemon, names: list[str]) -> list[dict[str, Any]]:
    now_ms = daemon.clock.now_ms()
    waiting = await asyncio.to_thread(queues, daemon.reads, names, now_ms)
    return [_row(daemon, name, waiting[name]) for name in names if name in daemon.connectors]


def _row(daemon: Daemon, name: str, waiting: Waiting) -> dict[str, Any]:
    """A connector: how it is, what goes up by it, what waits, what came back."""
    upstream, receipts = daemon.upstreams[name], daemon.receipts[name]
    return {
        "connector": name,
        "kind": "smsc" if upstream.service else "smpp",
        "state": connector_state(daemon, name),
        "link": daemon.connectors[name].state,
        **_paused(upstream),
        "links": len(upstream.links),
        "in_flight": upstream.in_flight,
        "window": upstream.flow.window * max(1, len(upstream.links)),
        "window_now": upstream.window_now,
        "rate": upstream.flow.pace.configured or None,
        "rate_now": upstream.flow.pace.rate or None,
        "queued": waiting.messages,
        "queued_more": waiting.is_more,
        "oldest_s": round(waiting.oldest_s, 3) if waiting.messages else None,
        "submitted": upstream.submitted,
        "refused": upstream.refused,
        "throttled": upstream.throttled,
        "ambiguous": upstream.doubtful,
        "receipts": receipts.matched,
        "receipts_unmatched": receipts.unmatched,
        "last_error": upstream.last_error,
        "last_error_ms": upstream.last_error_ms,
        **_service(daemon, name),
    }


def _paused(upstream: Upstream) -> dict[str, Any]:
    since_ms, who = upstream.paused or (0, "")
    return {"paused_ms": since_ms, "paused_by": who}


def _service(daemon: Daemon, name: str) -> dict[str, Any]:
    """What only a service has: money, and requests whose fate is asked for."""
    service = daemon.services.connectors.get(name)
    if service is None:
        return {"balance": None, "currency": None, "asking": None}
    return {"balance": service.balance, "currency": service.currency, "asking": len(service.asker)}


def _options(daemon: Daemon, name: str) -> list[dict[str, str]]:
    """As configured, with what the defaults say; secrets are hidden."""
    section = next((one for one in _sections(daemon) if one.name == name), None)
    return [{"option": option, "value": value} for option, value in _written(section)]


def _written(section: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    for option in fields(section) if is_dataclass(section) else ():
        value = getattr(section, option.name)
        if is_dataclass(value):
            yield from _written(value, f"{prefix}{option.name}.")
        else:
            yield prefix + option.name, option_text(value)
