"""Hands what waits for a connector that is dead, or silent, to the next one of its route."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.core.batch import Batch
from gateway.core.events import Events
from gateway.core.model import Wish
from gateway.core.routing import Route
from gateway.core.upstream import MOVE_AFTER_S, Upstream

_STAYS = {"down": Wish.STAYS_DOWN.value, "silent": Wish.STAYS_SILENT.value}


def moves(
    routes: Iterable[Route], upstreams: Mapping[str, Upstream], now: float
) -> dict[tuple[str, str], str]:
    """Pairs (a connector that does not work, the one that takes over), and why: down or silent."""
    reasons = {name: _why_idle(upstream, now) for name, upstream in upstreams.items()}
    idle = {name: reason for name, reason in reasons.items() if reason}
    found: dict[tuple[str, str], str] = {}
    for route in routes if idle else ():
        for position, name in enumerate(route.connectors):
            why = idle.get(name, "")
            if why not in route.failover:
                continue
            others = route.connectors[position + 1 :] + route.connectors[:position]
            other = next((other for other in others if upstreams[other].works), None)
            if other is not None:
                found[name, other] = why
    return found


def _why_idle(upstream: Upstream, now: float) -> str:
    if upstream.works or not upstream.backlog or now - upstream.down_since < MOVE_AFTER_S:
        return ""
    return "silent" if upstream.bound else "down"


def move_queues(
    routes: Iterable[Route], upstreams: Mapping[str, Upstream], batch: Batch, events: Events, now: float
) -> None:
    """Appends the moves that are due to the batch and wakes the connectors that take over."""
    for (idle, other), why in moves(routes, upstreams, now).items():
        batch.moves.append((idle, other, _STAYS[why]))
        upstreams[idle].moved_away(now)
        upstreams[other].queued(0)
        events.say("warning", "failover", connector=idle, to=other, why=why)
