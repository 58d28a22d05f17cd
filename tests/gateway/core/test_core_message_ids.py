"""Our message ids: order, node, forms."""

from __future__ import annotations

import pytest
from gateway_fakes import NOW_MS, id_at
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.message_ids import EPOCH_MS, MessageIds, format_id, lowest_id_at, moment_of_id, parse_id

FORMS = ("decimal", "hex", "uuid")
ids_of_a_gateway = st.integers(id_at(1_600_000_000_000), (1 << 63) - 1)


def node_of(message_id: int) -> int:
    return message_id >> 16 & 0x3F


def moment_of(message_id: int) -> int:
    return (message_id >> 22) + EPOCH_MS


@given(st.lists(st.integers(NOW_MS - 5000, NOW_MS + 5000), max_size=50), st.integers(0, 63))
def test_ids_grow_whatever_the_clock_does(moments: list[int], node: int) -> None:
    ids = MessageIds(node=node)
    given_ids = [ids.next(moment) for moment in moments]
    assert given_ids == sorted(set(given_ids))
    assert {node_of(message_id) for message_id in given_ids} <= {node}
    assert all(0 < message_id < 1 << 63 for message_id in given_ids)


def test_an_id_tells_its_millisecond() -> None:
    ids = MessageIds(node=3)
    first, second = ids.next(NOW_MS), ids.next(NOW_MS)
    assert (moment_of(first), moment_of(second), second - first) == (NOW_MS, NOW_MS, 1)
    assert lowest_id_at(NOW_MS) <= first < lowest_id_at(NOW_MS + 1)
    assert moment_of_id(first) == moment_of_id(lowest_id_at(NOW_MS)) == NOW_MS


def test_lowest_id_before_the_epoch_is_zero() -> None:
    assert lowest_id_at(0) == 0


def test_a_clock_that_goes_back_gives_no_id_twice() -> None:
    ids = MessageIds()
    first = ids.next(NOW_MS)
    assert [ids.next(NOW_MS - 60_000), ids.next(0)] == [first + 1, first + 2]


def test_ids_go_on_above_the_newest_of_the_store() -> None:
    newest = id_at(NOW_MS + 60_000, 7)  # the clock went back while the gateway was down
    assert MessageIds(newest).next(NOW_MS) == newest + 1


@pytest.mark.parametrize("node", [0, 5, 63])
def test_more_ids_than_a_millisecond_has_borrow_from_the_next(node: int) -> None:
    last_of_the_millisecond = id_at(NOW_MS, node << 16 | 0xFFFF)
    following = MessageIds(last_of_the_millisecond, node).next(NOW_MS)
    assert (node_of(following), following & 0xFFFF) == (node, 0)
    assert NOW_MS < moment_of(following) <= NOW_MS + 2


def test_another_nodes_newest_id_is_not_continued() -> None:
    following = MessageIds(id_at(NOW_MS, 1 << 16), node=2).next(NOW_MS)
    assert node_of(following) == 2
    assert following > id_at(NOW_MS, 1 << 16)


@given(ids_of_a_gateway, st.sampled_from(FORMS))
def test_each_form_reads_back(message_id: int, form: str) -> None:
    assert parse_id(f" {format_id(message_id, form)}\n") == message_id


def test_forms() -> None:
    message_id = 0x0AAD_35F0_8D40_0001
    assert format_id(message_id, "decimal") == "769330418628427777"
    assert format_id(message_id, "hex") == "0aad35f08d400001"
    assert format_id(message_id, "uuid") == "00000000-0000-0000-0aad-35f08d400001"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "id",
        "-",
        "-1",
        "1_000",
        "12345678-1234",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "ffffffffffffffff",
        "99999999999999999999999999",
        "٣٤٥",
    ],
)
def test_what_is_no_id(text: str) -> None:
    with pytest.raises(ValueError):
        parse_id(text)


@given(st.integers(0, 1 << 16), st.integers(1, 300), st.integers(0, 63))
def test_ids_that_belong_together_follow_each_other(before: int, count: int, node: int) -> None:
    start = id_at(NOW_MS) | node << 16
    ids = MessageIds(newest=start + min(before, (1 << 16) - 1), node=node)
    ids.together(count, NOW_MS)
    given_ids = [ids.next(NOW_MS) for _ in range(count)]
    assert given_ids == list(range(given_ids[0], given_ids[0] + count))
    assert given_ids[0] > start
    assert {node_of(message_id) for message_id in given_ids} == {node}
