"""What a node knows of a queue on disk: when something may go straight, and what a claim asks for."""

from __future__ import annotations

import pytest
from gateway_fakes import NOW_MS

from gateway.core.disk_queue import DUE_AT_ONCE, DiskQueue

LATER_MS = NOW_MS + 1000


def counted(*waiting: int) -> DiskQueue:
    """A queue of which all is known: messages with so many segments wait."""
    queue = DiskQueue()
    queue.nothing_waits()
    for segments in waiting:
        queue.join(segments, "before")
        assert queue.joined(ok=True)
    return queue


# -- what is known of it ---------------------------------------------------------------------------------


def test_nothing_goes_straight_until_the_store_has_said_that_nothing_waits() -> None:
    queue = DiskQueue()
    assert (queue.waits, queue.lets_pass()) == (True, False)
    queue.nothing_waits()
    assert (queue.waits, queue.lets_pass()) == (False, True)


def test_a_claim_of_what_is_not_known_asks_for_as_much_as_there_is_room_for() -> None:
    queue = DiskQueue()
    assert queue.claim(7, "batch", may_end=True) == queue.claiming == 7
    assert not queue.lets_pass()
    queue.claimed(None, NOW_MS)
    assert (queue.claiming, queue.waits, queue.lets_pass()) == (0, False, True)


@pytest.mark.parametrize(
    ("next_due_ms", "waits"), [(0, True), (NOW_MS, True), (LATER_MS, False), (None, False)]
)
def test_the_store_says_whether_something_is_left(next_due_ms: int | None, waits: bool) -> None:
    queue = DiskQueue()
    queue.claim(7, "batch", may_end=True)
    queue.claimed(next_due_ms, NOW_MS)
    assert (queue.waits, queue.lets_pass()) == (waits, not waits)


def test_a_look_makes_it_unknown_again() -> None:
    queue = counted(2)
    queue.look()
    assert queue.claim(9, "batch", may_end=True) == 9
    assert not queue.lets_pass()


def test_something_that_waits_now_may_be_more_than_what_has_joined() -> None:
    queue = counted(2)
    assert queue.found(NOW_MS, NOW_MS)
    assert queue.claim(9, "batch", may_end=True) == 9


@pytest.mark.parametrize("waiting", [0, 2])
def test_what_a_claim_may_have_missed_is_claimed_after_it(waiting: int) -> None:
    queue = counted(waiting) if waiting else DiskQueue()
    queue.claim(9, "batch", may_end=True)
    queue.hinted()
    queue.claimed(None, NOW_MS)
    assert (queue.waits, queue.lets_pass()) == (True, False)
    assert queue.claim(9, "later", may_end=True) == 9
    queue.claimed(None, NOW_MS)
    assert (queue.waits, queue.lets_pass()) == (False, True), "once is enough"


def test_what_a_claim_cannot_have_missed_is_claimed_by_it() -> None:
    queue = counted()
    queue.hinted()
    assert queue.claim(9, "batch", may_end=True) == 9
    queue.claimed(None, NOW_MS)
    assert not queue.waits


def test_what_comes_while_what_is_due_is_claimed_is_claimed_after_it() -> None:
    queue = put_off()
    queue.claim(9, "batch", may_end=True)
    queue.hinted()
    queue.claimed(None, LATER_MS)
    assert (queue.waits, queue.lets_pass()) == (True, False)


def test_what_is_found_after_the_end_of_a_queue_is_looked_for() -> None:
    queue = counted(2)
    queue.claim(9, "batch", may_end=True)
    queue.found(0, NOW_MS)
    queue.claimed(None, NOW_MS)
    assert not queue.lets_pass()
    assert queue.claim(9, "later", may_end=True) == 9


# -- what joins ------------------------------------------------------------------------------------------


def test_nothing_overtakes_what_is_on_its_way_to_the_queue() -> None:
    queue = counted()
    queue.join(1, "batch")
    assert (queue.joining, queue.waits, queue.lets_pass()) == (1, False, False)
    assert not queue.joined(ok=False)
    assert (queue.joining, queue.waits, queue.lets_pass()) == (0, False, True)


def test_a_claim_for_which_there_is_room_for_all_ends_the_queue() -> None:
    queue = counted(2, 3)
    assert queue.claim(5, "batch", may_end=True) == 5
    assert (queue.waits, queue.lets_pass()) == (False, True)
    queue.claimed(None, NOW_MS)
    assert (queue.waits, queue.lets_pass()) == (False, True)


