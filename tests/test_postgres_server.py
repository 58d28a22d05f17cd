"""The PostgreSQL servers that other tests rely on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from postgres_fresh import FreshDatabases
from postgres_pair import promote, standby_of, url_of_both
from postgres_programs import VERSIONS, programs
from postgres_server import PATIENCE_S, PostgresServer

Databases = Callable[[int], FreshDatabases]
both = pytest.mark.parametrize("postgres_server", VERSIONS, indirect=True)


def one_value(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(query.encode())
        while cursor.nextset():
            pass
        row = cursor.fetchone()
    assert row is not None
    return row[0]


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@both
def test_the_server_is_of_the_version_asked_for_and_commits_durably(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    assert str(one_value(postgres_url, "SHOW server_version")).startswith(
        f"{postgres_server.programs.version}."
    )
    assert one_value(postgres_url, "SHOW synchronous_commit") == "on"
    assert one_value(postgres_url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    assert one_value(postgres_server.socket_url("fresh"), "SELECT inet_server_addr()") is None


@both
def test_each_test_has_an_empty_database_with_the_rows_of_the_schema(
    postgres_server: PostgresServer, postgres_databases: Databases, postgres_url: str
) -> None:
    databases = postgres_databases(postgres_server.programs.version)
    version = one_value(postgres_url, "SELECT version FROM schema_version")
    with closing(psycopg.connect(postgres_url)) as left_open:
        left_open.execute("INSERT INTO node VALUES (7, 'left')")
        left_open.execute("UPDATE schema_version SET version = 99")
        left_open.commit()
        left_open.execute("LOCK node")
        assert databases.fresh() == postgres_url
    assert one_value(postgres_url, "SELECT count(*) FROM node") == 0
    assert one_value(postgres_url, "SELECT version FROM schema_version") == version


def test_what_a_test_does_to_the_schema_is_undone(
    postgres_server: PostgresServer, postgres_databases: Databases, postgres_url: str
) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("ALTER TABLE node ADD COLUMN more text")
        connection.execute("CREATE TABLE extra (a int)")
    postgres_databases(postgres_server.programs.version).fresh()
    tables = "SELECT count(*) FROM pg_attribute WHERE attname = 'more'"
    assert one_value(postgres_url, tables) == 0
    assert one_value(postgres_url, "SELECT to_regclass('extra') IS NULL") is True


def test_a_database_that_a_run_has_used_is_emptied_and_not_made_anew(
    postgres_databases: Databases, postgres_url: str
) -> None:
    oid = "SELECT oid FROM pg_database WHERE datname = current_database()"
    made = one_value(postgres_url, oid)
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT make_history_days(20254, 20256)").fetchone() == (3,)
    assert postgres_databases(15).fresh() == postgres_url
    assert one_value(postgres_url, oid) == made
    days = "SELECT count(*) FROM pg_class WHERE relname ~ '^history_[0-9]'"
    assert one_value(postgres_url, days) == 0


def test_a_killed_server_has_after_its_restart_what_was_committed(postgres_server: PostgresServer) -> None:
    with PostgresServer(programs(postgres_server.programs.version)) as server:
        url = server.create().create_database("kept")
        with psycopg.connect(url) as connection:
            assert one_value(url, "SHOW fsync") == "on"
            connection.execute("CREATE TABLE kept AS SELECT 1 AS a")
            connection.commit()
            server.kill()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)
        server.start()
        assert one_value(url, "SELECT a FROM kept") == 1
    assert not server.folder.exists()


@both
def test_a_promoted_standby_has_what_was_committed_and_is_found(postgres_server: PostgresServer) -> None:
    version = programs(postgres_server.programs.version)
    with PostgresServer(version) as primary:
        url = primary.create().create_database("kept")
        with standby_of(primary, version) as standby:
            both_url = url_of_both(primary, standby, "kept")
            with closing(psycopg.connect(both_url)) as connection:
                assert connection.info.port == primary.port
                connection.execute("CREATE TABLE kept AS SELECT 1 AS a")
                connection.commit()
                primary.kill()
                promote(standby)
            assert one_value(both_url, "SELECT a FROM kept") == 1
            with closing(psycopg.connect(both_url)) as connection:
                assert connection.info.port == standby.port
                connection.execute("INSERT INTO kept VALUES (2)")
                connection.commit()
            assert one_value(standby.url("kept"), "SELECT count(*) FROM kept") == 2
    assert url not in both_url


def test_without_its_standby_a_server_answers_no_commit(postgres_server: PostgresServer) -> None:
    version = postgres_server.programs
    with PostgresServer(version, fsync=False) as primary:
        url = primary.create().create_database("kept")
        with standby_of(primary, version) as standby:
            standby.kill()
            commit = threading.Thread(target=one_value, args=(url, "CREATE TABLE a (); SELECT 1"))
            commit.start()
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
            with primary.admin() as admin:
                wait_until(lambda: admin.execute(waiting).fetchone() == (1,))
            assert commit.is_alive()
            standby.start()
            commit.join(PATIENCE_S)
            assert not commit.is_alive()


def test_nothing_is_left_when_the_tests_are_killed(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(
        "import sys, time\n"
        f"sys.path[:0] = {sys.path!r}\n"
        "from postgres_programs import programs\n"
        "from postgres_server import PostgresServer\n"
        "server = PostgresServer(programs(15), fsync=False)\n"
        "server.initialise()\n"
        "server.start()\n"
        "print(server.folder, server._process.pid, flush=True)\n"
        "time.sleep(600)\n",
        "utf-8",
    )
    programs(15)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as tests:
        assert tests.stdout is not None
        folder, pid = tests.stdout.readline().split()
        os.kill(int(pid), 0)
        tests.send_signal(signal.SIGKILL)
    wait_until(lambda: not Path(folder).exists() and not Path(f"/proc/{pid}/cmdline").exists())
