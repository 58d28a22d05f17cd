"""The connection of a node's writing process: opened, lost and found again, and what comes by it unasked."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict

from gateway.store.sqlite_open import StoreUnready

T = TypeVar("T")
WAIT_S = 60.0
"""So long a start waits for the server."""
FIRST_S, LONGEST_S = 0.2, 5.0
"""Between two attempts to connect, before the jitter."""
LONGEST_AGAIN_S = 0.5
"""The same for a node that runs: its lease does not wait long."""
CHANNEL = "smsc_gateway"
PAYLOAD_MAX = 7000
"""PostgreSQL's limit is 8,000 octets."""
_LOST = ("08", "57P")
_LOST_TOO = ("25006", "25P03", "25P04")
"""Read only: it is a standby by now; the session was ended because it stood still."""
_LACKS = ("53", "58")
"""Connections, room, memory, files: it has them again some time."""
_HOPELESS = (
    "authentication failed",
    "no password supplied",
    "does not exist",
    "pg_hba.conf",
    "not permitted to log in",
    "certificate",
    "private key file",
    "does not support SSL",
)
"""Of the texts of servers and libpq: what no waiting mends."""
_ATTEMPT = re.compile(r" - (host: \S+, port: \S+), hostaddr: ")
"""Where psycopg has tried several addresses, each failure begins so, after a text of the last one."""


def is_lost(connection: psycopg.Connection[Any], error: psycopg.Error) -> bool:
    """Whether the error means that the connection is no good any more."""
    state = error.sqlstate or ""
    return connection.closed or connection.broken or state.startswith(_LOST) or state in _LOST_TOO


def passes(error: psycopg.Error) -> bool:
    """Whether the server may do the same later on: it is lost, ends, takes no writes or lacks something."""
    return (error.sqlstate or "").startswith((*_LOST, *_LOST_TOO, *_LACKS))


def text_of(error: BaseException) -> str:
    """One line, without details."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def reason_of(error: psycopg.Error) -> str:
    """The same with the error's number, and what the server advises where it lacks something."""
    state = error.sqlstate or type(error).__name__
    hint = error.diag.message_hint if state.startswith(_LACKS) else None
    return f"{text_of(error)} ({state})" + (f": {hint}" if hint else "")


def pauses(most_s: float = LONGEST_S) -> Iterable[float]:
    """Seconds between attempts: longer and longer, and never the same for two nodes."""
    longest = FIRST_S
    while True:
        yield random.uniform(longest / 2, longest)  # noqa: S311 - it spreads attempts
        longest = min(2 * longest, most_s)


def is_hopeless(url: str, text: str) -> bool:
    """Whether no waiting mends it: each of the address's hosts has said so, by any of its IP addresses.

    Of a host whose name is not known just now psycopg says nothing.
    """
    first, *parts = _ATTEMPT.split(text)
    answers: dict[str, str] = {} if parts else {"the only one": first}
    for host, answer in zip(parts[::2], parts[1::2], strict=True):
        answers[host] = answers.get(host, "") + answer
    hosts = str(conninfo_to_dict(url).get("host", "")).split(",")
    return len(answers) >= len(hosts) and all(
        any(word in answer for word in _HOPELESS) for answer in answers.values()
    )


def open_first(
    url: str, attempt: Callable[[], T], wait: Callable[[float], None], lost: Callable[[str], None]
) -> T:
    """What the first attempt that succeeds returns, after some waiting if need be, which `lost` hears of
    once, and why.

    Raises StoreError, StoreUnready or psycopg.Error.
    """
    is_told = False
    deadline = time.monotonic() + WAIT_S
    for pause_s in pauses():
        try:
            return attempt()
        except StoreUnready as error:
            if time.monotonic() > deadline or is_hopeless(url, str(error)):
                raise
            reason = text_of(error)
        except psycopg.Error as error:
            if time.monotonic() > deadline or not passes(error):
                raise
            reason = reason_of(error)
        if not is_told:
            lost(reason)
            is_told = True
        wait(pause_s)
    raise AssertionError("attempts never end")


def listening(
    connection: psycopg.Connection[Any], hear: Callable[[Iterable[str]], object]
) -> psycopg.Connection[Any]:
    """The same; `hear` gets the words of other nodes, whatever the connection is doing when they come."""
    pid = connection.info.backend_pid

    def heard(notify: psycopg.Notify) -> None:
        if notify.pid != pid:
            with suppress(ValueError, TypeError):  # no node has said that
                hear(json.loads(notify.payload))

    connection.add_notify_handler(heard)
    connection.execute(f"LISTEN {CHANNEL}".encode())
    return connection


def listen(connection: psycopg.Connection[Any]) -> None:
    """Reads what has come unasked; psycopg.Error when the connection is gone."""
    connection.pgconn.consume_input()
    hear_rest(connection)


def hear_rest(connection: psycopg.Connection[Any]) -> None:
    """Passes on the words that came with the end of an answer, of which the socket tells nothing any more."""
    pgconn = connection.pgconn
    while (notify := pgconn.notifies()) is not None:
        if pgconn.notify_handler is not None:
            pgconn.notify_handler(notify)


def say(connection: psycopg.Connection[Any], words: Iterable[str]) -> None:
    """Tells the other nodes; what does not fit they find by themselves.

    Words are not waited for until they are on disk and at a standby, as batches are.
    """
    fitting: list[str] = []
    room = PAYLOAD_MAX
    for word in words:
        room -= len(json.dumps(word)) + 2
        if room < 0:
            break
        fitting.append(word)
    sql = b"SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)"
    connection.execute(sql, (CHANNEL, json.dumps(fitting)))