def test_a_claim_asks_for_no_more_than_what_waits() -> None:
    assert counted(2, 3).claim(100, "batch", may_end=True) == 5


def test_a_claim_for_which_there_is_too_little_room_ends_nothing() -> None:
    queue = counted(2, 3)
    assert queue.claim(4, "batch", may_end=True) == 4
    assert (queue.waits, queue.lets_pass()) == (True, False)


def test_where_nothing_may_go_straight_a_claim_asks_for_all_there_is_room_for() -> None:
    queue = counted(2)
    assert queue.claim(9, "batch", may_end=False) == 9
    queue.join(1, "batch")
    queue.claimed(None, NOW_MS)
    assert not queue.joined(ok=True), "the claim has taken it too"


def test_what_an_ended_queue_had_is_not_counted_again() -> None:
    queue = counted(2, 3)
    queue.claim(5, "batch", may_end=True)
    queue.claimed(None, NOW_MS)
    queue.join(4, "later")
    assert queue.joined(ok=True)
    assert queue.claim(9, "later still", may_end=True) == 4


def test_what_is_still_on_its_way_is_claimed_with_what_waits() -> None:
    queue = counted(1)
    queue.join(2, "under way")
    assert queue.claim(9, "gathering", may_end=True) == 3
    assert queue.lets_pass(), "behind both of them"
    assert not queue.joined(ok=True), "it is claimed"
    assert queue.lets_pass()


def test_what_joins_in_the_batch_of_a_claim_that_ends_nothing_is_covered() -> None:
    queue = DiskQueue()
    queue.claim(9, "batch", may_end=True)
    queue.join(2, "batch")
    queue.claimed(None, NOW_MS)
    assert queue.lets_pass()
    assert not queue.joined(ok=True)
    queue.join(3, "later")
    queue.joined(ok=True)
    assert queue.claim(9, "later still", may_end=True) == 3, "what was covered is not counted"


def test_what_joins_behind_the_batch_of_a_claim_is_not_covered() -> None:
    queue = DiskQueue()
    queue.claim(9, "batch", may_end=True)
    queue.join(2, "the next one")
    queue.claimed(None, NOW_MS)
    assert not queue.lets_pass()
    assert queue.joined(ok=True)
    assert queue.claim(9, "later", may_end=True) == 2


def test_what_joins_after_a_claim_is_not_covered() -> None:
    queue = DiskQueue()
    queue.claim(9, "batch", may_end=True)
    queue.claimed(None, NOW_MS)
    queue.join(2, "batch")
    assert queue.joined(ok=True)


def test_what_joins_behind_the_end_of_a_queue_waits_for_the_next_claim() -> None:
    queue = counted(5)
    queue.claim(5, "batch", may_end=True)
    queue.join(2, "batch")
    assert not queue.lets_pass()
    queue.claimed(NOW_MS, NOW_MS)  # of what is left: that is what has joined
    assert not queue.lets_pass()
    assert queue.joined(ok=True)
    assert queue.claim(9, "later", may_end=True) == 2


def test_what_is_left_though_nothing_has_joined_is_somebody_elses() -> None:
    queue = counted(5)
    queue.claim(5, "batch", may_end=True)
    queue.claimed(NOW_MS, NOW_MS)
    assert not queue.lets_pass()
    assert queue.claim(9, "later", may_end=True) == 9


def test_that_more_has_joined_behind_one_claim_says_nothing_of_the_next() -> None:
    queue = counted(5)
    queue.claim(5, "batch", may_end=True)
    queue.join(2, "batch")
    queue.claimed(NOW_MS, NOW_MS)
    queue.joined(ok=True)
    queue.claim(9, "later", may_end=True)
    queue.claimed(NOW_MS, NOW_MS)
    assert queue.claim(9, "later still", may_end=True) == 9


def test_a_claim_that_failed_leaves_it_unknown() -> None:
    queue = counted(2)
    queue.claim(9, "batch", may_end=True)
    queue.claim_failed()
    assert (queue.claiming, queue.waits, queue.lets_pass()) == (0, True, False)
    queue.join(1, "batch")  # which is over
    assert queue.claim(9, "later", may_end=True) == 9


# -- what was put off ------------------------------------------------------------------------------------


def put_off() -> DiskQueue:
    """A queue with nothing but what was put off, and has its time."""
    queue = counted()
    assert not queue.found(LATER_MS, NOW_MS)
    queue.tick(LATER_MS)
    return queue


