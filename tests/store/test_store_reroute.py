"""A message that an SMSC refuses for good goes on to another connector: once, whole, and never back."""

from __future__ import annotations

import pytest
from gateway_fakes import NOW_MS, message
from store_support import Store, receipt, submitted

from gateway.core.batch import Answer
from gateway.core.model import Message, OnAmbiguous, Progress, Wish
from gateway.store.failover_steps import REROUTE_WAIT_MS

LATER_MS = NOW_MS + 1000


def routed(message_id: int = 1, **fields: object) -> Message:
    return message(message_id, **{"alternatives": "one two three", **fields})


def refuse(
    store: Store, segment: int = 1, *, by: str = "one", to: str = "two", message_id: int = 1
) -> Answer:
    row = (message_id, segment, by, to, LATER_MS, "ESME_RINVDSTADR")
    return store.apply(rerouted=[row])


def incidents(store: Store) -> list[str]:
    return [row["text"] for row in store.rows("incident")]


def place(store: Store, message_id: int = 1) -> tuple[str, str, int, int]:
    """connector, alternatives, progress and due_ms of a live message."""
    (row,) = store.rows("message", message_id=message_id)
    return row["connector"], row["alternatives"], row["progress"], row["due_ms"]


def test_it_goes_on_and_the_one_that_refused_it_is_no_alternative_any_more(store: Store) -> None:
    store.send(routed())
    assert refuse(store).queued == [("two", LATER_MS)]
    assert place(store) == ("two", "two three", Progress.QUEUED, LATER_MS)
    assert store.rows("submission") == []
    assert incidents(store) == ["one refused it (ESME_RINVDSTADR): goes to two"]
    assert store.claim(connector="two", now_ms=LATER_MS) == [(1, [1])]


@pytest.mark.parametrize(
    ("alternatives", "left"),
    [
        ("one two", "two"),
        ("two one", "two"),
        ("two one three", "two three"),
        ("one one-b two", "one-b two"),
        ("a-one one two", "a-one two"),
    ],
)
def test_only_the_whole_name_is_taken_out(store: Store, alternatives: str, left: str) -> None:
    store.send(routed(alternatives=alternatives))
    refuse(store)
    assert place(store)[1] == left


def test_each_refusal_is_a_line_and_the_end_is_that_of_the_last(store: Store) -> None:
    store.send(routed())
    refuse(store)
    store.claim(connector="two", now_ms=LATER_MS)
    refuse(store, by="two", to="three")
    assert place(store)[:2] == ("three", "three")
    store.claim(connector="three", now_ms=LATER_MS)
    store.apply(failed=[(1, 8, "ESME_RINVDSTADR", LATER_MS)])
    (ended,) = store.rows("history")
    assert (ended["state"], ended["error"], ended["connector"]) == (8, "ESME_RINVDSTADR", "three")
    assert incidents(store) == [
        "one refused it (ESME_RINVDSTADR): goes to two",
        "two refused it (ESME_RINVDSTADR): goes to three",
    ]


def test_a_queue_that_moves_never_brings_it_back(store: Store) -> None:
    store.send(routed())
    refuse(store)
    store.apply(moves=[("two", "one", 0)])
    assert place(store)[0] == "two"
    store.apply(moves=[("two", "three", 0)])
    assert place(store)[0] == "three"


def test_segments_that_are_all_refused_go_on_as_one(store: Store) -> None:
    store.send(routed(segments=3))
    assert refuse(store, 1).queued == [("two", LATER_MS + REROUTE_WAIT_MS)]
    assert store.claim(connector="two", now_ms=LATER_MS) == []
    assert refuse(store, 2).queued == [("two", LATER_MS + REROUTE_WAIT_MS)]
    assert refuse(store, 3).queued == [("two", LATER_MS)]
    assert store.claim(connector="two", now_ms=LATER_MS) == [(1, [1, 2, 3])]
    assert incidents(store)[0] == "one refused segment 1 (ESME_RINVDSTADR): goes to two"


def test_what_was_taken_stays_and_only_the_rest_goes_on(store: Store) -> None:
    store.send(routed(segments=2))
    refuse(store, 2)
    store.apply(submitted=[submitted(1, "A1")])
    after_ms = LATER_MS + REROUTE_WAIT_MS
    assert store.claim(connector="two", now_ms=after_ms) == [(1, [2])]
    store.apply(submitted=[submitted(1, "B2", 2, "two")])
    assert store.apply(receipts=[receipt("A1")]).ended == []
    assert store.apply(receipts=[receipt("B2", connector="two")]).ended == [("app", 1)]


def test_of_a_message_at_two_smscs_each_is_asked_only_for_its_own(store: Store) -> None:
    store.send(routed(segments=2))
    refuse(store, 2)
    store.apply(submitted=[submitted(1, "A1")])
    store.claim(connector="two", now_ms=LATER_MS + REROUTE_WAIT_MS)
    store.apply(submitted=[submitted(1, "B2", 2, "two")])
    (found,) = store.apply(queries=[("app", 1)]).queried
    assert ("two" in found, ["B2"] in found) == (True, True)
    ((_, at_smsc, _),) = store.apply(cancels=[("app", 1, "", "", "", LATER_MS)]).cancelled
    assert [row[:3] for row in at_smsc] == [(1, "two", ["B2"])]


