"""PostgreSQL understands every statement, and those that it has in its own words have the same parameters."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from postgres_programs import VERSIONS

from gateway.store import postgres_sql
from gateway.store.postgres_database import PostgresDatabase
from gateway.store.postgres_open import open_writer
from gateway.store.sqlite_open import SQL, read_statements, statements

OF_SEVERAL_NODES = {"admission.sql", "cluster.sql", "batch.sql", "plain.sql", "doubts.sql"}
"""Files with what only several nodes on one database need, or what only there is worth while."""
OWN = {"lock_sets", "try_set", "take_all_again", "lock_messages", "mark_sent_without", "keep_deliveries"}
"""The same in files that say otherwise what SQLite's say."""
OF_A_RUN = {"requeue_unassigned", "list_open_intents"}
"""What these do for all runs but one, they do there for one that is over."""


def files() -> list[Path]:
    return sorted(postgres_sql.OVERLAY.glob("[a-z]*.sql"))


@pytest.mark.parametrize("postgres_server", VERSIONS, indirect=True)
def test_every_statement_can_be_prepared(postgres_url: str) -> None:
    connection = open_writer(postgres_url)
    database = PostgresDatabase(connection)
    refused = {}
    for name, statement in database.sql.items():
        if name != "create_batch_tables":
            found = connection.pgconn.prepare(name.encode(), statement.text.encode())
            if found.error_message:
                refused[name] = found.error_message.decode()
    connection.close()
    assert refused == {}


def test_what_is_said_otherwise_is_said_once_and_of_a_statement_that_is_there() -> None:
    said = [(name, file.name) for file in files() for name in read_statements(file)]
    names = [name for name, _ in said]
    assert sorted(names) == sorted(set(names))
    common = set(statements())
    assert {name for name, file in said if file not in OF_SEVERAL_NODES} - common == OWN
    assert {file for _, file in said} - OF_SEVERAL_NODES <= {"parts.sql", "mail.sql"} | {
        file.name for file in SQL.glob("*.sql")
    }


def test_what_is_said_otherwise_takes_the_same_parameters() -> None:
    common = statements()
    others = set()
    for name, statement in postgres_sql.postgres_statements().items():
        marks = {int(number) for number in re.findall(r"\$(\d+)", statement.text)}
        assert marks == set(range(1, len(marks) + 1)), name
        if statement.rows:
            assert len(statement.rows) == len(marks), name
        if name in common and name != "create_batch_tables":
            theirs = re.sub(r"--.*", "", common[name])
            numbered = [int(number) for number in re.findall(r"\?(\d+)", theirs)]
            if len(marks) != max([theirs.count("?") * (not numbered), *numbered]):
                others.add(name)
    assert others - OF_A_RUN == set()
