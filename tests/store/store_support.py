"""What a store can be asked, whichever engine is behind it, in few words."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from gateway_fakes import DAY_MS, NOW_MS, message

from gateway.core.batch import Answer, Batch, Row, Sweep
from gateway.core.frames import take_frames
from gateway.core.model import Letter, Message, Progress
from gateway.store.apply import Applier
from gateway.store.frames import encode
from gateway.store.reading import Reads
from gateway.store.sqlite_database import SqliteDatabase
from gateway.store.sqlite_open import FILE_NAME, open_writer
from gateway.store.sqlite_reading import SqliteReads
from protocols.sms.receipts import FORMS, convert, response_key

PEER = "79161234567"
LINK = "127.0.0.1:2775 from port 40001"


RECEIVERS = ("app", "shop", "other", "one", "two", "kid", "web", "boss", "third", "a", "b")
"""Accounts of the tests that take deliveries."""


class Engine(Protocol):
    """One kind of store.  A second one is tested by adding it to ENGINES."""

    applier: Applier

    def apply(self, batch: Batch) -> Answer: ...

    def restart(self, now_ms: int) -> int:
        """Ends without a goodbye and opens again; the number of segments found in doubt."""
        ...

    def rows(self, table: str) -> list[dict[str, Any]]:
        """A table, for a look from outside."""
        ...

    def tables(self) -> list[str]:
        """Those that are kept."""
        ...

    def write(self, sql: str) -> None:
        """What no batch does, in words of both engines."""
        ...

    @property
    def reads(self) -> Reads:
        """What is committed, for the readers."""
        ...

    def close(self) -> None: ...


class SqliteEngine:
    """SQLite in this process, without the writing process around it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self.reads = SqliteReads(self.path)
        self.connection: sqlite3.Connection
        self.applier: Applier
        self._open(NOW_MS)

    def _open(self, now_ms: int) -> int:
        self.connection = open_writer(self.path)
        # What is tested here is what is stored, not how well it sticks; other tests read the pragma.
        self.connection.execute("PRAGMA synchronous = OFF")
        self.applier = Applier(SqliteDatabase(self.connection), now_ms)
        return self.applier.recovery.recover(now_ms)

    def apply(self, batch: Batch) -> Answer:
        """Through the frames, as it crosses to the writing process."""
        [values] = take_frames(bytearray(encode(batch)))
        [answer] = take_frames(bytearray(encode(self.applier.apply(Batch(*values)))))
        return Answer(*answer)

    def restart(self, now_ms: int) -> int:
        self.connection.close()
        return self._open(now_ms)

    def rows(self, table: str) -> list[dict[str, Any]]:
        cursor = self.connection.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def tables(self) -> list[str]:
        found = self.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return [row[0] for row in found]

    def write(self, sql: str) -> None:
        self.connection.execute(sql)

    def close(self) -> None:
        self.connection.close()


_KEY = """
SELECT string_agg(attname, ', ' ORDER BY attname <> 'rowid', n) FROM (
    SELECT 'rowid' AS attname, 0 AS n FROM pg_attribute WHERE attrelid = $1::regclass AND attname = 'rowid'
    UNION ALL SELECT attname, n FROM pg_index, unnest(indkey) WITH ORDINALITY of (place, n), pg_attribute
    WHERE indrelid = $1::regclass AND indisprimary AND attrelid = indrelid AND attnum = place) columns
"""


class PostgresEngine:
    """PostgreSQL, from this process, without the writing process around it."""

    def __init__(self, url: str) -> None:
        from gateway.store.postgres_reading import PostgresReads

        self.url = url
        self.reads = PostgresReads(url)
        self.applier: Applier
        self._open(NOW_MS)

    def _open(self, now_ms: int) -> int:
        from gateway.store import postgres_database, postgres_open

        self.db = postgres_database.PostgresDatabase(postgres_open.open_writer(self.url))
        # What is tested here is what is stored, not how well it sticks; other tests read the setting.
        self.db.connection.execute("SET synchronous_commit = off")
        self.applier = Applier(self.db, now_ms)
        return self.applier.recovery.recover(now_ms)

    def apply(self, batch: Batch) -> Answer:
        """Through the frames, as it crosses to the writing process.

        All accounts have sessions, and what those had in memory is fetched again, as on a store of one node.
        """
        batch.receivers = [(account, n) for account in RECEIVERS for n in (0, 1)]
        [values] = take_frames(bytearray(encode(batch)))
        try:
            done = self.applier.apply(Batch(*values))
        except BaseException:  # as the writing process does
            if self.db.in_transaction:
                self.db.rollback()
            self.applier.read_again()
            raise
        [answer] = take_frames(bytearray(encode(done)))
        return Answer(*answer)

    def restart(self, now_ms: int) -> int:
        self.db.close()
        return self._open(now_ms)

    def rows(self, table: str) -> list[dict[str, Any]]:
        order = f"SELECT * FROM {table} ORDER BY {self._key(table)}"
        cursor = self.db.connection.execute(order.encode(), binary=True)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def _key(self, table: str) -> str:
        """What SQLite has the rows in the order of."""
        found = self.db.connection.execute(_KEY, (table,)).fetchone()
        return str(found[0] or 1) if found else "1"

    def tables(self) -> list[str]:
        found = self.db.connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
            "AND relkind IN ('r', 'p') AND NOT relispartition"
        )
        return [row[0] for row in found]

    def write(self, sql: str) -> None:
        self.db.connection.execute(sql.encode())

    def close(self) -> None:
        self.reads.close()
        self.db.close()


