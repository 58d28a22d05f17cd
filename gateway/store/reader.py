"""Answers an admin's questions from a read-only connection beside the writer."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

from gateway.core.model import Attempt, MessageState, Origin, Progress, wants_receipt
from gateway.store.reader_mail import letter_events, letters_of, mail_of
from gateway.store.sqlite_open import open_reader
from protocols.sms.addresses import mask

_LISTINGS = {
    "ambiguous": "SELECT message_id, segment, connector, since_ms, evidence, action, settled_ms, settled_by "
    "FROM ambiguous ORDER BY ambiguous_id DESC LIMIT ?",
    "held": "SELECT message_id, account, destination, connector, accepted_ms, expires_ms "
    "FROM message WHERE progress = 2 ORDER BY message_id LIMIT ?",
    "waiting": "SELECT message_id, account, destination, connector, accepted_ms, due_ms, retries "
    "FROM message WHERE progress = 0 ORDER BY connector, due_ms, message_id LIMIT ?",
    "unmatched": "SELECT connector, upstream_id, peer AS destination, state, error, received_ms "
    "FROM parked_receipt ORDER BY parked_id DESC LIMIT ?",
    "dead": "SELECT delivery_id, account, message_id, destination, state, reason, died_ms "
    "FROM dead_delivery ORDER BY died_ms DESC LIMIT ?",
    "undelivered": "SELECT delivery_id, account, message_id, state, created_ms "
    "FROM delivery ORDER BY delivery_id LIMIT ?",
}
LISTINGS = (*_LISTINGS, "letters")


class Reader:
    """Opens the database anew for each question, so that no reader holds back a checkpoint."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _rows(self, connection: sqlite3.Connection, sql: str, *parameters: object) -> list[dict[str, Any]]:
        return [_readable(dict(row)) for row in connection.execute(sql, parameters)]

    def listing(self, kind: str, limit: int) -> list[dict[str, Any]]:
        """Rows of one of LISTINGS; numbers are masked."""
        if kind not in LISTINGS:
            raise ValueError(f"no such list: {kind}")
        limit = min(limit, 100_000)
        with contextlib.closing(open_reader(self._path)) as connection:
            if kind == "letters":
                return letters_of(connection, limit=limit)
            return self._rows(connection, _LISTINGS[kind], limit)

    def mail(self, mail_id: int) -> dict[str, Any] | None:
        """What became of a mail that came in; None: there is none, or nothing is said of it any more."""
        with contextlib.closing(open_reader(self._path)) as connection:
            return mail_of(connection, mail_id)

    def summary(self) -> dict[str, Any]:
        """How much waits, and where."""
        with contextlib.closing(open_reader(self._path)) as connection:
            return {
                "upstream": self._rows(
                    connection,
                    "SELECT connector, count(*) AS messages, min(accepted_ms) AS oldest_ms FROM message "
                    "WHERE progress = 0 GROUP BY connector",
                ),
                "downstream": self._rows(
                    connection,
                    "SELECT account, count(*) AS deliveries, min(created_ms) AS oldest_ms FROM delivery "
                    "GROUP BY account",
                ),
                "awaiting_receipt": _count(connection, "message WHERE progress = 1"),
                "held": _count(connection, "message WHERE progress = 2"),
                "ambiguous_open": _count(connection, "ambiguous WHERE settled_ms IS NULL"),
                "unmatched_receipts": _count(connection, "parked_receipt"),
                "dead": _count(connection, "dead_delivery"),
                "letters": _count(connection, "letter"),
                "dead_letters": _count(connection, "dead_letter"),
            }

    def timeline(self, message_id: int) -> dict[str, Any] | None:
        """Everything that is known of one message, in the order in which it happened."""
        with contextlib.closing(open_reader(self._path)) as connection:
            live = connection.execute("SELECT * FROM message WHERE message_id = ?", (message_id,)).fetchone()
            past = connection.execute("SELECT * FROM history WHERE message_id = ?", (message_id,)).fetchone()
            if live is None and past is None:
                return None
            row = dict(past or live)
            mail_id = _mail_id(connection, message_id)
            way = f" by mail {mail_id}" if mail_id else " by mail" if row["origin"] == Origin.MAIL else ""
            events = [
                (row["accepted_ms"], f"accepted from {row['account']}{way}, {row['segments']} segment(s)")
            ]
            events += [
                (r["at_ms"], r["text"])
                for r in connection.execute("SELECT * FROM incident WHERE message_id = ?", (message_id,))
            ]
            if past is None and row["progress"] == Progress.GATHERED:
                events.append((row["accepted_ms"], "waits for its other parts"))
            events += self._attempts(connection, message_id, row)
            if past is not None:
                text = f"ended {MessageState(row['state']).name} (error {row['error'] or 'none'})"
                events.append((row["done_ms"], text))
            if row["origin"] == Origin.MAIL:
                events += letter_events(connection, row)
            elif past is not None:
                events += self._receipt(connection, row)
        events.sort(key=lambda event: event[0])
        return {
            "message_id": str(message_id),
            **({"mail_id": mail_id} if mail_id else {}),
            "account": row["account"],
            "to": mask(row["destination"]),
            "state": MessageState(past["state"]).name
            if past is not None
            else Progress(live["progress"]).name,
            "connector": row["connector"],
            "timeline": [{"at_ms": at_ms, "text": text} for at_ms, text in events],
        }

    @staticmethod
    def _receipt(connection: sqlite3.Connection, row: dict[str, Any]) -> list[tuple[int, str]]:
        account, parameters = row["account"], (row["message_id"],)
        fits = "WHERE message_id = ? AND esm_class = 4"  # a notice is no receipt
        waiting = connection.execute(f"SELECT 1 FROM delivery {fits}", parameters)
        dead = connection.execute(f"SELECT * FROM dead_delivery {fits}", parameters)
        if (died := dead.fetchone()) is not None:
            return [(died["died_ms"], f"the receipt is among the dead letters: {died['reason']}")]
        if waiting.fetchone():
            return [(row["done_ms"], f"the receipt waits for a session of {account}")]
        if wants_receipt(row["registered_delivery"], row["state"]):
            return [(row["done_ms"], f"{account} has had its receipt")]
        return []

    @staticmethod
    def _attempts(
        connection: sqlite3.Connection, message_id: int, row: dict[str, Any]
    ) -> list[tuple[int, str]]:
        found = connection.execute("SELECT * FROM submission WHERE message_id = ?", (message_id,)).fetchall()
        events = []
        for attempt in found:
            name = f"segment {attempt['segment']}" if row["segments"] > 1 else "message"
            events.append((attempt["intent_ms"], f"{name} going to {attempt['connector']}"))
            if attempt["submitted_ms"]:
                upstream_id = attempt["upstream_id"] or "not given"
                text = f"{attempt['connector']} took the {name}, its id is {upstream_id}"
                events.append((attempt["submitted_ms"], text))
            if attempt["attempt"] == Attempt.DOUBT:
                events.append((attempt["intent_ms"], f"{name} in doubt"))
        if not found and row.get("submitted_ms"):
            events.append(
                (row["submitted_ms"], f"{row['connector']} took it, its id is {row['upstream_id']}")
            )
        return events


def _mail_id(connection: sqlite3.Connection, message_id: int) -> str:
    row = connection.execute(
        "SELECT mail_id FROM mail_recipient WHERE message_id = ?", (message_id,)
    ).fetchone()
    return str(row[0]) if row else ""


def _count(connection: sqlite3.Connection, what: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {what}").fetchone()[0])


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    if "destination" in row:
        row["destination"] = mask(row["destination"])
    for name in ("message_id", "delivery_id"):
        if name in row:
            row[name] = str(row[name])
    if row.get("state") in set(MessageState):
        row["state"] = MessageState(row["state"]).name
    return row
