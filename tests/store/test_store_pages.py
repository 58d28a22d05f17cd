"""Doubts and dead letters a page at a time: each row once, in order, and only so much looked at."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import NOW_MS, message
from store_http import HANDLER, WEBHOOK, call, use
from store_support import PEER, Store, incoming_sms, receipt

from gateway.store import reader_pages
from gateway.store.reader_pages import COUNT_MAX, KINDS, counts, page
from gateway.store.reader_waiting import queues, undelivered
from gateway.store.reading import Reads


@pytest.fixture
def reads(store: Store) -> Reads:
    return store.engine.reads


def walked(reads: Reads, kind: str, limit: int = 2, account: str = "") -> list[dict[str, Any]]:
    """All rows of a list, by its pages."""
    rows, after = [], 0
    for _ in range(20):
        found = page(reads, kind, account, after, limit)
        assert len(found.rows) <= limit
        rows += found.rows
        if not found.after:
            return rows
        after = found.after
    raise AssertionError("it has no end")


def some_of_each(store: Store) -> None:
    """Five rows of each list but letters, of which there are as many as incoming SMS for mailboxes."""
    for n in range(1, 6):
        store.send(message(n, on_ambiguous=2))
        store.doubt(n)
    for n in range(11, 21):
        store.sent(n, f"I{n}", account="app" if n % 2 else "other")
        store.apply(receipts=[receipt(f"I{n}")])
    store.apply(refused=[(n, "ESME_RX_R_APPN", NOW_MS + n) for n in range(1, 6)])
    store.apply(receipts=[receipt(f"none{n}", 5) for n in range(5)])
    use(store, HANDLER | WEBHOOK)
    store.apply(calls=[call() for _ in range(5)])
    store.apply(incoming_mail=[incoming_sms() for _ in range(3)])
    store.apply(calls_refused=[(n, "HTTP 500", NOW_MS) for n in range(1, 6)])
    store.apply(letters_refused=[(n, "550 no", NOW_MS) for n in range(1, 4)])


def test_each_row_is_on_one_page(store: Store, reads: Reads) -> None:
    some_of_each(store)
    found = {kind: walked(reads, kind) for kind in KINDS}
    assert {kind: len(rows) for kind, rows in found.items()} == {
        "held": 5,
        "ambiguous": 5,
        "unmatched": 5,
        "undelivered": 5,
        "dead_deliveries": 5,
        "dead_letters": 3,
        "dead_calls": 5,
    }
    for kind, rows in found.items():
        assert len({repr(row) for row in rows}) == len(rows), kind
        assert rows == walked(reads, kind, 100)
    assert [row["message_id"] for row in found["held"]] == ["1", "2", "3", "4", "5"]
    assert [row["message_id"] for row in found["ambiguous"]] == ["5", "4", "3", "2", "1"]
    assert found["held"][0]["evidence"] == found["ambiguous"][-1]["evidence"] != ""
    assert [row["id"] for row in found["dead_deliveries"]] == ["5", "4", "3", "2", "1"]
    assert {row["id"][0] for row in found["dead_letters"]} == {"L"}
    assert {row["id"][0] for row in found["dead_calls"]} == {"C"}
    assert PEER not in repr(found)


def test_lists_of_one_account(store: Store, reads: Reads) -> None:
    some_of_each(store)
    assert {row["account"] for row in walked(reads, "undelivered", account="other")} == {"other"}
    assert {row["whose"] for row in walked(reads, "dead_deliveries", account="app")} == {"app"}
    assert walked(reads, "dead_calls", account="nobody") == []
    assert walked(reads, "held", account="nobody") == []


def test_a_page_of_held_messages_looks_at_a_bound_of_doubts_and_at_no_queue(
    store: Store, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_pages, "LOOK", 3)
    store.queue(*(message(n) for n in range(100, 120)))
    for n in range(1, 6):  # their routes send them again: no decision is wanted
        store.send(message(n))
        store.doubt(n)
    store.send(message(30, on_ambiguous=2, segments=3))
    store.doubt(30, 1, 2, 3)
    first = page(reads, "held", "", 0, 50)
    assert (first.rows, first.after) == ([], 3)
    assert [row["message_id"] for row in walked(reads, "held")] == ["30"]


def test_a_message_that_was_decided_about_is_held_no_more(store: Store, reads: Reads) -> None:
    for n in (1, 2):
        store.send(message(n, on_ambiguous=2))
        store.doubt(n)
    store.apply(decisions=[(1, "resend", NOW_MS)])
    assert [row["message_id"] for row in walked(reads, "held")] == ["2"]


def test_how_much_there_is(store: Store, reads: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(counts(reads).values()) == {0}
    some_of_each(store)
    assert counts(reads) == {
        "held": 5,
        "ambiguous": 5,
        "unmatched": 5,
        "undelivered": 5,
        "dead_deliveries": 5,
        "dead_letters": 3,
        "dead_calls": 5,
        "letters": 0,
        "calls": 5,
    }
    monkeypatch.setattr(reader_pages, "COUNT_MAX", 2)
    assert counts(reads)["unmatched"] == 3


def test_an_unknown_list_is_refused(reads: Reads) -> None:
    with pytest.raises(ValueError, match="no such list"):
        page(reads, "message; DROP TABLE message", "", 0, 1)


def test_what_waits_for_connectors_and_accounts(store: Store, reads: Reads) -> None:
    store.queue(message(1), message(2), message(3, connector="two", due_ms=NOW_MS + 5000))
    store.sent(4, "D")
    store.apply(receipts=[receipt("D")])
    waiting = queues(reads, ["one", "two", "none"], NOW_MS + 10_000)
    assert {name: it.messages for name, it in waiting.items()} == {"one": 2, "two": 1, "none": 0}
    assert waiting["two"].oldest_s == 5.0
    assert waiting["none"] == (0, False, 0.0)
    created_ms = store.rows("delivery")[0]["created_ms"]
    found = undelivered(reads, ["app", "other"], created_ms + 1500)
    assert found == {"app": (1, False, 1.5), "other": (0, False, 0.0)}


def test_no_more_are_counted_than_people_want_to_know(
    store: Store, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert COUNT_MAX == 10_000
    monkeypatch.setattr("gateway.store.reader_waiting.COUNT_MAX", 2)
    store.queue(*(message(n) for n in range(1, 4)))
    found = queues(reads, ["one"], NOW_MS)["one"]
    assert (found.messages, found.is_more) == (2, True)


def test_pauses_are_kept_one_for_each_connector(store: Store) -> None:
    def kept() -> list[tuple[str, int, str]]:
        return store.engine.applier.decisions.pauses()

    assert kept() == []
    store.apply(pauses=[("one", 5, "olga"), ("one two", 6, ""), ("on", 7, "x y")])
    assert sorted(kept()) == [("on", 7, "x y"), ("one", 5, "olga"), ("one two", 6, "")]
    store.restart()
    store.apply(pauses=[("one", 8, "vera"), ("on", 0, "")])
    assert sorted(kept()) == [("one", 8, "vera"), ("one two", 6, "")]
