"""What can be configured of an account: who may send what, where, how fast and at whose cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from gateway.config.basics import Network, about
from gateway.config.http_model import AccountHttp
from gateway.config.mail_model import AccountMail
from gateway.config.secret import Secret
from gateway.config.smpp_model import AccountSmpp

# Hash of the word "change-me" in the printed example. The loader refuses it, so nobody runs with it.
SAMPLE_PASSWORD_HASH = "scrypt$15$8$1$c2FtcGxlLW5vdC1mb3ItdQ==$Y/WdHCkoP+3ZUUmReY2RAvwvICuXp9B1pgh2QLDSMYA="

SANDBOX = "sandbox"
"""Where messages of accounts with test_mode go: a connector that nobody configures."""

MessageIdFormat = Literal["decimal", "hex", "uuid"]
DataCoding0 = Literal["gsm7", "latin1", "ascii", "utf8", "gsm7_packed"]
NumberCheck = Literal["none", "possible", "valid", "mobile"]
Balance = Literal["none", "own", "parent"]
Refund = Literal["unsent", "undelivered", "never"]
OutsideHours = Literal["wait", "refuse"]
HoursOf = Literal["account", "subscriber"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLimits:
    """How much an account may send, and when; 0 and "" are no limit.

    A day is one of the account's time zone. Messages are counted, not segments, as the SMSC service does.
    """

    per_day: int = field(default=0, metadata=about("Messages a day.", low=0, high=1_000_000_000))
    per_number: int = field(default=0, metadata=about("Messages a day to one number.", low=0, high=1_000_000))
    per_text: int = field(
        default=0,
        metadata=about("Messages a day with one text to one number.", low=0, high=1_000_000),
    )
    per_address: int = field(
        default=0,
        metadata=about("Messages a day from one IP address.", low=0, high=1_000_000_000),
    )
    hours: str = field(
        default="",
        metadata=about(
            "Hours in which messages go out, from-to; 21-6 is over midnight.", example="9-21", max_octets=5
        ),
    )
    outside_hours: OutsideHours = field(
        default="wait", metadata=about("Other messages wait for the hours, or are refused.")
    )
    hours_of: HoursOf = field(
        default="account",
        metadata=about("Whose time zone the hours are of; a number that says none has the account's."),
    )
    flood: int = field(
        default=0,
        metadata=about(
            "So many messages to one number with less than flood_gap_s between each and the next are a "
            "flood: more are refused until there is such a gap.",
            low=0,
            high=1_000_000,
        ),
    )
    flood_gap_s: int = field(default=60, metadata=about("The gap that ends a flood.", low=1, high=86_400))
    repeat_s: int = field(
        default=0,
        metadata=about(
            "The same text from the same sender to the same number within this time is refused.",
            low=0,
            high=86_400,
        ),
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
    parent: str = field(
        default="",
        metadata=about(
            "The account that this one is a part of: its block, its limits per day, its destinations and "
            "its blacklist hold for this one too.",
            example="reseller",
            max_octets=15,
        ),
    )
    tags: Sequence[str] = field(
        default=(), metadata=about("Words that routes can ask for.", example="[marketing]", max_octets=64)
    )
    test_mode: bool = field(
        default=False,
        metadata=about(
            "Nothing goes to an SMSC and nothing is charged: every message passes through all states and "
            "ends as delivered."
        ),
    )
    allowed_sources: Sequence[str] = field(
        default=(),
        metadata=about(
            "Sender numbers or names the account may use; empty: any.",
            example="['79990000001', Example]",
            max_octets=20,
        ),
    )
    default_source: str = field(
        default="",
        metadata=about("Sender of messages that name none.", example="Example", max_octets=20),
    )
    forced_source: str = field(
        default="",
        metadata=about("Sender of every message, whatever it names.", example="Example", max_octets=20),
    )
    destinations: Sequence[str] = field(
        default=(),
        metadata=about(
            "First digits of numbers that the account may write to, with a minus of those that it may not; "
            "the longest that fits decides. Where all have a minus, others are allowed; empty: all.",
            example="['7', '-77', '49']",
            max_octets=21,
        ),
    )
    default_region: str = field(
        default="",
        metadata=about(
            "Country (ISO 3166, two letters) whose national numbers the account may write; without one they "
            "are taken as they come.",
            example="RU",
            max_octets=2,
        ),
    )
    number_check: NumberCheck = field(
        default="none",
        metadata=about(
            "What a destination must be: possible has a length that its country has, valid is in a range "
            "that is given out, mobile is one that can get SMS."
        ),
    )
    validity_h: int = field(
        default=0,
        metadata=about(
            "Validity of a message that names none; 0: queue.default_validity_h.", low=0, high=8760
        ),
    )
    max_validity_h: int = field(
        default=0, metadata=about("Longest validity; more is cut. 0: no limit.", low=0, high=8760)
    )
    time_zone: str = field(
        default="",
        metadata=about(
            "Where the account's day begins and its hours are; empty: UTC.",
            example="Europe/Moscow",
            max_octets=64,
        ),
    )
    limits: AccountLimits = field(
        default=AccountLimits(),
        metadata=about("How much the account may send, and when."),
    )
    balance: Balance = field(
        default="none",
        metadata=about(
            "none: nothing is counted; own: what it sends is paid in advance; parent: by its parent's "
            "balance. `smsc-gateway account credit` puts money in."
        ),
    )
    credit: float = field(
        default=0,
        metadata=about("How far its own balance may go below zero.", low=0, high=1_000_000_000),
    )
    prices: str = field(
        default="",
        metadata=about(
            "Which of price_lists says what a segment costs; needed with a balance.",
            example="retail",
            max_octets=64,
        ),
    )
    refund: Refund = field(
        default="unsent",
        metadata=about(
            "What is given back when a message fails: unsent, if no SMSC took anything of it; undelivered, "
            "whenever it ends in another state than delivered, accepted or unknown; never."
        ),
    )
    stop_words: Sequence[str] = field(
        default=(),
        metadata=about(
            "An incoming SMS to the account that begins with one of these puts its sender on the account's "
            "blacklist, in small or capital letters.",
            example="[STOP, СТОП]",
            max_characters=70,
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
            "What `smsc-gateway api-key` prints: keys that stand for login and password over HTTP, and in "
            "the service's own mail form.",
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
    http: AccountHttp | None = field(
        default=None,
        metadata=about("HTTP, in the SMSC service's form and in JSON; without it the account has none."),
    )
    service_messages: bool = field(
        default=False,
        metadata=about(
            "Lets the account ask an SMSC service for what is no plain SMS (HLR, ping, call, Viber and so "
            "on), and use the service's commands in texts."
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SubAccount(Account):
    """A sub-client: an account that its parent has made while the gateway runs, and that no file names."""
