"""The journal with its real writing process."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from gateway_fakes import message
from store_support import receipt, submitted

from gateway.core.api import NEWEST_API_ID
from gateway.core.batch import Answer, Batch
from gateway.core.model import Progress
from gateway.store import journal as journal_module
from gateway.store.journal import Journal, Opening
from gateway.store.sqlite_open import FILE_NAME, StoreError, open_reader, open_writer

PATIENCE_S = 60.0
LIMITED_WRITER = Path(__file__).parents[1] / "support" / "writer_with_little_room.py"


class Run:
    """A journal in a folder, from its opening to its close."""

    def __init__(self, folder: Path) -> None:
        self.answers: list[Answer] = []
        self.death: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.journal = Journal(folder, self._on_answer, self.death.set_result)
        self.opening: Opening

    def _on_answer(self, batch: Batch, answer: Answer) -> None:
        self.answers.append(answer)

    async def commit(self) -> bool:
        """Waits until what was appended is committed (True) or refused (False)."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.journal.then(done.set_result)
        return await asyncio.wait_for(done, PATIENCE_S)

    def accept(self, *ids: int, **fields: Any) -> None:
        self.journal.batch.accepted.extend((*message(n, **fields), Progress.QUEUED.value) for n in ids)


def run(folder: Path, work: Callable[[Run], Awaitable[None]]) -> Run:
    """Opens the journal, lets `work` have it, closes it."""

    async def whole() -> Run:
        opened = Run(folder)
        opened.opening = await asyncio.wait_for(opened.journal.open(), PATIENCE_S)
        try:
            await work(opened)
        finally:
            await asyncio.wait_for(opened.journal.close(), PATIENCE_S)
        return opened

    return asyncio.run(whole())


async def nothing(_: Run) -> None:
    pass


def rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    connection = open_reader(folder / FILE_NAME)
    found = [tuple(row) for row in connection.execute(sql)]
    connection.close()
    return found


def test_a_new_folder(tmp_path: Path) -> None:
    first = run(tmp_path, nothing)
    assert first.opening == Opening(1, 0, {}, [], 0, {})
    assert run(tmp_path, nothing).opening.boot == 2
    boots = rows(tmp_path, "SELECT boot_id, started_ms > 0, stopped_ms >= started_ms FROM boot")
    assert boots == [(1, 1, 1), (2, 1, 1)]


def test_what_was_committed_is_there_the_next_time(tmp_path: Path) -> None:
    async def work(opened: Run) -> None:
        opened.accept(1, 2, 3)
        opened.accept(4, account="other", connector="two", due_ms=500)
        opened.journal.batch.accepted.append((*message(5), Progress.SENT.value))
        opened.journal.batch.intents.append((5, 1, "one", 0))
        assert await opened.commit()
        opened.journal.batch.submitted.append(submitted(5, "77"))
        opened.journal.batch.receipts.append(receipt("77"))
        assert await opened.commit()

    ended = run(tmp_path, work)
    assert ended.answers[-1].ended == [("app", 1)]
    assert [row[2] for row in ended.answers[-1].deliveries] == [5]
    opening = run(tmp_path, nothing).opening
    assert opening == Opening(2, 5, {"app": 3, "other": 1}, [("one", 3, 0), ("two", 1, 500)], 0, {})


def test_commits_answer_in_order_whatever_gathers(tmp_path: Path) -> None:
    heard: list[int] = []

    async def work(opened: Run) -> None:
        for n in range(1, 201):
            opened.accept(n)
            opened.journal.then(lambda ok, n=n: heard.append(n if ok else -n))  # type: ignore[misc]
            if n % 7 == 0:
                await asyncio.sleep(0)
        assert await opened.commit()

    ended = run(tmp_path, work)
    assert heard == list(range(1, 201))
    assert ended.journal.commits < 200, "chunks gather"
    assert rows(tmp_path, "SELECT count(*) FROM message") == [(200,)]


def test_close_writes_what_is_left(tmp_path: Path) -> None:
    async def work(opened: Run) -> None:
        opened.accept(1)

    run(tmp_path, work)
    assert rows(tmp_path, "SELECT message_id FROM message") == [(1,)]


def test_signals_meant_for_the_gateway_do_not_end_the_store(tmp_path: Path) -> None:
    async def work(opened: Run) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(opened.journal.pid, number)
        opened.accept(1)
        assert await opened.commit()

    run(tmp_path, work)


def test_a_store_that_is_killed_is_noticed_and_leaves_intents_in_doubt(tmp_path: Path) -> None:
    async def work(opened: Run) -> None:
        opened.journal.batch.accepted.extend(
            (*message(n, on_ambiguous=policy), Progress.SENT.value) for n, policy in ((1, 0), (2, 2), (3, 3))
        )
        opened.journal.batch.intents.extend((n, 1, "one", 0) for n in (1, 2, 3))
        assert await opened.commit()
        os.kill(opened.journal.pid, signal.SIGKILL)
        reason = await asyncio.wait_for(opened.death, PATIENCE_S)
        assert str(opened.journal.pid) in reason

    run(tmp_path, work)
    opening = run(tmp_path, nothing).opening
    assert opening.in_doubt == 3
    assert rows(tmp_path, "SELECT message_id, action FROM ambiguous ORDER BY 1") == [
        (1, "resend"),
        (2, "hold"),
        (3, "fail"),
    ]
    assert rows(tmp_path, "SELECT boot_id FROM boot WHERE stopped_ms IS NULL") == [(1,)]


