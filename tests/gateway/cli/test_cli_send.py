"""smsc-gateway send: the real executable against a simulated SMSC."""

from __future__ import annotations

import io
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.__main__ import main
from gateway.simulator import Message, Simulator

EXECUTABLE = str(Path(sys.executable).with_name("smsc-gateway"))
PASSWORD = "secret"
PATIENCE_S = 30.0


@pytest.fixture(scope="module")
def simulator(start_simulator: Callable[..., Simulator]) -> Simulator:
    return start_simulator(password=PASSWORD, receipt_retry_ms=5)


def send(
    simulator: Simulator | int, *options: str, password: str | None = PASSWORD, to: str = "15550001"
) -> subprocess.CompletedProcess[str]:
    """Run the command without a terminal."""
    port = simulator if isinstance(simulator, int) else simulator.port
    environment = {name: value for name, value in os.environ.items() if name != "SMSC_GATEWAY_PASSWORD"}
    if password is not None:
        environment["SMSC_GATEWAY_PASSWORD"] = password
    text = () if "--text" in options else ("--text", "hello")
    command = [EXECUTABLE, "send", "--connect", f"127.0.0.1:{port}", "--system-id", "demo", "--to", to]
    return subprocess.run(
        [*command, *text, *options],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def last(simulator: Simulator, count: int = 1) -> list[Message]:
    return list(simulator.received)[-count:]


def test_text_is_accepted_and_its_receipt_shown(simulator: Simulator) -> None:
    done = send(simulator, "--text", "100 € {now}", "--from", "Office")
    [message] = last(simulator)
    assert done.stdout.splitlines() == [
        f"accepted: message_id {message.message_id}",
        f"receipt: message_id {message.message_id} DELIVRD",
    ]
    assert (done.returncode, done.stderr) == (0, "")
    assert (message.text, message.data_coding) == (b"100 \x1be \x1b(now\x1b)", 0)
    assert (message.source, message.pdu.source_addr_ton, message.pdu.source_addr_npi) == ("Office", 5, 0)
    assert (message.destination, message.pdu.dest_addr_ton, message.pdu.dest_addr_npi) == ("15550001", 1, 1)


def test_long_text_goes_in_segments_and_each_is_told_as_json(simulator: Simulator) -> None:
    text = "Здравствуй, мир 🙂! " * 10
    done = send(simulator, "--text", text, "--json", to="+15550001")
    assert done.returncode == 0, done.stderr
    parts = last(simulator, 3)
    assert b"".join(part.text for part in parts).decode("utf-16-be") == text
    assert [part.udh[4:] for part in parts] == [b"\3\1", b"\3\2", b"\3\3"]
    assert {part.data_coding for part in parts} == {8}
    assert {part.destination for part in parts} == {"15550001"}
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {
            "message": 1,
            "segment": number,
            "status": "ESME_ROK",
            "message_id": part.message_id,
            "state": "DELIVRD",
            "error": "000",
        }
        for number, part in enumerate(parts, 1)
    ]


@pytest.mark.parametrize("code", ["99104", "99105", "99107", "99108", "99109", "99110"])
def test_every_kind_of_receipt_is_understood(simulator: Simulator, code: str) -> None:
    done = send(simulator, to=f"1555{code}")
    [message] = last(simulator)
    assert f"receipt: message_id {message.message_id} DELIVRD" in done.stdout
    assert done.returncode == 0, done.stderr


def test_undelivered_is_a_failure(simulator: Simulator) -> None:
    done = send(simulator, to="155599002")
    assert "UNDELIV (err 001)" in done.stdout
    assert done.returncode == 1


def test_refused_is_a_failure(simulator: Simulator) -> None:
    done = send(simulator, to="155599011")
    assert done.stdout == (
        "refused: ESME_RINVDSTADR – the number is malformed, none that the account may write to, "
        "or has no route\n"
    )
    assert done.returncode == 1


def test_missing_answer_is_a_failure(simulator: Simulator) -> None:
    done = send(simulator, "--timeout", "2", to="155599100")
    assert "no answer to 1 of 1 segments" in done.stderr
    assert done.returncode == 1


def test_missing_receipt_is_a_failure_only_if_wanted(simulator: Simulator) -> None:
    done = send(simulator, "--timeout", "2", to="155599106")
    assert "no receipt for 1 of 1 accepted segments" in done.stderr
    assert done.returncode == 1
    assert send(simulator, "--no-receipt", to="155599106").returncode == 0
    assert last(simulator)[0].pdu.registered_delivery == 0


