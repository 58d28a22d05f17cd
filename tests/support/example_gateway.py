"""A gateway and a simulated SMSC in a thread, for the commands that the manuals show.

Its clock began at a moment that is always the same, so that hours and days in the examples mean the same
whenever they are run.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from gateway.config.basics import Address
from gateway.config.load import load
from gateway.config.model import Config
from gateway.config.secret import Secret
from gateway.core.events import Events
from gateway.daemon import Daemon
from gateway.simulator import Simulator, SimulatorSettings

HOST = "127.0.0.1"
STARTED_MS = 1_800_000_000_000
"""Friday, 15 January 2027, 08:00 in UTC and 11:00 in Moscow."""
_SMSC_PASSWORD = "smsc-pw"
_PATIENCE_S = 20.0


class SteadyClock:
    """Runs from STARTED_MS on."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def now(self) -> float:
        return time.monotonic()

    def now_ms(self) -> int:
        return STARTED_MS + int((time.monotonic() - self._since) * 1000)


def _here(config: Config, smsc_port: int) -> Config:
    """The same with the simulated SMSC in the place of all others, and free ports."""
    smsc = Address(HOST, smsc_port)
    listeners = config.listeners
    return replace(
        config,
        connectors=[
            replace(
                one,
                address=smsc,
                backup_addresses=(),
                system_id="gateway",
                password=Secret(_SMSC_PASSWORD),
                tls=None,
                reconnect_max_s=0.1,
            )
            for one in config.connectors
        ],
        listeners=replace(
            listeners,
            smpp=[replace(one, address=Address(HOST, 0)) for one in listeners.smpp],
            smtp=[replace(one, address=Address(HOST, 0)) for one in listeners.smtp],
            http=[replace(one, address=Address(HOST, 0)) for one in listeners.http],
        ),
    )


def _error_of(context: dict[str, Any]) -> BaseException:
    """What the loop could only log."""
    return context.get("exception") or RuntimeError(context["message"])


class Ports(NamedTuple):
    """Where a gateway listens; 0: it does not."""

    smpp: int
    smtp: int
    http: int


def _ports(daemon: Daemon) -> Ports:
    mail = daemon.mail.listeners if daemon.mail is not None else ()
    smpp = daemon.smpp.listeners if daemon.config.listeners.smpp else ()
    return Ports(
        next((one.port for one in smpp), 0),
        next((one.port for one in mail if one.protocol == "smtp"), 0),
        next((one.port for one in daemon.http.listeners), 0),
    )


@contextmanager
def running(config_file: Path, state_dir: Path) -> Iterator[Ports]:
    """A gateway of this configuration as long as it lasts."""
    loop = asyncio.new_event_loop()
    ready: list[Ports] = []
    failed: list[BaseException] = []
    settled, stop = threading.Event(), asyncio.Event()

    async def serve() -> None:
        loop.set_exception_handler(lambda _, context: failed.append(_error_of(context)))
        smsc = Simulator(SimulatorSettings(password=_SMSC_PASSWORD))
        await smsc.start()
        config = load(config_file)
        daemon = Daemon(
            _here(config, smsc.port),
            state_dir,
            Events("text", "info", lambda _: None),
            clock=SteadyClock(),
        )
        daemon.config_file = config_file
        await daemon.start()
        # a reload compares with the file, not with what stands in its place here
        daemon.config = replace(daemon.config, connectors=config.connectors, listeners=config.listeners)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while not all(one.up for one in daemon.upstreams.values()):  # noqa: ASYNC110 - nothing tells
                    await asyncio.sleep(0.01)
            ready.append(_ports(daemon))
            settled.set()
            await stop.wait()
        finally:
            await daemon.stop()
            await smsc.close()

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(serve())
        except BaseException as error:  # told where the test runs
            failed.append(error)
        finally:
            settled.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        settled.wait(_PATIENCE_S)
        if failed:
            raise failed[0]
        yield ready[0]
    finally:
        if thread.is_alive():
            loop.call_soon_threadsafe(stop.set)
        thread.join(_PATIENCE_S)
    if failed:
        raise failed[0]
