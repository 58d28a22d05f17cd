"""Segments that their senders made themselves: they wait for each other and go up as one message."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import DAY_MS, NOW_MS, message
from store_support import PEER, Store, postponed, receipt

from gateway.core.batch import Answer
from gateway.core.model import Message, MessageState, Progress, Wish
from gateway.store import part_steps
from protocols.sms import udh

GATHERED, CARRIED, QUEUED = Progress.GATHERED, Progress.CARRIED, Progress.QUEUED
LATER_MS = NOW_MS + 60_000
ALONE = "went up without the other parts"
PORTS = (0x05, bytes.fromhex("0b8423f0"))


def udh_of(part: int, total: int, *elements: udh.Element, wide: bool = False) -> bytes:
    return udh.build([udh.concatenation_element(7, total, part, wide), *elements])


def gather(
    store: Store, *numbers: int, total: int = 3, reference: int = 7, first_id: int = 0, **fields: Any
) -> Answer:
    """Takes these parts in one batch; their message_ids are their numbers, from `first_id` on."""
    messages, rows = [], []
    for n in numbers:
        new = message(
            first_id + n,
            **{"esm_class": 0x43, "user_data": udh_of(n, total) + text(n), "due_ms": n, **fields},
        )
        messages.append((*new, GATHERED.value))
        rows.append(
            (new.message_id, new.account, new.source, new.destination, reference, total, n, NOW_MS + n)
        )
    return store.apply(accepted=messages, parts=rows)


def text(*numbers: int) -> bytes:
    """What these parts say; of GSM 7 bit three fill three segments."""
    return b"".join(b"part%d " % n * 25 for n in numbers)


def progress(store: Store, *message_ids: int) -> list[Progress | None]:
    return [store.progress(n) for n in message_ids]


def live(store: Store, message_id: int) -> dict[str, Any]:
    (row,) = store.rows("message", message_id=message_id)
    return row


def incidents(store: Store) -> list[tuple[int, str]]:
    return [(row["message_id"], row["text"]) for row in store.rows("incident")]


def claimed(store: Store, now_ms: int = LATER_MS) -> list[Message]:
    ((_, rows, _),) = store.apply(claims=[("one", 100, now_ms, 1)]).claimed
    return [Message(*fields) for fields, _ in rows]


def claimed_ids(store: Store, now_ms: int = LATER_MS) -> list[int]:
    return [one.message_id for one in claimed(store, now_ms)]


# -- complete sets ----------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1)])
@pytest.mark.parametrize("at_once", [True, False])
def test_a_complete_set_goes_up_as_one_message(store: Store, order: tuple[int, ...], at_once: bool) -> None:
    for numbers in [order] if at_once else [(n,) for n in order]:
        assert claimed(store) == []
        answer = gather(store, *numbers)
    assert answer.queued == [("one", 1)], "the connector is woken for the first part's time"
    assert progress(store, 1, 2, 3) == [QUEUED, CARRIED, CARRIED]
    assert incidents(store) == [(2, "goes up with message 1"), (3, "goes up with message 1")]
    (whole,) = claimed(store)
    assert (whole.message_id, whole.user_data, whole.segments) == (1, text(1, 2, 3), 3)
    assert (whole.esm_class, whole.flags, whole.tlvs) == (0x03, Wish.WHOLE, b"")


def test_it_may_be_claimed_in_the_batch_that_completes_it(store: Store) -> None:
    gather(store, 1, 2)
    new = message(3, esm_class=0x40, user_data=udh_of(3, 3) + text(3))
    answer = store.apply(
        accepted=[(*new, GATHERED.value)],
        parts=[(3, "app", new.source, new.destination, 7, 3, 3, NOW_MS)],
        claims=[("one", 9, LATER_MS, 1)],
    )
    ((_, [(fields, segments)], _),) = answer.claimed
    assert (fields[0], segments) == (1, [1, 2, 3])


def test_other_elements_of_the_first_part_stay_and_sar_tlvs_go(store: Store) -> None:
    kept = bytes.fromhex("020400020001")
    fields = {"user_data": udh_of(1, 2, PORTS, wide=True) + b"x", "tlvs": kept + bytes.fromhex("020f000101")}
    gather(store, 1, 2, total=2, **fields)
    (whole,) = claimed(store)
    assert (whole.user_data, whole.esm_class) == (udh.build([PORTS]) + b"xx", 0x43)
    assert whole.tlvs == kept


def test_receipts_per_part_are_those_of_its_messages(store: Store) -> None:
    """Each segment is a message of its own to its sender, so the whole needs no receipts per part."""
    gather(store, 1, 2, total=2, flags=(Wish.PER_PART | Wish.default_message(5)).value)
    (whole,) = claimed(store)
    assert whole.flags == Wish.WHOLE | Wish.default_message(5)
    store.taken(1, "A", "B")
    store.apply(receipts=[receipt("A"), receipt("B")])
    assert [(row["message_id"], row["part"]) for row in store.rows("delivery")] == [(1, 0), (2, 0)]


def test_a_whole_that_goes_up_in_one_pdu_is_one_segment(store: Store) -> None:
    gather(store, 1, 2, 3, flags=Wish.ONE_PDU.value)
    (whole,) = claimed(store)
    assert (whole.user_data, whole.segments) == (text(1, 2, 3), 1)


def test_how_often_the_whole_was_tried_is_known_of_each_part(store: Store) -> None:
    gather(store, 1, 2, total=2)
    claimed(store)
    store.apply(postponed=[postponed(1)])
    claimed(store, LATER_MS)
    store.apply(doubts=[(1, 1, NOW_MS, "no answer", "", 0)])
    store.apply(failed=[(1, 8, "", NOW_MS)])
    assert {(row["retries"], row["doubts"]) for row in store.rows("history")} == {(1, 1)}


def test_a_set_survives_restarts(store: Store) -> None:
    gather(store, 2)
    store.restart()
    gather(store, 1, 3)
    store.restart()
    (whole,) = claimed(store)
    assert whole.user_data == text(1, 2, 3)
    store.restart()
    assert progress(store, 1, 2, 3) == [QUEUED, CARRIED, CARRIED], "in doubt, and to be sent again"


@pytest.mark.parametrize(
    "other",
    [
        {"reference": 8},
        {"reference": 7 + (1 << 16)},
        {"total": 4},
        {"source": "Other"},
        {"destination": "79990000000"},
        {"account": "other"},
    ],
)
def test_segments_of_different_messages_are_never_joined(store: Store, other: dict[str, Any]) -> None:
    gather(store, 1, 2)
    gather(store, 3, **other)
    assert progress(store, 1, 2, 3) == [GATHERED] * 3
    assert claimed(store) == []


def test_what_is_not_written_alike_goes_up_in_its_parts(store: Store) -> None:
    gather(store, 1, total=2)
    gather(store, 2, total=2, data_coding=8)
    text = "went up in its parts: one text cannot say what they do"
    assert incidents(store) == [(1, text), (2, text)]
    assert [(one.message_id, one.segments, one.esm_class) for one in claimed(store)] == [
        (1, 1, 0x43),
        (2, 1, 0x43),
    ]


@pytest.mark.parametrize(("total", "part"), [(3, 4), (3, 0), (1, 1), (0, 0)])
def test_a_part_that_cannot_be_goes_up_at_once(store: Store, total: int, part: int) -> None:
    row = (1, "app", "Example", PEER, 7, total, part, NOW_MS)
    answer = store.apply(accepted=[(*message(1), GATHERED.value)], parts=[row])
    assert answer.queued == [("one", 0)]
    assert claimed_ids(store) == [1]


# -- ends -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [2, 5])
def test_all_parts_end_with_the_whole_and_as_it_does(store: Store, state: int) -> None:
    gather(store, 1, 2, 3)
    claimed(store)
    store.taken(1, "A", "B", "C")
    answer = store.apply(receipts=[receipt(name, state, error="042") for name in "ABC"])
    assert answer.ended == [("app", 3)]
    assert sorted((row[2], row[15], row[16]) for row in answer.deliveries) == [
        (n, state, "042") for n in (1, 2, 3)
    ]
    rows = {row["message_id"]: row for row in store.rows("history")}
    assert {n: (row["state"], row["done_ms"]) for n, row in rows.items()} == dict.fromkeys(
        (1, 2, 3), (state, NOW_MS + 2000)
    )
    assert {(row["upstream_id"], row["connector"]) for row in rows.values()} == {("A", "one")}
    assert store.rows("message") == store.rows("gathered_part") == []
    answer = store.apply(receipts=[receipt("A", state)])
    assert (answer.results, answer.ended, answer.deliveries) == ([(1, 1, 1)], [], [])


def test_each_part_has_the_receipt_that_its_sender_asked_for(store: Store) -> None:
    for n, asked in ((1, 0), (2, 1), (3, 2)):
        gather(store, n, registered_delivery=asked)
    claimed(store)
    store.apply(failed=[(2, MessageState.REJECTED.value, "x", NOW_MS)])
    assert store.delivery_states() == [(2, 8), (3, 8)]
    assert [store.end(n) for n in (1, 2, 3)] == [(8, "x")] * 3


@pytest.mark.parametrize("wish", [1, 2, 3])
@pytest.mark.parametrize("asking", [1, 2, 3])
def test_the_whole_goes_up_with_the_part_that_wants_a_receipt(store: Store, asking: int, wish: int) -> None:
    """Many ask for one with the last part alone: without it the SMSC would not be asked for any."""
    for n in (1, 2, 3):
        gather(store, n, registered_delivery=wish * (n == asking), tlvs=bytes((2, 4, 0, 2, 0, n)))
    (whole,) = claimed(store)
    assert (whole.message_id, whole.registered_delivery, whole.user_data) == (asking, wish, text(1, 2, 3))
    assert whole.tlvs == bytes((2, 4, 0, 2, 0, 1)), "what else it says is the first part's"
    store.taken(asking, "A", "B", "C")
    store.apply(receipts=[receipt(name) for name in "ABC"])
    assert store.delivery_states() == ([] if wish == 2 else [(asking, 2)])
    assert [store.end(n) for n in (1, 2, 3)] == [(2, "000")] * 3


def test_open_sets_are_counted_anew_only_when_one_may_have_ended(sqlite_store: Store) -> None:
    store = sqlite_store
    gather(store, 1, 2, total=2)
    gather(store, 11, total=12, first_id=20)
    claimed(store)
    looks: list[str] = []
    store.engine.connection.set_trace_callback(looks.append)
    store.apply(failed=[(1, 8, "", NOW_MS)])
    assert not [sql for sql in looks if "SELECT DISTINCT account" in sql]
    store.apply(failed=[(31, 8, "", NOW_MS)])
    assert [sql for sql in looks if "SELECT DISTINCT account" in sql]


def test_what_goes_up_with_another_expires_with_it(store: Store) -> None:
    gather(store, 1, 2, total=2, expires_ms=LATER_MS)
    claimed(store, LATER_MS - 1)
    store.taken(1, "A", "B")
    answer = store.sweep(LATER_MS + DAY_MS)
    assert (answer.ended, progress(store, 1, 2)) == ([], [Progress.SENT, CARRIED]), (
        "it waits for its receipts"
    )
    store.apply(receipts=[receipt("A"), receipt("B")])
    assert store.end(1) == store.end(2) == (2, "000")


def test_a_whole_that_waits_expires_with_all_its_parts(store: Store) -> None:
    gather(store, 1, 2, total=2, expires_ms=LATER_MS)
    assert store.sweep(LATER_MS).ended == [("app", 2)]
    assert [store.end(n) for n in (1, 2)] == [(MessageState.EXPIRED, "")] * 2
    assert store.delivery_states() == [(1, 3), (2, 3)]


def test_a_part_that_waits_for_others_expires_alone(store: Store) -> None:
    gather(store, 1, expires_ms=LATER_MS)
    gather(store, 2)
    assert store.sweep(LATER_MS).ended == [("app", 1)]
    assert progress(store, 1, 2) == [None, GATHERED]
    gather(store, 3)
    assert progress(store, 2, 3) == [GATHERED] * 2, "the set lacks one"


def test_a_person_may_give_up_a_part_that_waits_but_not_one_that_is_carried(store: Store) -> None:
    gather(store, 1)
    gather(store, 1, 2, total=2, first_id=10)
    decisions = [(1, "drop", NOW_MS), (12, "drop", NOW_MS), (12, "resend", NOW_MS)]
    assert store.apply(decisions=decisions).decided == [True, False, False]
    assert progress(store, 1, 11, 12) == [None, QUEUED, CARRIED]


def test_a_whole_that_is_refused_for_now_waits_with_its_parts(store: Store) -> None:
    gather(store, 1, 2, total=2)
    claimed(store)
    store.apply(postponed=[postponed(1, 1, 5), postponed(1, 2, 5)])
    assert progress(store, 1, 2) == [QUEUED, CARRIED]
    assert claimed_ids(store) == [1]


# -- sets that stay open ----------------------------------------------------------------------------


def test_after_a_while_the_parts_go_up_as_they_came(store: Store) -> None:
    gather(store, 3, 1)
    assert store.sweep(LATER_MS, assembly_before_ms=NOW_MS + 1).queued == []
    store.restart()
    answer = store.sweep(LATER_MS, assembly_before_ms=NOW_MS + 2)
    assert answer.queued == [("one", 1), ("one", 3)]
    assert incidents(store) == [(1, ALONE), (3, ALONE)]
    assert {row["at_ms"] for row in store.rows("incident")} == {LATER_MS}
    assert [(one.message_id, one.user_data, one.segments, one.flags) for one in claimed(store)] == [
        (1, udh_of(1, 3) + text(1), 1, 0),
        (3, udh_of(3, 3) + text(3), 1, 0),
    ]
    gather(store, 2)
    assert progress(store, 2) == [GATHERED], "a late part opens a set of its own"
    assert store.apply(failed=[(1, 8, "x", NOW_MS)]).ended == [("app", 1)]


def test_parts_that_are_let_go_are_seen_by_a_claim_of_the_same_batch(store: Store) -> None:
    """Else their queue would be held for empty, and nobody would look again."""
    gather(store, 1)
    sweep = store.sweep_row(LATER_MS, assembly_before_ms=LATER_MS)
    answer = store.apply(sweeps=[sweep], claims=[("one", 4, LATER_MS, 1)])
    assert [fields[0] for fields, _ in answer.claimed[0][1]] == [1]


def test_a_complete_set_is_not_taken_apart(store: Store) -> None:
    gather(store, 1, 2, total=2)
    store.sweep(LATER_MS, assembly_before_ms=LATER_MS)
    assert progress(store, 1, 2) == [QUEUED, CARRIED]


def test_a_part_that_is_there_already_opens_another_set(store: Store) -> None:
    gather(store, 1, 2)
    answer = gather(store, 2, first_id=10)
    assert answer.queued == [("one", 1), ("one", 2)]
    assert progress(store, 1, 2, 12) == [QUEUED, QUEUED, GATHERED]
    gather(store, 1, 3, first_id=10)
    assert progress(store, 11, 12, 13) == [QUEUED, CARRIED, CARRIED]


def test_the_oldest_set_goes_up_when_an_account_has_too_many(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_steps, "SETS_MAX", 2)
    for n in (1, 2):
        gather(store, 1, 2, reference=n, first_id=10 * n)
    gather(store, 1, account="other", first_id=90)
    store.restart()
    assert gather(store, 1, reference=3, first_id=30).queued == [("one", 1), ("one", 2)]
    assert progress(store, 11, 12, 21, 22, 31, 91) == [QUEUED, QUEUED] + [GATHERED] * 4
    gather(store, 3, reference=2, first_id=20)
    gather(store, 1, reference=4, first_id=40)
    assert progress(store, 31, 41) == [GATHERED] * 2, "a set that is complete makes room"
    store.apply(cancels=[("app", 31, "", "", "", NOW_MS)])
    gather(store, 1, reference=5, first_id=50)
    assert progress(store, 41, 51) == [GATHERED] * 2, "so does one that is cancelled"


def test_old_sets_go_up_in_pieces(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_steps, "SWEEP_ROWS", 2)
    for n in range(1, 6):
        gather(store, 1, reference=n, first_id=10 * n)
    answers = [store.sweep(LATER_MS, assembly_before_ms=LATER_MS) for _ in range(4)]
    assert [len(answer.queued) for answer in answers] == [2, 2, 1, 0]
    assert [answer.sweep_again for answer in answers] == [True, True, True, False]


# -- requests ---------------------------------------------------------------------------------------


def test_what_waits_for_its_parts_can_be_cancelled(store: Store) -> None:
    gather(store, 1, 2)
    answer = store.apply(cancels=[("app", 1, "", "", "", NOW_MS)])
    assert (answer.cancelled, store.end(1)) == ([(1, [], 0)], (4, ""))
    assert store.apply(cancels=[("app", 0, "Example", PEER, "", NOW_MS)]).cancelled == [(1, [], 0)]
    assert store.rows("gathered_part") == []


@pytest.mark.parametrize("named", [1, 2, 0])
def test_a_whole_that_waits_is_cancelled_with_all_its_parts(store: Store, named: int) -> None:
    gather(store, 1, 2, 3)
    answer = store.apply(cancels=[("app", named, "Example", PEER, "", NOW_MS)])
    assert (answer.cancelled, answer.ended) == ([(3, [], 0)], [("app", 3)])
    assert store.delivery_states() == [(n, 4) for n in (1, 2, 3)]
    assert claimed(store) == []


def test_of_a_whole_that_went_up_its_ids_are_named(store: Store) -> None:
    gather(store, 1, 2, total=2)
    claimed(store)
    store.taken(1, "A", "B")
    answer = store.apply(
        cancels=[("app", n, "", "", "", NOW_MS) for n in (1, 2)], queries=[("app", 1), ("app", 2)]
    )
    assert answer.cancelled == [(0, [(1, "one", ["A", "B"], "")], 0)] * 2
    assert [(row[1], row[9], row[10]) for row in answer.queried] == [
        (Progress.SENT, ["A", "B"], 2),
        (CARRIED, ["A", "B"], 1),
    ]
    store.apply(failed=[(1, 4, "", NOW_MS)])
    assert store.end(1) == store.end(2) == (4, "")


def test_a_set_gets_no_other_text(store: Store) -> None:
    gather(store, 1)
    gather(store, 1, 2, total=2, first_id=10)
    rows = [("app", n, b"new", 1, 0, 0, -1, 0, "", 1, NOW_MS) for n in (1, 11, 12)]
    assert store.apply(replacements=rows).replaced == [0, 0, 0]


def test_segments_of_a_set_do_not_replace_each_other(store: Store) -> None:
    store.queue(message(1))
    gather(store, 1, total=2, first_id=10)
    gather(store, 1, total=2, first_id=20, reference=8)
    for n in (1, 2):
        new = message(30 + n, esm_class=0x40, user_data=udh_of(n, 2))
        row = (new.message_id, "app", new.source, new.destination, 9, 2, n, NOW_MS)
        four = ("app", new.source, new.destination, "")
        store.apply(
            accepted=[(*new, GATHERED.value)],
            parts=[row],
            replaced_by=[(new.message_id, *four, NOW_MS)],
        )
    assert [store.end(n) for n in (1, 11, 21)] == [(4, "replaced")] * 3
    assert progress(store, 31, 32) == [QUEUED, CARRIED]
    store.apply(
        accepted=[(*message(40), QUEUED.value)],
        replaced_by=[(40, "app", "Example", PEER, "", NOW_MS)],
    )
    assert [store.end(n) for n in (31, 32)] == [(4, "replaced")] * 2, "another message replaces all of it"


def test_a_whole_of_more_segments_than_can_be_counted_goes_up_in_its_parts(store: Store) -> None:
    """As parts of 254 octets by TLVs can make it."""
    gather(store, *range(1, 201), total=200, esm_class=0, user_data=b"x" * 254)
    assert set(progress(store, *range(1, 201))) == {QUEUED}
    assert len(incidents(store)) == 200
