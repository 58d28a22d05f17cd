"""downloads.php: exports in the background."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from front_desk import FrontDesk, asked, config_of
from front_messages import PHONE, api_of, message_of
from gateway_fakes import account_config

from gateway.config.model import Config
from gateway.core.model import Progress
from gateway.front import downloads, exports, history, sent_messages
from gateway.front.desk import ApiProblem, Octets, Unavailable
from protocols.smsc_http.rendering import render

MakeDesk = Callable[[Config], FrontDesk]
PAGE = 5


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sent_messages, history, exports):
        monkeypatch.setattr(module, "PAGE", PAGE)


@pytest.fixture
def desk(make_desk: MakeDesk, tmp_path: Path) -> FrontDesk:
    desk = make_desk(config_of(account_config(), account_config(system_id="other")))
    desk.state_dir = tmp_path
    return desk


def sent(desk: FrontDesk, count: int, account: str = "app", text: bytes = b"Hello!", **fields: Any) -> None:
    for number in range(count):
        desk.clock.advance(0.001)
        taken = message_of(desk, account=account, user_data=text)
        desk.journal.batch.accepted.append((*taken, Progress.QUEUED.value))
        desk.journal.batch.api_messages.append(tuple(api_of(taken, api_id=str(number), **fields)))
    desk.journal.flush()


async def ask(desk: FrontDesk, operation: str, account: str = "app", **params: str) -> Any:
    handlers = history.handlers(desk) | downloads.handlers(desk)
    return await handlers[operation](asked(desk, account, operation, params))


async def ordered(desk: FrontDesk, account: str = "app", **params: str) -> None:
    """More is asked for than is told at once; what that orders is made."""
    await ask(desk, "messages", account, **{"cnt": str(PAGE + 1), **params})
    await done(desk)


async def done(desk: FrontDesk) -> None:
    worker = exports.exports_of(desk)._worker
    if worker is not None:
        await worker


def rows(file: Octets) -> list[list[str]]:
    return list(csv.reader(io.StringIO(file.body.decode(), newline=""), delimiter=";"))


def test_more_than_is_told_at_once_comes_as_a_file(desk: FrontDesk) -> None:
    async def story() -> None:
        sent(desk, 2 * PAGE + 2)
        assert await ask(desk, "dl_list") == []
        await ordered(desk)
        [task] = await ask(desk, "dl_list")
        assert task == {
            "id": 1,
            "name": "messages-1",
            "status": "2",
            "created": "15.06.2025 15:06:40",
            "time": "15.06.2025 15:06:40",
            "file": "messages-1.csv",
        }
        file = await ask(desk, "dl_file", id="1")
        assert (file.content_type, file.name) == ("text/csv; charset=utf-8", "messages-1.csv")
        header, *found = rows(file)
        assert header == list(exports._COLUMNS)
        assert [row[0] for row in found] == [str(number) for number in reversed(range(2 * PAGE + 2))]
        assert found[0][1:4] + found[0][7:] == [PHONE, "Shop", "-1", "1", "1.40", "Hello!"]

    asyncio.run(story())


def test_the_list_has_the_services_shapes(desk: FrontDesk) -> None:
    async def story() -> None:
        sent(desk, PAGE)
        await ordered(desk)
        found = await ask(desk, "dl_list")
        at = "15.06.2025 15:06:40"
        assert render("dl_list", found, 1) == f"1,messages-1,2,{at},{at},messages-1.csv"
        assert render("dl_list", found, 0).startswith("id = 1, name = messages-1, status = 2, created = ")

    asyncio.run(story())


def test_a_page_is_no_reason_for_a_file(desk: FrontDesk) -> None:
    async def story() -> None:
        sent(desk, PAGE + 1)
        await ordered(desk, cnt=str(PAGE))
        assert await ask(desk, "dl_list") == []

    asyncio.run(story())


def test_the_same_is_ordered_once(desk: FrontDesk) -> None:
    async def story() -> None:
        sent(desk, PAGE + 1)
        await ordered(desk)
        await ordered(desk)
        assert len(await ask(desk, "dl_list")) == 1
        await ordered(desk, phone=PHONE)
        assert len(await ask(desk, "dl_list")) == 2
        assert [task["id"] for task in await ask(desk, "dl_list", after_id="1")] == [2]
        assert [task["id"] for task in await ask(desk, "dl_list", cnt="1")] == [1]

    asyncio.run(story())


def test_a_file_is_fetched_by_any_of_its_names(desk: FrontDesk) -> None:
    async def story() -> None:
        sent(desk, PAGE)
        await ordered(desk)
        found = [await ask(desk, "dl_file", name=name) for name in ("messages-1", "messages-1.csv")]
        assert found[0] == found[1]

    asyncio.run(story())


def test_security_66_cells_that_look_like_formulas_are_none(desk: FrontDesk) -> None:

    async def story() -> None:
        text = b'=cmd!A0;x\r\n"y'
        sent(desk, PAGE, text=text, sender="+Shop")
        await ordered(desk)
        file = await ask(desk, "dl_file", id="1")
        assert {(row[2], row[-1]) for row in rows(file)[1:]} == {("'+Shop", "'" + text.decode())}

    asyncio.run(story())


def test_security_68_nobody_gets_the_file_of_another_account(desk: FrontDesk) -> None:
    async def story() -> None:
        sent(desk, PAGE)
        await ordered(desk)
        assert await ask(desk, "dl_list", "other") == []
        with pytest.raises(ApiProblem) as caught:
            await ask(desk, "dl_file", "other", id="1")
        assert caught.value.number == 5

    asyncio.run(story())


@pytest.mark.parametrize(
    ("params", "number"),
    [({"id": "9"}, 5), ({"name": "../../queue.sqlite3"}, 5), ({"id": "x"}, 1), ({}, 1), ({"id": "0"}, 1)],
)
def test_what_there_is_not(desk: FrontDesk, params: dict[str, str], number: int) -> None:
    with pytest.raises(ApiProblem) as caught:
        asyncio.run(ask(desk, "dl_file", **params))
    assert caught.value.number == number


def test_a_restart_goes_on_with_what_was_ordered(desk: FrontDesk) -> None:
    async def story() -> None:
        sent(desk, PAGE + 1)
        search = sent_messages.Search("app", 0, 1 << 62, False, ()).as_data()
        data = {"status": exports.RUNS, "created_ms": desk.clock.now_ms(), "done_ms": 0, "search": search}
        desk.records.put(exports.KIND, "app", exports.Record(7, "messages-7", data))
        desk.journal.flush()
        await ask(desk, "dl_list")
        await done(desk)
        assert len(rows(await ask(desk, "dl_file", id="7"))) == 1 + PAGE + 1

    asyncio.run(story())


def test_a_file_goes_after_some_days(desk: FrontDesk, tmp_path: Path) -> None:
    async def story() -> None:
        sent(desk, PAGE)
        await ordered(desk)
        [path] = (tmp_path / exports.FOLDER).iterdir()
        assert path.stat().st_mode & 0o777 == 0o600
        desk.clock.advance(exports.KEEP_S)
        await exports.exports_of(desk)._forget_old()
        desk.journal.flush()
        assert not path.exists()
        assert await ask(desk, "dl_list") == []

    asyncio.run(story())


def test_the_oldest_makes_room(desk: FrontDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "TASKS_MAX", 2)

    async def story() -> None:
        for _ in range(3):
            sent(desk, PAGE)
            await ordered(desk)
        assert [task["id"] for task in await ask(desk, "dl_list")] == [2, 3]

    asyncio.run(story())


def test_a_full_disk_is_a_failed_task(desk: FrontDesk, tmp_path: Path) -> None:
    (tmp_path / exports.FOLDER).write_text("in the way")

    async def story() -> None:
        sent(desk, PAGE)
        await ordered(desk)
        [task] = await ask(desk, "dl_list")
        assert (task["status"], task["file"]) == ("4", "")
        with pytest.raises(ApiProblem) as caught:
            await ask(desk, "dl_file", id="1")
        assert caught.value.number == 5
        assert any("export_failed" in line for line in desk.said)

    asyncio.run(story())


def test_what_has_failed_is_made_again_when_it_is_asked_for_again(desk: FrontDesk, tmp_path: Path) -> None:
    in_the_way = tmp_path / exports.FOLDER
    in_the_way.write_text("in the way")

    async def story() -> None:
        sent(desk, PAGE)
        await ordered(desk)
        in_the_way.unlink()
        await ordered(desk)
        assert [task["status"] for task in await ask(desk, "dl_list")] == ["4", "2"]
        [path] = in_the_way.iterdir()
        path.unlink()  # a number in it was erased
        await ordered(desk)
        assert [task["status"] for task in await ask(desk, "dl_list")] == ["4", "2", "2"]
        await ordered(desk)
        assert len(await ask(desk, "dl_list")) == 3

    asyncio.run(story())


def test_a_disk_that_gets_full_is_not_left_full(
    desk: FrontDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = exports._append

    def full(path: Path, *more: Any) -> int:
        append(path, *more)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exports, "_append", full)

    async def story() -> None:
        sent(desk, PAGE)
        await ordered(desk)
        assert list((tmp_path / exports.FOLDER).iterdir()) == []
        assert any("No space left on device" in line for line in desk.said)

    asyncio.run(story())


def test_one_that_cannot_be_made_stops_none_of_those_behind_it(desk: FrontDesk) -> None:
    async def story() -> None:
        sent(desk, PAGE)
        told = exports.Record(1, "odd", {"status": 0, "created_ms": desk.clock.now_ms(), "search": {}})
        desk.records.put(exports.KIND, "app", told)
        desk.journal.flush()
        desk.records.next_id(exports.KIND)
        await ordered(desk)
        assert [task["status"] for task in await ask(desk, "dl_list")] == ["4", "2"]

    asyncio.run(story())


def test_what_has_made_room_is_not_made(
    desk: FrontDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "TASKS_MAX", 2)

    async def story() -> None:
        sent(desk, PAGE)
        for number in range(5):
            await ask(desk, "messages", cnt=str(PAGE + 1), phone=f"{PHONE},7999000010{number}")
        await done(desk)
        assert [task["id"] for task in await ask(desk, "dl_list")] == [4, 5]
        assert len(list((tmp_path / exports.FOLDER).iterdir())) == 2

    asyncio.run(story())


@pytest.mark.parametrize("look", [1, 2])
def test_one_that_goes_at_the_worst_moment_does_not_come_back(
    desk: FrontDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, look: int
) -> None:
    """It goes just after the worker has seen that somebody wants it."""
    is_wanted, looks = exports.Exports._is_wanted, []

    async def goes(self: exports.Exports, account: str, task: exports.Record) -> bool:
        wanted = await is_wanted(self, account, task)
        looks.append(wanted)
        if len(looks) == look:
            desk.records.drop(exports.KIND, account, task.record_id)
            desk.journal.flush()
        return wanted

    monkeypatch.setattr(exports.Exports, "_is_wanted", goes)

    async def story() -> None:
        sent(desk, PAGE - 1)
        await exports.exports_of(desk).order("app", sent_messages.Search("app", 0, 1 << 62, False, ()))
        await done(desk)
        assert looks[look - 1] and not looks[-1]
        assert await ask(desk, "dl_list") == []
        assert list((tmp_path / exports.FOLDER).iterdir()) == []

    asyncio.run(story())


def test_one_that_goes_while_it_is_made_leaves_no_file(
    desk: FrontDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, made = exports._append, []

    def goes() -> None:
        desk.records.drop(exports.KIND, "app", 1)
        desk.journal.flush()
        made.extend((tmp_path / exports.FOLDER).iterdir())

    async def story() -> None:
        sent(desk, PAGE - 1)
        loop = asyncio.get_running_loop()

        def meanwhile(*told: Any) -> int:
            loop.call_soon_threadsafe(goes)
            return append(*told)

        monkeypatch.setattr(exports, "_append", meanwhile)
        await exports.exports_of(desk).order("app", sent_messages.Search("app", 0, 1 << 62, False, ()))
        await done(desk)
        assert made and list((tmp_path / exports.FOLDER).iterdir()) == []
        assert await ask(desk, "dl_list") == []

    asyncio.run(story())


def test_a_file_is_not_larger_than_memory_has_room_for(
    desk: FrontDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "OCTETS_MAX", 1_000)

    async def story() -> None:
        sent(desk, 3 * PAGE)
        await ordered(desk)
        file = await ask(desk, "dl_file", id="1")
        header, *found = rows(file)
        assert 0 < len(found) < 3 * PAGE and len(file.body) < 1_200
        assert found[0][0] == str(3 * PAGE - 1)  # the newest are there
        assert {len(row) for row in found} == {len(header)}

    asyncio.run(story())


def test_two_that_ask_for_the_same_at_once_order_it_once(desk: FrontDesk) -> None:
    async def story() -> None:
        sent(desk, PAGE)
        await asyncio.gather(*(ask(desk, "messages", cnt=str(PAGE + 1)) for _ in range(3)))
        await done(desk)
        assert len(await ask(desk, "dl_list")) == 1

    asyncio.run(story())


def test_what_cannot_be_stored_is_not_ordered(desk: FrontDesk) -> None:
    async def story() -> None:
        sent(desk, PAGE)
        desk.journal.fails = True
        with pytest.raises(Unavailable):
            await ordered(desk)
        desk.journal.fails = False
        assert await ask(desk, "dl_list") == []

    asyncio.run(story())
