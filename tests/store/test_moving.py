"""A store of SQLite moves into PostgreSQL: all of it, exactly, and a kill at any moment costs nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.core.message_ids import lowest_id_at
from gateway.store import moving, moving_check, moving_copy
from gateway.store.moved import MOVED, moved_text
from gateway.store.moving import Move
from gateway.store.moving_check import Differs
from gateway.store.moving_copy import Copier, place_of, place_text
from gateway.store.moving_tables import Source, Table, clean, tables_of
from gateway.store.postgres_open import connect, open_writer
from gateway.store.sqlite_open import FILE_NAME, StoreError, make_store
from gateway.store.sqlite_open import open_writer as open_sqlite

NOW_MS = 1_790_000_000_000
CHUNK = 3
ROWS = 8
"""More than two chunks of each table."""


def columns(connection: sqlite3.Connection, table: str) -> list[tuple[str, str]]:
    return [row[1:3] for row in connection.execute(f"PRAGMA table_info({table})")]


def names(connection: sqlite3.Connection) -> list[str]:
    found = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    return [name for (name,) in found if not name.startswith("sqlite_")]


def value(kind: str, column: str, number: int) -> Any:
    if column == "progress":
        return number % 3
    if kind in ("BLOB", ""):
        return bytes((number, 0, 255))
    return f"{column} {number} Ж€𝄞" if kind == "TEXT" else number


def fill(path: Path) -> None:
    """Rows in every table of the schema, whichever tables there are."""
    make_store(path)
    with closing(sqlite3.connect(path)) as connection:
        for table in names(connection):
            known = columns(connection, table)
            marks = ", ".join("?" * len(known))
            for number in range(1, ROWS + 1):
                row = [value(kind, column, number) for column, kind in known]
                connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)
        connection.execute("UPDATE boot SET stopped_ms = NULL WHERE boot_id > 3")
        connection.execute(
            "UPDATE submission SET upstream_id = NULL, upstream_key = NULL, attempt = 0 WHERE segment = 2"
        )
        connection.execute("UPDATE sqlite_sequence SET seq = 5000 WHERE name = 'delivery'")
        connection.commit()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / FILE_NAME
    fill(path)
    return path


@pytest.fixture
def target(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
def sql(target: str) -> Iterator[psycopg.Connection[Any]]:
    with closing(connect(target)) as connection:
        yield connection


def move(path: Path, url: str, **options: Any) -> moving.Moved:
    return Move(path, url, "postgresql://db1/smsc", lambda words, part: None, CHUNK).run(NOW_MS, **options)


def shared_rows(path: Path, sql: psycopg.Connection[Any], table: str) -> tuple[list[Any], list[Any]]:
    """A table's rows on both sides, of the columns that both have, in one order."""
    with closing(sqlite3.connect(path)) as source:
        known = [name for name, _ in columns(source, table) if name != "claimed_boot"]
        ask = f"SELECT {', '.join(known)} FROM {table}"
        return sorted(source.execute(ask).fetchall(), key=repr), sorted(sql.execute(ask).fetchall(), key=repr)


def test_every_table_arrives_whole(store: Path, target: str, sql: psycopg.Connection[Any]) -> None:
    moved = move(store, target)
    with closing(sqlite3.connect(store)) as source:
        every = names(source)
    assert set(moved.tables) == set(every)
    assert len(every) >= 38
    for table in every:
        here, there = shared_rows(store, sql, table)
        assert here == there
        assert len(here) == moved.tables[table].rows >= ROWS, table
    assert not moved.resumed


def test_the_history_arrives_in_a_table_for_each_day(
    store: Path, target: str, sql: psycopg.Connection[Any]
) -> None:
    midnight = 1_764_288_000_000  # 2025-11-28 UTC
    ids = [lowest_id_at(midnight + hours * 3_600_000) for hours in (0, 23, 24)]
    with closing(sqlite3.connect(store)) as source, source:
        row = source.execute("SELECT * FROM history").fetchone()
        source.execute("DELETE FROM history")
        marks = ", ".join("?" * len(row))
        source.executemany(f"INSERT INTO history VALUES ({marks})", [(one, *row[1:]) for one in ids])
    move(store, target)
    days = {
        name: [one for (one,) in sql.execute(f"SELECT message_id FROM {name} ORDER BY 1").fetchall()]
        for name in ("history_20251128", "history_20251129", "history_default")
    }
    assert list(days.values()) == [ids[:2], ids[2:], []]


def test_what_was_under_way_is_in_doubt_as_after_a_kill(
    store: Path, target: str, sql: psycopg.Connection[Any]
) -> None:
    with closing(open_sqlite(store)) as source:
        found = source.execute("SELECT count(*) FROM submission WHERE attempt = 0 AND upstream_id IS NULL")
        [open_intents] = found.fetchone()
    moved = move(store, target)
    assert moved.in_doubt == open_intents == 1
    ask = "SELECT count(*) FROM ambiguous WHERE message_id = 2 AND segment = 2 AND evidence LIKE %s"
    assert sql.execute(ask, ("%ended before%",)).fetchone() == (1,)
    open_now = "SELECT count(*) FROM submission WHERE attempt = 0 AND upstream_id IS NULL"
    assert sql.execute(open_now).fetchone() == (0,)
    for table in ("letter", "call", "message", "delivery"):
        assert sql.execute(f"SELECT count(*) FROM {table} WHERE claimed_boot <> 0").fetchone() == (0,)
    assert sql.execute("SELECT count(*) FROM boot WHERE stopped_ms IS NULL AND fenced = 0").fetchone() == (0,)


