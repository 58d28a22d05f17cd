"""Character sets of mail: an allow-list of names, and what becomes of everything else.

Python knows codecs that are no character sets (`unicode_escape`, `punycode`, …), so a name from a mail is
never handed to it: it is looked up here, and what is not here is unknown.  Nothing in this module raises.
"""

from __future__ import annotations

import codecs
from typing import NamedTuple


class Decoded(NamedTuple):
    """A text, the charset that it was read in, and why it was not the one that was asked for ("")."""

    text: str
    charset: str
    reason: str


# charset → Python's codec and other names in use.  Where a vendor's superset exists, senders mean that one
# (what calls itself iso-8859-1 has its quotes from windows-1252), as browsers and mail programs read it too.
_CHARSETS: dict[str, tuple[str, str]] = {
    "us-ascii": ("ascii", "ascii ansi-x3.4-1968 iso-ir-6 iso646-us iso-646 646 cp367 us 7bit"),
    "utf-8": ("utf-8", "utf8 unicode-1-1-utf-8 unicode-2-0-utf-8 x-utf-8 utf-8-sig utf8mb4 cp65001 cp-utf8"),
    "utf-16": ("utf-16", "utf16 ucs-2 ucs2 iso-10646-ucs-2 unicode csunicode"),
    "utf-16be": ("utf-16-be", "utf-16-be utf16be unicodefffe ucs-2be"),
    "utf-16le": ("utf-16-le", "utf-16-le utf16le unicodefeff ucs-2le"),
    "utf-32": ("utf-32", "utf32 ucs-4"),
    "utf-7": ("utf-7", "utf7 unicode-1-1-utf-7 csunicode11utf7"),
    "koi8-r": ("koi8-r", "koi8r koi8 koi cskoi8r koi-8 koi8-rus"),
    "koi8-u": ("koi8-u", "koi8u koi8-ru koi8ru"),
    "koi8-t": ("koi8-t", ""),
    "kz-1048": ("kz1048", "kz1048 strk1048-2002 rk1048 ptcp154 pt154"),
    "ibm866": ("cp866", "cp866 866 ibm-866 dos-866 cp-866 csibm866 alt"),
    "ibm855": ("cp855", "cp855 855 csibm855"),
    "ibm850": ("cp850", "cp850 850 cspc850multilingual"),
    "ibm852": ("cp852", "cp852 852 cspcp852"),
    "ibm437": ("cp437", "cp437 437 cspc8codepage437"),
    "iso-8859-1": (
        "cp1252",
        "iso8859-1 iso88591 iso-88591 8859-1 latin1 latin-1 l1 iso-ir-100 ibm819 cp819 iso-8859-1:1987",
    ),
    "iso-8859-2": ("iso8859-2", "latin2 latin-2 l2 iso-ir-101 csisolatin2"),
    "iso-8859-3": ("iso8859-3", "latin3 latin-3 l3"),
    "iso-8859-4": ("iso8859-4", "latin4 latin-4 l4"),
    "iso-8859-5": ("iso8859-5", "cyrillic iso-ir-144 csisolatincyrillic"),
    "iso-8859-6": ("iso8859-6", "arabic iso-8859-6-e iso-8859-6-i asmo-708 ecma-114"),
    "iso-8859-7": ("iso8859-7", "greek greek8 ecma-118 elot-928 sun-eu-greek"),
    "iso-8859-8": ("iso8859-8", "hebrew visual iso-8859-8-e iso-8859-8-i logical"),
    "iso-8859-9": ("cp1254", "latin5 latin-5 l5"),
    "iso-8859-10": ("iso8859-10", "latin6 latin-6 l6"),
    "iso-8859-11": ("cp874", "tis-620 tis620 windows-874 cp874 x-windows-874 dos-874"),
    "iso-8859-13": ("iso8859-13", "latin7 latin-7 l7"),
    "iso-8859-14": ("iso8859-14", "latin8 latin-8 l8"),
    "iso-8859-15": ("iso8859-15", "latin9 latin-9 l9"),
    "iso-8859-16": ("iso8859-16", "latin10 latin-10 l10"),
    "iso-2022-jp": (
        "iso2022_jp_ext",
        "iso-2022-jp-1 iso-2022-jp-2 iso-2022-jp-ms iso-2022-jp-ext iso2022jp csiso2022jp cp50220 jis",
    ),
    "shift_jis": ("cp932", "shiftjis sjis x-sjis ms-kanji windows-31j cswindows31j cp932 ms932 csshiftjis"),
    "euc-jp": ("euc_jp", "eucjp x-euc-jp x-euc ujis cseucpkdfmtjapanese"),
    "gb18030": ("gb18030", "gb2312 gbk gb-2312 gb-18030 x-gbk cp936 windows-936 euc-cn gb-2312-80 chinese"),
    "hz-gb-2312": ("hz", "hz hzgb2312"),
    "big5": ("big5hkscs", "big-5 cn-big5 x-x-big5 big5-hkscs big5hkscs cp950 windows-950 csbig5 big5-tw"),
    "euc-kr": (
        "cp949",
        "euckr ks-c-5601-1987 ks-c-5601 ksc5601 ks-c-5601-1989 cp949 windows-949 uhc korean iso-ir-149",
    ),
    "iso-2022-kr": ("iso2022_kr", "iso2022kr csiso2022kr"),
    "macintosh": ("mac-roman", "mac x-mac-roman x-macroman macroman csmacintosh"),
    "x-mac-cyrillic": ("mac-cyrillic", "mac-cyrillic maccyrillic x-mac-ukrainian"),
    **{f"windows-125{n}": (f"cp125{n}", "") for n in range(9)},
}
# These are not ASCII where they look like it.
_NO_ASCII = frozenset(
    {"utf-16", "utf-16be", "utf-16le", "utf-32", "utf-7", "iso-2022-jp", "iso-2022-kr", "hz-gb-2312"}
)


