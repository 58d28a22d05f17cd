"""The national language tables of GSM 7 bit, as 3GPP TS 23.038 Annex A draws them.

A table is eight rows of sixteen cells, septet 0x00 first. A cell is a character, its code point in hex, SP,
LF, CR, FF or ESC; A-Z and 0905-090B are several in a row; ..3 are three positions without a character. In a
single shift table 0x0D and 0x1B are controls for later use, which nobody writes.

Spanish has no locking shift table.
"""

from __future__ import annotations

LANGUAGES = {
    "turkish": 1,
    "spanish": 2,
    "portuguese": 3,
    "bengali": 4,
    "gujarati": 5,
    "hindi": 6,
    "kannada": 7,
    "malayalam": 8,
    "oriya": 9,
    "punjabi": 10,
    "tamil": 11,
    "telugu": 12,
    "urdu": 13,
}
"""National Language Identifiers (3GPP TS 23.038 §6.2.1.2.4)."""

_DEFAULT_LOCKING = """
@ £ $ ¥ è é ù ì ò Ç LF Ø ø CR Å å
Δ _ Φ Γ Λ Ω Π Ψ Σ Θ Ξ ESC Æ æ ß É
SP ! " # ¤ % & ' ( ) * + , - . /
0-9 : ; < = > ?
¡ A-O
P-Z Ä Ö Ñ Ü §
¿ a-o
p-z ä ö ñ ü à
"""
_DEFAULT_SINGLE = """
..10 FF ..5
..4 ^ ..11
..8 { } ..5 \\
..12 [ ~ ] ..1
| ..15
..16
..5 € ..10
..16
"""


def _of_india(digits: str, *signs: str) -> str:
    """What the tables of the Indian languages and of Urdu have in common, around their digits and signs."""
    second, third = signs
    return f"""
@ £ $ ¥ ¿ " ¤ % & ' FF * + ..1 - /
< = > ¡ ^ ¡ _ # * {digits}
{second}
{third}
| A-O
P-Z ..5
..5 € ..10
..16
"""


