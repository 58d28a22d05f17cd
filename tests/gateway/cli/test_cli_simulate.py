"""smsc-gateway simulate: the real executable."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

import pytest
from smpplib.client import Client

from gateway.__main__ import main
from gateway.simulator import SimulatorSettings
from gateway.simulator.outcomes import MAGIC

EXECUTABLE = str(Path(sys.executable).with_name("smsc-gateway"))
PATIENCE_S = 5.0


@contextmanager
def simulate(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The running command and its first line."""
    command = [EXECUTABLE, "simulate", "--listen", "127.0.0.1:0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline()
        finally:
            process.kill()


def submit_one(port: int, password: str = "pw") -> int:
    """Submit one Cyrillic text through smpplib; the answer's status."""
    client = Client("127.0.0.1", port, timeout=PATIENCE_S, allow_unknown_opt_params=True)
    client.connect()
    try:
        client.bind_transmitter(system_id="demo", password=password)
        text = "привет".encode("utf-16-be")
        client.send_message(
            source_addr="12345", destination_addr="15550001", data_coding=8, short_message=text
        )
        status: int = client.read_pdu().status
        client.unbind()
        return status
    finally:
        client.disconnect()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_line_when_ready_one_at_the_end(number: signal.Signals) -> None:
    with simulate("--error-pct", "100", "--error-status", "ESME_RINVSRCADR") as (process, ready):
        assert ready.startswith("simulated SMSC on 127.0.0.1:")
        assert submit_one(int(ready.split(":")[1].split()[0])) == 0x0A
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, err) == (0, "")
        [summary] = out.splitlines()
        assert "submitted 1, accepted 0, refused 1" in summary


def test_json_prints_a_line_for_each_message(tmp_path: Path) -> None:
    password_file = tmp_path / "password"
    password_file.write_text("right\n")
    with simulate("--json", "--password-file", str(password_file)) as (process, ready):
        first = json.loads(ready)
        assert first["event"] == "ready"
        assert submit_one(int(first["listen"].split(":")[1]), "right") == 0
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, err) == (0, "")
        received, summary = map(json.loads, out.splitlines())
        assert (received["event"], received["text"], received["status"]) == ("received", "привет", "ESME_ROK")
        assert (received["source"], received["destination"]) == ("12345", "15550001")
        assert received["system_id"] == "demo"
        assert (summary["event"], summary["accepted"]) == ("summary", 1)


def test_address_in_use_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        command = [EXECUTABLE, "simulate", "--listen", address]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 1
    assert f"cannot listen on {address}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--throttle-pct", "101"], "throttle_pct"),
        (["--state-mix", "FINE=1"], "FINE"),
        (["--listen", "nowhere"], "HOST:PORT"),
        (["--password-file", "/does/not/exist"], "/does/not/exist"),
    ],
)
def test_nonsense_is_refused(options: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", *options]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("status", ["ESME_RNOTHING", "many"])
def test_unknown_status_is_refused(status: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        main(["simulate", "--error-status", status])
    assert leaving.value.code == 2
    assert "--error-status" in capsys.readouterr().err


def test_help_names_every_setting_and_magic_destination(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["simulate", "--help"])
    text = capsys.readouterr().out
    for code, outcome in MAGIC.items():
        assert f"…{code}  {outcome.meaning}" in text
    for option in fields(SimulatorSettings):
        assert f"--{option.name.replace('_', '-')}" in text
