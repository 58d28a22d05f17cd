"""Hands what waits for a dead connector to the next one of its route."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.core.batch import Batch
from gateway.core.events import Events
from gateway.core.routing import Route
from gateway.core.upstream import MOVE_AFTER_S, Upstream


def moves(routes: Iterable[Route], upstreams: Mapping[str, Upstream], now: float) -> set[tuple[str, str]]:
    """Pairs (dead connector, the one that takes over)."""
    found = set()
    for route in routes:
        for position, name in enumerate(route.connectors):
            dead = upstreams[name]
            if dead.up or now - dead.down_since < MOVE_AFTER_S or not dead.backlog:
                continue
            others = route.connectors[position + 1 :] + route.connectors[:position]
            other = next((other for other in others if upstreams[other].up), None)
            if other is not None:
                found.add((name, other))
    return found


def move_queues(
    routes: Iterable[Route], upstreams: Mapping[str, Upstream], batch: Batch, events: Events, now: float
) -> None:
    """Appends the moves that are due to the batch and wakes the connectors that take over."""
    for dead, other in moves(routes, upstreams, now):
        batch.moves.append((dead, other))
        upstreams[dead].moved_away(now)
        upstreams[other].queued(0)
        events.say("warning", "failover", connector=dead, to=other)
