"""Metrics and readiness: what the pages' process asks for Prometheus, for supervisors and for its plots."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from gateway.core.errors import StoreReadError
from gateway.ops.control import Handler, Reply, Request
from gateway.ops.metrics import Names, Sample, metrics_of
from gateway.ops.readiness import reasons_of
from gateway.store.reader import Reader

if TYPE_CHECKING:
    from gateway.daemon import Daemon

SAMPLE_EVERY_S = 10.0
SHARE = 0.01
"""So much of a processor may be spent on reading the store: what takes long is done less often."""
WORTH_WAITING_S = 0.02


class Sampler:
    """Reads the store in a thread, only while somebody asks, and never for long."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._reader = Reader(daemon.reads)
        self._sample = Sample(0)
        self._next = 0.0
        self._took_s = 0.0
        self._reading: asyncio.Task[None] | None = None

    async def sample(self) -> Sample:
        """The newest one; waits for a new one where that takes no time to speak of."""
        if self._reading is None and self._daemon.clock.now() >= self._next:
            self._reading = asyncio.get_running_loop().create_task(self._read(), name="metrics: the store")
            self._reading.add_done_callback(self._done)
        if self._reading is not None and self._took_s <= WORTH_WAITING_S:
            await asyncio.shield(self._reading)
        return self._sample

    def _done(self, task: asyncio.Task[None]) -> None:
        self._reading = None

    async def _read(self) -> None:
        now_ms = self._daemon.clock.now_ms()
        began = time.perf_counter()
        with suppress(StoreReadError):  # not now, or damaged: the writer says so
            self._sample = await asyncio.to_thread(self._look, now_ms)
        self._took_s = time.perf_counter() - began
        self._next = self._daemon.clock.now() + max(SAMPLE_EVERY_S, self._took_s / SHARE)

    def _look(self, now_ms: int) -> Sample:
        size = self._reader.size() if self._daemon.store_url else None
        return Sample(now_ms, *self._reader.depths(now_ms), size)


def handlers(daemon: Daemon) -> dict[str, Handler]:
    """What can be asked about how it goes.

    "metrics": {"now_ms", "metrics": {name: [[label values, value], …]}}, names and labels as in
    `gateway.ops.metric_catalogue`; a histogram's value is {"counts": not added up, by bucket, "sum"}.
    "ready": {"ready", "reasons": [texts], "problems": how many `status` names, "up_s"}.
    """
    sampler, names = Sampler(daemon), Names()

    async def metrics(request: Request) -> Reply:
        sample = await sampler.sample()
        return {"now_ms": daemon.clock.now_ms(), "metrics": metrics_of(daemon, sample, names)}

    async def ready(request: Request) -> Reply:
        reasons = reasons_of(daemon)
        return {"ready": not reasons, "reasons": reasons, "up_s": int(daemon.clock.now() - daemon.started)}

    return {"metrics": metrics, "ready": ready}
