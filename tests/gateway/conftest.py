"""Fixtures for all tests of the gateway package."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from gateway.simulator import Simulator, SimulatorSettings

_PATIENCE_S = 30.0
StartSimulator = Callable[..., Simulator]


@pytest.fixture(scope="module")
def start_simulator() -> Iterator[StartSimulator]:
    """`start_simulator(**settings)` runs a simulated SMSC in a thread, for clients that block."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(_in_thread(settings))


@contextmanager
def _in_thread(settings: dict[str, Any]) -> Iterator[Simulator]:
    simulator = Simulator(SimulatorSettings(**settings))
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
