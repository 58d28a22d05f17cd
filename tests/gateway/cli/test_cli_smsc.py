"""The table of commands of `smsc-gateway smsc`: whole, explained, and driven from the command line."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from smsc_command import Runner

from gateway.__main__ import main
from gateway.cli import smsc
from gateway.cli.smsc.commands import COMMANDS, GROUPS
from gateway.cli.smsc.table import Command
from protocols.smsc_http.operations import OPERATIONS

GIVEN_ELSEWHERE = {
    "phone_group_add": {"type"},  # what --mail is for
    "phone_group_get": {"type"},
    "send": {"cost"},  # --cost is the other operation
    "user_add": {"pswc", "new_login"},  # of one that is there already
    "balance": {"cur"},  # always asked for
    "messages": {"cnt"},  # pages
    "status": {"id", "phone"},  # ID:NUMBER
    "status_delete": {"id", "phone"},
    "user_stat_all": {"reseller"},  # it is about no others
}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(monkeypatch, capsys)


@cache
def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="smsc-gateway smsc")
    smsc.configure(made)
    return made


def test_every_operation_of_the_service_has_a_command() -> None:
    asked = {command.operation for command in COMMANDS.values()}
    asked |= {name.replace("phone_", "mail_") for name in asked if name.startswith("phone_")}
    # `send --cost` asks for the cost
    assert asked | {"cost"} == set(OPERATIONS)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=list(COMMANDS))
def test_every_parameter_of_an_operation_has_an_option(command: Command) -> None:
    given = {option.parameter for option in command.options if option.parameter and option.kind != "file"}
    taken = OPERATIONS[command.operation].parameters - GIVEN_ELSEWHERE.get(command.operation, set())
    assert taken - given == set()
    assert given - OPERATIONS[command.operation].parameters == set()


@pytest.mark.parametrize("command", COMMANDS.values(), ids=list(COMMANDS))
def test_the_example_of_a_command_is_one(command: Command) -> None:
    args = parser().parse_args(shlex.split(command.example))
    assert args.command is command


@pytest.mark.parametrize("name", [*COMMANDS, *GROUPS])
def test_help_says_what_a_command_does_with_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        parser().parse_args([*name.split(), "--help"])
    assert left.value.code == 0
    out = capsys.readouterr().out
    if name in COMMANDS:
        assert COMMANDS[name].help in out
        assert f"example:\n  smsc-gateway smsc {COMMANDS[name].example}" in out
    else:
        assert GROUPS[name] in out


def test_help_loads_neither_http_nor_tables() -> None:
    script = (
        "import sys, gateway.__main__ as m\n"
        "try: m.main(['smsc', 'send', '--help'])\n"
        "except SystemExit: pass\n"
        "sys.stderr.write(' '.join(n for n in sys.modules if n in ('aiohttp', 'rich', 'asyncio', 'yaml')))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.parametrize(
    "words", [["--json", "--config", "c.yaml", "balance"], ["balance", "--config", "c.yaml", "--json"]]
)
def test_shared_options_stand_before_or_behind_the_command(words: list[str]) -> None:
    args = parser().parse_args(words)
    assert (args.json, args.config, args.connector) == (True, Path("c.yaml"), None)


@pytest.mark.parametrize("words", [[], ["contacts"], ["contacts", "nonsense"], ["balance", "--nonsense"]])
def test_wrong_usage_is_exit_code_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["smsc", *words])
    assert left.value.code == 2
    assert "usage: smsc-gateway smsc" in capsys.readouterr().err


def test_a_command_asks_and_the_client_is_closed(run: Runner) -> None:
    done = run("balance", answers={"balance": {"balance": "100.50", "currency": "RUR"}})
    assert (done.code, done.err) == (0, "")
    assert done.out == "balance   100.50\ncurrency  RUR\n"
    assert [(call.operation, call.params) for call in done.calls] == [("balance", {"cur": "1"})]
