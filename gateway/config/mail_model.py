"""The sections about mail; documented like those of `model`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gateway.config.basics import Address, Network, TlsClient, TlsServer, about
from gateway.config.secret import Secret

TlsMode = Literal["starttls", "implicit"]
SocketMode = Literal["0600", "0660", "0666"]
SmarthostTls = Literal["required", "opportunistic", "implicit", "none"]
Transliterate = Literal["none", "typography", "all"]
OverLimit = Literal["cut", "reject"]
Empty = Literal["reject", "discard"]
Report = Literal["failure", "always", "never"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpListener:
    """A socket where mail comes in over SMTP."""

    address: Address = field(
        metadata=about("Where to listen, host:port or [IPv6]:port.", example="127.0.0.1:2525")
    )
    tls: TlsServer | None = field(
        default=None, metadata=about("TLS; without it there is none, and no AUTH from untrusted networks.")
    )
    tls_mode: TlsMode = field(
        default="starttls", metadata=about("After STARTTLS, or from the first octet (port 465).")
    )
    require_tls: bool = field(default=False, metadata=about("Refuses mail before STARTTLS."))
    hostname: str = field(
        default="",
        metadata=about(
            "Our name in the greeting; empty: the first of mail.domains.",
            example="sms.example.org",
            max_octets=255,
        ),
    )
    max_connections: int = field(
        default=1000,
        metadata=about(
            "Open connections. When all are taken, one without an account, then one without a mail under way "
            "makes room for a new one; if there is none, more are told to come back later.",
            low=1,
            high=65_535,
        ),
    )
    timeout_s: float = field(
        default=60, metadata=about("Silence after which a connection is closed.", low=0.1, high=3600)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LmtpListener:
    """A Unix socket where a mail server on this machine brings mail over LMTP."""

    path: Path = field(metadata=about("The socket's file.", example="/run/smsc-gateway/lmtp", we_make=True))
    account: str = field(
        metadata=about("The account that this mail is sent for.", example="app", max_octets=15)
    )
    mode: SocketMode = field(
        default="0660", metadata=about("The socket's permissions; the mail server must be able to write.")
    )
    max_connections: int = field(
        default=100,
        metadata=about(
            "Open connections. When all are taken, one without a mail under way makes room for a new one; if "
            "there is none, more are told to come back later.",
            low=1,
            high=65_535,
        ),
    )
    timeout_s: float = field(
        default=300, metadata=about("Silence after which a connection is closed.", low=0.1, high=3600)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMail:
    """What an account may do by mail, and what its SMS look like."""

    networks: Sequence[Network] = field(
        default=(),
        metadata=about(
            "Mail servers that send for this account without AUTH. They may also use AUTH without TLS.",
            example="[127.0.0.0/8]",
        ),
    )
    senders: Sequence[str] = field(
        default=(),
        metadata=about(
            "Mail senders the account may use, whole addresses or @domain; empty: any. Both MAIL FROM and "
            "From are checked.",
            example="[ops@example.org, '@monitoring.example.org']",
            max_octets=254,
        ),
    )
    numbers_in_address: bool = field(
        default=True, metadata=about("Mail to <number>@<domain> goes to that number.")
    )
    numbers_in_subject: bool = field(
        default=False,
        metadata=about(
            "Mail to <system_id>@<domain> goes to the numbers in its subject, which is then not shown."
        ),
    )
    numbers_in_body: bool = field(
        default=False,
        metadata=about("Mail to <system_id>@<domain> goes to the numbers in the first line of its text."),
    )
    recipients: Sequence[str] = field(
        default=(),
        metadata=about(
            "Mail to <system_id>@<domain> goes to these numbers.", example="['79991234567']", max_octets=20
        ),
    )
    attributes: bool = field(
        default=True,
        metadata=about("Allows /id=<number>/from=<sender>/maxpages=<segments>/@<domain>."),
    )
    service_form: bool = field(
        default=False,
        metadata=about(
            "Takes the service's own form, login:psw:id:time,tz:translit,format,sender,test:phones:mes."
        ),
    )
    source: str = field(
        default="",
        metadata=about(
            "Sender number or name of the SMS; empty: the SMSC's choice.", example="Example", max_octets=20
        ),
    )
    subject: str = field(
        default="{subject}: ",
        metadata=about(
            "How a subject stands before the text; '' leaves it out.", max_characters=200, may_be_empty=True
        ),
    )
    sender: str = field(
        default="",
        metadata=about(
            "How the mail's sender stands before that, by {address} and {name}; '' leaves it out.",
            example="'{address} '",
            max_characters=200,
        ),
    )
    text: bool = field(
        default=True, metadata=about("Whether the mail's text is sent; off: only what stands before it.")
    )
    cut_quotes: bool = field(default=True, metadata=about("Leaves out the mail that is answered to."))
    cut_signature: bool = field(
        default=True, metadata=about("Leaves out what follows the signature's dashes.")
    )
    transliterate: Transliterate = field(
        default="typography",
        metadata=about(
            "typography writes quotes, dashes and the like plainly where that keeps a text in GSM 7 bit; "
            "all writes Cyrillic and accented letters in Latin ones too."
        ),
    )
    max_segments: int = field(
        default=4, metadata=about("Segments of one SMS, at most the account's max_segments.", low=1, high=255)
    )
    max_characters: int = field(
        default=0, metadata=about("Characters of one SMS; 0: only max_segments counts.", low=0, high=39_015)
    )
    over_limit: OverLimit = field(
        default="cut", metadata=about("A longer text is cut and ends in three dots, or the mail is rejected.")
    )
    empty: Empty = field(default="reject", metadata=about("What becomes of a mail without any text."))
    empty_text: str = field(
        default="",
        metadata=about(
            "Sent instead of nothing, so that `empty` never applies.", example="(no text)", max_characters=160
        ),
    )
    hours: str = field(
        default="",
        metadata=about(
            "Hours of the day in which SMS go out, in time_zone; others wait for them.",
            example="9-21",
            max_octets=5,
        ),
    )
    time_zone: str = field(
        default="UTC",
        metadata=about("Time zone of `hours`, by its IANA name.", example="Europe/Moscow", max_octets=64),
    )
    report: Report = field(
        default="failure",
        metadata=about("When a mail that does not say so itself (DSN, RFC 3461) is answered with a report."),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryRule:
    """A national way to write numbers."""

    prefix: str = field(
        metadata=about("First digits of a number as people write it.", example="'8'", max_octets=10)
    )
    length: int = field(metadata=about("Its digits in all.", example="11", low=3, high=20))
    replace: str = field(
        metadata=about(
            "What stands for the prefix in the international number.", example="'7'", max_octets=10
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A name for several numbers: mail to <name>@<domain> goes to each."""

    name: str = field(metadata=about("The address's part before the @.", example="ops", max_octets=64))
    numbers: Sequence[str] = field(
        metadata=about(
            "International numbers.", example="['79991234567', '79997654321']", min_items=1, max_octets=20
        )
    )
    accounts: Sequence[str] = field(
        default=(),
        metadata=about("Accounts that may write to it; empty: all.", example="[app]", max_octets=15),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Smarthost:
    """The mail server that takes our reports and incoming SMS."""

    address: Address = field(metadata=about("Host and port.", example="127.0.0.1:25"))
    tls: SmarthostTls = field(
        default="opportunistic",
        metadata=about(
            "required: STARTTLS with a verified certificate, else the letter waits; opportunistic: STARTTLS "
            "where offered, not verified; implicit: TLS from the first octet, verified."
        ),
    )
    certificates: TlsClient | None = field(
        default=None, metadata=about("Whom to trust, and as whom to speak.")
    )
    username: str = field(
        default="", metadata=about("Login for AUTH; needs TLS.", example="gateway", max_octets=255)
    )
    password: Secret | None = field(
        default=None, metadata=about("Its password.", example="{file: /etc/smsc-gateway/smarthost.password}")
    )
    connections: int = field(default=2, metadata=about("Connections at the same time.", low=1, high=50))
    timeout_s: float = field(default=60, metadata=about("Longest wait for an answer.", low=0.1, high=600))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """E-mail to SMS and back."""

    domains: Sequence[str] = field(
        metadata=about(
            "Mail to <number>@ one of these becomes an SMS; answers come from the first.",
            example="[sms.example.org]",
            min_items=1,
            max_characters=253,
        )
    )
    postmaster: str = field(
        default="",
        metadata=about(
            "From of our reports; empty: postmaster@ the first domain.",
            example="postmaster@example.org",
            max_octets=254,
        ),
    )
    smarthost: Smarthost | None = field(
        default=None, metadata=about("Takes reports and incoming SMS; without it none are sent as mail.")
    )
    max_size: int = field(
        default=1_000_000, metadata=about("Octets of one mail.", low=1_000, high=50_000_000)
    )
    max_recipients: int = field(default=100, metadata=about("Recipients of one mail.", low=1, high=1_000))
    country_rules: Sequence[CountryRule] = field(
        default=(), metadata=about("National forms of numbers; the first that fits is applied.")
    )
    groups: Sequence[Group] = field(default=(), metadata=about("Names for several numbers."))
    rejected_text: str = field(
        default="{address} is no number that SMS can be sent to",
        metadata=about(
            "What a sender is told of a recipient that is refused; {address} stands for it.", max_octets=400
        ),
    )
    service_name: str = field(
        default="send",
        metadata=about("Mail to <service_name>@<domain> is in the service's own form.", max_octets=64),
    )
    reply_window_h: int = field(
        default=72,
        metadata=about(
            "So long an SMS's answer goes back to the mail it answers; 0: never.", low=0, high=8760
        ),
    )
    delay_notice_h: int = field(
        default=4,
        metadata=about(
            "After that a sender who asked for it (NOTIFY=DELAY) hears of a waiting SMS.", low=1, high=720
        ),
    )
    max_per_pair_h: int = field(
        default=100,
        metadata=about(
            "SMS in an hour from one mail address to one number; it cuts loops.",
            low=1,
            high=1_000_000,
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingRule:
    """Where some incoming SMS go."""

    number: str = field(
        default="",
        metadata=about("Our number that it was sent to; empty: any.", example="'1234'", max_octets=20),
    )
    keyword: str = field(
        default="",
        metadata=about(
            "Its first word, in small or capital letters; empty: any.", example="HELP", max_characters=70
        ),
    )
    connector: str = field(
        default="", metadata=about("The connector it came by; empty: any.", example="operator", max_octets=64)
    )
    account: str = field(
        default="", metadata=about("The account whose SMPP sessions get it.", example="app", max_octets=15)
    )
    mail: Sequence[str] = field(
        default=(), metadata=about("Mail addresses that get it.", example="[ops@example.org]", max_octets=254)
    )
