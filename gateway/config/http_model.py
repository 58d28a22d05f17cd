"""The sections about HTTP for our own clients: the service's API, JSON, handlers and webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from gateway.config.basics import Address, Network, TlsServer, Url, about
from gateway.config.secret import Secret

Serves = Literal["service", "json", "links"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpListener:
    """A socket where applications send over HTTP."""

    address: Address = field(
        metadata=about("Where to listen, host:port or [IPv6]:port.", example="127.0.0.1:8081")
    )
    tls: TlsServer | None = field(
        default=None, metadata=about("TLS; without it the socket is plain, for a proxy in front of it.")
    )
    serves: Sequence[Serves] = field(
        default=("service", "json", "links"),
        metadata=about(
            "service: the scripts of the SMSC service's API, /sys/*.php and /rest/send/; json: /v1; links: "
            "the short links, /l/."
        ),
    )
    proxies: Sequence[Network] = field(
        default=(),
        metadata=about("Networks of proxies whose X-Forwarded-For is believed.", example="[127.0.0.0/8]"),
    )
    max_connections: int = field(
        default=1000,
        metadata=about(
            "Open connections. When all are taken, one that has not sent a whole request yet, then one that "
            "waits for nothing makes room for a new one; if there is none, more are closed at once.",
            low=1,
            high=65_535,
        ),
    )
    request_timeout_s: float = field(
        default=30,
        metadata=about("A request that has not come whole by then is cut off.", low=0.1, high=3600),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """HTTP for our own clients, for all accounts."""

    limits: float = field(
        default=1,
        metadata=about(
            "How often requests may come, as a multiple of what the SMSC service allows; 0: as often as they "
            "like.",
            low=0,
            high=1_000_000,
        ),
    )
    max_requests: int = field(
        default=15,
        metadata=about("So many requests of one account at the same time are error 9.", low=2, high=65_535),
    )
    max_status_requests: int = field(
        default=5, metadata=about("The same of requests to status.php.", low=2, high=65_535)
    )
    block_after: int = field(
        default=30,
        metadata=about(
            "An address with so many bad logins within a minute is answered with error 4; 0: never.",
            low=0,
            high=1_000_000,
        ),
    )
    block_s: int = field(default=300, metadata=about("For so long.", low=1, high=86_400))
    links: Url | None = field(
        default=None,
        metadata=about(
            "Where short links begin, as subscribers reach a listener that serves links; without it no link "
            "is shortened here.",
            example="https://s.example.org",
        ),
    )
    call_networks: Sequence[Network] = field(
        default=(),
        metadata=about(
            "Networks that handlers and webhooks may be in although they are not public.",
            example="[127.0.0.0/8]",
        ),
    )
    seller: str = field(
        default="",
        metadata=about(
            "Who makes invoices out, as their first lines; without it there are none.",
            example="Example Ltd., 1 Example Street",
            max_characters=500,
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountHttp:
    """What an account may do over HTTP, and where it is called."""

    networks: Sequence[Network] = field(
        default=(),
        metadata=about(
            "Networks that its requests may come from, beside allowed_addresses; empty: any.",
            example="[192.0.2.0/24]",
        ),
    )
    handler: str = field(
        default="",
        metadata=about(
            "URL that is called with statuses and incoming SMS as the SMSC service does it, with its options "
            "(charset, fmt, md5, sha1, crc32) behind the question mark.",
            example="https://example.org/sms?charset=utf-8&fmt=3",
            max_characters=1000,
        ),
    )
    webhook: str = field(
        default="",
        metadata=about(
            "URL that is called with the same in JSON, signed; see docs/http.md.",
            example="https://example.org/hooks/sms",
            max_characters=1000,
        ),
    )
    webhook_secret: Secret | None = field(
        default=None,
        metadata=about(
            "What webhooks are signed with; needed with webhook.",
            example="{file: /etc/smsc-gateway/app.webhook}",
        ),
    )
    webhook_days: float = field(
        default=3,
        metadata=about("A webhook that nobody takes is tried so long.", low=0.01, high=30),
    )
    relay: str = field(
        default="",
        metadata=about(
            "Which of smsc_connectors is asked for what the gateway cannot do itself; without one that is "
            "an error.",
            example="centre",
            max_octets=64,
        ),
    )
    sub_accounts: bool = field(
        default=False,
        metadata=about("Lets it make accounts that are parts of it (users.php)."),
    )
