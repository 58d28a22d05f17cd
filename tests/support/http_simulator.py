"""The simulated service over HTTP in a thread of its own, for clients that block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.simulator.smsc_http.server import HttpSimulator
from gateway.simulator.smsc_http.settings import HttpSettings

_PATIENCE_S = 30.0


@contextmanager
def running(settings: HttpSettings) -> Iterator[HttpSimulator]:
    """Listens on a free port of loopback as long as it lasts."""
    simulator = HttpSimulator(settings)
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    started = threading.Event()

    async def serve() -> None:
        await simulator.start()
        started.set()
        await stop.wait()
        await simulator.close()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert started.wait(_PATIENCE_S)
        yield simulator
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(_PATIENCE_S)
        assert not thread.is_alive()