def _names() -> dict[str, str]:
    names = {}
    for charset, (_, others) in _CHARSETS.items():
        for name in (charset.replace("_", "-"), *others.split()):
            names[name] = charset
        if charset.startswith("iso-8859-"):
            number = charset[9:]
            names |= dict.fromkeys((f"iso8859-{number}", f"8859-{number}", f"iso8859{number}"), charset)
            names[f"iso-ir-8859-{number}"] = charset
        elif charset.startswith("windows-"):
            number = charset[8:]
            names |= dict.fromkeys(
                (
                    f"cp{number}",
                    f"cp-{number}",
                    f"win-{number}",
                    f"windows{number}",
                    f"win{number}",
                    f"x-cp{number}",
                ),
                charset,
            )
            names |= dict.fromkeys((f"{number}", f"ms{number}", f"ansi-{number}"), charset)
    return names


_BY_NAME = _names()


def charset_named(name: str) -> str:
    """The charset that a mail's `name` stands for; "" when the name is not on the list."""
    name = name.strip(" \t\"'").lower().replace("_", "-")
    return _BY_NAME.get(name, "")


def decode(data: bytes, name: str, default: str = "") -> Decoded:
    """The text of `data`, which a mail says is in charset `name` ("": it does not say).

    `default` is a charset for mails that name none.  Without one, and for a name that is not on the list,
    UTF-8 is tried and then windows-1252; what cannot be read is U+FFFD.
    """
    charset = charset_named(name) if name else default
    if data.isascii() and charset not in _NO_ASCII:
        reason = f"charset “{name[:40]}” is unknown" if name and not charset else ""
        return Decoded(data.decode("ascii"), charset or "us-ascii", reason)
    if charset in ("", "us-ascii"):
        text, found = _guess(data)
        why = f"charset “{name[:40]}” is unknown" if name and not charset else "no charset named"
        return Decoded(text, found, f"{'it is not us-ascii' if charset else why}, read as {found}")
    codec = _CHARSETS[charset][0]
    if charset in ("utf-16", "utf-32") and not data.startswith(
        (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b"\0\0\xfe\xff")
    ):
        codec = f"{codec}-{_byte_order(data)}"
    try:
        text = data.decode(codec)
    except (UnicodeError, ValueError):
        text = data.decode(codec, "replace")
        return Decoded(_without_mark(text), charset, f"not everything in it is {charset}")
    return Decoded(_without_mark(text), charset, "")


def _without_mark(text: str) -> str:
    return text[1:] if text.startswith("\ufeff") else text


def _guess(data: bytes) -> tuple[str, str]:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace"), "utf-16"
    try:
        # A character that a size limit cut in two is no fault, but it alone does not make a text UTF-8.
        text, length = codecs.utf_8_decode(data, "strict", False)
        if length == len(data) or not text.isascii():
            return _without_mark(text), "utf-8"
    except UnicodeDecodeError:
        pass
    return data.decode("cp1252", "replace"), "windows-1252"


def _byte_order(data: bytes) -> str:
    """Of UTF-16 without a mark: which octet of a pair is 0 more often, as in most scripts' text."""
    head = data[:512]
    return "be" if head[::2].count(0) > head[1::2].count(0) else "le"
