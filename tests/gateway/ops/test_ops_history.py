"""Erasures, statistics and exports over the control socket: what is asked, and what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from gateway_fakes import DAY_MS, NOW_MS, FakeJournal, ManualClock, id_at, recorded_events

from gateway.admin import history
from gateway.core.batch import Answer
from gateway.core.errors import StoreReadError
from gateway.core.incoming import Incoming
from gateway.store import reader_history
from gateway.store.reading import reads_of
from gateway.store.sqlite_open import FILE_NAME, open_writer


class Desk:
    """What the handlers need of the daemon."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.reads = reads_of(state_dir)
        self.journal = FakeJournal()
        self.events, self.lines = recorded_events()
        self.clock = ManualClock()
        self.incoming = Incoming(self.events)
        with open_writer(state_dir / FILE_NAME) as connection:
            self.connection = connection

    def ask(self, command: str, **request: Any) -> AsyncIterator[dict[str, Any]]:
        desk: Any = self
        answer = history.handlers(desk)[command](request)
        assert isinstance(answer, AsyncIterator)
        return answer

    def all(self, command: str, **request: Any) -> list[dict[str, Any]]:
        async def run() -> list[dict[str, Any]]:
            return [reply async for reply in self.ask(command, **request)]

        return asyncio.run(run())


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    found = Desk(tmp_path)
    yield found
    found.connection.close()


def ended(desk: Desk, count: int, at_ms: int = NOW_MS) -> None:
    """Messages in the history, one a millisecond; each third is UNDELIVERABLE."""
    rows = [
        (id_at(at_ms + n), at_ms + n, f"7999{n:07}", 5 if n % 3 == 0 else 2, at_ms + n + 1)
        for n in range(count)
    ]
    desk.connection.executemany(
        "INSERT INTO history (message_id, account, accepted_ms, source, destination, registered_delivery, "
        "segments, connector, state, error, done_ms, retries, doubts) "
        "VALUES (?, 'app', ?, '1', ?, 0, 1, 'one', ?, '', ?, 0, 0)",
        rows,
    )


def exported(desk: Desk, **request: Any) -> list[list[Any]]:
    head, *pages = desk.all("export", to_ms=NOW_MS + DAY_MS, **request)
    assert tuple(head["columns"])[: len(reader_history.COLUMNS)] == reader_history.COLUMNS
    assert all(len(page["rows"]) <= reader_history.PAGE for page in pages)
    return [row for page in pages for row in page["rows"]]


def test_an_export_comes_in_pages_and_misses_nothing(desk: Desk) -> None:
    count = 2 * reader_history.PAGE + 1
    ended(desk, count)
    rows = exported(desk)
    assert [row[0] for row in rows] == [str(id_at(NOW_MS + n)) for n in range(count)]
    assert len(exported(desk, states=["UNDELIVERABLE"])) == len(range(0, count, 3))
    assert exported(desk, states=["ENROUTE"]) == []
    assert [row[4] for row in exported(desk, number="79990000007")] == ["79990000007"]
    assert exported(desk, account="nobody") == []


def test_an_export_of_a_time(desk: Desk) -> None:
    ended(desk, 10)
    head, page = desk.all("export", from_ms=NOW_MS + 3, to_ms=NOW_MS + 5)
    assert (head["first"], head["last"]) == (id_at(NOW_MS + 3), id_at(NOW_MS + 4))
    assert [row[2] for row in page["rows"]] == [NOW_MS + 3, NOW_MS + 4]
    assert len(desk.all("export", from_ms=NOW_MS + 100, to_ms=NOW_MS + 200)) == 1


def test_no_reader_stays_between_two_pages(desk: Desk) -> None:
    """Or a slow export would keep the write-ahead log growing."""

    async def run() -> None:
        asked = desk.ask("export", to_ms=NOW_MS + DAY_MS)
        await anext(asked)
        await anext(asked)
        busy, *_ = desk.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert not busy
        await anext(asked)

    ended(desk, 3 * reader_history.PAGE)
    asyncio.run(run())


def test_a_state_that_is_none(desk: Desk) -> None:
    with pytest.raises(KeyError):
        desk.all("export", states=["HAPPY"])


