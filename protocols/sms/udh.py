"""The user data header of a short message (3GPP TS 23.040 §9.2.3.24).

User data that has one (UDHI set in esm_class) begins with its length UDHL, then elements of identifier,
length and value, then the message itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass

# 3GPP TS 23.040 §9.2.3.24, those that have a name in this program; what they say is in `udh_values`.
CONCATENATION_8_BIT = 0x00
SPECIAL_MESSAGE_INDICATION = 0x01
PORTS_8_BIT = 0x04
PORTS_16_BIT = 0x05
SMSC_CONTROL = 0x06
SOURCE_INDICATOR = 0x07
CONCATENATION_16_BIT = 0x08
WIRELESS_CONTROL = 0x09
TEXT_FORMATTING = 0x0A
PREDEFINED_SOUND = 0x0B
USER_SOUND = 0x0C
PREDEFINED_ANIMATION = 0x0D
LARGE_ANIMATION = 0x0E
SMALL_ANIMATION = 0x0F
LARGE_PICTURE = 0x10
SMALL_PICTURE = 0x11
VARIABLE_PICTURE = 0x12
RFC_822_HEADER = 0x20
HYPERLINK = 0x21
REPLY_ADDRESS = 0x22
ENHANCED_VOICE_MAIL = 0x23
SINGLE_SHIFT = 0x24
LOCKING_SHIFT = 0x25

NAMES = {
    CONCATENATION_8_BIT: "concatenation",
    SPECIAL_MESSAGE_INDICATION: "special message indication",
    PORTS_8_BIT: "ports, 8 bit",
    PORTS_16_BIT: "ports, 16 bit",
    SMSC_CONTROL: "SMSC control parameters",
    SOURCE_INDICATOR: "source indicator",
    CONCATENATION_16_BIT: "concatenation, 16 bit",
    WIRELESS_CONTROL: "wireless control messages",
    TEXT_FORMATTING: "text formatting",
    PREDEFINED_SOUND: "predefined sound",
    USER_SOUND: "sound",
    PREDEFINED_ANIMATION: "predefined animation",
    LARGE_ANIMATION: "large animation",
    SMALL_ANIMATION: "small animation",
    LARGE_PICTURE: "large picture",
    SMALL_PICTURE: "small picture",
    VARIABLE_PICTURE: "picture",
    RFC_822_HEADER: "RFC 822 header",
    HYPERLINK: "hyperlink",
    REPLY_ADDRESS: "reply address",
    ENHANCED_VOICE_MAIL: "enhanced voice mail",
    SINGLE_SHIFT: "single shift table",
    LOCKING_SHIFT: "locking shift table",
}

Element = tuple[int, bytes]


class UdhError(ValueError):
    """The header contradicts itself or the data it stands in: refuse the message."""


@dataclass(frozen=True, slots=True)
class Concatenation:
    """Which part of which long message this is (3GPP TS 23.040 §9.2.3.24.1 and §9.2.3.24.8)."""

    reference: int
    total: int
    sequence: int  # 1 … total
    wide: bool  # 16-bit reference


def parse(user_data: bytes) -> tuple[list[Element], bytes]:
    """The header's elements (identifier, value) in their order, and what follows the header.

    Raises UdhError when UDHL is longer than the data or an element longer than the header.
    """
    if not user_data:
        raise UdhError("no room for UDHL")
    end = 1 + user_data[0]
    if end > len(user_data):
        raise UdhError(f"UDHL {user_data[0]} with {len(user_data) - 1} octets after it")
    elements = []
    position = 1
    while position < end:
        if position + 2 > end:
            raise UdhError("header ends inside an element")
        value = position + 2
        position = value + user_data[position + 1]
        if position > end:
            raise UdhError(f"element 0x{user_data[value - 2]:02X} runs past the header")
        elements.append((user_data[value - 2], user_data[value:position]))
    return elements, user_data[end:]


def build(elements: Iterable[Element]) -> bytes:
    """The header with its UDHL.

    Raises UdhError when it needs more than 255 octets.
    """
    body = b"".join([bytes((identifier, len(value))) + value for identifier, value in _checked(elements)])
    if len(body) > 255:
        raise UdhError(f"header of {len(body)} octets")
    return bytes((len(body),)) + body


def octets_of(elements: Iterable[Element]) -> int:
    """How many octets these elements take in a header, UDHL not counted."""
    return sum(2 + len(value) for _, value in elements)


def _checked(elements: Iterable[Element]) -> Iterable[Element]:
    for identifier, value in elements:
        if not 0 <= identifier <= 255 or len(value) > 253:
            raise UdhError(f"element {identifier} of {len(value)} octets")
        yield identifier, value


def concatenation(elements: Iterable[Element]) -> Concatenation | None:
    """The concatenation element, wherever it stands; None if there is none.

    Of several the last counts (3GPP TS 23.040 §9.2.3.24). Raises UdhError for one of the wrong length, of
    no parts, or with a sequence outside 1 … total. The clause would have a handset ignore such an element;
    whether to refuse the message or to take it as a single one is the caller's choice here.
    """
    found = None
    for identifier, value in elements:
        if identifier in (CONCATENATION_8_BIT, CONCATENATION_16_BIT):
            found = _concatenation(identifier == CONCATENATION_16_BIT, value)
    return found


def _concatenation(wide: bool, value: bytes) -> Concatenation:
    if len(value) != 3 + wide:
        raise UdhError(f"concatenation element of {len(value)} octets")
    total, sequence = value[-2:]
    if not 1 <= sequence <= total:
        raise UdhError(f"part {sequence} of {total}")
    return Concatenation(int.from_bytes(value[:-2], "big"), total, sequence, wide)


def concatenation_element(reference: int, total: int, sequence: int, wide: bool = False) -> Element:
    """The element for part `sequence` (1 … total) of `total` (at most 255).

    `reference` is cut to 8 bits, or to 16 if `wide`, so a running counter can be given as it is.
    """
    if not 1 <= sequence <= total <= 255:
        raise UdhError(f"part {sequence} of {total}")
    if wide:
        return CONCATENATION_16_BIT, bytes((reference >> 8 & 0xFF, reference & 0xFF, total, sequence))
    return CONCATENATION_8_BIT, bytes((reference & 0xFF, total, sequence))
