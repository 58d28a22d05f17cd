"""What may share a request, ids that are never given twice, and floods to one number."""

from __future__ import annotations

import re
from collections import deque

from gateway_fakes import NOW_MS
from hypothesis import given
from hypothesis import strategies as st
from service_fakes import to

from gateway.core.message_ids import EPOCH_MS
from gateway.core.smsc_ids import MAX_OCTETS, upstream_id_of
from gateway.egress.smsc_http.parcels import FloodGuard, Item, Parcel, RequestIds, rows_of, take_parcel
from gateway.translate.smsc_send import Line, line_of, request_of

_is_id = re.compile("[A-Za-z0-9._-]{1,40}").fullmatch


def item(
    message_id: int, number: int, group: str = "", *, alone: bool = False, refused: bool = False
) -> Item:
    phone = f"7916{number:07d}"
    pairs = (("translit", group),) if group else ()
    line = Line(f"+{phone}", phone, f"text {message_id}", "", pairs, alone)
    return Item(to(number, message_id), 1, line, NOW_MS, alone=refused)


ITEMS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["", "1", "2"]), st.booleans(), st.booleans()), max_size=40
)


@given(made=ITEMS, most=st.integers(1, 12), backwards=st.booleans())
def test_every_item_goes_once_in_a_request_that_can_be_written(
    made: list[tuple[int, str, bool, bool]], most: int, backwards: bool
) -> None:
    items = [
        item(message_id, number, group, alone=alone and refused, refused=refused)
        for message_id, (number, group, alone, refused) in enumerate(made, 1)
    ]
    waiting = deque(reversed(items) if backwards else items)
    gone: list[Item] = []
    while waiting:
        first = waiting[0]
        taken = take_parcel(waiting, most)
        assert first in taken, "nobody is overtaken for ever"
        assert 1 <= len(taken) <= most
        assert len({it.line.key for it in taken}) == len(taken)
        if len(taken) > 1:
            assert not any(it.alone or it.line.alone for it in taken)
        ids = [it.message.message_id for it in taken]
        assert ids == sorted(ids)
        request_of([it.line for it in taken], "g1")
        gone += taken
    assert sorted(it.message.message_id for it in gone) == list(range(1, len(items) + 1))


def test_what_is_passed_keeps_its_order() -> None:
    waiting = deque([item(1, 1), item(2, 2, "1"), item(3, 1), item(4, 4), item(5, 5, "1"), item(6, 6)])
    assert [it.message.message_id for it in take_parcel(waiting, 2)] == [1, 4]
    assert [it.message.message_id for it in waiting] == [2, 3, 5, 6]


class Counted(deque[Item]):
    """Counts how many items are looked at."""

    looks = 0

    def popleft(self) -> Item:
        self.looks += 1
        return super().popleft()


def test_of_thousands_that_share_nothing_not_all_are_looked_at() -> None:
    waiting = Counted(item(n, n, str(n)) for n in range(1, 14_001))
    assert [it.message.message_id for it in take_parcel(waiting, 1000)] == [1]
    assert waiting.looks < 2_100
    assert [it.message.message_id for it in waiting] == list(range(2, 14_001))


def test_the_rows_of_a_parcel_say_when_its_lines_were_made() -> None:
    parcel = Parcel("gA-1", [item(7, 1), item(8, 2)])
    for it in parcel.items:
        it.upstream_id = upstream_id_of(parcel.request_id, it.line.key)
    assert rows_of(parcel, "one") == [
        (7, 1, "one", NOW_MS, "gA-1/79160000001", "ga-1/79160000001"),
        (8, 1, "one", NOW_MS, "gA-1/79160000002", "ga-1/79160000002"),
    ]


# -- ids -------------------------------------------------------------------------------------------------


def test_ids_differ_within_a_run_whatever_the_clock_does() -> None:
    one, other = RequestIds(7), RequestIds(7)
    ids = [ids.next(now_ms) for ids in (one, other) for now_ms in (NOW_MS, NOW_MS, NOW_MS - 5, 0, NOW_MS)]
    assert len(set(ids)) == len(ids)


def test_ids_of_another_run_differ() -> None:
    heads = {RequestIds(boot).next(NOW_MS).rpartition("-")[0] for boot in range(1, 100)}
    assert len(heads) == 99


@given(now_ms=st.integers(0, 1 << 45), boot=st.integers(0, 1 << 40))
def test_the_service_takes_every_id(now_ms: int, boot: int) -> None:
    id = RequestIds(boot).next(now_ms)
    assert _is_id(id)
    assert not id.isdigit(), "a number would be taken for one"
    assert len(upstream_id_of(id, "x" * 254)) <= MAX_OCTETS


def test_an_id_says_when() -> None:
    assert RequestIds(35).next(EPOCH_MS + 36).startswith("g10-z-")


# -- floods --------------------------------------------------------------------------------------------------


def test_fifty_in_a_row_are_enough_for_a_minute() -> None:
    guard = FloodGuard()
    assert [guard.pause_s("7", 1000.0 + n) for n in range(50)] == [0.0] * 50
    assert guard.pause_s("7", 1050.0) == 60.0
    assert guard.pause_s("7", 1109.0 - 0.5) == 1.5, "and asking makes it no longer"
    assert guard.pause_s("8", 1050.0) == 0.0
    assert guard.pause_s("7", 1110.0) == 0.0
    assert guard.pause_s("7", 1110.0) == 0.0


def test_a_minute_s_gap_begins_anew() -> None:
    guard = FloodGuard()
    for start in (0.0, 109.0, 218.0):
        assert [guard.pause_s("7", start + n) for n in range(50)] == [0.0] * 50


def test_only_the_numbers_of_the_last_minute_are_remembered() -> None:
    guard = FloodGuard()
    for n in range(200_000):
        guard.pause_s(str(n), n / 100)
    assert len(guard._seen) <= 6_001
    for n in range(60_000):
        guard.pause_s(f"x{n}", 2000.0)
    assert len(guard._seen) <= 50_000


def test_lines_of_look_ups_share_a_request_by_kind() -> None:
    messages = [to(1, service_type="HLR"), to(2, service_type="PING"), to(3, service_type="HLR")]
    lines = [line_of(it, NOW_MS, may_command=True) for it in messages]
    made = [Item(it, 1, line, NOW_MS) for it, line in zip(messages, lines, strict=True)]
    waiting = deque(made)
    assert [it.message.message_id for it in take_parcel(waiting, 10)] == [1, 3]
    assert [it.message.message_id for it in take_parcel(waiting, 10)] == [2]
