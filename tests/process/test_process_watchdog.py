"""systemd's watchdog is fed only while the event loop turns and the store answers."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from journey_support import journey, submit_sm
from process_support import PATIENCE_S, GatewayProcess

NOBODY = 1
WATCHDOG_S = 1.5
BLOCKED = """\
import signal, time
signal.signal(signal.SIGUSR1, lambda *_: time.sleep(600))
"""


async def killed_by_the_watchdog(gateway: GatewayProcess) -> None:
    """Waits until it has not fed its watchdog for as long as it may, and ends it, as systemd would."""
    async with asyncio.timeout(20 * PATIENCE_S):
        fed = -1
        while fed != (fed := sum("WATCHDOG=1" in note for note in gateway.notes)):  # noqa: ASYNC110
            await asyncio.sleep(WATCHDOG_S)
    assert await gateway.end(signal.SIGABRT) == -signal.SIGABRT


async def fed(folder: Path, **environment: str) -> GatewayProcess:
    """A gateway whose watchdog has been fed more than once."""
    gateway = GatewayProcess(folder, NOBODY)
    await gateway.start(WATCHDOG_USEC=str(int(WATCHDOG_S * 1e6)), **environment)
    await gateway.told("WATCHDOG=1", times=2)
    return gateway


@journey
async def test_a_store_that_does_not_answer_ends_by_the_watchdog(tmp_path: Path) -> None:
    gateway = await fed(tmp_path)
    client = await gateway.client()
    writer = gateway.writer_pid()
    try:
        os.kill(writer, signal.SIGSTOP)
        client.send(submit_sm())  # what waits for its commit; without it the next sweep would
        await killed_by_the_watchdog(gateway)
    finally:
        os.kill(writer, signal.SIGCONT)  # it ends by itself: its gateway is gone
    await client.closed


@journey
async def test_a_loop_that_is_blocked_ends_by_the_watchdog(tmp_path: Path) -> None:
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "sitecustomize.py").write_text(BLOCKED)
    gateway = await fed(tmp_path, PYTHONPATH=str(modules))
    gateway.process.send_signal(signal.SIGUSR1)
    await killed_by_the_watchdog(gateway)


@journey
async def test_without_a_watchdog_nothing_is_fed(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, NOBODY)
    await gateway.start()
    assert await gateway.end() == 0
    assert not any("WATCHDOG" in note for note in gateway.notes)
