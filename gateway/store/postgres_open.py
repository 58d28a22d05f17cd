"""Opens the queue's database on PostgreSQL: settings that are read back, and migrations."""

from __future__ import annotations

import re
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from gateway.store.postgres_sql import OVERLAY
from gateway.store.sqlite_open import StoreError, StoreUnready

OLDEST = 150000
"""PostgreSQL 15 is what Debian 12 ships."""
ALIVE = {
    "connect_timeout": 5,
    "keepalives_idle": 3,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 9000,
}
"""A server whose machine is gone says nothing: so that this is known within the 10 s after which a node ends,
and no process waits for hours for an answer and holds the state directory.  The address may say otherwise."""
MOVING = "moving"
"""There is such a table while a store is moved into the database (`gateway.store.moving`)."""
MIGRATION_LOCK = 0x534D5343
"""The advisory lock of whoever changes the schema."""
SETTINGS = {
    "synchronous_commit": "on",
    "default_transaction_isolation": "read committed",
    "timezone": "UTC",
    "jit": "off",
    # every statement has its index; what little the planner knows of a queue is always out of date
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    # of a node that stands still in the middle of a batch the others get the locks sooner than its lease ends
    "idle_in_transaction_session_timeout": "5s",
    # and of one that is cut off with a statement half sent
    "tcp_keepalives_idle": "3",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "9000",
    "lock_timeout": "10s",
    # a commit that is cancelled while it waits for the standby is answered as one that was not
    "statement_timeout": "0",
}


def migrations() -> list[tuple[int, str]]:
    """The schema's versions, in order: number and script."""
    found = [(int(m[1]), entry) for entry in OVERLAY.iterdir() if (m := re.match(r"(\d{4})_", entry.name))]
    return [(number, entry.read_text("utf-8")) for number, entry in sorted(found, key=lambda pair: pair[0])]


def connect(url: str, **options: Any) -> psycopg.Connection[Any]:
    """A connection; StoreUnready when there is none to be had, without the password in its text."""
    try:
        options = {**ALIVE, **conninfo_to_dict(url), **options}
        return psycopg.connect(autocommit=True, **options)
    except psycopg.OperationalError as error:
        text = " ".join(str(error).split()).removeprefix("connection failed: ")
        raise StoreUnready(f"cannot reach PostgreSQL: {text}") from error
    except psycopg.ProgrammingError:  # whose text may have the password in it
        raise StoreError("the address of the store is malformed: check-config says where") from None


def open_writer(url: str) -> psycopg.Connection[Any]:
    """The connection of the process that writes; the schema is brought up to date.

    Raises StoreUnready when the server cannot be reached, StoreError when it is too old, its schema is newer
    than this program, or it is not durable as promised.
    """
    connection = connect(url, application_name="smsc-gateway")
    try:
        refuse_old(connection)
        for name, value in SETTINGS.items():
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        found = connection.execute("SHOW synchronous_commit").fetchall()[0][0]
        if found != "on":
            raise StoreError(f"PostgreSQL did not accept synchronous_commit = on (it says {found})")
        migrate(connection)
        if connection.execute("SELECT to_regclass(%s) IS NOT NULL", (MOVING,)).fetchall()[0][0]:
            raise StoreError("a move into this database has not ended: say smsc-gateway migrate-store again")
    except BaseException:
        connection.close()
        raise
    return connection


def refuse_old(connection: psycopg.Connection[Any]) -> None:
    """StoreError when the server's version is not one that the gateway is tested with, or later."""
    if connection.info.server_version < OLDEST:
        raise StoreError(f"PostgreSQL {connection.info.server_version // 10000} is too old: 15 is the oldest")


def migrate(connection: psycopg.Connection[Any], version: int | None = None) -> None:
    """Brings the schema up to date, or to this version; one node at a time."""
    known = migrations()
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_version "
            "(version integer NOT NULL, works_with integer NOT NULL)"
        )
        row = connection.execute("SELECT version, works_with FROM schema_version").fetchone()
        found, works_with = row or (0, 0)
        if works_with > known[-1][0]:
            raise StoreError(
                f"the database was written by a newer smsc-gateway (schema {found}, which works with "
                f"{works_with} and newer; this one knows {known[-1][0]}): install that version again"
            )
        for number, script in known:
            if found < number <= (version or known[-1][0]):
                connection.execute(script.encode())
                works = re.search(r"^-- works with: (\d+)$", script, re.M)
                connection.execute("DELETE FROM schema_version")
                connection.execute(
                    "INSERT INTO schema_version VALUES (%s, %s)", (number, int(works[1]) if works else number)
                )
