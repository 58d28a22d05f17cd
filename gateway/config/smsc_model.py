"""The sections about the SMSC service over HTTP; documented like those of `model`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from gateway.config.basics import Address, Network, TlsClient, TlsServer, Url, about
from gateway.config.secret import Secret

CallbackHash = Literal["sha1", "md5", "crc32"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackListener:
    """A socket where the service calls with statuses and incoming SMS."""

    address: Address = field(
        metadata=about("Where to listen, host:port or [IPv6]:port.", example="127.0.0.1:8080")
    )
    tls: TlsServer | None = field(
        default=None, metadata=about("TLS; without it the socket is plain, for a proxy in front of it.")
    )
    max_connections: int = field(
        default=100,
        metadata=about(
            "Open connections. When all are taken, one that no call of the service came by, then one without "
            "a call under way makes room for a new one; if there is none, more are closed at once.",
            low=1,
            high=65_535,
        ),
    )
    request_timeout_s: float = field(
        default=30,
        metadata=about("A call that has not come whole by then is cut off.", low=0.1, high=3600),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SmscCallback:
    """Where the service calls for one login, and how it proves that it is the service."""

    path: str = field(
        metadata=about(
            "Path of the handler's URL, the same on all listeners.callbacks.",
            example="/smsc/centre",
            max_octets=200,
        )
    )
    secret: Secret = field(
        metadata=about(
            "What stands after the hash's name in the handler's URL: Latin letters, digits, - and _.",
            example="{file: /etc/smsc-gateway/centre.secret}",
            max_octets=128,
        )
    )
    hash: CallbackHash = field(
        default="sha1", metadata=about("Which hash the handler's URL asks for; crc32 is easily forged.")
    )
    allowed_addresses: Sequence[Network] = field(
        default=(),
        metadata=about(
            "Networks that calls may come from, of the proxy if there is one; empty: any.",
            example="[192.0.2.0/24, '2001:db8::/32']",
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SmscConnector:
    """A login at an SMSC service that is used over HTTP."""

    name: str = field(metadata=about("Name in routes, logs and counters.", example="centre", max_octets=64))
    url: Url = field(
        metadata=about(
            "The service, https://host, with :port and /path where it has them; http:// only for loopback.",
            example="https://smscentre.com",
        )
    )
    backup_urls: Sequence[Url] = field(
        default=(),
        metadata=about(
            "The same service at other hosts, tried in order when the one before cannot be reached.",
            example="[https://www2.smscentre.com]",
        ),
    )
    login: str = field(
        default="", metadata=about("Login name at the service.", example="gateway", max_octets=64)
    )
    password: Secret | None = field(
        default=None,
        metadata=about(
            "Its password. With the text of this or another secret here this file must not be readable by "
            "everybody, unless all URLs are loopback.",
            example="{file: /etc/smsc-gateway/centre.password}",
        ),
    )
    api_key: Secret | None = field(
        default=None,
        metadata=about(
            "A key of the service, instead of login and password.",
            example="{file: /etc/smsc-gateway/centre.key}",
        ),
    )
    tls: TlsClient | None = field(
        default=None, metadata=about("Whom to trust, and as whom to speak; https:// needs no more than that.")
    )
    max_requests: int = field(
        default=12, metadata=about("Requests at the same time; the service refuses 15.", low=1, high=14)
    )
    list_max: int = field(
        default=100, metadata=about("Messages that one request may carry.", low=1, high=1000)
    )
    rate: int = field(default=0, metadata=about("Segments per second; 0: no limit.", low=0, high=1_000_000))
    timeout_s: float = field(
        default=30,
        metadata=about("The status of a request without an answer by then is asked for.", low=0.1, high=600),
    )
    reconnect_max_s: float = field(
        default=60,
        metadata=about("Longest pause between attempts while it cannot be reached.", low=0.1, high=3600),
    )
    balance_warning: float = field(
        default=0,
        metadata=about("A balance below this is said in the log; 0: never.", low=0, high=1_000_000_000),
    )
    prices: str = field(
        default="",
        metadata=about(
            "Which of price_lists says what this service asks for a segment.", example="retail", max_octets=64
        ),
    )
    incoming_account: str = field(
        default="",
        metadata=about(
            "The account that gets the connector's incoming SMS; without one they are dropped.", max_octets=15
        ),
    )
    callback: SmscCallback | None = field(
        default=None,
        metadata=about("Where the service calls with statuses and incoming SMS; without it we only ask."),
    )