def test_new_numbers_are_above_all_that_were_given(
    store: Path, target: str, sql: psycopg.Connection[Any]
) -> None:
    move(store, target)
    insert = "INSERT INTO {} SELECT (x).* FROM (SELECT t FROM {} t LIMIT 1) y (x) WHERE false"
    assert sql.execute(insert.format("boot", "boot")).rowcount == 0
    next_of = "SELECT nextval(pg_get_serial_sequence(%s, %s))"
    assert sql.execute(next_of, ("delivery", "delivery_id")).fetchone() == (5001,)
    [newest] = sql.execute("SELECT max(boot_id) FROM boot").fetchone() or [0]
    assert sql.execute(next_of, ("boot", "boot_id")).fetchone() == (newest + 1,)
    with closing(sqlite3.connect(store)) as source:
        tables = tables_of(source, sql)
    assert {table.name for table in tables if table.numbered} >= {
        "boot",
        "delivery",
        "letter",
        "call",
        "audit",
    }
    for table in tables:
        if table.numbered:
            [highest] = sql.execute(f"SELECT max({table.numbered}) FROM {table.name}").fetchone() or [0]
            [following] = sql.execute(next_of, (table.name, table.numbered)).fetchone() or [0]
            assert following > highest, table.name


class Killed(BaseException):
    """What a kill leaves: nothing after this point is done."""


