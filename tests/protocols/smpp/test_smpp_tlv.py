"""TLV values, streams and the table."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smpplib import consts as other

from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.errors import EncodeError, FieldFault
from protocols.smpp.tlv import Kind


def test_tags_agree_with_an_independent_list() -> None:
    ours = {spec.name: tag for tag, spec in tlv.TABLE.items()}
    assert len(other.OPTIONAL_PARAMS) > 40
    assert {name: ours[name] for name in other.OPTIONAL_PARAMS} == other.OPTIONAL_PARAMS


def test_names_spell_their_constants() -> None:
    assert all(getattr(tlv, spec.name.upper()) == tag for tag, spec in tlv.TABLE.items())


def test_get_is_the_first_of_its_tag() -> None:
    tlvs = ((0x1400, b"x"), (tlv.CALLBACK_NUM, b"a"), (tlv.CALLBACK_NUM, b"b"))
    assert tlv.get(tlvs, tlv.CALLBACK_NUM) == b"a"
    assert tlv.get(tlvs, tlv.MESSAGE_STATE) is None


@pytest.mark.parametrize(
    ("tag", "raw", "value"),
    [
        (tlv.MESSAGE_STATE, b"\2", 2),
        (tlv.USER_MESSAGE_REFERENCE, b"\x12\x34", 0x1234),
        (tlv.QOS_TIME_TO_LIVE, b"\0\0\1\0", 256),
        (tlv.RECEIPTED_MESSAGE_ID, b"abc\0", "abc"),
        (tlv.RECEIPTED_MESSAGE_ID, b"abc\0junk", "abc"),
        (tlv.RECEIPTED_MESSAGE_ID, b"\xe9\0", "é"),
        (tlv.NETWORK_ERROR_CODE, b"\3\0\x11", b"\3\0\x11"),
        (tlv.ALERT_ON_MESSAGE_DELIVERY, b"", 0),
        (tlv.ALERT_ON_MESSAGE_DELIVERY, b"\1", 1),
        (0x1400, b"vendor", b"vendor"),
    ],
)
def test_decode_value(tag: int, raw: bytes, value: int | str | bytes) -> None:
    assert tlv.decode_value(tag, raw) == value


@pytest.mark.parametrize(
    ("tag", "raw", "value"),
    [
        (tlv.RECEIPTED_MESSAGE_ID, b"abc", "abc"),
        (tlv.RECEIPTED_MESSAGE_ID, b"9" * 100, "9" * 100),
        (tlv.RECEIPTED_MESSAGE_ID, b"", ""),
        (tlv.MESSAGE_STATE, b"\0\0\0\2", b"\0\0\0\2"),
        (tlv.MESSAGE_STATE, b"", b""),
        (tlv.NETWORK_ERROR_CODE, b"011", b"011"),
    ],
)
def test_quirk_30_mistyped_values_are_read_or_given_back_raw(
    tag: int, raw: bytes, value: int | str | bytes
) -> None:
    assert tlv.decode_value(tag, raw) == value


@given(st.sampled_from(sorted(tlv.TABLE)), st.data())
@settings(max_examples=150, deadline=None)
def test_values_come_back(tag: int, data: st.DataObject) -> None:
    spec = tlv.TABLE[tag]
    value: int | str | bytes
    if spec.kind is Kind.INTEGER:
        value = data.draw(st.integers(0, 256**spec.max_length - 1))
    elif spec.kind is Kind.C_STRING:
        value = data.draw(
            st.text(
                st.characters(min_codepoint=1, max_codepoint=255),
                min_size=spec.min_length - 1,
                max_size=spec.max_length - 1,
            )
        )
    else:
        value = data.draw(st.binary(max_size=20))
    assert tlv.decode_value(tag, tlv.encode_value(tag, value)) == value


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        (tlv.MESSAGE_STATE, 256),
        (tlv.MESSAGE_STATE, -1),
        (tlv.MESSAGE_STATE, "2"),
        (tlv.RECEIPTED_MESSAGE_ID, 2),
        (tlv.RECEIPTED_MESSAGE_ID, "1" * 65),
        (tlv.RECEIPTED_MESSAGE_ID, "1\x002"),
        (tlv.RECEIPTED_MESSAGE_ID, "Я"),
        (tlv.SOURCE_NETWORK_ID, "short"),
        (0x1400, 1),
    ],
)
def test_encode_value_refuses(tag: int, value: int | str) -> None:
    with pytest.raises(EncodeError, match=tlv.name(tag)):
        tlv.encode_value(tag, value)


def test_octets_are_taken_for_any_tag() -> None:
    assert tlv.encode_value(0x1400, b"x") == b"x"
    assert tlv.encode_value(tlv.MESSAGE_STATE, b"\0\2") == b"\0\2"


streams = st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=9)), max_size=6).map(tuple)


@given(streams)
@settings(max_examples=100, deadline=None)
def test_stream_round_trip(tlvs: tuple[tuple[int, bytes], ...]) -> None:
    frame = b"head" + tlv.write_stream(tlvs)
    assert tlv.read_stream(frame, 4, 64) == tlvs == tlv.read_stream_tolerant(frame, 4, 64)


@given(streams, st.binary(min_size=1, max_size=3))
@settings(max_examples=50, deadline=None)
def test_a_broken_tail_costs_only_itself_when_tolerant(
    tlvs: tuple[tuple[int, bytes], ...], tail: bytes
) -> None:
    frame = tlv.write_stream(tlvs) + tail
    assert tlv.read_stream_tolerant(frame, 0, 64) == tlvs
    with pytest.raises(FieldFault) as caught:
        tlv.read_stream(frame, 0, 64)
    assert caught.value.status == c.ESME_RINVOPTPARSTREAM


def test_limit_counts_tlvs() -> None:
    frame = tlv.write_stream([(0x1400, b"")] * 3)
    assert len(tlv.read_stream(frame, 0, 3)) == 3
    assert len(tlv.read_stream_tolerant(frame, 0, 2)) == 2
    with pytest.raises(FieldFault):
        tlv.read_stream(frame, 0, 2)


def test_only_repeatable_and_unknown_tlvs_repeat() -> None:
    tlv.check_unique(((tlv.CALLBACK_NUM, b""), (tlv.CALLBACK_NUM, b""), (0x1400, b""), (0x1400, b"")))
    with pytest.raises(FieldFault) as caught:
        tlv.check_unique(((tlv.SOURCE_PORT, b""), (tlv.SOURCE_PORT, b"")))
    assert caught.value.status == c.ESME_ROPTPARNOTALLWD


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("message_payload", 0x0424),
        (" Message_Payload ", 0x0424),
        ("0x1400", 0x1400),
        ("0X2000", 0x2000),
        ("1060", 0x0424),
        ("0", 0),
    ],
)
def test_a_tag_by_its_name_or_number(text: str, tag: int) -> None:
    assert tlv.tag_of(text) == tag


@pytest.mark.parametrize("text", ["payload", "", "0x10000", "-1", "1400h"])
def test_what_is_no_tag(text: str) -> None:
    with pytest.raises(ValueError, match="0x"):
        tlv.tag_of(text)


COST = tlv.TlvSpec("cost", Kind.C_STRING, 1, 7)
FLAG = tlv.TlvSpec("flag", Kind.INTEGER, 2, 2)
MARK = tlv.TlvSpec("mark", Kind.OCTETS, 0, 4)


@pytest.mark.parametrize(
    ("spec", "value", "raw"),
    [(COST, "0.1234", b"0.1234\0"), (FLAG, 1, b"\0\1"), (MARK, b"\1\2", b"\1\2"), (FLAG, b"\1", b"\1")],
)
def test_a_value_by_a_definition_of_ones_own(spec: tlv.TlvSpec, value: int | str | bytes, raw: bytes) -> None:
    assert tlv.encode_as(spec, value) == raw
    assert tlv.decode_as(spec, raw) == value


@pytest.mark.parametrize(
    ("spec", "value"), [(COST, "12.3456"), (COST, 1), (FLAG, 1 << 16), (FLAG, "1"), (MARK, 1)]
)
def test_a_value_that_does_not_fit_ones_own_definition(spec: tlv.TlvSpec, value: int | str) -> None:
    with pytest.raises(EncodeError, match=spec.name):
        tlv.encode_as(spec, value)


@pytest.mark.parametrize(
    ("spec", "raw", "fit"),
    [
        (COST, b"0.1234\0", True),
        (COST, b"0.1234", False),
        (COST, b"0\0001\0", False),
        (COST, b"", False),
        (FLAG, b"\0\1", True),
        (FLAG, b"\1", False),
        (MARK, b"", True),
        (MARK, b"12345", False),
        (tlv.MESSAGE_STATE, b"\2", True),
        (tlv.MESSAGE_STATE, b"\0\2", False),
        (tlv.ALERT_ON_MESSAGE_DELIVERY, b"", True),
        (0x1400, b"anything", True),
    ],
)
def test_octets_fit_a_definition(spec: tlv.TlvSpec | int, raw: bytes, fit: bool) -> None:
    assert tlv.fits(spec, raw) is fit