LOCKING = {
    0: _DEFAULT_LOCKING,
    1: """
@ £ $ ¥ € é ù ı ò Ç LF Ğ ğ CR Å å
Δ _ Φ Γ Λ Ω Π Ψ Σ Θ Ξ ESC Ş ş ß É
SP ! " # ¤ % & ' ( ) * + , - . /
0-9 : ; < = > ?
İ A-O
P-Z Ä Ö Ñ Ü §
ç a-o
p-z ä ö ñ ü à
""",
    3: """
@ £ $ ¥ ê é ú í ó ç LF Ô ô CR Á á
Δ _ ª Ç À ∞ ^ \\ € Ó | ESC Â â Ê É
SP ! " # º % & ' ( ) * + , - . /
0-9 : ; < = > ?
Í A-O
P-Z Ã Õ Ú Ü §
~ a-o
p-z ã õ ` ü à
""",
    4: """
0981-0983 0985-098B LF 098C ..1 CR ..1 098F
0990 ..2 0993-099A ESC 099B-099E
SP ! 099F-09A4 ) ( 09A5 09A6 , 09A7 . 09A8
0-9 : ; ..1 09AA 09AB ?
09AC-09B0 ..1 09B2 ..3 09B6-09B9 09BC 09BD
09BE-09C4 ..2 09C7 09C8 ..2 09CB-09CD
09CE a-o
p-z 09D7 09DC 09DD 09F0 09F1
""",
    5: """
0A81-0A83 0A85-0A8B LF 0A8C 0A8D CR ..1 0A8F
0A90 0A91 ..1 0A93-0A9A ESC 0A9B-0A9E
SP ! 0A9F-0AA4 ) ( 0AA5 0AA6 , 0AA7 . 0AA8
0-9 : ; ..1 0AAA 0AAB ?
0AAC-0AB0 ..1 0AB2 0AB3 ..1 0AB5-0AB9 0ABC 0ABD
0ABE-0AC5 ..1 0AC7-0AC9 ..1 0ACB-0ACD
0AD0 a-o
p-z 0AE0-0AE3 0AF1
""",
    6: """
0901-0903 0905-090B LF 090C 090D CR 090E 090F
0910-091A ESC 091B-091E
SP ! 091F-0924 ) ( 0925 0926 , 0927 . 0928
0-9 : ; 0929-092B ?
092C-0939 093C 093D
093E-094D
0950 a-o
p-z 0972 097B 097C 097E 097F
""",
    7: """
..1 0C82 0C83 0C85-0C8B LF 0C8C ..1 CR 0C8E 0C8F
0C90 ..1 0C92-0C9A ESC 0C9B-0C9E
SP ! 0C9F-0CA4 ) ( 0CA5 0CA6 , 0CA7 . 0CA8
0-9 : ; ..1 0CAA 0CAB ?
0CAC-0CB3 ..1 0CB5-0CB9 0CBC 0CBD
0CBE-0CC4 ..1 0CC6-0CC8 ..1 0CCA-0CCD
0CD5 a-o
p-z 0CD6 0CE0-0CE3
""",
    8: """
..1 0D02 0D03 0D05-0D0B LF 0D0C ..1 CR 0D0E 0D0F
0D10 ..1 0D12-0D1A ESC 0D1B-0D1E
SP ! 0D1F-0D24 ) ( 0D25 0D26 , 0D27 . 0D28
0-9 : ; ..1 0D2A 0D2B ?
0D2C-0D39 ..1 0D3D
0D3E-0D44 ..1 0D46-0D48 ..1 0D4A-0D4D
0D57 a-o
p-z 0D60-0D63 0D79
""",
    9: """
0B01-0B03 0B05-0B0B LF 0B0C ..1 CR ..1 0B0F
0B10 ..2 0B13-0B1A ESC 0B1B-0B1E
SP ! 0B1F-0B24 ) ( 0B25 0B26 , 0B27 . 0B28
0-9 : ; ..1 0B2A 0B2B ?
0B2C-0B30 ..1 0B32 0B33 ..1 0B35-0B39 0B3C 0B3D
0B3E-0B44 ..2 0B47 0B48 ..2 0B4B-0B4D
0B56 a-o
p-z 0B57 0B60-0B63
""",
    10: """
0A01-0A03 0A05-0A0A ..1 LF ..2 CR ..1 0A0F
0A10 ..2 0A13-0A1A ESC 0A1B-0A1E
SP ! 0A1F-0A24 ) ( 0A25 0A26 , 0A27 . 0A28
0-9 : ; ..1 0A2A 0A2B ?
0A2C-0A30 ..1 0A32 0A33 ..1 0A35 0A36 ..1 0A38 0A39 0A3C ..1
0A3E-0A42 ..4 0A47 0A48 ..2 0A4B-0A4D
0A51 a-o
p-z 0A70-0A74
""",
    11: """
..1 0B82 0B83 0B85-0B8A ..1 LF ..2 CR 0B8E 0B8F
0B90 ..1 0B92-0B95 ..3 0B99 0B9A ESC ..1 0B9C ..1 0B9E
SP ! 0B9F ..3 0BA3 0BA4 ) ( ..2 , ..1 . 0BA8
0-9 : ; 0BA9 0BAA ..1 ?
..2 0BAE-0BB9 ..2
0BBE-0BC2 ..3 0BC6-0BC8 ..1 0BCA-0BCD
0BD0 a-o
p-z 0BD7 0BF0-0BF2 0BF9
""",
    12: """
0C01-0C03 0C05-0C0B LF 0C0C ..1 CR 0C0E 0C0F
0C10 ..1 0C12-0C1A ESC 0C1B-0C1E
SP ! 0C1F-0C24 ) ( 0C25 0C26 , 0C27 . 0C28
0-9 : ; ..1 0C2A 0C2B ?
0C2C-0C33 ..1 0C35-0C39 ..1 0C3D
0C3E-0C44 ..1 0C46-0C48 ..1 0C4A-0C4D
0C55 a-o
p-z 0C56 0C60-0C63
""",
    13: """
0627 0622 0628 067B 0680 067E 06A6 062A 06C2 067F LF 0679 067D CR 067A 067C
062B 062C 0681 0684 0683 0685-0687 062D-062F ESC 068C 0688-068A
SP ! 068F 068D 0630 0631 0691 0693 ) ( 0699 0632 , 0696 . 0698
0-9 : ; 069A 0633 0634 ?
0635-0639 0641 0642 06A9-06AB 06AF 06B3 06B1 0644-0646
06BA-06BC 0648 06C4 06D5 06C1 06BE 0621 06CC 06D0 06D2 064D 0650 064F 0657
0654 a-o
p-z 0655 0651 0653 0656 0670
""",
}
"""§A.3, by identifier; 0 is the default alphabet, §6.2.1."""

