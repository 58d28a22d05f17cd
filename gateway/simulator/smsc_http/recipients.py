"""Recipients as they are understood, and what a message to them costs."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from gateway.simulator.smsc_http.numbering import CODE_PRICES, MAIL_PRICE, MESSENGER_PRICE, ZONES, Network

if TYPE_CHECKING:
    from gateway.simulator.smsc_http.kinds import Kind

_REMOVED = str.maketrans("", "", " -()\t")


def canonical_phone(phone: str) -> str:
    """The digits of a number: without a plus, some national prefixes are corrected; else what was given."""
    plain = phone.translate(_REMOVED)
    if plain.startswith("+"):
        return plain[1:]
    if len(plain) == 11 and plain.startswith("8"):
        return "7" + plain[1:]
    if len(plain) == 10 and plain.startswith("9"):
        return "7" + plain
    return plain.removeprefix("00")


def canonical(recipient: str, kind: Kind) -> str:
    """A recipient as answers and status.php name it."""
    if kind.name == "mail":
        return recipient.lower()
    if kind.name == "bot" and not recipient.lstrip("+").isdecimal():
        return recipient
    return canonical_phone(recipient)


def canonical_any(recipient: str) -> str:
    """The same where the kind of message is not known, as in status.php."""
    if "@" in recipient:
        return recipient.lower()
    digits = canonical_phone(recipient)
    return digits if digits.isdecimal() else recipient


def is_well_formed(recipient: str, kind: Kind) -> bool:
    """Whether a canonical recipient can be one of this kind of message."""
    if kind.name == "mail":
        name, at, host = recipient.partition("@")
        return bool(name and at and "." in host.strip("."))
    if kind.name == "bot" and not recipient.isdecimal():
        return bool(recipient.strip("#"))
    if not (recipient.isdecimal() and recipient.isascii() and 10 <= len(recipient) <= 15):
        return False
    return not recipient.startswith("7") or len(recipient) == 11


def is_good_sender(sender: str, kind: Kind) -> bool:
    """Whether it can be a sender name: up to 11 characters, or up to 15 digits; of a mail, an address."""
    if kind.name == "mail":
        return "@" in sender
    digits = sender.removeprefix("+")
    return len(sender) <= 11 or (digits.isdecimal() and len(digits) <= 15)


def price(kind: Kind, network: Network, parts: int) -> Decimal:
    """What one message costs."""
    zone = ZONES[network.zone]
    match kind.charge:
        case "sms":
            return CODE_PRICES.get(network.mccmnc, zone.api) * parts
        case "hlr":
            return zone.hlr
        case "mms":
            return zone.mms
        case "call":
            return zone.call * -(-parts // 30)
        case "mail":
            return MAIL_PRICE
    return MESSENGER_PRICE
