"""The nodes that share the store: what each is and has, and a person's word that drains one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.admin.commits import CANNOT_WRITE, committed
from gateway.core.cluster import Peer
from gateway.ops.control import Handler, Reply, Request
from gateway.ops.metrics import program_version

if TYPE_CHECKING:
    from gateway.cluster_side import ClusterSide
    from gateway.daemon import Daemon

ALONE = "this gateway keeps its store for itself (SQLite), so it is the only node: stop it as it is"


def handlers(daemon: Daemon) -> dict[str, Handler]:
    """What can be asked of nodes."""

    async def nodes(request: Request) -> Reply:
        rows = [_alone(daemon)] if daemon.cluster is None else _rows(daemon.cluster)
        return {"nodes": rows, "shared": daemon.cluster is not None, "now_ms": daemon.clock.now_ms()}

    async def node_drain(request: Request) -> Reply:
        return await _want(daemon, str(request["node"]), 1)

    async def node_resume(request: Request) -> Reply:
        return await _want(daemon, str(request["node"]), 0)

    return {"nodes": nodes, "node_drain": node_drain, "node_resume": node_resume}


async def _want(daemon: Daemon, name: str, drained: int) -> Reply:
    if daemon.cluster is None:
        return {"error": ALONE}
    drains = daemon.journal.batch.drains
    place = len(drains)
    drains.append((name, drained))
    answer = await committed(daemon.journal)
    if answer is None:
        return CANNOT_WRITE
    if not answer.drained[place]:
        names = ", ".join(peer.name for peer in daemon.cluster.cluster.peers)
        return {"error": f"there is no node {name!r}; there are: {names}"}
    daemon.cluster.beat_soon()
    return {"node": name}


def _rows(side: ClusterSide) -> list[dict[str, Any]]:
    return [_row(side, peer) for peer in side.cluster.peers]


def _row(side: ClusterSide, peer: Peer) -> dict[str, Any]:
    return {
        "name": peer.name,
        "node": peer.node,
        "boot": peer.boot,
        "here": peer.boot == side.cluster.boot,
        "since_ms": peer.since_ms,
        "heartbeat_s": side.heartbeat_s(peer),
        "connectors": sorted(name for name, is_usable in peer.connectors.items() if is_usable),
        "sessions": sum(sessions for sessions, *_ in peer.accounts.values()),
        "leases": sorted(peer.leases),
        "state": "drained" if peer.drained else "draining" if peer.draining else "in service",
        "version": peer.version,
    }


def _alone(daemon: Daemon) -> dict[str, Any]:
    return {
        "name": daemon.node,
        "node": 0,
        "boot": daemon.boot,
        "here": True,
        "since_ms": daemon.clock.now_ms() - round(1000 * (daemon.clock.now() - daemon.started)),
        "heartbeat_s": None,
        "connectors": sorted(name for name, one in daemon.upstreams.items() if one.works_here),
        "sessions": sum(account.sessions for account in daemon.accounts.values()),
        "leases": [],
        "state": "in service",
        "version": program_version(),
    }
