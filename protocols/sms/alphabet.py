"""The alphabets of a short message: GSM 7 bit, UCS-2, Latin-1 and plain octets (3GPP TS 23.038).

GSM 7 bit is handled as SMPP carries it: unpacked, one septet in each octet, a character of the extension
table as two of them (0x1B and its code). `pack` and `unpack` convert to and from the packed form.

Nothing here raises for odd content. What an alphabet cannot write becomes "?"; what cannot be read becomes
U+FFFD, except a bad escape, for which 3GPP TS 23.038 §6.2.1.1 has rules of its own (see `decode`).

How the GSM encoder works: a charmap of `codecs` maps one character to one octet in C, but it has no place
for a character that becomes two octets, nor for one that becomes octet 0 ("@"), which it reads as "no
mapping". Both get a mark: their code with the top bit set. A text without marks, nearly all there are, is
done; otherwise each mark is expanded.
"""

import codecs
import re
from enum import Enum

ESCAPE = 0x1B


class Alphabet(Enum):
    """How the octets of a short message are read."""

    GSM7 = "GSM 7 bit"
    UCS2 = "UCS-2"
    LATIN1 = "Latin-1"
    BINARY = "8 bit data"


# 3GPP TS 23.038 §6.2.1; the index is the septet, position 0x1B is the escape to the extension table.
_DEFAULT_TABLE = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)

# 3GPP TS 23.038 §6.2.1.1: septet after the escape → character.
_EXTENSION_TABLE = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}

_NO_CHARACTER = "\ufffe"  # how charmap tables spell an unused position
_MARK = 0x80


def _encoding_table() -> str:
    table = list(_DEFAULT_TABLE) + [_NO_CHARACTER] * 128
    table[0] = "\0"  # codecs builds its fast map only when position 0 is U+0000
    table[ESCAPE] = _NO_CHARACTER
    table[_MARK] = "@"
    for code, character in _EXTENSION_TABLE.items():
        table[_MARK | code] = character
    return "".join(table)


_ENCODING_MAP = codecs.charmap_build(_encoding_table())
_DECODING_TABLE = _DEFAULT_TABLE + _NO_CHARACTER * 128
_EXPANSIONS = {_MARK: b"\0"} | {_MARK | code: bytes((ESCAPE, code)) for code in _EXTENSION_TABLE}
_SEPTETS = bytes(range(_MARK))

# Keyed by what the default table shows for the septet, because escapes are resolved after that table is read.
_EXTENSION_BY_DEFAULT = {_DEFAULT_TABLE[code]: character for code, character in _EXTENSION_TABLE.items()}
_ESCAPED = re.compile("\x1b(.?)", re.DOTALL)

_CHARACTERS = _DEFAULT_TABLE.replace("\x1b", "") + "".join(_EXTENSION_TABLE.values())
_GSM7 = re.compile(f"[{re.escape(_CHARACTERS)}]*")
_is_gsm7 = _GSM7.fullmatch


def choose(text: str) -> Alphabet:
    """GSM7 if every character is in the default alphabet or its extension table, otherwise UCS2."""
    return Alphabet.GSM7 if _is_gsm7(text) else Alphabet.UCS2


def first_beyond(text: str) -> int:
    """Where the first character stands that GSM 7 bit has not; the text's length if there is none."""
    run = _GSM7.match(text)
    return run.end() if run else 0


def encode(text: str, alphabet: Alphabet) -> bytes:
    """The octets of `text`; a character the alphabet lacks becomes "?".

    UCS2 is written as UTF-16BE, characters beyond the BMP as surrogate pairs, a lone surrogate as U+FFFD.
    BINARY takes each character up to U+00FF as the octet of that value, the reverse of what `decode` does.
    """
    if alphabet is Alphabet.GSM7:
        return _encode_gsm7(text)
    if alphabet is Alphabet.UCS2:
        try:
            # Straight to the codec: to find it by its name costs as much again.
            return codecs.utf_16_be_encode(text, "strict")[0]
        except UnicodeEncodeError:
            # Through the decoder, so that two halves that do make a pair stay together.
            units = text.encode("utf-16-be", "surrogatepass")
            return units.decode("utf-16-be", "replace").encode("utf-16-be")
    return text.encode("latin-1", "replace")


def as_gsm7(text: str) -> bytes | None:
    """The septets of `text`, or None when GSM 7 bit lacks one of its characters."""
    try:
        septets: bytes = codecs.charmap_encode(text, "strict", _ENCODING_MAP)[0]
    except UnicodeEncodeError:
        return None
    if b"\0" in septets:
        return None  # U+0000: the map had to have it, the alphabet has not
    return septets if septets.isascii() else _expanded(septets)


def _encode_gsm7(text: str) -> bytes:
    septets: bytes = codecs.charmap_encode(text, "replace", _ENCODING_MAP)[0]
    if b"\0" in septets:
        septets = septets.replace(b"\0", b"?")
    return septets if septets.isascii() else _expanded(septets)


def _expanded(septets: bytes) -> bytes:
    for mark in set(septets.translate(None, _SEPTETS)):
        septets = septets.replace(bytes((mark,)), _EXPANSIONS[mark])
    return septets


