"""One message's life on one page: the mail that it came by, its route, what SMSCs said, what went down."""

from __future__ import annotations

from typing import Any

from gateway.core.model import Attempt, Origin, Progress, wants_receipt
from gateway.store import reader_calls
from gateway.store.reader_details import details, state_name
from gateway.store.reader_mail import letter_events
from gateway.store.reader_near import rows_near
from gateway.store.reading import ReadConnection
from protocols.sms.addresses import mask

Event = tuple[int, str]
"""When, and what happened."""
_KINDS = {4: "receipt", 0x20: "notice", 0x08: "acknowledgement", 0x10: "answer"}
"""What goes down about a message, by esm_class (SMPP v3.4 §5.2.12)."""


def timeline(connection: ReadConnection, message_id: int, *, full: bool) -> dict[str, Any] | None:
    """See Reader.timeline."""
    live = _row(connection, "SELECT * FROM message WHERE message_id = ?", message_id)
    past = _row(connection, "SELECT * FROM history WHERE message_id = ?", message_id)
    if live is None and past is None:
        return None
    row = past or live or {}
    mail = _row(
        connection,
        "SELECT mail_id, sender, received_ms FROM mail_recipient LEFT JOIN mail USING (mail_id) "
        "WHERE message_id = ?",
        message_id,
    )
    events = [
        *_beginning(row, mail),
        *_charge(connection, row),
        *_incidents(connection, message_id),
        *_attempts(connection, row),
        *_doubts(connection, message_id),
    ]
    if past is None and row["due_ms"] > row["accepted_ms"]:
        events += _due(row)
    if past is not None:
        events.append(
            (past["done_ms"], f"ended {state_name(past['state'])} (error {past['error'] or 'none'})")
        )
    if row["origin"] == Origin.MAIL:
        events += letter_events(connection, row)
    elif row["origin"] == Origin.SESSION:
        events += _deliveries(connection, row, has_ended=past is not None)
    events += reader_calls.events_of(connection, row)
    events.sort(key=lambda event: event[0])
    return {
        "message_id": str(message_id),
        **({"mail_id": str(mail["mail_id"])} if mail else {}),
        "account": row["account"],
        "to": row["destination"] if full else mask(row["destination"]),
        "state": state_name(row["state"]) if past is not None else Progress(row["progress"]).name,
        "connector": row["connector"],
        "route": row["route"],
        "client_id": row["client_id"],
        "segments": row["segments"],
        **details(connection, row, full=full),
        "timeline": [{"at_ms": at_ms, "text": text} for at_ms, text in events],
    }


def standing(connection: ReadConnection, message_id: int) -> dict[str, Any] | None:
    """What has to be known for a decision: `state`, and of a live message also `connector`, `due_ms`,
    `expires_ms`, `carrier` (the message that it goes up with, or None), and how many segments are there, were
    `taken`, are `under_way` or in `doubt`."""
    past = _row(connection, "SELECT state FROM history WHERE message_id = ?", message_id)
    if past is not None:
        return {"state": state_name(past["state"]), "ended": True}
    count = "(SELECT count(*) FROM submission s WHERE s.message_id = m.message_id AND attempt IN"
    live = _row(
        connection,
        "SELECT progress, connector, due_ms, expires_ms, segments, "
        "(SELECT carrier FROM gathered_part g WHERE g.message_id = m.message_id) AS carrier, "
        f"{count} (1, 3)) AS taken, {count} (0)) AS under_way, {count} (2)) AS doubt "
        "FROM message m WHERE message_id = ?",
        message_id,
    )
    if live is None:
        return None
    progress = Progress(live.pop("progress"))
    return {"state": progress.name, "ended": False, **live}


def _row(connection: ReadConnection, sql: str, *parameters: object) -> dict[str, Any] | None:
    found = connection.execute(sql, parameters).fetchone()
    return dict(found) if found is not None else None


def _beginning(row: dict[str, Any], mail: dict[str, Any] | None) -> list[Event]:
    """How it came in, and which way it was to go."""
    accepted_ms, events, way = row["accepted_ms"], [], ""
    if mail is not None:
        way = f" by mail {mail['mail_id']}"
        if mail["received_ms"]:
            sender = mail["sender"] or "<>"
            events.append((mail["received_ms"], f"mail {mail['mail_id']} from {sender} came in"))
    elif row["origin"] == Origin.MAIL:
        way = " by mail"
    elif row["origin"] == Origin.HTTP:
        way = " over HTTP"
    named = f", which its sender calls {row['client_id']}" if row["client_id"] else ""
    events.append((accepted_ms, f"accepted from {row['account']}{way}, {row['segments']} segment(s){named}"))
    if row["route"]:
        ways = str(row.get("alternatives", "")).split()
        text = f": {', then '.join(ways)}" if ways else ""
        events.append((accepted_ms, f"route {row['route']}{text}"))
    if row.get("progress") == Progress.GATHERED:
        events.append((accepted_ms, "waits for its other parts"))
    return events


