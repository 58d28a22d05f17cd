"""What the elements of a user data header say (3GPP TS 23.040 §9.2.3.24), and how they are made.

Readers raise UdhError for a value of the wrong length; bits that the standard reserves are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from protocols.sms import udh
from protocols.sms.addresses import TON_ALPHANUMERIC
from protocols.sms.alphabet import Alphabet, decode, encode, pack, unpack
from protocols.sms.udh import Element, UdhError


class Ports(NamedTuple):
    """The applications that a message goes to and comes from (§9.2.3.24.3 and .4)."""

    destination: int
    source: int


def ports_of(elements: Iterable[Element]) -> Ports | None:
    """The ports that a header names: of several the last counts; one of the wrong length is ignored."""
    found = None
    for identifier, value in elements:
        if identifier == udh.PORTS_16_BIT and len(value) == 4:
            found = Ports(int.from_bytes(value[:2], "big"), int.from_bytes(value[2:], "big"))
        elif identifier == udh.PORTS_8_BIT and len(value) == 2:
            found = Ports(*value)
    return found


def ports_element(destination: int, source: int, *, wide: bool = True) -> Element:
    """Ports of 16 bit, or 8 if not `wide`.

    Raises UdhError for a port that has no room there.
    """
    octets = 2 if wide else 1
    try:
        value = destination.to_bytes(octets, "big") + source.to_bytes(octets, "big")
    except OverflowError:
        raise UdhError(f"ports {destination} and {source} do not go into {8 * octets} bits") from None
    return (udh.PORTS_16_BIT if wide else udh.PORTS_8_BIT), value


class Indication(NamedTuple):
    """A special SMS message indication (§9.2.3.24.2)."""

    kind: int
    """0 voice, 1 fax, 2 e-mail, 3 what `extended` says."""
    waiting: int
    """Messages that wait, 255 for as many and more."""
    store: bool = False
    extended: int = 0
    """With kind 3: 0 other, 1 video."""
    profile: int = 0
    """Of the subscriber's lines, 0–3."""


def read_indication(value: bytes) -> Indication:
    """The value of a SPECIAL_MESSAGE_INDICATION."""
    _check(value, 2)
    first, waiting = value
    return Indication(first & 0x3, waiting, bool(first & 0x80), first >> 2 & 0x7, first >> 5 & 0x3)


def indication_element(indication: Indication) -> Element:
    first = indication.store << 7 | (indication.profile & 0x3) << 5
    first |= (indication.extended & 0x7) << 2 | indication.kind & 0x3
    return udh.SPECIAL_MESSAGE_INDICATION, bytes((first, min(indication.waiting, 255)))


class Formatting(NamedTuple):
    """How a piece of the text looks (EMS text formatting, §9.2.3.24.10.1.1)."""

    start: int
    """Its first character, from 0."""
    length: int
    """0: it is the default from here on."""
    alignment: int = 3
    """0 left, 1 centre, 2 right, 3 as the language has it."""
    size: int = 0
    """0 normal, 1 large, 2 small."""
    bold: bool = False
    italic: bool = False
    underlined: bool = False
    struck_through: bool = False
    colour: int | None = None
    """Foreground in the low four bits, background in the high ones; None: no colour is said."""


def read_formatting(value: bytes) -> Formatting:
    """The value of a TEXT_FORMATTING."""
    if len(value) not in (3, 4):
        raise UdhError(f"text formatting of {len(value)} octets")
    start, length, mode = value[:3]
    colour = value[3] if len(value) == 4 else None
    bold, italic, underlined, struck_through = (bool(mode & bit) for bit in (0x10, 0x20, 0x40, 0x80))
    return Formatting(
        start, length, mode & 0x3, mode >> 2 & 0x3, bold, italic, underlined, struck_through, colour
    )


def formatting_element(formatting: Formatting) -> Element:
    mode = formatting.alignment & 0x3 | (formatting.size & 0x3) << 2
    styles = (formatting.bold, formatting.italic, formatting.underlined, formatting.struck_through)
    for bit, is_set in zip((0x10, 0x20, 0x40, 0x80), styles, strict=True):
        mode |= bit if is_set else 0
    colour = () if formatting.colour is None else (formatting.colour & 0xFF,)
    return udh.TEXT_FORMATTING, bytes((formatting.start, formatting.length, mode, *colour))


class Predefined(NamedTuple):
    """A sound or an animation that the handset brings (§9.2.3.24.10.1.2 and .4)."""

    position: int
    """The character of the text that it stands before, from 0."""
    number: int


SOUNDS = (
    *("chimes high", "chimes low", "ding", "tada", "notify"),
    *("drum", "claps", "fanfare", "chords high", "chords low"),
)
ANIMATIONS = (
    *("ironic", "glad", "sceptic", "sad", "wow", "crying", "winking", "laughing"),
    *("indifferent", "in love", "confused", "tongue hanging out", "angry", "wearing glasses", "devil"),
)


def read_predefined(value: bytes) -> Predefined:
    """The value of a PREDEFINED_SOUND or PREDEFINED_ANIMATION."""
    _check(value, 2)
    return Predefined(*value)


def predefined_element(identifier: int, position: int, number: int) -> Element:
    return identifier, bytes((position, number))


def read_header_length(value: bytes) -> int:
    """The value of an RFC_822_HEADER: characters of the text that are a mail's header (§9.2.3.24.11)."""
    _check(value, 1)
    return value[0]


class Address(NamedTuple):
    """A number or a name, as §9.1.2.5 writes it."""

    ton: int
    npi: int
    address: str


_DIGITS = "0123456789*#abc"


def read_reply_address(value: bytes) -> Address:
    """The value of a REPLY_ADDRESS (§9.2.3.24.16): where an answer should go."""
    if len(value) < 2 or len(value) != 2 + (value[0] + 1) // 2 or not value[1] & 0x80:
        raise UdhError(f"reply address of {len(value)} octets")
    half_octets, kind = value[0], value[1]
    ton, npi = kind >> 4 & 0x7, kind & 0xF
    if ton == TON_ALPHANUMERIC:
        septets = unpack(value[2:], half_octets * 4 // 7)
        return Address(ton, npi, decode(septets, Alphabet.GSM7))
    halves = [half for octet in value[2:] for half in (octet & 0xF, octet >> 4)][:half_octets]
    if 0xF in halves:
        raise UdhError("reply address with a hole")
    return Address(ton, npi, "".join(_DIGITS[half] for half in halves))


def reply_address_element(address: Address) -> Element:
    """Raises UdhError for what is neither digits nor, as alphanumeric, a name of 11 characters."""
    kind = 0x80 | address.ton << 4 | address.npi
    if address.ton == TON_ALPHANUMERIC:
        septets = encode(address.address, Alphabet.GSM7)
        if len(septets) > 11:
            raise UdhError(f"a name of {len(septets)} septets")
        half_octets, packed = (len(septets) * 7 + 3) // 4, pack(septets)
    else:
        if len(address.address) > 20 or any(digit not in _DIGITS for digit in address.address):
            raise UdhError("an address has 20 digits at the most")
        halves = [_DIGITS.index(digit) for digit in address.address]
        half_octets = len(halves)
        halves += [0xF] * (half_octets % 2)
        packed = bytes(low | high << 4 for low, high in zip(halves[::2], halves[1::2], strict=True))
    return udh.REPLY_ADDRESS, bytes((half_octets, kind)) + packed


def _check(value: bytes, length: int) -> None:
    if len(value) != length:
        raise UdhError(f"element of {len(value)} octets in place of {length}")
