"""base64 and quoted-printable, whole, broken and too long."""

from __future__ import annotations

import base64
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.mail.transfer import MAX_OCTETS, decode_base64, decode_transfer

AS_IT_IS = "the text is no base64, and taken as it is"
FOOTER = "text behind the base64 is left out"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", (b"", "")),
        (b"YWJj", (b"abc", "")),
        (b"YWI=", (b"ab", "")),
        (b"YWI", (b"ab", "")),
        (b"YQ==", (b"a", "")),
        (b"YQ", (b"a", "")),
        (b"YWJjZ", (b"abc", "")),  # a lone letter is no octet
        (b" Y W\r\nJj \r\n", (b" Y W\r\nJj \r\n", AS_IT_IS)),
        (b"YW\r\nJj\r\n\r\n", (b"abc", "")),
        (b"Y*W!J\x00j", (b"abc", "")),
        (b"YWI=\nYWI=\n", (b"abab", "")),
        (b"YWI=YWI=", (b"abab", "")),
        (b"YQ=YWI", (b"aab", "")),
        (b"A=B", (b"", "")),
        (b"====", (b"", "")),
        (b"no base64 at all", (b"no base64 at all", AS_IT_IS)),
        (b"\n\nno base64", (b"\n\nno base64", AS_IT_IS)),
        (b"YWJj\n\na footer", (b"abc", FOOTER)),
    ],
)
def test_base64(data: bytes, expected: tuple[bytes, str]) -> None:
    assert decode_base64(data) == expected


def test_a_transfer_encoding() -> None:
    data = b"xx=41=\nB=ZZyy"
    assert decode_transfer(data, 2, 11, "quoted-printable") == (b"AB=ZZ", "")
    assert decode_transfer(data, 2, 11, "8bit") == (data[2:11], "")
    assert decode_transfer(data, 2, 11, "") == (data[2:11], "")
    assert decode_transfer(data, 2, 11, "x-y") == (data[2:11], "transfer encoding “x-y” is unknown")
    assert decode_transfer(b"..YWJj..", 2, 6, "base64") == (b"abc", "")


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "8bit", "x-y"])
def test_security_54_only_so_much_is_decoded(encoding: str) -> None:
    data = b"QUFB" * 5_000_000
    tracemalloc.start()
    octets, _ = decode_transfer(data, 0, len(data), encoding)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(octets) == MAX_OCTETS
    assert peak < 12 * MAX_OCTETS  # the rest is not decoded and thrown away, but never touched


@settings(deadline=None)
@given(data=st.binary(max_size=100), width=st.integers(1, 80))
def test_base64_round_trip(data: bytes, width: int) -> None:
    encoded = base64.b64encode(data)
    lines = b"\r\n".join(encoded[n : n + width] for n in range(0, len(encoded), width))
    assert decode_base64(lines) == (data, "")


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_nothing_raises(data: bytes) -> None:
    decode_base64(data)
    decode_transfer(data, 0, len(data), "quoted-printable")
