"""Pages of a search: each bounded in time and rows, together the whole; and what may be decided."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from gateway_fakes import NOW_MS, ManualClock

from gateway.admin import messages
from gateway.admin.messages import possible
from gateway.core.message_ids import lowest_id_at, moment_of_id
from gateway.store.reader import Wanted

FIRST = lowest_id_at(NOW_MS)


class Store:
    """Messages with even ids fit; ten are looked at in one go, and each look takes a while."""

    def __init__(self, clock: ManualClock, messages: int, look_s: float = 0.0) -> None:
        self._clock = clock
        self._look_s = look_s
        self._ids = range(FIRST, FIRST + messages)
        self.looks = 0

    def find(
        self, wanted: Wanted, limit: int, *, full: bool = False, look: int = 0
    ) -> tuple[list[dict[str, Any]], int]:
        self.looks += 1
        self._clock.advance(self._look_s)
        seen = [n for n in reversed(self._ids) if wanted.low_id <= n < wanted.high_id][:10]
        low_id = seen[-1] if len(seen) == 10 else wanted.low_id
        return [{"message_id": str(n)} for n in seen if n % 2 == 0][:limit], low_id


class Desk:
    def __init__(self) -> None:
        self.clock = ManualClock()


def page(store: Store, desk: Desk, limit: int = 3, before: str = "", **asked: Any) -> dict[str, Any]:
    request = {"limit": limit, "before": before, **asked}
    daemon: Any = desk
    reader: Any = store
    return asyncio.run(messages._find_page(daemon, reader, request))


def pages(store: Store, desk: Desk, limit: int = 3) -> list[list[int]]:
    """All of them, one after the other."""
    found, before = [], ""
    while True:
        answer = page(store, desk, limit, before)
        found.append([int(row["message_id"]) - FIRST for row in answer["rows"]])
        before = answer["before"]
        if not before:
            return found


def test_all_pages_are_the_whole_newest_first_and_nothing_twice() -> None:
    desk = Desk()
    for count in (0, 1, 6, 7, 25, 100):
        found = pages(Store(desk.clock, count), desk)
        fitting = [n for n in reversed(range(count)) if (FIRST + n) % 2 == 0]
        assert [n for rows in found for n in rows] == fitting
        assert all(len(rows) == 3 for rows in found[:-1])


def test_a_page_ends_when_its_time_is_over_and_the_next_goes_on_there() -> None:
    desk = Desk()
    store = Store(desk.clock, 200, look_s=messages.PAGE_S / 2)
    answer = page(store, desk, limit=100)
    assert store.looks == 2, "no third look"
    assert len(answer["rows"]) == 10
    assert int(answer["before"]) == FIRST + 180
    assert answer["reached_ms"] == moment_of_id(FIRST + 180)
    found = pages(store, desk, limit=100)
    assert [n for rows in found for n in rows] == [n for n in reversed(range(200)) if (FIRST + n) % 2 == 0]


def test_a_slow_store_is_looked_at_once_for_each_page() -> None:
    desk = Desk()
    store = Store(desk.clock, 25, look_s=60)
    assert len(pages(store, desk, limit=100)) == store.looks == 3


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"limit": 0}, "limit is 1 to 500"),
        ({"limit": 501}, "limit is 1 to 500"),
        ({"before": "x"}, "invalid literal"),
        ({"states": ["NO"]}, "no such state"),
    ],
)
def test_what_makes_no_sense_is_refused(asked: dict[str, Any], why: str) -> None:
    desk = Desk()
    with pytest.raises(ValueError, match=why):
        page(Store(desk.clock, 1), desk, **asked)


WAITS = {"state": "QUEUED", "ended": False, "due_ms": NOW_MS + 1, "taken": 0, "under_way": 0, "doubt": 0}


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (None, []),
        ({"ended": True}, []),
        ({}, ["retry", "hold", "cancel"]),
        ({"due_ms": 0}, ["hold", "cancel"]),
        ({"taken": 1}, ["retry", "drop"]),
        ({"doubt": 1, "due_ms": 0}, ["drop"]),
        ({"state": "PAUSED"}, ["release", "cancel"]),
        ({"state": "HELD"}, ["resend", "drop"]),
        ({"state": "GATHERED"}, ["cancel"]),
        ({"state": "SENT"}, []),
        ({"state": "CARRIED"}, []),
    ],
)
def test_what_may_be_decided(standing: dict[str, Any] | None, expected: list[str]) -> None:
    assert possible(None if standing is None else {**WAITS, **standing}, NOW_MS) == expected
