"""What all checks start from: the configuration, the gateway, the machine."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.cli.doctor import credentials
from gateway.cli.doctor.gateway_state import GatewayState
from gateway.cli.doctor.machine import Machine
from gateway.config.basics import Address, TlsServer
from gateway.config.load import load_with_places
from gateway.config.model import Config
from gateway.config.problems import ConfigError, Problem
from gateway.config.sections import Reading

USER = "smsc-gateway"


@dataclass(slots=True)
class Look:
    """`config` is None when the file has mistakes, which are `problems` then."""

    config_file: Path
    state_dir: Path
    gateway: GatewayState
    machine: Machine = field(default_factory=Machine)
    config: Config | None = None
    reading: Reading | None = None
    problems: Sequence[Problem] = ()
    numbers: Sequence[str] = ()
    """Whose routes are asked for."""
    seconds: float = 15.0
    """For all checks together."""
    at_exit: list[Callable[[], None]] = field(default_factory=list)
    """Called when the command ends, however it does."""

    @property
    def uid(self) -> int:
        """The gateway's user: of its process, else of its directory, else by its usual name, else ours."""
        if self.gateway.uid >= 0:
            return self.gateway.uid
        try:
            return self.state_dir.stat().st_uid
        except OSError:
            pass
        try:
            return pwd.getpwnam(USER).pw_uid
        except KeyError:
            return os.geteuid()

    @property
    def is_root(self) -> bool:
        return os.geteuid() == 0


Read = tuple[Config | None, Reading | None, Sequence[Problem]]


def read_config(path: Path, machine: Machine, at_exit: list[Callable[[], None]]) -> Read:
    """The configuration, or its mistakes; with the unit's credentials where it wants some."""
    found = _read(path)
    wants_credentials = any(credentials.VARIABLE in problem.text for problem in found[2])
    return _read(path) if wants_credentials and credentials.provide(machine, at_exit) else found


def _read(path: Path) -> Read:
    try:
        config, reading = load_with_places(path)
    except ConfigError as error:
        return None, None, error.problems
    return config, reading, ()


def listeners_of(config: Config) -> Iterator[tuple[str, str, Address, TlsServer | None, int]]:
    """TCP sockets that the gateway opens: protocol, option, address, TLS, connections at the most."""
    listeners = config.listeners
    for protocol in ("smpp", "smtp", "callbacks", "http"):
        for number, one in enumerate(getattr(listeners, protocol)):
            key = f"listeners.{protocol}[{number}]"
            yield protocol, key, one.address, one.tls, one.max_connections
    if config.web is not None:
        yield "web", "web", config.web.address, config.web.tls, config.web.max_connections
    for number, connector in enumerate(config.connectors):
        if connector.outbind_listen is not None:
            yield "outbind", f"connectors[{number}].outbind_listen", connector.outbind_listen, None, 1
