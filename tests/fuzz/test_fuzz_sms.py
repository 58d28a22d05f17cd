"""Octets from anyone: only the documented exceptions leave the parsers of protocols.sms."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from protocols.sms import receipts, segments, udh
from protocols.sms.alphabet import Alphabet

_fragments = st.sampled_from(
    [
        *(b"id:", b"ID :", b"sub:", b"dlvrd:", b"submit date:", b"donedate:", b"stat:", b"err:", b"text:"),
        *(
            b" ",
            b"\0",
            b"DELIVRD",
            b"001",
            b"2401011200",
            b"9" * 70,
            b"\xff\xfe",
            b"\xd8\x00",
            b"\n",
            b":",
            b"-",
        ),
    ]
)
receipt_like = st.lists(_fragments | st.binary(max_size=6), max_size=30).map(b"".join)


@settings(max_examples=200, deadline=None)
@given(data=receipt_like | st.binary(max_size=300), utf16=st.booleans())
@example(data=b"id:" * 2000, utf16=False)
@example(data=b"\0i\0d\0:\xd8", utf16=True)
def test_parse_text_never_raises(data: bytes, utf16: bool) -> None:
    receipt = receipts.parse_text(data, utf16=utf16)
    if receipt is None:
        return
    assert receipt.state in receipts.STATE_WORDS
    assert len(receipt.id) <= receipts.MAX_ID
    assert max(len(receipt.stat), len(receipt.error)) <= 16
    assert len(receipt.text) <= receipts.MAX_OCTETS
    receipts.parse_date(receipt.submit_date)
    receipts.parse_date(receipt.done_date)
    receipts.id_forms(receipt.id)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=40) | st.text("0123456789+-: ", max_size=20))
def test_parse_date_never_raises(text: str) -> None:
    moment = receipts.parse_date(text)
    assert moment is None or moment.utcoffset() is not None


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80))
def test_ids_never_raise(text: str) -> None:
    receipts.response_key(text)
    receipts.id_forms(text)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_udh_parse_raises_udh_error_alone(data: bytes) -> None:
    try:
        elements, rest = udh.parse(data)
    except udh.UdhError:
        return
    assert udh.build(elements) + rest == data
    try:
        part = udh.concatenation(elements)
    except udh.UdhError:
        return
    assert part is None or 1 <= part.sequence <= part.total


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=2000), alphabet=st.sampled_from(list(Alphabet)), wide=st.booleans())
def test_split_takes_any_octets(data: bytes, alphabet: Alphabet, wide: bool) -> None:
    assert b"".join(segments.split(data, alphabet, wide_reference=wide)) == data
