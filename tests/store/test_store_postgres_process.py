"""The journal with the process that writes into PostgreSQL, and a way there that can be cut."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateway_fakes import NOW_MS
from postgres_proxy import Proxy
from postgres_run import PATIENCE_S, Run, queued, rows, run
from psycopg.conninfo import conninfo_to_dict
from store_support import LINK

from gateway.store.sqlite_open import StoreError


@pytest.fixture
def proxy(postgres_url: str) -> Iterator[Proxy]:
    to = conninfo_to_dict(postgres_url)
    with Proxy(str(to["host"]), int(str(to["port"]))) as proxy:
        yield proxy


@pytest.fixture
def url(proxy: Proxy, postgres_url: str) -> str:
    to = conninfo_to_dict(postgres_url)
    return proxy.url(str(to["dbname"]), str(to["user"]))


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_commit_without_an_answer_is_known_by_its_number(
    tmp_path: Path, proxy: Proxy, url: str, postgres_url: str, when: str
) -> None:
    async def work(opened: Run) -> None:
        assert await opened.commit(accepted=queued(1, 2))
        proxy.cut_at = when
        assert await opened.commit(accepted=queued(3), failed=[(1, 8, "refused", NOW_MS)])
        assert opened.journal.error == ""
        assert await opened.commit(accepted=queued(4))

    done = run(tmp_path, url, work)
    assert proxy.cuts == 1
    assert [answer.ended for answer in done.answers] == [[], [("app", 1)], []]
    assert rows(postgres_url, "SELECT message_id FROM message ORDER BY 1") == [(2,), (3,), (4,)]
    assert rows(postgres_url, "SELECT message_id, state FROM history") == [(1, 8)]
    assert rows(postgres_url, "SELECT sum(n) FROM open_count") == [(3,)]


def test_without_a_connection_nothing_is_taken_until_there_is_one(
    tmp_path: Path, proxy: Proxy, url: str
) -> None:
    async def work(opened: Run) -> None:
        proxy.down = True
        proxy.cut()
        await opened.until(lambda: opened.journal.error != "")
        assert opened.journal.error.startswith("PostgreSQL is not reached")
        assert "s3cret" not in opened.journal.error
        later = asyncio.ensure_future(opened.commit(accepted=queued(1)))
        proxy.down = False
        await opened.until(lambda: opened.journal.error == "")
        assert await later
        assert not opened.death.done()

    run(tmp_path, url, work)


def test_a_start_waits_for_the_server(tmp_path: Path, proxy: Proxy, url: str) -> None:
    async def whole() -> None:
        proxy.down = True
        opened = Run(tmp_path, url)
        reasons: list[str] = []

        def waits(reason: str) -> None:
            reasons.append(reason)
            proxy.down = False

        opened.journal.on_wait = waits
        await asyncio.wait_for(opened.journal.open(), PATIENCE_S)
        assert opened.journal.error == ""
        await opened.journal.close()
        [reason] = reasons
        assert reason.startswith("cannot reach PostgreSQL: ")
        assert "s3cret" not in reason

    asyncio.run(whole())


def test_a_start_that_cannot_succeed_says_why_and_no_password(tmp_path: Path, url: str) -> None:
    async def whole() -> None:
        opened = Run(tmp_path, url.replace("gateway:", "stranger:"))
        opened.journal.on_wait = lambda reason: pytest.fail("there is nothing to wait for")
        with pytest.raises(StoreError, match="stranger") as refused:
            await asyncio.wait_for(opened.journal.open(), PATIENCE_S)
        assert "s3cret" not in str(refused.value)
        await opened.journal.close()

    asyncio.run(whole())


def test_a_run_that_another_node_has_ended_ends(tmp_path: Path, url: str, postgres_url: str) -> None:
    async def work(opened: Run) -> None:
        rows(postgres_url, "UPDATE boot SET fenced = 1 RETURNING 1")
        opened.journal.batch.accepted.extend(queued(1))
        opened.journal.then(lambda ok: pytest.fail("nobody hears of it"))
        why = await asyncio.wait_for(opened.death, PATIENCE_S)
        assert "its lease was over" in why

    run(tmp_path, url, work)
    assert rows(postgres_url, "SELECT 1 FROM message") == []


def test_what_has_no_room_is_refused_and_the_next_is_taken(
    tmp_path: Path, url: str, postgres_url: str
) -> None:
    async def work(opened: Run) -> None:
        assert not await opened.commit(accepted=queued(1, due_ms=1 << 70))
        await opened.until(lambda: opened.journal.error == "")
        assert not await opened.commit(accepted=queued(2, retries=1 << 40))
        await opened.until(lambda: opened.journal.error == "")
        assert not await opened.commit(accepted=queued(3, client_id="\ud800"))
        await opened.until(lambda: opened.journal.error == "")
        assert await opened.commit(accepted=queued(4, client_id="a\0b"))
        assert not opened.death.done()

    run(tmp_path, url, work)
    assert rows(postgres_url, "SELECT message_id, client_id FROM message") == [(4, "a\ufffdb")]


def test_an_orderly_end_leaves_nothing_to_find_out(tmp_path: Path, url: str, postgres_url: str) -> None:
    async def work(opened: Run) -> None:
        assert await opened.commit(accepted=queued(1), intents=[(1, 1, "one", NOW_MS)])
        assert await opened.commit(doubts=[(1, 1, NOW_MS, "no response", LINK, NOW_MS)])

    run(tmp_path, url, work)
    assert rows(postgres_url, "SELECT stopped_ms >= started_ms, fenced FROM boot") == [(True, 0)]

    async def nothing(opened: Run) -> None:
        assert (opened.opening.node, opened.opening.in_doubt) == (1, 0)
        assert opened.opening.open_messages == {"app": 1}

    run(tmp_path, url, nothing)


def test_what_a_killed_gateway_had_under_way_is_counted_by_the_next_start(tmp_path: Path, url: str) -> None:
    async def work(opened: Run) -> None:
        intents = [(1, segment, "one", NOW_MS) for segment in (1, 2)]
        assert await opened.commit(accepted=queued(1, segments=2), intents=intents)

    run(tmp_path, url, work)

    async def found(opened: Run) -> None:
        assert (opened.opening.in_doubt, opened.opening.ended_ms_ago) == (2, None)

    run(tmp_path, url, found)


def test_an_earlier_run_of_the_same_node_that_is_alive_is_told_of(tmp_path: Path, url: str) -> None:
    (tmp_path / "other").mkdir()

    async def work(opened: Run) -> None:
        other = Run(tmp_path / "other", url)
        opening = await asyncio.wait_for(other.journal.open(), PATIENCE_S)
        await asyncio.wait_for(other.journal.close(), PATIENCE_S)
        assert opening.ended_ms_ago is not None

    run(tmp_path, url, work)
