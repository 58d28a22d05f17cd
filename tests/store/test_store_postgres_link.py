"""The first connection of a node: what is waited for, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.store import postgres_link, postgres_open
from gateway.store.sqlite_open import StoreUnready

REFUSED = 'cannot reach PostgreSQL: connection to server at "db1", port 5432 failed: Connection refused'
URL = "postgresql://gateway@db1/smsc"


class Server:
    """Which says no so many times, and is there then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, text: str, times: int) -> None:
        self.text, self.times, self.tried = text, times, 0
        self.waited: list[float] = []
        self.lost: list[str] = []
        self.now = 0.0
        monkeypatch.setattr(postgres_link, "open_writer", self._open)
        monkeypatch.setattr(postgres_link.time, "monotonic", lambda: self.now)

    def _open(self, url: str) -> object:
        assert url == URL
        self.tried += 1
        if self.tried <= self.times:
            raise StoreUnready(self.text)
        return "a connection"

    def _wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += seconds

    def open(self) -> object:
        return postgres_link.open_first(URL, self._wait, self.lost.append)


def test_who_waits_says_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, REFUSED, 3)
    assert server.open() == "a connection"
    assert server.lost == [REFUSED]
    assert len(server.waited) == 3


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