def test_a_segment_that_is_refused_after_the_next_connector_has_refused_too(store: Store) -> None:
    """The slow answer names a next one that has been left already."""
    store.send(routed(segments=2))
    refuse(store, 1)
    store.claim(connector="two", now_ms=LATER_MS + REROUTE_WAIT_MS)
    refuse(store, 1, by="two", to="three")
    refuse(store, 2, by="one", to="two")
    assert place(store)[:2] == ("three", "three")
    assert store.claim(connector="three", now_ms=LATER_MS) == [(1, [1, 2])]


def test_what_has_ended_meanwhile_goes_nowhere(store: Store) -> None:
    store.send(routed(segments=2))
    store.apply(failed=[(1, 8, "ESME_RINVDSTADR", LATER_MS)])
    assert refuse(store, 2).queued == []
    assert store.rows("message") == []
    assert incidents(store) == []
    assert [row["attempt"] for row in store.rows("submission")] == [3, 3]


def test_a_refusal_that_is_written_twice_counts_once(store: Store) -> None:
    store.send(routed())
    refuse(store)
    assert refuse(store).queued == []
    assert len(incidents(store)) == 1


def test_a_held_message_stays_held_and_goes_by_the_next_when_it_is_released(store: Store) -> None:
    store.send(routed(segments=2, on_ambiguous=OnAmbiguous.HOLD.value))
    store.doubt(1, 1)
    refuse(store, 2)
    assert place(store)[::2] == ("two", Progress.HELD)
    store.apply(decisions=[(1, "resend", LATER_MS)])
    assert store.claim(connector="two", now_ms=LATER_MS) == [(1, [1, 2])]


def test_a_kill_right_after_leaves_it_in_the_queue_and_nothing_in_doubt(store: Store) -> None:
    store.send(routed())
    refuse(store)
    assert store.restart() == 0
    assert place(store) == ("two", "two three", Progress.QUEUED, LATER_MS)


def test_a_kill_before_the_refusal_is_written_leaves_the_doubt(store: Store) -> None:
    store.send(routed())
    assert store.restart() == 1
    assert place(store)[0] == "one"


def test_a_receipt_of_the_one_that_refused_it_is_nobodys(store: Store) -> None:
    store.send(routed())
    refuse(store)
    store.claim(connector="two", now_ms=LATER_MS)
    store.apply(submitted=[submitted(1, "77", connector="two")])
    answer = store.apply(receipts=[receipt("77", 5, connector="one")])
    assert answer.results == [(None, None, None)]
    assert answer.ended == []
    assert store.apply(receipts=[receipt("77", connector="two")]).ended == [("app", 1)]


def test_a_late_answer_of_an_earlier_connector_is_matched_by_its_receipt(store: Store) -> None:
    """In doubt at one, then at two, and then one says that it has it."""
    store.send(routed(on_ambiguous=OnAmbiguous.RESEND.value))
    store.doubt(1)
    store.apply(moves=[("one", "two", 0)])
    store.claim(connector="two", now_ms=LATER_MS)
    store.doubt(1)
    store.apply(late=[submitted(1, "A1", connector="one")])
    assert store.apply(receipts=[receipt("A1", connector="one")]).ended == [("app", 1)]


@pytest.mark.parametrize(
    ("kinds", "moves_when"),
    [
        (("down", "silent"), {"down", "silent", "gone"}),
        (("down",), {"down", "gone"}),
        (("silent", "refused"), {"silent", "gone"}),
        (("refused", "throttled"), {"gone"}),
        ((), {"gone"}),
    ],
)
def test_a_queue_moves_only_for_what_its_messages_routes_want(
    store: Store, kinds: tuple[str, ...], moves_when: set[str]
) -> None:
    stays = {"down": Wish.STAYS_DOWN.value, "silent": Wish.STAYS_SILENT.value, "gone": 0}
    moved = set()
    for number, (why, flag) in enumerate(stays.items(), 1):
        store.queue(routed(number, flags=Wish.failover_flags(kinds), connector=why, alternatives=f"{why} x"))
        if store.apply(moves=[(why, "x", flag)]).queued:
            moved.add(why)
    assert moved == moves_when


def test_the_flags_of_failover_do_not_change_whose_receipts_they_are(store: Store) -> None:
    """The upper bits of the flags are a submit_multi's place, and above that one of failover's."""
    store.sent(7, "A1", flags=Wish.behind(3) | Wish.failover_flags(("refused",)))
    (row,) = store.apply(receipts=[receipt("A1")]).deliveries
    assert row[2] == 4


def test_a_segment_that_is_due_sooner_is_not_put_off_by_one_that_is_refused(store: Store) -> None:
    store.send(routed(segments=2))
    store.apply(postponed=[(1, 1, "one", NOW_MS + 10, 1, NOW_MS, "busy")])
    refuse(store, 2)
    assert place(store) == ("two", "two three", Progress.QUEUED, NOW_MS + 10)
