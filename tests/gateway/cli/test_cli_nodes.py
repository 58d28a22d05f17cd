"""smsc-gateway nodes: what it refuses, what it asks the gateway, what it prints, what it waits for."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.__main__ import main
from gateway.cli import nodes

FIRST: dict[str, Any] = {
    "name": "sms1",
    "node": 1,
    "boot": 7,
    "here": True,
    "since_ms": 1_750_000_000_000,
    "heartbeat_s": 3.2,
    "connectors": ["a", "b", "c", "d", "e"],
    "sessions": 4,
    "leases": ["housekeeping"],
    "state": "in service",
    "version": "1.2.3",
}
SECOND = {**FIRST, "name": "sms2", "node": 2, "boot": 9, "here": False, "leases": []}


class Daemon:
    """Answers what it is told to, one answer after the other, and remembers what it was asked."""

    def __init__(self, *looks: list[dict[str, Any]], shared: bool = True) -> None:
        self.looks = list(looks)
        self.shared = shared
        self.asked: list[dict[str, Any]] = []

    def ask(self, state_dir: Path, command: str, **arguments: Any) -> dict[str, Any]:
        self.asked.append({"command": command, **arguments})
        if command != "nodes":
            return {"node": arguments["node"]}
        rows = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        return {"nodes": rows, "shared": self.shared, "now_ms": 0}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.setattr(nodes, "LOOK_EVERY_S", 0.0)
    monkeypatch.setenv("SUDO_USER", "olga")

    def run(daemon: Daemon, *words: str, code: int = 0) -> tuple[str, str]:
        monkeypatch.setattr(nodes, "ask", daemon.ask)
        assert main(["nodes", *words]) == code
        return tuple(capsys.readouterr())  # type: ignore[return-value]

    return run


def test_all_nodes_are_shown_in_a_line_each(run: Any) -> None:
    out, _ = run(Daemon([FIRST, SECOND]))
    head, first, second = out.splitlines()
    assert " ".join(head.split()) == (
        "name node boot since heartbeat connectors sessions leases state version"
    )
    assert first.startswith("sms1 *")
    assert "3 s ago" in first
    assert "a,b,c,d +1" in first
    assert "housekeeping" in first
    assert second.startswith("sms2 ")


def test_a_gateway_that_is_alone_says_so(run: Any) -> None:
    out, _ = run(Daemon([{**FIRST, "node": 0, "heartbeat_s": None}], shared=False), "list")
    assert "it is the only node" in out


def test_json_has_all_of_it(run: Any) -> None:
    out, _ = run(Daemon([FIRST, SECOND]), "--json")
    assert json.loads(out) == [FIRST, SECOND]


def test_a_drain_waits_until_nothing_is_under_way(run: Any) -> None:
    daemon = Daemon(
        [FIRST, SECOND],
        [FIRST, {**SECOND, "state": "draining"}],
        [FIRST, {**SECOND, "state": "draining"}],
        [FIRST, {**SECOND, "state": "draining", "sessions": 1, "connectors": []}],
        [FIRST, {**SECOND, "state": "drained"}],
    )
    out, progress = run(daemon, "drain", "sms2")
    assert out == "sms2 is drained: it can be stopped\n"
    assert progress.splitlines() == [
        "sms2: 4 session(s), 5 connector(s) are left",
        "sms2: 1 session(s), 0 connector(s) are left",
    ]
    assert daemon.asked[1] == {"command": "node_drain", "node": "sms2", "who": "olga"}


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        return True


LAST = [{**FIRST, "state": "draining"}, SECOND]


def test_the_last_node_in_service_is_not_drained_unasked(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    daemon = Daemon(LAST)
    _, error = run(daemon, "drain", "sms2", code=2)
    assert "sms2 is the last node in service" in error
    assert "--yes" in error
    assert [asked["command"] for asked in daemon.asked] == ["nodes"]


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("\n", 1), ("", 1)])
def test_on_a_terminal_it_is_asked_for(
    run: Any, monkeypatch: pytest.MonkeyPatch, typed: str, code: int
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    daemon = Daemon(LAST, [LAST[0], {**SECOND, "state": "drained"}])
    _, error = run(daemon, "drain", "sms2", code=code)
    assert "nobody takes anything" in error
    assert ("node_drain" in [asked["command"] for asked in daemon.asked]) is (code == 0)


def test_yes_is_an_answer(run: Any) -> None:
    daemon = Daemon([LAST[0], {**SECOND, "state": "drained"}])
    out, error = run(daemon, "drain", "sms2", "--yes")
    assert (out, error) == ("sms2 is drained: it can be stopped\n", "")
    assert daemon.asked[0]["command"] == "node_drain"


def test_a_node_that_is_drained_already_needs_no_answer(run: Any) -> None:
    out, _ = run(Daemon([{**FIRST, "state": "drained"}, {**SECOND, "state": "drained"}]), "drain", "sms2")
    assert "is drained" in out


def test_where_there_are_no_nodes_nothing_is_asked(run: Any) -> None:
    daemon = Daemon([FIRST], [FIRST], [{**FIRST, "state": "drained"}], shared=False)
    run(daemon, "drain", "sms1")
    assert daemon.asked[1]["command"] == "node_drain", "which says why not"


def test_a_node_that_has_gone_meanwhile_needs_no_more_wait(run: Any) -> None:
    out, _ = run(Daemon([FIRST]), "drain", "sms2")
    assert out == "sms2 is gone\n"


def test_a_drain_that_takes_too_long_goes_on_without_the_command(run: Any) -> None:
    daemon = Daemon([FIRST, {**SECOND, "state": "draining"}])
    _, error = run(daemon, "drain", "sms2", "--timeout", "0", code=1)
    assert "not drained yet" in error


def test_a_node_goes_on(run: Any) -> None:
    daemon = Daemon([FIRST])
    out, _ = run(daemon, "resume", "sms2")
    assert out == "sms2 goes on\n"
    assert daemon.asked == [{"command": "node_resume", "node": "sms2", "who": "olga"}]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("drain",), "name the node: smsc-gateway nodes drain NAME"),
        (("list", "sms1"), "list takes no NAME"),
    ],
)
def test_what_makes_no_sense_is_refused(run: Any, words: tuple[str, ...], told: str) -> None:
    _, error = run(Daemon([FIRST]), *words, code=2)
    assert told in error
