"""Starts the real executable, with its own simulated SMSC as the upstream, for as long as a block lasts."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import smpplib.client
import smpplib.exceptions
from interop_peers import Smsc

EXECUTABLE = Path(sys.executable).with_name("smsc-gateway")
HOST = "127.0.0.1"
SYSTEM_ID, PASSWORD = "interop", "peers123"
START_WAIT_S = 20.0
STOP_WAIT_S = 20.0
POLL_S = 0.05

CONFIG = """\
listeners:
  smpp:
    - address: "{host}:{gateway}"
accounts:
  - system_id: {system_id}
    password_hash: "{password_hash}"
connectors:
  - name: simulator
    address: "{host}:{connector}"
    system_id: gateway
    password: upstream
routes:
  - prefix: ""
    connectors: [simulator]
"""


@dataclass(frozen=True)
class Ports:
    """Where the gateway listens, where the SMSC listens, and where the gateway looks for the SMSC."""

    gateway: int
    smsc: int
    connector: int


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now; all are held until all are known, so they differ."""
    sockets = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


@contextmanager
def running_gateway(work_dir: Path, ports: Ports | None = None) -> Iterator[Smsc]:
    """Gateway and simulator, ready when the block begins and ended by SIGTERM after it.

    A test failure, with the end of the log, when one of them does not start, or does not stop with status 0.
    """
    if ports is None:
        gateway_port, smsc_port = free_ports(2)
        ports = Ports(gateway=gateway_port, smsc=smsc_port, connector=smsc_port)
    smsc = Smsc(HOST, ports.gateway, SYSTEM_ID, PASSWORD)
    config = work_dir / "gateway.yaml"
    config.write_text(_config_text(ports), encoding="utf-8")
    state_dir = work_dir / "state"
    state_dir.mkdir(mode=0o700)
    simulate = ["simulate", "--listen", f"{HOST}:{ports.smsc}"]
    run = ["run", "--config", str(config), "--state-dir", str(state_dir)]
    with (
        _process(simulate, work_dir / "simulator.log", lambda: _listens(ports.smsc)),
        _process(run, work_dir / "gateway.log", lambda: _accepts_bind(smsc)),
    ):
        yield smsc


def _config_text(ports: Ports) -> str:
    hashed = subprocess.run(
        [EXECUTABLE, "hash-password"], input=PASSWORD + "\n", capture_output=True, text=True, check=True
    )
    return CONFIG.format(
        host=HOST,
        gateway=ports.gateway,
        connector=ports.connector,
        system_id=SYSTEM_ID,
        password_hash=hashed.stdout.strip(),
    )


@contextmanager
def _process(arguments: list[str], log: Path, ready: Callable[[], bool]) -> Iterator[None]:
    with log.open("wb") as output:
        child = subprocess.Popen([EXECUTABLE, *arguments], stdout=output, stderr=subprocess.STDOUT)
    try:
        until = time.monotonic() + START_WAIT_S
        while not ready():
            if child.poll() is not None or time.monotonic() > until:
                pytest.fail(f"{arguments[0]} is not ready: status {child.poll()}\n{_tail(log)}")
            time.sleep(POLL_S)
        yield
        child.send_signal(signal.SIGTERM)
        try:
            status = child.wait(STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            pytest.fail(f"{arguments[0]} does not stop within {STOP_WAIT_S} s\n{_tail(log)}")
        if status != 0:
            pytest.fail(f"{arguments[0]} ended with {status}\n{_tail(log)}")
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-4000:]


def _listens(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), 1).close()
    except OSError:
        return False
    return True


def _accepts_bind(smsc: Smsc) -> bool:
    client = smpplib.client.Client(smsc.host, smsc.port, timeout=5, allow_unknown_opt_params=True)
    try:
        client.connect()
        client.bind_transceiver(system_id=smsc.system_id, password=smsc.password)
        client.unbind()
    except smpplib.exceptions.ConnectionError:
        return False
    finally:
        client.disconnect()
    return True
