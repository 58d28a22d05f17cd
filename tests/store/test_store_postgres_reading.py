"""Reads of a store on PostgreSQL: what SQLite would say, by connections that are lost and come again."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest
from postgres_server import PATIENCE_S, PostgresServer

from gateway.core.errors import StoreReadError
from gateway.store.postgres_reading import IDLE_MAX, PostgresReads


@pytest.fixture
def reads(postgres_url: str) -> Iterator[PostgresReads]:
    made = PostgresReads(postgres_url)
    yield made
    made.close()


@pytest.fixture
def writer(postgres_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield connection


def value(reads: PostgresReads, sql: str, *parameters: object) -> object:
    with reads.question() as connection:
        return connection.execute(sql, parameters).fetchone()[0]


def process(reads: PostgresReads) -> object:
    """The server's process that answers."""
    return value(reads, "SELECT pg_backend_pid()")


def test_values_are_those_of_sqlite(reads: PostgresReads) -> None:
    assert repr(value(reads, "SELECT sum(n) FROM generate_series(1, 3::bigint) n")) == "6"
    assert repr(value(reads, "SELECT EXISTS (SELECT 1)")) == "1"
    assert repr(value(reads, "SELECT 1.5::numeric")) == "1.5"
    assert value(reads, "SELECT ?1 = 1", True) == 1
    assert value(reads, "SELECT ?2 IN ('', ?1)", "a", "a") == 1
    assert value(reads, "SELECT 'a'::bytea") == b"a"


def test_rows_are_got_at_by_name_and_by_place(reads: PostgresReads) -> None:
    with reads.question() as connection:
        row = connection.execute("SELECT 1 AS one, 'x' AS two").fetchone()
        assert (row["one"], row[1], tuple(row), dict(row), len(row)) == (
            1,
            "x",
            (1, "x"),
            {"one": 1, "two": "x"},
            2,
        )
        assert connection.tuples("SELECT 1, 'x'") == [(1, "x")]
        with pytest.raises(KeyError):
            row["three"]


def test_a_question_that_begins_sees_one_state_and_the_next_one_what_came_meanwhile(
    reads: PostgresReads, writer: psycopg.Connection
) -> None:
    how_many = "SELECT count(*) FROM mark"
    with reads.question() as connection:
        connection.begin()
        before = connection.execute(how_many).fetchone()[0]
        writer.execute("INSERT INTO mark VALUES ('x', 1)")
        assert connection.execute(how_many).fetchone()[0] == before
    assert value(reads, how_many) == before + 1
    with reads.question() as connection:
        writer.execute("INSERT INTO mark VALUES ('y', 1)")
        assert connection.execute(how_many).fetchone()[0] == before + 2


def test_a_connection_serves_the_next_question_also_after_an_error(reads: PostgresReads) -> None:
    first = process(reads)
    with pytest.raises(StoreReadError, match="division by zero"):
        value(reads, "SELECT 1 / 0")
    with reads.question() as connection, pytest.raises(ZeroDivisionError):
        connection.begin()
        raise ZeroDivisionError
    assert process(reads) == first


def test_no_more_stay_open_than_are_worth_it(reads: PostgresReads) -> None:
    def ask(depth: int) -> None:
        with reads.question() as connection:
            connection.execute("SELECT 1")
            if depth:
                ask(depth - 1)

    ask(IDLE_MAX + 2)
    others = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE application_name = 'smsc-gateway reads' AND pid <> pg_backend_pid()"
    )
    deadline = time.monotonic() + PATIENCE_S
    with reads.question() as connection:
        while connection.execute(others).fetchone()[0] >= IDLE_MAX:  # they are going
            assert time.monotonic() < deadline
    reads.close()
    assert value(reads, "SELECT 1") == 1, "a question that comes late is answered"


def test_a_connection_that_was_lost_meanwhile_is_opened_again(
    reads: PostgresReads, writer: psycopg.Connection
) -> None:
    first = process(reads)
    writer.execute("SELECT pg_terminate_backend(%s, 60000)", (first,))
    assert process(reads) != first


def test_a_connection_that_is_lost_in_a_question_is_an_error_and_the_next_one_is_answered(
    reads: PostgresReads, writer: psycopg.Connection
) -> None:
    with pytest.raises(StoreReadError), reads.question() as connection:
        pid = connection.execute("SELECT pg_backend_pid()").fetchone()[0]
        writer.execute("SELECT pg_terminate_backend(%s, 60000)", (pid,))
        connection.execute("SELECT 1")
    assert process(reads) != pid


def test_nothing_is_written(reads: PostgresReads) -> None:
    with pytest.raises(StoreReadError, match="read-only"):
        value(reads, "INSERT INTO mark VALUES ('x', 1) RETURNING value")


def test_a_statement_that_takes_too_long_ends(reads: PostgresReads) -> None:
    impatient = reads.often(0.001)
    with pytest.raises(StoreReadError, match="statement timeout"):
        value(impatient, "SELECT pg_sleep(3600)")
    assert value(impatient, "SELECT 1") == 1
    impatient.close()


def test_an_error_does_not_tell_the_password(postgres_server: PostgresServer) -> None:
    reads = PostgresReads("postgresql://gateway:s3cret@127.0.0.1:1/nothing")
    with pytest.raises(StoreReadError) as caught:
        value(reads, "SELECT 1")
    assert "s3cret" not in str(caught.value)
    assert "cannot reach" in str(caught.value)
