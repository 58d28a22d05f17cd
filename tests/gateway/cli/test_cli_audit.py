"""`smsc-gateway audit`: what it asks for, page by page, and what it shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.__main__ import main
from gateway.cli import audit

ROW: dict[str, object] = {
    "at_ms": 1_700_000_000_000,
    "who": "root",
    "origin": "command",
    "address": "uid 0",
    "action": "decide",
}
ROW |= {"audit_id": 7, "subject": "word=drop", "outcome": "done", "why": ""}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the gateway was asked; it has 2,500 rows."""
    found: list[dict[str, Any]] = []

    def ask(state_dir: Path, command: str, **request: Any) -> dict[str, Any]:
        found.append({"command": command, **request})
        below: int = request["before"] or 2501
        rows: list[Any] = [
            {**ROW, "audit_id": n} for n in range(below - 1, max(0, below - 1 - request["limit"]), -1)
        ]
        return {"rows": rows, "next": rows[-1]["audit_id"] if rows and rows[-1]["audit_id"] > 1 else None}

    monkeypatch.setattr(audit, "ask", ask)
    return found


def test_what_is_asked_for(asked: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    line = ["audit", "--since", "2026-11-20", "--who", "ann", "--action", "decide", "--outcome", "under way"]
    assert main([*line, "--limit", "1"]) == 0
    [request] = asked
    since_ms = request.pop("since_ms")
    assert isinstance(since_ms, int)
    assert request == {
        "command": "audit",
        "before": None,
        "limit": 1,
        "who": "ann",
        "action": "decide",
        "outcome": "under way",
    }
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["at", "who", "origin", "address", "action", "subject", "outcome", "why"]
    assert row.endswith("root  command  uid 0    decide  word=drop  done     -")


@pytest.mark.parametrize(("limit", "found", "requests"), [(1500, 1500, 2), (9999, 2500, 3)])
def test_page_by_page(
    asked: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], limit: int, found: int, requests: int
) -> None:
    assert main(["audit", "--limit", str(limit), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["audit_id"] for row in rows] == list(range(2500, 2500 - found, -1))
    assert len(asked) == requests


@pytest.mark.parametrize("line", [["--limit", "0"], ["--since", "soon"], ["--outcome", "good"]])
def test_what_makes_no_sense(asked: list[dict[str, Any]], line: list[str]) -> None:
    with pytest.raises(SystemExit) if line[0] == "--outcome" else pytest.MonkeyPatch.context():
        assert main(["audit", *line]) == 2
    assert asked == []
