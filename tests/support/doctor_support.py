"""A machine, a gateway and a configuration for the checks of `smsc-gateway doctor`, as a test wants them."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.doctor.checks import CHECKS
from gateway.cli.doctor.gateway_state import GatewayState, Running
from gateway.cli.doctor.look import Look, read_config
from gateway.cli.doctor.machine import Machine
from gateway.cli.doctor.results import Finding

HOST = "127.0.0.1"
PASSWORD_HASH = "scrypt$15$8$1$dmVjdG9yLXNhbHQtMDAwMQ==$0VzBzFwXWYHFIY74QcIFfpC4huEdnm7tfl1Lb5gkmQQ="
DAY_S = 86_400
PATIENCE_S = 20.0

CONFIG = """\
listeners: {smpp: [{address: '127.0.0.1:PORT'}]}
accounts: [{system_id: app, password_hash: 'HASH'}]
connectors: [{name: up, address: '127.0.0.1:2', system_id: gateway, password: pass-1}]
routes: [{connectors: [up]}]
"""


def silent_tool(*command: str) -> str | None:
    """A machine without systemd and without NTP."""
    return None


def looking(folder: Path, text: str = "", port: int = 1, **fields: Any) -> Look:
    """At a configuration in `folder`/config.yaml (CONFIG unless given), and a state directory beside it.

    `machine` and `gateway` as given, else a quiet machine without a gateway.
    """
    file, state = folder / "config.yaml", folder / "state"
    file.write_text((text or CONFIG).replace("PORT", str(port)).replace("HASH", PASSWORD_HASH))
    file.chmod(0o640)
    state.mkdir(mode=0o700, exist_ok=True)
    machine = fields.pop("machine", None) or Machine(tool=silent_tool, load=lambda: 0.0)
    config, reading, problems = read_config(file, machine, [])
    gateway = fields.pop("gateway", None) or GatewayState(Running.NOT)
    return Look(file, state, gateway, machine, config, reading, problems, **fields)


def answering(pid: int = 0, **status: Any) -> GatewayState:
    """A gateway that runs, and says this of itself."""
    return GatewayState(Running.ANSWERS, "", {"problems": [], "connectors": [], **status}, pid)


def found(check: str, look: Look) -> list[Finding]:
    """All that one check finds, one job after the other."""
    return [finding for job in CHECKS[check].jobs(look) for finding in job.findings()]


def outcomes(findings: Iterable[Finding]) -> list[str]:
    return [finding.outcome.value for finding in findings]


def certificate(
    folder: Path,
    name: str,
    *,
    names: str = "DNS:localhost,IP:127.0.0.1",
    days: int = 30,
    issuer: Path | None = None,
    is_authority: bool = False,
) -> Path:
    """NAME.pem and NAME.key; self-signed unless `issuer` is one of these; `days` below 0: it has expired."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    pem, key, request, options = (folder / f"{name}.{end}" for end in ("pem", "key", "csr", "ext"))
    options.write_text("basicConstraints=critical,CA:TRUE\n" if is_authority else f"subjectAltName={names}\n")
    by = (
        f"-signkey {key}"
        if issuer is None
        else f"-CA {issuer} -CAkey {issuer.with_suffix('.key')} -CAcreateserial"
    )
    for line in (
        f"req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} -keyout {key} "
        f"-out {request}",
        f"x509 -req -in {request} {by} -days {days} -extfile {options} -out {pem}",
    ):
        subprocess.run([openssl, *line.split()], check=True, capture_output=True)
    key.chmod(0o600)
    return pem


# -- peers -------------------------------------------------------------------------------------------


@contextmanager
def peer(serve: Callable[[socket.socket], None], tls: Path | None = None) -> Iterator[int]:
    """Its port: what listens there gives each connection to `serve`, in TLS with `tls`.pem and .key."""
    context = None
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls, tls.with_suffix(".key"))
    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=_accept, args=(listener, serve, context))
        thread.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _accept(
    listener: socket.socket, serve: Callable[[socket.socket], None], context: ssl.SSLContext | None
) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return  # the test is over
        with suppress(OSError), connection:  # who does not trust it hangs up
            connection.settimeout(PATIENCE_S)
            if context is None:
                serve(connection)
            else:
                with context.wrap_socket(connection, server_side=True) as link:
                    serve(link)


def hang_up(connection: socket.socket) -> None:
    """Waits until the other side has said something or has left."""
    connection.recv(1)


def smarthost(came: list[str], **replies: str) -> Callable[[socket.socket], None]:
    """A mail server of few words for `peer`; `replies` by the command, MAIL="550 no" for example."""
    usual = {"EHLO": "250 mail", "QUIT": "221 bye"}

    def serve(connection: socket.socket) -> None:
        connection.sendall(f"{replies.get('CONNECT', '220 mail')}\r\n".encode())
        with connection.makefile("rb") as lines:
            for line in lines:
                word = line.decode().split()[0].upper()
                came.append(line.decode().strip())
                reply = replies.get(word, usual.get(word, "250 ok"))
                connection.sendall(f"{reply}\r\n".encode())
                if word == "QUIT":
                    return

    return serve
