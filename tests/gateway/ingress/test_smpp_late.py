"""What SMPP clients hear of messages that the store has refused after all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from gateway_fakes import ManualClock
from test_smpp_operations import Asked

from gateway.core.errors import Refusal
from gateway.core.message_ids import format_id
from gateway.ingress.smpp import SmppConnection
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import DataSm, DistributionList, Pdu, SmeAddress, SubmitMulti, SubmitMultiResp

FIRST, SECOND, THIRD = 1, 2, 3
DATA = DataSm(source_addr="12345", destination_addr="79161234567", tlvs=((tlv.MESSAGE_PAYLOAD, b"x"),))


def multi(*more: Any) -> SubmitMulti:
    to = (*(SmeAddress(1, 1, f"7916123456{n}") for n in range(2)), *more)
    return SubmitMulti(source_addr="12345", dest_addresses=to)


def answered(pdu: Pdu, late: dict[int, Refusal]) -> tuple[Any, int]:
    """The answer, and how many messages were taken."""
    asked = Asked()
    asked.ask(pdu)
    asked.listener.submission.refused_late = late
    asked.journal.commit()
    (answer,) = asked.connection.answers
    return answer, asked.connection.submitted


def test_a_data_sm_is_answered_with_the_status_of_its_refusal() -> None:
    answer, submitted = answered(DATA, {FIRST: Refusal.BALANCE})
    assert (answer.command_status, answer.message_id, submitted) == (c.ESME_RSUBMITFAIL, "", 0)
    answer, submitted = answered(DATA, {SECOND: Refusal.BALANCE})
    assert (answer.command_status, answer.message_id, submitted) == (c.ESME_ROK, "1", 1)


def test_a_submit_multi_names_the_numbers_that_got_nothing() -> None:
    answer, submitted = answered(multi(), {SECOND: Refusal.REPEATED})
    assert isinstance(answer, SubmitMultiResp)
    assert (answer.command_status, answer.message_id, submitted) == (c.ESME_ROK, "1", 1)
    [one] = answer.unsuccess_smes
    assert one.error_status_code == c.ESME_RSUBMITFAIL


def test_a_submit_multi_of_which_nothing_is_left_is_refused() -> None:
    late = {FIRST: Refusal.BALANCE, SECOND: Refusal.BALANCE}
    answer, submitted = answered(multi(), late)
    assert (answer.command_status, answer.message_id, submitted) == (c.ESME_RSUBMITFAIL, "", 0)
    assert len(answer.unsuccess_smes) == 2


def test_what_was_refused_at_once_is_named_too() -> None:
    answer, _ = answered(multi(DistributionList("nobody")), {FIRST: Refusal.BALANCE, SECOND: Refusal.BALANCE})
    statuses = [one.error_status_code for one in answer.unsuccess_smes]
    assert statuses == [c.ESME_RINVDLNAME, c.ESME_RSUBMITFAIL, c.ESME_RSUBMITFAIL]
    assert answer.command_status == c.ESME_RSUBMITFAIL  # they do not agree


class Bound:
    """As much of a session as answers submit_sm."""

    _gone = tells_congestion = False
    _without_late = SmppConnection._without_late
    committed = SmppConnection._committed

    def __init__(self, form: str, late: dict[int, Refusal]) -> None:
        self.id_format = form
        self.submitted = self.observed = self.written = 0
        self.answers: dict[int, tuple[int, str]] = {}
        self.session = SimpleNamespace(respond=self._respond)
        self.listener = SimpleNamespace(
            submission=SimpleNamespace(refused_late=late),
            clock=ManualClock(),
            accept_s=SimpleNamespace(observe=self._observe),
        )

    def _respond(self, pdu: Any) -> None:
        assert pdu.sequence_number not in self.answers
        self.answers[pdu.sequence_number] = pdu.command_status, pdu.message_id

    def _observe(self, seconds: float, count: int) -> None:
        self.observed += count

    def _answers_out(self) -> None:
        self.written += 1


@pytest.mark.parametrize("form", ["decimal", "hex", "uuid"])
def test_a_submit_sm_is_answered_with_the_status_of_its_refusal(form: str) -> None:
    ids = [722104798412800001 + n for n in range(3)]
    bound = Bound(form, {ids[1]: Refusal.PER_DAY, 5: Refusal.BALANCE})
    taken = [(n, format_id(message_id, form)) for n, message_id in enumerate(ids)]
    bound.committed(taken, True, 0.0)  # type: ignore[misc]
    assert bound.answers[1] == (c.ESME_RSUBMITFAIL, "")
    assert [bound.answers[n] for n in (0, 2)] == [(c.ESME_ROK, format_id(ids[n], form)) for n in (0, 2)]
    assert (bound.submitted, bound.written) == (2, 1)


def test_a_store_that_cannot_write_refuses_all_whatever_was_refused_before() -> None:
    bound = Bound("decimal", {1: Refusal.BALANCE})
    bound.committed([(7, "1")], False, 0.0)  # type: ignore[misc]
    assert bound.answers == {7: (c.ESME_RSYSERR, "")}
