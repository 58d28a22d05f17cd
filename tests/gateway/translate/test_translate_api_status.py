"""What became of a message in the SMSC service's numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import Refusal
from gateway.core.model import FINAL_STATES, MessageState, Progress
from gateway.simulator.smsc_http.outcomes import ERR_CODES
from gateway.simulator.smsc_http.outcomes import status_of as simulated
from gateway.translate.api_status import (
    REFUSAL_NUMBERS,
    live_status,
    refusal_number,
    registered_as,
    status_name,
    status_of,
)
from protocols.smsc_http import errors
from protocols.smsc_http.statuses import ERRORS, STATUSES, outcome

_NO_REQUEST = {Refusal.STORE, Refusal.STOPPING, Refusal.QUEUE_FULL}


@pytest.mark.parametrize(
    ("state", "error", "shown"),
    [
        (MessageState.DELIVERED, "", (1, 0)),
        (MessageState.DELIVERED, "000", (1, 0)),
        (MessageState.DELIVERED, "200", (1, 200)),
        (MessageState.EXPIRED, "", (3, 0)),
        (MessageState.EXPIRED, "006", (3, 6)),
        (MessageState.DELETED, "given up", (20, 0)),
        (MessageState.ACCEPTED, "", (0, 0)),
        (MessageState.UNKNOWN, "no receipt", (20, 245)),
        (MessageState.UNKNOWN, "ambiguous", (20, 245)),
        (MessageState.UNKNOWN, "245", (20, 245)),
        (MessageState.UNDELIVERABLE, "255", (20, 255)),
        (MessageState.UNDELIVERABLE, "001", (20, 1)),
        (MessageState.UNDELIVERABLE, "000", (20, 0)),
        (MessageState.UNDELIVERABLE, "248", (25, 248)),
        (MessageState.UNDELIVERABLE, "a word of an SMSC", (20, 255)),
        (MessageState.REJECTED, "253", (23, 253)),
        (MessageState.REJECTED, "249", (22, 249)),
        (MessageState.REJECTED, "000", (23, 0)),
        (MessageState.REJECTED, "ESME_RINVDSTADR", (22, 249)),
        (MessageState.REJECTED, "ESME_RSUBMITFAIL", (20, 255)),
        (MessageState.REJECTED, "smsc_error_1", (20, 255)),
        (MessageState.REJECTED, "smsc_error_7", (22, 249)),
        (MessageState.REJECTED, "011", (20, 11)),
        (MessageState.SKIPPED, "", (20, 0)),
    ],
)
def test_ends_have_the_services_numbers(state: MessageState, error: str, shown: tuple[int, int]) -> None:
    assert status_of(state, error) == shown


def test_a_link_that_was_opened_makes_delivered_clicked() -> None:
    assert status_of(MessageState.DELIVERED, "000", clicked=True) == (4, 0)
    assert status_of(MessageState.EXPIRED, "006", clicked=True) == (3, 6)


@pytest.mark.parametrize("number", [2, 3, 4])
def test_that_our_own_login_can_not_pay_is_no_news_for_a_client(number: int) -> None:
    assert status_of(MessageState.REJECTED, f"smsc_error_{number}") == (25, 248)


@pytest.mark.parametrize("err", ERR_CODES)
def test_every_err_comes_out_again_with_the_status_that_goes_with_it(err: int) -> None:
    """SMSC HTTP API §3.1, §3.2."""
    told = outcome(simulated(err), err)
    assert status_of(told.state, told.error) == (simulated(err), err)


@pytest.mark.parametrize(
    ("refusal", "number", "shown"),
    [
        (Refusal.BALANCE, 3, (24, 0)),
        (Refusal.PER_DAY, 3, (23, 247)),
        (Refusal.SOURCE, 6, (23, 254)),
        (Refusal.SPECIAL, 6, (23, 243)),
        (Refusal.SERVICE_OPTIONS, 6, (23, 243)),
        (Refusal.PER_NUMBER, 6, (23, 251)),
        (Refusal.PER_TEXT, 6, (23, 251)),
        (Refusal.PER_ADDRESS, 6, (23, 239)),
        (Refusal.HOURS, 6, (23, 246)),
        (Refusal.DESTINATION, 7, (22, 249)),
        (Refusal.NUMBER, 7, (22, 249)),
        (Refusal.DENIED, 8, (25, 252)),
        (Refusal.BLACKLIST, 8, (25, 250)),
        (Refusal.NO_ROUTE, 8, (25, 248)),
        (Refusal.ROUTE, 8, (25, 248)),
        (Refusal.NO_PRICE, 8, (25, 248)),
    ],
)
def test_what_is_refused_and_registered(refusal: Refusal, number: int, shown: tuple[int, int]) -> None:
    assert refusal_number(refusal) == number
    assert status_of(*registered_as(refusal)) == shown


@pytest.mark.parametrize("err", [number for number in ERRORS if number not in (0, 200)])
def test_what_the_service_says_of_a_failure_comes_out_again(err: int) -> None:
    """Through its own words for SMPP: of each err with the status that goes with it."""
    for status in (20, 22, 23, 25):
        told = outcome(status, err)
        again = status_of(told.state, told.error)
        assert again.err == err
        assert again.status in STATUSES and STATUSES[again.status].final


@given(st.integers(0, 20), st.text(max_size=20))
def test_every_end_has_a_status_that_the_service_knows(state: int, error: str) -> None:
    shown = status_of(state, error)
    assert shown.status in STATUSES
    assert 0 <= shown.err <= 99_999
    if state in FINAL_STATES:
        assert STATUSES[shown.status].final


@pytest.mark.parametrize(
    ("progress", "status"),
    [
        (Progress.QUEUED, -1),
        (Progress.GATHERED, -1),
        (Progress.CARRIED, -1),
        (Progress.PAUSED, -2),
        (Progress.SENT, 0),
        (Progress.HELD, 0),
    ],
)
def test_what_has_not_ended_waits_or_is_under_way(progress: Progress, status: int) -> None:
    assert live_status(progress) == (status, 0)


@pytest.mark.parametrize("refusal", Refusal)
def test_every_refusal_is_an_error_of_send(refusal: Refusal) -> None:
    number = refusal_number(refusal)
    assert number in errors.SEND_ERRORS if refusal not in _NO_REQUEST else number == 0
    assert set(REFUSAL_NUMBERS) == set(Refusal)


@pytest.mark.parametrize(("number", "shown"), [(3, (24, 0)), (6, (23, 253)), (7, (22, 249)), (8, (25, 248))])
def test_registered_messages_show_what_the_service_shows(number: int, shown: tuple[int, int]) -> None:
    assert status_of(*registered_as(number)) == shown


@pytest.mark.parametrize(
    ("refusal", "shown"),
    [
        (Refusal.BALANCE, (24, 0)),
        (Refusal.PER_DAY, (23, 247)),
        (Refusal.PER_NUMBER, (23, 251)),
        (Refusal.HOURS, (23, 246)),
        (Refusal.SOURCE, (23, 254)),
        (Refusal.NO_ROUTE, (25, 248)),
        (Refusal.BLACKLIST, (25, 250)),
        (Refusal.NUMBER, (22, 249)),
    ],
)
def test_registered_messages_say_why(refusal: Refusal, shown: tuple[int, int]) -> None:
    assert status_of(*registered_as(refusal)) == shown


@pytest.mark.parametrize(
    "refusal", [refusal for refusal in Refusal if refusal_number(refusal) in errors.WITH_ID]
)
def test_whatever_is_registered_has_failed_with_a_reason(refusal: Refusal) -> None:
    state, error = registered_as(refusal)
    assert state in FINAL_STATES and error == refusal.value
    shown = status_of(state, error)
    assert shown.status in (22, 23, 24, 25)
    assert shown != (23, 0)


def test_statuses_have_names() -> None:
    assert status_name(1) == "delivered"
    assert status_name(-3) == "not found"
    assert status_name(77) == "unknown"
