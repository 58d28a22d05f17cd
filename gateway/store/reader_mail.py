"""What an admin is told of mails and letters."""

from __future__ import annotations

from typing import Any

from gateway.core.model import LetterKind, MessageState, Notify, Progress
from gateway.store.reading import ReadConnection
from protocols.sms.addresses import mask

_COLUMNS = "letter_id, kind, recipient, mail_id, message_id, tries, created_ms"
LETTERS = (
    f"SELECT * FROM (SELECT {_COLUMNS}, due_ms, last_error AS reason, 0 AS died_ms FROM letter {{where}} "
    f"ORDER BY letter_id LIMIT {{limit}}) waiting UNION ALL SELECT * FROM (SELECT {_COLUMNS}, 0, "
    "reason || CASE last_error WHEN '' THEN '' ELSE ': ' || last_error END, died_ms "
    "FROM dead_letter {where} ORDER BY letter_id LIMIT {limit}) dead ORDER BY letter_id LIMIT {limit}"
)
"""Letters that wait, and dead ones: those have died_ms; the limit is the last parameter."""
LETTER_NAMES = {
    LetterKind.REPORT: "report",
    LetterKind.DELAY: "delay notice",
    LetterKind.ANSWER: "answer",
    LetterKind.INCOMING: "incoming SMS",
}


def mail_of(connection: ReadConnection, mail_id: int) -> dict[str, Any] | None:
    """A mail that came in: its sender, and each of its messages."""
    found = connection.execute(
        "SELECT mail_id, account, received_ms, sender, header_id, envid, client_id FROM mail "
        "WHERE mail_id = ?",
        (mail_id,),
    ).fetchone()
    if found is None:
        return None
    recipients = connection.execute(
        "SELECT r.message_id, r.address, r.number, r.notify, m.progress, h.state FROM mail_recipient r "
        "LEFT JOIN message m USING (message_id) LEFT JOIN history h USING (message_id) "
        "WHERE r.mail_id = ? ORDER BY r.message_id",
        (mail_id,),
    )
    return {
        **dict(found),
        "mail_id": str(mail_id),
        "messages": [
            {
                "message_id": str(row["message_id"]),
                "recipient": row["address"],
                "to": mask(row["number"]),
                "state": _state(row["progress"], row["state"]),
                "notify": _notify(row["notify"]),
            }
            for row in recipients
        ],
        "letters": letters_of(connection, "WHERE mail_id = ?1", mail_id),
    }


def letters_of(
    connection: ReadConnection, where: str = "", *parameters: int, limit: int = 1000
) -> list[dict[str, Any]]:
    """Letters that wait and dead letters, the oldest first."""
    sql = LETTERS.format(where=where, limit=f"?{len(parameters) + 1}")
    rows = connection.execute(sql, (*parameters, limit))
    return [
        {
            **dict(row),
            "letter_id": str(row["letter_id"]),
            "kind": LETTER_NAMES[LetterKind(row["kind"])],
            "mail_id": str(row["mail_id"] or ""),
            "message_id": str(row["message_id"] or ""),
        }
        for row in rows
    ]


def letter_events(connection: ReadConnection, message: dict[str, Any]) -> list[tuple[int, str]]:
    """What was said, or is to be said, to the sender of the mail that this message came by."""
    message_id = message["message_id"]
    events, kinds = [], set()
    for letter in letters_of(connection, "WHERE message_id = ?1", message_id):
        kinds.add(letter["kind"])
        what = f"the {letter['kind']} to {letter['recipient']}"
        if letter["died_ms"]:
            events.append((letter["died_ms"], f"{what} is among the dead letters: {letter['reason']}"))
        else:
            failed = f"; tries that failed: {letter['tries']}, the last: {letter['reason']}"
            text = f"{what} waits to be sent{failed if letter['tries'] else ''}"
            events.append((letter["created_ms"], text))
    asked = connection.execute(
        "SELECT sender, notify FROM mail_recipient JOIN mail USING (mail_id) WHERE message_id = ?",
        (message_id,),
    ).fetchone()
    if "done_ms" in message and LETTER_NAMES[LetterKind.REPORT] not in kinds and asked and asked["sender"]:
        good = message["state"] in (MessageState.DELIVERED, MessageState.ACCEPTED)
        if asked["notify"] & (Notify.SUCCESS if good else Notify.FAILURE):
            events.append((message["done_ms"], f"{asked['sender']} has had the report"))
    return events


def _state(progress: int | None, state: int | None) -> str:
    if state is not None:
        return MessageState(state).name
    return Progress(progress).name if progress is not None else "no longer known"


def _notify(bits: int) -> str:
    return ", ".join(str(wish.name).lower() for wish in Notify if bits & wish) or "never"