def test_statistics_that_are_too_many_are_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    day = NOW_MS // DAY_MS
    rows = [(day - n, "app", "one", 2, 1, 1, 0) for n in range(4)]
    desk.connection.executemany("INSERT INTO statistics VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    asked: dict[str, Any] = {"from_day": day - 10, "to_day": day}
    (reply,) = desk.all("statistics", by=["day"], **asked)
    assert [row[0] for row in reply["rows"]] == [day - 3, day - 2, day - 1, day]
    assert desk.all("statistics", by=[], **asked) == [{"rows": [[4, 4, 0]]}]
    assert desk.all("statistics", by=[], from_day=1, to_day=2) == []
    monkeypatch.setattr(reader_history, "GROUPS_MAX", 3)
    (reply,) = desk.all("statistics", by=["day"], **asked)
    assert "too many lines" in reply["error"]


def test_an_erasure_goes_on_in_portions_and_is_logged_without_the_number(desk: Desk) -> None:
    async def run() -> list[dict[str, Any]]:
        asked = desk.ask("erase", number="79990001234")
        replies = []
        for counts, step, after in (({"live": 1}, 5, 77), ({"history": 2}, 5, 99), ({"history": 1}, -1, 0)):
            reply = asyncio.ensure_future(anext(asked))
            while not desk.journal.batch.erasures:  # noqa: ASYNC110 - a few turns of the loop
                await asyncio.sleep(0)
            requests.extend(desk.journal.commit(answer=Answer(erased=[(counts, step, after)])).erasures)
            replies.append(dict(await reply))
        assert [reply async for reply in asked] == []
        return replies

    requests: list[Any] = []
    replies = asyncio.run(run())
    assert requests == [("79990001234", 0, 0), ("79990001234", 5, 77), ("79990001234", 5, 99)]
    assert replies[-1] == {"rows": {"live": 1, "history": 3}, "done": True}
    desk.events.flush()
    assert "erased number=7999***1234 rows=3 live=1" in "".join(desk.lines)
    assert "79990001234" not in "".join(desk.lines)


def test_an_erasure_takes_clients_exports_away_that_have_the_number(desk: Desk) -> None:
    folder = desk.state_dir / history.EXPORTS
    folder.mkdir()
    for name, text in {
        "a.csv": "33;79990001234;Shop",
        "b.csv": "1;790999900012345;S",
        "c.part": "79990001234",
    }.items():
        (folder / name).write_text(text)

    async def run() -> dict[str, Any]:
        reply = asyncio.ensure_future(anext(desk.ask("erase", number="79990001234")))
        while not desk.journal.batch.erasures:  # noqa: ASYNC110 - a few turns of the loop
            await asyncio.sleep(0)
        desk.journal.commit(answer=Answer(erased=[({"history": 1}, -1, 0)]))
        return await reply

    assert asyncio.run(run()) == {"rows": {"history": 1, "exported file": 2}, "done": True}
    assert [path.name for path in folder.iterdir()] == ["b.csv"]


def test_two_erasures_of_one_batch_have_each_its_answer(desk: Desk) -> None:
    async def run() -> list[dict[str, Any]]:
        numbers = ("79990001234", "79990005678")
        replies = [asyncio.ensure_future(anext(desk.ask("erase", number=number))) for number in numbers]
        while len(desk.journal.batch.erasures) < 2:  # noqa: ASYNC110 - a few turns of the loop
            await asyncio.sleep(0)
        desk.journal.commit(answer=Answer(erased=[({"live": 1}, -1, 0), ({"live": 2}, 5, 7)]))
        return [dict(await reply) for reply in replies]

    assert asyncio.run(run()) == [
        {"rows": {"live": 1}, "done": True},
        {"rows": {"live": 2}, "done": False},
    ]


def test_an_erasure_that_cannot_be_written_says_so(desk: Desk) -> None:
    async def run() -> dict[str, Any]:
        reply = asyncio.ensure_future(anext(desk.ask("erase", number="79990001234")))
        while not desk.journal.batch.erasures:  # noqa: ASYNC110 - a few turns of the loop
            await asyncio.sleep(0)
        desk.journal.commit(ok=False)
        return await reply

    assert "cannot write" in asyncio.run(run())["error"]


@pytest.mark.parametrize("number", ["", "+7999", "7999 1", "x", "7" * 41, "٧"])
def test_what_is_no_number_is_not_erased(desk: Desk, number: str) -> None:
    with pytest.raises(ValueError, match="a number is digits"):
        desk.all("erase", number=number)


def test_the_reader_cannot_write(desk: Desk) -> None:
    with (
        pytest.raises(StoreReadError),
        desk.reads.question() as reader,
    ):
        reader.execute("DELETE FROM history")
