"""wait_call.php of the simulated service: a number is confirmed by a call."""

from __future__ import annotations

from decimal import Decimal

import pytest
from office_support import NOON, Desk

from gateway.simulator.smsc_http import wait_call

NUMBER = {"phone": "79999999999"}
SILENT = {"phone": "79999999106"}


def test_the_answer_names_a_number_to_call_and_all_there_are(desk: Desk) -> None:
    assert desk.ask("waitcall", NUMBER) == {
        "phone": "79990000201",
        "all_phones": ["79990000201", "79990000202", "79990000203"],
    }
    again = desk.ask("waitcall", NUMBER)
    assert isinstance(again, dict)
    assert again["phone"] == again["all_phones"][0] == "79990000202"


def test_other_countries_have_other_numbers(desk: Desk) -> None:
    answer = desk.ask("waitcall", {"phone": "491701234567"})
    assert isinstance(answer, dict) and answer["phone"].startswith("44")


def test_the_subscriber_calls_and_an_incoming_message_says_so(desk: Desk) -> None:
    desk.ask("waitcall", NUMBER)
    desk.outbox.run(NOON + 4)
    assert desk.outbox.incoming == []
    desk.outbox.run(NOON + 60)
    [call] = desk.outbox.incoming
    assert (call.phone, call.to, call.text, call.received_at) == (
        *("79999999999", "79990000201", "[waitcall]"),
        NOON + 5,
    )
    assert desk.account.balance == Decimal("999.70")


def test_a_call_confirms_once(desk: Desk) -> None:
    desk.ask("waitcall", NUMBER)
    desk.ask("waitcall", NUMBER)
    desk.outbox.run(NOON + 60)
    assert len(desk.outbox.incoming) == 1


def test_who_is_silent_can_call_within_a_quarter_of_an_hour(desk: Desk) -> None:
    desk.ask("waitcall", SILENT)
    desk.outbox.run(NOON + 3600)
    assert desk.outbox.incoming == []
    desk.office.wait_call.called(SILENT["phone"], NOON + 899)
    assert len(desk.outbox.incoming) == 1
    desk.ask("waitcall", SILENT)
    desk.office.wait_call.called(SILENT["phone"], NOON + 900)
    desk.office.wait_call.called("78888888888", NOON)
    assert len(desk.outbox.incoming) == 1


def test_refusals(desk: Desk) -> None:
    assert desk.problem("waitcall") == 1
    assert desk.problem("waitcall", {"phone": "x"}) == 1
    desk.ask("phone_black_add", NUMBER)
    assert desk.problem("waitcall", NUMBER) == 5
    desk.account.balance = Decimal("0.10")
    assert desk.problem("waitcall", {"phone": "78888888888"}) == 3


def test_virtual_sending_costs_nothing(desk: Desk) -> None:
    desk.account.virtual = True
    desk.ask("waitcall", NUMBER)
    desk.outbox.run(NOON + 60)
    assert desk.account.balance == Decimal("1000.00")


def test_the_number_of_those_who_wait_has_an_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait_call, "MAX_WAITING", 1)
    desk.ask("waitcall", NUMBER)
    desk.ask("waitcall", {"phone": "78888888888"})
    desk.outbox.run(NOON + 60)
    assert [call.phone for call in desk.outbox.incoming] == ["78888888888"]
