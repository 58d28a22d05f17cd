"""Gateways that take each other for nodes on one store: each has its own, and what one says is made here.

What several nodes do with one real store is in `test_journey_nodes_postgres.py`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from journey_support import Gateway, config

from gateway import cluster_side
from gateway.admin import all_handlers
from gateway.config.model import Config
from gateway.core.batch import Answer, Batch
from gateway.core.cluster import View
from gateway.store import journal
from gateway.store.frames import encode
from gateway.store.journal import Journal, Opening


class Nodes:
    """What the store knows of nodes; and their clock, which stands still."""

    def __init__(self) -> None:
        self.elapsed_ms = 1_000_000
        self.states: dict[int, str] = {}
        self.names: dict[int, str] = {}
        self.leases: dict[str, int] = {}
        self.draining: set[int] = set()
        self.taken_over: list[tuple[str, int]] = []
        self.lost: set[int] = set()
        self.renewals = 0
        self.ended: list[str] = []
        """Nodes that have ended their process."""
        self.gateways: list[Gateway] = []

    def said(self, boot: int, batch: Batch, answer: Answer) -> None:
        """The store's part of an answer."""
        for name, drained in batch.drains:
            found = [one for one, known in self.names.items() if known == name]
            self.draining = (self.draining | set(found)) if drained else (self.draining - set(found))
            answer.drained.append(int(bool(found)))
        for state, renews in batch.beats if boot not in self.lost else ():
            self.renewals += renews
            self._beat(boot, state)
            answer.view = self._view(boot)

    def _beat(self, boot: int, state: str) -> None:
        self.states[boot] = state
        wants = json.loads(state)["wants"]
        for lease, holder in list(self.leases.items()):
            if holder == boot and lease not in wants:
                del self.leases[lease]
        for lease in wants:
            self.leases.setdefault(lease, boot)

    def _view(self, boot: int) -> View:
        rows = [
            (one, one, self.names[one], state, int(one in self.draining), 0, 0, tuple(self._held(one)))
            for one, state in self.states.items()
        ]
        taken, self.taken_over = self.taken_over, []
        fields = {"taken_over": taken, "draining": int(boot in self.draining)}
        return _view(boot=boot, node=boot, nodes=rows, leases=self._held(boot), **fields)

    def _held(self, boot: int) -> list[str]:
        return [lease for lease, holder in self.leases.items() if holder == boot]

    def lose(self, gateway: Gateway) -> None:
        """Its lease is over: another node takes its work over."""
        boot = self.gateways.index(gateway) + 1
        self.taken_over.append((self.names[boot], 2))
        self.leases = {lease: holder for lease, holder in self.leases.items() if holder != boot}
        del self.states[boot]
        self.lost.add(boot)

    def state(self, gateway: Gateway) -> dict[str, Any]:
        """What a node has published."""
        state: dict[str, Any] = json.loads(self.states[self.gateways.index(gateway) + 1])
        return state


def _view(**fields: Any) -> View:
    """What is not named is empty."""
    return View(**{name: fields.get(name, []) for name in View._fields})


@asynccontextmanager
async def nodes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *configured: Config
) -> AsyncIterator[tuple[Nodes, list[Gateway]]]:
    """A gateway for each configuration: node1, node2 …"""
    known = Nodes()
    folders = {tmp_path / f"node{number}": number for number in range(1, len(configured) + 1)}
    opens = Journal.open

    async def open_as_node(self: Journal) -> Opening:
        return replace(await opens(self), node=folders[self._folder])

    monkeypatch.setattr(Journal, "open", open_as_node)
    monkeypatch.setattr(journal, "encode", _without_nodes)
    monkeypatch.setattr(cluster_side, "TICK_S", 0.005)
    monkeypatch.setattr(cluster_side, "LOOK_MS", 0)
    monkeypatch.setattr(cluster_side, "elapsed_ms", lambda: known.elapsed_ms)
    async with AsyncExitStack() as stack:
        for (folder, number), one in zip(folders.items(), configured, strict=True):
            gateway = Gateway(one, folder)
            known.gateways.append(gateway)
            known.names[number] = gateway.daemon.node = f"node{number}"
            _listen(gateway, known, number)
            monkeypatch.setattr(
                cluster_side, "end_process", lambda name=f"node{number}": known.ended.append(name)
            )
            await gateway.start()
            stack.push_async_callback(gateway.stop)
        yield known, known.gateways
    assert not [gateway.errors for gateway in known.gateways if gateway.errors]


def _without_nodes(batch: Batch) -> bytes:
    """What a store that is a gateway's own is told of a batch."""
    return encode(replace(batch, beats=[], receivers=[], unclaimed=[], drains=[]))


def _listen(gateway: Gateway, known: Nodes, boot: int) -> None:
    on_answer = gateway.daemon._on_answer

    def watched(batch: Batch, answer: Answer) -> None:
        known.said(boot, batch, answer)
        on_answer(batch, answer)

    gateway.daemon._on_answer = watched  # type: ignore[method-assign]


def two(made: Callable[[], Config] = config) -> list[Config]:
    """The same configuration for two nodes."""
    return [made(), made()]


async def asked(gateway: Gateway, command: str, **arguments: Any) -> dict[str, Any]:
    """What the command line is told."""
    handler: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]] = all_handlers(gateway.daemon)[command]  # type: ignore[assignment]
    return await handler(arguments)
