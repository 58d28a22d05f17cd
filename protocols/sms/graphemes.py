"""Where one may cut a text: what a reader takes for one character is often several (UAX #29).

A letter with the marks after it, a Korean syllable of jamo, an Indic conjunct, a flag (two letters), a
picture with its skin tone or joined of several. Python's `unicodedata` knows categories and no more; what it
lacks is listed here. In doubt two characters stay together: that costs a little room, a cut costs a sign.
"""

from __future__ import annotations

import re
import unicodedata

JOINER = "\u200d"

# Most cuts in most scripts are decided by this alone. What can stand on either side of a cut: no marks, no
# conjoining letters, no halves of pairs.
_both_plain = re.compile(
    "[\\0-\\x09\\x0b\\x0c\\x0e-\u02ff\u0370-\u0482\u048a-\u0590\u05d0-\u05ea\u0620-\u064a\u0e01-\u0e30"
    "\u1e00-\u1fff\u2010-\u2027\u2030-\u205f\u20a0-\u20cf\u3041-\u3098\u309b-\u30ff\u4e00-\u9fff\uac00-\ud7a3]{2}"
).fullmatch

is_plain_cut = re.compile(
    rb"(?:\0[^\r\n]|[\x01\x02\x1e\x1f\x4e-\x9f\xac-\xd6].|\x03[\x70-\xff]|\x04[^\x83-\x89]"
    rb"|\x20[\x10-\x27\x30-\x5f\xa0-\xcf]){2}",
    re.DOTALL,
).match
"""The same of the two units of UTF-16BE from an octet on, without a look at them as text."""

_REGIONS = range(0x1F1E6, 0x1F200)
# Grapheme_Extend and SpacingMark beyond the categories of marks: non-joiner and joiner, Thai and Lao AM,
# half-width sound marks, skin tones, tags (of flags such as Scotland's).
_MORE_MARKS = frozenset("\u200c\u200d\u0e33\u0eb3\uff9e\uff9f") | frozenset(
    map(chr, [*range(0x1F3FB, 0x1F400), *range(0xE0020, 0xE0080)])
)
_PREPENDED = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2")
# A virama of these scripts binds the next consonant to the one before it. Tamil's shows itself instead.
_LINKERS = frozenset("\u094d\u09cd\u0a4d\u0acd\u0b4d\u0c4d\u0ccd\u0d4d\u1039\u17d2")

_LEADING, _VOWEL, _TRAILING, _OPEN_SYLLABLE, _CLOSED_SYLLABLE = range(1, 6)
_JAMO = (
    (0x1100, 0x115F, _LEADING),
    (0xA960, 0xA97C, _LEADING),
    (0x1160, 0x11A7, _VOWEL),
    (0xD7B0, 0xD7C6, _VOWEL),
    (0x11A8, 0x11FF, _TRAILING),
    (0xD7CB, 0xD7FB, _TRAILING),
)
_MAY_FOLLOW = {
    _LEADING: (_LEADING, _VOWEL, _OPEN_SYLLABLE, _CLOSED_SYLLABLE),
    _OPEN_SYLLABLE: (_VOWEL, _TRAILING),
    _VOWEL: (_VOWEL, _TRAILING),
    _CLOSED_SYLLABLE: (_TRAILING,),
    _TRAILING: (_TRAILING,),
}


def is_border(text: str, at: int) -> bool:
    """Whether `text` may be cut before the character at `at`; its ends are borders too."""
    if not 0 < at < len(text):
        return True
    if _both_plain(text, at - 1, at + 1):
        return True
    before, after = text[at - 1], text[at]
    if before in "\r\n":
        return before == "\n" or after != "\n"
    category = unicodedata.category(after)
    if category[0] == "M" or after in _MORE_MARKS:
        return False
    if before == JOINER or before in _PREPENDED:
        return False
    if before in _LINKERS and category == "Lo":
        return False
    if ord(after) in _REGIONS and ord(before) in _REGIONS:
        return _regions_before(text, at) % 2 == 0
    return _jamo(after) not in _MAY_FOLLOW.get(_jamo(before), ())


def border(text: str, at: int, lowest: int = 0) -> int:
    """The last place of `lowest` < place <= `at` where `text` may be cut; `at` itself if there is none."""
    for place in range(at, lowest, -1):
        if is_border(text, place):
            return place
    return at


def _regions_before(text: str, at: int) -> int:
    """Of flags, which are two letters each: how many letters stand directly before `at`."""
    count = 0
    while count < at and ord(text[at - count - 1]) in _REGIONS:
        count += 1
    return count


def _jamo(character: str) -> int:
    code = ord(character)
    if 0xAC00 <= code <= 0xD7A3:
        return _CLOSED_SYLLABLE if (code - 0xAC00) % 28 else _OPEN_SYLLABLE
    for low, high, kind in _JAMO:
        if low <= code <= high:
            return kind
    return 0