def test_a_kill_after_any_step_costs_nothing(
    store: Path, target: str, sql: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run is ended one statement later than the one before; the last one comes through."""
    kills = 0
    execute = psycopg.Cursor.execute
    step = 17  # of some hundred statements each run: a few dozen places
    for most in count(1, step):
        left = [most]

        def dying(self: Any, *args: Any, left: list[int] = left, **options: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return execute(self, *args, **options)

        monkeypatch.setattr(psycopg.Cursor, "execute", dying)
        try:
            moved = move(store, target)
            break
        except Killed:
            kills += 1
            with pytest.raises(StoreError, match="migrate-store"):
                monkeypatch.setattr(psycopg.Cursor, "execute", execute)
                if sql.execute("SELECT to_regclass('moving')").fetchone() == (None,):
                    raise StoreError("migrate-store: not begun") from None
                open_writer(target).close()
        finally:
            monkeypatch.setattr(psycopg.Cursor, "execute", execute)
    assert kills > 5
    assert moved.resumed
    for table in moved.tables:
        here, there = shared_rows(store, sql, table)
        assert here == there, table


def test_until_it_is_over_no_gateway_starts_there_and_afterwards_none_here(
    store: Path, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Copier, table: Table) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(moving_copy.Copier, "copy", fail)
        with pytest.raises(Killed):
            move(store, target)
    with pytest.raises(StoreError, match="a move into this database has not ended"):
        open_writer(target)
    open_sqlite(store).close()  # nobody has to move on
    move(store, target, again=True)
    open_writer(target).close()
    with pytest.raises(StoreError, match=r"was moved to postgresql://db1/smsc on .*`store` in the config"):
        open_sqlite(store)
    store.with_name(store.name + MOVED).unlink()
    open_sqlite(store).close()
    assert moved_text(store) == ""


def test_a_store_that_was_used_since_is_moved_anew(
    store: Path, target: str, sql: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(moving, "check", lambda *args: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            move(store, target)
    with closing(open_sqlite(store)) as source:
        source.execute("INSERT INTO boot (started_ms) VALUES (1)")
        source.execute("DELETE FROM message WHERE message_id = 5")
    with pytest.raises(StoreError, match=r"before a gateway ran on it again.*--again"):
        move(store, target)
    assert not move(store, target, again=True).resumed
    here, there = shared_rows(store, sql, "message")
    assert here == there and len(here) == ROWS - 1


@pytest.mark.parametrize(
    ("damage", "where"),
    [
        ("UPDATE message SET destination = 'x' WHERE message_id = 5", "message: .*after (3,).*first at (5,)"),
        ("DELETE FROM history WHERE message_id = 8", "history: "),
        ("INSERT INTO mark (name, value) VALUES ('zz', 1)", "mark: the rows after"),
        ("UPDATE day_count SET key = '\\x00' WHERE day = 2", "day_count: "),
    ],
)
def test_a_damaged_copy_is_found_and_nothing_is_switched_over(
    store: Path,
    target: str,
    sql: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
    damage: str,
    where: str,
) -> None:
    check = moving_check.check

    def damaged(table: Table, *args: Any) -> Any:
        if table.name == "ambiguous":  # the first
            sql.execute(damage)
        return check(table, *args)

    monkeypatch.setattr(moving, "check", damaged)
    with pytest.raises(Differs) as caught:
        move(store, target)
    assert str(caught.value).startswith(where.partition(":")[0] + ": the rows after ")
    assert "first at (5,)" in str(caught.value) or "message" not in where
    assert moved_text(store) == ""


def test_a_database_that_somebody_uses_is_refused(
    store: Path, target: str, sql: psycopg.Connection[Any]
) -> None:
    sql.execute(
        "INSERT INTO boot (started_ms, lease_until) VALUES (1, clock_timestamp() + interval '1 hour')"
    )
    with pytest.raises(StoreError, match="1 gateways run on"):
        move(store, target)
    sql.execute("UPDATE boot SET lease_until = '-infinity'")
    with pytest.raises(StoreError, match=r"is no empty database: .*rows in boot"):
        move(store, target)
    with pytest.raises(StoreError, match="is no empty database"):
        move(store, target, again=True)
    assert sql.execute("SELECT count(*) FROM boot").fetchone() == (1,)


def test_two_moves_at_once_are_one_too_many(
    store: Path, target: str, sql: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "LOCK_WAIT", "10ms")
    sql.execute("SELECT pg_advisory_lock(%s)", (moving.LOCK,))
    with pytest.raises(StoreError, match="another migrate-store"):
        move(store, target)


def test_a_move_waits_until_the_server_has_noticed_that_the_one_before_is_gone(
    store: Path, target: str, sql: psycopg.Connection[Any]
) -> None:
    sql.execute("SELECT pg_advisory_lock(%s)", (moving.LOCK,))

    over = Event()

    def let_go() -> None:
        waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while not over.is_set() and sql.execute(waits).fetchone() == (0,):
            pass
        sql.execute("SELECT pg_advisory_unlock(%s)", (moving.LOCK,))

    with ThreadPoolExecutor(1) as other:
        gone = other.submit(let_go)
        try:
            assert move(store, target).tables
        finally:
            over.set()
        gone.result()


def test_what_postgresql_cannot_hold_is_told(store: Path, target: str, sql: psycopg.Connection[Any]) -> None:
    with closing(sqlite3.connect(store)) as source:
        source.execute("UPDATE message SET client_id = ? WHERE message_id = 4", ("a\0b",))
        source.execute("UPDATE inbox SET answers = CAST(x'41FF42' AS TEXT) WHERE inbox_id = 4")
        source.commit()
    moved = move(store, target)
    assert moved.changed == 1
    found = sql.execute("SELECT client_id FROM message WHERE message_id = 4").fetchone()
    assert found == ("a\ufffdb",)
    assert sql.execute("SELECT answers FROM inbox WHERE inbox_id = 4").fetchone() == ("A\ufffdB",)


def test_a_key_that_postgresql_cannot_hold_ends_the_move(store: Path, target: str) -> None:
    with closing(sqlite3.connect(store)) as source:
        source.execute("UPDATE blacklist SET number = ? WHERE number LIKE 'number 4%'", ("a\0b",))
        source.commit()
    with pytest.raises(StoreError, match=r"blacklist: the row .*U\+0000 in its key"):
        move(store, target)
    assert moved_text(store) == ""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("values") / FILE_NAME
    make_store(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"])),
    octets=st.binary(),
    number=st.integers(-(2**63), 2**63 - 1),
)
@example(text="\0", octets=b"\0", number=-(2**63))
@example(text="\\.\\N\n\t\r\b\"',{}", octets=b"\\x00", number=2**63 - 1)
@example(text="\ud7ff\ue000\U0010ffff\ufeff", octets=b"", number=0)
def test_every_value_arrives(
    text: str,
    octets: bytes,
    number: int,
    place: sqlite3.Connection,
    target: str,
    sql: psycopg.Connection[Any],
) -> None:
    """A row of each kind of column through the same copy."""
    made = "CREATE TABLE IF NOT EXISTS moving_table (name text PRIMARY KEY, place text, rows bigint)"
    sql.execute(f"{made}; DELETE FROM moving_table; DELETE FROM request_key; DELETE FROM record")
    place.execute("DELETE FROM request_key")
    place.execute("INSERT INTO request_key VALUES ('a', 'k', ?, ?, ?)", (octets, number, text.encode()))
    place.execute("DELETE FROM record")
    place.execute("INSERT INTO record VALUES ('kind', 'a', 1, ?, ?)", (text, text))
    tables = {table.name: table for table in tables_of(place, sql)}
    copier = Copier(Source(place, 10), sql, lambda table, rows: None)
    for name in ("request_key", "record"):
        copier.copy(tables[name])
    row = ("a", "k", octets, number, text.encode())
    assert sql.execute("SELECT account, key, digest, at_ms, answer FROM request_key").fetchall() == [row]
    assert sql.execute("SELECT name, data FROM record").fetchall() == [(clean(text), clean(text))]


@given(st.lists(st.one_of(st.integers(), st.text(), st.binary(), st.none()), max_size=4))
def test_a_place_is_read_as_it_was_written(key: list[Any]) -> None:
    assert place_of(place_text(tuple(key))) == tuple(key)
