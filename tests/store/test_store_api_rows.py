"""What the HTTP front reads, beside the process that writes."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from gateway_fakes import DAY_MS, NOW_MS, message
from store_http import HANDLER, call, live, send, use
from store_support import PEER, SqliteEngine, Store

from gateway.core.api import NEWEST_API_ID
from gateway.core.batch import Batch
from gateway.core.errors import StoreReadError
from gateway.store import sqlite_writer
from gateway.store.api_rows import ApiRows
from gateway.store.sqlite_open import FILE_NAME, statements


def read(store: Store, *questions: tuple[str, tuple[object, ...]]) -> list[list[dict[str, Any]]]:
    async def ask() -> list[list[dict[str, Any]]]:
        rows = ApiRows(store.engine.reads)
        try:
            return list(await asyncio.gather(*(rows(*question) for question in questions)))
        finally:
            await rows.close()

    return asyncio.run(ask())


def statements_are(monkeypatch: pytest.MonkeyPatch, **sql: str) -> None:
    """These, in the place of those of the files."""
    monkeypatch.setattr("gateway.store.sqlite_reading.statements", lambda prefix: sql)
    texts = {name: text.encode() for name, text in sql.items()}
    monkeypatch.setattr("gateway.store.postgres_reading._statements", lambda: texts)


def put(store: Store, record_id: int, name: str = "a", account: str = "app", kind: str = "group") -> None:
    store.apply(records=[(kind, account, record_id, name, f'{{"n": {record_id}}}')])


def test_records_are_found_by_id_by_name_and_by_kind(store: Store) -> None:
    for record_id, name, account in ((1, "a", "app"), (2, "b", "app"), (3, "a", "app"), (4, "a", "other")):
        put(store, record_id, name, account)
    put(store, 9, kind="template")
    one, none, named, some, of_all = read(
        store,
        ("get_record", ("group", "app", 2)),
        ("get_record", ("group", "app", 4)),
        ("named_record", ("group", "app", "a")),
        ("list_records", ("group", "app", 2)),
        ("list_kind", ("group",)),
    )
    assert one == [{"record_id": 2, "name": "b", "data": '{"n": 2}'}]
    assert none == []
    assert [row["record_id"] for row in named] == [3]
    assert [row["record_id"] for row in some] == [1, 2]
    assert [(row["account"], row["record_id"]) for row in of_all] == [
        ("app", 1),
        ("app", 2),
        ("app", 3),
        ("other", 4),
    ]


def test_what_was_committed_before_is_seen(store: Store) -> None:
    async def ask() -> list[int]:
        rows, found = ApiRows(store.engine.reads), []
        for n in range(3):
            found.append(len(await rows("list_kind", ("group",))))
            put(store, n)
        await rows.close()
        return found

    assert asyncio.run(ask()) == [0, 1, 2]


def test_no_reader_holds_back_a_checkpoint(sqlite_store: Store) -> None:
    store = sqlite_store
    engine = store.engine
    assert isinstance(engine, SqliteEngine)

    async def ask() -> tuple[int, int, int]:
        rows = ApiRows(engine.reads)
        put(store, 1)
        await rows("list_records", ("group", "app", 1))
        put(store, 2)
        done: tuple[int, int, int] = engine.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        await rows.close()
        return done

    assert asyncio.run(ask()) == (0, 0, 0)


def test_only_what_the_front_may_ask_is_answered(store: Store) -> None:
    with pytest.raises(KeyError):
        read(store, ("delete_ended", ()))


def test_nothing_can_be_written(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    statements_are(monkeypatch, x="DELETE FROM record")
    with pytest.raises(StoreReadError, match=r"readonly|read-only"):
        read(store, ("x", ()))


def test_a_read_that_takes_too_long_ends_and_the_next_one_is_answered(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS i FROM n"
    statements_are(monkeypatch, endless=endless, short="SELECT 1 AS i")
    monkeypatch.setattr("gateway.store.api_rows.READ_MAX_S", 0.001)

    async def ask() -> list[dict[str, Any]]:
        rows = ApiRows(store.engine.reads)
        with pytest.raises(StoreReadError, match=r"interrupted|statement timeout"):
            await rows("endless")
        found = await rows("short")
        await rows.close()
        return found

    assert asyncio.run(ask()) == [{"i": 1}]


def test_a_reader_that_never_read_closes(store: Store) -> None:
    assert read(store) == []


def test_what_its_sender_has_hidden_is_found_in_no_way(store: Store) -> None:
    send(store, live(1), live(2), live(3, account="other"))
    store.apply(hidden=[("app", 1)])
    bounds, top = ("app", 0), 1 << 62
    found = read(
        store,
        ("api_history_to", (*bounds, top, 0, 9, f'["{PEER}"]')),
        ("v1_ids_to", (*bounds, top, 9, PEER)),
        ("v1_messages", ("app", "[1, 2, 3]")),
        ("api_statuses", ("app", f'[["77", "{PEER}"]]')),
    )
    assert [[row["message_id"] for row in rows] for rows in found] == [[2]] * 4


def call_is(what: str, store: Store) -> None:
    use(store, HANDLER)
    store.apply(calls=[call()])
    if what == "dead":
        store.apply(calls_refused=[(1, "HTTP 410", NOW_MS)])
    store.apply(api_accounts=[("app", 0)])


@pytest.mark.parametrize("what", ["waiting", "dead"])
def test_a_name_is_not_free_while_calls_of_it_are_left(store: Store, what: str) -> None:
    """They would be told to whoever has the name next."""
    assert read(store, ("account_traces", ("app",))) == [[{"found": 0}]]
    call_is(what, store)
    assert read(store, ("account_traces", ("app",))) == [[{"found": 1}]]
    assert read(store, ("account_traces", ("other",))) == [[{"found": 0}]]


def test_a_name_is_not_free_while_days_of_it_are_counted(store: Store) -> None:
    for n, account in enumerate(("other", "app", "other")):
        ended = message(n + 1, account=account, accepted_ms=NOW_MS + n * DAY_MS)
        store.send(ended)
        store.apply(failed=[(n + 1, 5, "000", NOW_MS)])
    found = read(store, *(("account_traces", (name,)) for name in ("app", "other", "else")))
    assert [rows[0]["found"] for rows in found] == [1, 1, 0]


SELDOM = {"account_traces": {"message"}}
"""What lives is read through when a sub-client is made, and then only if nothing else is left of its name."""


def test_every_read_of_the_front_uses_an_index(sqlite_store: Store) -> None:
    """A read takes the one thread that all of them have."""
    engine = sqlite_store.engine
    assert isinstance(engine, SqliteEngine)
    tables = {row[0] for row in engine.connection.execute("SELECT name FROM main.sqlite_master")}
    for name, sql in statements("api").items():
        count = max((int(n) for n in re.findall(r"\?(\d+)", sql)), default=sql.count("?"))
        plan = [row[3] for row in engine.connection.execute(f"EXPLAIN QUERY PLAN {sql}", ["1"] * count)]
        scans = {line.split()[1] for line in plan if line.startswith("SCAN")}
        assert scans & tables <= SELDOM.get(name, set()), f"{name} reads a whole table"


def test_the_next_run_goes_on_behind_the_ids_of_this_one(sqlite_store: Store, tmp_path: Path) -> None:
    store = sqlite_store
    store.apply(marks=[(NEWEST_API_ID, 1), (NEWEST_API_ID, 3), ("read", 9), (NEWEST_API_ID, 2)])
    store.apply(records=[("group", "app", 6, "", "{}")], api_accounts=[("app", 5), ("other", 0)])
    store.engine.close()
    applier, hello = sqlite_writer._open(tmp_path / FILE_NAME)
    assert hello[-7:-3] == (2, {"group": 6}, 0, {"app": 5})
    applier.apply(Batch(marks=[(NEWEST_API_ID, 3)], incidents=[(1, NOW_MS, "x")]))
    applier.db.connection.close()
    applier, hello = sqlite_writer._open(tmp_path / FILE_NAME)
    assert hello[-7] == 3
    applier.db.connection.close()


WALKED = (
    "find_request_key purge_request_keys hide_message list_api_ended note_lookups purge_api_messages "
    "find_answered_message name_of_message purge_inbox count_clicks mark_clicked list_old_links "
    "delete_link_days insert_end_calls list_lanes list_due_calls next_call list_dead_calls list_old_calls "
    "purge_dead_calls drop_record delete_contact delete_contact_numbers delete_group_members"
)
SMALL = {"temp.ended", "e", "waiting", "w", "(subquery-1)", "ended"}
"""What a batch or a recursion holds, and what a LIMIT has cut."""


@pytest.mark.parametrize("name", WALKED.split())
def test_no_batch_reads_a_whole_table(sqlite_store: Store, name: str) -> None:
    engine = sqlite_store.engine
    assert isinstance(engine, SqliteEngine)
    sql = engine.applier.db.sql[name]
    count = max((int(n) for n in re.findall(r"\?(\d+)", sql)), default=sql.count("?"))
    plan = [row[3] for row in engine.connection.execute(f"EXPLAIN QUERY PLAN {sql}", ["1"] * count)]
    scanned = [line for line in plan if line.startswith("SCAN") and line.split()[1] not in SMALL]
    assert scanned == [] or "LIMIT" in sql
    assert not any(line.startswith("USE TEMP B-TREE") for line in plan)
