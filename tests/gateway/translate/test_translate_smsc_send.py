"""Messages as sendings of the SMSC service over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import NOW_MS, message
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.translate.smsc_options import OptionError, Unsendable, options_tlv
from gateway.translate.smsc_send import Line, line_of, request_of
from protocols.smpp import tlv
from protocols.sms import udh
from protocols.smsc_http.sending import parse_binary


def line(may_command: bool = False, **fields: Any) -> Line:
    return line_of(message(**fields), NOW_MS, may_command=may_command)


def refused(may_command: bool = False, **fields: Any) -> str:
    with pytest.raises(Unsendable) as caught:
        line(may_command, **fields)
    return str(caught.value)


def options(**values: str) -> bytes:
    return options_tlv(values.items())


def test_a_plain_text_is_phones_and_mes() -> None:
    one = line()
    assert one == Line("+79161234567", "79161234567", "hello", "Example", (), False)
    assert request_of([one], "17") == {
        "id": "17",
        "phones": "+79161234567",
        "mes": "hello",
        "sender": "Example",
    }


@pytest.mark.parametrize(
    ("data_coding", "octets", "text"),
    [
        (0, b"\x00 \x1b\x65", "@ €"),
        (1, b"caf\xe9", "café"),
        (3, b"caf\xe9", "café"),
        (6, "Да".encode("iso8859_5"), "Да"),
        (7, "שלום".encode("iso8859_8"), "שלום"),
        (8, "Да 😀".encode("utf-16-be"), "Да 😀"),
        (0x11, b"class 1", "class 1"),
        (0xF1, b"class 1", "class 1"),
    ],
)
def test_texts_are_read_by_their_alphabet(data_coding: int, octets: bytes, text: str) -> None:
    one = line(data_coding=data_coding, user_data=octets)
    assert (one.text, one.group) == (text, ())


@pytest.mark.parametrize(("data_coding", "octets"), [(0x10, b"a"), (0x18, b"\0a"), (0xF0, b"a")])
def test_class_0_is_flash(data_coding: int, octets: bytes) -> None:
    one = line(data_coding=data_coding, user_data=octets)
    assert (one.text, one.group) == ("a", (("flash", "1"),))


def test_no_sender_is_no_parameter_and_a_number_has_no_plus() -> None:
    assert "sender" not in request_of([line(source="", source_ton=0)], "1")
    assert line(source="+79990000000", source_ton=1).sender == "79990000000"


def test_a_number_that_is_not_international_is_left_to_the_service() -> None:
    assert line(destination="1234", destination_ton=3).to == "1234"
    assert line(destination="89161234567", destination_ton=2).to == "89161234567"
    assert line(destination="79161234567", destination_ton=0).to == "+79161234567"


# -- validity ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left_s", "valid"),
    [(3600, "01:00"), (3601, "01:01"), (1, "00:01"), (-5, "00:01"), (86_400, "24:00"), (10**6, "24:00")],
)
def test_a_validity_that_the_sender_gave_is_what_is_left_of_it(left_s: int, valid: str) -> None:
    one = line(validity_period="000001000000000R", expires_ms=NOW_MS + 1000 * left_s)
    assert one.group == (("valid", valid),)


def test_the_gateways_own_validity_is_not_told() -> None:
    assert line(expires_ms=NOW_MS + 60_000).group == ()


def test_a_lifetime_in_the_options_is_the_one_that_counts() -> None:
    one = line(validity_period="x", expires_ms=NOW_MS + 60_000, tlvs=options(valid="12"))
    assert one.group == (("valid", "12"),)


def test_what_has_no_lifetime_gets_none() -> None:
    assert line(validity_period="x", service_type="HLR").group == (("hlr", "1"),)


# -- binary ------------------------------------------------------------------------------------------------


def test_the_services_own_example_of_a_header() -> None:
    octets = bytes.fromhex("050A0307056048656C6C6F2C20576F726C6421")
    one = line(esm_class=0x40, data_coding=0, user_data=octets)
    assert one.text == "050A0307056048656C6C6F2C20576F726C6421\n~~~\npid: 0, dcs: 0"
    assert one.group == (("bin", "2"),)
    assert one.alone


@pytest.mark.parametrize(("data_coding", "dcs"), [(2, 4), (4, 4), (0x14, 0x14), (0xF5, 0xF5), (0x16, 0x16)])
def test_data_goes_as_octets_with_the_coding_of_the_handset(data_coding: int, dcs: int) -> None:
    one = line(data_coding=data_coding, user_data=b"\x01\xff")
    assert one.text == f"0001FF\n~~~\npid: 0, dcs: {dcs}"


def test_a_protocol_identifier_makes_a_text_ucs_2_octets() -> None:
    one = line(protocol_id=0x41, user_data=b"\x1b\x65")
    assert one.text == "0020AC\n~~~\npid: 65, dcs: 8"


@pytest.mark.parametrize(
    ("data_coding", "dcs"),
    [(0x12, 0x1A), (0xF3, 0x1B), (0x1A, 0x1A), (0xC8, 0xE8), (0xE8, 0xE8)],
)
def test_classes_and_waiting_indications_are_kept(data_coding: int, dcs: int) -> None:
    octets = b"\0a" if data_coding in (0x1A, 0xE8) else b"a"
    assert line(data_coding=data_coding, user_data=octets).text == f"000061\n~~~\npid: 0, dcs: {dcs}"


def test_a_part_of_a_long_text_stays_in_its_alphabet() -> None:
    header = udh.build([udh.concatenation_element(7, 2, 1)])
    one = line(esm_class=0x40, user_data=header + b"a" * 153)
    assert one.text == header.hex().upper() + "61" * 153 + "\n~~~\npid: 0, dcs: 0"
    assert refused(esm_class=0x40, user_data=header + b"a" * 154) == "too_long_for_one_sms"
    cyrillic = header + "я".encode("utf-16-be") * 67
    assert line(esm_class=0x40, data_coding=8, user_data=cyrillic).text.endswith("dcs: 8")
    assert refused(esm_class=0x40, data_coding=8, user_data=cyrillic + b"\0a") == "too_long_for_one_sms"


def test_a_part_by_tlvs_gets_its_header() -> None:
    tlvs = tlv.write_stream(
        [(tlv.SAR_MSG_REF_NUM, b"\x12\x34"), (tlv.SAR_TOTAL_SEGMENTS, b"\3"), (tlv.SAR_SEGMENT_SEQNUM, b"\2")]
    )
    assert line(tlvs=tlvs).text == "050003340302" + b"hello".hex().upper() + "\n~~~\npid: 0, dcs: 0"
    broken = tlvs[:-1] + b"\4"
    assert refused(tlvs=broken) == "malformed_header"


def test_ports_by_tlvs_get_their_header() -> None:
    tlvs = tlv.write_stream([(tlv.SOURCE_PORT, b"\x23\xf0"), (tlv.DESTINATION_PORT, b"\x0b\x84")])
    one = line(tlvs=tlvs, data_coding=4, user_data=b"\1")
    assert one.text == "0605040B8423F001\n~~~\npid: 0, dcs: 4"


def test_other_tlvs_change_nothing() -> None:
    tlvs = tlv.write_stream([(tlv.USER_MESSAGE_REFERENCE, b"\0\1"), (tlv.SAR_TOTAL_SEGMENTS, b"\1")])
    assert line(tlvs=tlvs) == line()


def test_data_of_more_than_one_sms_cannot_be_sent() -> None:
    assert line(data_coding=4, user_data=b"\1" * 140)
    assert refused(data_coding=4, user_data=b"\1" * 141) == "too_long_for_one_sms"
    assert refused(protocol_id=1, user_data=b"a" * 71) == "too_long_for_one_sms"
    assert refused(esm_class=0x40, user_data=b"\x09\1") == "malformed_header"


def test_alphabets_that_nobody_reads_cannot_be_sent() -> None:
    assert refused(data_coding=5) == "data_coding"
    assert refused(data_coding=14, protocol_id=3) == "data_coding"


def test_flash_by_option_is_the_class_of_a_binary_message() -> None:
    one = line(service_type="FLASH", esm_class=0x40, user_data=b"\x02\x70\x00a")
    assert one.text == "02700061\n~~~\npid: 0, dcs: 16"
    assert one.group == (("bin", "2"),)


def test_other_kinds_are_texts() -> None:
    assert refused(service_type="VIBER", data_coding=4) == "options_with_binary_data"
    assert refused(tlvs=options(comment="x"), data_coding=4) == "options_with_binary_data"


# -- options -----------------------------------------------------------------------------------------------


def test_options_are_parameters() -> None:
    one = line(tlvs=options(viber="1", tinyurl="1"))
    assert one.group == (("tinyurl", "1"), ("viber", "1"))
    assert request_of([one], "5") == {
        "id": "5",
        "phones": "+79161234567",
        "mes": "hello",
        "sender": "Example",
        "tinyurl": "1",
        "viber": "1",
    }


def test_mail_and_bots_have_recipients_of_their_own() -> None:
    mail = line(destination="", tlvs=options(mail="1", to="a@example.org", sender="b@example.org", subj="Hi"))
    assert (mail.to, mail.key, mail.sender) == ("a@example.org", "a@example.org", "b@example.org")
    assert mail.group == (("mail", "1"), ("subj", "Hi"))
    bot = line(tlvs=options(bot="@b_bot", to="#1122334455"))
    assert (bot.to, bot.key) == ("#1122334455", "#1122334455")
    assert refused(destination="") == "option_to"


def test_a_comment_is_behind_the_text() -> None:
    assert line(tlvs=options(comment="order 17")).text == "hello\n~~~\norder 17"
    assert refused(tlvs=options(comment="x", call="1")) == "option_comment"
    assert refused(tlvs=options(comment="x", hlr="1")) == "option_comment"
    assert refused(True, tlvs=options(comment="x"), user_data=b"a\n~~~\nb", data_coding=1) == "option_comment"
    assert refused(tlvs=options(comment="x"), user_data=b"a\n~~~", data_coding=1) == "option_comment"


def test_what_is_wrong_with_options_is_an_error_of_its_own() -> None:
    with pytest.raises(OptionError, match="two_kinds"):
        line(service_type="HLR", tlvs=options(viber="1"))


def test_a_text_is_needed_unless_something_stands_for_it() -> None:
    assert refused(user_data=b"") == "text_is_missing"
    assert refused(user_data=b" \n", service_type="VIBER") == "text_is_missing"
    assert refused(user_data=b"", service_type="MMS") == "text_is_missing"
    assert line(user_data=b"", tlvs=options(mms="1", subj="Hi")).text == ""
    call = line(user_data=b"", tlvs=options(call="1", fileurl="https://example.org/v.wav"))
    assert "mes" not in request_of([call], "1")


def test_a_text_of_over_1000_characters_cannot_be_sent() -> None:
    assert line(user_data=b"a" * 1000)
    assert refused(user_data=b"a" * 1001) == "text_over_1000_characters"


# -- commands ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "__CALL__: Hi",
        "__HLR__",
        " __PING__",
        "__VIBER__: x",
        "__BOT__: x",
        "a\n~~~\ncomment",
        "~~~\na",
        "a\r\n~~~\r\nb",
    ],
)
def test_commands_to_the_service_are_for_those_who_may(text: str) -> None:
    assert refused(user_data=text.encode(), data_coding=1) == "service_command_in_text"
    one = line(True, user_data=text.encode(), data_coding=1)
    assert one.text == text
    assert one.alone


@pytest.mark.parametrize("text", ["a ~~~ b", "say __CALL__: x", "__NAME__", "~~~", "a\n~~~~\nb"])
def test_what_only_looks_like_a_command_is_text(text: str) -> None:
    assert line(user_data=text.encode(), data_coding=1).text == text


_TAGS = [0x2100, 0x1400, tlv.SAR_MSG_REF_NUM, tlv.SAR_TOTAL_SEGMENTS, tlv.SAR_SEGMENT_SEQNUM]
_TAGS += [tlv.SOURCE_PORT, tlv.DESTINATION_PORT]


@settings(max_examples=300)
@given(
    user_data=st.binary(max_size=200),
    esm_class=st.sampled_from([0, 0x40]),
    data_coding=st.integers(0, 255),
    protocol_id=st.sampled_from([0, 0, 0x41]),
    service_type=st.sampled_from(["", "", "CMT", "HLR", "FLASH", "CALL"]),
    tlvs=st.lists(st.tuples(st.sampled_from(_TAGS), st.binary(max_size=3)), max_size=4),
    source=st.text(st.characters(exclude_categories=["C"]), max_size=20),
)
def test_whatever_a_message_holds_it_is_a_request_or_unsendable(tlvs: list[Any], **fields: Any) -> None:
    try:
        one = line(True, tlvs=tlv.write_stream(tlvs), **fields)
    except Unsendable as error:
        assert " " not in str(error)
        return
    request = request_of([one], "1")
    assert request["phones"] == "+79161234567"
    if "bin" in request:
        octets = parse_binary(request["mes"])
        assert len(octets.user_data) <= 160


# -- requests ----------------------------------------------------------------------------------------------


def lines(*texts: str, **fields: Any) -> list[Line]:
    return [
        line(destination=f"7916123456{n}", data_coding=1, user_data=text.encode(), **fields)
        for n, text in enumerate(texts)
    ]


def test_texts_of_one_sender_are_a_list() -> None:
    assert request_of(lines("one", "two: 2", "th|ree"), "9") == {
        "id": "9",
        "sender": "Example",
        "list": "+79161234560:one\n+79161234561:two: 2\n+79161234562:th|ree",
    }


def test_senders_stand_in_lines_where_they_differ() -> None:
    both = [*lines("one"), line(source="Other"), line(destination="79160000000", source="", source_ton=0)]
    assert request_of(both, "9") == {
        "id": "9",
        "list": "Example|+79161234560:one\nOther|+79161234567:hello\n+79160000000:hello",
    }


def test_numbers_to_look_up_share_one_request() -> None:
    both = [line(service_type="HLR", destination=f"7916123456{n}", user_data=b"") for n in (1, 2)]
    assert request_of(both, "9") == {"id": "9", "hlr": "1", "phones": "+79161234561,+79161234562"}
    ping = line(service_type="PING", user_data=b"")
    assert request_of([ping], "9") == {"id": "9", "ping": "1", "phones": "+79161234567", "sender": "Example"}


def test_what_a_list_cannot_carry_goes_alone() -> None:
    assert line(user_data=rb"C:\new", data_coding=1).alone
    assert line(source="A,B").alone
    assert line(source="A|B").alone
    assert line(tlvs=options(push="1")).alone
    assert line(tlvs=options(imgcode="ab", userip="192.0.2.1")).alone
    assert not line(tlvs=options(viber="1")).alone


def test_lines_that_cannot_share_a_request_are_refused() -> None:
    one, two = lines("one", "two")
    for other in (two._replace(group=(("flash", "1"),)), two._replace(alone=True), two._replace(key=one.key)):
        with pytest.raises(ValueError, match="lines"):
            request_of([one, other], "1")
    with pytest.raises(ValueError, match="at least one"):
        request_of([], "1")


def test_the_same_lines_are_the_same_request() -> None:
    assert list(request_of(lines("a", "b"), "1").items()) == list(request_of(lines("a", "b"), "1").items())
