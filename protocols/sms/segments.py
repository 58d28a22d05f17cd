"""A long text as the short messages that carry it (3GPP TS 23.040 §9.2.3.24.1).

One short message holds 140 octets of user data: 160 septets of GSM 7 bit (unpacked here, so as many octets),
or 70 UCS-2 units. In a concatenated one the header takes 6 octets, 7 with a 16-bit reference, and 7 or 8
septets. No part begins with the second half of an escape sequence or of a surrogate pair.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from protocols.sms import udh
from protocols.sms.alphabet import ESCAPE, Alphabet, choose, encode

MAX_SEGMENTS = 255

_SINGLE = {Alphabet.GSM7: 160, Alphabet.UCS2: 140, Alphabet.LATIN1: 140, Alphabet.BINARY: 140}
_PART = {Alphabet.GSM7: 153, Alphabet.UCS2: 134, Alphabet.LATIN1: 134, Alphabet.BINARY: 134}
_PART_WIDE = {Alphabet.GSM7: 152, Alphabet.UCS2: 132, Alphabet.LATIN1: 133, Alphabet.BINARY: 133}


class TooManySegments(ValueError):
    """The text needs more parts than the concatenation header can count, 255."""


def count(data: bytes, alphabet: Alphabet, wide_reference: bool = False) -> int:
    """How many short messages `data`, encoded in `alphabet`, takes; may be over 255."""
    if len(data) <= _SINGLE[alphabet]:
        return 1
    return sum(1 for _ in _ends(data, alphabet, wide_reference))


def room(data: bytes, alphabet: Alphabet, segments: int) -> int:
    """How many octets of `data`, from its start, go into so many segments; no pair is cut in two."""
    if len(data) <= _SINGLE[alphabet]:
        return len(data)
    if segments > 1:
        return next(islice(_ends(data, alphabet, False), segments - 1, None), len(data))
    return next(_ends(data, alphabet, False, _SINGLE[alphabet]))


def split(data: bytes, alphabet: Alphabet, *, wide_reference: bool = False) -> list[bytes]:
    """The parts of `data`, without headers; joined they are `data` again.

    Raises TooManySegments when there would be more than 255.
    """
    if len(data) <= _SINGLE[alphabet]:
        return [data]
    parts: list[bytes] = []
    start = 0
    for end in _ends(data, alphabet, wide_reference):
        if len(parts) == MAX_SEGMENTS:
            raise TooManySegments(f"more than {MAX_SEGMENTS} segments")
        parts.append(data[start:end])
        start = end
    return parts


def _ends(data: bytes, alphabet: Alphabet, wide_reference: bool, limit: int = 0) -> Iterator[int]:
    limit = limit or (_PART_WIDE if wide_reference else _PART)[alphabet]
    start = 0
    while len(data) - start > limit:
        end = start + limit
        if alphabet is Alphabet.GSM7:
            end -= _ends_in_escape(data, start, end)
        elif alphabet is Alphabet.UCS2 and data[end - 2] & 0xFC == 0xD8 and data[end] & 0xFC == 0xDC:
            end -= 2
        yield end
        start = end
    yield len(data)


def _ends_in_escape(data: bytes, start: int, end: int) -> bool:
    # An escape may itself be escaped: of a run of them only an odd number leaves the last one open.
    run = end
    while run > start and data[run - 1] == ESCAPE:
        run -= 1
    return (end - run) % 2 == 1


def with_udh(parts: Sequence[bytes], reference: int, wide_reference: bool = False) -> list[bytes]:
    """The parts as user data, each behind its concatenation header (set UDHI in esm_class).

    `reference` is cut to 8 bits, or 16 if `wide_reference`. A single part needs no header and gets none.
    Raises TooManySegments for more than 255 parts.
    """
    total = len(parts)
    if total <= 1:
        return list(parts)
    if total > MAX_SEGMENTS:
        raise TooManySegments(f"{total} segments")
    return [
        udh.build([udh.concatenation_element(reference, total, sequence, wide_reference)]) + part
        for sequence, part in enumerate(parts, 1)
    ]


def segment_text(text: str) -> tuple[Alphabet, list[bytes]]:
    """The alphabet `text` needs and its parts in it, without headers.

    Raises TooManySegments when there would be more than 255.
    """
    alphabet = choose(text)
    return alphabet, split(encode(text, alphabet), alphabet)
