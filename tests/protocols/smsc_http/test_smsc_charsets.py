"""The three character sets of the service, and values in URLs and forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.smsc_http.charsets import (
    canonical,
    charset_of,
    decode,
    encode,
    percent_decode,
    percent_encode,
)


@pytest.mark.parametrize(
    ("charset", "octets"),
    [
        ("windows-1251", b"\xcf\xf0\xe8\xe2\xe5\xf2"),
        ("koi8-r", b"\xf0\xd2\xc9\xd7\xc5\xd4"),
        ("utf-8", b"\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82"),
        ("no-such-one", b"\xcf\xf0\xe8\xe2\xe5\xf2"),
    ],
)
def test_text_goes_both_ways(charset: str, octets: bytes) -> None:
    assert encode("Привет", charset) == octets
    assert decode(octets, charset) == "Привет"


def test_what_a_charset_cannot_hold_is_a_question_mark() -> None:
    assert encode("a中b", "windows-1251") == b"a?b"
    assert encode("a中b", "koi8-r") == b"a?b"
    assert encode("a\ud800b", "utf-8") == b"a?b"


@given(st.binary(max_size=30), st.sampled_from(["windows-1251", "koi8-r", "utf-8", "?"]))
def test_reading_never_fails(octets: bytes, charset: str) -> None:
    assert isinstance(decode(octets, charset), str)


def test_names_are_read_as_they_are_used() -> None:
    assert [canonical(name) for name in ("UTF-8", "utf8", " Windows-1251 ", "cp1251", '"koi8-r"')] == [
        *("utf-8", "utf-8", "windows-1251", "windows-1251", "koi8-r")
    ]
    assert canonical("latin1") is None
    assert canonical("") is None


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("application/json; charset=windows-1251", "windows-1251"),
        ('text/plain;format=flowed; Charset = "KOI8-R"', "koi8-r"),
        ("text/html", "utf-8"),
        ("text/html; charset=latin1", "utf-8"),
        ("charset=koi8-r", "utf-8"),
        ("", "utf-8"),
    ],
)
def test_a_content_type_names_its_charset(content_type: str, charset: str) -> None:
    assert charset_of(content_type, "utf-8") == charset


def test_every_octet_but_the_unreserved_is_quoted() -> None:
    assert percent_encode(b"Az09-._~ +%&=\n\xff") == "Az09-._~%20%2B%25%26%3D%0A%FF"


def test_a_value_of_a_form_is_read() -> None:
    assert percent_decode(b"a+b%2Bc%0a%fF") == b"a b+c\n\xff"
    assert percent_decode(b"100%, %zz%4") == b"100%, %zz%4"


@given(st.binary(max_size=30))
def test_what_is_quoted_comes_back(octets: bytes) -> None:
    assert percent_decode(percent_encode(octets).encode("ascii")) == octets
