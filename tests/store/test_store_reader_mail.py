"""What an admin is told of a mail, of its messages, and of the letters about them."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import DAY_MS, NOW_MS, message
from store_support import MAIL_ID, PEER, SENDER, Store, incoming_sms, postponed

from gateway.store.reader import Reader


@pytest.fixture
def reader(store: Store) -> Reader:
    return Reader(store.engine.reads)


def told(reader: Reader, message_id: int) -> list[str]:
    found = reader.timeline(message_id)
    assert found is not None
    return [event["text"] for event in found["timeline"]]


def fail(store: Store, message_id: int, state: int = 5) -> None:
    store.apply(failed=[(message_id, state, "x", NOW_MS + 5000)])


def test_a_mail_and_what_became_of_it(store: Store, reader: Reader) -> None:
    store.mail(1, 2, 3, client_id="c", notify=6)
    store.apply(postponed=[postponed(2)])
    fail(store, 3)
    found = reader.mail(MAIL_ID)
    assert found is not None
    letters = found.pop("letters")
    messages = found.pop("messages")
    assert found == {
        "mail_id": str(MAIL_ID),
        "account": "app",
        "received_ms": NOW_MS,
        "sender": SENDER,
        "header_id": "<1@example.org>",
        "envid": "QQ314159",
        "client_id": "c",
    }
    assert [(row["message_id"], row["state"]) for row in messages] == [
        ("1", "SENT"),
        ("2", "QUEUED"),
        ("3", "UNDELIVERABLE"),
    ]
    assert {(row["recipient"], row["to"], row["notify"]) for row in messages} == {
        (f"{PEER}@sms.example.org", "7916***4567", "failure, delay")
    }
    assert [(row["kind"], row["recipient"], row["message_id"]) for row in letters] == [
        ("report", SENDER, "3")
    ]


def test_a_mails_subject_and_text_are_not_shown(store: Store, reader: Reader) -> None:
    store.mail(1, subject="canary-subject", returned=b"canary-text", user_data=b"canary-sms")
    assert "canary" not in repr([reader.mail(MAIL_ID), reader.timeline(1)])


def test_messages_outlive_their_history(store: Store, reader: Reader) -> None:
    store.mail(1, notify=0)
    fail(store, 1)
    store.sweep(NOW_MS, history_before_id=2)
    found = reader.mail(MAIL_ID)
    assert found is not None
    assert [(row["state"], row["notify"]) for row in found["messages"]] == [("no longer known", "never")]


def test_nobody_knows_the_mail(store: Store, reader: Reader) -> None:
    store.mail(1)
    assert reader.mail(1) is None
    assert reader.timeline(MAIL_ID) is None


def test_a_message_names_its_mail(store: Store, reader: Reader) -> None:
    store.mail(1)
    store.queue(message(2))
    one, two = reader.timeline(1), reader.timeline(2)
    assert one is not None
    assert two is not None
    assert one["mail_id"] == str(MAIL_ID)
    assert "mail_id" not in two
    assert told(reader, 1)[:2] == [
        f"mail {MAIL_ID} from {SENDER} came in",
        f"accepted from app by mail {MAIL_ID}, 1 segment(s)",
    ]
    assert told(reader, 2)[0] == "accepted from app, 1 segment(s)"


def test_the_way_of_a_report(store: Store, reader: Reader) -> None:
    store.mail(1)
    assert "report" not in repr(told(reader, 1))
    fail(store, 1)
    assert told(reader, 1)[-1] == f"the report to {SENDER} waits to be sent"
    store.apply(letters_put_off=[(1, NOW_MS + DAY_MS, "421 later")])
    trouble = "tries that failed: 1, the last: 421 later"
    assert told(reader, 1)[-1] == f"the report to {SENDER} waits to be sent; {trouble}"
    store.apply(letters_sent=[(1,)])
    assert told(reader, 1)[-1] == f"{SENDER} has had the report"


def test_a_report_that_nobody_took(store: Store, reader: Reader) -> None:
    store.mail(1)
    fail(store, 1)
    store.apply(letters_refused=[(1, "550 5.1.1 nobody", NOW_MS + 9000)])
    assert told(reader, 1)[-1] == f"the report to {SENDER} is among the dead letters: 550 5.1.1 nobody"


def test_a_delay_notice_is_no_report(store: Store, reader: Reader) -> None:
    store.mail(1, notify=4)
    store.sweep(NOW_MS + 1000, delay_before_id=2)
    assert told(reader, 1)[-1] == f"the delay notice to {SENDER} waits to be sent"
    store.apply(letters_sent=[(1,)])
    fail(store, 1)
    assert told(reader, 1)[-1] == "ended UNDELIVERABLE (error x)"


@pytest.mark.parametrize(
    ("fields", "state"), [({"notify": 1}, 5), ({"notify": 2}, 2), ({"notify": 2}, 6), ({"sender": ""}, 5)]
)
def test_nobody_wanted_a_report(store: Store, reader: Reader, fields: dict[str, Any], state: int) -> None:
    store.mail(1, **fields)
    fail(store, 1, state)
    assert told(reader, 1)[-1].startswith("ended ")


def test_a_message_whose_mail_is_gone(store: Store, reader: Reader) -> None:
    store.mail(1, notify=0)
    fail(store, 1)
    store.sweep(NOW_MS, mail_before_id=MAIL_ID + 1)
    texts = told(reader, 1)
    assert (texts[0], texts[-1]) == (
        "accepted from app by mail, 1 segment(s)",
        "ended UNDELIVERABLE (error x)",
    )


def test_letters_that_wait_and_dead_ones_are_listed(store: Store, reader: Reader) -> None:
    store.mail(1)
    fail(store, 1)
    store.apply(incoming_mail=[incoming_sms("canary"), incoming_sms("canary", answers_since_ms=1)])
    store.apply(letters_put_off=[(2, NOW_MS + 60_000, "421 later")])
    store.apply(
        letters_put_off=[(2, NOW_MS + 70_000, "421 later")], letters_refused=[(3, "550 no", NOW_MS + 9)]
    )
    rows = reader.listing("letters", 10)
    assert [(row["letter_id"], row["kind"], row["tries"], row["due_ms"], row["died_ms"]) for row in rows] == [
        ("1", "report", 0, NOW_MS + 5000, 0),
        ("2", "incoming SMS", 2, NOW_MS + 70_000, 0),
        ("3", "answer", 0, 0, NOW_MS + 9),
    ]
    assert [(row["mail_id"], row["message_id"]) for row in rows] == [
        (str(MAIL_ID), "1"),
        ("", ""),
        (str(MAIL_ID), ""),
    ]
    assert [row["reason"] for row in rows] == ["", "421 later", "550 no"]
    assert "canary" not in repr(rows)
    assert PEER not in repr(rows)
    assert len(reader.listing("letters", 2)) == 2
    summary = reader.summary()
    assert (summary["letters"], summary["dead_letters"]) == (2, 1)
