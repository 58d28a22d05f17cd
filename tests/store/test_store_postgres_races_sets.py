"""Segments of one set, and parts of one long SMS, that come to two nodes at once are joined once."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import NOW_MS, message
from store_nodes import Nodes
from store_support import Store, incoming_sms

from gateway.core.batch import Batch, Row
from gateway.core.model import Progress, Wish
from gateway.store import mail_steps, part_steps
from protocols.sms import udh

GATHERED, CARRIED, QUEUED = Progress.GATHERED, Progress.CARRIED, Progress.QUEUED


def segment(part: int, total: int = 2, reference: int = 7) -> Batch:
    """One segment of a set; its message_id is its number, with the reference before it."""
    data = udh.build([udh.concatenation_element(reference, total, part, False)]) + b"part%d " % part * 25
    new = message(reference * 10 + part, esm_class=0x43, user_data=data)
    row = (new.message_id, new.account, new.source, new.destination, reference, total, part, NOW_MS)
    return Batch(accepted=[(*new, GATHERED.value)], parts=[row])


def progress(store: Store, *message_ids: int) -> list[Progress | None]:
    return [store.progress(n) for n in message_ids]


def test_a_set_is_joined_by_whoever_brings_its_last_segment(nodes: Nodes) -> None:
    nodes.at_once(segment(1), segment(2))
    assert sorted(progress(nodes.a, 71, 72), key=str) == sorted([CARRIED, QUEUED], key=str)
    (whole,) = nodes.b.rows("message", progress=QUEUED.value)
    assert whole["flags"] & Wish.WHOLE.value
    assert b"part1" in whole["user_data"] and b"part2" in whole["user_data"]


def test_a_segment_that_comes_twice_at_once_goes_up_twice_and_its_set_waits(nodes: Nodes) -> None:
    again = segment(1)
    again.accepted = [(73, *again.accepted[0][1:])]
    again.parts = [(73, *again.parts[0][1:])]
    nodes.at_once(segment(1), again)
    assert progress(nodes.a, 71, 73) == [QUEUED, GATHERED]


def test_a_segment_that_ends_while_the_last_one_comes_keeps_its_set_open(nodes: Nodes) -> None:
    nodes.a.apply_batch(segment(1))
    cancel = Batch(cancels=[("app", 71, "", "", "", NOW_MS)])
    answer, _ = nodes.at_once(cancel, segment(2))
    assert answer.cancelled[0][0] == 1
    assert progress(nodes.b, 71, 72) == [None, GATHERED]


def test_what_is_given_up_while_its_set_is_joined_is_the_whole_or_nothing(nodes: Nodes) -> None:
    nodes.a.apply_batch(segment(1))
    _, answer = nodes.at_once(segment(2), Batch(decisions=[(71, "drop", NOW_MS)]))
    carried = nodes.a.rows("message", progress=CARRIED.value)
    dropped = answer.decided == [True]
    assert len(carried) == (0 if dropped else 1)  # the whole of it, or nothing


def test_a_set_that_another_node_completes_is_not_released_for_its_age(nodes: Nodes) -> None:
    nodes.a.apply_batch(segment(1))
    sweep = Batch(sweeps=[Store.sweep_row(NOW_MS, assembly_before_ms=NOW_MS + 1)])
    nodes.at_once(segment(2), sweep)
    assert sorted(progress(nodes.a, 71, 72), key=str) == sorted([CARRIED, QUEUED], key=str)
    assert nodes.a.rows("incident", text=part_steps.NOT_ALL) == []


def test_sets_that_other_nodes_opened_are_released_for_their_age(nodes: Nodes) -> None:
    nodes.a.apply_batch(segment(1))
    nodes.b.sweep(assembly_before_ms=NOW_MS + 1)
    assert progress(nodes.a, 71) == [QUEUED]


def test_sets_that_others_completed_take_no_room(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_steps, "SETS_MAX", 2)
    for reference in range(1, 4):
        nodes.a.apply_batch(segment(1, reference=reference))
        nodes.b.apply_batch(segment(2, reference=reference))
    nodes.a.apply_batch(segment(1, reference=4))
    nodes.a.apply_batch(segment(1, reference=5))
    assert progress(nodes.a, 41, 51) == [GATHERED, GATHERED]
    nodes.b.apply_batch(segment(1, reference=6))  # all nodes together have room for two
    nodes.a.apply_batch(segment(1, reference=7))
    assert progress(nodes.a, 41, 71) == [QUEUED, GATHERED]


# -- long incoming SMS --------------------------------------------------------------------------------


def part(number: int, total: int = 2, **fields: Any) -> Row:
    return incoming_sms(f"part{number} ", reference=5, total=total, part=number, **fields)


def texts(store: Store) -> list[str]:
    return [row["text"] for row in store.rows("letter")]


def test_a_long_sms_is_joined_by_whoever_brings_its_last_part(nodes: Nodes) -> None:
    nodes.at_once(Batch(incoming_mail=[part(1)]), Batch(incoming_mail=[part(2)]))
    assert texts(nodes.a) == ["part1 part2 "]


def test_a_part_that_comes_to_both_is_one(nodes: Nodes) -> None:
    nodes.at_once(Batch(incoming_mail=[part(1)]), Batch(incoming_mail=[part(1)]))
    assert len(nodes.a.rows("incoming_part")) == 1
    nodes.b.apply(incoming_mail=[part(2)])
    assert texts(nodes.a) == ["part1 part2 "]


def test_old_parts_go_on_once(nodes: Nodes) -> None:
    nodes.a.apply(incoming_mail=[part(1)])
    sweep = Batch(sweeps=[Store.sweep_row(NOW_MS, part_before_ms=NOW_MS + 1)])
    nodes.at_once(sweep, sweep)
    assert texts(nodes.a) == ["part1  …"]


def test_an_old_part_whose_other_one_comes_just_now_waits_for_it(nodes: Nodes) -> None:
    nodes.a.apply(incoming_mail=[part(1)])
    sweep = Batch(sweeps=[Store.sweep_row(NOW_MS, part_before_ms=NOW_MS + 1)])
    nodes.at_once(Batch(incoming_mail=[part(2)]), sweep)
    assert texts(nodes.a) == ["part1 part2 "]


def test_parts_that_others_took_take_no_room(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_steps, "PARTS_MAX", 2)
    for number in range(3):
        nodes.a.apply(incoming_mail=[part(1, own_number=str(number))])
        nodes.b.apply(incoming_mail=[part(2, own_number=str(number))])
    nodes.a.apply(incoming_mail=[part(1, own_number="x")])
    assert texts(nodes.a) == ["part1 part2 "] * 3
    nodes.b.apply(incoming_mail=[part(1, own_number="y")])
    nodes.a.apply(incoming_mail=[part(1, own_number="z")])  # there are two already
    assert texts(nodes.a) == ["part1 part2 "] * 3 + ["part1 "]
