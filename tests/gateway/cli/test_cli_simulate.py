"""smsc-gateway simulate: the real executable."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from urllib.request import urlopen

import pytest
from smpplib.client import Client

from gateway.__main__ import main
from gateway.simulator import SimulatorSettings
from gateway.simulator.outcomes import MAGIC
from gateway.simulator.smsc_http.outcomes import rows as http_rows
from gateway.simulator.smsc_http.settings import HttpSettings

EXECUTABLE = str(Path(sys.executable).with_name("smsc-gateway"))
PATIENCE_S = 30.0


@contextmanager
def simulate_http(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The same without SMPP, for the service over HTTP."""
    command = [EXECUTABLE, "simulate", "--http", "127.0.0.1:0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline()
        finally:
            process.kill()


def ask(url: str) -> str:
    with urlopen(url, timeout=PATIENCE_S) as answer:
        body: bytes = answer.read()
    return body.decode()


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


def test_text_is_read_in_the_alphabet_that_data_coding_0_has() -> None:
    with simulate("--json", "--data-coding-0", "utf8", "--rate-status", "0x14") as (process, ready):
        port = int(json.loads(ready)["listen"].split(":")[1])
        client = Client("127.0.0.1", port, timeout=PATIENCE_S, allow_unknown_opt_params=True)
        client.connect()
        client.bind_transmitter(system_id="demo", password="pw")
        client.send_message(source_addr="1", destination_addr="15550001", short_message="ñ€".encode())
        client.read_pdu()
        client.disconnect()
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=PATIENCE_S)
        assert json.loads(out.splitlines()[0])["text"] == "ñ€"


def test_the_service_over_http_alone(tmp_path: Path) -> None:
    password_file = tmp_path / "password"
    password_file.write_text("right\n")
    options = ("--http-login", "alex", "--http-password-file", str(password_file))
    with simulate_http(*options) as (process, ready):
        assert re.fullmatch(
            r"simulated service on http://127\.0\.0\.1:\d+ for login alex; Ctrl-C ends it\n", ready
        )
        url = f"{ready.split()[3]}/sys/send.php?login=alex&phones=79990000001&mes=Hello&fmt=1&psw="
        assert (ask(f"{url}wrong"), ask(f"{url}right")) == ("0,-2", "1,1")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, err) == (0, "")
        assert out.startswith("requests 1, errors 1, accepted 1, incoming 0")


def test_both_at_once_tell_apart_in_json_what_came_where() -> None:
    with simulate_http("--listen", "127.0.0.1:0", "--json") as (process, ready):
        first = json.loads(ready)
        assert submit_one(int(first["listen"].split(":")[1])) == 0
        assert ask(f"{first['http']}/sys/send.php?apikey=k&phones=79990000001&mes=Hello&fmt=1") == "1,1"
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, err) == (0, "")
        over_smpp, over_http, summary, http_summary = map(json.loads, out.splitlines())
        assert (over_smpp["event"], over_smpp["destination"]) == ("received", "15550001")
        assert (over_http["event"], over_http["id"], over_http["phone"]) == ("received", 1, "79990000001")
        assert (over_http["text"], over_http["status"]) == ("Hello", -1)
        assert (summary["event"], summary["accepted"]) == ("summary", 1)
        assert (http_summary["event"], http_summary["over"], http_summary["accepted"]) == (
            "summary",
            "http",
            1,
        )


@pytest.mark.parametrize("option", ["--listen", "--http"])
def test_address_in_use_is_told(option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        command = [EXECUTABLE, "simulate", option, address]
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
        (["--outbind", "nowhere"], "outbind nowhere is no HOST:PORT"),
        (["--without", "submit_sm"], "submit_sm"),
        (["--congestion", "load"], "rate"),
        (["--outbind-password-file", "/does/not/exist"], "/does/not/exist"),
        (["--http", "nowhere"], "--http nowhere is no HOST:PORT"),
        (["--http", "127.0.0.1:0", "--http-faults", "explode=1%"], "explode"),
        (["--http", "127.0.0.1:0", "--http-handler-file", "/does/not/exist"], "/does/not/exist"),
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
    for ending, meaning in http_rows():
        assert f"…{ending}  {meaning}" in text
    for option in fields(HttpSettings):
        assert f"--http-{option.name.replace('_', '-')}" in text
