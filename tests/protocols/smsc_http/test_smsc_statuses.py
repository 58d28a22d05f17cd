"""Statuses and errors of messages: every row of the reference, and numbers that it does not have."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.sms import receipts
from protocols.smsc_http.statuses import (
    DELIVERED_STATUSES,
    ERRORS,
    MAIL_ERRORS,
    STATUSES,
    TYPES,
    ErrCode,
    Flag,
    flag_of,
    outcome,
    read_flag,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/smsc_http/statuses.json").read_text("utf-8"))
FAILED = 20


def rows(name: str, key: str) -> list[Any]:
    return [pytest.param(row, id=str(row[key])) for row in VECTORS[name]]


@pytest.mark.parametrize("row", rows("statuses", "status"))
def test_every_status_means_what_the_reference_says(row: dict[str, Any]) -> None:
    found = outcome(row["status"], 0)
    assert STATUSES[row["status"]].name == row["name"]
    assert (found.state, found.stat, found.final) == (
        getattr(receipts, row["state"]),
        row["stat"],
        row["final"],
    )
    assert found.error == "000"


def check_error(row: dict[str, Any], code: ErrCode, is_mail: bool) -> None:
    state = None if row["state"] is None else getattr(receipts, row["state"])
    assert (code.name, code.state, code.elsewhere) == (row["name"], state, row["elsewhere"])
    assert (code.enhanced, code.delayed) == (row["enhanced"], row["delayed"])
    if row["err"] in (0, 200):
        return
    found = outcome(FAILED, row["err"], is_mail=is_mail)
    assert found.final
    assert (found.state, found.stat) == (state or receipts.UNDELIVERABLE, row["stat"] or "UNDELIV")
    assert (found.enhanced, found.error) == (row["enhanced"], f"{row['err']:03}")
    assert found.retry_here is row["retry_here"]
    assert found.retry_elsewhere is (row["elsewhere"] != "no")


@pytest.mark.parametrize("row", rows("errors", "err"))
def test_every_error_means_what_the_reference_says(row: dict[str, Any]) -> None:
    check_error(row, ERRORS[row["err"]], is_mail=False)


@pytest.mark.parametrize("row", rows("mail_errors", "err"))
def test_every_error_of_mail_means_what_the_reference_says(row: dict[str, Any]) -> None:
    check_error(row, MAIL_ERRORS[row["err"]], is_mail=True)


def test_the_tables_are_complete_and_have_nothing_else() -> None:
    assert list(STATUSES) == [row["status"] for row in VECTORS["statuses"]]
    assert list(ERRORS) == [row["err"] for row in VECTORS["errors"]]
    assert list(MAIL_ERRORS) == [row["err"] for row in VECTORS["mail_errors"]]
    assert (len(STATUSES), len(ERRORS), len(MAIL_ERRORS)) == (13, 29, 13)
    assert {str(number): name for number, name in TYPES.items()} == VECTORS["types"]


@pytest.mark.parametrize("status", [5, 19, 21, 26, 99, 10**9])
def test_an_unknown_status_from_five_is_one_that_cannot_be_delivered(status: int) -> None:
    assert outcome(status, 1) == outcome(20, 1)


@pytest.mark.parametrize("status", [-4, -99])
def test_an_unknown_negative_status_is_waiting(status: int) -> None:
    assert outcome(status, 0) == outcome(-1, 0)
    assert not outcome(status, 0).final


@pytest.mark.parametrize("status", sorted(DELIVERED_STATUSES))
@pytest.mark.parametrize("err", [0, 1, 200, 245, 255])
def test_an_error_changes_nothing_of_what_was_delivered(status: int, err: int) -> None:
    found = outcome(status, err)
    assert (found.state, found.final, found.enhanced) == (receipts.DELIVERED, True, "2.1.5")
    assert not found.retry_here
    assert not found.retry_elsewhere


@pytest.mark.parametrize("status", [-3, -2, -1, 0])
@pytest.mark.parametrize("err", [0, 1, 6, 200, 255])
def test_an_error_does_not_end_what_is_under_way(status: int, err: int) -> None:
    found = outcome(status, err)
    assert not found.final
    assert found.state == STATUSES[status].state
    assert found.enhanced == ""


def test_what_the_operator_never_answered_for_ends_unknown_and_is_not_sent_again() -> None:
    for status in (0, 3, 20):
        found = outcome(status, 245)
        assert (found.stat, found.final, found.enhanced) == ("UNKNOWN", True, "")
        assert not found.retry_here
        assert not found.retry_elsewhere
    assert not outcome(-1, 245).final


def test_offline_is_expired_or_undeliverable_as_the_status_says() -> None:
    assert outcome(3, 6).stat == "EXPIRED"
    assert outcome(20, 6).stat == "UNDELIV"


def test_the_same_number_means_another_thing_for_mail() -> None:
    assert outcome(20, 3, is_mail=True).enhanced == "5.1.2"
    assert outcome(20, 3).enhanced == STATUSES[20].enhanced


def test_another_upstream_is_all_that_helps_without_a_route_or_money() -> None:
    for status in (24, 25):
        found = outcome(status, 0)
        assert (found.retry_here, found.retry_elsewhere) == (False, True)
    assert not outcome(25, 6).retry_here
    assert not outcome(25, 1).retry_elsewhere
    assert outcome(22, 255).retry_elsewhere is False


@given(st.integers(), st.integers(), st.booleans())
def test_every_pair_of_numbers_has_an_outcome(status: int, err: int, is_mail: bool) -> None:
    found = outcome(status, err, is_mail=is_mail)
    assert found.stat == receipts.STATE_WORDS[found.state]
    assert len(found.error) == 3
    assert found.error.isdigit()
    assert found.enhanced == "" if not found.final else found.enhanced[:1] in ("", "2", "5")


@pytest.mark.parametrize(
    ("number", "flag"),
    [
        (0, Flag(0, False, "")),
        (0x2A, Flag(10, True, "")),
        (0x108, Flag(8, False, "service")),
        (0x300, Flag(0, False, "transactional")),
        (0x500, Flag(0, False, "authorisation")),
        (0x727, Flag(7, True, "advertising")),
    ],
)
def test_bits_of_a_flag(number: int, flag: Flag) -> None:
    assert read_flag(number) == flag
    assert flag_of(flag) == number


@given(st.integers(0, 0xFFFF))
def test_any_flag_reads_and_writes(number: int) -> None:
    assert read_flag(flag_of(read_flag(number))) == read_flag(number)
