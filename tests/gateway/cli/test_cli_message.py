"""smsc-gateway message: a message's timeline, or a mail."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.__main__ import main
from gateway.cli import message

MAIL: dict[str, Any] = {
    "mail_id": "912",
    "account": "app",
    "received_ms": 1_750_000_000_000,
    "sender": "ops@example.org",
    "header_id": "<1@example.org>\x1b",
    "envid": "",
    "client_id": "",
    "messages": [{"message_id": "911", "recipient": "7@sms.example.org", "to": "7*", "state": "SENT"}],
    "letters": [],
}
MESSAGE: dict[str, Any] = {
    "message_id": "911",
    "state": "SENT",
    "to": "7*",
    "connector": "one",
    "timeline": [{"at_ms": 1_750_000_000_000, "text": "accepted"}],
}


def shown(answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setattr(message, "ask", lambda *_, **__: answer)
    assert main(["message", "912"]) == 0
    return capsys.readouterr().out


def test_a_message(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    head, event = shown(MESSAGE, monkeypatch, capsys).splitlines()
    assert head == "911  SENT  to 7* by one"
    assert event.endswith("  accepted")


def test_a_mail(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(MAIL, monkeypatch, capsys).splitlines()
    assert lines[0].startswith("912  mail from ops@example.org for app, 2025-06-1")
    assert lines[1].startswith("  header_id <1@example.org>")
    assert "\x1b" not in lines[1]
    assert lines[2:5] == ["", "messages", "message_id  recipient          to  state"]
    assert lines[5] == "911         7@sms.example.org  7*  SENT"
    assert lines[6:] == ["", "letters", "none"]


def test_the_null_sender(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert "mail from <> for app" in shown({**MAIL, "sender": ""}, monkeypatch, capsys)
