"""What can be configured of a link to an SMSC over SMPP, and of the texts that go up by it.

Many of these options exist because SMSCs differ; docs/interop.md says what each of them does. A profile holds
those of one kind of SMSC, see `gateway.config.profiles`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from gateway.config.basics import Address, TlsClient, about
from gateway.config.secret import Secret
from gateway.config.smpp_model import AddressRule

BindMode = Literal["transceiver", "pair", "transmitter", "receiver"]
LongMessages = Literal["udh", "sar", "payload"]
InterfaceVersion = Literal["3.3", "3.4", "5.0"]
OnAmbiguous = Literal["resend", "resend_once", "hold", "fail"]
UpstreamDataCoding0 = Literal["gsm7", "latin1", "ascii", "utf8", "ucs2", "gsm7_packed"]
Ucs2Order = Literal["big", "little"]
ReferenceBits = Literal["8", "16"]
IdForm = Literal["auto", "same", "hex_to_dec", "dec_to_hex"]
Operation = Literal["query_sm", "cancel_sm", "replace_sm"]
Transliteration = Literal["none", "typography", "service_1", "service_2", "latin", "any"]
ShiftTable = Literal[
    "turkish",
    "spanish",
    "portuguese",
    "bengali",
    "gujarati",
    "hindi",
    "kannada",
    "malayalam",
    "oriya",
    "punjabi",
    "tamil",
    "telugu",
    "urdu",
]
VendorTlvType = Literal["integer", "string", "octets"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPolicy:
    """What is done to a text before UCS-2 is needed."""

    transliterate: Transliteration = field(
        default="none",
        metadata=about(
            "typography writes quotes, dashes and the like plainly; service_1 and service_2 are the SMSC "
            "service's two ways for Russian; latin knows Cyrillic, Greek, accents; any knows every script. "
            "Each of the last four does the first as well."
        ),
    )
    shift_tables: Sequence[ShiftTable] = field(
        default=(),
        metadata=about(
            "National tables of 3GPP TS 23.038 that the handsets of this route know; used where they save "
            "segments.",
            example="[turkish, portuguese]",
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorTlv:
    """A TLV that the specification does not have."""

    name: str = field(
        metadata=about("Its name in routes and accounts.", example="charging_id", max_octets=64)
    )
    tag: str = field(metadata=about("Its tag, 0x0000 to 0xFFFF.", example="'0x1400'", max_octets=6))
    type: VendorTlvType = field(
        default="octets", metadata=about("What it holds; a string ends in NUL on the wire.")
    )
    max_octets: int = field(
        default=255, metadata=about("Octets of its value at the most, without the NUL.", low=0, high=65_535)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """A link to an SMSC."""

    name: str = field(metadata=about("Name in routes, logs and counters.", example="operator", max_octets=64))
    profile: str = field(
        default="",
        metadata=about(
            "What is known of this kind of SMSC: a profile that the gateway brings (see `smsc-gateway probe "
            "--profiles`) or the path of one. What is written here counts more.",
            example="smscentre",
            max_octets=255,
        ),
    )
    address: Address = field(metadata=about("The SMSC, host:port or [IPv6]:port.", example="127.0.0.1:2776"))
    backup_addresses: Sequence[Address] = field(
        default=(),
        metadata=about(
            "Where else it is, in order, when it is not at address.", example="['127.0.0.1:2777']"
        ),
    )
    fail_back_s: float = field(
        default=60,
        metadata=about(
            "While a link is with a backup address, address is tried so often; 0: never.", low=0, high=86_400
        ),
    )
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
    one_bind_only: bool = field(
        default=False,
        metadata=about(
            "Of several nodes that share a store only one binds it, and another one when that is gone; "
            "without it each node has `binds` links, and they share window and rate."
        ),
    )
    window: int = field(default=100, metadata=about("Unanswered submits on one bind.", low=1, high=10_000))
    rate: int = field(
        default=0,
        metadata=about("Segments per second over all binds; 0: no limit.", low=0, high=1_000_000),
    )
    adaptive: bool = field(
        default=True,
        metadata=about(
            "Sends less at a time when the SMSC says that it is too much (throttle_statuses, "
            "congestion_state), and slowly more again."
        ),
    )
    throttle_statuses: Sequence[str] = field(
        default=("ESME_RTHROTTLED", "ESME_RMSGQFUL"),
        metadata=about(
            "Answers by which this SMSC means: too fast. ESME_RSUBMITFAIL counts so for five tries of a "
            "message, then as a refusal; without being named here, only while hardly anything gets through.",
            example="[ESME_RTHROTTLED, ESME_RMSGQFUL, '0x0400']",
            max_octets=32,
        ),
    )
    sender_rate: int = field(
        default=0,
        metadata=about("Segments per second of one sender; 0: no limit.", low=0, high=1_000_000),
    )
    receive_window: int = field(
        default=10_000,
        metadata=about("Receipts and incoming SMS that one bind may hold unanswered.", low=1, high=100_000),
    )
    rebind_pause_s: float = field(
        default=0,
        metadata=about(
            "Shortest pause between the end of a link and the next bind, for an SMSC that still sees the old "
            "one.",
            low=0,
            high=600,
        ),
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
    silence_s: float = field(
        default=30,
        metadata=about(
            "An SMSC that is bound and answers no submit for so long, while submits wait for answers, counts "
            "as silent, see routes.failover. With no more than response_timeout_s, what is sent again goes "
            "by another connector already. 0: never.",
            low=0,
            high=3600,
        ),
    )
    prices: str = field(
        default="",
        metadata=about(
            "Which of price_lists says what this SMSC asks for a segment.", example="retail", max_octets=64
        ),
    )
    reconnect_max_s: float = field(
        default=60, metadata=about("Longest pause between attempts to connect.", low=0.1, high=3600)
    )
    long_messages: LongMessages = field(
        default="udh",
        metadata=about("How a long text goes up: segments with UDH, with SAR TLVs, or message_payload."),
    )
    reference_bits: ReferenceBits = field(
        default="8", metadata=about("Bits of the reference that joins the segments of a long text.")
    )
    tlvs: bool = field(
        default=True,
        metadata=about("Sends TLVs; without them, as in SMPP 3.3, long texts can only go up with UDH."),
    )
    data_coding_0: UpstreamDataCoding0 = field(
        default="gsm7",
        metadata=about(
            "The alphabet this SMSC means by data_coding 0; gsm7_packed has eight characters in seven octets."
        ),
    )
    ucs2_order: Ucs2Order = field(
        default="big",
        metadata=about("Order of the octets of UCS-2; all but a few SMSCs send the high one first."),
    )
    source: AddressRule = field(
        default=AddressRule(), metadata=about("How a sender's number is written to this SMSC.")
    )
    destination: AddressRule = field(
        default=AddressRule(), metadata=about("How a destination is written to this SMSC.")
    )
    operations: Sequence[Operation] = field(
        default=(),
        metadata=about(
            "What this SMSC can do with a message that it has taken; the others are done only while it "
            "waits here.",
            example="[query_sm, cancel_sm, replace_sm]",
        ),
    )
    on_ambiguous: OnAmbiguous | None = field(
        default=None,
        metadata=about(
            "Counts more than the route's on_ambiguous for messages of this connector.", example="hold"
        ),
    )
    id_form: IdForm = field(
        default="auto",
        metadata=about(
            "How receipts write the id that the SMSC gave; auto tries and learns, hex_to_dec: the receipt's "
            "is hexadecimal and the answer's decimal."
        ),
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
    outbind_listen: Address | None = field(
        default=None,
        metadata=about(
            "Where the SMSC may come to with outbind; its connection is then bound as a receiver. The "
            "password it shows must be this connector's.",
            example="127.0.0.1:2779",
        ),
    )
