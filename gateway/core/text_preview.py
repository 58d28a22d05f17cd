"""What a text becomes as SMS: its alphabet and why, its segments as a phone shows them, and their octets."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any, get_args

from gateway.config.connector_model import Transliteration
from gateway.core.texts import rewrite
from protocols.sms import alphabet, national, segments, udh
from protocols.sms.alphabet import Alphabet, as_gsm7
from protocols.sms.data_coding import parse
from protocols.sms.encoding import DEFAULT_TABLES, Written
from protocols.sms.graphemes import is_border
from protocols.sms.shift_tables import LANGUAGES
from protocols.sms.transliteration import composed

POLICIES: tuple[str, ...] = get_args(Transliteration)
REFERENCE = 1
"""In the headers shown; the gateway counts up."""
_UDHI = 0x40
_NAMES = {number: name for name, number in LANGUAGES.items()}
_MOST_PLACES = 5


def shown_text(
    text: str,
    transliterate: str = "none",
    tables: Sequence[str] = (),
    *,
    wide: bool = False,
    packed: bool = False,
) -> dict[str, Any]:
    """What `smsc-gateway encode` says of a text; ValueError: it is more than 255 segments.

    `wide`: with references of 16 bits; `packed`: septets as on the radio, else as SMPP has them.
    """
    found = rewrite(text, transliterate, tables, wide)
    written = found.written
    if written.segments > segments.MAX_SEGMENTS:
        raise ValueError(f"the text takes {written.segments} segments, {segments.MAX_SEGMENTS} is the most")
    return {
        "text": found.text,
        "characters": len(found.text),
        "alphabet": written.alphabet.value,
        "named": alphabet_named(written.alphabet, written.tables),
        "locking_shift": _NAMES.get(written.tables[0]),
        "single_shift": _NAMES.get(written.tables[1]),
        "reason": found.step,
        "data_coding": 8 if written.alphabet is Alphabet.UCS2 else 0,
        "esm_class": _UDHI if written.segments > 1 or written.elements else 0,
        "segments": written.segments,
        "beyond_gsm7": beyond_gsm7(composed(text)),
        "policies": [_policy(text, name, tables, wide) for name in POLICIES],
        "all_shift_tables": _policy(text, "none", tuple(LANGUAGES), wide),
        "parts": _parts(written, wide, packed=packed),
    }


def shown_octets(user_data: bytes, data_coding: int, esm_class: int) -> dict[str, Any]:
    """The segments of a message as it is written, like `parts` of `shown_text`; none of what is no text."""
    coding = parse(data_coding)
    if coding.alphabet is Alphabet.BINARY or coding.compressed:
        return {"named": coding.alphabet.value, "parts": []}
    elements: list[udh.Element] = []
    tables = DEFAULT_TABLES
    if esm_class & _UDHI:
        try:
            elements, user_data = udh.parse(user_data)
            tables = national.tables_of(elements)
        except ValueError:
            return {"named": coding.alphabet.value, "parts": []}
    count = segments.count(user_data, coding.alphabet)
    written = Written(coding.alphabet, tables, user_data, count)
    return {"named": alphabet_named(coding.alphabet, tables), "parts": _parts(written, False, packed=False)}


def beyond_gsm7(text: str) -> list[dict[str, Any]]:
    """The characters that the default alphabet lacks, with their first places, counted from 1."""
    places: dict[str, list[int]] = {}
    for place, character in enumerate(text, 1):
        if not character.isascii() or as_gsm7(character) is None:
            places.setdefault(character, []).append(place)
    return [
        {
            "character": character,
            "code_point": f"U+{ord(character):04X}",
            "name": unicodedata.name(character, ""),
            "count": len(where),
            "places": where[:_MOST_PLACES],
        }
        for character, where in places.items()
        if as_gsm7(character) is None
    ]


def _policy(text: str, name: str, tables: Sequence[str], wide: bool) -> dict[str, Any]:
    found = rewrite(text, name, tables, wide)
    return {
        "transliterate": name,
        "alphabet": alphabet_named(found.written.alphabet, found.written.tables),
        "segments": found.written.segments,
        "text": found.text,
    }


def alphabet_named(kind: Alphabet, tables: tuple[int, int]) -> str:
    """An alphabet with its national tables, for people."""
    locking, single = tables
    words = [f"{_NAMES[locking]} locking" if locking else "", f"{_NAMES[single]} single" if single else ""]
    named = " and ".join(filter(None, words))
    return kind.value + (f" with the {named} shift table" if named else "")


def _parts(written: Written, wide: bool, *, packed: bool) -> list[dict[str, Any]]:
    parts = segments.split(written.data, written.alphabet, wide_reference=wide, header=written.elements)
    framed = segments.with_udh(parts, REFERENCE, wide, written.elements)
    is_gsm7, is_ucs2 = written.alphabet is Alphabet.GSM7, written.alphabet is Alphabet.UCS2
    found = []
    for number, (part, user_data) in enumerate(zip(parts, framed, strict=True), 1):
        header = user_data[: len(user_data) - len(part)]
        text = national.decode(part, *written.tables) if is_gsm7 else alphabet.decode(part, written.alphabet)
        fill = alphabet.fill_bits(len(header))
        body = alphabet.pack(part, fill) if packed and is_gsm7 else part
        length = (len(header) * 8 + fill) // 7 + len(part) if is_gsm7 else len(user_data)
        found.append(
            {
                "number": number,
                "text": text,
                "characters": len(text),
                "signs": sum(is_border(text, at) for at in range(1, len(text) + 1)),
                "septets" if is_gsm7 else "units": len(part) // 2 if is_ucs2 else len(part),
                "octets": len(header) + len(body),
                "user_data_length": length,  # TP-UDL, 3GPP TS 23.040 §9.2.3.16
                "udh": header.hex().upper(),
                "hex": body.hex().upper(),
            }
        )
    return found
