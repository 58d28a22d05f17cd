"""What an admin is told: lists, sums, and one message's life on one page."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import NOW_MS, message
from store_http import HANDLER, WEBHOOK, call, fail, live, send, use
from store_support import PEER, Store, incoming_sms, postponed, receipt, submitted

from gateway.core.errors import StoreReadError
from gateway.core.model import Progress, Wish
from gateway.store import end_steps, reader_receipts
from gateway.store.reader import LISTINGS, Reader

MASKED = "7916***4567"


@pytest.fixture
def reader(store: Store) -> Reader:
    return Reader(store.engine.reads)


def told(reader: Reader, message_id: int) -> list[str]:
    found = reader.timeline(message_id)
    assert found is not None
    moments = [event["at_ms"] for event in found["timeline"]]
    assert moments == sorted(moments)
    return [event["text"] for event in found["timeline"]]


def test_one_row_in_every_list(store: Store, reader: Reader) -> None:
    store.queue(message(1))
    store.send(message(2, on_ambiguous=2))
    store.doubt(2)
    store.sent(3, "C")
    store.sent(4, "D")
    store.apply(receipts=[receipt("C"), receipt("D"), receipt("none", 5)])
    store.apply(refused=[(1, "ESME_RX_R_APPN", NOW_MS)], incoming_mail=[incoming_sms()])
    store.queue(message(5, account="other", due_ms=NOW_MS + 5))
    store.apply(decisions=[(5, "hold", NOW_MS)])
    use(store, HANDLER)
    store.apply(calls=[call()])
    lists = {kind: reader.listing(kind, 10) for kind in LISTINGS}
    assert {kind: len(rows) for kind, rows in lists.items()} == dict.fromkeys(LISTINGS, 1)
    assert lists["waiting"][0]["message_id"] == "1"
    assert lists["held"][0]["message_id"] == lists["ambiguous"][0]["message_id"] == "2"
    assert (lists["dead"][0]["message_id"], lists["dead"][0]["state"]) == ("3", "DELIVERED")
    assert lists["undelivered"][0]["message_id"] == "4"
    assert lists["unmatched"][0]["state"] == "UNDELIVERABLE"
    assert lists["paused"][0]["message_id"] == "5"
    upstream = {"connector": "one", "account": "app", "messages": 1, "oldest_ms": NOW_MS, "next_due_ms": 0}
    other = {**upstream, "account": "other", "messages": 0, "oldest_ms": None, "next_due_ms": None}
    assert reader.summary() == {
        "upstream": [{"connector": "one", "messages": 1, "oldest_ms": NOW_MS}],
        "by_account": [
            {**upstream, "paused": 0, "held": 1, "gathered": 0},
            {**other, "paused": 1, "held": 0, "gathered": 0},
        ],
        "downstream": [{"account": "app", "deliveries": 1, "oldest_ms": NOW_MS + 2000}],
        "awaiting_receipt": 0,
        "paused": 1,
        "held": 1,
        "ambiguous_open": 1,
        "unmatched_receipts": 1,
        "dead": 1,
        "letters": 1,
        "dead_letters": 0,
        "calls": 1,
        "dead_calls": 0,
    }


def test_sums_of_a_connector(store: Store, reader: Reader) -> None:
    store.queue(message(1, accepted_ms=NOW_MS + 5), message(2, account="other"), message(3, account="third"))
    store.queue(message(4, connector="two"))
    store.apply(decisions=[(3, "hold", NOW_MS), (4, "hold", NOW_MS)])
    summary = reader.summary()
    assert summary["upstream"] == [{"connector": "one", "messages": 2, "oldest_ms": NOW_MS}]
    assert [
        (row["connector"], row["account"], row["messages"], row["paused"]) for row in summary["by_account"]
    ] == [
        ("one", "app", 1, 0),
        ("one", "other", 1, 0),
        ("one", "third", 0, 1),
        ("two", "app", 0, 1),
    ]


def test_security_71_numbers_are_masked(store: Store, reader: Reader) -> None:
    store.queue(message(1))
    store.sent(2, "B")
    store.apply(receipts=[receipt("B"), receipt("none")])
    store.apply(refused=[(1, "x", NOW_MS)])
    shown: list[Any] = [reader.listing(kind, 10) for kind in LISTINGS]
    shown += [reader.timeline(1), reader.timeline(2)]
    assert PEER not in repr(shown)
    assert repr(shown).count(MASKED) == 4


def test_an_unknown_list_is_refused(reader: Reader) -> None:
    with pytest.raises(ValueError, match="no such list"):
        reader.listing("message; DROP TABLE message", 1)


def test_a_limit(store: Store, reader: Reader) -> None:
    store.queue(*(message(n) for n in range(1, 6)))
    assert [row["message_id"] for row in reader.listing("waiting", 2)] == ["1", "2"]


def test_nobody_knows_the_message(reader: Reader) -> None:
    assert reader.timeline(99) is None


def test_the_life_of_a_message(store: Store, reader: Reader) -> None:
    store.send(message(1, alternatives="one two"))
    store.apply(postponed=[postponed(1, connector="two")])
    store.claim(connector="two", now_ms=NOW_MS + 1200)
    store.apply(submitted=[submitted(1, "0A", connector="two", at_ms=NOW_MS + 1500)])
    store.apply(receipts=[receipt("0A", 5, connector="two", error="042")])
    assert told(reader, 1) == [
        "accepted from app, 1 segment(s)",
        "one: ESME_RTHROTTLED",
        "message going to two",
        "two took the message, its id is 0A",
        "ended UNDELIVERABLE (error 042)",
        "the receipt waits for a session of app",
    ]
    store.apply(delivered=[(1,)])
    assert told(reader, 1)[-1] == "app has had its receipt"
    found = reader.timeline(1)
    assert found is not None
    assert (found["state"], found["connector"], found["to"]) == ("UNDELIVERABLE", "two", MASKED)


def test_a_receipt_that_the_account_refused(store: Store, reader: Reader) -> None:
    store.sent(1, "A")
    store.apply(receipts=[receipt("A")])
    store.apply(refused=[(1, "ESME_RX_R_APPN", NOW_MS + 3000)])
    assert told(reader, 1)[-1] == "the receipt is among the dead letters: ESME_RX_R_APPN"


def test_a_message_that_is_held(store: Store, reader: Reader) -> None:
    store.send(message(1, segments=2, on_ambiguous=2))
    store.apply(
        submitted=[submitted(1, "A", 1)], doubts=[(1, 2, NOW_MS + 9000, "no response within 30 s", "", 0)]
    )
    found = reader.timeline(1)
    assert found is not None
    assert found["state"] == "HELD"
    texts = told(reader, 1)
    assert "segment 2 in doubt" in texts
    assert texts[-1] == "in doubt: no response within 30 s"


def test_nobody_asked_for_a_receipt(store: Store, reader: Reader) -> None:
    store.send(message(1, registered_delivery=0))
    store.apply(submitted=[submitted(1, "A")], handed_over=[(1, NOW_MS + 1000)])
    assert told(reader, 1)[-1] == "ended ACCEPTED (error none)"


def test_segments_of_one_set(store: Store, reader: Reader) -> None:
    for n in (1, 2):
        new = message(n, accepted_ms=NOW_MS + n, user_data=b"x" * 150)
        row = (n, "app", new.source, new.destination, 7, 2, n, NOW_MS + n)
        store.apply(accepted=[(*new, Progress.GATHERED.value)], parts=[row])
        if n == 1:
            assert told(reader, 1) == ["accepted from app, 1 segment(s)", "waits for its other parts"]
            assert (reader.timeline(1) or {})["state"] == "GATHERED"
    assert told(reader, 1) == ["accepted from app, 2 segment(s)"]
    assert told(reader, 2) == ["accepted from app, 1 segment(s)", "goes up with message 1"]
    assert (reader.timeline(2) or {})["state"] == "CARRIED"
    store.claim()
    store.taken(1, "A", "B")
    store.apply(receipts=[receipt("A"), receipt("B")])
    assert told(reader, 2)[1:] == [
        "goes up with message 1",
        "one took it, its id is A",
        "ended DELIVERED (error 000)",
        "the receipt waits for a session of app",
    ]


def test_segments_that_went_up_without_the_others(store: Store, reader: Reader) -> None:
    row = (1, "app", "Example", PEER, 7, 2, 1, NOW_MS)
    store.apply(accepted=[(*message(1), Progress.GATHERED.value)], parts=[row])
    store.sweep(NOW_MS + 60_000, assembly_before_ms=NOW_MS + 1)
    assert told(reader, 1) == ["accepted from app, 1 segment(s)", "went up without the other parts"]


def test_what_its_sender_changed(store: Store, reader: Reader) -> None:
    store.queue(message(1))
    row = ("app", 1, b"new", 1, 0, 0, -1, 0, "", 1, NOW_MS + 1)
    store.apply(replacements=[row])
    store.apply(cancels=[("app", 1, "", "", "", NOW_MS + 2)])
    assert told(reader, 1)[1:3] == ["its sender replaced it", "ended DELETED (error none)"]


def test_a_notice_that_waits_is_no_receipt(store: Store, reader: Reader) -> None:
    store.sent(1, "A", registered_delivery=0x11)
    store.apply(receipts=[receipt("A", 1, final=False)])
    store.apply(receipts=[receipt("A")])
    store.apply(delivered=[(2,)])
    assert len(store.rows("delivery")) == 1
    assert told(reader, 1)[-1] == "app has had its receipt"


def test_what_was_said_beside_the_end(store: Store, reader: Reader) -> None:
    store.sent(1, "A", "B", registered_delivery=0x11 | 0x04, flags=1)
    store.apply(receipts=[receipt("B", 1, final=False, at_ms=NOW_MS + 1500)])
    store.apply(receipts=[receipt("A", 5, error="042"), receipt("B")])
    assert told(reader, 1)[5:] == [
        "the SMSC says ENROUTE of segment 2",
        "the notice of segment 2 waits for a session of app",
        "receipt of segment 1: UNDELIVERABLE (error 042)",
        "receipt of segment 2: DELIVERED (error 000)",
        "ended UNDELIVERABLE (error 042)",
        "the receipt of segment 1 waits for a session of app",
        "the receipt of segment 2 waits for a session of app",
    ]


def test_the_route_and_the_senders_name_for_it(store: Store, reader: Reader) -> None:
    store.queue(message(1, route="main", alternatives="one two", client_id="77"))
    assert told(reader, 1) == [
        "accepted from app, 1 segment(s), which its sender calls 77",
        "route main: one, then two",
    ]
    store.apply(failed=[(1, 8, "x", NOW_MS + 1)])
    assert told(reader, 1)[1:] == [
        "route main",
        "ended REJECTED (error x)",
        "the receipt waits for a session of app",
    ]
    found = reader.timeline(1) or {}
    assert (found["route"], found["client_id"], found["segments"]) == ("main", "77", 1)


def test_what_waits_for_its_time(store: Store, reader: Reader) -> None:
    store.queue(message(1, due_ms=NOW_MS + 60_000), message(2, due_ms=-2))
    assert told(reader, 1)[1:] == ["due: waits until then, and for room at one"]
    assert (reader.timeline(1) or {})["timeline"][-1]["at_ms"] == NOW_MS + 60_000
    assert len(told(reader, 2)) == 1, "its priority is no time"
    store.apply(decisions=[(1, "hold", NOW_MS + 1)])
    assert told(reader, 1)[1:] == ["a person holds it back", "due, if nobody holds it back then"]
    store.apply(decisions=[(1, "release", NOW_MS + 2)])
    store.claim(now_ms=NOW_MS + 60_000)
    assert told(reader, 1)[-1] == "message going to one", "it waits no longer"


def test_a_doubt_that_was_settled(store: Store, reader: Reader) -> None:
    store.send(message(1, on_ambiguous=2))
    store.doubt(1)
    store.apply(late=[submitted(1, "A", at_ms=NOW_MS + 3000)])
    assert told(reader, 1)[-3:] == [
        "late response from one: id A",
        "one took the message, its id is A",
        "the doubt is settled: late response",
    ]


def test_what_it_cost(store: Store, reader: Reader) -> None:
    charged = message(1, flags=Wish.CHARGED.value)
    row = (*charged, Progress.QUEUED.value)
    store.apply(credits=[("app", 9_000_000, NOW_MS, "root", "")])
    store.apply(accepted=[row], charges=[(1, "app", 1_250_000, 1)])
    assert told(reader, 1)[1] == "app was charged 1.25"
    store.apply(decisions=[(1, "cancel", NOW_MS + 5)])
    assert "app got 1.25 back" in told(reader, 1)


def test_where_a_message_stands_for_a_decision(store: Store, reader: Reader) -> None:
    assert reader.standing(1) is None
    store.send(message(1, segments=4, on_ambiguous=2))
    store.apply(submitted=[submitted(1, "A", 1)], postponed=[postponed(1, 2)])
    store.doubt(1, 3)
    found = reader.standing(1) or {}
    counts = {name: found[name] for name in ("segments", "taken", "under_way", "doubt")}
    assert counts == {"segments": 4, "taken": 1, "under_way": 1, "doubt": 1}
    assert (found["state"], found["ended"], found["connector"], found["carrier"]) == (
        "HELD",
        False,
        "one",
        None,
    )
    store.apply(decisions=[(1, "drop", NOW_MS)])
    assert reader.standing(1) == {"state": "DELETED", "ended": True}


def test_why_a_receipt_matches_nothing(store: Store, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    store.sent(1, "255")
    store.sent(2, "EE", connector="two")
    monkeypatch.setattr(end_steps, "REMEMBERED", 0)
    store.sent(3, "DD")
    store.apply(receipts=[receipt("DD")])
    ids = ("FF", "EE", "DD", "none")
    store.apply(receipts=[receipt(upstream_id, peer="79000000000") for upstream_id in ids])
    assert [(row["upstream_id"], row["why"]) for row in reversed(reader.unmatched(10))] == [
        ("FF", "the id is that of message 1, which went to another number"),
        ("EE", "the id is that of message 2, which went by two"),
        ("DD", "message 3 had this id, and ended before"),
        ("none", "no message has this id: another program with this login, or sent before this store began"),
    ]
    store.send(message(4))
    assert reader.unmatched(1)[0]["why"] == "perhaps of one of 1 segment(s) that one has not answered"
    assert reader.unmatched(1)[0]["from"] == "7900***0000"


def test_many_of_them_look_at_the_segments_once(sqlite_store: Store) -> None:
    """A million segments may be under way."""
    sqlite_store.apply(receipts=[receipt(f"none-{n}") for n in range(5)])
    asked: list[str] = []
    with sqlite_store.engine.reads.question() as connection:
        connection.connection.set_trace_callback(asked.append)
        assert len(reader_receipts.unmatched(connection, 5)) == 5
        connection.connection.set_trace_callback(None)
        plans = [connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall() for sql in asked]
    assert ["SCAN submission" in row["detail"] for plan in plans for row in plan].count(True) == 1


def test_dead_letters_in_one_list(store: Store, reader: Reader) -> None:
    for n, account in ((1, "app"), (2, "other")):
        store.sent(n, f"A{n}", account=account)
        store.apply(receipts=[receipt(f"A{n}")])
    store.apply(refused=[(1, "x", NOW_MS + 1), (2, "y", NOW_MS + 3)], incoming_mail=[incoming_sms()])
    store.apply(letters_refused=[(1, "550 no", NOW_MS + 2)])
    rows = reader.dead("", 10)
    assert [(row["id"], row["whose"], row["message_id"], row["reason"]) for row in rows] == [
        ("2", "other", "2", "y"),
        ("L1", "inbox@example.org", "", "550 no"),
        ("1", "app", "1", "x"),
    ]
    assert [row["id"] for row in reader.dead("app", 10)] == ["1"]
    assert [row["id"] for row in reader.dead("", 2)] == ["2", "L1"]
    assert reader.dead_counts() == {"app": 1, "other": 1, "mail:": 1}
    assert reader.dead_counts(NOW_MS + 2) == {"other": 1, "mail:": 1}
    assert reader.dead_counts(NOW_MS + 3) == {"other": 1}


def test_a_reader_cannot_write(store: Store, reader: Reader) -> None:
    with (
        pytest.raises(StoreReadError, match=r"readonly|read-only"),
        store.engine.reads.question() as connection,
    ):
        connection.execute("DELETE FROM message")


# -- calls --------------------------------------------------------------------------------------------


def test_what_handlers_are_still_to_be_told(store: Store, reader: Reader) -> None:
    use(store, HANDLER | WEBHOOK)
    send(store, live(7))
    fail(store, 7)
    store.apply(calls=[call(kind=2, message_id=4)])
    first, second, *incoming = reader.listing("calls", 10)
    assert (first["target"], first["kind"], first["message_id"], first["state"]) == (
        "handler", "status", "7", "UNDELIVERABLE",
    )  # fmt: skip
    assert second["target"] == "webhook"
    assert {(row["kind"], row["message_id"], row["state"]) for row in incoming} == {("incoming", "", -1)}


def test_a_message_says_what_became_of_its_calls(store: Store, reader: Reader) -> None:
    use(store, HANDLER | WEBHOOK)
    send(store, live(7, registered_delivery=1))
    fail(store, 7)
    handler, webhook = (row["call_id"] for row in store.rows("call"))
    waits = "the call to the handler about its end waits"
    assert told(reader, 7)[0] == "accepted from app over HTTP, 1 segment(s)"
    assert told(reader, 7)[-2:] == [waits, "the call to the webhook about its end waits"]
    store.apply(calls_put_off=[(handler, NOW_MS, "HTTP 500")], calls_refused=[(webhook, "HTTP 410", NOW_MS)])
    dead = "the call to the webhook about its end is among the dead letters: HTTP 410"
    assert told(reader, 7)[-2:] == [f"{waits}, tried 1 times: HTTP 500", dead]


def test_dead_calls_are_dead_letters_of_their_account(store: Store, reader: Reader) -> None:
    for account in ("app", "other"):
        use(store, HANDLER, account)
        send(store, live(len(account), account=account))
    store.apply(calls=[call(kind=2, message_id=4)])
    fail(store, 3, 5)
    dead = [(row["call_id"], "HTTP 410", NOW_MS + row["call_id"]) for row in store.rows("call")]
    store.apply(calls_refused=dead)
    rows = reader.dead("", 10)
    assert [(row["id"], row["whose"], row["message_id"], row["state"]) for row in rows] == [
        ("C3", "other", "5", "UNDELIVERABLE"),
        ("C2", "app", "3", "UNDELIVERABLE"),
        ("C1", "app", "", -1),
    ]
    assert {row["id"] for row in reader.dead("app", 10)} == {"C1", "C2"}
    assert reader.dead_counts() == {"call:app": 2, "call:other": 1}
    assert reader.dead_counts(NOW_MS + 3) == {"call:other": 1}
