"""Starts the real executable, as a rule with its own simulated SMSC as the upstream, while a block runs."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import smpplib.client
import smpplib.exceptions
from free_ports import free_ports
from interop_peers import Smsc

EXECUTABLE = Path(sys.executable).with_name("smsc-gateway")
HOST = "127.0.0.1"
SYSTEM_ID, PASSWORD = "interop", "peers123"
START_WAIT_S = 20.0
STOP_WAIT_S = 20.0
WAIT_S = 20.0
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


@contextmanager
def running_gateway(work_dir: Path, ports: Ports | None = None, *options: str) -> Iterator[Smsc]:
    """Gateway and simulator, ready when the block begins and ended by SIGTERM after it.

    `options` are the simulator's. A test failure, with the end of the log, when one of the two does not
    start, does not stop with status 0, or has logged a traceback.
    """
    if ports is None:
        gateway_port, smsc_port = free_ports(2)
        ports = Ports(gateway=gateway_port, smsc=smsc_port, connector=smsc_port)
    smsc = Smsc(HOST, ports.gateway, SYSTEM_ID, PASSWORD)
    config = work_dir / "gateway.yaml"
    config.write_text(_config_text(ports), encoding="utf-8")
    simulate = [str(EXECUTABLE), "simulate", "--listen", f"{HOST}:{ports.smsc}", *options]
    with (
        running(simulate, work_dir / "simulator.log", lambda: listens(ports.smsc)),
        running_daemon(config, work_dir, smsc),
    ):
        yield smsc


@contextmanager
def running_daemon(config: Path, work_dir: Path, smsc: Smsc) -> Iterator[None]:
    """The gateway alone, with its state in `work_dir`/state, once it accepts a bind as `smsc` says."""
    state_dir = work_dir / "state"
    state_dir.mkdir(mode=0o700)
    command = [str(EXECUTABLE), "run", "--config", str(config), "--state-dir", str(state_dir)]
    with running(command, work_dir / "gateway.log", lambda: _accepts_bind(smsc)):
        yield


def ask(work_dir: Path, *arguments: str) -> Any:
    """What a command such as `status` says about the gateway that keeps its state in `work_dir`/state."""
    command = [str(EXECUTABLE), *arguments, "--json", "--state-dir", str(work_dir / "state")]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    # status 1 says "not healthy", which is no wonder when a test has ended its SMSC
    if answer.returncode not in (0, 1) or not answer.stdout:
        pytest.fail(f"{arguments} ended with {answer.returncode}: {answer.stderr}")
    return json.loads(answer.stdout)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Look until `condition` is true; a test failure when it is not within WAIT_S."""
    until = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > until:
            pytest.fail(f"not within {WAIT_S:g} s: {what}")
        time.sleep(POLL_S)


def hashed_password() -> str:
    """The hash of PASSWORD."""
    hashed = subprocess.run(
        [EXECUTABLE, "hash-password"], input=PASSWORD + "\n", capture_output=True, text=True, check=True
    )
    return hashed.stdout.strip()


def _config_text(ports: Ports) -> str:
    return CONFIG.format(
        host=HOST,
        gateway=ports.gateway,
        connector=ports.connector,
        system_id=SYSTEM_ID,
        password_hash=hashed_password(),
    )


@contextmanager
def running(command: list[str], log: Path, ready: Callable[[], bool]) -> Iterator[None]:
    """A process while the block runs; its output goes to `log`."""
    name = " ".join(command[:2])
    with log.open("wb") as output:
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        until = time.monotonic() + START_WAIT_S
        while not ready():
            if child.poll() is not None or time.monotonic() > until:
                pytest.fail(f"{name} is not ready: status {child.poll()}\n{_tail(log)}")
            time.sleep(POLL_S)
        yield
        child.send_signal(signal.SIGTERM)
        try:
            status = child.wait(STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            pytest.fail(f"{name} does not stop within {STOP_WAIT_S} s\n{_tail(log)}")
        if status != 0:
            pytest.fail(f"{name} ended with {status}\n{_tail(log)}")
        if b"Traceback" in log.read_bytes():
            pytest.fail(f"{name} logged a traceback: {log}")
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-4000:]


def listens(port: int) -> bool:
    """Whether something accepts connections on the port."""
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