def test_what_was_put_off_holds_nothing_back() -> None:
    queue = counted()
    queue.found(LATER_MS, NOW_MS)
    queue.tick(LATER_MS - 1)
    assert not queue.waits
    queue.tick(LATER_MS)
    assert (queue.waits, queue.lets_pass()) == (True, True)
    assert queue.claim(1000, "batch", may_end=True) == DUE_AT_ONCE
    assert (queue.waits, queue.lets_pass()) == (False, True)


def test_the_first_that_is_due_wakes_the_queue() -> None:
    queue = counted()
    for due_ms in (LATER_MS + 5, LATER_MS, LATER_MS + 9):
        queue.found(due_ms, NOW_MS)
    queue.tick(LATER_MS)
    assert queue.waits
    queue.claim(9, "batch", may_end=True)
    queue.claimed(LATER_MS + 5, LATER_MS)
    queue.tick(LATER_MS + 4)
    assert not queue.waits
    queue.tick(LATER_MS + 5)
    assert queue.waits


def test_what_is_due_wakes_the_queue_once() -> None:
    queue = put_off()
    queue.claim(9, "batch", may_end=True)
    queue.tick(LATER_MS)
    assert not queue.waits


def test_more_of_what_is_due_is_claimed_in_another_portion() -> None:
    queue = put_off()
    assert queue.claim(9, "batch", may_end=True) == 9
    queue.claimed(LATER_MS, LATER_MS)
    assert (queue.waits, queue.lets_pass()) == (True, True)
    queue.claim(9, "later", may_end=True)
    queue.claim_failed()
    assert (queue.waits, queue.lets_pass()) == (True, True)


def test_what_joins_beside_a_claim_of_what_is_due_is_not_covered() -> None:
    queue = put_off()
    queue.claim(9, "batch", may_end=True)
    queue.join(2, "batch")
    queue.claimed(None, LATER_MS)
    assert queue.joined(ok=True)
    assert queue.claim(9, "later", may_end=True) == 2


def test_a_claim_of_the_backlog_takes_what_is_due_too() -> None:
    queue = put_off()
    queue.join(2, "before")
    queue.joined(ok=True)
    queue.claim(2, "batch", may_end=True)
    assert not queue.waits


# -- to other connectors ---------------------------------------------------------------------------------


def moving() -> DiskQueue:
    """A queue that goes to other connectors, of which a part was looked at."""
    queue = counted()
    queue.moved(more=False)  # the first time it may be in its middle since before a reload
    queue.moved_away()
    queue.moved(more=True)
    return queue


def test_a_queue_that_was_never_moved_is_looked_at_twice() -> None:
    queue = counted()
    queue.moved(more=False)
    assert queue.waits
    queue.moved_away()
    queue.moved(more=False)
    assert not queue.waits


def test_what_goes_away_does_not_wait() -> None:
    queue = put_off()
    queue.look()
    queue.moved_away()
    assert not queue.waits


def test_where_more_is_to_be_looked_at_it_waits() -> None:
    queue = moving()
    assert (queue.moving, queue.waits) == (True, True)


@pytest.mark.parametrize("how", ["joined", "found", "looked", "hinted"])
def test_what_came_while_it_was_looked_at_is_looked_at_once_more(how: str) -> None:
    queue = moving()
    if how == "joined":
        queue.join(1, "batch")
        queue.joined(ok=True)
    elif how == "found":
        queue.found(0, NOW_MS)
    elif how == "hinted":
        queue.hinted()
    else:
        queue.look_anew()
    queue.moved_away()
    queue.moved(more=False)
    assert (queue.moving, queue.waits) == (False, True)
    queue.moved_away()
    queue.moved(more=False)
    assert not queue.waits


def test_what_joins_while_all_of_it_is_looked_at_is_known() -> None:
    queue = moving()
    queue.moved_away()
    queue.moved(more=False)
    queue.moved_away()
    queue.nothing_waits()
    queue.join(2, "batch")
    queue.joined(ok=True)
    queue.moved(more=False)
    assert queue.claim(9, "later", may_end=True) == 2


@pytest.mark.parametrize("how", ["not kept", "looked at by itself", "nothing"])
def test_where_nothing_came_it_is_not_looked_at_again(how: str) -> None:
    queue = moving()
    if how == "not kept":
        queue.join(1, "batch")
        queue.joined(ok=False)
    elif how == "looked at by itself":
        queue.look()
    queue.moved_away()
    queue.moved(more=False)
    assert not queue.waits
