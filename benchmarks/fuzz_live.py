"""The live part of fuzz.py: a whole gateway, attackers on both of its sides, and applications that behave."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import secrets
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import kill
from fuzz_mutator import Mutator

from gateway.core.passwords import hash_password
from protocols.smpp import constants as c
from protocols.smpp.codec import HEADER, encode, encode_header
from protocols.smpp.events import Answered, Closed
from protocols.smpp.pdu import BindTransceiver, DeliverSm, SubmitSm, response_to
from protocols.smpp.session import Session
from protocols.smpp.settings import SessionSettings
from protocols.smpp.state import Role

HOST = kill.HOST
ATTACKERS, GOOD = 6, 4
EVERY_S, ALONE_S = 0.025, 3.0
SMSC_SHARE = 0.2
"""Of the PDUs come from the SMSC's side."""
WINDOW = 2000
CONFIG = """\
listeners:
  smpp:
    - address: {host}:{port}
      max_connections: 500
accounts:
  - system_id: good
    password_hash: {hash}
    window: 2000
  - system_id: fuzz
    password_hash: {hash}
    max_binds: 400
    window: 2000
    smpp:
      allow: [wap_push, silent, class2, replace_types]
      whole_incoming: true
connectors:
  - name: smsc
    address: {host}:{smsc_port}
    system_id: gateway
    password: {smsc_password}
    window: 1000
    reconnect_max_s: 0.2
  - name: hostile
    address: {host}:{hostile_port}
    system_id: gateway
    password: {smsc_password}
    reconnect_max_s: 0.1
    response_timeout_s: 2
    incoming_account: fuzz
routes:
  - connectors: [smsc]
log:
  level: warning
"""


@dataclass
class Live:
    """What the applications and the attackers saw."""

    client_pdus: int = 0
    client_sessions: int = 0
    smsc_pdus: int = 0
    smsc_sessions: int = 0
    answers: int = 0
    crashes: int = 0
    hangs: int = 0
    good_sent: int = 0
    good_answered: int = 0
    good_receipts: int = 0
    good_lost: int = 0
    alone_median_ms: float = 0.0
    alone_worst_ms: float = 0.0
    median_ms: float = 0.0
    worst_ms: float = 0.0
    memory_begin_mib: float = 0.0
    memory_end_mib: float = 0.0
    seconds: float = 0.0


@dataclass
class Tally:
    """What is counted while it runs."""

    live: Live = field(default_factory=Live)
    alone: list[float] = field(default_factory=list)
    attacked: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    """One of the two above."""


class Application(asyncio.Protocol):
    """Sends a message now and then, answers what comes, and counts."""

    def __init__(self, tally: Tally, password: str) -> None:
        self._tally = tally
        self._loop = asyncio.get_running_loop()
        settings = SessionSettings(window=WINDOW, peer_window=WINDOW)
        self._session = Session(Role.ESME, settings, self._loop.time())
        self._password = password
        self._transport: asyncio.Transport
        self.bound: asyncio.Future[None] = self._loop.create_future()
        self.leaving = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._session.send_request(
            BindTransceiver(system_id="good", password=self._password), self._loop.time()
        )
        self._write()

    def connection_lost(self, exc: Exception | None) -> None:
        self._tally.live.good_lost += not self.leaving

    def data_received(self, data: bytes) -> None:
        live = self._tally.live
        for event in self._session.receive_data(data, self._loop.time()):
            if isinstance(event, Answered) and event.context is None:
                assert event.response.command_status == c.ESME_ROK
                self.bound.set_result(None)
            elif isinstance(event, Answered):
                latencies, at = cast("tuple[list[float], float]", event.context)
                latencies.append(time.perf_counter() - at)
                live.good_answered += event.response.command_status == c.ESME_ROK
            elif isinstance(event, DeliverSm):
                live.good_receipts += 1
                self._session.respond(response_to(event))
            elif isinstance(event, Closed):
                self._transport.close()
        self._write()

    def send(self, number: int) -> None:
        pdu = SubmitSm(
            source_addr="12345",
            destination_addr=f"7916{number:07d}",
            registered_delivery=1,
            short_message=b"good message",
        )
        self._session.send_request(pdu, self._loop.time(), (self._tally.latencies, time.perf_counter()))
        self._tally.live.good_sent += 1
        self._write()

    def _write(self) -> None:
        self._transport.write(self._session.data_to_send())

    def leave(self) -> None:
        self.leaving = True
        self._transport.abort()


