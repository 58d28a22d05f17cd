"""A long text as the short messages that carry it (3GPP TS 23.040 §9.2.3.24.1).

One short message holds 140 octets of user data: 160 septets of GSM 7 bit (unpacked here, so as many octets),
or 70 UCS-2 units. In a concatenated one the header takes 6 octets, 7 with a 16-bit reference, and 7 or 8
septets. Elements that stand in every part, such as shift tables and ports, take their own from each, from a
single one too, which has UDHL for them alone.

No part begins with the second half of an escape sequence or of a surrogate pair, nor, unless it is longer
than a part, within what a reader takes for one character (`protocols.sms.graphemes`).

`header` below is how many octets those elements have, or the elements. Give the elements themselves where
there are shift tables: without them septets cannot be read, so characters of several letters are not seen.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice

from protocols.sms import national, udh
from protocols.sms.alphabet import ESCAPE, Alphabet, as_gsm7, encode
from protocols.sms.graphemes import border, is_border, is_plain_cut

MAX_SEGMENTS = 255
USER_DATA = 140
"""Octets of one short message (3GPP TS 23.040 §9.2.3.16)."""

_SINGLE = {Alphabet.GSM7: 160, Alphabet.UCS2: 140, Alphabet.LATIN1: 140, Alphabet.BINARY: 140}
_PART = {Alphabet.GSM7: 153, Alphabet.UCS2: 134, Alphabet.LATIN1: 134, Alphabet.BINARY: 134}
_PART_WIDE = {Alphabet.GSM7: 152, Alphabet.UCS2: 132, Alphabet.LATIN1: 133, Alphabet.BINARY: 133}
_CONCATENATION = 5
_CONCATENATION_WIDE = 6

Header = int | Sequence[udh.Element]


class TooManySegments(ValueError):
    """The text needs more parts than the concatenation header can count, 255."""


def count(data: bytes, alphabet: Alphabet, wide_reference: bool = False, header: Header = 0) -> int:
    """How many short messages `data`, encoded in `alphabet`, takes; may be over 255."""
    if len(data) <= (_single(alphabet, header) if header else _SINGLE[alphabet]):
        return 1
    return sum(1 for _ in _ends(data, alphabet, wide_reference, header))


def least(octets: int, alphabet: Alphabet, wide_reference: bool = False, header: Header = 0) -> int:
    """How many short messages so many octets take when no cut has to be moved."""
    if octets <= _single(alphabet, header):
        return 1
    concatenation = _CONCATENATION_WIDE if wide_reference else _CONCATENATION
    return -(-octets // _left(alphabet, _octets_of(header), concatenation))


def room(
    data: bytes, alphabet: Alphabet, segments: int, wide_reference: bool = False, header: Header = 0
) -> int:
    """How many octets of `data`, from its start, go into so many segments; no pair is cut in two."""
    single = _single(alphabet, header)
    if len(data) <= single:
        return len(data)
    if segments > 1:
        return next(islice(_ends(data, alphabet, wide_reference, header), segments - 1, None), len(data))
    return next(_ends(data, alphabet, wide_reference, header, single))


def split(
    data: bytes, alphabet: Alphabet, *, wide_reference: bool = False, header: Header = 0
) -> list[bytes]:
    """The parts of `data`, without headers; joined they are `data` again.

    Raises TooManySegments when there would be more than 255, UdhError when `header` leaves no room for text.
    """
    if len(data) <= (_single(alphabet, header) if header else _SINGLE[alphabet]):
        return [data]
    parts: list[bytes] = []
    start = 0
    for end in _ends(data, alphabet, wide_reference, header):
        if len(parts) == MAX_SEGMENTS:
            raise TooManySegments(f"more than {MAX_SEGMENTS} segments")
        parts.append(data[start:end])
        start = end
    return parts


def _single(alphabet: Alphabet, header: Header) -> int:
    return _left(alphabet, _octets_of(header), 0) if header else _SINGLE[alphabet]


def _octets_of(header: Header) -> int:
    return header if isinstance(header, int) else udh.octets_of(header)


@lru_cache(maxsize=256)
def _left(alphabet: Alphabet, header: int, concatenation: int) -> int:
    """Octets of text (septets for GSM 7 bit) beside so many of elements."""
    octets = USER_DATA - 1 - header - concatenation
    least = 4 if alphabet is Alphabet.UCS2 else 2  # a pair
    if alphabet is Alphabet.GSM7:
        octets = octets * 8 // 7
    elif alphabet is Alphabet.UCS2:
        octets &= ~1
    if octets < least:
        raise udh.UdhError(f"a header of {header} octets leaves no room for text")
    return octets


def _ends(
    data: bytes, alphabet: Alphabet, wide_reference: bool, header: Header, limit: int = 0
) -> Iterator[int]:
    tables = (0, 0)
    if header:
        concatenation = _CONCATENATION_WIDE if wide_reference else _CONCATENATION
        limit = limit or _left(alphabet, _octets_of(header), concatenation)
        if not isinstance(header, int):
            tables = national.tables_of(header)
    else:
        limit = limit or (_PART_WIDE if wide_reference else _PART)[alphabet]
    start = 0
    while len(data) - start > limit:
        end = start + limit
        if alphabet is Alphabet.GSM7:
            if data[end - 1] == ESCAPE:
                end -= _ends_in_escape(data, start, end)
            if tables != (0, 0):
                end = _national_border(data, start, end, tables)
        elif alphabet is Alphabet.UCS2 and not is_plain_cut(data, end - 2):
            end = _ucs2_border(data, start, end)
        yield end
        start = end
    yield len(data)


def _ends_in_escape(data: bytes, start: int, end: int) -> bool:
    # An escape may itself be escaped: of a run of them only an odd number leaves the last one open.
    run = end
    while run > start and data[run - 1] == ESCAPE:
        run -= 1
    return (end - run) % 2 == 1


def _ucs2_border(data: bytes, start: int, end: int) -> int:
    before, after = data[end - 2] & 0xFC, data[end] & 0xFC
    if before == 0xD8 and after == 0xDC:
        end -= 2
    elif (
        before & 0xF8 != 0xD8
        and after != 0xD8
        # No pair is near, so two characters decide.
        and is_border(_read(data[end - 2 : end + 2]), 1)
    ):
        return end
    text = _read(data[start : end + 4])
    place = border(text, len(_read(data[start:end])))
    return start + len(text[:place].encode("utf-16-be"))


def _read(data: bytes) -> str:
    # Straight to the codec: to find it by its name costs more than its work here.
    return codecs.utf_16_be_decode(data, "replace", True)[0]


def _national_border(data: bytes, start: int, end: int, tables: tuple[int, int]) -> int:
    places = [start]  # where characters begin
    while places[-1] < end:
        places.append(places[-1] + (2 if data[places[-1]] == ESCAPE else 1))
    text = national.decode(data[start : end + 2], *tables)
    return places[border(text, len(places) - 1)]


def with_udh(
    parts: Sequence[bytes],
    reference: int,
    wide_reference: bool = False,
    elements: Sequence[udh.Element] = (),
) -> list[bytes]:
    """The parts as user data, each behind its concatenation header and `elements` (set UDHI in esm_class).

    `reference` is cut to 8 bits, or 16 if `wide_reference`. A single part needs no concatenation; without
    elements it gets no header.
    Raises TooManySegments for more than 255 parts.
    """
    total = len(parts)
    if total <= 1:
        return [udh.build(elements) + part for part in parts] if elements else list(parts)
    if total > MAX_SEGMENTS:
        raise TooManySegments(f"{total} segments")
    return [
        udh.build([udh.concatenation_element(reference, total, sequence, wide_reference), *elements]) + part
        for sequence, part in enumerate(parts, 1)
    ]


def segment_text(text: str) -> tuple[Alphabet, list[bytes]]:
    """The alphabet `text` needs and its parts in it, without headers.

    Raises TooManySegments when there would be more than 255.
    """
    data = as_gsm7(text)
    if data is not None:
        return Alphabet.GSM7, [data] if len(data) <= 160 else split(data, Alphabet.GSM7)
    return Alphabet.UCS2, split(encode(text, Alphabet.UCS2), Alphabet.UCS2)
