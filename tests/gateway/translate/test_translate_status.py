"""Which status says what, in both directions."""

from __future__ import annotations

import pytest

from gateway.core.errors import Refusal
from gateway.translate.smpp_status import REFUSAL_STATUS, Verdict, delivery_is_put_off, submit_verdict

ROK, RINVMSGLEN, RSYSERR, RINVSRCADR, RINVDSTADR, RMSGQFUL, RTHROTTLED = 0, 1, 8, 0x0A, 0x0B, 0x14, 0x58


def test_every_refusal_has_the_status_that_the_specification_has_for_it() -> None:
    assert {reason.name: status for reason, status in REFUSAL_STATUS.items()} == {
        "RATE": RTHROTTLED,
        "QUEUE_FULL": RMSGQFUL,
        "STORE": RSYSERR,
        "SOURCE": RINVSRCADR,
        "DESTINATION": RINVDSTADR,
        "NO_ROUTE": RINVDSTADR,
        "TOO_LONG": RINVMSGLEN,
        "MALFORMED_TEXT": RINVMSGLEN,
        "RECEIPT_CLASS": 0x43,
        "SCHEDULE": 0x61,
        "VALIDITY": 0x62,
        "SERVICE_TYPE": 0x15,
        "SERVICE_OPTIONS": 0xC1,
        "OPTION_VALUE": 0xC4,
        "DENIED": 0x0B,
        "SPECIAL": 0x101,
        "TLV": 0xC1,
        "STOPPING": RSYSERR,
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


@pytest.mark.parametrize(
    ("status", "again"), [(RTHROTTLED, True), (RMSGQFUL, True), (RSYSERR, True), (0x64, True)]
)
def test_a_clients_temporary_error_asks_for_another_try(status: int, again: bool) -> None:
    assert delivery_is_put_off(status) is again


@pytest.mark.parametrize("status", [0x65, 0x66, RINVDSTADR, 0x400])
def test_a_clients_other_errors_are_final(status: int) -> None:
    assert not delivery_is_put_off(status)
