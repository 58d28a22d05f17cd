"""What can be configured, and the documentation of every option.

A section is a frozen dataclass; a field's metadata (`about`) says what it means, its limits and an example.
The loader checks values by it and `describe` prints it, so the three cannot disagree. Defaults live only
here. Building these classes by hand (tests do) checks nothing: the loader does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from gateway.config.account_model import SAMPLE_PASSWORD_HASH as SAMPLE_PASSWORD_HASH
from gateway.config.account_model import Account as Account
from gateway.config.account_model import AccountLimits as AccountLimits
from gateway.config.account_model import DataCoding0 as DataCoding0
from gateway.config.account_model import MessageIdFormat as MessageIdFormat
from gateway.config.account_model import SubAccount as SubAccount
from gateway.config.basics import Address as Address
from gateway.config.basics import Network as Network
from gateway.config.basics import Option as Option
from gateway.config.basics import TlsClient as TlsClient
from gateway.config.basics import TlsServer as TlsServer
from gateway.config.basics import about
from gateway.config.connector_model import Connector as Connector
from gateway.config.connector_model import OnAmbiguous as OnAmbiguous
from gateway.config.connector_model import TextPolicy as TextPolicy
from gateway.config.connector_model import VendorTlv as VendorTlv
from gateway.config.http_model import AccountHttp as AccountHttp
from gateway.config.http_model import Http as Http
from gateway.config.http_model import HttpListener as HttpListener
from gateway.config.mail_model import IncomingRule, LmtpListener, Mail, SmtpListener
from gateway.config.price_model import Price as Price
from gateway.config.price_model import PriceList as PriceList
from gateway.config.route_model import Rewrite as Rewrite
from gateway.config.route_model import Route as Route
from gateway.config.smpp_model import AccountSmpp as AccountSmpp
from gateway.config.smsc_model import CallbackListener, SmscConnector
from gateway.config.store_url import StoreUrl
from gateway.config.web_model import Web as Web

LogFormat = Literal["auto", "text", "json", "journal"]
LogLevel = Literal["info", "debug", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SmppListener:
    """A socket where applications bind over SMPP."""

    address: Address = field(
        metadata=about("Where to listen, host:port or [IPv6]:port.", example="127.0.0.1:2775")
    )
    tls: TlsServer | None = field(default=None, metadata=about("TLS; without it the socket is plain."))
    max_connections: int = field(
        default=2000,
        metadata=about(
            "Open connections. When all are taken, one that has not bound makes room for a new one; when all "
            "have bound, more are closed before any login.",
            low=1,
            high=65_535,
        ),
    )
    bind_timeout_s: float = field(
        default=5, metadata=about("A connection that has not bound by then is closed.", low=0.1, high=300)
    )
    enquire_link_s: float = field(
        default=60,
        metadata=about("Silence after which the client is asked whether it lives.", low=0.1, high=3600),
    )
    response_timeout_s: float = field(
        default=30, metadata=about("Longest wait for a client's answer.", low=0.1, high=3600)
    )
    system_id: str = field(
        default="smsc-gateway", metadata=about("Our name in the answer to a bind.", max_octets=15)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """The sockets that applications come to."""

    smpp: Sequence[SmppListener] = field(
        default=(),
        metadata=about("SMPP 3.4 and 5.0, for applications.", is_open=True),
    )
    smtp: Sequence[SmtpListener] = field(
        default=(), metadata=about("SMTP, for mail servers and programs that send mail.")
    )
    lmtp: Sequence[LmtpListener] = field(
        default=(), metadata=about("LMTP on a Unix socket, for a mail server on this machine.")
    )
    callbacks: Sequence[CallbackListener] = field(
        default=(), metadata=about("HTTP, for the calls of an SMSC service; see smsc_connectors.")
    )
    http: Sequence[HttpListener] = field(
        default=(), metadata=about("HTTP, for applications: the SMSC service's API, JSON, and short links.")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """How much is kept, and for how long."""

    max_messages: int = field(
        default=10_000_000,
        metadata=about("Messages without a final state over all accounts.", low=1, high=1_000_000_000),
    )
    default_validity_h: int = field(
        default=48, metadata=about("Validity of a message that names none.", low=1, high=8760)
    )
    receipt_wait_h: int = field(
        default=72, metadata=about("Longest wait for the SMSC's receipt.", low=1, high=8760)
    )
    history_days: int = field(
        default=30, metadata=about("Final messages are kept so long.", low=1, high=3650)
    )
    text_days: int = field(
        default=0,
        metadata=about(
            "The texts of final messages are kept so long; 0: a text goes with the end of its message.",
            low=0,
            high=3650,
        ),
    )
    statistics_days: int = field(
        default=730,
        metadata=about("Counts by day, account, connector and state are kept so long.", low=1, high=36_500),
    )
    audit_days: int = field(
        default=400,
        metadata=about(
            "Who did what by the pages or the command line (`smsc-gateway audit`) is kept so long.",
            low=1,
            high=36_500,
        ),
    )
    outbox_days: int = field(
        default=7,
        metadata=about("Receipts for a client that does not bind are kept so long.", low=1, high=365),
    )
    outbox_max: int = field(
        default=100_000,
        metadata=about(
            "Receipts kept for one account; more go to the dead letters.", low=1, high=100_000_000
        ),
    )
    part_wait_s: int = field(
        default=60,
        metadata=about(
            "Longest wait for the other parts of a long message that is joined before it goes up.",
            low=1,
            high=3600,
        ),
    )
    commit_delay_ms: float = field(
        default=2, metadata=about("Longest wait to gather a batch before a commit.", low=0, high=1000)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The log on standard error."""

    format: LogFormat = field(
        default="auto",
        metadata=about(
            "text for people, json for collectors, journal for systemd's; auto: journal where systemd's "
            "reads standard error, else text."
        ),
    )
    level: LogLevel = field(default="info", metadata=about("The least severe line that is written."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole configuration."""

    listeners: Listeners = field(metadata=about("Sockets that applications come to."))
    accounts: Sequence[Account] = field(
        metadata=about("Who may log in.", example="[{system_id: app, password_hash: …}]", min_items=1)
    )
    connectors: Sequence[Connector] = field(
        default=(),
        metadata=about(
            "Links to SMSCs over SMPP. Without one there has to be one of smsc_connectors.", is_open=True
        ),
    )
    smsc_connectors: Sequence[SmscConnector] = field(
        default=(),
        metadata=about("Logins at SMSC services over HTTP; routes name them as they name connectors."),
    )
    routes: Sequence[Route] = field(
        metadata=about(
            "Which connectors a destination is sent to.", example="[{connectors: [operator]}]", min_items=1
        )
    )
    vendor_tlvs: Sequence[VendorTlv] = field(
        default=(),
        metadata=about(
            "TLVs beyond the specification that have a name and a form; what has another is refused."
        ),
    )
    price_lists: Sequence[PriceList] = field(
        default=(),
        metadata=about("What a segment costs: what accounts pay, and what connectors' SMSCs ask."),
    )
    denied_destinations: Sequence[str] = field(
        default=(),
        metadata=about(
            "First digits of numbers that nobody may write to.", example="['7900', '882']", max_octets=20
        ),
    )
    mail: Mail | None = field(default=None, metadata=about("E-mail to SMS and back, for all accounts."))
    http: Http = field(default=Http(), metadata=about("HTTP for our own clients, for all accounts."))
    web: Web | None = field(
        default=None, metadata=about("Pages for operators in a browser, and what monitoring reads.")
    )
    incoming: Sequence[IncomingRule] = field(
        default=(),
        metadata=about(
            "Where incoming SMS go; the first rule that fits. What fits none goes to the connector's "
            "incoming_account. An answer to an SMS that came from a mail goes back to that mail's sender "
            "before any rule."
        ),
    )
    store: StoreUrl | None = field(
        default=None,
        metadata=about(
            "Where everything is kept: the address of a PostgreSQL as libpq reads it, or a secret that holds "
            "it. By default SQLite in the state directory. On PostgreSQL several gateways can have one "
            "store: they are its nodes.",
            example="postgresql://gateway@db1,db2/smsc?target_session_attrs=read-write&sslmode=verify-full",
        ),
    )
    node: str = field(
        default="",
        metadata=about(
            "The name of this node among those of a store on PostgreSQL, its own for each; by default the "
            "machine's. `smsc-gateway run --node NAME` leaves the file the same on all of them.",
            max_octets=63,
        ),
    )
    queue: Queue = field(default=Queue(), metadata=about("How much is kept, and for how long."))
    log: Log = field(default=Log(), metadata=about("The log on standard error."))
