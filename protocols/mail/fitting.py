"""A text as the user data of one SMS: its alphabet, plain writing where that saves one, and the cut.

Everything that was decided is said in words, for `smsc-gateway preview`.
"""

from __future__ import annotations

from typing import NamedTuple

from protocols.mail.errors import MailError
from protocols.sms import segments
from protocols.sms.alphabet import ESCAPE, Alphabet, choose, encode, first_beyond
from protocols.sms.graphemes import border
from protocols.sms.transliteration import composed, latin, plain_typography

DOTS = "..."
_MAX_BACK = 20
"""So many characters, and a quarter of them at the most, are given up for a cut between two words."""
_MAX_CLUSTER = 40
_MOST_CHARACTERS = 320
"""Of so many for each segment the rest cannot matter, and is not looked at: twice what a segment holds."""
Reasons = tuple[tuple[str, str], ...]
_PLAIN: Reasons = (("alphabet", Alphabet.GSM7.value),)


class Fitted(NamedTuple):
    """What goes into the SMS."""

    text: str
    alphabet: Alphabet
    user_data: bytes
    segments: int
    cut: bool
    reasons: Reasons


def fit(text: str, *, transliterate: str, max_segments: int, max_characters: int, cut: bool) -> Fitted:
    """`text` in at most so many segments (1–255) and characters (0: any number).

    `transliterate` is "none", "typography" or "all", as in `AccountMail`.  What is too long is cut and ends
    in three dots, without `cut` it is MailError (554 5.2.3).
    """
    length = len(text)
    looked_at = text[: max_segments * _MOST_CHARACTERS]
    too_long = len(looked_at) < length
    text, alphabet, reasons = looked_at, choose(looked_at), _PLAIN
    if alphabet is not Alphabet.GSM7:
        text, alphabet, reasons = _rewrite(text, transliterate)
    user_data = encode(text, alphabet)
    count = segments.count(user_data, alphabet)
    if count <= max_segments and not too_long and not 0 < max_characters < len(text):
        return Fitted(text, alphabet, user_data, count, False, reasons)
    limit = f"{max_segments} segments"
    if max_characters:
        limit += f" or {max_characters} characters"
    if not cut:
        raise MailError("554 5.2.3", f"the text of {length} characters does not go into {limit}")
    short = _cut(text, alphabet, max_segments, max_characters)
    if alphabet is not Alphabet.GSM7 and choose(short) is Alphabet.GSM7:
        # What needed UCS-2 is cut off, so more of what stands before it fits.
        alphabet = Alphabet.GSM7
        short = _cut(text[: first_beyond(text)], alphabet, max_segments, max_characters)
        reasons = _PLAIN
    user_data = encode(short, alphabet)
    count = segments.count(user_data, alphabet)
    reasons += (("length", f"cut from {length} to {len(short)} characters, for {limit}"),)
    return Fitted(short, alphabet, user_data, count, True, reasons)


def _rewrite(text: str, transliterate: str) -> tuple[str, Alphabet, Reasons]:
    """A text that is not GSM 7 bit as it came, in its best form."""
    text = composed(text)
    if choose(text) is Alphabet.GSM7:
        return text, Alphabet.GSM7, _PLAIN
    reasons: Reasons = ()
    if transliterate != "none":
        plain = plain_typography(text)
        if choose(plain) is Alphabet.GSM7 and plain.strip():
            why = ("transliteration", f"“{text[first_beyond(text)]}” and the like are written plainly")
            return plain, Alphabet.GSM7, (why, *_PLAIN)
    if transliterate == "all":
        plain = latin(text)
        if plain != text and plain.strip():
            text = plain
            reasons = (("transliteration", "in Latin letters"),)
            if choose(text) is Alphabet.GSM7:
                return text, Alphabet.GSM7, reasons + _PLAIN
    place = first_beyond(text)
    character = text[place]
    reason = f"UCS-2 because of “{character}” (U+{ord(character):04X}) at character {place + 1}"
    return text, Alphabet.UCS2, (*reasons, ("alphabet", reason))


def _cut(text: str, alphabet: Alphabet, max_segments: int, max_characters: int) -> str:
    """As much of `text` as fits, and dots."""
    data = encode(text + DOTS, alphabet)
    end = segments.room(data, alphabet, max_segments)
    kept = len(text)
    if end < len(data):
        end -= len(encode(DOTS, alphabet))
        if alphabet is Alphabet.GSM7:
            end -= data[end - 1] == ESCAPE
            kept = end - data.count(ESCAPE, 0, end)
        else:
            kept = len(data[:end].decode("utf-16-be", "ignore"))
    if max_characters:
        kept = min(kept, max(max_characters - len(DOTS), 0))
    kept = _word_border(text, border(text, kept, max(kept - _MAX_CLUSTER, 0)))
    return (text[:kept].rstrip(" \n.,;:-–—") + DOTS)[: max_characters or None]


def _word_border(text: str, at: int) -> int:
    if at >= len(text) or text[at].isspace():
        return at
    low = at - min(_MAX_BACK, at // 4)
    border = max(text.rfind(" ", low, at), text.rfind("\n", low, at))
    return border if border >= 0 else at