def _due(row: dict[str, Any]) -> list[Event]:
    """When what waits for its time goes on; a moment that is still to come, perhaps."""
    if row["progress"] == Progress.QUEUED:
        return [(row["due_ms"], f"due: waits until then, and for room at {row['connector']}")]
    if row["progress"] == Progress.PAUSED:
        return [(row["due_ms"], "due, if nobody holds it back then")]
    return []


def _charge(connection: ReadConnection, row: dict[str, Any]) -> list[Event]:
    found = _row(
        connection, "SELECT payer, amount, given_back FROM charge WHERE message_id = ?", row["message_id"]
    )
    if found is None:
        return []
    amount = f"{found['amount'] / 1_000_000:.6f}".rstrip("0").rstrip(".")
    events = [(row["accepted_ms"], f"{found['payer']} was charged {amount}")]
    if found["given_back"]:
        events.append((row.get("done_ms", row["accepted_ms"]), f"{found['payer']} got {amount} back"))
    return events


def _incidents(connection: ReadConnection, message_id: int) -> list[Event]:
    found = connection.execute(
        "SELECT at_ms, text FROM incident WHERE message_id = ? ORDER BY incident_id", (message_id,)
    )
    return [(row["at_ms"], row["text"]) for row in found]


def _attempts(connection: ReadConnection, row: dict[str, Any]) -> list[Event]:
    """What became of each segment at its SMSC, as far as that is still known."""
    found = connection.execute(
        "SELECT * FROM submission WHERE message_id = ? ORDER BY segment", (row["message_id"],)
    ).fetchall()
    events: list[Event] = []
    for attempt in found:
        one_of_many = row["segments"] > 1
        name = f"segment {attempt['segment']}" if one_of_many else "message"
        events.append((attempt["intent_ms"], f"{name} going to {attempt['connector']}"))
        if attempt["submitted_ms"]:
            upstream_id = attempt["upstream_id"] or "not given"
            text = f"{attempt['connector']} took the {name}, its id is {upstream_id}"
            events.append((attempt["submitted_ms"], text))
        if attempt["attempt"] == Attempt.DOUBT:
            events.append((attempt["intent_ms"], f"{name} in doubt"))
        if one_of_many and attempt["state"] is not None:
            at_ms = row.get("done_ms") or attempt["submitted_ms"] or attempt["intent_ms"]
            error = f" (error {attempt['error']})" if attempt["error"] else ""
            events.append((at_ms, f"receipt of {name}: {state_name(attempt['state'])}{error}"))
    if not found and row.get("submitted_ms"):
        events.append((row["submitted_ms"], f"{row['connector']} took it, its id is {row['upstream_id']}"))
    return events


def _doubts(connection: ReadConnection, message_id: int) -> list[Event]:
    found = connection.execute(
        "SELECT settled_ms, settled_by FROM ambiguous "
        "WHERE message_id = ? AND settled_ms IS NOT NULL ORDER BY ambiguous_id",
        (message_id,),
    )
    return [(row["settled_ms"], f"the doubt is settled: {row['settled_by']}") for row in found]


def _deliveries(connection: ReadConnection, row: dict[str, Any], *, has_ended: bool) -> list[Event]:
    """What waits for the account's sessions, and what they did not take."""
    account, message_id = row["account"], row["message_id"]
    events: list[Event] = []
    receipt_is_there = False
    moments = (row["accepted_ms"], row.get("done_ms") or row["accepted_ms"])
    waiting, all_waiting = rows_near(connection, "delivery", "delivery_id", message_id, moments)
    for it in waiting:
        if it["state"] >= 0:
            receipt_is_there |= it["esm_class"] == 4
            events.append((it["created_ms"], f"the {_kind(it)} waits for a session of {account}"))
    dead, all_dead = rows_near(connection, "dead_delivery", "delivery_id", message_id, moments)
    for it in dead:
        if it["state"] >= 0:
            receipt_is_there |= it["esm_class"] == 4
            events.append((it["died_ms"], f"the {_kind(it)} is among the dead letters: {it['reason']}"))
    if has_ended and not receipt_is_there and wants_receipt(row["registered_delivery"], row["state"]):
        perhaps = "" if all_waiting and all_dead else ", or it is one of many that wait or are dead"
        events.append((row["done_ms"], f"{account} has had its receipt{perhaps}"))
    return events


def _kind(delivery: Any) -> str:
    kind = _KINDS.get(delivery["esm_class"], "delivery")
    return f"{kind} of segment {delivery['part']}" if delivery["part"] else kind
