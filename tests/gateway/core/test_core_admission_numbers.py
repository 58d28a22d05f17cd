"""Which number an account's rules look at, where a message has two, or none."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import NOW_MS, draft
from test_core_admission import NUMBER, OTHER, Hall, app

from gateway.core.admission import Rules
from gateway.core.errors import Refusal


def rules_of(hall: Hall) -> Rules:
    rules = hall.accounts["app"].rules
    assert rules is not None
    return rules


@pytest.mark.parametrize("listed", ["12345", NUMBER, f"12345{NUMBER}"])
def test_a_blacklist_holds_for_the_number_that_was_written_and_for_the_one_that_goes_up(listed: str) -> None:
    hall = app()
    hall.blacklists.add("app", [listed])
    given = draft(destination=NUMBER, sent_as=f"5 0 1 1 Example 12345{NUMBER}")
    admitted = rules_of(hall).admit(given, 0.0, NOW_MS)
    assert (admitted is Refusal.BLACKLIST) == (listed != "12345")


@pytest.mark.parametrize("written", ["+" + NUMBER, "00" + NUMBER])
def test_a_number_is_the_same_however_an_international_one_is_written(written: str) -> None:
    hall = app()
    hall.blacklists.add("app", [NUMBER])
    assert hall.send(destination=written, destination_ton=0) is Refusal.BLACKLIST
    rewritten = draft(destination=written, destination_ton=1, sent_as=f"5 0 1 1 Example {OTHER}")
    assert rules_of(hall).admit(rewritten, 0.0, NOW_MS) is Refusal.BLACKLIST


@pytest.mark.parametrize("fields", [{"number_check": "mobile"}, {}])
def test_what_goes_to_no_number_is_on_no_list_and_needs_no_check(fields: dict[str, Any]) -> None:
    """A service's message may go to an address among its options."""
    hall = app(**fields)
    hall.blacklists.add("app", [NUMBER])
    hall.sent(destination="", tlvs=b"\x14\x00\x00\x01a")
    assert rules_of(hall).forbids("user@example.org") is None
