"""The real executable as a child process, watched by systemd's notification protocol instead of sleeps."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from free_ports import free_port
from journey_support import HOST, PASSWORD, SMSC_PASSWORD, SYSTEM_ID, Client, hashed

from protocols.smpp import constants as c
from protocols.smpp.pdu import Bind, BindTransceiver

EXECUTABLE = str(Path(sys.executable).with_name("smsc-gateway"))
PATIENCE_S = 60.0

CONFIG = """\
listeners:
  smpp:
    - address: {host}:{port}
accounts:
  - system_id: {system_id}
    password_hash: {password_hash}
connectors:
  - name: smsc
    address: {host}:{smsc_port}
    system_id: gateway
    password: {smsc_password}
    reconnect_max_s: 0.2
routes:
  - connectors: [smsc]
"""


def config_text(port: int, smsc_port: int) -> str:
    return CONFIG.format(
        host=HOST,
        port=port,
        system_id=SYSTEM_ID,
        password_hash=hashed(PASSWORD).reveal(),
        smsc_port=smsc_port,
        smsc_password=SMSC_PASSWORD,
    )


class GatewayProcess:
    """`smsc-gateway run` with its configuration and state in one folder."""

    program = EXECUTABLE
    passed: tuple[int, ...] = ()
    """Descriptors that it gets."""

    def __init__(self, folder: Path, smsc_port: int, port: int | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.config = folder / "config.yaml"
        self.state_dir = folder / "state"
        self.log_file = folder / "log"
        self.port = port or free_port()
        self.notes: list[str] = []
        self.process: asyncio.subprocess.Process
        self.config.write_text(config_text(self.port, smsc_port))
        self._loop = asyncio.get_running_loop()
        self._noted = asyncio.Event()

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    async def start(self, *, ready: bool = True, **environment: str) -> None:
        """Starts it; returns when it says that it is ready."""
        path = self.folder / "notify"
        path.unlink(missing_ok=True)
        self._channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._channel.bind(str(path))
        self._loop.add_reader(self._channel, self._read_notes)
        command = ["run", "--config", str(self.config), "--state-dir", str(self.state_dir)]
        with self.log_file.open("a") as log:
            self.process = await asyncio.create_subprocess_exec(
                self.program,
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=self.passed,
                env={**os.environ, "NOTIFY_SOCKET": str(path), **environment},
            )
        if ready:
            await self.told("READY=1")

    def _read_notes(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                self.notes.append(self._channel.recv(4096).decode())
        self._noted.set()

    async def told(self, word: str, times: int = 1) -> None:
        """Waits until systemd would have been told this so many times."""
        ended = asyncio.ensure_future(self.process.wait())
        try:
            async with asyncio.timeout(PATIENCE_S):
                while sum(word in note for note in self.notes) < times:
                    self._noted.clear()
                    noted = asyncio.ensure_future(self._noted.wait())
                    await asyncio.wait((noted, ended), return_when=asyncio.FIRST_COMPLETED)
                    noted.cancel()
                    assert not ended.done(), f"it ended with {ended.result()}\n{self.log[-4000:]}"
        except TimeoutError:
            raise AssertionError(f"never {word}: {self.notes}\n{self.log[-4000:]}") from None
        finally:
            ended.cancel()

    async def ended(self) -> int:
        """Its exit code, once it has ended; negative: the signal that ended it."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                code = await self.process.wait()
        except TimeoutError:
            raise AssertionError(f"it runs after {PATIENCE_S} s\n{self.log[-4000:]}") from None
        self._read_notes()
        self.close()
        return code

    def close(self) -> None:
        """Stops listening to what systemd would be told."""
        if self._channel.fileno() >= 0:
            self._loop.remove_reader(self._channel)
            self._channel.close()

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Sends a signal and waits for the end."""
        self.process.send_signal(number)
        return await self.ended()

    def writer_pid(self) -> int:
        """The process that writes the store."""
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        children = " ".join(it.read_text() for it in threads).split()
        (pid,) = (int(it) for it in children if "sqlite_writer" in Path(f"/proc/{it}/cmdline").read_text())
        return pid

    async def client(self, kind: type[Bind] = BindTransceiver, window: int = 1000) -> Client:
        """A client that is bound."""
        _, client = await self._loop.create_connection(lambda: Client(window), HOST, self.port)
        status = await client.bind(kind)
        assert status == c.ESME_ROK, c.status_name(status)
        return client

    async def ask(self, *arguments: str) -> Any:
        """What a command of the command line prints as JSON."""
        code, output = await command(*arguments, "--json", "--state-dir", str(self.state_dir))
        assert code == 0, output
        return json.loads(output)


@asynccontextmanager
async def process(folder: Path, smsc_port: int, port: int | None = None) -> AsyncIterator[GatewayProcess]:
    """A gateway that is ready; whatever becomes of it in the block, nothing of it is left after it."""
    gateway = GatewayProcess(folder, smsc_port, port)
    await gateway.start()
    try:
        yield gateway
        if gateway.process.returncode is None:
            assert await gateway.end() == 0, gateway.log[-4000:]
    finally:
        if gateway.process.returncode is None:
            gateway.process.kill()
            await gateway.process.wait()
        gateway.close()


async def command(*arguments: str, cwd: Path | None = None, **environment: str) -> tuple[int, str]:
    """Exit code and output (both streams) of one run of the executable."""
    child = await asyncio.create_subprocess_exec(
        EXECUTABLE,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=cwd,
        env={**os.environ, **environment},
    )
    async with asyncio.timeout(60):
        output, _ = await child.communicate()
    assert child.returncode is not None
    return child.returncode, output.decode()


def lines_with(text: str, *words: str) -> list[str]:
    return [line for line in text.splitlines() if all(word in line for word in words)]
