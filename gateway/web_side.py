"""The pages' part of the daemon: their listening socket, and the process that serves them.

The process asks over the control socket like the command line.  Here it is only started, told its part of the
configuration, started again when it has died, and ended.  Whatever happens to it, messages go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gateway.config.model import Config
from gateway.config.web_model import Web
from gateway.core.certificates import ends_of
from gateway.core.door import Take, sockets_at, take_none
from gateway.ops.control import SOCKET_NAME
from gateway.ops.listening import why_not_listening

if TYPE_CHECKING:
    from gateway.daemon import Daemon

WORKER = "gateway.ops.web.worker"
PING_S = 10.0
SILENCE_S = 60.0
"""It is asked whether it lives every PING_S, and killed when it has said nothing for so long."""
STOP_TIMEOUT_S = 3.0
PAUSES_S = (0.5, 1.0, 2.0, 5.0, 15.0, 60.0)
"""Before it is started again, after one death, two, …"""
LONG_ENOUGH_S = 300.0
"""Who has lived so long dies for the first time again."""
LINE_MAX = 64 << 10
SAYINGS_AT_MOST = 20
"""Lines of one kind in ten seconds."""
SAYINGS = {
    "web_login": ("user", "role", "address"),
    "web_login_failed": ("user", "address"),
    "web_fault": ("reason",),
    "connections_full": ("limit", "peer", "instead_of"),
    "accept_failed": ("reason", "fix"),
}
"""What it may write into the log: names and their fields."""


class WebSide:
    """The pages; nothing at all while the configuration has none."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._web: Web | None = None
        self._sockets: list[socket.socket] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._heard_at = 0.0
        self._deaths = 0
        self._is_renewed = False
        """Whether the process ends because another one shall take its place."""
        self.certificate_ends: float | None = None
        """When the certificate that browsers are shown ends, in seconds since 1970; None: there is none."""
        self.is_ready = False
        """Whether the process that runs now has said that it serves."""

    @property
    def address(self) -> str:
        """Where they are; "": nowhere."""
        return str(self._web.address) if self._web is not None else ""

    @property
    def pid(self) -> int:
        """Of the pages' process; 0: none runs."""
        return self._process.pid if self._process is not None else 0

    async def begin(self, config: Config) -> None:
        """Starts the pages if they are configured; DaemonError when their address cannot be had."""
        self._web = config.web
        if config.web is not None:
            await self._daemon.start_listener(self, "web", str(config.web.address))

    async def start(self, take: Take) -> None:
        """Listens, and starts the process; OSError when the address cannot be had."""
        assert self._web is not None
        self._sockets = await sockets_at(*self._web.address, take)
        self._deaths = 0
        self._task = asyncio.get_running_loop().create_task(self._keep_alive(), name="the pages")
        self._task.add_done_callback(self._daemon.task_ended)

    async def reload(self, config: Config) -> None:
        """Takes over a changed section; without an address that can be had the pages end, which is told."""
        web, before = config.web, self._web
        self._web = web
        if web is not None and before is not None and web.address == before.address and self._sockets:
            self._look_at_certificate(web)
            self._tell({"settings": self._settings(web)})  # a certificate may be another one in the same file
            if (web.tls is None, web.max_connections) != (before.tls is None, before.max_connections):
                self._renew()
            return
        await self.stop()
        if web is not None:
            try:
                await self.start(take_none)
            except OSError as error:
                reason = why_not_listening(error)
                self._daemon.events.say("error", "web_not_listening", address=web.address, reason=reason)
            else:
                self._daemon.events.say("info", "listening", protocol="web", address=web.address)

    async def stop(self) -> None:
        """Ends the process; requests that are under way are lost."""
        for one in self._sockets:
            one.close()
        self._sockets.clear()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._end()
        self.is_ready = False

    def problems(self) -> Iterator[str]:
        """What an admin should know of."""
        if self._web is None or self.is_ready:
            return
        where = f"the pages at {self._web.address} do not run"
        if self._task is None:
            yield f"{where}: the address cannot be had, see web_not_listening in the log"
        elif self._deaths:
            yield f"{where}: their process has died {self._deaths} times, see web_died in the log"

    # -- the process -----------------------------------------------------------------------------------

    async def _keep_alive(self) -> None:
        daemon = self._daemon
        while True:
            begun = daemon.clock.now()
            reason = await self._live()
            self.is_ready = False
            if self._is_renewed:
                self._is_renewed = False
                continue
            lived_s = daemon.clock.now() - begun
            self._deaths = 1 if lived_s >= LONG_ENOUGH_S else self._deaths + 1
            pause_s = PAUSES_S[min(self._deaths, len(PAUSES_S)) - 1]
            daemon.events.say("error", "web_died", reason=reason, deaths=self._deaths, again_in_s=pause_s)
            await asyncio.sleep(pause_s)

    def _renew(self) -> None:
        """Another process with what cannot be changed in the one that runs."""
        self._is_renewed = self._writer is not None
        if self._writer is not None:
            self._writer.close()  # it ends

    async def _live(self) -> str:
        """Runs the process once; why it ended."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = await asyncio.to_thread(_start, theirs, self._sockets)
            reader, self._writer = await asyncio.open_unix_connection(sock=ours, limit=LINE_MAX)
        except OSError as error:
            ours.close()
            await self._end()
            return f"it cannot be started: {error.strerror}"
        except BaseException:
            ours.close()
            raise
        assert self._web is not None
        control = str(self._daemon.state_dir.absolute() / SOCKET_NAME)
        self._look_at_certificate(self._web)
        self._tell({"settings": self._settings(self._web), "control": control})
        watch = asyncio.get_running_loop().create_task(self._watch())
        try:
            reason = await self._listen(reader)
        finally:
            watch.cancel()
        code = await self._end()
        return reason or f"it ended with code {code}"

    async def _listen(self, reader: asyncio.StreamReader) -> str:
        """What it says, until it is gone or talks nonsense; a reason if there is one."""
        try:
            while line := await reader.readline():
                self._hear(json.loads(line))
        except OSError:
            pass
        except Exception as error:  # whatever it is: a process that was broken into must not end the daemon
            return f"what it said makes no sense ({type(error).__name__})"
        return ""

    def _hear(self, said: dict[str, Any]) -> None:
        self._heard_at = self._daemon.clock.now()
        if "ready" in said:
            self.is_ready = True
            self._daemon.events.say("info", "web_ready", pid=self.pid)
        elif "say" in said:
            self._say(*said["say"])

    def _say(self, level: object, name: object, fields: dict[str, object]) -> None:
        """A line of the log that it wants, if it is one that it may."""
        if name in SAYINGS and level in ("info", "warning", "error"):
            known = {key: str(fields.get(key, ""))[:200] for key in SAYINGS[str(name)]}
            self._daemon.events.seldom(
                str(level), str(name), self._daemon.clock.now(), at_most=SAYINGS_AT_MOST, **known
            )

    async def _watch(self) -> None:
        """Asks whether it lives, and kills one that does not answer."""
        clock = self._daemon.clock
        self._heard_at = clock.now()
        while clock.now() - self._heard_at < SILENCE_S:
            await asyncio.sleep(PING_S)
            self._tell({"ping": True})
        if self._process is not None:
            self._process.kill()

    def _tell(self, what: dict[str, Any]) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(json.dumps(what).encode() + b"\n")

    async def _end(self) -> int | None:
        """Ends what runs; its exit code."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._process is None:
            return None
        process, self._process = self._process, None
        return await asyncio.to_thread(_reap, process)

    def _look_at_certificate(self, web: Web) -> None:
        self.certificate_ends = None
        if web.tls is not None:
            with contextlib.suppress(OSError):  # the process will say so
                self.certificate_ends = ends_of(web.tls.certificate)

    @staticmethod
    def _settings(web: Web) -> dict[str, Any]:
        """The section as `gateway.ops.web.settings` reads it; imported there only."""
        tls = web.tls
        return {
            "users": [
                {"name": user.name, "password_hash": user.password_hash.reveal(), "role": user.role}
                for user in web.users
            ],
            "session_s": web.session_hours * 3600,
            "idle_s": web.idle_minutes * 60,
            "hosts": [*web.hosts, web.address.host.lower()],
            "proxies": [str(network) for network in web.proxies],
            "monitor_networks": [str(network) for network in web.monitor_networks],
            "max_connections": web.max_connections,
            "is_tls": tls is not None,
            "only_secure": tls is None and web.address.is_public,
            "certificate": str(tls.certificate.absolute()) if tls is not None else "",
            "key": str(tls.key.absolute()) if tls is not None else "",
        }


def _start(channel: socket.socket, sockets: list[socket.socket]) -> subprocess.Popen[bytes]:
    descriptors = [channel.fileno(), *(one.fileno() for one in sockets)]
    command = [sys.executable, "-P", "-m", WORKER, *map(str, descriptors)]
    return subprocess.Popen(command, pass_fds=descriptors, stdin=subprocess.DEVNULL)  # noqa: S603 - ours


def _reap(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
