"""The parts of a long SMS as one again (3GPP TS 23.040 §9.2.3.24.1; SMPP v3.4 §5.3.2.22-24).

Nothing here raises for odd content: a header that contradicts itself is text, octets that are no TLVs stay
as they are. Which parts belong together is the caller's knowledge, and their order is that of their numbers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from protocols.sms import national, segments, udh
from protocols.sms.alphabet import Alphabet, encode, for_data_coding
from protocols.sms.segments import MAX_SEGMENTS as MAX_SEGMENTS

UDHI = 0x40
"""Of esm_class: the user data begins with a header."""
GAP = "[...]"
"""Stands where parts of an incoming SMS are missing."""
_UCS2 = 8
_CONCATENATION = (udh.CONCATENATION_8_BIT, udh.CONCATENATION_16_BIT)
_SHIFTS = (udh.SINGLE_SHIFT, udh.LOCKING_SHIFT)
_SAR = (0x020C, 0x020E, 0x020F)  # sar_msg_ref_num, sar_total_segments, sar_segment_seqnum


class Part(NamedTuple):
    """A part as it came."""

    number: int
    """From 1."""
    user_data: bytes
    esm_class: int
    data_coding: int


class Whole(NamedTuple):
    """The parts joined; with a header only where elements beside the concatenation remain."""

    user_data: bytes
    esm_class: int
    data_coding: int


class _Read(NamedTuple):
    elements: list[udh.Element]
    """Those that are not about the concatenation."""
    text: bytes
    data_coding: int

    @property
    def shifts(self) -> list[udh.Element]:
        return [element for element in self.elements if element[0] in _SHIFTS]


def can_join(parts: Sequence[Part]) -> bool:
    """Whether all parts are to be read in the same way, so that one text can carry what they say.

    Elements that only a later part has, such as a picture within it, would be lost.
    """
    first, *others = [_read(part) for part in parts]
    return all(
        other.data_coding == first.data_coding
        and (other.elements == first.elements or (not other.elements and not first.shifts))
        for other in others
    )


def join(parts: Sequence[Part]) -> Whole:
    """All parts of one SMS; the first says how they are read and which other elements stand before them."""
    read = [_read(part) for part in parts]
    return _whole(
        parts[0].esm_class, read[0].elements, b"".join(one.text for one in read), read[0].data_coding
    )


def count(whole: Whole) -> int:
    """How many segments the whole takes, with what stands before each of them; may be over MAX_SEGMENTS."""
    elements: list[udh.Element] = []
    text = whole.user_data
    if whole.esm_class & UDHI:
        with contextlib.suppress(udh.UdhError):
            elements, text = udh.parse(text)
    return segments.count(text, for_data_coding(whole.data_coding), header=elements)


def join_incoming(parts: Sequence[Part], total: int) -> Whole:
    """The parts of an incoming SMS that are there, with a mark wherever something of `total` is missing.

    Binary data has no such mark. Parts of several alphabets, or with several shift tables, become UCS-2.
    """
    read = [_read(part) for part in parts]
    first = read[0]
    elements, data_coding = first.elements, first.data_coding
    pieces = [one.text for one in read]
    is_text = all(for_data_coding(one.data_coding) is not Alphabet.BINARY for one in read)
    if is_text and any((one.data_coding, one.shifts) != (data_coding, first.shifts) for one in read):
        pieces = [encode(_text(one), Alphabet.UCS2) for one in read]
        elements = [element for element in elements if element[0] not in _SHIFTS]
        data_coding = _UCS2
    gap = encode(GAP, for_data_coding(data_coding)) if is_text else b""
    data, expected = b"", 1
    for part, piece in zip(parts, pieces, strict=True):
        data += piece if part.number == expected else gap + piece
        expected = part.number + 1
    return _whole(parts[0].esm_class, elements, data if expected > total else data + gap, data_coding)


def without_sar(tlvs: bytes) -> bytes:
    """TLVs as on the wire without those that number segments."""
    kept, position = b"", 0
    while position + 4 <= len(tlvs):
        tag, length = int.from_bytes(tlvs[position : position + 2], "big"), tlvs[position + 2 : position + 4]
        end = position + 4 + int.from_bytes(length, "big")
        if tag not in _SAR:
            kept += tlvs[position:end]
        position = end
    return kept + tlvs[position:]


def _read(part: Part) -> _Read:
    elements: list[udh.Element] = []
    text = part.user_data
    if part.esm_class & UDHI:
        with contextlib.suppress(udh.UdhError):
            elements, text = udh.parse(text)
    kept = [element for element in elements if element[0] not in _CONCATENATION]
    return _Read(kept, text, part.data_coding & 0xFF)


def _whole(esm_class: int, elements: Iterable[udh.Element], text: bytes, data_coding: int) -> Whole:
    elements = list(elements)
    if not elements:
        return Whole(text, esm_class & ~UDHI, data_coding)
    return Whole(udh.build(elements) + text, esm_class | UDHI, data_coding)


def _text(part: _Read) -> str:
    alphabet = for_data_coding(part.data_coding)
    if alphabet is Alphabet.GSM7:
        return national.decode(part.text, *national.tables_of(part.elements))
    if alphabet is Alphabet.UCS2:
        return part.text.decode("utf-16-be", "replace")
    return part.text.decode("latin-1")
