"""What only the SQLite engine has: the file, its schema and pragmas, and a transaction that fails."""

from __future__ import annotations

import ast
import os
import re
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest
from gateway_fakes import NOW_MS, message
from store_http import live, send
from store_support import PEER, SqliteEngine, Store, receipt, submitted

from gateway.core.batch import Batch
from gateway.core.model import Message, Progress
from gateway.store import apply, end_steps, part_steps, sqlite_open
from gateway.store.sqlite_database import SqliteDatabase
from gateway.store.sqlite_open import (
    FILE_NAME,
    StoreBusy,
    StoreError,
    lock,
    migrations,
    open_writer,
    statements,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / FILE_NAME


def schema(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
    return connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2").fetchall()


def opened(path: Path) -> sqlite3.Connection:
    """A second look at the file, without this program's rules."""
    return sqlite3.connect(path, isolation_level=None)


# -- the file ---------------------------------------------------------------------------------------


def test_migrations_are_numbered_without_gaps() -> None:
    assert [number for number, _ in migrations()] == list(range(1, len(migrations()) + 1))


def test_from_every_version_the_same_schema_comes_out(tmp_path: Path) -> None:
    fresh = open_writer(tmp_path / "fresh")
    for version in range(1, len(migrations())):
        old = opened(tmp_path / str(version))
        for number, script in migrations()[:version]:
            old.executescript(f"{script}; PRAGMA user_version = {number}")
        old.close()
        upgraded = open_writer(tmp_path / str(version))
        assert schema(upgraded) == schema(fresh)
        assert upgraded.execute("PRAGMA user_version").fetchone() == (len(migrations()),)
        upgraded.close()
    fresh.close()


def test_what_lives_in_a_store_of_version_3_lives_on(tmp_path: Path) -> None:
    old = opened(tmp_path / FILE_NAME)
    for number, script in migrations()[:3]:
        old.executescript(f"{script}; PRAGMA user_version = {number}")
    of_then = Message._fields.index("flags")
    columns = ", ".join(Message._fields[:of_then])
    places = ", ".join("?" * of_then)
    for n, progress in ((1, Progress.SENT), (2, Progress.QUEUED), (3, Progress.HELD)):
        sql = f"INSERT INTO message ({columns}, progress) VALUES ({places}, ?)"
        old.execute(sql, (*message(n)[:of_then], progress.value))
    old.execute("INSERT INTO boot (started_ms) VALUES (1)")
    old.execute(
        "INSERT INTO submission (message_id, segment, connector, boot, attempt, intent_ms, submitted_ms, "
        "upstream_id, upstream_key) VALUES (1, 1, 'one', 1, 1, 1, 2, 'A', 'a')"
    )
    old.execute(
        "INSERT INTO parked_receipt (connector, upstream_id, key_same, peer, state, final, error, "
        "received_ms) VALUES ('one', 'B', 'b', ?, 5, 1, '042', 3)",
        (PEER,),
    )
    old.execute(
        "INSERT INTO delivery SELECT 7, 'app', 0, 1, 1, 1, '7', 1, 1, '8', 0, 0, 0, x'', x'', -1, '', 0, 0, 1"
    )
    old.execute("INSERT INTO dead_delivery SELECT *, 'refused', 5 FROM delivery")
    old.close()

    store = Store(SqliteEngine(tmp_path))
    ((_, [(fields, segments)], _),) = store.apply(claims=[("one", 9, NOW_MS, 1)]).claimed
    assert (Message(*fields), segments) == (message(2, registered_delivery=fields[13]), [1])
    store.apply(submitted=[submitted(2, "B")])
    store.apply(receipts=[receipt("A")], decisions=[(3, "drop", NOW_MS)])
    assert [store.end(n) for n in (1, 2, 3)] == [(2, "000"), (5, "042"), (4, "given up")]
    assert store.fetch(limit=1) == [7]
    assert [row["part"] for row in store.rows("delivery")] == [0] * 4
    assert [(row["reason"], row["died_ms"], row["part"]) for row in store.rows("dead_delivery")] == [
        ("refused", 5, 0)
    ]
    store.engine.close()


def test_opening_again_changes_nothing(path: Path) -> None:
    first = open_writer(path)
    before = schema(first)
    first.close()
    again = open_writer(path)
    assert schema(again) == before
    again.close()


def test_a_newer_schema_is_refused(path: Path) -> None:
    newer = open_writer(path)
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(StoreError, match=r"newer smsc-gateway \(schema 99, this one knows \d+\)"):
        open_writer(path)


def test_a_migration_that_fails_leaves_the_version_before(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_writer(path).close()
    newest = len(migrations())
    bad = (newest + 1, "CREATE TABLE half (a); INSERT INTO no_such_table VALUES (1);")
    monkeypatch.setattr(sqlite_open, "migrations", lambda: [*migrations(), bad])
    with pytest.raises(StoreError, match="no_such_table"):
        open_writer(path)
    monkeypatch.undo()
    connection = open_writer(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (newest,)
    assert "half" not in {name for _, name, _, _ in schema(connection)}
    connection.close()


def test_g2_the_writer_is_durable_and_says_so(path: Path) -> None:
    connection = open_writer(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    connection.close()


def test_g2_a_file_that_cannot_be_durable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_open, "_make_first", lambda path: None)
    with pytest.raises(StoreError, match="journal_mode"):
        open_writer(Path(":memory:"))


def test_security_75_nobody_else_may_read_the_file(path: Path) -> None:
    open_writer(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"not a database at all" * 300, b"SQLite format 3\0" + b"\xff" * 8000])
def test_what_is_no_database_is_refused_and_kept(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"is damaged .* smsc-gateway recover --state-dir"):
        open_writer(path)
    assert path.read_bytes() == content


def test_a_damaged_table_is_refused(path: Path) -> None:
    engine = SqliteEngine(path.parent)
    store = Store(engine)
    store.queue(*(message(n, user_data=b"x" * 140) for n in range(1, 200)))
    engine.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (page,) = engine.connection.execute(
        "SELECT rootpage FROM sqlite_master WHERE name = 'message'"
    ).fetchone()
    (size,) = engine.connection.execute("PRAGMA page_size").fetchone()
    engine.close()
    content = bytearray(path.read_bytes())
    content[(page - 1) * size : page * size] = b"\xa5" * size
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"damaged|malformed"):
        open_writer(path)


def test_the_lock_is_nobody_elses_and_no_link_is_followed(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        lock(tmp_path).close()
    finally:
        os.umask(before)
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600
    (tmp_path / "lock").unlink()
    (tmp_path / "lock").symlink_to(tmp_path / "else")
    with pytest.raises(StoreError, match="cannot be used"):
        lock(tmp_path)
    assert not (tmp_path / "else").exists()


def test_one_gateway_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_open, "LOCK_WAIT_S", 0.0)
    with lock(tmp_path), pytest.raises(StoreBusy, match="another gateway is running"):
        lock(tmp_path)
    lock(tmp_path).close()


# -- statements -------------------------------------------------------------------------------------


def test_every_statement_is_used_and_every_one_used_exists() -> None:
    folder = Path(apply.__file__).parent
    texts = [
        node.value
        for file in folder.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert statements().keys() - statements("api").keys() <= set(texts)
    code = "".join(file.read_text() for file in folder.glob("sqlite_*.py"))
    called = re.findall(r"""(?:_run|_many|\brun)\(\s*"(\w+)\"""", code)
    assert set(called) <= set(statements())


def test_every_statement_of_the_front_is_used() -> None:
    """Its statements are run by name, from wherever something is asked."""
    root = Path(apply.__file__).parents[1]
    files = [file for folder in ("front", "api") for file in (root / folder).rglob("*.py")]
    code = "".join(file.read_text() for file in [*files, *root.glob("*.py")])
    assert {name for name in statements("api") if f'"{name}"' not in code} == set()


def test_no_two_statements_have_one_name() -> None:
    names = [
        name
        for file in sqlite_open.SQL.glob("[a-z]*.sql")
        for name in re.findall(r"^-- name: (\w+)$", file.read_text(), flags=re.M)
    ]
    assert len(names) == len(set(names))


def test_the_ways_that_are_walked_for_each_message_use_an_index(path: Path) -> None:
    connection = open_writer(path)
    applier = apply.Applier(SqliteDatabase(connection), NOW_MS)
    for name in ("claim_messages", "next_due", "match_same", "match_second", "unpark", "fetch_deliveries"):
        sql = applier.db.sql[name]
        count = max([sql.count("?"), *(int(n) for n in re.findall(r"\?(\d)", sql))])
        plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}", [1] * (2 if "?2" in sql else count)).fetchall()
        scans = [row[3] for row in plan if row[3].startswith("SCAN") and "receipt" not in row[3]]
        assert scans == [], f"{name} reads a whole table"
    connection.close()


# -- transactions -----------------------------------------------------------------------------------


@pytest.fixture
def sqlite(tmp_path: Path) -> Any:
    engine = SqliteEngine(tmp_path)
    yield Store(engine)
    engine.close()


def fail(store: Store, **lists: Any) -> None:
    """A batch that does all this, and then meets an error of the database."""
    engine = store.engine
    assert isinstance(engine, SqliteEngine)
    before = {name: engine.rows(name) for name in tables(engine)}
    engine.connection.set_authorizer(_no_delivery_is_deleted)
    with pytest.raises(sqlite3.DatabaseError):
        store.apply(**lists, delivered=[(1,)])
    engine.connection.set_authorizer(None)
    assert {name: engine.rows(name) for name in tables(engine)} == before


def tables(engine: SqliteEngine) -> list[str]:
    found = engine.connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' UNION SELECT name FROM temp.sqlite_master"
    )
    return [name for (name,) in found]


def _no_delivery_is_deleted(action: int, table: str | None, *_: str | None) -> int:
    denied = action == sqlite3.SQLITE_DELETE and table == "delivery"
    return sqlite3.SQLITE_DENY if denied else sqlite3.SQLITE_OK


def test_a_batch_that_fails_leaves_nothing(sqlite: Store) -> None:
    sqlite.sent(1, "A")
    sqlite.send(message(2))
    sqlite.queue(message(3))
    fail(
        sqlite,
        accepted=[(*message(9), Progress.SENT.value)],
        intents=[(9, 1, "one", NOW_MS)],
        submitted=[submitted(2, "B")],
        receipts=[receipt("A"), receipt("none")],
        doubts=[(9, 1, NOW_MS, "x", "", 0)],
        claims=[("one", 5, NOW_MS, 1)],
    )
    assert (sqlite.progress(1), sqlite.progress(2)) == (Progress.SENT, Progress.SENT)
    assert sqlite.apply(receipts=[receipt("A")]).results == [(1, 1, 0)]


def test_the_same_message_twice_is_an_error_and_leaves_nothing(sqlite: Store) -> None:
    sqlite.send(message(1))
    with pytest.raises(sqlite3.IntegrityError):
        sqlite.send(message(2), message(1))
    assert sqlite.progress(2) is None


def test_an_early_receipt_is_still_found_after_a_batch_that_failed(sqlite: Store) -> None:
    sqlite.send(message(1))
    sqlite.apply(receipts=[receipt("77")])
    fail(sqlite, submitted=[submitted(1, "77")])
    assert len(sqlite.taken(1, "77").unparked) == 1
    assert sqlite.end(1) == (2, "000")


def test_a_doubt_is_still_settled_after_a_batch_that_failed(sqlite: Store) -> None:
    sqlite.send(message(1))
    sqlite.doubt(1)
    fail(sqlite, late=[submitted(1, "77")])
    sqlite.claim()
    sqlite.taken(1, "78")
    sqlite.apply(receipts=[receipt("78")])
    assert sqlite.rows("ambiguous")[0]["settled_by"] == "receipt"


def test_new_deliveries_are_told_after_a_batch_that_failed(sqlite: Store) -> None:
    sqlite.sent(1, "A")
    fail(sqlite, receipts=[receipt("A")])
    assert [row[2] for row in sqlite.apply(receipts=[receipt("A")]).deliveries] == [1]


def test_what_is_remembered_is_as_it_was_after_a_batch_that_failed(
    sqlite: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(end_steps, "REMEMBERED", 2)
    for n in range(1, 5):
        sqlite.sent(n, f"A{n}")
    sqlite.apply(receipts=[receipt("A1"), receipt("A2")])
    fail(sqlite, receipts=[receipt("A3")])  # it would have forgotten the first one
    sqlite.apply(receipts=[receipt("A4")])
    again = sqlite.apply(receipts=[receipt("A1"), receipt("A2")]).results
    assert again == [(None, None, None), (1, 2, 1)]


def test_sets_of_a_batch_that_failed_take_no_room(sqlite: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_steps, "SETS_MAX", 1)

    def part(n: int) -> dict[str, Any]:
        row = (n, "app", "Example", PEER, n, 2, 1, NOW_MS)
        return {"accepted": [(*message(n), Progress.GATHERED.value)], "parts": [row]}

    sqlite.sent(9, "A")
    sqlite.apply(receipts=[receipt("A")])  # a delivery that cannot be deleted
    fail(sqlite, **part(1))
    sqlite.apply(**part(2))
    assert sqlite.progress(2) is Progress.GATHERED
    sqlite.apply(**part(3))
    assert sqlite.progress(2) is Progress.QUEUED


REQUESTS = (
    "find_live find_ended list_upstream_ids find_waiting_to end_cancelled replace_text end_replaced "
    "mark_noticed list_notices write_notice write_late_notice look_at_set oldest_set list_old_sets list_set "
    "close_set drop_set send_alone end_carried fill_carried_history end_expired"
)


@pytest.mark.parametrize("name", REQUESTS.split())
def test_no_request_reads_a_whole_table(sqlite: Store, name: str) -> None:
    engine = sqlite.engine
    assert isinstance(engine, SqliteEngine)
    engine.connection.execute(engine.applier.db.sql["index_waiting"])
    sql = engine.applier.db.sql[name]
    count = max((int(n) for n in re.findall(r"\?(\d+)", sql)), default=sql.count("?"))
    plan = [row[3] for row in engine.connection.execute(f"EXPLAIN QUERY PLAN {sql}", [1] * count)]
    whole = {step for step in plan if step.startswith("SCAN") and "USING" not in step}
    assert whole <= {"SCAN e", "SCAN r", "SCAN ended", "SCAN oldest", "SCAN (subquery-2)"}, plan


def test_plain_messages_are_in_no_index_of_what_waits(path: Path) -> None:
    connection = open_writer(path)
    indexes = connection.execute(
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'message' AND sql IS NOT NULL"
    ).fetchall()
    assert len(indexes) == 2
    assert all(re.search(r"WHERE progress (= 0|<> 1)$", sql) for (sql,) in indexes)
    connection.close()


def waiting_index(store: Store) -> bool:
    return any(row["name"] == "message_waiting" for row in store.rows("sqlite_master"))


@pytest.mark.parametrize(
    "lists",
    [
        {"cancels": [("app", 0, "Example", PEER, "", NOW_MS)]},
        {"replaced_by": [(2, "app", "Example", PEER, "", NOW_MS)]},
    ],
)
def test_an_index_of_what_waits_is_there_when_it_is_asked_for(sqlite: Store, lists: dict[str, Any]) -> None:
    """It would cost every message that waits, and hardly anybody asks."""
    sqlite.queue(message(1), message(2))
    sqlite.apply(cancels=[("app", 9, "", "", "", NOW_MS)], queries=[("app", 1)])
    assert not waiting_index(sqlite)
    sqlite.apply(**lists)
    assert waiting_index(sqlite)
    assert sqlite.progress(1) is None
    sqlite.restart()
    assert not waiting_index(sqlite)
    sqlite.queue(message(3))
    assert sqlite.apply(cancels=[("app", 0, "Example", PEER, "", NOW_MS)]).cancelled[0][0] >= 1


def test_an_index_of_a_batch_that_failed_is_made_by_the_next(sqlite: Store) -> None:
    sqlite.sent(9, "A")
    sqlite.apply(receipts=[receipt("A")])
    sqlite.queue(message(1))
    fail(sqlite, cancels=[("app", 0, "Example", PEER, "", NOW_MS)])
    assert not waiting_index(sqlite)
    assert sqlite.apply(cancels=[("app", 0, "Example", PEER, "", NOW_MS)]).cancelled == [(1, [], 0)]


class Named(dict[str, str]):
    """The statements, and which of them were used."""

    def __init__(self, sql: dict[str, str]) -> None:
        super().__init__(sql)
        self.used: list[str] = []

    def __getitem__(self, name: str) -> str:
        self.used.append(name)
        return super().__getitem__(name)


def test_plain_messages_cost_so_many_statements_and_no_more(sqlite: Store) -> None:
    engine = sqlite.engine
    assert isinstance(engine, SqliteEngine)
    engine.applier.db.sql = named = Named(engine.applier.db.sql)
    batches: list[dict[str, Any]] = [
        {"accepted": [(*message(1), Progress.SENT.value)], "intents": [(1, 1, "one", NOW_MS)]},
        {"submitted": [submitted(1, "A")]},
        {"receipts": [receipt("A")]},
        {"delivered": [(1,)]},
    ]
    used = []
    for batch in batches:
        named.used.clear()
        sqlite.apply(**batch)
        used.append(" ".join(named.used))
    assert used == [
        "insert_message insert_intent",
        "record_submitted",
        "insert_receipt_row match_same receipt_results record_final end_single touch_receipts "
        "forget_receipts count_ended write_history write_deliveries write_statistics close_submissions "
        "list_ended delete_ended forget_ended new_deliveries",
        "delete_deliveries",
    ]


def test_a_message_over_http_costs_so_many_more(sqlite: Store) -> None:
    engine = sqlite.engine
    assert isinstance(engine, SqliteEngine)
    sqlite.apply(api_accounts=[("app", 1)])
    engine.applier.db.sql = named = Named(engine.applier.db.sql)
    send(sqlite, live(1))
    assert " ".join(named.used) == "insert_message insert_intent insert_api_message"
    sqlite.apply(submitted=[submitted(1, "A")])
    named.used.clear()
    sqlite.apply(receipts=[receipt("A")])
    assert " ".join(named.used) == (
        "insert_receipt_row match_same receipt_results record_final end_single touch_receipts "
        "forget_receipts count_ended write_history write_deliveries write_statistics list_api_ended "
        "note_lookups insert_end_calls close_submissions list_ended delete_ended forget_ended new_deliveries"
    )


def test_only_so_many_ended_messages_are_remembered(sqlite: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(end_steps, "REMEMBERED", 2)
    for n in range(1, 5):
        sqlite.sent(n, f"A{n}")
        sqlite.apply(receipts=[receipt(f"A{n}")])
    assert [row["message_id"] for row in sqlite.rows("submission")] == [3, 4]
    assert sqlite.apply(receipts=[receipt("A1"), receipt("A4")]).results == [(None, None, None), (1, 4, 1)]


def test_what_is_forgotten_costs_nothing_any_more(sqlite: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = sqlite.engine
    assert isinstance(engine, SqliteEngine)
    monkeypatch.setattr(end_steps, "REMEMBERED", 2)
    for n in range(1, 5):
        sqlite.sent(n, f"A{n}")
    sqlite.apply(receipts=[receipt(f"A{n}") for n in range(1, 5)])
    engine.applier.db.sql = named = Named(engine.applier.db.sql)
    sqlite.apply(failed=[(99, 5, "", NOW_MS)])
    assert named.used == ["end_message", "count_ended", "forget_ended"]


def test_an_empty_batch_is_a_commit(sqlite: Store) -> None:
    assert sqlite.apply_batch(Batch()).error == ""
