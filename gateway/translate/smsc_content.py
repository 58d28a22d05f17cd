"""What a message says, for the SMSC service over HTTP: a text, or the octets of one binary SMS.

The service takes a text and finds the alphabet itself.  What a text cannot say (a user data header, a
protocol identifier, classes 2 and 3, message waiting, data) goes as octets.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.core.model import Draft, Message
from gateway.translate.smsc_options import Unsendable
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.sms import udh
from protocols.sms.alphabet import Alphabet, decode, encode, for_data_coding

_ONE_SMS = 140
_ONE_SMS_SEPTETS = 160
_UCS2 = 0x08
_DATA = 0x04
_CLASS_0 = 0x10
_CHARSETS = {6: "iso8859_5", 7: "iso8859_8"}  # Cyrillic and Hebrew, SMPP v3.4 §5.2.19
_UNREADABLE = frozenset({5, 9, 10, 11, 12, 13, 14, 15})  # Japanese, Korean, reserved
_PORTS = 0x05  # application port addressing, 16 bit: 3GPP TS 23.040 §9.2.3.24.4


class Binary(NamedTuple):
    """One binary SMS."""

    octets: bytes
    """The header and what follows it; octet 0 stands where there is no header."""
    protocol_id: int
    data_coding: int
    """3GPP TS 23.038 §4."""


def text_of(message: Message | Draft) -> str:
    """The text; what its alphabet cannot read is U+FFFD. Unsendable when nobody here knows the alphabet."""
    data_coding = message.data_coding
    if data_coding in _CHARSETS:
        return message.user_data.decode(_CHARSETS[data_coding], "replace")
    if data_coding in _UNREADABLE:
        raise Unsendable("data_coding")
    return decode(message.user_data, for_data_coding(data_coding))


def class_of(data_coding: int) -> int | None:
    """The message class that a data_coding names; None: it names none."""
    has_class = data_coding >= 0xF0 or (data_coding < 0x80 and data_coding & 0x10)
    return data_coding & 0x03 if has_class else None


def is_binary(message: Message | Draft) -> bool:
    """Whether a text could not say all of the message. Class 1 is what phones do anyway."""
    data_coding = message.data_coding
    if message.esm_class & c.ESM_CLASS_UDHI or message.protocol_id:
        return True
    if data_coding and (_is_data(data_coding) or _is_waiting(data_coding) or class_of(data_coding) in (2, 3)):
        return True
    if not message.tlvs:
        return False
    try:
        return bool(_header_of_tlvs(message.tlvs))
    except udh.UdhError:
        return True


def binary_of(message: Message | Draft, *, flash: bool = False) -> Binary:
    """The octets of a message; Unsendable when they are more than one SMS holds.

    A text becomes UCS-2, unless it has a header: a part of a long text would not fit then, so it stays as
    SMPP has it, one septet in each octet.  `flash` makes it a message of class 0.
    """
    header, data = _parts_of(message)
    data_coding = message.data_coding
    kind = for_data_coding(data_coding)
    room, needed = _ONE_SMS, len(header) + len(data)
    if _is_data(data_coding):
        data_coding = data_coding if data_coding >= 0x10 else _DATA  # SMPP has numbers of its own below
    elif kind is Alphabet.GSM7 and header:
        room, needed = _ONE_SMS_SEPTETS, (len(header) * 8 + 6) // 7 + len(data)
    elif kind is not Alphabet.UCS2:
        data = encode(text_of(message._replace(user_data=data)), Alphabet.UCS2)
        data_coding = _as_ucs2(data_coding)
        needed = len(header) + len(data)
    if needed > room:
        raise Unsendable("too_long_for_one_sms")
    if flash and data_coding < 0x10:
        data_coding |= _CLASS_0
    return Binary((header or b"\0") + data, message.protocol_id, data_coding)


def _parts_of(message: Message | Draft) -> tuple[bytes, bytes]:
    """The header (empty: none) and what follows it."""
    data = message.user_data
    try:
        if message.esm_class & c.ESM_CLASS_UDHI:
            _, data = udh.parse(message.user_data)
            return message.user_data[: len(message.user_data) - len(data)], data
        elements = _header_of_tlvs(message.tlvs)
    except udh.UdhError:
        raise Unsendable("malformed_header") from None
    return udh.build(elements) if elements else b"", data


def _header_of_tlvs(tlvs: bytes) -> list[udh.Element]:
    """The header that says what TLVs say: the part of a long message (SMPP v3.4 §5.3.2.22-24), and ports.

    UdhError when they contradict each other.
    """
    pairs = tlv.read_stream(tlvs, 0, 64)
    elements: list[udh.Element] = []
    ports = [tlv.get(pairs, tag) for tag in (tlv.DESTINATION_PORT, tlv.SOURCE_PORT)]
    if ports[0] is not None:
        elements.append((_PORTS, b"".join((port or b"").rjust(2, b"\0")[-2:] for port in ports)))
    reference, total, sequence = (
        int.from_bytes(tlv.get(pairs, tag) or b"", "big")
        for tag in (tlv.SAR_MSG_REF_NUM, tlv.SAR_TOTAL_SEGMENTS, tlv.SAR_SEGMENT_SEQNUM)
    )
    if total > 1:
        elements.append(udh.concatenation_element(reference, total, sequence))
    return elements


def _is_data(data_coding: int) -> bool:
    if data_coding in _CHARSETS or data_coding in _UNREADABLE:
        return False
    return for_data_coding(data_coding) is Alphabet.BINARY


def _is_waiting(data_coding: int) -> bool:
    """Whether it is a message waiting indication."""
    return 0xC0 <= data_coding < 0xF0


def _as_ucs2(data_coding: int) -> int:
    """The data coding that says in UCS-2 what another text's says: its class, or its waiting indication."""
    if _is_waiting(data_coding):
        return 0xE0 | data_coding & 0x0F
    message_class = class_of(data_coding)
    return _UCS2 if message_class is None else _UCS2 | _CLASS_0 | message_class
