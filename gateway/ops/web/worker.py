"""The process of the pages: a channel to the daemon that started it, and the sockets where browsers come.

It ends when the daemon closes its end of the channel.  It reads no file of the gateway but its own code,
templates and certificate, and writes none.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import resource
import signal
import socket
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.core.clock import SystemClock
from gateway.core.events import Events
from gateway.crashes import leave_no_memory
from gateway.ops.web.app import SHELL, make_app
from gateway.ops.web.gateway_client import GatewayClient
from gateway.ops.web.listening import WebListener
from gateway.ops.web.settings import WebSettings, from_json
from gateway.ops.web.shell import Shell

MEMORY = 512 << 20
"""Octets of address space; it has sixty megabytes when nobody is there."""
SPARE_FILES = 200
"""Descriptors besides those of its connections."""
LINE_MAX = 4 << 20
"""Octets of what the daemon says at once: ten thousand users."""


def main() -> int:
    """Arguments: the file descriptors of the channel and of the listening sockets."""
    leave_no_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the daemon ends it
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    channel, *sockets = (socket.socket(fileno=int(number)) for number in sys.argv[1:])
    factory = None
    with contextlib.suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(serve(channel, sockets))


async def serve(channel: socket.socket, sockets: list[socket.socket]) -> int:
    """Until the daemon closes the channel."""
    reader, writer = await asyncio.open_unix_connection(sock=channel, limit=LINE_MAX)

    def tell(**what: Any) -> None:
        if writer.transport.get_write_buffer_size() < LINE_MAX:  # the daemon hears it, or is gone
            writer.write(json.dumps(what).encode() + b"\n")

    events = _Told(tell)
    begin = json.loads(await reader.readline() or b"{}")
    if not begin:
        return 0
    settings = from_json(begin["settings"])
    _limit_files(settings)
    clock = SystemClock()
    app = make_app(settings, GatewayClient(Path(begin["control"])), clock, events.say)
    listener = WebListener(app, settings, tls_of(settings), events, clock)
    await listener.start(sockets)
    app[SHELL].sampler.start()
    gc.freeze()
    tell(ready=True)
    try:
        while line := await reader.readline():
            said = json.loads(line)
            if "settings" in said:
                _configure(app[SHELL], listener, from_json(said["settings"]), events)
            else:
                tell(pong=True)
    except OSError:
        pass  # the daemon was killed
    await app[SHELL].sampler.stop()
    await listener.stop()
    return 0


class _Told(Events):
    """The daemon writes what is said here into its log."""

    def __init__(self, tell: Callable[..., None]) -> None:
        super().__init__()
        self._tell = tell

    def say(self, level: str, name: str, **fields: object) -> None:
        self._tell(say=[level, name, fields])


def _limit_files(settings: WebSettings) -> None:
    """More than it needs is of no use to anybody but an intruder."""
    wanted = settings.max_connections + SPARE_FILES
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _configure(shell: Shell, listener: WebListener, settings: WebSettings, events: Events) -> None:
    shell.configure(settings)
    try:
        listener.renew_certificate(settings)
    except OSError as error:
        events.say("error", "web_fault", reason=f"the certificate cannot be read: {error.strerror}")


def tls_of(settings: WebSettings) -> ssl.SSLContext | None:
    """TLS 1.2 or later; OSError when the certificate cannot be read."""
    if not settings.is_tls:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.certificate, settings.key)
    return context


if __name__ == "__main__":
    sys.exit(main())