def test_lost_connection_is_told(simulator: Simulator) -> None:
    done = send(simulator, to="155599102")
    assert "the gateway closed the connection" in done.stderr
    assert done.returncode == 1


def test_messages_for_the_account_are_left_to_its_own_sessions(
    start_simulator: Callable[..., Simulator],
) -> None:
    simulator = start_simulator(receipt_retry_ms=5)
    assert send(simulator, to="155599120").returncode == 0
    assert send(simulator).returncode == 0
    counters = simulator.counters
    assert (counters.accepted, counters.receipts_acknowledged, counters.receipts_refused) == (2, 2, 0)
    assert counters.receipts_retried >= 1  # the reply to the first message came to both, and stays


def test_many_messages_end_with_a_summary(simulator: Simulator) -> None:
    done = send(simulator, "--count", "25")
    lines = done.stdout.splitlines()
    assert len(lines) == 51
    assert lines[-1].startswith("25 segments: 25 accepted, 25 delivered, in ")
    assert (done.returncode, done.stderr) == (0, "")


def test_many_messages_draw_a_bar_on_a_terminal(simulator: Simulator) -> None:
    master, slave = os.openpty()
    command = [EXECUTABLE, "send", "--connect", f"127.0.0.1:{simulator.port}", "--system-id", "demo"]
    done = subprocess.run(
        [*command, "--to", "15550001", "--text", "x", "--count", "3", "--json"],
        env={**os.environ, "SMSC_GATEWAY_PASSWORD": PASSWORD},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=slave,
        timeout=PATIENCE_S,
        check=False,
    )
    os.close(slave)
    drawn = os.read(master, 10_000).decode()
    os.close(master)
    assert "/3 answered" in drawn
    assert drawn.endswith("\r\x1b[K")
    assert len(done.stdout.splitlines()) == 3


def test_wrong_password_is_told_and_not_shown(simulator: Simulator) -> None:
    done = send(simulator, password="wrong-1")
    assert done.stderr == (
        "smsc-gateway send: the gateway refused the bind: ESME_RINVPASWD – check system_id and password\n"
    )
    assert done.returncode == 1


def test_nobody_listens_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    done = send(port)
    assert f"nobody listens on 127.0.0.1:{port}: start the gateway with smsc-gateway run" in done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (b"", "did not answer the bind"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "did not answer the bind"),
        (struct.pack(">4I", 16, 0x0FFF, 0, 1), "not SMPP"),
    ],
)
def test_peer_that_speaks_no_smpp_is_told(octets: bytes, told: str) -> None:
    def answer(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(octets)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=(server,))
        thread.start()
        done = send(server.getsockname()[1])
        thread.join()
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert (done.returncode, done.stdout) == (1, "")


def test_password_comes_from_a_file(simulator: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text(f"{PASSWORD}\n")
    assert send(simulator, "--password-file", str(path), password=None).returncode == 0


@pytest.mark.parametrize(
    ("options", "password", "told"),
    [
        ([], None, "no password: give --password-file or set SMSC_GATEWAY_PASSWORD"),
        ([], "longer than eight", "at most 8"),
        (["--password-file", "/does/not/exist"], None, "/does/not/exist"),
        (["--to", "nobody"], PASSWORD, "'nobody' is not a number"),
        (["--from", "far too long a name"], PASSWORD, "'far too long a name'"),
        (["--connect", "here"], PASSWORD, "HOST:PORT"),
        (["--connect", "[::1]:2775"], PASSWORD, "IPv4"),
        (["--system-id", "longer than fifteen"], PASSWORD, "at most 15"),
        (["--count", "0"], PASSWORD, "--count"),
        (["--text", "x" * 50_000], PASSWORD, "255 segments"),
    ],
)
def test_wrong_usage_is_told(
    options: list[str],
    password: str | None,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("SMSC_GATEWAY_PASSWORD", raising=False)
    if password is not None:
        monkeypatch.setenv("SMSC_GATEWAY_PASSWORD", password)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    base = ["send", "--system-id", "demo", "--to", "15550001", "--text", "x"]
    assert main([*base, *options]) == 2
    assert told in capsys.readouterr().err
