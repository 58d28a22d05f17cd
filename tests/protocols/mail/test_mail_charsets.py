"""Charsets: the allow-list, and what happens outside it."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.mail import charsets
from protocols.mail.charsets import charset_named, decode


@pytest.mark.parametrize(
    ("name", "charset"),
    [
        ("UTF-8", "utf-8"),
        ("utf8", "utf-8"),
        ("'Windows-1251'", "windows-1251"),
        ("cp1251", "windows-1251"),
        ("win-1251", "windows-1251"),
        ("KOI8-R", "koi8-r"),
        ("koi8r", "koi8-r"),
        ("ANSI_X3.4-1968", "us-ascii"),
        ("latin1", "iso-8859-1"),
        ("ISO_8859-1", "iso-8859-1"),
        ("iso8859-5", "iso-8859-5"),
        ("ks_c_5601-1987", "euc-kr"),
        ("gb2312", "gb18030"),
        ("Shift_JIS", "shift_jis"),
        ("x-sjis", "shift_jis"),
    ],
)
def test_names(name: str, charset: str) -> None:
    assert charset_named(name) == charset


@pytest.mark.parametrize(
    "name",
    [
        *("unicode_escape", "raw_unicode_escape", "punycode", "idna", "rot13", "undefined", "mbcs", "oem"),
        *("base64", "bz2", "hex", "quopri", "uu", "zlib", "string-escape", "charmap", "palmos"),
        *("", "x-unknown", "../../etc", "utf-8\0", "a" * 5000, "utf-8;x"),
    ],
)
def test_security_53_names_outside_the_list_are_unknown(name: str) -> None:
    assert charset_named(name) == ""
    assert decode(b"\\x41 \xc3\xa4", name).text == "\\x41 ä"
    assert decode(b"\\x41 \xe4", name).text == "\\x41 ä"


def test_every_charset_on_the_list_has_a_text_codec() -> None:
    for charset, (codec, others) in charsets._CHARSETS.items():
        assert codecs.lookup(codec)._is_text_encoding
        assert charset_named(charset) == charset
        assert all(charset_named(other) == charset for other in others.split())


def test_no_name_has_two_meanings() -> None:
    names = [
        name for charset, (_, others) in charsets._CHARSETS.items() for name in (charset, *others.split())
    ]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (b"abc", "", ("abc", "us-ascii", "")),
        (b"abc", "koi8-r", ("abc", "koi8-r", "")),
        ("ж".encode("koi8-r"), "koi8-r", ("ж", "koi8-r", "")),
        (b"\x93a\x94", "iso-8859-1", ("“a”", "iso-8859-1", "")),
        ("ж".encode(), "us-ascii", ("ж", "utf-8", "it is not us-ascii, read as utf-8")),
        ("ж".encode(), "", ("ж", "utf-8", "no charset named, read as utf-8")),
        (b"\xe4", "", ("ä", "windows-1252", "no charset named, read as windows-1252")),
        (b"\xe4", "x-y", ("ä", "windows-1252", "charset “x-y” is unknown, read as windows-1252")),
        (b"a", "x-y", ("a", "us-ascii", "charset “x-y” is unknown")),
        (b"\x81\xe4", "", ("\ufffdä", "windows-1252", "no charset named, read as windows-1252")),
        (b"a\xffb", "utf-8", ("a\ufffdb", "utf-8", "not everything in it is utf-8")),
        (b"\xef\xbb\xbfa", "utf-8", ("a", "utf-8", "")),
        (b"\xef\xbb\xbf\xc3\xa4", "", ("ä", "utf-8", "no charset named, read as utf-8")),
        (b"\xff\xfea\0", "", ("a", "utf-16", "no charset named, read as utf-16")),
        (b"\xff\xfea\0", "utf-16", ("a", "utf-16", "")),
        (b"\xfe\xff\0a", "utf-16", ("a", "utf-16", "")),
        (b"a\0b\0", "utf-16", ("ab", "utf-16", "")),
        (b"\0a\0b", "utf-16", ("ab", "utf-16", "")),
        (b"\0a", "utf-16be", ("a", "utf-16be", "")),
        (b"a\0b", "utf-16le", ("a\ufffd", "utf-16le", "not everything in it is utf-16le")),
        (b"\xff\xfe\0\0a\0\0\0", "utf-32", ("a", "utf-32", "")),
        (b"\x1b$B\x30\x21\x1b(B", "iso-2022-jp", ("亜", "iso-2022-jp", "")),
        (b"+BDY-", "utf-7", ("ж", "utf-7", "")),
    ],
)
def test_decode(data: bytes, name: str, expected: tuple[str, str, str]) -> None:
    assert decode(data, name) == expected


def test_a_default_is_for_texts_that_name_none() -> None:
    octets = "ж".encode("koi8-r")
    assert decode(octets, "", "koi8-r") == ("ж", "koi8-r", "")
    assert decode(octets, "x-y", "koi8-r").charset == "windows-1252"
    assert decode("ж".encode(), "utf-8", "koi8-r").text == "ж"


def test_a_character_that_a_limit_cut_in_two_is_no_fault() -> None:
    assert decode("aжж".encode()[:-1], "") == ("aж", "utf-8", "no charset named, read as utf-8")


@settings(deadline=None)
@given(data=st.binary(max_size=60), name=st.sampled_from(sorted(charsets._BY_NAME)) | st.text(max_size=8))
def test_nothing_raises(data: bytes, name: str) -> None:
    decode(data, name).text.encode("utf-16", "surrogatepass")
