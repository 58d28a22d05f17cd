"""Hands what waits for a connector that is dead, silent or paused to the next one of its route."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from gateway.core.batch import Batch
from gateway.core.events import Events
from gateway.core.model import Wish
from gateway.core.routing import Route
from gateway.core.upstream import MOVE_AFTER_S, Upstream

_STAYS = {
    "down": Wish.STAYS_DOWN.value,
    "silent": Wish.STAYS_SILENT.value,
    "paused": Wish.STAYS_DOWN.value,
}
_AS = {"paused": "down"}
"""To a route a connector that a person has paused is one that is down."""


def moves(
    routes: Iterable[Route], upstreams: Mapping[str, Upstream], now: float
) -> dict[tuple[str, str], str]:
    """Pairs (a connector that does not work, the one that takes over), and why: down, silent or paused."""
    return {(name, others[0]): why for name, others, why in _takers(routes, upstreams, now)}


def _takers(
    routes: Iterable[Route], upstreams: Mapping[str, Upstream], now: float
) -> Iterator[tuple[str, list[str], str]]:
    """Connectors that do not work, those of the route that do, the next one first, and why."""
    reasons = {name: _why_idle(upstream, now) for name, upstream in upstreams.items()}
    idle = {name: reason for name, reason in reasons.items() if reason}
    for route in routes if idle else ():
        for position, name in enumerate(route.connectors):
            why = idle.get(name, "")
            if _AS.get(why, why) not in route.failover:
                continue
            others = route.connectors[position + 1 :] + route.connectors[:position]
            working = [other for other in others if upstreams[other].works]
            if working:
                yield name, working, why


def _why_idle(upstream: Upstream, now: float) -> str:
    if upstream.works or not upstream.backlog or now - upstream.down_since < MOVE_AFTER_S:
        return ""
    return upstream.trouble


def move_queues(
    routes: Iterable[Route], upstreams: Mapping[str, Upstream], batch: Batch, events: Events, now: float
) -> None:
    """Appends the moves that are due to the batch and wakes the connectors that take over.

    Behind the next connector come the other ones, for messages that the next one has refused before.
    """
    told = moves(routes, upstreams, now)
    takers = list(_takers(routes, upstreams, now)) if told else []
    behind = {(name, other): why for name, others, why in takers for other in others[1:]}
    for (idle, other), why in (told | behind).items():
        batch.moves.append((idle, other, _STAYS[why]))
        upstreams[idle].moved_away(now)
        upstreams[other].queued(0)
        if (idle, other) in told and not upstreams[idle].queue.moving:
            events.say("warning", "failover", connector=idle, to=other, why=why)
