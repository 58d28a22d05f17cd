"""smsc-gateway send --file against a simulated SMSC: lists, results, and going on."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.__main__ import main
from gateway.simulator import Simulator

EXECUTABLE = str(Path(sys.executable).with_name("smsc-gateway"))
PASSWORD = "secret"
NUMBER = "79990000001"


@pytest.fixture(scope="module")
def simulator(start_simulator: Callable[..., Simulator]) -> Simulator:
    return start_simulator(password=PASSWORD, receipt_retry_ms=5)


Send = Callable[..., int]


@pytest.fixture
def send(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Send:
    """Runs the command in this process: its exit code."""
    monkeypatch.setenv("SMSC_GATEWAY_PASSWORD", PASSWORD)
    simulator.received.clear()

    def run(file: Path, *options: str) -> int:
        command = [
            "send",
            "--connect",
            f"127.0.0.1:{simulator.port}",
            "--system-id",
            "demo",
            "--file",
            str(file),
        ]
        return main([*command, *options])

    return run


def results(file: Path) -> list[dict[str, str]]:
    with file.with_name(f"{file.name}.sent").open(newline="") as sent:
        return list(csv.DictReader(sent))[1:]


def listed(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "list.csv"
    file.write_text(text, encoding="utf-8")
    return file


def texts(simulator: Simulator) -> list[tuple[str, str]]:
    return [(it.destination, it.text.decode("latin-1")) for it in simulator.received]


def test_columns_become_messages(simulator: Simulator, send: Send, tmp_path: Path) -> None:
    file = listed(tmp_path, f'name,to,from\nAnn,+{NUMBER},Shop\n"Bob, the\n2nd",79990000002,\n')
    assert send(file, "--text", "Dear {name}: {{5 %}}", "--from", "12345") == 0
    assert texts(simulator) == [
        (NUMBER, "Dear Ann: \x1b(5 %\x1b)"),
        ("79990000002", "Dear Bob, the\n2nd: \x1b(5 %\x1b)"),
    ]
    assert [it.source for it in simulator.received] == ["Shop", "12345"]
    assert {it.pdu.registered_delivery for it in simulator.received} == {0}
    assert [(row["line"], row["number"], row["status"]) for row in results(file)] == [
        ("2", NUMBER, "accepted"),
        ("3", "79990000002", "accepted"),
    ]
    assert {row["message_id"] for row in results(file)} == {it.message_id for it in simulator.received}
    assert not file.with_name("list.csv.sending").exists()


def test_numbers_alone_and_other_names_of_columns(simulator: Simulator, send: Send, tmp_path: Path) -> None:
    assert send(listed(tmp_path, f"{NUMBER}\n\n+7 (999) 000-00-02\n"), "--text", "hi", "--receipts") == 0
    assert texts(simulator) == [(NUMBER, "hi"), ("79990000002", "hi")]
    assert {it.pdu.registered_delivery for it in simulator.received} == {1}
    simulator.received.clear()
    other = tmp_path / "other.csv"
    other.write_text(f"phone;words\n{NUMBER};one\n")
    assert send(other, "--column", "to=phone", "--column", "text=words") == 0
    assert texts(simulator) == [(NUMBER, "one")]


def test_a_long_text_is_one_message_with_one_id(simulator: Simulator, send: Send, tmp_path: Path) -> None:
    text = "Здравствуй, мир 🙂! " * 40
    assert send(listed(tmp_path, f'to,text\n{NUMBER},"{text}"\n')) == 0
    (message,) = simulator.received
    assert message.text.decode("utf-16-be") == text
    assert len(results(tmp_path / "list.csv")) == 1


def test_refusals_are_written_down_and_too_fast_is_sent_again(
    simulator: Simulator, send: Send, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = ["79999999011", "79999999058", "79999999014", NUMBER]
    file = listed(tmp_path, "\n".join(numbers))
    assert send(file, "--text", "hi", "--json") == 1
    found = {row["number"]: (row["status"], row["error"]) for row in results(file)}
    assert found == {
        "79999999011": ("refused", "ESME_RINVDSTADR"),
        **dict.fromkeys(numbers[1:], ("accepted", "")),
    }
    counts = json.loads(capsys.readouterr().out)
    assert (counts["accepted"], counts["refused"], counts["left"], counts["problem"]) == (3, 1, 0, None)
    assert send(file, "--text", "hi", "--resume") == 0
    assert len(results(file)) == 4


def test_a_lost_link_leaves_what_was_on_its_way_unknown(
    simulator: Simulator, send: Send, tmp_path: Path
) -> None:
    numbers = [NUMBER, "79999999102", "79990000003"]
    file = listed(tmp_path, "\n".join(numbers))
    assert send(file, "--text", "lost", "--window", "1") == 1
    assert [(row["number"], row["status"]) for row in results(file)] == [
        (NUMBER, "accepted"),
        ("79999999102", "unknown"),
    ]
    assert send(file, "--text", "lost", "--resume") == 1  # one is unknown still
    assert [row["number"] for row in results(file)] == [NUMBER, "79999999102", "79990000003"]
    assert send(file, "--text", "lost", "--resume", "--resend-unknown") == 0
    assert [row["status"] for row in results(file)][-1] == "accepted"
    assert [number for number, _ in texts(simulator)] == [*numbers, "79999999102"]  # it was taken by none
    assert send(file, "--text", "lost", "--resume", "--resend-unknown") == 0
    assert len(results(file)) == 4


def test_no_answer_in_time_is_unknown(simulator: Simulator, send: Send, tmp_path: Path) -> None:
    file = listed(tmp_path, "79999999100\n")
    assert send(file, "--text", "hi", "--timeout", "0.2") == 1
    assert [(row["status"], row["error"]) for row in results(file)] == [("unknown", "no answer")]


def test_dry_run_counts_and_sends_nothing(
    simulator: Simulator, send: Send, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = listed(tmp_path, f"to,text\n{NUMBER},short\n{NUMBER},{'x' * 161}\n")
    assert main(["send", "--file", str(file), "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"lines": 2, "segments": 3, "longest": 2}
    assert list(tmp_path.iterdir()) == [file]


def test_every_mistake_is_told_before_anything_is_sent(
    simulator: Simulator, send: Send, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = listed(
        tmp_path,
        f"to,text,from\n{NUMBER},ok,1\nnobody,hi,1\n{NUMBER},,1\n{NUMBER},hi,too long a name\n{NUMBER}\n",
    )
    assert send(file) == 2
    told = capsys.readouterr().err
    assert [line.strip() for line in told.splitlines()[1:]] == [
        "line 3: there is no number: give international digits",
        "line 4: the text is empty",
        "line 5: the sender 'too long a name' is neither a number nor at most 11 ASCII characters",
        "line 6: it has 1 cells, and the header 3",
    ]
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("content", "options", "told"),
    [
        (f"{NUMBER}\n", ["--resume"], "send it without --resume"),
        (f"{NUMBER}\n", ["--resend-unknown"], "--resend-unknown goes with --resume"),
        (f"{NUMBER}\n", ["--to", NUMBER], "do not go with --file"),
        (f"{NUMBER}\n", ["--window", "0"], "--window from 1"),
        (f"{NUMBER}\n", ["--column", "colour=x"], "write to=NAME"),
        (f"{NUMBER}\n", ["--from", "much too long a name"], "--from 'much too long a name'"),
        ("name\nAnn\n", [], "the list has no column 'to'"),
        ("to,to\n1,2\n", [], "the same name"),
        (f"to\n{NUMBER}\n", ["--text", "{name}"], "the list has no column 'name'"),
        (f"to\n{NUMBER}\n", ["--text", "a {"], "a { stands alone"),
        ("", [], "has no lines"),
        ("to\n", [], "has no lines"),
        (f'to,name\n{NUMBER},"x\n', [], "is no CSV"),
    ],
)
def test_wrong_usage_is_told(
    send: Send,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str,
    options: list[str],
    told: str,
) -> None:
    file = listed(tmp_path, content)
    assert send(file, *([] if "--text" in options else ["--text", "hi"]), *options) == 2
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [file]


def test_what_is_no_text_is_told(send: Send, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(b"to,text\n79990000001,\xff\xfe\n")
    assert send(file) == 2
    assert "is not UTF-8" in capsys.readouterr().err


def test_results_are_of_one_list(send: Send, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = listed(tmp_path, f"{NUMBER}\n")
    assert send(file, "--text", "hi") == 0
    assert send(file, "--text", "hi") == 2
    assert "is there already: --resume goes on" in capsys.readouterr().err
    file.write_text("79990000009\n")
    assert send(file, "--text", "hi", "--resume") == 2
    assert "is of another list" in capsys.readouterr().err


def test_a_wrong_password_leaves_nothing_unsaid(
    send: Send,
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = listed(tmp_path, f"{NUMBER}\n")
    monkeypatch.setenv("SMSC_GATEWAY_PASSWORD", "wrong-1")
    assert send(file, "--text", "hi") == 1
    assert "refused the bind: ESME_RINVPASWD" in capsys.readouterr().err
    monkeypatch.setenv("SMSC_GATEWAY_PASSWORD", PASSWORD)
    assert send(file, "--text", "hi", "--resume") == 0
    assert texts(simulator) == [(NUMBER, "hi")]


def started(simulator: Simulator, file: Path, *options: str) -> subprocess.Popen[str]:
    """The real command on a long list, once some of it has been sent."""
    command = [EXECUTABLE, "send", "--connect", f"127.0.0.1:{simulator.port}", "--system-id", "demo"]
    process = subprocess.Popen(
        [*command, "--file", str(file), "--text", "hi", *options],
        env={**os.environ, "SMSC_GATEWAY_PASSWORD": PASSWORD},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 20
    while len(simulator.received) < 20:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return process


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_after_any_end_no_line_goes_twice(
    simulator: Simulator, send: Send, tmp_path: Path, how: signal.Signals
) -> None:
    count = 3000
    file = listed(tmp_path, "".join(f"7999{n:07}\n" for n in range(count)))
    process = started(simulator, file)
    process.send_signal(how)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == (1 if how is signal.SIGINT else -how), errors
    before = len(simulator.received)
    assert before < count
    code = send(file, "--text", "hi", "--resume", "--window", "100")
    sent = [it.destination for it in simulator.received]
    assert len(sent) == len(set(sent))
    found = {row["number"]: row["status"] for row in results(file)}
    unknown = {number for number, status in found.items() if status == "unknown"}
    assert len(found) == count
    assert set(sent) | unknown == set(found)
    assert len(unknown) <= 10
    assert code == (1 if unknown else 0)
    if how is signal.SIGINT:
        assert not unknown
        assert "interrupted; --resume goes on" in errors


def test_two_at_once_do_not_send_one_list(
    simulator: Simulator, send: Send, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = listed(tmp_path, "".join(f"7999{n:07}\n" for n in range(3000)))
    process = started(simulator, file, "--rate", "200")
    try:
        assert send(file, "--text", "hi", "--resume") == 1
        assert "somebody is sending this list already" in capsys.readouterr().err
    finally:
        process.kill()
        process.communicate()


def test_a_long_list_draws_a_bar_on_a_terminal(simulator: Simulator, send: Send, tmp_path: Path) -> None:
    file = listed(tmp_path, "".join(f"7999{n:07}\n" for n in range(300)))
    master, slave = os.openpty()
    command = [EXECUTABLE, "send", "--connect", f"127.0.0.1:{simulator.port}", "--system-id", "demo"]
    done = subprocess.run(
        [*command, "--file", str(file), "--text", "hi", "--rate", "400"],
        env={**os.environ, "SMSC_GATEWAY_PASSWORD": PASSWORD, "TERM": "xterm", "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=slave,
        timeout=20,
        check=False,
    )
    os.close(slave)
    drawn = os.read(master, 100_000).decode()
    os.close(master)
    assert "of 300, 0 refused" in drawn
    assert done.stdout.startswith(b"300 lines: 300 accepted, in ")
    assert done.returncode == 0
