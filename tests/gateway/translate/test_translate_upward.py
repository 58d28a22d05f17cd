"""A message to the submit_sm of its segments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from gateway_fakes import NOW_MS, id_at, message
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.model import Address, Connector
from gateway.config.secret import Secret
from gateway.core.model import UNTIL_EXPIRY, Draft, Message, Wish
from gateway.translate.smpp_dialect import STANDARD, Dialect
from gateway.translate.smpp_submit import draft_of
from gateway.translate.smpp_upward import submits_of
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.codec import decode_frame, encode
from protocols.smpp.pdu import SubmitSm
from protocols.smpp.times import format_absolute, format_relative
from protocols.sms import alphabet, segments, udh


def dialect(**fields: Any) -> Dialect:
    """Of a connector that is configured so."""
    values: dict[str, Any] = {"system_id": "gw", "password": Secret("-"), **fields}
    return Dialect(Connector(name="up", address=Address("127.0.0.1", 1), **values))


SAR = dialect(long_messages="sar")
UDH_PART = udh.build([udh.concatenation_element(7, 2, 1)])


def submit(**fields: Any) -> SubmitSm:
    """What a client sends: "hello" to a mobile number."""
    return SubmitSm(
        **{
            "source_addr_ton": 5,
            "source_addr": "Example",
            "dest_addr_ton": 1,
            "dest_addr_npi": 1,
            "destination_addr": "79161234567",
            "registered_delivery": 1,
            "short_message": b"hello",
            **fields,
        }
    )


def taken(**fields: Any) -> Draft:
    result = draft_of(submit(**fields), NOW_MS)
    assert isinstance(result, Draft), result
    return result


def upward(of: Draft, message_id: int | None = None, **fields: Any) -> Message:
    """The message that was made of a draft."""
    shared = set(Message._fields) - {"expires_ms"}
    values = {name: value for name, value in of._asdict().items() if name in shared}
    return message(message_id or id_at(NOW_MS, 0x1234), **{**values, **fields})


def parts_of(pdus: list[SubmitSm]) -> list[udh.Concatenation]:
    found = [udh.concatenation(udh.parse(pdu.short_message)[0]) for pdu in pdus]
    assert all(found)
    return [part for part in found if part is not None]


def test_what_goes_up_is_what_came() -> None:
    tlvs = ((tlv.SOURCE_PORT, b"\1\2"), (0x1400, b"vendor"), (0x1400, b""), (tlv.PRIVACY_INDICATOR, b"\1"))
    came = submit(
        service_type="CMT",
        source_addr_npi=8,
        esm_class=0x80,
        protocol_id=0x48,
        tlvs=tlvs,
        priority_flag=2,
        data_coding=4,
        validity_period="000002000000000R",
        dest_addr_npi=9,
    )
    result = draft_of(came, NOW_MS)
    assert isinstance(result, Draft)
    assert submits_of(upward(result), [1], NOW_MS) == [came]


@given(st.lists(st.tuples(st.integers(0x1400, 0x3FFF), st.binary(max_size=20)), max_size=64).map(tuple))
def test_tlvs_pass_unchanged(tlvs: tuple[tuple[int, bytes], ...]) -> None:
    (sent,) = submits_of(upward(taken(tlvs=tlvs)), [1], NOW_MS)
    assert sent.tlvs == tlvs


@pytest.mark.parametrize(
    ("asked", "goes_up"),
    [(0, 0), (1, 1), (2, 1), (3, 1), (0x10, 0x10), (0x11, 0x11), (0x12, 0x11), (0x1F, 0x1D)],
)
def test_whatever_the_client_wants_to_hear_we_want_the_end(asked: int, goes_up: int) -> None:
    (sent,) = submits_of(upward(taken(registered_delivery=asked)), [1], NOW_MS)
    assert sent.registered_delivery == goes_up


def test_who_is_called_with_the_end_wants_it_too() -> None:
    called = upward(taken(registered_delivery=0x10))._replace(flags=Wish.CALLED.value)
    (sent,) = submits_of(called, [1], NOW_MS)
    assert sent.registered_delivery == 0x11


LONG_TEXTS = [
    (0, b"x" * 400),
    (0, b"\x1be" * 200),
    (8, "тест 😀".encode("utf-16-be") * 40),
    (4, bytes(range(256)) + b"\0" * 50),
]


@pytest.mark.parametrize(("data_coding", "text"), LONG_TEXTS)
def test_a_long_text_goes_up_by_udh(data_coding: int, text: bytes) -> None:
    of = upward(taken(data_coding=data_coding, tlvs=((tlv.MESSAGE_PAYLOAD, text),), short_message=b""))
    pdus = submits_of(of, range(1, of.segments + 1), NOW_MS)
    parts = parts_of(pdus)
    assert [(part.total, part.sequence) for part in parts] == [
        (of.segments, n + 1) for n in range(of.segments)
    ]
    assert len({part.reference for part in parts}) == 1
    assert b"".join(udh.parse(pdu.short_message)[1] for pdu in pdus) == text
    assert all(pdu.esm_class == c.ESM_CLASS_UDHI and pdu.data_coding == data_coding for pdu in pdus)
    for pdu in pdus:
        frame = encode(pdu)
        again = decode_frame(frame, c.SUBMIT_SM, 0, 0, 64)
        assert again == pdu


@pytest.mark.parametrize(("data_coding", "text"), LONG_TEXTS)
def test_a_long_text_goes_up_by_sar_tlvs(data_coding: int, text: bytes) -> None:
    port = (tlv.SOURCE_PORT, b"\1\2")
    of = upward(taken(data_coding=data_coding, tlvs=((tlv.MESSAGE_PAYLOAD, text), port), short_message=b""))
    pdus = submits_of(of, range(1, of.segments + 1), NOW_MS, dialect=SAR)
    assert b"".join(pdu.short_message for pdu in pdus) == text
    for number, pdu in enumerate(pdus, 1):
        assert pdu.esm_class == 0
        assert pdu.tlvs[0] == port
        assert dict(pdu.tlvs)[tlv.SAR_TOTAL_SEGMENTS] == bytes((of.segments,))
        assert dict(pdu.tlvs)[tlv.SAR_SEGMENT_SEQNUM] == bytes((number,))
        assert len(dict(pdu.tlvs)[tlv.SAR_MSG_REF_NUM]) == 2
    assert len({dict(pdu.tlvs)[tlv.SAR_MSG_REF_NUM] for pdu in pdus}) == 1


@pytest.mark.parametrize("sar", [False, True])
def test_some_segments_of_a_message_are_the_same_as_of_all(sar: bool) -> None:
    of = upward(taken(tlvs=((tlv.MESSAGE_PAYLOAD, b"x" * 700),), short_message=b""))
    every = submits_of(of, range(1, 6), NOW_MS, SAR if sar else STANDARD)
    assert submits_of(of, [2, 5], NOW_MS, SAR if sar else STANDARD) == [every[1], every[4]]


@pytest.mark.parametrize("sar", [False, True])
@pytest.mark.parametrize("step_ms", [1, 7, 20, 1000])
def test_messages_that_follow_each_other_have_different_references(sar: bool, step_ms: int) -> None:
    """A handset joins parts by sender and reference: two long messages must not share it."""
    references = set()
    for n in range(20):
        of = upward(
            taken(tlvs=((tlv.MESSAGE_PAYLOAD, b"x" * 200),), short_message=b""), id_at(NOW_MS + n * step_ms)
        )
        (first, _) = submits_of(of, [1, 2], NOW_MS, SAR if sar else STANDARD)
        part = dict(first.tlvs)[tlv.SAR_MSG_REF_NUM] if sar else parts_of([first])[0].reference
        references.add(part)
    assert len(references) == 20


def test_messages_of_one_millisecond_have_different_references() -> None:
    text = ((tlv.MESSAGE_PAYLOAD, b"x" * 200),)
    made = [upward(taken(tlvs=text, short_message=b""), id_at(NOW_MS, n)) for n in range(200)]
    assert len({parts_of(submits_of(of, [1], NOW_MS))[0].reference for of in made}) == 200


def test_a_whole_text_goes_up_in_message_payload() -> None:
    text = b"x" * 700
    of = upward(taken(tlvs=((tlv.MESSAGE_PAYLOAD, text),), short_message=b""), segments=1)
    (sent,) = submits_of(of, [1], NOW_MS)
    assert (sent.short_message, sent.tlvs, sent.esm_class) == (b"", ((tlv.MESSAGE_PAYLOAD, text),), 0)
    (short,) = submits_of(upward(taken(short_message=b"x" * 160), segments=1), [1], NOW_MS)
    assert (len(short.short_message), short.tlvs) == (160, ())


def test_a_clients_own_segment_goes_up_as_it_came() -> None:
    text = UDH_PART + b"x" * 153
    (sent,) = submits_of(upward(taken(esm_class=0x43, short_message=text)), [1], NOW_MS)
    assert (sent.short_message, sent.esm_class, sent.tlvs) == (text, 0x43, ())


def test_the_schedule_is_ours_and_not_the_smscs() -> None:
    hour = format_relative(timedelta(hours=1))
    (sent,) = submits_of(upward(taken(schedule_delivery_time=hour)), [1], NOW_MS)
    assert sent.schedule_delivery_time == ""


def test_a_relative_validity_is_shortened_by_the_wait_here() -> None:
    two_hours = format_relative(timedelta(hours=2))
    of = upward(taken(validity_period=two_hours), expires_ms=NOW_MS + 7_200_000)

    def sent_at(now_ms: int) -> str:
        (pdu,) = submits_of(of, [1], now_ms)
        return pdu.validity_period

    assert sent_at(NOW_MS + 59_999) == two_hours
    assert sent_at(NOW_MS + 3_600_000) == format_relative(timedelta(hours=1))
    assert sent_at(NOW_MS + 7_199_000) == format_relative(timedelta(minutes=1))


def test_the_validity_that_an_account_sets_is_told_as_what_is_left_of_it() -> None:
    of = upward(taken(), validity_period=UNTIL_EXPIRY, expires_ms=NOW_MS + 7_200_000)
    for waited_ms, told in ((0, "000000020000000R"), (3_600_000, "000000010000000R")):
        (sent,) = submits_of(of, [1], NOW_MS + waited_ms)
        assert sent.validity_period == told


def test_an_absolute_or_missing_validity_goes_up_as_it_is() -> None:
    later = format_absolute(datetime.fromtimestamp(NOW_MS / 1000 + 7200, UTC))
    for period in (later, ""):
        (sent,) = submits_of(upward(taken(validity_period=period)), [1], NOW_MS + 3_600_000)
        assert sent.validity_period == period


@pytest.mark.parametrize("sar", [True, False])
def test_a_segment_of_the_clients_own_keeps_its_sar_tlvs_once(sar: bool) -> None:
    own = ((tlv.SAR_MSG_REF_NUM, b"\0\7"), (tlv.SAR_TOTAL_SEGMENTS, b"\2"), (tlv.SAR_SEGMENT_SEQNUM, b"\1"))
    got = taken(short_message=b"x" * 153, data_coding=3, tlvs=own)
    assert got.segments == 1
    sent = message(user_data=got.user_data, tlvs=got.tlvs, data_coding=3, segments=1)
    (pdu,) = submits_of(sent, [1], NOW_MS, SAR if sar else STANDARD)
    assert (pdu.tlvs, pdu.short_message) == (own, b"x" * 153)


@pytest.mark.parametrize("text", [b"\x1b", b"a\x1b\x7fb", b"\xff\x80"])
def test_security_33_bad_escapes_pass_unchanged(text: bytes) -> None:
    got = taken(short_message=text)
    assert got.user_data == text
    (sent,) = submits_of(upward(got), [1], NOW_MS)
    assert sent.short_message == text


# -- headers and references ---------------------------------------------------------------------------

PORTS = (0x05, b"\x0b\x84\x0b\x84")
TURKISH = (0x25, b"\x01")


def with_header(text: bytes, *elements: udh.Element, data_coding: int = 0, **fields: Any) -> Message:
    """A text of several segments behind elements that every part has to have."""
    kind = alphabet.for_data_coding(data_coding)
    values: dict[str, Any] = {
        "user_data": udh.build(elements) + text,
        "esm_class": c.ESM_CLASS_UDHI,
        "data_coding": data_coding,
        "segments": segments.count(text, kind, header=elements),
        **fields,
    }
    return message(id_at(NOW_MS, 7), **values)


def every(of: Message, way: Dialect = STANDARD) -> list[SubmitSm]:
    return submits_of(of, range(1, of.segments + 1), NOW_MS, way)


@pytest.mark.parametrize(("elements", "data_coding"), [([PORTS], 4), ([TURKISH], 0), ([TURKISH, PORTS], 0)])
def test_elements_of_the_header_stand_in_each_part(elements: list[udh.Element], data_coding: int) -> None:
    text = b"abc \x1bs" * 60
    of = with_header(text, *elements, data_coding=data_coding)
    pdus = every(of)
    assert len(pdus) == of.segments > 1
    read = [udh.parse(pdu.short_message) for pdu in pdus]
    assert b"".join(rest for _, rest in read) == text
    for number, (found, rest) in enumerate(read, 1):
        joined = udh.concatenation(found)
        assert joined is not None
        assert (joined.total, joined.sequence) == (of.segments, number)
        assert [it for it in found if it[0] not in (0, 8)] == elements
        octets = len(rest) if data_coding == 4 else (len(rest) * 7 + 7) // 8
        assert len(udh.build(found)) + octets <= 140
    assert all(pdu.esm_class == c.ESM_CLASS_UDHI for pdu in pdus)


def test_elements_of_the_header_stand_in_each_part_by_sar_tlvs_too() -> None:
    of = with_header(b"x" * 300, PORTS, data_coding=4)
    pdus = every(of, SAR)
    read = [udh.parse(pdu.short_message) for pdu in pdus]
    assert b"".join(rest for _, rest in read) == b"x" * 300
    assert all(found == [PORTS] for found, _ in read)
    assert [dict(pdu.tlvs)[tlv.SAR_SEGMENT_SEQNUM] for pdu in pdus] == [b"\1", b"\2", b"\3"]


def test_a_reference_of_16_bits_where_the_smsc_wants_one() -> None:
    of = message(id_at(NOW_MS, 0x1234), user_data=b"x" * 400, segments=3)
    (wide, *_) = parts_of(every(of, dialect(reference_bits="16")))
    (narrow, *_) = parts_of(every(of))
    assert (wide.wide, narrow.wide) == (True, False)
    assert wide.reference & 0xFF == narrow.reference
    assert b"".join(udh.parse(pdu.short_message)[1] for pdu in every(of, dialect(reference_bits="16"))) == (
        b"x" * 400
    )


def test_the_wider_reference_never_costs_an_sms_more_than_was_counted() -> None:
    of = message(id_at(NOW_MS, 0x1234), user_data=b"x" * (3 * 153), segments=3)
    pdus = every(of, dialect(reference_bits="16"))
    assert [part.wide for part in parts_of(pdus)] == [False] * 3


def test_nor_does_it_end_a_text_of_255_segments() -> None:
    of = message(id_at(NOW_MS, 0x1234), user_data=b"x" * (255 * 153), segments=255)
    pdus = every(of, dialect(reference_bits="16"))
    assert (len(pdus), {part.wide for part in parts_of(pdus)}) == (255, {False})


def test_a_text_that_was_counted_otherwise_is_not_sent_in_part() -> None:
    with pytest.raises(ValueError, match="3 parts of a text that was counted as 2"):
        every(message(user_data=b"x" * 400, segments=2))


# -- wishes -------------------------------------------------------------------------------------------


def test_a_message_may_replace_one_at_the_smsc_but_its_parts_not_each_other() -> None:
    (sent,) = every(message(flags=Wish.REPLACE.value))
    assert sent.replace_if_present_flag == 1
    long = message(user_data=b"x" * 400, segments=3, flags=Wish.REPLACE.value)
    assert [pdu.replace_if_present_flag for pdu in every(long)] == [0, 0, 0]
    (plain,) = every(message(flags=Wish.PER_PART.value))
    assert (plain.replace_if_present_flag, plain.sm_default_msg_id) == (0, 0)


def test_a_canned_message_goes_up_by_its_number() -> None:
    (sent,) = every(message(flags=Wish.default_message(200) | Wish.PER_PART, user_data=b""))
    assert (sent.sm_default_msg_id, sent.replace_if_present_flag) == (200, 0)
