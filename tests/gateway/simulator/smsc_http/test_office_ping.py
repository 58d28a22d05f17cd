"""ping.php of the simulated service."""

from __future__ import annotations

from office_support import OK, Desk

from gateway.simulator.smsc_http.model import ApiProblem

EVENT = {"id": "1", "name": "web", "host": "10.0.0.7", "info": "{NAME} since noon"}


def test_a_failure_and_a_recovery_are_told_to_the_groups_contacts(desk: Desk) -> None:
    assert desk.ask("ping", EVENT) == OK
    assert desk.ask("ping", {**EVENT, "ok": "1", "info": ""}) == OK
    assert desk.outbox.sent == [
        {"phones": "79990000001", "mes": "web 10.0.0.7 does not answer. {NAME} since noon"},
        {"phones": "79990000001", "mes": "web 10.0.0.7 answers again."},
    ]


def test_an_unknown_group_is_error_3_and_none_error_1(desk: Desk) -> None:
    assert desk.problem("ping", {"id": "2"}) == 3
    assert desk.problem("ping") == 1
    assert desk.problem("ping", {"id": "1", "ok": "yes"}) == 1


def test_the_event_took_place_even_if_nobody_can_be_told(desk: Desk) -> None:
    desk.outbox.problem = ApiProblem(3)
    assert desk.ask("ping", EVENT) == OK
