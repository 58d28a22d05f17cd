"""Octets from anyone: only the documented exceptions leave the parsers of protocols.sms."""

from hypothesis import example, given, settings
from hypothesis import strategies as st
from targets_sms import check_receipt, udhs

from protocols.sms import national, receipts, segments, udh, wap_push
from protocols.sms.alphabet import Alphabet, unpack_padded
from protocols.sms.encoding import choose_national
from protocols.sms.shift_tables import LANGUAGES

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
    check_receipt(data, utf16=utf16)


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
    udhs(data)


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=2000), alphabet=st.sampled_from(list(Alphabet)), wide=st.booleans())
def test_split_takes_any_octets(data: bytes, alphabet: Alphabet, wide: bool) -> None:
    assert b"".join(segments.split(data, alphabet, wide_reference=wide)) == data


@settings(max_examples=100, deadline=None)
@given(
    data=st.binary(max_size=2000),
    alphabet=st.sampled_from(list(Alphabet)),
    wide=st.booleans(),
    elements=st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=8)), max_size=3)
    | st.tuples(st.sampled_from([0x24, 0x25]), st.binary(min_size=1, max_size=1)).map(lambda e: [e]),
)
def test_split_takes_any_octets_and_any_elements(
    data: bytes, alphabet: Alphabet, wide: bool, elements: list[udh.Element]
) -> None:
    parts = segments.split(data, alphabet, wide_reference=wide, header=elements)
    assert b"".join(parts) == data
    assert len(parts) == segments.count(data, alphabet, wide, elements)


_push_like = st.lists(
    st.sampled_from([b"\0\6", b"\1\xae", b"\1\xb0", b"\2\5\x6a\0", b"\2\6\x6a\0", b"\x45", b"\xc6", b"\x85"])
    | st.sampled_from([b"\1", b"\3", b"\x83", b"\xc3", b"\0", b"a\0", b"\x0b", b"\x0a", b"\xff", b"\x1f"])
    | st.binary(max_size=4),
    max_size=20,
).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(data=_push_like | _push_like.map(lambda data: b"\0\6\1\xae" + data) | st.binary(max_size=100))
@example(data=b"\0\6\1\xae\2\5\x6a\0\x45\xc6\x0b\x83\x7f\1\3a\0\1\1")
def test_a_push_is_read_or_refused(data: bytes) -> None:
    try:
        push = wap_push.read(data)
    except wap_push.WapPushError:
        return
    assert push.headers in data
    assert push.body in data
    assert len(push.text) + sum(map(len, push.attributes.values())) <= 2 * wap_push.MAX_CHARACTERS


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=200), fill=st.integers(0, 6))
def test_any_packed_octets_are_unpacked(data: bytes, fill: int) -> None:
    assert unpack_padded(data, fill).isascii()


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300), st.lists(st.sampled_from(list(LANGUAGES)), max_size=4), st.booleans())
def test_any_text_is_written_in_some_way(text: str, languages: list[str], wide: bool) -> None:
    written = choose_national(text, languages, wide)
    assert written.segments >= 1
    if written.alphabet is Alphabet.GSM7:
        assert national.decode(written.data, *written.tables) == text