ENGINES = tuple(os.environ.get("STORE_ENGINES", "sqlite postgres-15").split())
"""The kinds of stores that the suite runs on: sqlite, postgres-15, postgres-17."""


def receipt(
    upstream_id: str,
    state: int = 2,
    *,
    connector: str = "one",
    peer: str = PEER,
    final: bool = True,
    error: str = "000",
    forms: Iterable[str] = FORMS,
    at_ms: int = NOW_MS + 2000,
) -> Row:
    """A row of Batch.receipts; `forms`: the connector's usual form first."""
    keys = [convert(form, upstream_id) for form in forms] + [None, None]
    first = keys[0] if keys[0] is not None else "?" + upstream_id
    return (connector, upstream_id, first, keys[1], keys[2], peer, state, int(final), error, at_ms, "")


def submitted(
    message_id: int, upstream_id: str, segment: int = 1, connector: str = "one", at_ms: int = NOW_MS + 1000
) -> Row:
    key = response_key(upstream_id) if upstream_id else None
    return (at_ms, upstream_id, key, message_id, segment, connector)


def postponed(
    message_id: int, segment: int = 1, due_ms: int = 0, *, connector: str = "one", answered: int = 1
) -> Row:
    return (message_id, segment, connector, due_ms, answered, NOW_MS + 1000, "one: ESME_RTHROTTLED")


MAIL_ID = 1000
SENDER = "ops@example.org"
OWN_NUMBER = "1234"


def mail_rows(
    *message_ids: int, mail_id: int = MAIL_ID, key: bytes | None = None, origin: int = 1, **fields: Any
) -> dict[str, list[Row]]:
    """Lists of a batch with a mail that makes these messages; they go straight up.

    `fields`: of the mail, of its recipients and of its messages.
    """

    def of(**values: Any) -> Row:
        return tuple(fields.get(name, value) for name, value in values.items())

    wanted = {name: value for name, value in fields.items() if name in Message._fields}
    messages = [message(n, **{"registered_delivery": 1, **wanted, "origin": origin}) for n in message_ids]
    head = of(account="app", received_ms=NOW_MS, sender=SENDER, envid="QQ314159", header_id="<1@example.org>")
    tail = of(subject="Disk full", client_id="", returned=b"Subject: Disk full\r\n\r\n", whole=0)
    whom = of(address=f"{PEER}@sms.example.org", orcpt=f"rfc822;{PEER}@sms.example.org")
    wishes = of(notify=2, number=PEER, own_number="")
    return {
        "mails": [(mail_id, key, *head, *tail)],
        "mail_recipients": [(n, mail_id, *whom, *wishes) for n in message_ids],
        "accepted": [(*m, Progress.SENT.value) for m in messages],
        "intents": [
            (m.message_id, n, m.connector, NOW_MS) for m in messages for n in range(1, m.segments + 1)
        ],
    }


def incoming_sms(text: str = "yes", **fields: Any) -> Row:
    """A row of Batch.incoming_mail: a whole SMS for one mailbox."""
    values: dict[str, Any] = {
        "connector": "one",
        "number": PEER,
        "own_number": OWN_NUMBER,
        "text": text,
        "reference": 0,
        "total": 1,
        "part": 1,
        "received_ms": NOW_MS,
        "answers_since_ms": 0,
        "addresses": "inbox@example.org",
        "fallback": None,
        "whole": 0,
        "stops": (),
    }
    assert not fields.keys() - values.keys()
    return tuple({**values, **fields}.values())


