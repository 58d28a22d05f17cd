"""The store under test, once for each engine; its statements are read once in a process."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_nodes import Nodes
from store_support import ENGINES, PostgresEngine, SqliteEngine, Store

from gateway.store import postgres_database, sqlite_database

postgres_database.postgres_statements = functools.cache(postgres_database.postgres_statements)
sqlite_database.statements = functools.cache(sqlite_database.statements)


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "sqlite":
        engine: SqliteEngine | PostgresEngine = SqliteEngine(tmp_path)
    else:
        databases = request.getfixturevalue("postgres_databases")
        engine = PostgresEngine(databases(int(request.param.removeprefix("postgres-"))).fresh())
    yield Store(engine)
    engine.close()


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    """For what only SQLite can be asked."""
    engine = SqliteEngine(tmp_path)
    yield Store(engine)
    engine.close()


@pytest.fixture
def nodes(postgres_url: str) -> Iterator[Nodes]:
    """Two nodes on one database."""
    both = Nodes(postgres_url)
    yield both
    both.close()
