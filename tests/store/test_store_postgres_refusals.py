"""A server that is reached and refuses: what is said of it, and that all goes on when that is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from postgres_run import PATIENCE_S, Run, queued, rows, run
from postgres_server import ROLE, PostgresServer
from psycopg.conninfo import conninfo_to_dict

from gateway.core.batch import Answer
from gateway.store.postgres_writer import _failure
from gateway.store.sqlite_open import StoreUnready

REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE 'could not extend file "base/5/1": No space left on device'
        USING ERRCODE = 'disk_full', HINT = 'Check free disk space.';
END $$;
CREATE TRIGGER refused BEFORE INSERT ON {table} EXECUTE FUNCTION refuse()"""
ALLOW = "DROP FUNCTION IF EXISTS refuse CASCADE"


class Admin:
    """Who changes a server, and this database of it."""

    def __init__(self, server: PostgresServer, url: str) -> None:
        self.server = server
        self.name = str(conninfo_to_dict(url)["dbname"])

    def do(self, *statements: str) -> None:
        for statement in statements:
            self.server.execute(statement, self.name)

    def read_only(self, wanted: str) -> None:
        self.server.execute(f"ALTER DATABASE {self.name} SET default_transaction_read_only = {wanted}")

    def end_connections(self) -> None:
        self.do(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{self.name}' AND usename = '{ROLE}'"
        )

    def limit(self, connections: int) -> None:
        self.do(f"ALTER ROLE {ROLE} CONNECTION LIMIT {connections}")


@pytest.fixture
def admin(postgres_server: PostgresServer, postgres_url: str) -> Iterator[Admin]:
    """All is as it was afterwards."""
    made = Admin(postgres_server, postgres_url)
    yield made
    made.read_only("off")
    made.limit(-1)
    made.do(ALLOW, f"ALTER TABLE boot OWNER TO {ROLE}")


def start(folder: Path, url: str, mend: Callable[[], None]) -> str:
    """Starts; mends what is wrong when that is said, which it returns."""
    reasons: list[str] = []

    async def whole() -> None:
        opened = Run(folder, url)

        def waits(reason: str) -> None:
            reasons.append(reason)
            mend()

        opened.journal.on_wait = waits
        try:
            await asyncio.wait_for(opened.journal.open(), PATIENCE_S)
            assert await opened.commit(accepted=queued(1))
        finally:
            await opened.journal.close()

    asyncio.run(whole())
    [reason] = reasons
    return reason


def test_a_start_waits_until_the_server_takes_writes(tmp_path: Path, admin: Admin, postgres_url: str) -> None:
    """It is a standby still, for example, to which the address leads already."""
    admin.read_only("on")
    reason = start(tmp_path, postgres_url, lambda: admin.read_only("off"))
    assert "read-only transaction" in reason


def test_a_start_waits_for_a_connection(tmp_path: Path, admin: Admin, postgres_url: str) -> None:
    admin.limit(0)
    reason = start(tmp_path, postgres_url, lambda: admin.limit(-1))
    assert "too many connections for role" in reason


def test_a_start_waits_for_room(tmp_path: Path, admin: Admin, postgres_url: str) -> None:
    admin.do(REFUSE.format(table="boot"))
    reason = start(tmp_path, postgres_url, lambda: admin.do(ALLOW))
    assert "No space left on device" in reason
    assert "Check free disk space." in reason


def test_a_start_does_not_wait_for_a_right_that_it_has_not(
    tmp_path: Path, admin: Admin, postgres_url: str
) -> None:
    admin.do("ALTER TABLE boot OWNER TO postgres")
    with pytest.raises(StoreUnready, match="permission denied for table boot"):
        start(tmp_path, postgres_url, lambda: pytest.fail("nobody mends it while it waits"))


def test_nothing_is_taken_without_room_and_all_goes_on_with_it(
    tmp_path: Path, admin: Admin, postgres_url: str
) -> None:
    async def work(opened: Run) -> None:
        assert await opened.commit(accepted=queued(1))
        admin.do(REFUSE.format(table="message"))
        assert not await opened.commit(accepted=queued(2))
        error = opened.journal.error
        assert error.endswith("No space left on device (53100): Check free disk space.")
        admin.do(ALLOW)
        await opened.until(lambda: opened.journal.error == "")
        assert await opened.commit(accepted=queued(3))
        assert not opened.death.done()

    run(tmp_path, postgres_url, work)
    assert rows(postgres_url, "SELECT message_id FROM message ORDER BY 1") == [(1,), (3,)]


def test_a_node_waits_until_the_server_takes_writes_again(
    tmp_path: Path, admin: Admin, postgres_url: str
) -> None:
    async def work(opened: Run) -> None:
        admin.read_only("on")
        admin.end_connections()
        await opened.until(lambda: "read-only" in opened.journal.error)
        later = asyncio.ensure_future(opened.commit(accepted=queued(1)))
        admin.read_only("off")
        assert await later
        assert opened.journal.error == ""

    run(tmp_path, postgres_url, work)


def test_a_node_waits_for_a_connection(tmp_path: Path, admin: Admin, postgres_url: str) -> None:
    async def work(opened: Run) -> None:
        admin.limit(0)
        admin.end_connections()
        await opened.until(lambda: "too many connections for role" in opened.journal.error)
        admin.limit(-1)
        assert await opened.commit(accepted=queued(1))

    run(tmp_path, postgres_url, work)


def test_a_table_of_locks_that_is_full_is_refused_with_what_to_do(admin: Admin) -> None:
    def lock_too_much() -> Answer:
        with admin.server.admin(admin.name) as connection, connection.transaction():
            try:
                connection.execute("SELECT pg_advisory_xact_lock(n) FROM generate_series(1, 1000000) n")
            except psycopg.Error as error:
                return _failure(error)
        raise AssertionError("there was room")

    answer = lock_too_much()
    assert not answer.fatal
    assert answer.error.startswith("out of shared memory (53200): You might need to increase")
    assert "max_locks_per_transaction" in answer.error