class Store:
    """A store under test: batches in, and looks at what is in it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.apply_batch = engine.apply
        self.write = engine.write

    def apply(self, **lists: list[Any]) -> Answer:
        return self.apply_batch(Batch(**lists))

    # -- steps ------------------------------------------------------------------------------------------

    def send(self, *messages: Message) -> Answer:
        """Accepts messages that go straight up."""
        return self.apply(
            accepted=[(*m, Progress.SENT.value) for m in messages],
            intents=[
                (m.message_id, n, m.connector, NOW_MS) for m in messages for n in range(1, m.segments + 1)
            ],
        )

    def mail(self, *message_ids: int, **fields: Any) -> Answer:
        """Takes a mail that makes these messages; see mail_rows()."""
        return self.apply(**mail_rows(*message_ids, **fields))

    def claim_letters(self, now_ms: int = NOW_MS + DAY_MS, limit: int = 100) -> list[Letter]:
        ((rows, _),) = self.apply(letter_claims=[(now_ms, limit)]).letters
        return [Letter(*row) for row in rows]

    def queue(self, *messages: Message) -> Answer:
        """Accepts messages that wait on disk."""
        return self.apply(accepted=[(*m, Progress.QUEUED.value) for m in messages])

    def taken(self, message_id: int, *upstream_ids: str) -> Answer:
        """The SMSC's responses to a message's segments, in order."""
        rows = [submitted(message_id, upstream_id, n) for n, upstream_id in enumerate(upstream_ids, 1)]
        return self.apply(submitted=rows)

    def sent(self, message_id: int, *upstream_ids: str, **fields: Any) -> None:
        """A message that the SMSC has taken: one segment for each id."""
        self.send(message(message_id, segments=len(upstream_ids), **fields))
        self.taken(message_id, *upstream_ids)

    def claim(
        self, room: int = 100, connector: str = "one", now_ms: int = NOW_MS
    ) -> list[tuple[int, list[int]]]:
        """What a claim brings: (message_id, segments)."""
        ((name, rows, _),) = self.apply(claims=[(connector, room, now_ms, 1)]).claimed
        assert name == connector
        return [(fields[0], list(segments)) for fields, segments in rows]

    def next_due(self, connector: str = "one", now_ms: int = 0) -> int | None:
        """When a connector's queue has something to do again; claims nothing, if `now_ms` is before it."""
        ((_, rows, due_ms),) = self.apply(claims=[(connector, 1, now_ms, 1)]).claimed
        assert rows == []
        return due_ms  # type: ignore[no-any-return]

    def doubt(self, message_id: int, *segments: int) -> Answer:
        rows = [
            (message_id, n, NOW_MS + 1000, "no response within 30 s", LINK, NOW_MS) for n in segments or (1,)
        ]
        return self.apply(doubts=rows)

    @staticmethod
    def sweep_row(now_ms: int, **bounds: Any) -> Row:
        """A row of Batch.sweeps; nothing is too old, unless a bound says so."""
        values: dict[str, Any] = {
            "receipt_before_ms": 0,
            "oldest_id": 0,
            "delivery_before_ms": 0,
            "deliveries_max": 1_000_000,
            "history_before_id": 0,
            "history_before_ms": 0,
            "parked_before_ms": 0,
            "mail_before_id": 0,
            "part_before_ms": 0,
            "seen_before_ms": 0,
            "assembly_before_ms": 0,
            "text_before_id": 0,
            "statistics_before_day": 0,
            "delay_before_id": 0,
            "audit_before_ms": 0,
            "with_counts": True,
            **bounds,
        }
        sweep = Sweep(now_ms=now_ms, **values)
        return tuple(getattr(sweep, name) for name in Sweep.__slots__)

    def sweep(self, now_ms: int = NOW_MS, **bounds: Any) -> Answer:
        return self.apply(sweeps=[self.sweep_row(now_ms, **bounds)])

    def fetch(self, after: int = 0, limit: int = 1000, account: str = "app") -> list[int]:
        """delivery_ids of an account."""
        ((_, rows, _),) = self.apply(fetches=[(account, after, limit)]).fetched
        return [row[0] for row in rows]

    def restart(self, now_ms: int = NOW_MS + 60_000) -> int:
        return self.engine.restart(now_ms)

    # -- looks ------------------------------------------------------------------------------------------

    def rows(self, table: str, **where: Any) -> list[dict[str, Any]]:
        found = self.engine.rows(table)
        return [row for row in found if all(row[name] == value for name, value in where.items())]

    def progress(self, message_id: int) -> Progress | None:
        """None: the message has ended, or never was."""
        rows = self.rows("message", message_id=message_id)
        return Progress(rows[0]["progress"]) if rows else None

    def end(self, message_id: int) -> tuple[int, str] | None:
        """(state, error) of an ended message."""
        rows = self.rows("history", message_id=message_id)
        assert len(rows) <= 1
        return (rows[0]["state"], rows[0]["error"]) if rows else None

    def letters(self) -> list[tuple[int, str, int]]:
        """(kind, recipient, message_id) of the letters that are to be sent."""
        return [(row["kind"], row["recipient"], row["message_id"]) for row in self.rows("letter")]

    def delivery_states(self) -> list[tuple[int, int]]:
        """(message_id, state) of what waits for the accounts."""
        return [(row["message_id"], row["state"]) for row in self.rows("delivery")]


LONG_AGO_MS = NOW_MS - 30 * DAY_MS