def decode(data: bytes, alphabet: Alphabet) -> str:
    """The text of `data`, which may be anything.

    GSM7: an escape before a code the extension table does not have shows the default table's character, a
    doubled escape or one at the end shows a space (3GPP TS 23.038 §6.2.1.1); octets over 0x7F are U+FFFD.
    UCS2: a lone surrogate, and the last octet of an odd number, are U+FFFD.
    LATIN1, BINARY: each octet is the character of that value, so nothing is lost.
    """
    if alphabet is Alphabet.GSM7:
        text = codecs.charmap_decode(data, "replace", _DECODING_TABLE)[0]
        return _ESCAPED.sub(_unescape, text) if ESCAPE in data else text
    if alphabet is Alphabet.UCS2:
        return data.decode("utf-16-be", "replace")
    return data.decode("latin-1")


def _unescape(match: re.Match[str]) -> str:
    character = match[1]
    if character in ("", "\x1b"):
        return " "
    return _EXTENSION_BY_DEFAULT.get(character, character)


def _data_coding_alphabet(data_coding: int) -> Alphabet:
    if data_coding < 0x10:
        # SMPP v3.4 §5.2.19 numbers these itself. IA5 (1) is read as Latin-1, of which it is a part: as
        # GSM 7 bit its "@", "$" and "_" would turn into other characters. JIS, Cyrillic, Hebrew, … are
        # octets that pass through unread.
        return {0: Alphabet.GSM7, 1: Alphabet.LATIN1, 3: Alphabet.LATIN1, 8: Alphabet.UCS2}.get(
            data_coding, Alphabet.BINARY
        )
    group = data_coding >> 4
    if group < 0x8:  # 3GPP TS 23.038 §4, general data coding and automatic deletion
        if data_coding & 0x20:
            return Alphabet.BINARY  # compressed
        return (Alphabet.GSM7, Alphabet.BINARY, Alphabet.UCS2, Alphabet.GSM7)[data_coding >> 2 & 0x3]
    if group == 0xE:  # message waiting indication, store, UCS-2
        return Alphabet.UCS2
    if group == 0xF:  # data coding and message class
        return Alphabet.BINARY if data_coding & 0x4 else Alphabet.GSM7
    # 0xC and 0xD are message waiting indication in GSM 7 bit; the rest is reserved, which
    # 3GPP TS 23.038 §4 tells the receiver to read as the default alphabet.
    return Alphabet.GSM7


_DATA_CODING = tuple(map(_data_coding_alphabet, range(256)))


def for_data_coding(data_coding: int) -> Alphabet:
    """The alphabet that a data_coding octet (0–255) stands for.

    0–15 as SMPP v3.4 §5.2.19 lists them, the rest by the coding groups of 3GPP TS 23.038 §4, in which the
    high nibble decides what the low one means: 0xF5 is 8 bit data, 0xC8 is GSM 7 bit, not UCS-2.
    """
    return _DATA_CODING[data_coding]


def fill_bits(header_octets: int) -> int:
    """Bits between a header of so many octets, UDHL too, and the first septet (3GPP TS 23.040 §9.2.3.24)."""
    return -header_octets * 8 % 7


def pack(septets: bytes, fill: int = 0) -> bytes:
    """One septet per octet → packed behind `fill` zero bits, the spare bits zero (3GPP TS 23.038 §6.1.2.1).

    How many septets there are is told beside them, in TP-UDL: eight in seven octets may end in "@", which is
    all zeros too. Where nothing tells it, use `pack_padded`.
    """
    bits = 0
    for septet in reversed(septets):
        bits = bits << 7 | septet & 0x7F
    return (bits << fill).to_bytes((len(septets) * 7 + fill + 7) // 8, "little")


def unpack(octets: bytes, count: int, fill: int = 0) -> bytes:
    """Packed → `count` septets, one per octet; septets that `octets` does not hold are 0."""
    bits = int.from_bytes(octets, "little") >> fill
    return bytes(bits >> 7 * i & 0x7F for i in range(count))


def pack_padded(septets: bytes, fill: int = 0) -> bytes:
    """Packed for a receiver who is told octets alone, as over SMPP (3GPP TS 23.038 §6.1.2.3.1, of USSD).

    Seven spare bits would read as "@": they are CR. A CR of the text's own that ends with an octet would be
    taken for such padding: it gets a second one.
    """
    end = (len(septets) * 7 + fill) % 8
    if end == 1 or (end == 0 and septets.endswith(b"\r")):
        septets += b"\r"
    return pack(septets, fill)


def unpack_padded(octets: bytes, fill: int = 0, *, zeros: bool = False) -> bytes:
    """All septets of packed octets; a CR that ends with the last octet is padding and is left out.

    Whoever pads with zeros instead leaves an "@" at the end: which of both it is nobody can tell. With
    `zeros` it is padding too, as it is with most who pack.
    """
    count = max(len(octets) * 8 - fill, 0) // 7
    septets = unpack(octets, count, fill)
    ends_there = (count * 7 + fill) % 8 == 0
    return septets[:-1] if ends_there and septets[-1:] in (b"\r", b"\0" if zeros else b"\r") else septets
