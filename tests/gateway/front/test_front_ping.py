"""ping.php over a real store: who is told of an event, and how."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from front_desk import asked
from front_sending import ACCOUNTS, OTHER, PHONE, SendDesk
from front_sending import sender as account_of

from gateway.front import contacts, ping
from gateway.front.desk import ApiProblem
from gateway.front.ping import PingTask, checked
from protocols.smsc_http.requests import File

OK = {"result": "OK"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SendDesk]:
    made = SendDesk(tmp_path)
    for module in (ping, contacts):
        made.handlers.update(module.handlers(made.desk))
    yield made
    made.close()


def do(desk: SendDesk, operation: str, account: str = "app", /, **params: str) -> Any:
    return asyncio.run(desk.handlers[operation](asked(desk.desk, account, operation, params)))


def add(desk: SendDesk, to: str = PHONE, account: str = "app", **fields: str) -> str:
    task = PingTask(0, "web", checked(to), **fields)  # type: ignore[arg-type]
    return str(asyncio.run(ping.add(desk.desk, account, task)).number)


def number(desk: SendDesk, account: str = "app", /, **params: str) -> int:
    with pytest.raises(ApiProblem) as caught:
        do(desk, "ping", account, **params)
    return caught.value.number


def texts(desk: SendDesk) -> list[tuple[str, str, str]]:
    return [(one.source, one.destination, one.user_data.decode()) for one in desk.messages()]


def test_a_failure_and_a_recovery_are_told(desk: SendDesk) -> None:
    id = add(desk, sender="Example")
    said = {"id": id, "name": "web", "host": "192.0.2.1", "info": "timeout"}
    assert do(desk, "ping", **said) == OK
    assert do(desk, "ping", **said, ok="1") == OK
    assert texts(desk) == [
        ("Example", PHONE, "web 192.0.2.1 does not answer. timeout"),
        ("Example", PHONE, "web 192.0.2.1 answers again. timeout"),
    ]


def test_own_texts_go_to_groups_and_numbers(desk: SendDesk) -> None:
    group = do(desk, "phone_group_add", name="on duty", num="7")["id"]
    do(desk, "phone_add", phone=OTHER, name="Anna", grp=str(group))
    id = add(desk, f"{PHONE}, g7", failure="{HOST}: {INFO} {OTHER}|{NAME}")
    do(desk, "ping", id=id, host="{INFO}", info="down")
    expected = "{INFO}: down {OTHER}|"  # what a value says is no macro
    sent = {
        (to, text.replace("\x1b(", "{").replace("\x1b)", "}").replace("\x1b@", "|"))
        for _, to, text in texts(desk)
    }
    assert sent == {(PHONE, expected), (OTHER, expected)}


def test_a_value_makes_no_other_message(desk: SendDesk) -> None:
    id = add(desk, account="full")
    said = {"name": "__CALL__:web", "host": "h\n~~~\n", "info": "down"}
    assert do(desk, "ping", "full", id=id, **said) == OK
    [(_, to, text)] = texts(desk)
    assert (to, text) == (PHONE, "CALL\x11\x11:web h\n---\n does not answer. down")
    assert [(row[4], row[7]) for row in desk.notes()] == [(0, "")]


@pytest.mark.parametrize(
    ("account", "sender", "is_good"),
    [
        ("app", "", True),
        ("app", "Example", True),
        ("app", "+79990000003", True),
        ("app", "far too long a name", False),
        ("named", "", True),
        ("named", "Example", True),
        ("named", "Other", False),
        ("strict", "", False),
    ],
)
def test_who_the_messages_of_a_task_are_from_is_who_they_can_be_from(
    tmp_path: Path, account: str, sender: str, is_good: bool
) -> None:
    made = SendDesk(tmp_path, *ACCOUNTS, account_of("strict", allowed_sources=("Example",)))
    with contextlib.nullcontext() if is_good else pytest.raises(ValueError, match=r"no sender|may not send"):
        ping.check_sender(made.desk.accounts[account], sender)
    made.close()


def test_files_of_a_request_make_no_other_message_either(desk: SendDesk) -> None:
    params = {"id": add(desk), "name": "web", "viber": "1", "time": "0", "phones": OTHER}
    files = [File("file", "a.png", b"png")]
    request = asked(desk.desk, "app", "ping", params, files)
    assert asyncio.run(desk.handlers["ping"](request)) == OK
    assert texts(desk) == [("", PHONE, "web  does not answer.")]


def test_the_tasks_of_others_are_not_found(desk: SendDesk) -> None:
    id = add(desk)
    assert number(desk, "here", id=id) == 3
    assert number(desk, id="77") == 3
    assert asyncio.run(ping.remove(desk.desk, "here", int(id))) is False
    assert asyncio.run(ping.remove(desk.desk, "app", int(id))) is True
    assert number(desk, id=id) == 3


@pytest.mark.parametrize(
    "params", [{}, {"id": "x"}, {"id": "0"}, {"id": "1", "ok": "2"}, {"id": "1", "info": "i" * 1001}]
)
def test_what_makes_no_sense_is_error_1_of_ping(desk: SendDesk, params: dict[str, str]) -> None:
    add(desk)
    assert number(desk, **params) == 1


def test_an_event_took_place_though_its_message_was_refused(desk: SendDesk) -> None:
    id = add(desk, account="named", sender="Other")
    assert do(desk, "ping", "named", id=id) == OK
    assert (texts(desk), len(desk.registered())) == ([], 1)


def test_a_group_that_is_gone_is_told(desk: SendDesk) -> None:
    assert number(desk, id=add(desk, "G9")) == 1


@pytest.mark.parametrize("to", ["", "12", "nobody", "G", ",".join(map(str, range(79990000000, 79990000101)))])
def test_recipients_that_are_none(to: str) -> None:
    with pytest.raises(ValueError, match=r"recipients|neither"):
        checked(to)


def test_recipients_are_kept_in_one_form() -> None:
    assert checked("8 9990000001".replace(" ", "") + f";g07 {PHONE}") == f"+{PHONE},G7"


def test_there_is_an_end_to_tasks(desk: SendDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ping, "TASKS_MAX", 1)
    add(desk)
    with pytest.raises(ValueError, match="1 tasks already"):
        add(desk)
