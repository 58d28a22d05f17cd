"""smsc-gateway message, receipts and deadletters: what they refuse before they ask, and what they ask for."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

from gateway.__main__ import main
from gateway.cli import message


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["message", "find", "7"], "find takes options, as --id ID"),
        (["message", "find", "--limit", "0"], "--limit must be above 0"),
        (
            ["message", "find", "--number", "Example"],
            "--number: 'Example' is no number; write it as +79991234567",
        ),
        (["message", "find", "--number", "+"], "--number: '+' is no number; write it as +79991234567"),
        (["message", "find", "--id", "x"], "'x' is no message id: decimal, 16 hex digits, or a UUID"),
        (["message", "find", "--since", "soon"], "--since: 'soon' is no time; write 2h, 3d, 10:30,"),
        (["message", "find", "--until", "3d", "--since", "2d"], "--until is before --since, which is "),
        (["message", "find", "--until", "3d"], "--until is before --since, which is "),
        (["message", "find", "--state", "GONE"], "--state: GONE is none of QUEUED, SENT, HELD,"),
        (["message", "show"], "name one message: smsc-gateway message show ID"),
        (["message", "1", "2"], "name one message: smsc-gateway message show ID"),
        (["message", "hold"], "name the messages: smsc-gateway message hold ID …"),
        (["message", "cancel", "1", "x"], "'x' is no message id: decimal, 16 hex digits, or a UUID"),
        (["receipts", "unmatched", "--limit", "0"], "--limit must be above 0"),
        (["deadletters", "list", "7"], "list takes no ID and lists all, or --account NAME"),
        (["deadletters", "list", "--all"], "list takes no ID and lists all, or --account NAME"),
        (["deadletters", "list", "--limit", "0"], "--limit must be above 0"),
        (["deadletters", "replay"], "replay what: ID …, --account NAME, or --all"),
        (["deadletters", "replay", "7", "--all"], "replay what: ID …, --account NAME, or --all"),
        (["deadletters", "replay", "x7"], "'x7' is no id of `deadletters list`"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    streams = capsys.readouterr()
    assert streams.err.startswith(f"smsc-gateway {arguments[0]}: {told}")
    assert streams.out == ""


@pytest.mark.parametrize(
    "command",
    [
        ["message", "find"],
        ["message", "hold", "1"],
        ["receipts", "unmatched"],
        ["deadletters", "list"],
        ["deadletters", "replay", "1"],
        ["deadletters", "replay", "--all"],
    ],
)
def test_without_a_gateway_the_state_directory_is_named(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--state-dir", str(tmp_path)]) == 1
    expected = f"no gateway is running on {tmp_path}; give the --state-dir that it was started with\n"
    assert capsys.readouterr().err.endswith(expected)


NOW_MS = 1_800_000_000_000
DAY_MS = 24 * 3_600_000


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ([], {"since_ms": NOW_MS - DAY_MS, "until_ms": 0, "states": [], "full": False, "number": ""}),
        (["--id", "7"], {"since_ms": 0, "message_id": 7}),
        (["--client-id", "7"], {"since_ms": 0, "client_id": "7"}),
        (["--id", "7", "--since", "2h"], {"since_ms": NOW_MS - 7_200_000}),
        (["--upstream-id", "7"], {"since_ms": NOW_MS - DAY_MS, "upstream_id": "7"}),
        (["--until", "2h"], {"since_ms": NOW_MS - DAY_MS, "until_ms": NOW_MS - 7_200_000}),
        (["--number", "+7 (999) 123-45-67"], {"number": "79991234567", "full": True}),
        (["--full"], {"full": True}),
        (["--state", "sent, Expired,"], {"states": ["SENT", "EXPIRED"]}),
        (["--account", "a", "--connector", "c"], {"account": "a", "connector": "c", "limit": 100}),
    ],
)
def test_what_is_asked_for(options: list[str], asked: dict[str, Any]) -> None:
    parser = argparse.ArgumentParser()
    message.configure(parser)
    request = message._asked(parser.parse_args(["find", *options]), NOW_MS)
    assert {name: request[name] for name in asked} == asked
