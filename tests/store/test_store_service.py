"""The store's steps for a connector whose ids are ours to give, and for what a service tells twice."""

from __future__ import annotations

from typing import Any

from gateway_fakes import DAY_MS, NOW_MS, message
from store_support import MAIL_ID, Store, incoming_sms, mail_rows, receipt

from gateway.core.batch import Answer, Row
from gateway.core.model import INCOMING, Attempt, Progress

QUEUED, SENT = Progress.QUEUED.value, Progress.SENT.value


def claim(store: Store, room: int = 100) -> list[tuple[int, list[int]]]:
    """A claim without intents: (message_id, segments)."""
    ((_, rows, _),) = store.apply(claims=[("one", room, NOW_MS, 0)]).claimed
    return [(fields[0], list(segments)) for fields, segments in rows]


def assigned(message_id: int, upstream_id: str, segment: int = 1) -> Row:
    return (message_id, segment, "one", NOW_MS, upstream_id, upstream_id)


def open_sends(store: Store) -> list[tuple[int, int, str]]:
    """message_id, segment, upstream_id of what an earlier run has no answer to."""
    ((connector, rows),) = store.apply(open_sends=[("one",)]).open_sends
    assert connector == "one"
    return [(fields[0], segment, upstream_id) for fields, segment, _, upstream_id in rows]


def test_a_claim_without_intents_leaves_nothing_to_doubt(store: Store) -> None:
    store.queue(message(1), message(2))
    assert claim(store) == [(1, [1]), (2, [1])]
    assert store.rows("submission") == []
    assert [row["progress"] for row in store.rows("message")] == [SENT, SENT]


def test_what_was_claimed_and_never_given_an_id_waits_again_after_a_kill(store: Store) -> None:
    store.queue(message(1), message(2))
    claim(store)
    store.apply(assigned=[assigned(2, "r/2")])
    assert store.restart() == 0
    assert [(row["message_id"], row["progress"]) for row in store.rows("message")] == [(1, QUEUED), (2, SENT)]
    assert store.rows("ambiguous") == []


def test_what_has_its_id_is_asked_for_after_a_kill_and_not_doubted(store: Store) -> None:
    store.queue(message(1), message(2), message(3))
    claim(store)
    store.apply(assigned=[assigned(1, "r/1"), assigned(2, "r/2"), assigned(3, "s/3")])
    store.apply(submitted=[(NOW_MS, "r/1", "r/1", 1, 1, "one")])
    assert open_sends(store) == [], "this run knows what it is doing"
    assert store.restart() == 0
    assert open_sends(store) == [(2, 1, "r/2"), (3, 1, "s/3")]


def test_a_run_is_told_once_of_what_an_earlier_one_sent(store: Store) -> None:
    store.queue(message(1))
    claim(store)
    store.apply(assigned=[assigned(1, "r/1")])
    for _ in range(2):
        store.restart()
        assert open_sends(store) == [(1, 1, "r/1")]
        assert open_sends(store) == [], "a reload has it from the connector that was told"


def test_segments_that_were_claimed_beside_those_of_another_connector_wait_again_after_a_kill(
    store: Store,
) -> None:
    store.send(message(1, segments=3, connector="two"))
    store.apply(submitted=[(NOW_MS, "A", "a", 1, 1, "two")])
    store.apply(postponed=[(1, n, "one", 0, 1, NOW_MS, "two: down") for n in (2, 3)])
    assert claim(store) == [(1, [2, 3])]
    store.restart()
    assert store.progress(1) is Progress.QUEUED
    assert claim(store) == [(1, [2, 3])]
    store.apply(assigned=[assigned(1, "r/1", 2), assigned(1, "s/1", 3)])
    store.restart()
    assert store.progress(1) is Progress.SENT
    assert open_sends(store) == [(1, 2, "r/1"), (1, 3, "s/1")]


def test_a_receipt_may_come_before_the_answer_to_the_request(store: Store) -> None:
    store.queue(message(1))
    claim(store)
    store.apply(assigned=[assigned(1, "r/1")])
    answer = store.apply(receipts=[receipt("r/1")])
    assert answer.results == [(1, 1, 0)]
    assert [row["state"] for row in store.rows("history")] == [2]
    store.apply(submitted=[(NOW_MS, "r/1", "r/1", 1, 1, "one")])
    assert [row["attempt"] for row in store.rows("submission")] == [Attempt.DONE.value]


def test_a_second_try_gets_the_new_id(store: Store) -> None:
    store.queue(message(1))
    claim(store)
    store.apply(assigned=[assigned(1, "r/1")])
    store.apply(postponed=[(1, 1, "one", 0, 1, NOW_MS, "one: no money")])
    assert claim(store) == [(1, [1])]
    store.apply(assigned=[assigned(1, "s/1")])
    assert [row["upstream_id"] for row in store.rows("submission")] == ["s/1"]


