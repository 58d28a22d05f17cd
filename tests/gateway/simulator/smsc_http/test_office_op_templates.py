"""op_templates.php of the simulated service."""

from __future__ import annotations

from office_support import NOON, Desk

from gateway.simulator.smsc_http.op_templates import KEYS

CODE = {"sender": "SMSC", "msg": "Your code is %d"}


def test_a_template_is_added_for_each_operator_and_sort(desk: Desk) -> None:
    assert desk.ask("optpl_add", {**CODE, "mts_auth": "1", "bee_srv": "1"}) == [
        {"mts_auth": 1, "id": 1},
        {"bee_srv": 1, "id": 2},
    ]


def test_the_same_again_is_not_saved(desk: Desk) -> None:
    desk.ask("optpl_add", {**CODE, "mts_auth": "1"})
    assert desk.ask("optpl_add", {**CODE, "mts_auth": "1"}) == [{"mts_auth": -2, "id": 0}]


def test_an_unknown_or_refused_sender_name_has_no_templates(desk: Desk) -> None:
    assert desk.ask("optpl_add", {**CODE, "sender": "ivan", "soc": "1"}) == [{"soc": -1, "id": 0}]
    desk.ask("sender_add", {"sender": "DENYme", "mts_step": "1"})
    later = NOON + 1000
    answer = desk.ask("optpl_add", {**CODE, "sender": "DENYme", "mts_srv": "1"}, later)
    assert answer == [{"mts_srv": -1, "id": 0}]


def test_its_state_goes_from_waiting_over_sent_to_accepted(desk: Desk) -> None:
    desk.ask("optpl_add", {**CODE, "mega_adv": "1"})
    for after, status in ((0, 0), (61, 1), (121, 2)):
        assert desk.ask("optpl_get", {**CODE, "mega_adv": "1"}, NOON + after) == [
            {"mega_adv": status, "id": 1}
        ]


def test_a_text_that_is_turned_down_is_not_accepted(desk: Desk) -> None:
    text = {"sender": "SMSC", "msg": "deny this"}
    desk.ask("optpl_add", {**text, "mts_srv": "1"})
    assert desk.ask("optpl_get", {**text, "mts_srv": "1"}, NOON + 121) == [{"mts_srv": 3, "id": 1}]


def test_without_flags_all_operators_are_asked_and_most_have_none(desk: Desk) -> None:
    desk.ask("optpl_add", {**CODE, "soc": "1"})
    rows = desk.rows("optpl_get", CODE)
    assert [next(iter(row)) for row in rows] == list(KEYS)
    assert {next(iter(row.values())) for row in rows[:-1]} == {-1}
    assert rows[-1] == {"soc": 0, "id": 1}


def test_bad_requests_are_error_1(desk: Desk) -> None:
    assert desk.problem("optpl_add", CODE) == 1
    assert desk.problem("optpl_add", {**CODE, "mts_srv": "yes"}) == 1
    assert desk.problem("optpl_get", {"sender": "SMSC"}) == 1
    assert desk.problem("optpl_get", {"msg": "x"}) == 1
