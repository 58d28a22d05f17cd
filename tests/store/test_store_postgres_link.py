"""The first connection of a node: what is waited for, and what is not."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import psycopg
import pytest
from postgres_pair import url_of_both
from postgres_server import PostgresServer

from gateway.store import postgres_link, postgres_open, postgres_writer
from gateway.store.postgres_open import open_writer
from gateway.store.sqlite_open import StoreUnready

REFUSED = 'cannot reach PostgreSQL: connection to server at "db1", port 5432 failed: Connection refused'
URL = "postgresql://gateway@db1/smsc"
BOTH = "postgresql://gateway@db1,db2/smsc?target_session_attrs=read-write"


class Server:
    """Which says no so many times, and is there then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, text: str, times: int) -> None:
        self.text, self.times, self.tried = text, times, 0
        self.waited: list[float] = []
        self.lost: list[str] = []
        self.now = 0.0
        monkeypatch.setattr(postgres_link.time, "monotonic", lambda: self.now)

    def _open(self) -> object:
        self.tried += 1
        if self.tried <= self.times:
            raise StoreUnready(self.text)
        return "a connection"

    def _wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += seconds

    def open(self) -> object:
        return postgres_link.open_first(URL, self._open, self._wait, self.lost.append)


def test_who_waits_says_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, REFUSED, 3)
    assert server.open() == "a connection"
    assert server.lost == [REFUSED]
    assert len(server.waited) == 3


def test_a_node_that_runs_finds_its_server_soon_after_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a lease, which lasts no longer than two pauses of a start."""
    waited: list[float] = []

    def opened(url: str) -> object:
        if sum(waited) < 20:
            raise StoreUnready(REFUSED)
        return "a connection"

    ours, theirs = socket.socketpair()
    with ours, theirs:
        writer = postgres_writer.Writer(theirs)
        writer.db, writer.applier = Mock(), Mock()
        monkeypatch.setattr(postgres_writer, "open_writer", opened)
        monkeypatch.setattr(postgres_writer, "listening", lambda connection, hear: connection)
        monkeypatch.setattr(writer, "_wait", waited.append)
        writer._reconnect(psycopg.OperationalError("lost"))
    writer.db.use.assert_called_once_with("a connection")
    assert max(waited) <= 0.5
    assert len(set(waited)) == len(waited)


def test_a_server_that_is_there_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, REFUSED, 0)
    assert server.open() == "a connection"
    assert server.lost == []


def test_a_minute_is_waited_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, REFUSED, 1000)
    with pytest.raises(StoreUnready, match="Connection refused"):
        server.open()
    assert 60 < server.now <= 65


@pytest.mark.parametrize(
    "text",
    [
        'FATAL:  password authentication failed for user "gateway"',
        "fe_sendauth: no password supplied",
        'FATAL:  database "smsc" does not exist',
        'FATAL:  no pg_hba.conf entry for host "192.0.2.1"',
        'FATAL:  role "gateway" is not permitted to log in',
        "SSL error: certificate verify failed",
        'server certificate for "elsewhere.example" does not match host name "db1"',
        'root certificate file "/etc/ca.pem" does not exist Either provide the file or change sslmode',
        'could not read root certificate file "/etc/ca.pem": shutdown while in init',
        'could not load private key file "/etc/client.key": key values mismatch',
        "FATAL:  connection requires a valid client certificate",
        "server does not support SSL, but SSL was required",
    ],
)
def test_what_no_waiting_mends_is_told_at_once(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    server = Server(monkeypatch, f"cannot reach PostgreSQL: {text}", 1)
    with pytest.raises(StoreUnready, match="cannot reach"):
        server.open()
    assert (server.waited, server.lost) == ([], [])


def attempts(*failures: tuple[str, str, str]) -> str:
    """What psycopg says of several: host, IP address, why."""
    rows = [f"- host: '{host}', port: '5432', hostaddr: '{ip}': {why}" for host, ip, why in failures]
    return " ".join([failures[-1][2], "Multiple connection attempts failed. All failures were:", *rows])


PASSWORD = 'connection failed: connection to server at "db1" failed: FATAL: password authentication failed'
SILENT = "connection timeout expired"


@pytest.mark.parametrize(
    ("url", "text", "hopeless"),
    [
        (BOTH, attempts(("db1", "192.0.2.1", PASSWORD), ("db2", "192.0.2.2", PASSWORD)), True),
        (BOTH, attempts(("db1", "192.0.2.1", PASSWORD), ("db2", "192.0.2.2", SILENT)), False),
        (BOTH, attempts(("db1", "192.0.2.1", SILENT), ("db2", "192.0.2.2", PASSWORD)), False),
        (BOTH, PASSWORD, False),  # the other's name is not known
        (URL, attempts(("db1", "2001:db8::1", SILENT), ("db1", "192.0.2.1", PASSWORD)), True),
        (URL, attempts(("db1", "2001:db8::1", SILENT), ("db1", "192.0.2.1", SILENT)), False),
        ("postgresql:///smsc", PASSWORD, True),
    ],
)
def test_it_is_hopeless_when_each_of_the_hosts_says_so(url: str, text: str, hopeless: bool) -> None:
    assert postgres_link.is_hopeless(url, text) is hopeless


@pytest.fixture
def pair(postgres_server: PostgresServer) -> Iterator[tuple[PostgresServer, PostgresServer, str]]:
    """Two servers without the gateway's database, and the address of both."""
    with PostgresServer(postgres_server.programs, fsync=False).create() as other:
        yield postgres_server, other, url_of_both(postgres_server, other, "smsc_of_both")


def test_where_one_server_has_no_database_the_other_is_waited_for(
    pair: tuple[PostgresServer, PostgresServer, str],
) -> None:
    _, other, url = pair
    other.stop()
    lost: list[str] = []

    def start_other(seconds: float) -> None:
        other.start()
        other.create_database("smsc_of_both")

    with postgres_link.open_first(url, lambda: open_writer(url), start_other, lost.append) as connection:
        assert connection.info.port == other.port
    assert "Connection refused" in lost[0]
    assert 'database "smsc_of_both" does not exist' in lost[0]


def test_where_neither_server_has_the_database_nothing_is_waited_for(
    pair: tuple[PostgresServer, PostgresServer, str],
) -> None:
    waited: list[float] = []
    with pytest.raises(StoreUnready, match="does not exist"):
        postgres_link.open_first(pair[2], lambda: open_writer(pair[2]), waited.append, lambda why: None)
    assert waited == []


def test_why_it_is_not_reached_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **options: Any) -> None:
        text = (
            "connection failed: connection to server at db1 failed: refused\n\tIs the server running there?\n"
        )
        raise postgres_open.psycopg.OperationalError(text)

    monkeypatch.setattr(postgres_open.psycopg, "connect", refuse)
    with pytest.raises(StoreUnready) as error:
        postgres_open.connect(URL)
    expected = (
        "cannot reach PostgreSQL: connection to server at db1 failed: refused Is the server running there?"
    )
    assert str(error.value) == expected
