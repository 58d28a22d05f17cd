"""Incoming SMS in the forms that SMSCs were seen to send: what a subscriber answers, oddly wrapped.

Each form says the text of the submit again, so whoever reads it right has that text. Parts are three, so
the text needs three characters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count

from gateway.simulator.message import Message
from gateway.simulator.receipts import way_back
from gateway.simulator.texts import Texts
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.codec import encode
from protocols.smpp.pdu import DeliverSm, Tlvs
from protocols.sms import udh
from protocols.sms.udh import concatenation_element

_PARTS = 3
_UCS2 = 8
_PORT_ELEMENT = (0x05, b"\x00\x50\x00\x50")
_VENDOR_TAG = 0x1402
_OWN_NUMBERS = 0x70000000  # of frames that the session does not number: far from its own

_references = count(1)
_numbers = count(_OWN_NUMBERS)

Made = Sequence[DeliverSm | bytes]
"""PDUs to send; octets are a frame that goes out as it is, and whose answer nobody waits for."""


def _whole(message: Message, text: bytes, data_coding: int, tlvs: Tlvs = ()) -> DeliverSm:
    return DeliverSm(**way_back(message), data_coding=data_coding, short_message=text, tlvs=tlvs)


def _odd_tlvs(message: Message, texts: Texts, text: str) -> Made:
    odd: Tlvs = ((_VENDOR_TAG, b"\xff\0\1"), (0x5FFF, b""), (tlv.RECEIPTED_MESSAGE_ID, b"no NUL here"))
    return [_whole(message, texts.encode(text, message.data_coding), message.data_coding, odd)]


def _sequence_0(message: Message, texts: Texts, text: str) -> Made:
    return [encode(_whole(message, texts.encode(text, message.data_coding), message.data_coding))]


def _stray_nul(message: Message, texts: Texts, text: str) -> Made:
    pdu = _whole(message, texts.encode(text, message.data_coding), message.data_coding)
    pdu.sequence_number = next(_numbers)
    frame = encode(pdu)
    return [(len(frame) + 1).to_bytes(4, "big") + frame[4:] + b"\0"]


def _ucs2_as_0(message: Message, texts: Texts, text: str) -> Made:
    return [_whole(message, text.encode("utf-16-be", "replace"), 0)]


def _ucs2_swapped(message: Message, texts: Texts, text: str) -> Made:
    return [_whole(message, text.encode("utf-16-le", "replace"), _UCS2)]


def _pieces(text: str) -> list[str]:
    size = -(-len(text) // _PARTS)
    return [text[size * index : size * (index + 1)] for index in range(_PARTS)]


def _parts(
    message: Message,
    texts: Texts,
    text: str,
    *,
    wide: bool = False,
    first: Sequence[udh.Element] = (),
    in_payload: bool = False,
    sar: bool = False,
) -> list[DeliverSm]:
    reference, pdus = next(_references) & 0xFF, []
    for index, piece in enumerate(_pieces(text)):
        header = udh.build([*first, concatenation_element(reference, _PARTS, index + 1, wide)])
        user_data = header + texts.encode(piece, message.data_coding, len(header))
        pdu = _whole(message, b"" if in_payload else user_data, message.data_coding)
        pdu.esm_class = c.ESM_CLASS_UDHI
        if in_payload:
            pdu.tlvs = ((tlv.MESSAGE_PAYLOAD, user_data),)
        if sar:
            pdu.tlvs += _sar(reference, index)
        pdus.append(pdu)
    return pdus


def _sar(reference: int, index: int) -> Tlvs:
    return (
        (tlv.SAR_MSG_REF_NUM, reference.to_bytes(2, "big")),
        (tlv.SAR_TOTAL_SEGMENTS, bytes((_PARTS,))),
        (tlv.SAR_SEGMENT_SEQNUM, bytes((index + 1,))),
    )


def _sar_parts(message: Message, texts: Texts, text: str) -> Made:
    reference = next(_references) & 0xFF
    return [
        _whole(message, texts.encode(piece, message.data_coding), message.data_coding, _sar(reference, index))
        for index, piece in enumerate(_pieces(text))
    ]


def _twice(parts: list[DeliverSm]) -> Made:
    again = DeliverSm(**{name: getattr(parts[0], name) for name in _COPIED})
    return [parts[0], again, *parts[1:]]


_COPIED = (
    *("source_addr_ton", "source_addr_npi", "source_addr", "dest_addr_ton", "dest_addr_npi"),
    *("destination_addr", "esm_class", "data_coding", "short_message", "tlvs"),
)

FORMS: dict[str, tuple[str, Callable[[Message, Texts, str], Made]]] = {
    "odd_tlvs": ("unknown TLVs, a C-octet string without NUL", _odd_tlvs),
    "sequence_0": ("sequence_number 0", _sequence_0),
    "stray_nul": ("a NUL behind short_message", _stray_nul),
    "ucs2_as_0": ("UCS-2 labelled data_coding 0", _ucs2_as_0),
    "ucs2_swapped": ("UCS-2 with its octets swapped", _ucs2_swapped),
    "parts_8": ("three parts, 8-bit reference", _parts),
    "parts_16": ("three parts, 16-bit reference", lambda m, t, s: _parts(m, t, s, wide=True)),
    "parts_port_first": (
        "three parts, another element before the concatenation",
        lambda m, t, s: _parts(m, t, s, first=(_PORT_ELEMENT,)),
    ),
    "parts_disorder": (
        "three parts, the last one first",
        lambda m, t, s: _parts(m, t, s)[::-1],
    ),
    "parts_sar": ("three parts by SAR TLVs", _sar_parts),
    "parts_sar_udh": ("three parts by SAR TLVs and a header", lambda m, t, s: _parts(m, t, s, sar=True)),
    "parts_lost": ("three parts of which the second never comes", lambda m, t, s: _parts(m, t, s)[::2]),
    "parts_payload": (
        "three parts, header and text in message_payload",
        lambda m, t, s: _parts(m, t, s, in_payload=True),
    ),
    "parts_twice": ("three parts, the first one twice", lambda m, t, s: _twice(_parts(m, t, s))),
}


def answer_in(name: str, message: Message, texts: Texts) -> Made:
    """What the subscriber sends back in the form of that name: the text of the message."""
    text = texts.decode(message.text, message.data_coding, len(message.udh))
    return FORMS[name][1](message, texts, text)
