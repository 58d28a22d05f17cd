"""Finding messages by what is known of them."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import NOW_MS, id_at, message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_support import MAIL_ID, PEER, Store, receipt

from gateway.core.model import MessageState, Progress
from gateway.store import end_steps, reader_find
from gateway.store.reader import Reader, Wanted
from protocols.sms.receipts import FORMS, convert

OTHER = "79167654321"
ALL = Wanted(0, 1 << 62)


@pytest.fixture
def reader(store: Store) -> Reader:
    return Reader(store.engine.reads)


def found(reader: Reader, limit: int = 100, **fields: Any) -> list[int]:
    """All slices, one after the other."""
    wanted, rows = ALL._replace(**fields), []
    while len(rows) < limit:
        more, low_id = reader.find(wanted, limit - len(rows))
        rows += more
        if low_id <= wanted.low_id:
            break
        wanted = wanted._replace(high_id=low_id)
    return [int(row["message_id"]) for row in rows]


def ended(store: Store, message_id: int, upstream_id: str = "", state: int = 2, **fields: Any) -> None:
    store.sent(message_id, upstream_id or f"A{message_id}", **fields)
    store.apply(receipts=[receipt(upstream_id or f"A{message_id}", state)])


def test_live_and_ended_ones_come_together_the_newest_first(store: Store, reader: Reader) -> None:
    ended(store, 1)
    store.queue(message(2))
    ended(store, 3, state=5)
    store.sent(4, "B")
    assert found(reader) == [4, 3, 2, 1]
    assert found(reader, limit=2) == [4, 3]
    assert found(reader, low_id=2, high_id=4) == [3, 2]


def test_what_is_told_of_each(store: Store, reader: Reader) -> None:
    store.queue(message(1, route="main", client_id="7", segments=2))
    ended(store, 2, state=5, route="other")
    (second, first), _ = reader.find(ALL, 10)
    assert first == {
        "accepted_ms": NOW_MS,
        "message_id": "1",
        "account": "app",
        "to": "7916***4567",
        "state": "QUEUED",
        "connector": "one",
        "route": "main",
        "client_id": "7",
        "segments": 2,
        "error": "",
        "done_ms": 0,
    }
    assert {name: second[name] for name in ("state", "route", "error", "done_ms")} == {
        "state": "UNDELIVERABLE",
        "route": "other",
        "error": "000",
        "done_ms": NOW_MS + 2000,
    }
    rows, _ = reader.find(ALL, 10, full=True)
    assert {row["to"] for row in rows} == {PEER}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"number": OTHER}, [4, 3]),
        ({"account": "other"}, [2]),
        ({"account": "o' OR 1 --"}, []),
        ({"connector": "two"}, [3]),
        ({"number": OTHER, "connector": "one"}, [4]),
        ({"progress": (Progress.SENT.value,)}, [4]),
        ({"states": (MessageState.DELIVERED.value,)}, [1]),
        ({"progress": (0, 1), "states": (2, 5)}, [4, 3, 2, 1]),
        ({"states": (MessageState.REJECTED.value,)}, []),
    ],
)
def test_conditions(store: Store, reader: Reader, asked: dict[str, Any], expected: list[int]) -> None:
    ended(store, 1)
    ended(store, 2, state=5, account="other")
    store.queue(message(3, destination=OTHER, connector="two"))
    store.sent(4, "D", destination=OTHER)
    assert found(reader, **asked) == expected


def upstream(upstream_id: str) -> dict[str, Any]:
    keys = {convert(form, upstream_id) for form in FORMS} - {None}
    return {"upstream_id": upstream_id, "upstream_keys": tuple(sorted(str(key) for key in keys))}


def test_by_the_id_of_the_smsc(store: Store, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    store.sent(1, "00FF", "00EE")  # a live one, by each of its segments and in each form
    ended(store, 2, "00DD")
    for written in ("00FF", "ff", "255", "EE"):
        assert found(reader, **upstream(written)) == [1], written
    assert found(reader, **upstream("221")) == [2]
    monkeypatch.setattr(end_steps, "REMEMBERED", 0)
    ended(store, 3, "00CC")
    assert not store.rows("submission", message_id=3)
    assert found(reader, **upstream("00CC")) == [3], "its own row knows the first id as it was given"
    assert found(reader, **upstream("nothing")) == []


def test_by_what_its_sender_calls_it(store: Store, reader: Reader) -> None:
    store.queue(message(1, client_id="77"), message(2, client_id="78"))
    ended(store, 3, client_id="77")
    store.mail(4, client_id="order-7", header_id="<77@example.org>")
    assert found(reader, client_id="77") == [3, 1]
    assert found(reader, client_id="77", low_id=2) == [3]
    assert found(reader, client_id="<77@example.org>") == [4], "a mail has its Message-ID too"
    assert found(reader, client_id="none") == []


def test_by_an_id_of_ours(store: Store, reader: Reader) -> None:
    store.mail(1, 2)
    ended(store, 3)
    assert found(reader, message_id=3) == [3]
    assert found(reader, message_id=MAIL_ID) == [2, 1], "a mail's queue id stands for its messages"
    assert found(reader, message_id=99) == []


def test_slices_see_each_message_once(store: Store, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_find, "SLICE", 3)
    for n in range(1, 14):
        if n % 3:
            store.queue(message(n))
        else:
            ended(store, n, destination=OTHER)
    assert found(reader) == list(range(13, 0, -1))
    assert found(reader, number=OTHER) == [12, 9, 6, 3]
    assert found(reader, number=OTHER, low_id=4, high_id=12) == [9, 6]
    rows, low_id = reader.find(ALL._replace(number=OTHER), 100)
    assert len(rows) < 4, "one look is short"
    assert low_id > 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(st.text(max_size=20), st.text(max_size=20))
def test_nothing_that_is_asked_for_can_break_the_question(store: Store, one: str, two: str) -> None:
    reader = Reader(store.engine.reads)
    asked = ALL._replace(number=one, account=two, connector=one, client_id=two, upstream_id=one)
    assert reader.find(asked._replace(upstream_keys=(one, two)), 10)[0] == []
    assert reader.find(asked._replace(client_id=""), 10)[0] == []


def test_no_question_goes_through_the_whole_history(sqlite_store: Store) -> None:
    plans: list[str] = []
    now = id_at(NOW_MS)
    for asked in (
        ALL._replace(message_id=7),
        ALL._replace(client_id="7"),
        Wanted(now, now + 9, number=PEER),
        Wanted(now, now + 9, upstream_id="7", upstream_keys=("7",)),
    ):
        with sqlite_store.engine.reads.question() as connection:
            connection.connection.set_trace_callback(plans.append)
            reader_find.find(connection, asked, 10, full=False)
    for sql in plans:
        with sqlite_store.engine.reads.question() as connection:
            steps = [row["detail"] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
        assert not [step for step in steps if step.startswith("SCAN history")], (sql, steps)
    assert len(plans) > 8
