"""Generated tests measure no time: on a busy machine an example may take seconds.

To hash a password takes its time on purpose; each of the tests' few passwords is hashed once in a process.

Servers of PostgreSQL are started when the first test asks for one, and serve all tests of a process.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, settings
from postgres_fresh import FreshDatabases
from postgres_programs import programs
from postgres_server import PostgresServer

settings.register_profile(
    "patient", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")
hashlib.scrypt = functools.cache(hashlib.scrypt)


@pytest.fixture(scope="session")
def postgres_databases() -> Iterator[Callable[[int], FreshDatabases]]:
    """`postgres_databases(17)`: the databases of a server of this version, which runs."""
    with ExitStack() as stack:
        known: dict[int, FreshDatabases] = {}

        def databases(version: int) -> FreshDatabases:
            if version not in known:
                server = stack.enter_context(PostgresServer(programs(version), fsync=False))
                known[version] = FreshDatabases(server.create())
                stack.callback(known[version].close)
            if not known[version].server.running:  # a test killed it
                known[version].server.start()
            return known[version]

        yield databases


@pytest.fixture
def postgres_server(
    request: pytest.FixtureRequest, postgres_databases: Callable[[int], FreshDatabases]
) -> PostgresServer:
    """A running server; `parametrize("postgres_server", VERSIONS, indirect=True)` asks for others than 15."""
    return postgres_databases(getattr(request, "param", 15)).server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, postgres_databases: Callable[[int], FreshDatabases]) -> str:
    """A database of that server with the schema and nothing in it."""
    return postgres_databases(postgres_server.programs.version).fresh()
