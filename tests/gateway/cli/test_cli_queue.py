"""smsc-gateway queue and message: what they refuse before they ask the gateway."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.__main__ import main


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["queue", "waiting", "--limit", "0"], "--limit must be above 0"),
        (["queue", "waiting", "--limit", "-1"], "--limit must be above 0"),
        (["queue", "waiting", "912"], "waiting is a list and takes no ID"),
        (["queue", "resend"], "name the message: smsc-gateway queue resend ID"),
        (["queue", "held", "--all"], "--all goes with resend or drop"),
        (["queue", "resend", "912", "--all"], "resend takes an ID or --all, not both"),
        (["queue", "drop", "zz"], "'zz' is no message id: decimal, 16 hex digits, or a UUID"),
        (["message", "zz"], "'zz' is no message id: decimal, 16 hex digits, or a UUID"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    streams = capsys.readouterr()
    assert streams.err == f"smsc-gateway {arguments[0]}: {told}\n"
    assert streams.out == ""


@pytest.mark.parametrize("command", [["status"], ["queue"], ["queue", "drop", "1"], ["message", "1"]])
def test_without_a_gateway_the_state_directory_is_named(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.touch()
    for state_dir in (tmp_path, tmp_path / "none", file):
        assert main([*command, "--state-dir", str(state_dir)]) == 1
        expected = f"no gateway is running on {state_dir}; give the --state-dir that it was started with\n"
        assert capsys.readouterr().err.endswith(expected)


def test_state_directory_that_is_too_long_for_its_socket(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--state-dir", str(tmp_path / ("x" * 100))]) == 1
    assert "give a shorter --state-dir" in capsys.readouterr().err
