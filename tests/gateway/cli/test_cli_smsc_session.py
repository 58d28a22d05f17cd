"""Whose account a command uses, and what it says when the service does not do it."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import pytest
from smsc_command import Runner

from gateway.cli import CommandError
from gateway.cli.smsc import session
from gateway.egress.smsc_http.client import NoAnswer, NotSent
from protocols.smsc_http.answers import Failure
from protocols.smsc_http.requests import RequestError

CONFIG = """\
listeners: {{smpp: [{{address: 127.0.0.1:2775}}]}}
accounts:
  - system_id: app
    password_hash: scrypt$15$8$1$dmVjdG9yLXNhbHQtMDAwMQ==$0VzBzFwXWYHFIY74QcIFfpC4huEdnm7tfl1Lb5gkmQQ=
{connectors}
routes:
  - connectors: [a]
"""
ONE = "smsc_connectors: [{name: a, url: 'http://127.0.0.1:8081', login: gateway, password: hidden-1}]"
TWO = f"{ONE[:-1]}, {{name: b, url: 'http://127.0.0.1:8082', api_key: hidden-2}}]"
NONE = "connectors: [{name: a, address: '127.0.0.1:2776', system_id: x, password: y}]"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(monkeypatch, capsys)


def chosen(tmp_path: Path, connectors: str, name: str | None = None) -> str:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.format(connectors=connectors))
    path.chmod(0o600)
    found = session.connector_of(argparse.Namespace(config=path, connector=name))
    return str(found.name)


def test_the_only_connector_needs_no_name(tmp_path: Path) -> None:
    assert chosen(tmp_path, ONE) == "a"


def test_one_of_several_is_named(tmp_path: Path) -> None:
    assert chosen(tmp_path, TWO, "b") == "b"
    with pytest.raises(CommandError, match="--connector a or b") as told:
        chosen(tmp_path, TWO)
    assert told.value.code == 2


def test_a_name_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no smsc_connector c; there is a, b") as told:
        chosen(tmp_path, TWO, "c")
    assert told.value.code == 2


def test_a_configuration_without_the_service_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="has no smsc_connectors") as told:
        chosen(tmp_path, NONE)
    assert told.value.code == 78


@pytest.mark.parametrize(
    ("words", "operation", "number", "said"),
    [
        (["balance"], "balance", 2, "allows the address of this machine"),
        (["balance"], "balance", 4, "wait some minutes"),
        (["balance"], "balance", 9, "wait a minute"),
        (["operator", "7999"], "operator", 3, "operator not found (error 3 of info.php)"),
        (["numbers", "rent", "7999"], "rcv_buy", 3, "not enough money to rent the number (error 3"),
        (["send", "--to", "7999", "--text", "x"], "send", 3, "pay in; smsc-gateway smsc balance"),
        (["balance"], "balance", 77, r"the service says: odd\x1b (error 77 of balance.php)"),
    ],
)
def test_a_refusal_says_what_it_means_and_what_to_do(
    run: Runner, words: list[str], operation: str, number: int, said: str
) -> None:
    done = run(*words, answers={operation: Failure(number, "odd\x1b", None)})
    assert (done.code, done.out) == (1, "")
    assert said in done.err
    assert done.err.startswith("smsc-gateway smsc: ")


def test_a_service_that_cannot_be_reached_got_nothing(run: Runner) -> None:
    done = run("balance", answers={"balance": NotSent("http://127.0.0.1:1: connection refused")})
    assert done.code == 1
    assert "nothing was sent" in done.err
    assert "connection refused" in done.err
    assert "connector centre" in done.err


def test_no_answer_leaves_open_what_happened(run: Runner) -> None:
    done = run("balance", answers={"balance": NoAnswer("no answer within 30 s")})
    assert done.code == 1
    assert "did not answer (no answer within 30 s); the request may have been carried out" in done.err


def test_a_request_that_is_none_is_wrong_usage(run: Runner) -> None:
    assert run("balance", answers={"balance": RequestError("balance does not take x")}).code == 2


def test_a_real_client_is_closed_and_shows_no_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.format(connectors=ONE.replace("8081", "1")))
    path.chmod(0o600)
    connector = session.connector_of(argparse.Namespace(config=path, connector=None))

    async def ask() -> None:
        async with session.opened(connector) as opened:
            await opened.ask("balance", {})

    with pytest.raises(CommandError, match="nothing was sent") as told:
        asyncio.run(ask())
    assert "hidden" not in str(told.value)