async def drip(applications: list[Application], stop: asyncio.Event) -> None:
    """Each of them sends at its pace, whatever comes back."""
    number = 0
    while not stop.is_set():
        for application in applications:
            number += 1
            application.send(number)
        await asyncio.sleep(EVERY_S)


async def one_pdu(reader: asyncio.StreamReader) -> bytes:
    """The header of the next PDU."""
    head = await reader.readexactly(16)
    await reader.readexactly(HEADER.unpack(head)[0] - 16)
    return head


async def swallow(reader: asyncio.StreamReader, live: Live) -> None:
    """Reads until the end, and counts PDUs."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        while True:
            await one_pdu(reader)
            live.answers += 1


class Attack:
    """The PDUs that are still to be sent, shared by all attackers."""

    def __init__(self, tally: Tally, pdus: int, seed: int) -> None:
        self.tally = tally
        self.clients_left = pdus - round(pdus * SMSC_SHARE)
        self.smsc_left = round(pdus * SMSC_SHARE)
        self.smsc_is_done = asyncio.Event()
        self._clients, self._smsc = Mutator(seed, 0.97), Mutator(seed + 1, 0.995)
        self._seed = seed

    async def as_application(self, port: int, password: str, place: int) -> None:
        live, rng = self.tally.live, random.Random(self._seed * 100 + place)
        while self.clients_left > 0:
            live.client_sessions += 1
            try:
                await self._one_session(port, password, rng)
            except TimeoutError:
                live.hangs += 1
            except (OSError, asyncio.IncompleteReadError):
                continue

    async def _one_session(self, port: int, password: str, rng: random.Random) -> None:
        live = self.tally.live
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection(HOST, port)
        reading: asyncio.Task[None] | None = None
        try:
            if rng.random() < 0.9:
                writer.write(encode(BindTransceiver(system_id="fuzz", password=password, sequence_number=1)))
                async with asyncio.timeout(10):
                    await one_pdu(reader)
            reading = asyncio.create_task(swallow(reader, live))
            for _ in range(rng.randrange(1, 30)):
                burst = min(self.clients_left, rng.choice((1, 3, 10, 20)))
                if burst <= 0 or reading.done():
                    break
                self.clients_left -= burst
                frames = [self._clients.pdu(live.client_pdus + n) for n in range(burst)]
                live.client_pdus += burst
                writer.write(b"".join(frames))
                async with asyncio.timeout(40):  # it reads no further from who reads nothing
                    await writer.drain()
                await asyncio.sleep(0)
        finally:
            await asyncio.sleep(0.01)
            if reading is not None:
                reading.cancel()
            writer.transport.abort()

    async def as_smsc(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        live = self.tally.live
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            _, command_id, _, number = HEADER.unpack(await one_pdu(reader))
            writer.write(encode_header(command_id | c.RESPONSE_BIT, 0, number))
            live.smsc_sessions += 1
            reading = asyncio.create_task(swallow(reader, live))
            for _ in range(40):
                burst = min(self.smsc_left, 20)
                if burst <= 0 or reading.done():
                    break
                self.smsc_left -= burst
                writer.write(b"".join(self._smsc.pdu(live.smsc_pdus + n) for n in range(burst)))
                live.smsc_pdus += burst
                await writer.drain()
                await asyncio.sleep(0.01)
            reading.cancel()
        writer.transport.abort()
        if self.smsc_left <= 0:
            self.smsc_is_done.set()

    @property
    def part_done(self) -> float:
        live = self.tally.live
        sent = live.client_pdus + live.smsc_pdus
        return sent / max(1, sent + self.clients_left + self.smsc_left)


def memory_mib(pid: int) -> float:
    """Resident memory of a process and its children."""
    pages = 0
    for each in (str(pid), *Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
        pages += int(Path(f"/proc/{each}/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


async def _assault(attack: Attack, port: int, password: str, pid: int, limit_s: float) -> None:
    tally = attack.tally
    live = tally.live
    applications: list[Application] = []
    loop = asyncio.get_running_loop()
    for _ in range(GOOD):
        _, application = await loop.create_connection(lambda: Application(tally, password), HOST, port)
        await application.bound
        applications.append(application)
    stop = asyncio.Event()
    sending = asyncio.create_task(drip(applications, stop))
    tally.latencies = tally.alone
    await asyncio.sleep(ALONE_S)
    tally.latencies = tally.attacked
    attackers = [
        asyncio.create_task(attack.as_application(port, password, place)) for place in range(ATTACKERS)
    ]
    samples: list[float] = []
    while not (all(task.done() for task in attackers) and attack.smsc_is_done.is_set()):
        await asyncio.sleep(0.2)
        if 0.1 <= attack.part_done < 0.3:
            samples.append(memory_mib(pid))
    live.memory_begin_mib = min(samples, default=memory_mib(pid))  # a login takes 32 MiB while it is checked
    stop.set()
    await sending
    for task in attackers:
        task.result()
    for _ in range(600):
        if live.good_receipts >= live.good_sent:
            break
        await asyncio.sleep(0.1)
    live.memory_end_mib = memory_mib(pid)
    live.hangs += sum(latency > limit_s for latency in tally.attacked) + live.good_sent - live.good_answered
    fresh = Application(tally, password)
    try:
        async with asyncio.timeout(limit_s):
            await loop.create_connection(lambda: fresh, HOST, port)
            await fresh.bound
    except TimeoutError:
        live.hangs += 1
    for application in (*applications, fresh):
        application.leave()


async def _with_hostile_smsc(
    folder: Path, pdus: int, seed: int, limit_s: float, smsc: dict[str, Any]
) -> Tally:
    tally = Tally()
    attack = Attack(tally, pdus, seed)
    password = secrets.token_hex(4)
    server = await asyncio.start_server(attack.as_smsc, HOST, 0)
    port = kill.free_port()
    (folder / "gateway.yaml").write_text(
        CONFIG.format(
            host=HOST,
            port=port,
            smsc_port=smsc["listen"].rpartition(":")[2],
            hostile_port=server.sockets[0].getsockname()[1],
            hash=hash_password(password),
            smsc_password=smsc["password"],
        )
    )
    gateway = kill.Gateway(folder)
    await asyncio.to_thread(gateway.start)
    process = gateway._process
    try:
        await _assault(attack, port, password, process.pid, limit_s)
        tally.live.crashes += process.poll() is not None
        code = await asyncio.to_thread(gateway.stop)
        log = gateway.log.read_text("utf-8", "replace")
        tally.live.crashes += (code != 0) + log.count("Traceback")
    finally:
        gateway.close()
        server.close()
    return tally


def run(pdus: int, seed: int, folder: Path, limit_s: float) -> Live:
    """The whole live part, in a folder of its own."""
    smsc_password = secrets.token_hex(4)
    (folder / "smsc-password").write_text(smsc_password)
    began = time.monotonic()
    listen = ("--listen", f"{HOST}:0", "--password-file", str(folder / "smsc-password"), "--no-magic")
    with kill.simulator(folder, *listen) as ready:
        smsc = {**ready, "password": smsc_password}
        tally = asyncio.run(_with_hostile_smsc(folder, pdus, seed, limit_s, smsc))
    live = tally.live
    live.seconds = round(time.monotonic() - began, 1)
    live.alone_median_ms, live.alone_worst_ms = _figures(tally.alone)
    live.median_ms, live.worst_ms = _figures(tally.attacked)
    return live


def _figures(latencies: list[float]) -> tuple[float, float]:
    if not latencies:
        return 0.0, 0.0
    return round(1000 * statistics.median(latencies), 1), round(1000 * max(latencies), 1)
