"""SMSCs that are not ours, in the place of the operator's, and the gateway bound to one of them."""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from free_ports import free_ports
from interop_gateway import (
    HOST,
    PASSWORD,
    STOP_WAIT_S,
    SYSTEM_ID,
    hashed_password,
    running_daemon,
    wait_until,
)
from interop_peers import PEERS, Smsc, node_modules, python_environment
from peer_programs import need

UPSTREAM_ID, UPSTREAM_PASSWORD = "gateway", "upstream"


def smpp34_smsc() -> list[str]:
    """The server of the PyPI package smpp34, in Rust."""
    return [str(python_environment()), str(PEERS / "python" / "smpp34_smsc.py")]


def node_smsc() -> list[str]:
    """The server of the npm package smpp."""
    return [need("node", "nodejs"), str(node_modules().parent / "smsc.js")]


class UpstreamSmsc:
    """A running SMSC: what it has told, and what it is told."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.port = port
        self._process = process
        self._events: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def events(self, name: str) -> list[dict[str, Any]]:
        """Its events of this name, oldest first."""
        return [event for event in list(self._events) if event["event"] == name]

    def wait_for(self, name: str, count: int = 1) -> list[dict[str, Any]]:
        """Its events of this name, once there are so many."""
        wait_until(lambda: len(self.events(name)) >= count, f"{count} times {name}: {self._events}")
        return self.events(name)

    def tell(self, **line: str) -> None:
        """Makes it send something."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()

    def texts(self) -> dict[str, str]:
        """Destination → text, as the SMSC has read it; segments joined by their numbers."""
        parts: dict[str, list[tuple[str, str]]] = {}
        for event in self.events("submit_sm"):
            parts.setdefault(event["to"], []).append((event["udh"], event["text"]))
        return {to: "".join(text for _, text in sorted(found)) for to, found in parts.items()}

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._events.append(json.loads(line))


@contextmanager
def running_upstream(command: list[str]) -> Iterator[UpstreamSmsc]:
    """An SMSC while the block runs."""
    (port,) = free_ports(1)
    arguments = [HOST, str(port), UPSTREAM_ID, UPSTREAM_PASSWORD]
    process = subprocess.Popen(
        [*command, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    with process:
        try:
            smsc = UpstreamSmsc(process, port)
            smsc.wait_for("listening")
            yield smsc
        finally:
            process.terminate()
            try:
                process.wait(STOP_WAIT_S)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def gateway_of(
    upstream: UpstreamSmsc, work_dir: Path, sections: dict[str, Any] | None = None, **options: Any
) -> Iterator[Smsc]:
    """The gateway with a connector to that SMSC, bound; `options` are the connector's, its address too."""
    (port,) = free_ports(1)
    gateway = Smsc(HOST, port, SYSTEM_ID, PASSWORD)
    connector = {
        "name": "operator",
        "address": f"{HOST}:{upstream.port}",
        "system_id": UPSTREAM_ID,
        "password": UPSTREAM_PASSWORD,
        "incoming_account": SYSTEM_ID,
    }
    configured = {
        "listeners": {"smpp": [{"address": f"{HOST}:{port}"}]},
        "accounts": [{"system_id": SYSTEM_ID, "password_hash": hashed_password()}],
        "connectors": [connector | options],
        "routes": [{"prefix": "", "connectors": ["operator"]}],
    }
    config = work_dir / "gateway.yaml"
    config.write_text(json.dumps(configured | (sections or {})), encoding="utf-8")
    with running_daemon(config, work_dir, gateway):
        upstream.wait_for("bound")
        yield gateway
