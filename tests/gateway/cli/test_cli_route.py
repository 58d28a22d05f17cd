"""smsc-gateway route: wrong usage, and how the gateway's answers are shown; docs/routing.md has live ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.__main__ import main
from gateway.cli import route

MESSAGE = {
    "from": "",
    "to": "79991234567",
    "account": None,
    "alphabet": "gsm7",
    "segments": 1,
    "class": "0",
    "ingress": "mail",
    "at_ms": 1_800_000_000_000,
}


def answered(monkeypatch: pytest.MonkeyPatch, **answer: Any) -> list[dict[str, Any]]:
    """The gateway answers so; what it was asked."""
    asked: list[dict[str, Any]] = []

    def ask(state_dir: object, command: str, **request: Any) -> dict[str, Any]:
        asked.append({"command": command, **request})
        return answer

    monkeypatch.setattr(route, "ask", ask)
    return asked


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["explain"], "explain needs --to NUMBER"),
        (["explain", "--to", "1", "--segments", "256"], "--segments is 1 to 255"),
        (["explain", "--to", "1", "--at", "soon"], "--at: 'soon' is no time; write 2h"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["route", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"smsc-gateway route: {told}")


def test_all_that_is_said_of_the_message_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = answered(monkeypatch, message=MESSAGE, routes=[], left_out=0, route=None, refused="no_route")
    options = (
        "--from Example --to 7 --text hi --account app --ingress mail --alphabet ucs2 --class 0 --segments 2"
    )
    assert main(["route", "explain", *options.split(), "--at", "2027-01-15T08:00:00+00:00"]) == 1
    assert asked == [
        {
            "command": "route_explain",
            "source": "Example",
            "destination": "7",
            "text": "hi",
            "account": "app",
            "ingress": "mail",
            "at_ms": 1_800_000_000_000,
            "alphabet": "ucs2",
            "class": "0",
            "segments": 2,
        }
    ]
    shown = capsys.readouterr().out
    assert "message      gsm7, 1 segment, class 0, no account, by mail, " in shown
    assert shown.endswith("route        none holds\nrefused      no_route\n")


def test_what_a_route_holds_for_and_what_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    holding = {
        "name": "way",
        "number": 7,
        "priority": -1,
        "prefix": "7",
        "holds": True,
        "conditions": [{"option": "days", "asks": "on sun UTC", "holds": True}],
    }
    connectors = [
        {"name": "one", "state": "silent", "weight": 3, "price": 1_500_000, "why": "the cheapest"},
        {"name": "two", "state": "down", "weight": 0, "price": None},
    ]
    answered(
        monkeypatch,
        message=MESSAGE,
        routes=[holding],
        left_out=12,
        route="way",
        refused=None,
        changes=[{"what": "source", "from": "", "to": "a\x1b[2Jb"}],
        connectors=connectors,
        connector="one",
        sent={"alphabet": "ucs2", "segments": 2, "class": "none"},
        prices={"account": None, "currency": "EUR", "connector": 3_000_000},
        test_mode=True,
    )
    assert main(["route", "explain", "--to", "7"]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown, "a hostile name must not reach the terminal"
    for line in (
        "holds        way (no. 7, priority -1, prefix 7)",
        "             + days: on sun UTC",
        "             and 12 more that do not hold",
        "connector    one: answers nothing, weight 3, 1.50 a segment (the cheapest)",
        "             two: has no link, weight 0",
        "sent         ucs2, 2 segments, and goes nowhere: test mode",
        "price        none EUR",
        "cost         3.00",
    ):
        assert line in shown.splitlines()


def test_the_list_says_what_each_route_is_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {
            "number": 1,
            "name": "a",
            "priority": 0,
            "prefixes": ["1", "2", "3", "4"],
            "conditions": ["on sun UTC", "in ucs2"],
            "connectors": ["one", "two"],
            "weights": [70, 30],
            "refuse": False,
        },
        {
            "number": 2,
            "name": "b",
            "priority": 0,
            "prefixes": [],
            "conditions": [],
            "connectors": [],
            "weights": [],
            "refuse": True,
        },
    ]
    answered(monkeypatch, rows=rows, count=5000)
    assert main(["route", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split("  ")[0] == "1"
    assert "1, 2, 3 and 1 more" in lines[1] and "one 70, two 30" in lines[1]
    assert "on sun UTC; in ucs2" in lines[1]
    assert "every number" in lines[2] and "refuses" in lines[2]
    assert lines[3] == "and 4998 more"
    assert main(["route", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == rows
