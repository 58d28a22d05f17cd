"""Numbers of refused requests: every row of the reference."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.sms.receipts import REJECTED, UNDELIVERABLE
from protocols.smsc_http.errors import (
    ESME_RINVSRCADR,
    MEANINGS,
    NO_ANSWER,
    SEND_ERRORS,
    UNKNOWN_ERROR,
    WITH_ID,
    error_text,
    meaning,
    send_error,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/smsc_http/errors.json").read_text("utf-8"))


@pytest.mark.parametrize("row", [pytest.param(row, id=str(row["number"])) for row in VECTORS["send"]])
def test_every_error_of_send_has_its_answers(row: dict[str, Any]) -> None:
    found = send_error(row["number"])
    assert (found.command_status, found.smtp) == (row["command_status"], row["smtp"])
    assert found.permanent is row["permanent"]


def test_the_errors_of_send_are_complete() -> None:
    assert sorted(SEND_ERRORS) == [row["number"] for row in VECTORS["send"]]


def test_which_errors_let_a_message_go_elsewhere() -> None:
    assert [number for number in range(1, 11) if send_error(number).failover] == [2, 3, 4, 8]


def test_what_an_accepted_message_becomes() -> None:
    states = {number: send_error(number).state for number in range(1, 9)}
    assert [number for number, state in states.items() if state == REJECTED] == [1, 5, 6, 7]
    assert states[3] == states[8] == UNDELIVERABLE


def test_a_forbidden_sender_is_told_from_a_forbidden_text() -> None:
    assert send_error(6, 254).command_status == ESME_RINVSRCADR
    assert send_error(6, 253) == send_error(6) == SEND_ERRORS[6]
    assert send_error(7, 254) == SEND_ERRORS[7]


@given(st.integers().filter(lambda number: not 1 <= number <= 10))
def test_an_unknown_number_is_a_fault_that_may_pass(number: int) -> None:
    assert send_error(number) == UNKNOWN_ERROR
    assert (UNKNOWN_ERROR.command_status, UNKNOWN_ERROR.smtp, UNKNOWN_ERROR.permanent) == (
        8,
        "451 4.3.0",
        False,
    )


def test_no_answer_is_a_fault_that_may_pass() -> None:
    assert (NO_ANSWER.command_status, NO_ANSWER.smtp, NO_ANSWER.permanent) == (8, "451 4.4.1", False)


def test_four_errors_of_send_name_a_message() -> None:
    assert sorted(WITH_ID) == [3, 6, 7, 8]


@pytest.mark.parametrize(("script", "own"), VECTORS["own_numbers"].items())
def test_every_number_of_a_script_has_a_meaning(script: str, own: list[int]) -> None:
    assert set(MEANINGS[script]) == {1, 2, 4, 9, *own}
    assert all(MEANINGS[script].values())


def test_no_script_is_missing_or_made_up() -> None:
    assert MEANINGS.keys() == VECTORS["own_numbers"].keys()


def test_the_same_number_means_different_things() -> None:
    assert meaning("send.php", 3) == "not enough money"
    assert meaning("info.php", 3) == "operator not found"
    assert meaning("senders.php", 7) != meaning("users.php", 7)


@pytest.mark.parametrize(("key", "text"), VECTORS["texts"].items())
def test_texts_are_those_that_the_service_writes(key: str, text: str) -> None:
    script, number = key.split()
    assert error_text(script, int(number)) == text


def test_texts_of_send_are_not_lent_to_others() -> None:
    assert error_text("users.php", 6) == "no sub-client with this login"
    assert error_text("jobs.php", 9) == error_text("send.php", 9)


@given(st.text(), st.integers())
def test_everything_has_some_text(script: str, number: int) -> None:
    assert error_text(script, number)
    assert meaning(script, number)
