"""The trace command's words: what it takes, and how a PDU is written."""

from __future__ import annotations

import argparse
import io
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import CommandError, trace
from gateway.ops.pcap import file_header


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    trace.configure(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("10m", 600), ("2h", 7200), ("1d", 86_400), ("24h", 86_400)]
)
def test_how_long(text: str, seconds: int) -> None:
    assert parsed("--account", "app", "--for", text).seconds == seconds


@pytest.mark.parametrize("text", ["", "10", "0s", "25h", "1.5h", "10 m", "٣m", "999999d"])
def test_what_is_no_time(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed("--account", "app", "--for", text)
    assert "24h at the most" in capsys.readouterr().err


@pytest.mark.parametrize("words", [(), ("--account", "app", "--number", "1"), ("--for", "1m")])
def test_one_of_the_three_is_asked_for(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed(*words)
    assert "--account" in capsys.readouterr().err


def test_defaults() -> None:
    args = parsed("--number", "1234")
    assert (args.seconds, args.text, args.out, args.json) == (600, True, None, False)


def row(**fields: Any) -> dict[str, Any]:
    return {
        "at_ms": 1_750_000_000_123,
        "dropped": 0,
        "session": 1,
        "side": "client",
        "name": "app",
        "way": "received",
        "ours": ["192.0.2.1", 2775],
        "theirs": ["192.0.2.7", 51234],
        "command": "submit_sm",
        "sequence": 5,
        "fields": {},
        "tlvs": {},
        "frame": "00000010000000150000000000000005",
        **fields,
    }


@pytest.mark.parametrize(
    ("fields", "end"),
    [
        ({}, "app 192.0.2.7:51234 <- submit_sm seq=5"),
        ({"way": "sent", "theirs": ["", 0], "name": ""}, "- local -> submit_sm seq=5"),
        ({"status": "ESME_ROK"}, "seq=5 status=ESME_ROK"),
        ({"error": "it cannot be read"}, "seq=5 error=it cannot be read"),
        (
            {"fields": {"short_message": "6869", "text": "hi"}, "tlvs": {"payload_type": 1}},
            'seq=5 text="hi" payload_type=1',
        ),
        ({"fields": {"short_message": "<2 octets>"}}, 'seq=5 short_message="<2 octets>"'),
        ({"fields": {"text": "a\nb\x1b[0m\u202e"}}, 'seq=5 text="a\\nb\\u001b[0m\\u202e"'),
        ({"fields": {"text": "я" * 500}}, 'text="' + "я" * 500 + '"'),
    ],
)
def test_a_line(fields: dict[str, Any], end: str) -> None:
    assert trace.line_of(row(**fields)).endswith(end)


def test_each_session_is_a_conversation_of_its_own() -> None:
    file = io.BytesIO()
    capture = trace.Capture(file)
    for session in (1, 2, 1):
        capture.add(row(session=session))
    records = file.getvalue().removeprefix(file_header())
    packets = [records[pos + 16 : pos + 72] for pos in range(0, len(records), 72)]
    assert [int.from_bytes(packet[24:28], "big") for packet in packets] == [1, 1, 17]


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot write"):
        trace.run(parsed("--account", "app", "--out", str(tmp_path / "no" / "trace.pcap")))


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("kept")
    (tmp_path / "trace.pcap").symlink_to(tmp_path / "there")
    with pytest.raises(CommandError, match="cannot write"):
        trace.run(parsed("--account", "app", "--out", str(tmp_path / "trace.pcap")))
    assert (tmp_path / "there").read_text() == "kept"


def test_what_is_no_file_keeps_its_mode(tmp_path: Path) -> None:
    """As root, /dev/null would be nobody else's any more."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o644)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(CommandError, match="no gateway is running"):
            trace.run(parsed("--account", "app", "--out", str(pipe), "--state-dir", str(tmp_path)))
        assert stat.S_IMODE(pipe.stat().st_mode) == 0o644
    finally:
        os.close(reader)


def test_without_a_gateway_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no gateway is running"):
        trace.run(parsed("--account", "app", "--state-dir", str(tmp_path)))
