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
from gateway.config.connector_model import Connector as Connector
from gateway.config.connector_model import OnAmbiguous as OnAmbiguous
from gateway.config.connector_model import TextPolicy as TextPolicy
from gateway.config.connector_model import VendorTlv as VendorTlv
from gateway.config.mail_model import AccountMail, IncomingRule, LmtpListener, Mail, SmtpListener
from gateway.config.secret import Secret
from gateway.config.smpp_model import AccountSmpp as AccountSmpp
from gateway.config.smsc_model import CallbackListener, SmscConnector

# Hash of the word "change-me" in the printed example. The loader refuses it, so nobody runs with it.
SAMPLE_PASSWORD_HASH = "scrypt$15$8$1$c2FtcGxlLW5vdC1mb3ItdQ==$Y/WdHCkoP+3ZUUmReY2RAvwvICuXp9B1pgh2QLDSMYA="

MessageIdFormat = Literal["decimal", "hex", "uuid"]
DataCoding0 = Literal["gsm7", "latin1", "ascii", "utf8", "gsm7_packed"]
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
    smpp: AccountSmpp = field(
        default=AccountSmpp(),
        metadata=about("What the account's sessions may do, and how receipts come to them."),
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
    text: TextPolicy = field(
        default=TextPolicy(),
        metadata=about("How a text is written anew where that saves segments; as it came if nothing is set."),
    )
    whole: bool = field(
        default=False,
        metadata=about(
            "Joins the segments that an application made itself before anything of them goes up; "
            "what is not there within queue.part_wait_s goes up in its parts."
        ),
    )
    vendor_tlvs: Sequence[str] | None = field(
        default=None,
        metadata=about(
            "Which TLVs beyond the specification go up with a message: names of vendor_tlvs, or tags; "
            "absent: all.",
            example="[charging_id, '0x1401']",
            max_octets=64,
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
    vendor_tlvs: Sequence[VendorTlv] = field(
        default=(),
        metadata=about(
            "TLVs beyond the specification that have a name and a form; what has another is refused."
        ),
    )
    denied_destinations: Sequence[str] = field(
        default=(),
        metadata=about(
            "First digits of numbers that nobody may write to.", example="['7900', '882']", max_octets=20
        ),
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
