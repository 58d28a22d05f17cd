"""The frame around the commands: list, dispatch, shared options, exit codes, start-up."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import gateway.__main__ as frame
from gateway.cli import COMMANDS, CommandError, add_config, add_json, add_state_dir
from gateway.config.problems import ConfigError, Problem


def stand_in(monkeypatch: pytest.MonkeyPatch, outcome: BaseException | int) -> None:
    """Let the command `status` end so."""

    def run(args: argparse.Namespace) -> int:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    module = SimpleNamespace(HELP="A stand-in.", configure=lambda parser: None, run=run)
    monkeypatch.setattr(frame, "import_module", lambda name: module)


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for add in (add_config, add_state_dir, add_json):
        add(parser)
    return parser.parse_args(arguments)


def test_help_lists_every_command_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        frame.main(["--help"])
    assert left.value.code == 0
    out = " ".join(capsys.readouterr().out.split())
    for name, line in COMMANDS.items():
        assert f"{name} {line}" in out


def test_help_imports_no_command_and_no_yaml() -> None:
    script = (
        "import sys, gateway.__main__ as m\n"
        "try: m.main(['--help'])\n"
        "except SystemExit: pass\n"
        "found = [n for n in sys.modules if n.startswith(('gateway.', 'yaml', 'asyncio'))]\n"
        "sys.stderr.write(' '.join(sorted(found)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.split() == ["gateway.__main__", "gateway.cli"]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        frame.main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith("smsc-gateway 0.")


@pytest.mark.parametrize(
    "arguments", [[], ["nonsense"], ["check-config", "--nonsense"], ["check-config", "x"]]
)
def test_wrong_usage_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        frame.main(arguments)
    assert left.value.code == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert "usage: smsc-gateway" in streams.err


def test_wrong_usage_shows_what_the_command_takes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        frame.main(["check-config", "config.yaml"])
    assert "usage: smsc-gateway check-config [-h] [--config PATH]" in capsys.readouterr().err


def test_a_command_gets_its_own_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        frame.main(["hash-password", "--help"])
    out = capsys.readouterr().out
    assert "usage: smsc-gateway hash-password" in out
    assert "  smsc-gateway hash-password < password.txt" in out


def test_a_command_gives_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, 3)
    assert frame.main(["status"]) == 3


def test_a_command_error_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, CommandError("nobody listens", 5))
    assert frame.main(["status"]) == 5
    assert capsys.readouterr().err == "smsc-gateway status: nobody listens\n"


def test_a_bad_configuration_is_exit_code_78(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, ConfigError([Problem(Path("c.yaml"), 2, 3, "log.level", "is odd", "write info")]))
    assert frame.main(["status"]) == 78
    assert capsys.readouterr().err == "c.yaml:2:3: log.level: is odd – write info\n"


def test_control_c_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, KeyboardInterrupt())
    assert frame.main(["status"]) == 130


def test_a_missing_module_inside_a_command_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise ModuleNotFoundError("No module named 'yaml'", name="yaml")

    monkeypatch.setattr(frame, "import_module", fail)
    with pytest.raises(ModuleNotFoundError):
        frame.main(["status"])


def test_a_reader_that_left_early_is_no_traceback() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "gateway", "describe-config"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_the_shared_options_have_the_systems_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    args = parsed()
    assert args.config == Path("/etc/smsc-gateway/config.yaml")
    assert args.state_dir == Path("/var/lib/smsc-gateway")
    assert args.json is False


def test_systemds_state_directory_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/one:/var/lib/two")
    assert parsed().state_dir == Path("/var/lib/one")
    assert parsed("--state-dir", "here").state_dir == Path("here")
