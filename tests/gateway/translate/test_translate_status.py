"""Which status says what, in both directions."""

from __future__ import annotations

import pytest

from gateway.core.errors import Refusal
from gateway.translate.smpp_status import (
    REFUSAL_STATUS,
    Verdict,
    delivery_is_put_off,
    status_of,
    submit_verdict,
)

ROK, RINVMSGLEN, RSYSERR, RINVSRCADR, RINVDSTADR, RMSGQFUL, RTHROTTLED = 0, 1, 8, 0x0A, 0x0B, 0x14, 0x58
RSUBMITFAIL = 0x45


def test_every_refusal_has_the_status_that_the_specification_has_for_it() -> None:
    assert {reason.name: status for reason, status in REFUSAL_STATUS.items()} == {
        "RATE": RTHROTTLED,
        "QUEUE_FULL": RMSGQFUL,
        "STORE": RSYSERR,
        "SOURCE": RINVSRCADR,
        "DESTINATION": RINVDSTADR,
        "NO_ROUTE": RINVDSTADR,
        "ROUTE": RINVDSTADR,
        "TOO_LONG": RINVMSGLEN,
        "MALFORMED_TEXT": RINVMSGLEN,
        "RECEIPT_CLASS": 0x43,
        "SCHEDULE": 0x61,
        "VALIDITY": 0x62,
        "SERVICE_TYPE": 0x15,
        "SERVICE_OPTIONS": 0xC1,
        "OPTION_VALUE": 0xC4,
        "DENIED": 0x0B,
        "NUMBER": RINVDSTADR,
        "SPECIAL": 0x101,
        "TLV": 0xC1,
        "STOPPING": RSYSERR,
        "PER_DAY": RSUBMITFAIL,
        "PER_NUMBER": RSUBMITFAIL,
        "PER_TEXT": RSUBMITFAIL,
        "PER_ADDRESS": RSUBMITFAIL,
        "HOURS": RSUBMITFAIL,
        "FLOOD": RSUBMITFAIL,
        "REPEATED": RSUBMITFAIL,
        "BLACKLIST": RINVDSTADR,
        "BALANCE": RSUBMITFAIL,
        "NO_PRICE": RINVDSTADR,
    }
    assert REFUSAL_STATUS.keys() == set(Refusal)
    assert ROK not in REFUSAL_STATUS.values()


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (RTHROTTLED, Verdict.FULL),
        (RMSGQFUL, Verdict.FULL),
        (RSYSERR, Verdict.LATER),
        (0x04, Verdict.LATER),  # not bound for it
        (0x64, Verdict.LATER),  # ESME_RX_T_APPN
        (0xFF, Verdict.LATER),  # unknown error
        (RINVDSTADR, Verdict.NEVER),
        (RINVSRCADR, Verdict.NEVER),
        (0x45, Verdict.NEVER),  # ESME_RSUBMITFAIL
        (0x65, Verdict.NEVER),  # ESME_RX_P_APPN
        (0x400, Verdict.NEVER),
        (0x4FF, Verdict.NEVER),
        (0xFFFFFFFF, Verdict.NEVER),
    ],
)
def test_what_an_smscs_error_means(status: int, verdict: Verdict) -> None:
    assert submit_verdict(status) is verdict


TOO_FAST = frozenset({RTHROTTLED, 0x45, 0x401})


@pytest.mark.parametrize(
    ("status", "retries", "verdict"),
    [
        (RTHROTTLED, 0, Verdict.FULL),
        (RTHROTTLED, 100, Verdict.FULL),
        (0x401, 100, Verdict.FULL),
        (0x402, 0, Verdict.NEVER),
        (RMSGQFUL, 0, Verdict.LATER),  # full, and not by our speed
        (0x45, 0, Verdict.FULL),
        (0x45, 3, Verdict.FULL),
        (0x45, 4, Verdict.NEVER),  # the fifth try
    ],
)
def test_quirk_38_what_an_smsc_says_when_it_is_sent_too_much(
    status: int, retries: int, verdict: Verdict
) -> None:
    assert submit_verdict(status, TOO_FAST, retries) is verdict


def test_quirk_31_statuses_are_named_or_numbers() -> None:
    assert [status_of(it) for it in ("ESME_RTHROTTLED", "0x45", "0X0400")] == [RTHROTTLED, 0x45, 0x400]


@pytest.mark.parametrize("name", ["RTHROTTLED", "ESME_RNONSENSE", "88", "0xZZ", "", "annotations"])
def test_any_other_word_is_no_status(name: str) -> None:
    with pytest.raises(ValueError):
        status_of(name)


@pytest.mark.parametrize(
    ("status", "again"), [(RTHROTTLED, True), (RMSGQFUL, True), (RSYSERR, True), (0x64, True)]
)
def test_a_clients_temporary_error_asks_for_another_try(status: int, again: bool) -> None:
    assert delivery_is_put_off(status) is again


@pytest.mark.parametrize("status", [0x65, 0x66, RINVDSTADR, 0x400])
def test_a_clients_other_errors_are_final(status: int) -> None:
    assert not delivery_is_put_off(status)
