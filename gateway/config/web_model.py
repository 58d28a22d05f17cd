"""The section about the pages for operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Literal

from gateway.config.account_model import SAMPLE_PASSWORD_HASH
from gateway.config.basics import Address, Network, TlsServer, about
from gateway.config.secret import Secret

WebRole = Literal["viewer", "operator"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebUser:
    """Somebody who may log in to the pages."""

    name: str = field(metadata=about("Login name.", example="admin", max_octets=64))
    password_hash: Secret = field(
        metadata=about("What `smsc-gateway hash-password` prints.", example=SAMPLE_PASSWORD_HASH)
    )
    role: WebRole = field(
        default="viewer",
        metadata=about("viewer: looks; operator: also reads texts and acts."),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """The pages for operators, and what monitoring reads."""

    address: Address = field(
        metadata=about("Where to listen, host:port or [IPv6]:port.", example="127.0.0.1:8090")
    )
    tls: TlsServer | None = field(
        default=None, metadata=about("TLS; without it the socket is plain, for a proxy in front of it.")
    )
    users: Sequence[WebUser] = field(
        metadata=about(
            "Who may log in.", example="[{name: admin, password_hash: …, role: operator}]", min_items=1
        )
    )
    hosts: Sequence[str] = field(
        default=(),
        metadata=about(
            "Names that browsers may reach the pages by. IP addresses and localhost are always good.",
            example="[gateway.example.org]",
            max_octets=253,
        ),
    )
    proxies: Sequence[Network] = field(
        default=(),
        metadata=about(
            "Networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed. On an address "
            "that any network reaches, without tls, only what came by them over HTTPS is answered.",
            example="[127.0.0.0/8]",
        ),
    )
    session_hours: float = field(default=12, metadata=about("A login ends after this.", low=0.01, high=720))
    idle_minutes: float = field(
        default=60, metadata=about("And after so long without a request.", low=0.1, high=43_200)
    )
    monitor_networks: Sequence[Network] = field(
        default=(ip_network("127.0.0.0/8"), ip_network("::1/128")),
        metadata=about("Networks that may read /metrics, /health and /ready without a login."),
    )
    max_connections: int = field(
        default=200,
        metadata=about(
            "Open connections. When all are taken, one that has not sent a whole request yet, then one that "
            "waits for nothing makes room for a new one; if there is none, more are closed at once.",
            low=5,
            high=10_000,
        ),
    )
