"""The history page by page, and answers that are more than one table."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from smsc_command import FakeClient, Runner

from gateway.cli.smsc import output, records
from protocols.smsc_http.answers import Failure


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(monkeypatch, capsys)


def message(number: int) -> dict[str, Any]:
    return {
        "status": 1,
        "err": 0,
        "phone": "7999",
        "message": "=x",
        "type": 0,
        "id": 5,
        "int_id": str(number),
    }


class Account:
    """Answers get_messages as the service does, newest first."""

    def __init__(self, count: int) -> None:
        self.messages = [message(number) for number in range(count, 0, -1)]

    def __call__(self, params: dict[str, str]) -> list[dict[str, Any]]:
        before = int(params.get("prev_id", "999999"))
        found = [row for row in self.messages if int(row["int_id"]) < before]
        return found[: int(params["cnt"])]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "PAGE", 10)


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize(("count", "requests"), [(0, 1), (5, 1), (10, 2), (25, 3)])
def test_all_pages_are_asked_for(run: Runner, tmp_path: Path, count: int, requests: int) -> None:
    path = tmp_path / "history.json"
    words = ["history", "--start", "2024-12-01", "--to", "7999", "--output", str(path)]
    done = run(*words, answers={"messages": Account(count)})
    assert done.out == f"{count} saved in {path}\n"
    assert [row["int_id"] for row in json.loads(path.read_text())] == [str(n) for n in range(count, 0, -1)]
    assert done.calls[0].params == {"start": "01.12.2024", "phone": "7999", "cnt": "10"}
    assert len(done.calls) == requests
    assert [call.params.get("prev_id") for call in done.calls][1:] == ["16", "6"][
        : requests - 1
    ] or count == 10


@pytest.mark.usefixtures("small_pages")
def test_no_more_is_asked_for_than_wanted(run: Runner) -> None:
    done = run("history", "--count", "13", "--json", answers={"messages": Account(25)})
    assert [call.params["cnt"] for call in done.calls] == ["10", "3"]
    assert len(json.loads(done.out)) == 13


def test_the_history_of_mails_is_another(run: Runner) -> None:
    done = run("history", "--email", "--email-to", "a@example.org", answers={"messages": []})
    assert done.calls[0].params == {"format": "8", "email": "a@example.org", "cnt": "1000"}
    assert done.out == "none\n"


def test_a_history_without_messages_is_empty(run: Runner) -> None:
    done = run("history", answers={"messages": Failure(3, "", None)})
    assert (done.code, done.out) == (0, "none\n")


def test_history_says_what_the_numbers_mean(run: Runner) -> None:
    out = run("history", answers={"messages": [message(1) | {"status": 20, "err": 11}]}).out
    assert "20 cannot be delivered" in out
    assert "11 service not connected" in out


@pytest.mark.usefixtures("small_pages")
def test_what_came_before_a_failure_is_kept_with_the_place_to_go_on(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    answers = {"messages": (Account(25), Failure(9, "", None))}
    done = run("history", "--output", str(path), answers=answers)
    assert done.code == 1
    assert done.out == f"10 saved in {path}\n"
    assert "wait a minute" in done.err
    assert "go on with --before 16" in done.err
    assert run("history", answers={"messages": Failure(9, "", None)}).code == 1


@pytest.mark.usefixtures("small_pages")
def test_control_c_keeps_what_came(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    answers = {"messages": (Account(25), asyncio.CancelledError())}
    with pytest.raises(asyncio.CancelledError):
        run("history", "--output", str(path), answers=answers)
    assert len(path.read_text().splitlines()) == 11


@pytest.mark.usefixtures("small_pages")
def test_progress_says_how_many_came_and_how_long_the_service_wants_to_rest(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, float | None]] = []

    @contextmanager
    def progress() -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(update=lambda words, part=None: said.append((words, part)))

    monkeypatch.setattr(output, "progress", progress)
    monkeypatch.setattr(FakeClient, "due_s", lambda self, *_: 59.5 if len(self.calls) == 1 else 0.0)
    run("history", "--count", "20", answers={"messages": Account(25)})
    assert said == [
        ("0 messages", 0.0),
        ("10 messages; the service allows the next request in 60 s", 0.5),
    ]


@pytest.mark.usefixtures("small_pages")
def test_a_service_that_repeats_itself_is_not_asked_for_ever(run: Runner) -> None:
    same = [message(5)] * 10
    done = run("history", answers={"messages": same})
    assert len(done.calls) == 2


def test_prices_are_shown_by_zone_and_operator(run: Runner, tmp_path: Path) -> None:
    value = {
        "zones": [{"zone": "1", "name": "Russia", "api": "1.40", "mass": "1.20"}],
        "codes": [{"mccmnc": "25001", "cost": "1.10"}],
        "mail": "0.05",
    }
    done = run("prices", answers={"price": value})
    assert done.out.splitlines() == [
        "zone  name    api   mass",
        "1     Russia  1.40  1.20",
        "",
        "by operator",
        "mccmnc  cost",
        "25001   1.10",
        "",
        "a mail  0.05",
    ]
    assert json.loads(run("prices", "--json", answers={"price": value}).out) == value
    path = tmp_path / "prices.csv"
    run("prices", "--output", str(path), answers={"price": value})
    assert path.read_text("utf-8-sig").splitlines()[2] == ",,,,25001,1.10"
    assert run("prices", answers={"price": {"zones": []}}).out == "none\n"


def test_details_have_a_row_for_each_item(run: Runner, tmp_path: Path) -> None:
    value = [{"login": "branch", "items": [{"operator": "A", "sms": "5"}, {"operator": "B", "sms": "1"}]}]
    done = run("sub-clients", "details", answers={"user_stat_all": value})
    assert done.calls[0].params == {"reseller": "1"}
    assert done.out == "login   operator  sms\nbranch  A         5\nbranch  B         1\n"
    assert json.loads(run("sub-clients", "details", "--json", answers={"user_stat_all": value}).out) == value


@pytest.mark.parametrize(
    "row", [{"mts_srv": 2, "id": 5}, {"name": "mts_srv", "status": 2, "id": 5}, {"mts_srv": "2", "id": "5"}]
)
def test_operator_templates_have_a_row_for_each_operator(run: Runner, row: dict[str, object]) -> None:
    words = ["operator-templates", "list", "MyShop", "Code %d"]
    done = run(*words, answers={"optpl_get": [row]})
    assert "mts_srv" in done.out
    assert "2 accepted" in done.out
    assert json.loads(run(*words, "--json", answers={"optpl_get": [row]}).out) == [row]