SINGLE = {
    0: _DEFAULT_SINGLE,
    1: """
..10 FF ..5
..4 ^ ..11
..8 { } ..5 \\
..12 [ ~ ] ..1
| ..6 Ğ ..1 İ ..6
..3 Ş ..12
..3 ç ..1 € ..1 ğ ..1 ı ..6
..3 ş ..12
""",
    2: """
..9 ç FF ..5
..4 ^ ..11
..8 { } ..5 \\
..12 [ ~ ] ..1
| Á ..7 Í ..5 Ó
..5 Ú ..10
..1 á ..3 € ..3 í ..5 ó
..5 ú ..10
""",
    3: """
..5 ê ..3 ç FF Ô ô ..1 Á á
..2 Φ Γ ^ Ω Π Ψ Σ Θ ..5 Ê
..8 { } ..5 \\
..12 [ ~ ] ..1
| À ..7 Í ..5 Ó
..5 Ú ..5 Ã Õ ..3
..1 Â ..3 € ..3 í ..5 ó
..5 ú ..5 ã õ ..2 â
""",
    4: _of_india(
        "09E6 09E7 ..1 09E8-09EB",
        "09EC-09EF 09DF-09E2 { } 09E3 09F2-09F5 \\",
        "09F6-09FA ..7 [ ~ ] ..1",
    ),
    5: _of_india("0964 0965 ..1 0AE6-0AE9", "0AEA-0AEF ..2 { } ..5 \\", "..12 [ ~ ] ..1"),
    6: _of_india(
        "0964 0965 ..1 0966-0969",
        "096A-096F 0951 0952 { } 0953 0954 0958-095A \\",
        "095B-0963 0970 0971 ..1 [ ~ ] ..1",
    ),
    7: _of_india("0964 0965 ..1 0CE6-0CE9", "0CEA-0CEF 0CDE 0CF1 { } 0CF2 ..4 \\", "..12 [ ~ ] ..1"),
    8: _of_india("0964 0965 ..1 0D66-0D69", "0D6A-0D71 { } 0D72-0D75 0D7A \\", "0D7B-0D7F ..7 [ ~ ] ..1"),
    9: _of_india(
        "0964 0965 ..1 0B66-0B69", "0B6A-0B6F 0B5C 0B5D { } 0B5F 0B70 0B71 ..2 \\", "..12 [ ~ ] ..1"
    ),
    10: _of_india(
        "0964 0965 ..1 0A66-0A69",
        "0A6A-0A6F 0A59 0A5A { } 0A5B 0A5C 0A5E 0A75 ..1 \\",
        "..12 [ ~ ] ..1",
    ),
    11: _of_india("0964 0965 ..1 0BE6-0BE9", "0BEA-0BEF 0BF3 0BF4 { } 0BF5-0BF8 0BFA \\", "..12 [ ~ ] ..1"),
    12: _of_india("..3 0C66-0C69", "0C6A-0C6F 0C58 0C59 { } 0C78-0C7C \\", "0C7D-0C7F ..9 [ ~ ] ..1"),
    13: _of_india(
        "0600 0601 ..1 06F0-06F3",
        "06F4-06F9 060C 060D { } 060E-0612 \\",
        "0613 0614 061B 061F 0640 0652 0658 066B 066C 0672 0673 06CD [ ~ ] 06D4",
    ),
}
"""§A.2, by identifier; 0 is the default extension table, §6.2.1.1."""

_NAMED = {"SP": " ", "LF": "\n", "CR": "\r", "FF": "\f", "ESC": "\x1b"}


def cells_of(table: str) -> tuple[str, ...]:
    """A table's 128 characters; "" where it has none, "\\x1b" at the escape."""
    return tuple(character for cell in table.split() for character in _cell(cell))


def _cell(cell: str) -> list[str]:
    if len(cell) > 1:
        if cell.startswith(".."):
            return [""] * int(cell[2:])
        if cell in _NAMED:
            return [_NAMED[cell]]
        first, _, last = cell.partition("-")
        return [chr(code) for code in range(_code(first), _code(last or first) + 1)]
    return [cell]


def _code(word: str) -> int:
    return ord(word) if len(word) == 1 else int(word, 16)
