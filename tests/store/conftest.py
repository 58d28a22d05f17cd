"""The store under test, once for each engine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_support import ENGINES, PostgresEngine, SqliteEngine, Store


@pytest.fixture
def postgres_url() -> str:
    """An empty database of a server that runs already."""
    import psycopg

    url = os.environ["STORE_POSTGRES"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET client_min_messages = error")
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return url


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "sqlite":
        engine: SqliteEngine | PostgresEngine = SqliteEngine(tmp_path)
    else:
        engine = PostgresEngine(request.getfixturevalue("postgres_url"))
    yield Store(engine)
    engine.close()
