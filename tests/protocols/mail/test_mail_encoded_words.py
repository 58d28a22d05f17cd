"""Header values with encoded words, as they should be and as they are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.mail.encoded_words import decode_words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"plain", "plain"),
        (b"=?utf-8?Q?a?=", "a"),
        (b"=?UTF-8?b?w6Q=?=", "ä"),
        (b"=?utf-8?B?w6Q?=", "ä"),  # no padding
        (b"=?iso-8859-1?q?a=E4_b?=", "aä b"),
        (b"=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),  # RFC 2047 §8
        (b"=?utf-8?q?a?=\t  =?utf-8?q?b?=", "ab"),
        (b"=?utf-8?q?a_?= =?utf-8?q?b?=", "a b"),
        (b"=?utf-8?q?a?= b", "a b"),
        (b"a =?utf-8?q?b?=", "a b"),
        (b"(=?utf-8?q?a?=)", "(a)"),
        (b'"=?utf-8?q?a?="', '"a"'),
        (b"=?utf-8?q?a?==?utf-8?q?b?=", "ab"),
        (b"=?utf-8?q?=C3?= =?utf-8?q?=A4?=", "ä"),  # a character cut in two
        (b"=?utf-8?b?w6?= =?UTF-8?b?w6Q=?=", "\ufffdä"),
        (b"=?utf-8?q?=C3?= =?koi8-r?q?=C1?=", "\ufffdа"),
        (b"=?utf-8*de?q?a?=", "a"),  # RFC 2231 §5
        (b"=?utf-8?q?a b?=", "a b"),
        (b"=?utf-8?q??=", ""),
        (b"=?utf-8?q?a", "=?utf-8?q?a"),
        (b"=?utf-8?x?a?=", "=?utf-8?x?a?="),
        (b"=?unicode_escape?q?=5Cx41?=", "\\x41"),
        (b"=?x-none?q?=E4?=", "ä"),
        (b"=?iso-2022-jp?B?GyRCMCEbKEI=?=", "亜"),
        (b"=?utf-8?q?=zz?=", "=zz"),
        ("ж".encode(), "ж"),
        (b"\xe4", "ä"),
    ],
)
def test_decode_words(value: bytes, text: str) -> None:
    assert decode_words(value) == text


def test_raw_octets_are_in_the_charset_of_the_text() -> None:
    assert decode_words("ж".encode("koi8-r"), "koi8-r") == "ж"
    assert decode_words("ж".encode(), "koi8-r") == "ж"
    assert decode_words("=?utf-8?q?a?= ж".encode("koi8-r"), "koi8-r") == "a ж"


def test_only_so_much_is_looked_at() -> None:
    assert len(decode_words(b"a" * 5000)) == 2048


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from([b"=?", b"?=", b"utf-8", b"?q?", b"?B?", b"=C3", b"a", b" ", b"\xff"]), max_size=30
    )
)
def test_nothing_raises(pieces: list[bytes]) -> None:
    decode_words(b"".join(pieces), "koi8-r")


@settings(deadline=None)
@given(st.text(max_size=20).filter(lambda text: "=?" not in text))
def test_words_say_what_was_written(text: str) -> None:
    octets = text.encode("utf-8", "replace")
    word = b"=?utf-8?q?%b?=" % b"".join(b"=%02X" % octet for octet in octets)
    assert decode_words(word) == octets.decode().removeprefix("\ufeff")
