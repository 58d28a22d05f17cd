"""What is known of a number that was looked up: out of a receipt, into a receipt, for people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.translate.hlr import found_in, readable, receipt_words

EXAMPLE = (
    b"id:855469 stat:DELIVRD err:000 imsi:250023012345678 msc:79232510066 mcc:250 mnc:02"
    b" cn:Russian+Federation net:MegaFON+open+Joint+Stock+Company rcn: rnet:"
)
INFO = (
    " imsi:250023012345678 msc:79232510066 mcc:250 mnc:02 cn:Russian+Federation"
    " net:MegaFON+open+Joint+Stock+Company"
)


def test_the_example_of_a_receipt_over_smpp() -> None:
    assert found_in(EXAMPLE) == INFO
    assert EXAMPLE.endswith(b" err:000 " + receipt_words(INFO).encode())


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"id:77 sub:001 dlvrd:001 submit date:2506151500 done date:2506151501 stat:DELIVRD err:000 text:hi",
        b"id:77 stat:DELIVRD err:000 text: imsi:250",
        b"id:77 stat:DELIVRD err:000 Text:x imsi:250",
        b"I said: id:77 stat:DELIVRD err:000 imsi:250",
        b"id:77 stat:UNDELIV err:001 imsi: msc: mcc: mnc: cn: net: rcn: rnet:",
    ],
)
def test_other_receipts_say_nothing_of_a_number(text: bytes) -> None:
    assert found_in(text) == ""


def test_values_are_bounded_and_plain() -> None:
    text = b"id:77 stat:DELIVRD err:000 imsi:25\xff0 msc:" + b"9" * 100 + b" net:\x1b[2J other:x cn:A"
    assert found_in(text) == f" msc:{'9' * 64} cn:A"


def test_people_read_labels_and_decoded_values() -> None:
    assert readable(INFO + " rcn:%D0%9A%D0%B8%D0%BF%D1%80") == [
        ("IMSI", "250023012345678"),
        ("MSC", "79232510066"),
        ("MCC", "250"),
        ("MNC", "02"),
        ("Country", "Russian Federation"),
        ("Operator", "MegaFON open Joint Stock Company"),
        ("Roaming in", "Кипр"),
    ]


@given(st.text(alphabet="imsi:mc cn0 \x00é%+", max_size=60))
def test_whatever_a_receipt_says_it_is_short_and_plain(text: str) -> None:
    found = found_in(b"id:1 stat:DELIVRD err:000 imsi:" + text.encode())
    assert found.isascii()
    assert found == "" or found.isprintable()
    assert len(found) <= 8 * 70
