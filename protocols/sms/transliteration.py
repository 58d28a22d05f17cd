"""Texts written so that GSM 7 bit can carry them: typographic signs plainly, other scripts in Latin letters.

Nothing here looks at lengths or alphabets: who calls decides whether the text is better off.  What has no
entry stays as it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from protocols.sms.alphabet import Alphabet, choose


def _table(rows: dict[str, str]) -> dict[int, str]:
    """Characters that are written alike in one key."""
    return {ord(character): plain for characters, plain in rows.items() for character in characters}


def _letters(pairs: str) -> dict[str, str]:
    """Letters and how they are written, in turn; "-" is nothing."""
    words = pairs.split()
    return {letter: plain.strip("-") for letter, plain in zip(words[::2], words[1::2], strict=True)}


_TYPOGRAPHY = _table(
    {
        "“”„‟«»″〝〞＂": '"',
        "‘’‚‛′‹›´`ʼʹˈ＇": "'",
        "‐‑‒–—―−⁃﹘﹣➖─━": "-",
        "…": "...",
        "•·⋅‣▪▫●○◦∙■□◆◇▶►❖": "-",
        "\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B))): " ",
        "\u200b\u200c\u200d\u2060\ufeff\u00ad\ufe0e\ufe0f": "",
        "™": "(TM)",
        "©": "(c)",
        "®": "(R)",
        "№": "No.",
        "°˚": "",
        "×✕✖": "x",
        "÷⁄∕": "/",
        "±": "+/-",
        "≤⩽": "<=",
        "≥⩾": ">=",
        "≠": "!=",
        "≈": "~",
        "→➔➜➡": "->",
        "←⬅": "<-",
        "⇒": "=>",
        "↔": "<->",
        "│┃¦": "|",
        "┌┐└┘├┤┬┴┼═║╔╗╚╝╠╣╦╩╬": "+",
        "½": "1/2",
        "¼": "1/4",
        "¾": "3/4",
        "¹": "1",
        "²": "2",
        "³": "3",
        "ª": "a",
        "º": "o",
        "µ": "u",
        "¬": "-",
        "¸": ",",
        "¨": '"',
        "ˆ": "^",
        "˜": "~",
        "‰": " per mille",
        "†‡": "+",
        "ﬀ": "ff",
        "ﬁ": "fi",
        "ﬂ": "fl",
        "ﬃ": "ffi",
        "ﬄ": "ffl",
        "\t": " ",
    }
)
# Full-width ASCII, but for the accent, which GSM 7 bit has not.
_TYPOGRAPHY |= {0xFEE0 + code: chr(code).replace("`", "'") for code in range(0x21, 0x7F)}


def composed(text: str) -> str:
    """`text` with letters and the accents that follow them as one character, where there is one.

    Not the whole of it at once: Unicode's normalisation takes quadratic time for accents without end.
    """
    return _DECOMPOSED.sub(lambda match: unicodedata.normalize("NFC", match[0]), text)


def plain_typography(text: str) -> str:
    """`text` with plain quotes, dashes, dots, spaces and signs in place of typographic ones.

    Behind a digit a fraction, a power and a dot of multiplication stay apart from it: 2½ is not 21/2.
    """
    return _BEHIND_DIGIT.sub(_apart, text).translate(_TYPOGRAPHY)


def _apart(match: re.Match[str]) -> str:
    fraction, power, _ = match.groups()
    if fraction:
        return " " + unicodedata.normalize("NFKD", fraction)
    return "^" + unicodedata.normalize("NFKD", power) if power else "*"


# Romanisation as on road signs and in mailboxes, not a reversible one: it is read, not converted back.
_RUSSIAN = dict(zip("абвгдезиклмнопрстуфыэ", "abvgdeziklmnoprstufye", strict=True)) | _letters(
    "ё yo ж zh й y х kh ц ts ч ch ш sh щ shch ъ - ь - ю yu я ya "
    # Letters of other languages that have one reading only: Belarusian and Ukrainian, Serbian and Macedonian,
    # Kazakh, other Turkic ones and Tajik.
    "ў u ґ g є ye і i ї yi ђ dj ј j љ lj њ nj ћ c џ dz ѓ gj ќ kj ѕ dz "
    "ә ä ғ g қ q ң ñ ө ö ұ u ү ü һ h җ j ҳ h ҷ j ӯ u ӣ i"
)
_UKRAINIAN = _RUSSIAN | _letters("г h и y ї i")
_BULGARIAN = _RUSSIAN | _letters("щ sht ъ a х h")
_SERBIAN = _RUSSIAN | _letters("ж z х h ц c ч c ш s")

# ELOT 743, without what depends on the neighbours but for the pairs below.
_GREEK = dict(zip("αβγδεζηικλμνξοπρσςτυφω", "avgdeziiklmnxoprsstyfo", strict=True)) | _letters(
    "θ th χ ch ψ ps"
)

# Latin letters that no decomposition leads to another; those in GSM 7 bit stay (é, ñ, ø, …).
_LATIN = dict(zip("łđıħŧŀŋĸſƒ", "ldihtlnksf", strict=True)) | _letters(
    "œ oe þ th ð d ə e ŉ 'n ǆ dz ǉ lj ǌ nj"
)
_SIGNS = {"₽": "RUB", "₴": "UAH", "₸": "KZT", "₺": "TRY", "¢": "c", "₹": "INR", "₿": "BTC", "₪": "ILS"}


def _with_capitals(letters: dict[str, str]) -> tuple[dict[int, str], dict[int, str]]:
    """Tables for words in small letters or with a capital, and for words in capitals."""
    mixed, capitals = {}, {}
    for letter, latin in letters.items():
        mixed[ord(letter)] = capitals[ord(letter)] = latin
        upper = letter.upper()
        if len(upper) == 1 and upper != letter:
            mixed[ord(upper)] = latin[:1].upper() + latin[1:]
            capitals[ord(upper)] = latin.upper()
    return mixed, capitals


_TABLES = {
    name: _with_capitals(letters)
    for name, letters in (
        ("russian", _RUSSIAN),
        ("ukrainian", _UKRAINIAN),
        ("bulgarian", _BULGARIAN),
        ("serbian", _SERBIAN),
        ("greek", _GREEK),
        ("latin", _LATIN),
    )
}
_BEHIND_DIGIT = re.compile("(?<=[0-9])(?:([¼-¾⅐-⅞])|([⁺⁻]?[⁰¹²³⁴-⁹]+)|([·⋅∙])(?=[0-9]))")
_DECOMPOSED = re.compile(r"[^\W_][\u0300-\u036f]{1,4}")
_CYRILLIC_WORD = re.compile(r"[\u0400-\u052f]+")
_GREEK_WORD = re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]+")
_OTHER = re.compile(r"[^\x00-\x7f]")
# ELOT 743: υ is a vowel of its own only where it does not make one sound with the letter before it.
_GREEK_OU = re.compile(r"(?<=ο)υ", re.IGNORECASE)
_GREEK_F = re.compile(r"(?<=[αε])υ(?=[θκξπστφχψ]|\Z)", re.IGNORECASE)
_GREEK_V = re.compile(r"(?<=[αε])υ", re.IGNORECASE)
# The two signs keep е apart from the consonant, and it begins like й then: подъезд.
_PARTED_E = re.compile(r"[ъь](?=е)", re.IGNORECASE)
_ONLY_RUSSIAN = re.compile(r"[ыэёЫЭЁ]")


def latin(text: str) -> str:
    """`text` with Cyrillic, Greek and accented Latin letters in Latin ones that GSM 7 bit has, signs plainly.

    Letters that Cyrillic languages read differently follow the language that the text's other letters tell.
    """
    if text.isascii():
        return plain_typography(text)
    text = plain_typography(composed(text))
    if _CYRILLIC_WORD.search(text):
        language = _language(text)
        if language == "russian":
            text = _PARTED_E.sub(lambda match: match[0] + ("й" if match[0].islower() else "Й"), text)
        text = _CYRILLIC_WORD.sub(_word_by(*_TABLES[language]), text)
    if _GREEK_WORD.search(text):
        text = _GREEK_WORD.sub(_greek_word, text)
    return _OTHER.sub(_letter, text)


def _language(text: str) -> str:
    letters = set(text.lower())
    if letters & set("ђћљњџј"):
        return "serbian"
    if letters & set("ґєії") and not letters & set("ыэёўәғқңұүһ"):
        return "ukrainian"
    # In Russian the hard sign stands before these vowels alone.
    if re.search("ъ(?![еёюя])", text, re.IGNORECASE) and not _ONLY_RUSSIAN.search(text):
        return "bulgarian"
    return "russian"


def _word_by(mixed: dict[int, str], capitals: dict[int, str]) -> Callable[[re.Match[str]], str]:
    def write(match: re.Match[str]) -> str:
        word = match[0]
        return word.translate(capitals if len(word) > 1 and word.isupper() else mixed)

    return write


def _greek_word(match: re.Match[str]) -> str:
    word = match[0]
    if len(word) == 1 and choose(word) is Alphabet.GSM7:
        return word  # a unit or a symbol, as in 10 kΩ
    # Accents show no sound in Latin letters.
    word = "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    mixed, capitals = _TABLES["greek"]
    table = capitals if word.isupper() else mixed
    for pattern, plain in ((_GREEK_OU, "u"), (_GREEK_F, "f"), (_GREEK_V, "v")):
        word = pattern.sub(plain.upper() if table is capitals else plain, word)
    return word.translate(table)


def _letter(match: re.Match[str]) -> str:
    character = match[0]
    if choose(character) is Alphabet.GSM7:
        return character
    found = _TABLES["latin"][0].get(ord(character)) or _SIGNS.get(character)
    if found is not None:
        return found
    plain = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
    plain = plain.translate(_TABLES["latin"][0]).translate(_TYPOGRAPHY)
    return plain if choose(plain) is Alphabet.GSM7 else character
