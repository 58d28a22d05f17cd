"""smsc-gateway account: what it refuses, what it asks the gateway, what it prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.__main__ import main
from gateway.cli import account


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["list", "app"], "list takes no NAME; show does"),
        (["show"], "name the account: smsc-gateway account show NAME"),
        (["show", "app", "1"], "show takes no AMOUNT; credit and debit do"),
        (["show", "app", "--changes", "-1"], "--changes must not be below 0"),
        (["credit"], "name the account: smsc-gateway account credit NAME"),
        (["debit", "app", "1", "--from", "head"], "--from is for credit"),
        (["debit", "app"], "name the amount: smsc-gateway account debit app AMOUNT"),
        (
            ["credit", "app", "1,5"],
            "'1,5' is no amount: write an amount in digits, for example 100 or 12.50",
        ),
        (["credit", "app", "0.0000001"], "'0.0000001' is no amount: write at most six decimals"),
        (["credit", "app", "0"], "the amount must be above 0; debit takes money out"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["account", *arguments]) == 2
    streams = capsys.readouterr()
    assert streams.err == f"smsc-gateway account: {told}\n"
    assert streams.out == ""


class Daemon:
    """Answers what it is told to, and remembers what it was asked."""

    def __init__(self, **answer: Any) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []

    def ask(self, state_dir: Path, command: str, **arguments: Any) -> dict[str, Any]:
        self.asked.append({"command": command, **arguments})
        return self.answer


CHANGED = {"account": "app", "amount": "12.50", "balance": "20.00", "credit": "0.00", "currency": "EUR"}
ROW = {"account": "app", "parent": None, "payer": "app", "balance": "20.00", "state": "open"}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(daemon: Daemon, *words: str) -> str:
        monkeypatch.setattr(account, "ask", daemon.ask)
        monkeypatch.setenv("SUDO_USER", "root")
        assert main(["account", *words]) == 0
        return capsys.readouterr().out

    return run


def test_money_goes_in_and_out_with_who_and_why(run: Any) -> None:
    daemon = Daemon(**CHANGED)
    assert run(daemon, "credit", "app", "12.5", "--note", "invoice 17") == (
        "app: 12.50, the balance is 20.00 EUR\n"
    )
    assert json.loads(run(daemon, "debit", "app", "12.5", "--json")) == CHANGED
    run(daemon, "credit", "app", "12.5", "--from", "head")
    assert [(it["amount"], it["who"], it["note"], it["from"]) for it in daemon.asked] == [
        ("12.50", "root", "invoice 17", ""),
        ("-12.50", "root", "", ""),
        ("12.50", "root", "", "head"),
    ]
    assert {it["command"] for it in daemon.asked} == {"account_credit"}


def test_a_list(run: Any) -> None:
    assert run(Daemon(accounts=[ROW]), "list").splitlines() == [
        "account  parent  payer  balance  state",
        "app      -       app    20.00    open",
    ]
    assert json.loads(run(Daemon(accounts=[ROW]), "list", "--json")) == [ROW]


def test_one_account(run: Any) -> None:
    change = {"at_ms": 0, "who": "ro\x1bot", "amount": "12.50", "balance": "20.00", "note": "invoice 17"}
    daemon = Daemon(account={**ROW, "parts": ["one", "two"], "tags": []}, changes=[change])
    lines = run(daemon, "show", "app", "--changes", "3").splitlines()
    assert lines[0].split() == ["account", "app"]
    assert "parts          one, two" in lines
    assert "tags           -" in lines
    assert lines[-2].split() == ["at", "who", "amount", "balance", "note"]
    assert lines[-1].split() == ["-", "ro\\x1bot", "12.50", "20.00", "invoice", "17"]
    assert daemon.asked == [{"command": "account", "account": "app", "limit": 3}]
    free = {**ROW, "balance": None, "payer": None}
    assert "changes" not in run(Daemon(account=free, changes=[]), "show", "app")
