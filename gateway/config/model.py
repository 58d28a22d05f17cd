"""What can be configured, and the documentation of every option.

A section is a frozen dataclass; a field's metadata (`about`) says what it means, its limits and an example.
The loader checks values by it and `describe` prints it, so the three cannot disagree. Defaults live only
here. Building these classes by hand (tests do) checks nothing: the loader does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from gateway.config.basics import Address as Address
from gateway.config.basics import Network as Network
from gateway.config.basics import Option as Option
from gateway.config.basics import TlsClient as TlsClient
from gateway.config.basics import TlsServer as TlsServer
from gateway.config.basics import about
from gateway.config.mail_model import AccountMail, IncomingRule, LmtpListener, Mail, SmtpListener
from gateway.config.secret import Secret
from gateway.config.smsc_model import CallbackListener, SmscConnector

# Hash of the word "change-me" in the printed example. The loader refuses it, so nobody runs with it.
SAMPLE_PASSWORD_HASH = "scrypt$15$8$1$c2FtcGxlLW5vdC1mb3ItdQ==$Y/WdHCkoP+3ZUUmReY2RAvwvICuXp9B1pgh2QLDSMYA="

MessageIdFormat = Literal["decimal", "hex", "uuid"]
DataCoding0 = Literal["gsm7", "latin1"]
BindMode = Literal["transceiver", "pair", "transmitter", "receiver"]
LongMessages = Literal["udh", "sar", "payload"]
InterfaceVersion = Literal["3.4", "5.0"]
OnAmbiguous = Literal["resend", "resend_once", "hold", "fail"]
LogFormat = Literal["text", "json"]
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
        metadata=about("Open connections; more are closed before any login.", low=1, high=65_535),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A customer's login."""

    system_id: str = field(metadata=about("Login name of the bind.", example="app", max_octets=15))
    password_hash: Secret = field(
        metadata=about(
            "What `smsc-gateway hash-password` prints. SMPP allows 8 characters of password "
            "(SMPP v3.4 §5.2.2); clients may cut longer ones.",
            example=SAMPLE_PASSWORD_HASH,
        )
    )
    second_password_hash: Secret | None = field(
        default=None,
        metadata=about(
            "A second good password, for as long as clients change from one to the other.",
            example="{file: /etc/smsc-gateway/second.hash}",
        ),
    )
    allowed_addresses: Sequence[Network] = field(
        default=(),
        metadata=about(
            "Networks the client may come from; empty: any.", example="[127.0.0.0/8, '2001:db8::/32']"
        ),
    )
    max_binds: int = field(default=10, metadata=about("Sessions at the same time.", low=1, high=10_000))
    window: int = field(
        default=100,
        metadata=about("Unanswered requests on one bind, in either direction.", low=1, high=10_000),
    )
    rate: int = field(
        default=0,
        metadata=about("Segments per second over all binds; 0: no limit.", low=0, high=1_000_000),
    )
    message_id_format: MessageIdFormat = field(
        default="decimal", metadata=about("How message_id is written to this account.")
    )
    allowed_sources: Sequence[str] = field(
        default=(),
        metadata=about(
            "Sender numbers or names the account may use; empty: any.",
            example="['79990000001', Example]",
            max_octets=20,
        ),
    )
    max_segments: int = field(
        default=10, metadata=about("Segments of one message; longer texts are refused.", low=1, high=255)
    )
    max_open: int = field(
        default=100_000,
        metadata=about(
            "Messages without a final state; then submits get ESME_RMSGQFUL.", low=1, high=100_000_000
        ),
    )
    data_coding_0: DataCoding0 = field(
        default="gsm7", metadata=about("The alphabet this account means by data_coding 0.")
    )
    blocked: bool = field(default=False, metadata=about("Refuses every login of the account."))
    api_keys: Sequence[Secret] = field(
        default=(),
        metadata=about(
            "What `smsc-gateway api-key` prints: keys that stand for login and password in the service's "
            "own mail form.",
            example="[{file: /etc/smsc-gateway/app.key}]",
        ),
    )
    mail: AccountMail | None = field(
        default=None, metadata=about("E-mail to SMS; without it the account sends no mail.")
    )
    service_messages: bool = field(
        default=False,
        metadata=about(
            "Lets the account ask an SMSC service for what is no plain SMS (HLR, ping, call, Viber and so "
            "on), and use the service's commands in texts."
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """A link to an SMSC."""

    name: str = field(metadata=about("Name in routes, logs and counters.", example="operator", max_octets=64))
    address: Address = field(metadata=about("The SMSC, host:port or [IPv6]:port.", example="127.0.0.1:2776"))
    system_id: str = field(metadata=about("Login name the SMSC gave.", example="gateway", max_octets=15))
    password: Secret = field(
        metadata=about(
            "Password the SMSC gave, at most 8 characters (SMPP v3.4 §5.2.2). Instead of the text: "
            "{file: PATH}, {env: NAME} or {credential: NAME} (systemd's LoadCredential). With the text "
            "here this file must not be readable by everybody, unless the address is loopback.",
            example="secret",
            max_octets=8,
        )
    )
    system_type: str = field(
        default="", metadata=about("system_type of the bind, if the SMSC asks for one.", max_octets=12)
    )
    bind_mode: BindMode = field(
        default="transceiver",
        metadata=about("pair binds a transmitter and a receiver and uses them as one link."),
    )
    binds: int = field(default=1, metadata=about("Links at the same time.", low=1, high=1000))
    window: int = field(default=100, metadata=about("Unanswered submits on one bind.", low=1, high=10_000))
    rate: int = field(
        default=0,
        metadata=about("Segments per second over all binds; 0: no limit.", low=0, high=1_000_000),
    )
    tls: TlsClient | None = field(default=None, metadata=about("TLS; without it the link is plain."))
    enquire_link_s: float = field(
        default=30,
        metadata=about("Silence after which the SMSC is asked whether it lives.", low=0.1, high=3600),
    )
    response_timeout_s: float = field(
        default=30,
        metadata=about("A submit without an answer by then is ambiguous.", low=0.1, high=3600),
    )
    reconnect_max_s: float = field(
        default=60, metadata=about("Longest pause between attempts to connect.", low=0.1, high=3600)
    )
    long_messages: LongMessages = field(
        default="udh",
        metadata=about("How a long text goes up: segments with UDH, with SAR TLVs, or message_payload."),
    )
    receipts_by_text: bool = field(
        default=False,
        metadata=about(
            "Believes a receipt by its text alone (esm_class 0). Subscribers can forge such receipts."
        ),
    )
    incoming_account: str = field(
        default="",
        metadata=about(
            "The account that gets the connector's incoming SMS; without one they are refused.", max_octets=15
        ),
    )
    interface_version: InterfaceVersion = field(
        default="3.4", metadata=about("SMPP version told in the bind.")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Which connectors a destination is sent to."""

    prefix: str = field(
        default="",
        metadata=about(
            "First digits of the destination; the longest match wins, empty: every number.", max_octets=20
        ),
    )
    connectors: Sequence[str] = field(
        metadata=about(
            "Names in order: the next is used when the one before fails.", example="[operator]", min_items=1
        )
    )
    on_ambiguous: OnAmbiguous = field(
        default="resend_once",
        metadata=about(
            "What becomes of a submit whose answer never came: sent again, sent again once, kept for a "
            "person to decide, or failed."
        ),
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
    commit_delay_ms: float = field(
        default=2, metadata=about("Longest wait to gather a batch before a commit.", low=0, high=1000)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The log on standard error."""

    format: LogFormat = field(default="text", metadata=about("text for people, json for collectors."))
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
    mail: Mail | None = field(default=None, metadata=about("E-mail to SMS and back, for all accounts."))
    incoming: Sequence[IncomingRule] = field(
        default=(),
        metadata=about(
            "Where incoming SMS go; the first rule that fits. What fits none goes to the connector's "
            "incoming_account. An answer to an SMS that came from a mail goes back to that mail's sender "
            "before any rule."
        ),
    )
    queue: Queue = field(default=Queue(), metadata=about("How much is kept, and for how long."))
    log: Log = field(default=Log(), metadata=about("The log on standard error."))
