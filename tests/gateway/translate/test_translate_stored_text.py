"""What a message said, read from what is kept of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.translate.stored_text import readable
from protocols.sms import udh

UDHI = 0x40
PART = udh.build([udh.concatenation_element(7, 2, 1)])
TURKISH = udh.build([(0x24, b"\x01")])


@pytest.mark.parametrize(
    ("esm_class", "data_coding", "user_data", "text"),
    [
        (0, 0, b"hello \x00", "hello @"),
        (0, 8, "Grüße".encode("utf-16-be"), "Grüße"),
        (0, 3, b"Gr\xfc\xdfe", "Grüße"),
        (0, 6, "Ж".encode("iso8859_5"), "Ж"),
        (0, 0x18, "Ж".encode("utf-16-be"), "Ж"),
        (UDHI, 0, PART + b"first", "first"),
        (UDHI, 0, TURKISH + b"\x1b\x53", "Ş"),
        (0, 4, b"\x01\xff", "01ff"),
        (UDHI, 4, PART + b"\x01", (PART + b"\x01").hex()),
        (UDHI, 0, b"\x09x", "0978"),
        (0, 0, b"", ""),
    ],
)
def test_texts(esm_class: int, data_coding: int, user_data: bytes, text: str) -> None:
    assert readable(esm_class, data_coding, user_data) == text


@given(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=50))
def test_whatever_is_kept_can_be_shown(esm_class: int, data_coding: int, user_data: bytes) -> None:
    assert isinstance(readable(esm_class, data_coding, user_data), str)
