"""What the pages are told by the daemon: the part of the configuration that is theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from ipaddress import ip_network
from typing import Any, Literal

from gateway.core.peers import Network

UserRole = Literal["viewer", "operator"]


@dataclass(frozen=True, slots=True)
class User:
    """Who may log in."""

    name: str
    password_hash: str
    role: UserRole


@dataclass(frozen=True, slots=True)
class WebSettings:
    """How the pages behave; all of it may change while they run."""

    users: Sequence[User]
    session_s: float = 12 * 3600.0
    """A login ends after this time."""
    idle_s: float = 3600.0
    """And after so long without a request."""
    hosts: Sequence[str] = ()
    """Names that browsers may use, besides IP addresses and localhost."""
    proxies: Sequence[Network] = ()
    """Whose X-Forwarded-For and X-Forwarded-Proto are believed."""
    monitor_networks: Sequence[Network] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    """Who may read what monitoring reads, without a login."""
    max_connections: int = 200
    is_tls: bool = False
    only_secure: bool = False
    """Nothing is answered but over HTTPS, by a proxy; except to monitoring."""
    certificate: str = ""
    key: str = ""

    def user(self, name: str) -> User | None:
        return next((user for user in self.users if user.name == name), None)


def to_json(settings: WebSettings) -> dict[str, Any]:
    """For the way into the pages' process."""
    values = asdict(settings)
    for name in ("proxies", "monitor_networks"):
        values[name] = [str(network) for network in values[name]]
    return values


def from_json(values: dict[str, Any]) -> WebSettings:
    """What `to_json` made."""
    networks = {
        name: tuple(ip_network(text) for text in values[name]) for name in ("proxies", "monitor_networks")
    }
    users = tuple(User(**user) for user in values["users"])
    return WebSettings(**{**values, **networks, "users": users, "hosts": tuple(values["hosts"])})
