"""A message from end to end: a gateway and a simulated SMSC, in a folder of their own, on loopback.

It shows that the installation, Python, the disk of temporary files and loopback are sound; the real gateway
and its configuration have no part in it.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, TypeVar

from gateway.cli import CommandError
from gateway.cli.daemon_client import ask
from gateway.cli.doctor.look import Look
from gateway.cli.doctor.results import Finding, Job, failed, passed, warned
from gateway.cli.send_session import Segment, SendError, SendSession
from gateway.core.passwords import hash_password
from protocols.smpp import constants as c

T = TypeVar("T")
SUBJECT = "through a gateway and an SMSC of its own"
HOST = "127.0.0.1"
ACCOUNT = "doctor"
TO = "79990000000"
BUSY = 2.0
"""More processes than that for each processor: what is late need not be broken."""
_END_S = 3.0
_LOOK_S = 0.05
_LAST_S = 1.0
"""Before the deadline, to end and remove everything."""
_NOT_THEIRS = ("NOTIFY_SOCKET", "WATCHDOG_", "LISTEN_", "CREDENTIALS_DIRECTORY", "STATE_DIRECTORY")

_CONFIG = """\
listeners: {{smpp: [{{address: '{host}:{port}'}}]}}
accounts: [{{system_id: {account}, password_hash: {hash}}}]
connectors: [{{name: simulator, address: '{host}:{smsc_port}', system_id: gateway, password: {password}}}]
routes: [{{connectors: [simulator]}}]
"""


_FIELDS = {
    "source_addr_ton": 5,
    "source_addr_npi": 0,
    "source_addr": "doctor",
    "dest_addr_ton": 1,
    "dest_addr_npi": 1,
    "destination_addr": TO,
    "data_coding": 0,
    "registered_delivery": c.REGISTERED_DELIVERY_RECEIPT_FINAL,
    "short_message": b"doctor",
}


class _Stuck(Exception):
    """It went no further; the text says where."""


class _Ends:
    """What was started, and how it ends: by its thread, or by the end of the command before that."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stack = contextlib.ExitStack()
        self._is_over = False

    def start(self, begin: Callable[[], T], end: Callable[[T], object]) -> T:
        """Nothing is begun, and not ended, in the moment in which all ends; _Stuck behind that."""
        with self._lock:
            if self._is_over:
                raise _Stuck("it was ended")
            begun = begin()
            self._stack.callback(end, begun)
            return begun

    def close(self) -> None:
        """The last first; once."""
        with self._lock:
            self._is_over = True
            self._stack.close()


def jobs(look: Look) -> Iterator[Job]:
    seconds = max(look.seconds - 1, 1)
    yield Job(SUBJECT, partial(_try, look, seconds - _LAST_S), seconds)


def _try(look: Look, seconds: float) -> Finding:
    now = look.machine.elapsed_s
    started = now()
    ends = _Ends()
    look.at_exit.append(ends.close)
    try:
        _send(_folder(ends), ends, lambda: seconds - (now() - started))
    except (_Stuck, SendError, OSError) as error:
        if now() - started >= seconds and look.machine.load() > BUSY:
            text = f"{error}; but this machine is busy ({look.machine.load():.0f} times what it can do)"
            return warned(
                SUBJECT, text, "doctor --only message --timeout 60, or look again when it is less busy"
            )
        return failed(SUBJECT, str(error), "reinstall the gateway; look at room and rights of $TMPDIR")
    finally:
        ends.close()
    return passed(SUBJECT, f"accepted, sent up, its receipt came back, in {now() - started:.1f} s")


def _folder(ends: _Ends) -> Path:
    return ends.start(
        lambda: Path(tempfile.mkdtemp(prefix="smsc-gateway-doctor-")),
        lambda folder: shutil.rmtree(folder, ignore_errors=True),
    )


def _send(folder: Path, ends: _Ends, left: Callable[[], float]) -> None:
    """Raises _Stuck, SendError or OSError."""
    password = secrets.token_hex(4)
    (folder / "password").write_text(password)
    options = ["--system-id", "gateway", "--password-file", str(folder / "password")]
    simulator = _start(folder, ends, "simulate", "--listen", f"{HOST}:0", "--json", *options)
    port = _free_port()
    text = _CONFIG.format(
        host=HOST,
        port=port,
        account=ACCOUNT,
        hash=hash_password(password),
        smsc_port=_port_of(simulator, folder, left),
        password=password,
    )
    (folder / "config.yaml").write_text(text)
    state = folder / "state"
    gateway = _start(folder, ends, "run", "--config", str(folder / "config.yaml"), "--state-dir", str(state))
    _until_bound(gateway, state, folder, left)
    session = SendSession(HOST, port, max(left(), 0.1), lambda segment: None)
    try:
        session.bind(ACCOUNT, password)
        segment = Segment(1, 1, _FIELDS)
        session.send([segment], want_receipts=True)
    finally:
        session.close()
    _judge(segment)


def _judge(segment: Segment) -> None:
    if segment.status is None:
        raise _Stuck("the gateway did not answer the message")
    if segment.status != c.ESME_ROK:
        raise _Stuck(f"the gateway refused the message: {c.status_name(segment.status)}")
    if segment.state is None:
        raise _Stuck("the message was accepted, and no receipt came")
    if segment.state != c.DELIVERED:
        raise _Stuck("the message was accepted, and was not delivered")


def _start(folder: Path, ends: _Ends, name: str, *options: str) -> subprocess.Popen[bytes]:
    """A command of ours in a process of its own, which ends with `ends`."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(_NOT_THEIRS)}

    def begin() -> subprocess.Popen[bytes]:
        with (folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(  # noqa: S603 - ours
                [sys.executable, "-P", "-m", "gateway", name, *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if name == "simulate" else log,
                stderr=log,
                cwd=folder,
                env=environment,
            )

    return ends.start(begin, _end)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _port_of(simulator: subprocess.Popen[bytes], folder: Path, left: Callable[[], float]) -> int:
    """Where the simulated SMSC listens, by its first line."""
    assert simulator.stdout is not None
    line = _line(simulator.stdout, left)
    if not line:
        raise _Stuck(f"the simulated SMSC did not start: {_last_line(folder / 'simulate.log')}")
    return int(json.loads(line)["listen"].rpartition(":")[2])


def _line(stream: IO[bytes], left: Callable[[], float]) -> bytes:
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        return stream.readline() if selector.select(max(left(), 0)) else b""


def _until_bound(
    gateway: subprocess.Popen[bytes], state: Path, folder: Path, left: Callable[[], float]
) -> None:
    why = "it does not answer"
    while left() > 0:
        if gateway.poll() is not None:
            raise _Stuck(f"the gateway did not start: {_last_line(folder / 'run.log')}")
        with contextlib.suppress(CommandError):
            [connector] = ask(state, "status")["connectors"]
            if connector["state"] == "bound":
                return
            why = f"its connector is {connector['state']}"
        time.sleep(_LOOK_S)
    raise _Stuck(f"the gateway was not ready in time: {why}")


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return lines[-1][:300] if lines else "it says nothing"


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as free:
        return int(free.getsockname()[1])
