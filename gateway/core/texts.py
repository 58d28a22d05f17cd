"""What a route's policy makes of a text: the cheapest alphabet, and plain writing before UCS-2 is needed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import NamedTuple

from protocols.sms import udh
from protocols.sms.alphabet import Alphabet, as_gsm7, decode
from protocols.sms.data_coding import Group, parse, with_alphabet
from protocols.sms.encoding import Written, choose_national
from protocols.sms.segments import count
from protocols.sms.transliteration import composed, latin, plain_typography
from protocols.sms.transliteration_service import look_alikes, sounds

_UDHI = 0x40  # esm_class: the user data begins with a header (SMPP v3.4 §5.2.12)
_OTHER = re.compile(r"[^\x00-\x7f]")
_SILENT = frozenset(("Mn", "Mc", "Me", "Cf", "Sk", "Lm"))
_FIRST_HAN = "\u3400"

AS_GIVEN, TYPOGRAPHY, TABLES, TRANSLITERATION, NOTHING_HELPED = (
    "as given",
    "typography",
    "shift tables",
    "transliteration",
    "nothing helped",
)


class Rewritten(NamedTuple):
    """A text as the policy has it written."""

    text: str
    written: Written
    step: str
    """What led to it, one of the constants above."""


class Recoded(NamedTuple):
    """A message's text in its new form."""

    user_data: bytes
    """With the header's elements that shift tables need, when UDHI is set."""
    data_coding: int
    esm_class: int
    segments: int


def recode(
    user_data: bytes,
    data_coding: int,
    esm_class: int,
    *,
    transliterate: str,
    shift_tables: Sequence[str],
) -> Recoded | None:
    """The message's text in the form that costs least by a route's policy; None: leave it as it is.

    `transliterate` and `shift_tables` are those of `gateway.config.connector_model.TextPolicy`. Binary,
    compressed and unknown data, and what has a header already, is left as it is; so is what cannot be read.
    Class and waiting indication stay.
    """
    coding = parse(data_coding)
    if esm_class & _UDHI or coding.compressed or coding.group is Group.RESERVED or not user_data:
        return None
    if coding.alphabet not in (Alphabet.UCS2, Alphabet.LATIN1):
        return None  # GSM 7 bit is the best already
    text = decode(user_data, coding.alphabet)
    if "\ufffd" in text:
        return None
    written = rewrite(text, transliterate, shift_tables).written
    if coding.alphabet is Alphabet.LATIN1 and (
        written.alphabet is Alphabet.UCS2 or written.segments > count(user_data, Alphabet.LATIN1)
    ):
        return None  # no gain: the SMSC knows best what to make of it
    new_coding = with_alphabet(data_coding, written.alphabet)
    if new_coding is None or (new_coding == data_coding and written.data == user_data):
        return None
    elements = written.elements
    if not elements:
        return Recoded(written.data, new_coding, esm_class, written.segments)
    return Recoded(udh.build(elements) + written.data, new_coding, esm_class | _UDHI, written.segments)


def rewrite(
    text: str, transliterate: str, shift_tables: Sequence[str], wide_reference: bool = False
) -> Rewritten:
    """`text` as a policy has it written.

    In this order: as it is in GSM 7 bit; with plain quotes and dashes, unless `transliterate` is "none"; with
    shift tables where they save a segment; in Latin letters. Plain writing is taken only when all of the text
    gets into GSM 7 bit by it, in no more segments than without.
    """
    text = composed(text)
    best = choose_national(text, (), wide_reference)
    if best.alphabet is Alphabet.GSM7:
        return Rewritten(text, best, AS_GIVEN)
    plain = plain_typography(text) if transliterate != "none" else text
    if plain != text and (written := _if_gsm7(plain, best, wide_reference)):
        return Rewritten(plain, written, TYPOGRAPHY)
    if shift_tables and best.segments > 1:
        for form in (text, plain) if plain != text else (text,):
            written = choose_national(form, shift_tables, wide_reference)
            if written.elements and written.segments < best.segments:
                return Rewritten(form, written, TABLES)
    write = _LATIN.get(transliterate)
    if write is not None:
        letters = write(plain)
        if written := _if_gsm7(letters, best, wide_reference):
            return Rewritten(letters, written, TRANSLITERATION)
    return Rewritten(text, best, NOTHING_HELPED)


def _if_gsm7(text: str, best: Written, wide_reference: bool) -> Written | None:
    if as_gsm7(text) is None or not text.strip():
        return None
    written = choose_national(text, (), wide_reference)
    return written if written.segments <= best.segments else None


def any_script(text: str) -> str:
    """`text` in Latin letters whatever its script; a character that nobody has a writing for stays."""
    return _OTHER.sub(_letter, latin(text))


def _letter(match: re.Match[str]) -> str:
    from anyascii import anyascii  # its tables are wanted on few routes

    character = match[0]
    if as_gsm7(character) is not None:
        return character
    plain = anyascii(character)
    return plain if plain or _is_silent(character) else character


def _is_silent(character: str) -> bool:
    """Whether nothing is a fair writing of it: marks, joiners, skin tones, a bearer of vowels such as alef.

    The library has nothing for what it does not know either: rare Han, and what no standard assigns.
    """
    category = unicodedata.category(character)
    return category in _SILENT or (category == "Lo" and character < _FIRST_HAN)


_LATIN: dict[str, Callable[[str], str]] = {
    "service_1": sounds,
    "service_2": look_alikes,
    "latin": latin,
    "any": any_script,
}
