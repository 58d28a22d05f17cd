"""What answers mean: the rows that they become, who takes a message next, and when."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace

import pytest
from gateway_fakes import NOW_MS, FakeJournal, message, recorded_events

from gateway.core.batch import Row
from gateway.core.model import MessageState, Wish
from gateway.core.results import LONG_PAUSE_AFTER, Results

WORKS, DOWN = SimpleNamespace(works=True), SimpleNamespace(works=False)


class One(Results):
    """The results of the connector "one", whose slots and pauses are remembered."""

    def __init__(self, log: str = "info") -> None:
        self.fake = FakeJournal()
        self.events, self.written = recorded_events(level=log)
        super().__init__("one", self.fake, self.events, Random(7))
        self.released: list[int] = []
        self.pauses_s: list[float] = []

    def release(self, segments: int) -> None:
        self.released.append(segments)

    def _rest(self, pause_s: float) -> None:
        self.pauses_s.append(pause_s)

    def refuse(self, times: int) -> None:
        for n in range(times):
            self.refused_for_now(message(n), 1, "ESME_RTHROTTLED", full=True, now_ms=NOW_MS)


@pytest.mark.parametrize(
    ("registered_delivery", "upstream_id", "ends"),
    [(1, "77", False), (3, "77", False), (0, "77", True), (0x10, "77", True), (1, "", True)],
)
def test_a_message_ends_with_the_response_when_no_receipt_can_come(
    registered_delivery: int, upstream_id: str, ends: bool
) -> None:
    one = One()
    given = message(1, registered_delivery=registered_delivery)
    one.taken(given, 1, upstream_id, NOW_MS)
    batch = one.fake.commit()
    assert batch.handed_over == ([(1, NOW_MS)] if ends else [])
    assert batch.submitted[0][2] == (upstream_id or None)
    assert one.submitted == 1


@pytest.mark.parametrize(
    ("registered_delivery", "upstream_id", "ends"), [(1, "0A", False), (0, "0A", True), (1, "", True)]
)
def test_a_late_response_counts_for_the_message_but_frees_no_slot(
    registered_delivery: int, upstream_id: str, ends: bool
) -> None:
    one = One()
    given = message(1, registered_delivery=registered_delivery)
    one.taken_late(given, 2, upstream_id, NOW_MS)
    assert one.fake.woken == 1
    batch = one.fake.commit()
    assert batch.late == [(NOW_MS, upstream_id, "a" if upstream_id else None, 1, 2, "one")]
    assert batch.handed_over == ([(1, NOW_MS)] if ends else [])
    one.results_end()
    one.fake.commit()
    assert one.released == []


@pytest.mark.parametrize("upstream_id", ["77", ""])
def test_whose_account_is_called_waits_for_a_receipt_whatever_was_asked_for(upstream_id: str) -> None:
    one = One()
    given = message(1, registered_delivery=0, flags=Wish.CALLED.value)
    one.taken(given, 1, upstream_id, NOW_MS)
    one.taken_late(given, 2, upstream_id, NOW_MS)
    assert one.fake.commit().handed_over == ([] if upstream_id else [(1, NOW_MS)] * 2)


def test_a_final_refusal_rejects_the_message() -> None:
    one = One()
    one.refused_for_good(message(1), "ESME_RINVDSTADR", NOW_MS)
    batch = one.fake.commit()
    assert batch.failed == [(1, MessageState.REJECTED, "ESME_RINVDSTADR", NOW_MS)]
    assert (one.refused, one.last_error) == (1, "ESME_RINVDSTADR")


def test_doubt_is_recorded_with_its_evidence() -> None:
    one = One()
    one.in_doubt(message(1), 2, "no response within 30 s", NOW_MS)
    assert one.fake.commit().doubts == [(1, 2, NOW_MS, "no response within 30 s", "", 0)]
    assert one.doubtful == 1


def postponed(one: One) -> Row:
    (row,) = one.fake.commit().postponed
    assert row[:2] == (1, 1)
    assert (row[4], row[5]) == (1, NOW_MS)
    return row


def test_no_capacity_is_asked_again_soon_at_the_same_connector() -> None:
    one = One()
    one.all = {"one": WORKS, "two": WORKS}
    given = message(1, alternatives="one two")
    one.refused_for_now(given, 1, "ESME_RTHROTTLED", full=True, now_ms=NOW_MS)
    row = postponed(one)
    assert row[2] == "one"
    assert NOW_MS + 10 <= row[3] <= NOW_MS + 100
    assert one.throttled == 1


def test_each_retry_may_wait_longer() -> None:
    one = One()
    one.refused_for_now(message(1, retries=3), 1, "x", full=True, now_ms=NOW_MS)
    assert NOW_MS + 80 <= postponed(one)[3] <= NOW_MS + 800


def test_trouble_hands_the_message_to_the_next_connector_that_is_up() -> None:
    one = One()
    one.all = {"one": WORKS, "two": DOWN, "three": WORKS}
    given = message(1, alternatives="one two three")
    one.refused_for_now(given, 1, "ESME_RSYSERR", full=False, now_ms=NOW_MS)
    row = postponed(one)
    assert row[2:4] == ("three", NOW_MS)
    assert "handed to three" in row[6]
    assert one.throttled == 0


@pytest.mark.parametrize("alternatives", ["one", "two one", "one gone", "one two"])
def test_trouble_without_another_connector_waits_here(alternatives: str) -> None:
    one = One()
    one.all = {"one": WORKS, "two": DOWN}
    given = message(1, alternatives=alternatives)
    one.refused_for_now(given, 1, "ESME_RSYSERR", full=False, now_ms=NOW_MS)
    row = postponed(one)
    assert row[2] == "one"
    assert NOW_MS + 100 <= row[3] <= NOW_MS + 1000


@pytest.mark.parametrize("level", ["info", "warning"])
def test_the_log_tells_each_step_only_if_it_is_wanted(level: str) -> None:
    one = One(level)
    one.all = {"one": WORKS, "two": WORKS}
    one.taken(message(1), 1, "1", NOW_MS)
    one.refused_for_now(message(2), 1, "x", full=True, now_ms=NOW_MS)
    one.refused_for_good(message(3), "x", NOW_MS)
    one.refused_here(message(4, alternatives="one two", flags=Wish.ON_REFUSED.value), 1, "x", NOW_MS)
    one.expired(message(5), NOW_MS)
    one.in_doubt(message(6), 1, "x", NOW_MS)
    one.events.flush()
    told = [line for line in "".join(one.written).split("\n") if "message_id=" in line]
    assert len(told) == (6 if level == "info" else 0)
    assert [f"message_id={n}" in line for n, line in enumerate(told, 1)] == [True] * len(told)


def test_what_was_not_sent_in_time_is_expired_and_no_refusal() -> None:
    one = One()
    one.expired(message(1), NOW_MS)
    assert one.fake.commit().failed == [(1, MessageState.EXPIRED, "", NOW_MS)]
    assert (one.refused, one.last_error) == (0, "")


# -- refused for good ------------------------------------------------------------------------------------


def test_what_one_smsc_refuses_goes_to_another_if_its_route_wants_that() -> None:
    one = One()
    one.all = {"one": WORKS, "two": WORKS}
    one.refused_here(message(1, alternatives="one two", flags=Wish.ON_REFUSED.value), 2, "x", NOW_MS)
    batch = one.fake.commit()
    assert batch.rerouted == [(1, 2, "one", "two", NOW_MS, "x")]
    assert batch.failed == []
    assert (one.refused, one.last_error) == (1, "x")


@pytest.mark.parametrize(("alternatives", "flags"), [("one", Wish.ON_REFUSED.value), ("one two", 0)])
def test_what_nobody_else_may_take_is_rejected(alternatives: str, flags: int) -> None:
    one = One()
    one.all = {"one": WORKS, "two": WORKS}
    one.refused_here(message(1, alternatives=alternatives, flags=flags), 1, "x", NOW_MS)
    batch = one.fake.commit()
    assert batch.rerouted == []
    assert batch.failed == [(1, MessageState.REJECTED, "x", NOW_MS)]
    assert one.refused == 1


def test_only_others_that_work_are_an_alternative() -> None:
    one = One()
    one.all = {"one": WORKS, "two": DOWN}
    assert not one.has_alternative(message(alternatives="one two"))
    one.all = {"one": WORKS, "two": WORKS}
    assert one.has_alternative(message(alternatives="one two"))


# -- slots -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ok", [True, False])
def test_all_slots_of_a_chunk_are_free_when_the_commit_is_over(ok: bool) -> None:
    one = One()
    one.all = {"one": WORKS, "two": WORKS}
    one.taken(message(1), 1, "1", NOW_MS)
    one.refused_for_now(message(2), 1, "x", full=True, now_ms=NOW_MS)
    one.refused_here(message(3, alternatives="one two", flags=Wish.ON_REFUSED.value), 1, "x", NOW_MS)
    one.refused_for_good(message(4), "x", NOW_MS)
    one.expired(message(5), NOW_MS)
    one.in_doubt(message(6), 1, "x", NOW_MS)
    one.results_end()
    one.results_end()
    assert one.released == []
    one.fake.commit(ok)
    assert one.released == [6]


def test_a_chunk_without_results_asks_for_no_commit() -> None:
    one = One()
    one.results_end()
    assert not one.fake.is_due


# -- many refusals ---------------------------------------------------------------------------------------


def test_so_many_refusals_in_a_row_let_the_connector_rest_longer_and_longer() -> None:
    one = One()
    one.refuse(LONG_PAUSE_AFTER)
    assert one.pauses_s == []
    one.refuse(10 * LONG_PAUSE_AFTER)
    assert len(one.pauses_s) == 10 * LONG_PAUSE_AFTER
    first, last = one.pauses_s[: LONG_PAUSE_AFTER - 1], one.pauses_s[-LONG_PAUSE_AFTER:]
    assert max(first) <= 1.0
    assert min(last) >= 6.0


def test_the_count_begins_anew_with_one_that_is_taken() -> None:
    one = One()
    one.refuse(LONG_PAUSE_AFTER)
    one.taken(message(1), 1, "1", NOW_MS)
    one.refuse(LONG_PAUSE_AFTER)
    assert one.pauses_s == []


def test_refusals_for_other_reasons_are_no_reason_to_rest() -> None:
    one = One()
    for n in range(LONG_PAUSE_AFTER + 1):
        one.refused_for_now(message(n), 1, "ESME_RSYSERR", full=False, now_ms=NOW_MS)
    assert one.pauses_s == []
