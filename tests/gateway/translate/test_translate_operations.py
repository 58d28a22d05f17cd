"""Other ways to send, and questions about what was sent: PDUs to values, and answers to PDUs."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import NOW_MS

from gateway.config.smpp_model import AddressRule
from gateway.core.errors import Refusal
from gateway.core.model import Draft, MessageState
from gateway.translate.smpp_operations import (
    Found,
    destination_of,
    found_in,
    query_sm_resp,
    query_sm_resp_from,
    replacement_of,
    source_of,
    status_of_all,
    submit_sm_of,
    submits_of,
    upward,
)
from gateway.translate.smpp_reading import AS_SENT, Reading
from gateway.translate.smpp_submit import draft_of
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import (
    CancelSm,
    CancelSmResp,
    DataSm,
    DistributionList,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    SmeAddress,
    SubmitMulti,
    SubmitSm,
    UnsuccessSme,
)

RULED = Reading(
    has_rules=True, source=AddressRule(prefix="plus"), destination=AddressRule(ton=1, npi=1, prefix="none")
)


def found(**fields: Any) -> Found:
    values = {
        "state": 1,
        "progress": 1,
        "done_ms": 0,
        "error": "",
        "source": "12345",
        "destination": "79161234567",
        "esm_class": 0,
        "data_coding": 0,
        "connector": "one",
        "upstream_ids": ["a"],
        "segments": 1,
        "service_type": "CMT",
    }
    return Found(**{**values, **fields})  # type: ignore[arg-type]


def test_a_data_sm_is_the_submit_sm_of_its_fields() -> None:
    pdu = DataSm(
        service_type="CMT",
        source_addr_ton=5,
        source_addr="Example",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr="79161234567",
        esm_class=0x80,
        registered_delivery=1,
        data_coding=8,
        tlvs=((tlv.MESSAGE_PAYLOAD, b"\x04\x11"),),
    )
    submit = submit_sm_of(pdu)
    assert all(getattr(submit, name) == getattr(pdu, name) for name in DataSm.__slots__)
    draft = draft_of(submit, NOW_MS, AS_SENT)
    assert isinstance(draft, Draft)
    assert (draft.user_data, draft.tlvs, draft.data_coding) == (b"\x04\x11", b"", 8)


def test_a_submit_multi_is_a_submit_sm_for_each_number_of_it_and_of_its_lists() -> None:
    pdu = SubmitMulti(
        source_addr="12345",
        dest_addresses=(
            SmeAddress(2, 8, "1"),
            DistributionList("two"),
            DistributionList("none"),
            SmeAddress(),
        ),
        priority_flag=2,
        validity_period="000001000000000R",
        short_message=b"x",
        tlvs=((tlv.PAYLOAD_TYPE, b"\0"),),
    )
    submits, unknown = submits_of(pdu, {"two": ["79161234567", "79161234568"]})
    assert [(one.dest_addr_ton, one.dest_addr_npi, one.destination_addr) for one in submits] == [
        (2, 8, "1"),
        (1, 1, "79161234567"),
        (1, 1, "79161234568"),
        (0, 0, ""),
    ]
    assert {(one.priority_flag, one.validity_period, one.short_message, one.tlvs) for one in submits} == {
        (2, "000001000000000R", b"x", pdu.tlvs)
    }
    assert unknown == [UnsuccessSme(0, 0, "none", c.ESME_RINVDLNAME)]


def test_the_status_when_nobody_got_it_is_that_of_all_or_says_that_it_failed() -> None:
    def one(status: int) -> UnsuccessSme:
        return UnsuccessSme(1, 1, "1", status)

    assert status_of_all([one(c.ESME_RTHROTTLED)] * 2) == c.ESME_RTHROTTLED
    assert status_of_all([one(c.ESME_RTHROTTLED), one(c.ESME_RMSGQFUL)]) == c.ESME_RSUBMITFAIL


def test_no_row_is_no_message() -> None:
    assert found_in(()) is None
    assert found_in(tuple(found())) == found()


def test_addresses_of_a_request_are_read_by_the_accounts_rules() -> None:
    pdu = CancelSm(
        source_addr_ton=1, source_addr="79990000001", dest_addr_ton=0, destination_addr="+79161234567"
    )
    assert source_of(pdu, AS_SENT) == (1, 0, "79990000001")
    assert source_of(pdu, RULED) == (1, 0, "+79990000001")
    assert destination_of(pdu, AS_SENT) == destination_of(pdu, RULED) == "79161234567"


# -- query_sm ------------------------------------------------------------------------------------------

QUERY = QuerySm(sequence_number=7, message_id="0007", source_addr="12345")


@pytest.mark.parametrize(("error", "code"), [("027", 27), ("", 0), ("999", 0), ("no receipt", 0), ("١", 0)])
def test_an_ended_message_is_told_with_an_error_that_is_an_octet(error: str, code: int) -> None:
    row = found(progress=-1, state=5, done_ms=NOW_MS, error=error)
    assert query_sm_resp(QUERY, row, NOW_MS, 0x34) == QuerySmResp(
        sequence_number=7,
        message_id="0007",
        message_state=5,
        final_date="250615150640000+",
        error_code=code,
    )


@pytest.mark.parametrize(("state", "old", "new"), [(0, 1, 0), (9, 7, 9), (2, 2, 2), (8, 8, 8), (77, 7, 7)])
def test_states_are_those_of_the_sessions_version(state: int, old: int, new: int) -> None:
    row = found(state=state)
    states = [query_sm_resp(QUERY, row, NOW_MS, version).message_state for version in (0x33, 0x34, 0x50)]
    assert states == [old, old, new]


def test_what_waits_for_its_time_is_scheduled_where_the_version_has_that() -> None:
    waits = found(progress=0, state=1, done_ms=NOW_MS + 1)
    states = [query_sm_resp(QUERY, waits, NOW_MS, version).message_state for version in (0x33, 0x34, 0x50)]
    assert states == [1, 1, 0]
    due = query_sm_resp(QUERY, waits, NOW_MS + 1, 0x50)
    assert (due.message_state, due.final_date) == (1, "")


def said(state: int, final_date: str = "", error: int = 0, status: int = 0) -> QuerySmResp:
    return QuerySmResp(
        command_status=status, message_id="a", message_state=state, final_date=final_date, error_code=error
    )


def test_the_first_part_that_failed_says_how_a_message_ended() -> None:
    answers = [said(2), None, said(5, "250615180640012+", 27), said(8)]
    told = query_sm_resp_from(QUERY, answers, NOW_MS, 0x34)
    assert (told.message_state, told.final_date, told.error_code) == (5, "250615150640000+", 27)


def test_a_message_is_delivered_with_its_last_part() -> None:
    answers = [said(2, "250615150640000+"), said(2, "250615150641000+")]
    told = query_sm_resp_from(QUERY, answers, NOW_MS, 0x34)
    assert (told.message_state, told.final_date) == (2, "250615150641000+")


@pytest.mark.parametrize(
    "answers",
    [
        [],
        [None],
        [said(2), None],
        [said(2), said(1)],
        [said(2), said(6)],
        [said(5, status=c.ESME_RQUERYFAIL)],
        [CancelSmResp()],
    ],
)
def test_what_is_not_known_to_have_ended_is_enroute(answers: list[object]) -> None:
    told = query_sm_resp_from(QUERY, answers, NOW_MS, 0x34)
    assert (told.command_status, told.message_state, told.final_date) == (0, MessageState.ENROUTE, "")


@pytest.mark.parametrize("date", ["", "yesterday", "991301000000000+"])
def test_a_date_of_the_smsc_that_is_none_is_left_out(date: str) -> None:
    assert query_sm_resp_from(QUERY, [said(2, date)], NOW_MS, 0x34).final_date == ""


# -- replace_sm, and what goes up ----------------------------------------------------------------------


def test_a_replacement_is_the_message_with_another_text() -> None:
    pdu = ReplaceSm(
        message_id="7",
        source_addr="12345",
        registered_delivery=0,
        validity_period="000002000000000R",
        short_message="Да".encode("utf-16-be"),
    )
    draft = replacement_of(pdu, found(data_coding=8), NOW_MS, AS_SENT)
    assert isinstance(draft, Draft)
    assert (draft.user_data, draft.data_coding, draft.segments) == (pdu.short_message, 8, 1)
    assert (draft.due_ms, draft.expires_ms) == (0, NOW_MS + 2 * 86_400_000)
    assert (draft.registered_delivery, draft.validity_period) == (0, "000002000000000R")


def test_a_long_replacement_is_counted_and_a_header_in_it_checked() -> None:
    payload = ((tlv.MESSAGE_PAYLOAD, b"x" * 500), (tlv.USER_MESSAGE_REFERENCE, b"\0\1"))
    draft = replacement_of(ReplaceSm(tlvs=payload), found(), NOW_MS, AS_SENT)
    assert isinstance(draft, Draft)
    assert (draft.segments, draft.tlvs) == (4, b"")
    broken = replacement_of(ReplaceSm(short_message=b"\x20x"), found(esm_class=0x40), NOW_MS, AS_SENT)
    assert broken is Refusal.MALFORMED_TEXT


def test_a_replacement_is_read_in_the_accounts_alphabet() -> None:
    reading = Reading(to_text=lambda data: data.decode("latin-1"))
    draft = replacement_of(ReplaceSm(short_message=b"\xe4@"), found(), NOW_MS, reading)
    assert isinstance(draft, Draft)
    assert draft.user_data == b"\x7b\x00"


@pytest.mark.parametrize(
    "pdu",
    [
        QUERY,
        CancelSm(sequence_number=7, message_id="7", source_addr="x"),
        ReplaceSm(sequence_number=7, message_id="7", source_addr="x", short_message=b"new"),
    ],
)
def test_a_request_goes_up_under_the_smscs_id_and_the_senders_number(pdu: Any) -> None:
    asked = upward(pdu, found(), source_of(pdu, AS_SENT), "up-7")
    assert type(asked) is type(pdu)
    assert asked is not pdu
    assert (asked.message_id, asked.source_addr) == ("up-7", "12345")  # type: ignore[attr-defined]
    if isinstance(asked, CancelSm):
        assert (asked.destination_addr, asked.service_type) == ("79161234567", "CMT")
    if isinstance(asked, ReplaceSm):
        assert asked.short_message == b"new"
    assert not isinstance(asked, SubmitSm)