def test_a_text_of_several_segments_goes_whole(store: Store) -> None:
    store.queue(message(1, segments=3))
    assert claim(store) == [(1, [1])]
    assert [row["segments"] for row in store.rows("message")] == [1]


def test_a_text_that_another_connector_has_in_part_keeps_its_segments(store: Store) -> None:
    store.send(message(1, segments=3, connector="two"))
    store.apply(submitted=[(NOW_MS, "A", "a", 1, 1, "two")])
    store.apply(postponed=[(1, n, "one", 0, 1, NOW_MS, "two: down") for n in (2, 3)])
    assert claim(store) == [(1, [2, 3])]


def unfinished(store: Store, after: int = 0, limit: int = 10) -> tuple[list[str], int]:
    ((_, rows, last),) = store.apply(unfinished=[("one", after, limit)]).unfinished
    return [upstream_id for upstream_id, _ in rows], last


def test_what_has_no_receipt_is_found_in_portions(store: Store) -> None:
    store.queue(*(message(n) for n in range(1, 6)))
    claim(store)
    store.apply(
        assigned=[assigned(n, f"r/{n}") for n in range(1, 6)],
        submitted=[(NOW_MS, f"r/{n}", f"r/{n}", n, 1, "one") for n in range(1, 5)],
    )
    store.apply(receipts=[receipt("r/2")])
    assert unfinished(store, limit=2) == (["r/1", "r/3"], 3)
    assert unfinished(store, after=3, limit=2) == (["r/4"], 0)


def test_what_another_connector_has_is_not_found(store: Store) -> None:
    store.sent(1, "A", connector="two")
    assert unfinished(store) == ([], 0)


def incoming(text: bytes = b"Hi") -> tuple[Any, ...]:
    head = ("app", 0, NOW_MS, 1, 1, "79161234567", 0, 0, "1234", 0, 0, 0)
    return (*head, text, b"", INCOMING, "", NOW_MS, NOW_MS, 1)


def once(
    store: Store, id: int, now_ms: int = NOW_MS, kind: str = "incoming", row: Row | None = None
) -> Answer:
    return store.apply(once=[("one", id, now_ms, kind, row or incoming())], marks=[("one answers", id)])


def test_an_incoming_sms_that_is_told_twice_comes_once(store: Store) -> None:
    assert len(once(store, 7).deliveries) == 1
    assert once(store, 7).deliveries == []
    assert len(once(store, 8).deliveries) == 1
    assert len(store.rows("delivery")) == 2


def test_it_is_known_after_a_restart_until_it_is_old(store: Store) -> None:
    once(store, 7)
    store.restart()
    assert once(store, 7).deliveries == []
    store.sweep(NOW_MS + DAY_MS, seen_before_ms=NOW_MS + 1)
    assert len(once(store, 7).deliveries) == 1


def test_one_for_a_mailbox_comes_once_too(store: Store) -> None:
    for _ in range(2):
        once(store, 7, kind="incoming_mail", row=incoming_sms())
    assert len(store.rows("letter")) == 1


def test_the_mark_is_that_of_the_last_commit(store: Store) -> None:
    once(store, 7)
    once(store, 9)
    assert store.rows("mark") == [{"name": "one answers", "value": 9}]


def test_what_a_receipt_says_besides_goes_down_with_it(store: Store) -> None:
    store.sent(1, "A")
    [delivery] = store.apply(receipts=[(*receipt("A")[:-1], " imsi:250")]).deliveries
    assert delivery[14] == b" imsi:250"


def test_a_receipt_that_waits_for_its_response_keeps_what_it_says(store: Store) -> None:
    store.send(message(1))
    store.apply(receipts=[(*receipt("A")[:-1], " imsi:250")])
    [delivery] = store.taken(1, "A").deliveries
    assert delivery[14] == b" imsi:250"


def test_a_report_by_mail_has_it_too(store: Store) -> None:
    store.apply(**mail_rows(1, mail_id=MAIL_ID, notify=3))
    store.taken(1, "A")
    store.apply(receipts=[(*receipt("A")[:-1], " imsi:250")])
    [letter] = store.claim_letters()
    assert letter.text == " imsi:250"


def test_a_line_of_a_timeline(store: Store) -> None:
    store.queue(message(1))
    store.apply(incidents=[(1, NOW_MS, "one: no answer")])
    assert [row["text"] for row in store.rows("incident")] == ["one: no answer"]