def test_a_store_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    newer = open_writer(tmp_path / FILE_NAME)
    newer.execute("PRAGMA user_version = 99")
    newer.close()

    async def whole() -> None:
        opened = Run(tmp_path)
        with pytest.raises(StoreError, match="newer smsc-gateway"):
            await opened.journal.open()
        await asyncio.wait_for(opened.journal.close(), PATIENCE_S)
        assert not opened.death.done()

    asyncio.run(whole())


@pytest.fixture
def limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], object]:
    """Says how many pages the database may have from now on; there is no wait between tries."""

    def start(command: list[str], descriptor: int) -> subprocess.Popen[bytes]:
        at = command.index("-m")
        replaced = [*command[:at], str(LIMITED_WRITER), *command[at + 2 :]]
        return subprocess.Popen(replaced, pass_fds=[descriptor], stdin=subprocess.DEVNULL)

    monkeypatch.setattr(journal_module, "_start", start)
    monkeypatch.setattr(journal_module, "RETRY_S", 0.01)
    pages = tmp_path / "max_pages"
    pages.write_text("1000000")
    return pages.write_text


def test_d1_a_full_disk_refuses_and_later_writes_what_had_happened(
    tmp_path: Path, limit: Callable[[str], object]
) -> None:
    async def work(opened: Run) -> None:
        journal = opened.journal
        journal.batch.accepted.append((*message(1), Progress.SENT.value))
        journal.batch.intents.append((1, 1, "one", 0))
        assert await opened.commit()

        limit("1")
        opened.accept(2, user_data=b"x" * 200_000)
        journal.batch.submitted.append(submitted(1, "77"))
        journal.batch.receipts.append(receipt("66"))
        assert await opened.commit() is False
        assert "full" in journal.error
        assert not opened.death.done()

        limit("1000000")
        opened.accept(3)
        assert await opened.commit()
        assert journal.error == ""

    run(tmp_path, work)
    assert rows(tmp_path, "SELECT message_id FROM message ORDER BY 1") == [(1,), (3,)]
    assert rows(tmp_path, "SELECT attempt, upstream_id FROM submission") == [(1, "77")]
    assert rows(tmp_path, "SELECT * FROM parked_receipt") == []  # it was not acknowledged, so it comes again


def test_d1_a_disk_that_stays_full_keeps_what_is_there(
    tmp_path: Path, limit: Callable[[str], object]
) -> None:
    async def work(opened: Run) -> None:
        opened.accept(1)
        assert await opened.commit()
        limit("1")
        opened.accept(2, user_data=b"x" * 200_000)
        assert await opened.commit() is False

    run(tmp_path, work)
    assert rows(tmp_path, "SELECT message_id FROM message") == [(1,)]


def test_what_was_given_over_http_is_known_the_next_time(tmp_path: Path) -> None:
    async def work(opened: Run) -> None:
        batch = opened.journal.batch
        batch.marks.extend((NEWEST_API_ID, n) for n in (1, 2))
        batch.records.append(("group", "app", 7, "", "{}"))
        batch.contacts.append((5, "app", 0, "a", "7", *"cdefghijk"))
        assert await opened.commit()
        opened.journal.batch.records_gone.append(("group", "app", 7))
        opened.journal.batch.contacts_gone.append(("app", 5))
        assert await opened.commit()

    first = run(tmp_path, work).opening
    assert (first.newest_api_id, first.newest_records, first.newest_contact) == (0, {}, 0)
    opening = run(tmp_path, nothing).opening
    assert (opening.newest_api_id, opening.newest_records, opening.newest_contact) == (2, {"group": 7}, 5)


def test_half_a_character_ends_nothing_but_its_batch(tmp_path: Path) -> None:
    async def work(opened: Run) -> None:
        opened.journal.batch.records.append(("group", "app", 1, "\ud800", "{}"))
        assert not await opened.commit()
        assert "a text that is none" in opened.journal.error
        opened.accept(1)
        assert await opened.commit()

    run(tmp_path, work)
    assert rows(tmp_path, "SELECT message_id FROM message") == [(1,)]


def test_a_number_that_sql_has_not_ends_nothing_but_its_batch(tmp_path: Path) -> None:
    async def work(opened: Run) -> None:
        opened.journal.batch.marks.append(("name", 10**19))
        assert not await opened.commit()
        assert "too large" in opened.journal.error
        opened.accept(1)
        assert await opened.commit()

    run(tmp_path, work)
    assert rows(tmp_path, "SELECT message_id FROM message") == [(1,)]


def test_what_cannot_be_written_down_ends_the_gateway(tmp_path: Path) -> None:
    async def work(it: Run) -> None:
        it.journal.batch.marks.append(("name", object()))
        heard: list[bool] = []
        it.journal.then(heard.append)
        assert "cannot be written down" in await asyncio.wait_for(asyncio.shield(it.death), PATIENCE_S)
        assert heard == []

    run(tmp_path, work)
