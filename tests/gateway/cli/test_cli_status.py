"""`smsc-gateway status`: what it prints of a gateway's answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.__main__ import main
from gateway.cli import status

ANSWER: dict[str, Any] = {
    "healthy": True,
    "problems": [],
    "node": None,
    "nodes": [],
    "up_s": 61,
    "accepted": 5,
    "open_messages": 2,
    "store": {"address": "SQLite", "commits": 9, "waiting_s": 0.0},
    "blacklist": 0,
    "refused": {},
    **{name: [] for name in ("connectors", "services", "accounts", "listeners", "mail", "http")},
}


def printed(answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: Any) -> list[str]:
    monkeypatch.setattr(status, "ask", lambda state_dir, command: answer)
    assert main(["status", "--state-dir", str(Path("nowhere"))]) == 0
    lines: list[str] = capsys.readouterr().out.splitlines()
    return lines


def test_a_gateway_that_is_alone_says_nothing_of_nodes(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    assert printed(ANSWER, monkeypatch, capsys) == ["healthy", "up 0:01:01, accepted 5, open 2, commits 9"]


def test_a_node_says_its_name_and_where_its_store_is(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    store = {**ANSWER["store"], "address": "postgresql://gateway@db1/smsc"}
    lines = printed({**ANSWER, "node": "sms1", "store": store}, monkeypatch, capsys)
    assert lines[2] == "node sms1, store postgresql://gateway@db1/smsc"
