"""The gateway on sockets that somebody else has opened, as systemd does: a restart refuses nobody."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from journey_support import HOST, SMSC_PASSWORD, SYSTEM_ID, hashed, journey
from process_support import EXECUTABLE, GatewayProcess, lines_with

NOBODY = 1
PATIENCE_S = 60.0
CONFIG = """\
listeners:
  smpp: [{{address: '{host}:{smpp}'}}]
  smtp: [{{address: '{host}:{smtp}'}}]
  http: [{{address: '{host}:{http}'}}]
  callbacks: [{{address: '{host}:{callbacks}'}}]
  lmtp: [{{path: '{lmtp}', account: {account}}}]
mail: {{domains: [sms.example.org]}}
accounts: [{{system_id: {account}, password_hash: {password_hash}, mail: {{}}, http: {{}}}}]
connectors: [{{name: smsc, address: '{host}:1', system_id: gateway, password: {smsc_password}}}]
routes: [{{connectors: [smsc]}}]
"""


class Activated(GatewayProcess):
    """Gets sockets by name, from descriptor 3 on."""

    def __init__(self, folder: Path, sockets: dict[str, socket.socket]) -> None:
        super().__init__(folder, NOBODY)
        self.passed = tuple(one.fileno() for one in sockets.values())
        self.names = ":".join(sockets)
        # a shell becomes the gateway: its pid is in LISTEN_PID, and its descriptors begin at 3
        moves = [f"{n}<&{fd}" for n, fd in enumerate(self.passed, 103)]
        moves += [f"{n}<&{n + 100} {n + 100}<&-" for n in range(3, 3 + len(sockets))]
        script = folder / "activate"
        script.write_text(f'#!/bin/bash\nexec {" ".join(moves)}\nLISTEN_PID=$$ exec {EXECUTABLE} "$@"\n')
        script.chmod(0o755)
        self.program = str(script)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """From ready to a stop in good order."""
        self.notes.clear()
        try:
            await self.start(LISTEN_FDS=str(len(self.passed)), LISTEN_FDNAMES=self.names)
            yield
            assert await self.end() == 0, self.log[-4000:]
        finally:
            if self.process.returncode is None:
                self.process.kill()
                await self.process.wait()
            self.close()


def listening_sockets(stack: ExitStack, folder: Path) -> dict[str, socket.socket]:
    names = ("smpp", "smtp", "http", "callbacks", "stranger")
    found = {name: stack.enter_context(socket.create_server((HOST, 0))) for name in names}
    local = stack.enter_context(socket.socket(socket.AF_UNIX))
    local.bind(str(folder / "lmtp"))
    local.listen()
    return {**found, "lmtp": local}


def held_by(pid: int) -> set[str]:
    """What its descriptors are."""
    return {os.readlink(descriptor) for descriptor in Path(f"/proc/{pid}/fd").iterdir()}


async def first_word(kind: str, address: int | str) -> bytes:
    """What a client is told first; ConnectionRefusedError when it is refused."""
    if isinstance(address, str):
        reader, writer = await asyncio.open_unix_connection(address)
    else:
        reader, writer = await asyncio.open_connection(HOST, address)
    if kind in ("http", "callbacks"):
        writer.write(b"GET /nowhere HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
    elif kind == "smpp":
        writer.write(bytes.fromhex("00000010 00000015 00000000 00000001"))  # enquire_link
    async with asyncio.timeout(PATIENCE_S):
        word = await reader.read(8)
    writer.close()
    return word


@journey
async def test_a_restart_refuses_nobody_and_who_came_in_between_is_served(tmp_path: Path) -> None:
    with ExitStack() as stack:
        sockets = listening_sockets(stack, tmp_path)
        ports = {name: one.getsockname()[1] for name, one in sockets.items() if one.family != socket.AF_UNIX}
        gateway = Activated(tmp_path / "gateway", sockets)
        lmtp = str(tmp_path / "lmtp")
        config = CONFIG.format(
            host=HOST,
            account=SYSTEM_ID,
            password_hash=hashed("password").reveal(),
            smsc_password=SMSC_PASSWORD,
            lmtp=lmtp,
            **{name: port for name, port in ports.items() if name != "stranger"},
        )
        gateway.config.write_text(config)
        where: dict[str, int | str] = {**ports, "lmtp": lmtp}
        del where["stranger"]
        async with gateway.running():
            for kind, address in where.items():
                assert await first_word(kind, address), kind
            # what is passed and not configured is told; what was taken over is in no child
            [unused] = lines_with(gateway.log, "socket_unused")
            assert f"socket=stranger address={HOST}:{ports['stranger']}" in unused
            inodes = {f"socket:[{os.fstat(one.fileno()).st_ino}]" for one in sockets.values()}
            assert not inodes & held_by(gateway.writer_pid())
        assert os.path.exists(lmtp)  # noqa: ASYNC240 - it is not the gateway's, so it stays
        waiting = [asyncio.create_task(first_word(kind, address)) for kind, address in where.items()]
        async with gateway.running():
            assert all(await asyncio.gather(*waiting))


@journey
async def test_what_is_configured_and_not_passed_is_bound_as_ever(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as other:
        gateway = Activated(tmp_path, {"other": other})
        async with gateway.running():
            assert await first_word("smpp", gateway.port)
            assert len(lines_with(gateway.log, "socket_unused")) == 1
