"""What can be configured of an account's SMPP sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from gateway.config.basics import Address, about
from gateway.config.secret import Secret

ReceiptPdu = Literal["deliver_sm", "data_sm"]
ReceiptStyle = Literal["both", "text", "tlv"]
Receipts = Literal["folded", "per_part"]
NumberPrefix = Literal["keep", "none", "plus", "00"]
SpecialMessage = Literal["wap_push", "silent", "class2", "replace_types"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRule:
    """How a number is written, a short code, and a name as a sender; what is not set stays as it came."""

    ton: int | None = field(
        default=None,
        metadata=about("Type of number (SMPP v3.4 §5.2.5); absent: as it came.", example="1", low=0, high=6),
    )
    npi: int | None = field(
        default=None,
        metadata=about("Numbering plan (SMPP v3.4 §5.2.6); absent: as it came.", example="1", low=0, high=18),
    )
    prefix: NumberPrefix = field(default="keep", metadata=about("What an international number begins with."))
    short_digits: int = field(
        default=0,
        metadata=about(
            "Up to so many digits are a short code, which has its own TON and NPI; 0: short codes are "
            "numbers like others.",
            example="6",
            low=0,
            high=8,
        ),
    )
    short_ton: int | None = field(
        default=None,
        metadata=about(
            "TON of short codes, often 3 (network specific) or 6 (abbreviated); absent: as it came.",
            example="3",
            low=0,
            high=6,
        ),
    )
    short_npi: int | None = field(
        default=None, metadata=about("NPI of short codes; absent: as it came.", example="0", low=0, high=18)
    )
    name_ton: int | None = field(
        default=None,
        metadata=about(
            "TON of names, 5 (alphanumeric) by the specification; absent: as it came.",
            example="5",
            low=0,
            high=6,
        ),
    )
    name_npi: int | None = field(
        default=None, metadata=about("NPI of names; absent: as it came.", example="0", low=0, high=18)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberList:
    """A distribution list of submit_multi."""

    name: str = field(metadata=about("dl_name of the list.", example="staff", max_octets=20))
    numbers: Sequence[str] = field(
        metadata=about(
            "The numbers in it.", example="['79990000001', '79990000002']", min_items=1, max_octets=20
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOutbind:
    """Where the application waits to be called."""

    address: Address = field(
        metadata=about("Where it listens, host:port or [IPv6]:port.", example="127.0.0.1:2778")
    )
    system_id: str = field(default="smsc-gateway", metadata=about("Our name in the outbind.", max_octets=15))
    password: Secret | None = field(
        default=None,
        metadata=about("What we show as our password in the outbind.", example="secret", max_octets=8),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSmpp:
    """What the sessions of an account may do, and how receipts and incoming SMS come to them."""

    deliver_window: int = field(
        default=0, metadata=about("Unanswered deliver_sm on one bind; 0: as window.", low=0, high=10_000)
    )
    receipt_pdu: ReceiptPdu = field(
        default="deliver_sm", metadata=about("The operation that brings receipts.")
    )
    receipt_style: ReceiptStyle = field(
        default="both", metadata=about("Where a receipt says what it says: in its text, in TLVs or in both.")
    )
    receipt_esm_class: int = field(
        default=4,
        metadata=about("esm_class of receipts; 4 is the specification's.", low=0, high=255),
    )
    receipts: Receipts = field(
        default="folded",
        metadata=about("One receipt for a long message that we split, or one for each part of it."),
    )
    source: AddressRule = field(
        default=AddressRule(), metadata=about("How the account's senders are read, whatever it says of them.")
    )
    destination: AddressRule = field(default=AddressRule(), metadata=about("How its destinations are read."))
    allowed_tlvs: Sequence[str] = field(
        default=(),
        metadata=about(
            "TLVs the account may send: names of the specification or of vendor_tlvs, or tags; empty: any.",
            example="[message_payload, user_message_reference, '0x1400']",
            max_octets=64,
        ),
    )
    allow: Sequence[SpecialMessage] = field(
        default=(),
        metadata=about(
            "Messages that handsets obey without asking, and that are refused to others: WAP push, silent "
            "SMS, class 2 (to the SIM card), and those that replace an earlier one.",
            example="[wap_push, silent]",
        ),
    )
    lists: Sequence[NumberList] = field(default=(), metadata=about("Distribution lists for submit_multi."))
    broadcast_connector: str = field(
        default="",
        metadata=about(
            "The connector that the account's broadcast_sm goes to; without one it is refused.", max_octets=64
        ),
    )
    whole_incoming: bool = field(
        default=False,
        metadata=about("Joins the parts of a long incoming SMS before it goes down."),
    )
    outbind: AccountOutbind | None = field(
        default=None,
        metadata=about("Calls the application when something waits for it and it has no session."),
    )
