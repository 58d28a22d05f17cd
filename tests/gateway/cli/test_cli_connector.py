"""smsc-gateway connector: what it refuses, what it asks the gateway, what it prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.__main__ import main
from gateway.cli import connector

SAID = {"connector": "operator", "state": "paused", "links": 2, "in_flight": 3, "last_error": ""}
ROW = {
    "connector": "operator",
    "state": "bound",
    "links": 2,
    "in_flight": 3,
    "window_now": 20,
    "queued": 10_000,
    "queued_more": True,
    "oldest_s": 61.0,
    "submitted": 1234,
    "throttled": 5,
    "balance": "12.50",
    "currency": "EUR",
    "last_error": "ESME_RTHROTTLED",
    "last_error_ms": 1_750_000_000_000,
    "paused_ms": 0,
}


class Daemon:
    """Answers what it is told to, and remembers what it was asked."""

    def __init__(self, **answer: Any) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []

    def ask(self, state_dir: Path, command: str, **arguments: Any) -> dict[str, Any]:
        self.asked.append({"command": command, **arguments})
        return self.answer


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(daemon: Daemon, *words: str, code: int = 0) -> str:
        monkeypatch.setattr(connector, "ask", daemon.ask)
        monkeypatch.setenv("SUDO_USER", "olga")
        assert main(["connector", *words]) == code
        return capsys.readouterr().out

    return run


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["list", "operator"], "list takes no NAME; show does"),
        (["pause"], "name the connector: smsc-gateway connector pause NAME"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["connector", *arguments]) == 2
    assert capsys.readouterr().err == f"smsc-gateway connector: {told}\n"


def test_a_pause_says_how_it_ends(run: Any) -> None:
    daemon = Daemon(**SAID)
    assert run(daemon, "pause", "operator") == (
        "operator is paused; 3 segment(s) under way are finished. "
        "It goes on with: smsc-gateway connector resume operator\n"
    )
    assert daemon.asked == [{"command": "connector_pause", "connector": "operator", "who": "olga"}]


def test_a_resume_says_how_it_is_now(run: Any) -> None:
    assert run(Daemon(**{**SAID, "state": "bound"}), "resume", "operator") == "operator goes on: bound\n"


@pytest.mark.parametrize(
    ("answer", "code", "told"),
    [
        ({"done": True}, 0, "operator is bound anew, links: 2"),
        (
            {"done": False},
            1,
            "operator waits for answers to 3 segment(s) before it unbinds, and goes on with that",
        ),
        (
            {"done": False, "in_flight": 0, "state": "connecting", "last_error": "Connection refused"},
            1,
            "operator is not bound: it is connecting: Connection refused",
        ),
    ],
)
def test_a_rebind_says_what_came_of_it(run: Any, answer: dict[str, Any], code: int, told: str) -> None:
    assert run(Daemon(**{**SAID, **answer}), "rebind", "operator", code=code) == f"{told}\n"


def test_json_is_the_answer(run: Any) -> None:
    assert json.loads(run(Daemon(**SAID), "pause", "operator", "--json")) == SAID
    assert json.loads(run(Daemon(connectors=[ROW]), "list", "--json")) == [ROW]


def test_the_list_has_a_line_for_each(run: Any) -> None:
    head, line = run(Daemon(connectors=[ROW]), "list").splitlines()
    assert head.split()[:6] == ["connector", "state", "links", "in_flight", "window_now", "queued"]
    for text in ("10000+", "1m 1s", "12.50 EUR", "ESME_RTHROTTLED"):
        assert text in line


def test_one_is_shown_with_its_options(run: Any) -> None:
    daemon = Daemon(connector=ROW, options=[{"option": "password", "value": "********"}])
    text = run(daemon, "show", "operator")
    assert "window now         20" in text
    assert "password  ********" in text
