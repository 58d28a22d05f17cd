"""Commands that wait: until a call came, until an export is ready; by a clock that only waiting moves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from smsc_command import Runner

from protocols.smsc_http.answers import Failure

NUMBERS = {"phone": "79990000001", "all_phones": ["79990000001", "79990000002"]}
BEFORE = {"id": 5, "phone": "79991234567", "message": "[waitcall]"}  # of an earlier confirmation
OTHER = {"id": 6, "phone": "79997654321", "message": "[waitcall]"}
WORDS = {"id": 7, "phone": "79991234567", "message": "hello"}
CALL = {"id": 8, "phone": "79991234567", "message": "[waitcall]"}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(monkeypatch, capsys)


def test_wait_call_says_which_number_to_call(run: Runner) -> None:
    done = run("wait-call", "79991234567", answers={"waitcall": NUMBERS})
    assert done.out == "call 79990000001 from 79991234567 within 15 minutes\n"
    assert json.loads(run("wait-call", "7999", "--json", answers={"waitcall": NUMBERS}).out) == NUMBERS


def test_wait_call_waits_for_the_call_of_this_number_and_of_now(run: Runner) -> None:
    answers = {"waitcall": NUMBERS, "answers": ([BEFORE], [], [OTHER, WORDS], [CALL])}
    done = run("wait-call", "+79991234567", "--wait", answers=answers)
    assert done.code == 0
    assert done.out.splitlines()[-1] == "confirmed: the call came"
    assert [call.operation for call in done.calls] == ["answers", "waitcall", "answers", "answers", "answers"]
    polls = [call.params.get("after_id") for call in done.calls if call.operation == "answers"]
    assert polls == [None, "5", "5", "7"]
    assert run.slept == [21.0, 21.0]


def test_wait_call_gives_up(run: Runner) -> None:
    answers = {"waitcall": NUMBERS, "answers": [BEFORE][:0]}
    done = run("wait-call", "79991234567", "--wait", "--timeout", "50", "--json", answers=answers)
    assert done.code == 1
    assert json.loads(done.out) == {**NUMBERS, "confirmed": False, "call": None}
    assert run.slept == [21.0, 21.0, 8.0]


def task(status: str, **more: Any) -> list[dict[str, Any]]:
    return [
        {"id": 4, "name": "other.csv", "status": "4"},
        {"id": 12, "name": "a.csv", "status": status, **more},
    ]


@pytest.mark.parametrize(("words", "after"), [(["--id", "12"], "11"), (["--name", "a.csv"], None)])
def test_fetch_waits_until_the_export_is_done(
    run: Runner, tmp_path: Path, words: list[str], after: str | None
) -> None:
    path = tmp_path / "messages.csv"
    answers = {"dl_list": (task("0"), task("1"), task("2")), "dl_file": b"id;text\r\n1;=x\r\n"}
    done = run("downloads", "fetch", *words, "--output", str(path), answers=answers)
    assert done.code == 0, done.err
    assert path.read_bytes() == b"id;text\r\n1;=x\r\n"
    assert run.slept == [21.0, 21.0]
    assert done.calls[0].params.get("after_id") == after
    assert done.calls[-1].params == {words[0].strip("-"): words[1]}


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        (task("3"), "was cancelled"),
        (task("4"), "failed at the service"),
        (task("1"), "not ready yet"),
        ([], "there is no such task"),
        (Failure(9, "", None), "wait a minute"),
    ],
)
def test_fetch_says_why_there_is_no_file(run: Runner, tmp_path: Path, tasks: object, said: str) -> None:
    words = ["downloads", "fetch", "--id", "12", "--timeout", "60", "--output", str(tmp_path / "a.csv")]
    done = run(*words, answers={"dl_list": tasks})
    assert done.code == 1
    assert said in done.err
    assert list(tmp_path.iterdir()) == []
    assert sum(run.slept) in (0, 60)
