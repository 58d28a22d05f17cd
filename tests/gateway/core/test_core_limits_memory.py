"""Floods, repeated texts and the counts of a day: what they allow, and what they keep in memory."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from gateway_fakes import DAY_MS, NOW_MS
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import day_counts, limits
from gateway.core.day_counts import EVERYTHING, DayCounts, Kind, key_of
from gateway.core.limits import Floods, Recent, Repeats

A, B = b"a" * 8, b"b" * 8
TODAY = NOW_MS // DAY_MS


# -- what is kept for a time ------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.sampled_from([A, B]), st.floats(0.1, 25, allow_nan=False)), min_size=1, max_size=30)
)
def test_a_value_is_kept_for_its_time(steps: list[tuple[bytes, float]]) -> None:
    recent: Recent[float] = Recent(10.0)
    set_at: dict[bytes, float] = {}
    now = 0.0
    for key, wait in steps:
        now += wait
        for known, at in set_at.items():
            if now - at < 10:
                assert recent.get(known) == at
        recent.set(key, now, now)
        set_at[key] = now


def test_what_is_old_goes_by_itself() -> None:
    recent: Recent[int] = Recent(10.0)
    for n in range(100):
        recent.set(b"%d" % n, n, n / 100)
    recent.set(A, 1, 15.0)
    recent.set(B, 1, 40.0)
    assert recent.get(b"1") is None
    assert (recent.get(A), recent.get(B)) == (None, 1)


def test_too_many_keys_push_out_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KEYS_MAX", 10)
    recent: Recent[int] = Recent(1000.0)
    for n in range(100):
        recent.set(b"%d" % n, n, 0.0)
    kept = [n for n in range(100) if recent.get(b"%d" % n) is not None]
    assert kept == list(range(90, 100))


def test_what_is_forgotten_is_forgotten_however_old_it_is() -> None:
    recent: Recent[int] = Recent(10.0)
    recent.set(A, 1, 0.0)
    recent.set(B, 2, 10.0)  # A is among the old ones now
    assert (recent.get(A), recent.get(B)) == (1, 2)
    recent.forget(A)
    recent.forget(B)
    assert (recent.get(A), recent.get(B)) == (None, None)


# -- floods -----------------------------------------------------------------------------------------


def test_a_flood_ends_with_a_gap() -> None:
    floods = Floods(3, 60.0)
    for now in (0.0, 59.0, 118.0):
        assert not floods.is_over(A, now)
        floods.count(A, now)
    assert floods.is_over(A, 119.0)
    assert floods.is_over(A, 177.9)
    assert not floods.is_over(A, 178.0)
    assert not floods.is_over(B, 119.0)


def test_slow_messages_are_no_flood() -> None:
    floods = Floods(2, 60.0)
    for n in range(20):
        assert not floods.is_over(A, n * 60.0)
        floods.count(A, n * 60.0)


def test_what_is_taken_back_does_not_make_a_flood_longer() -> None:
    floods = Floods(2, 60.0)
    floods.count(A, 0.0)
    for now in (30.0, 59.0):
        floods.count(A, now)
        floods.take_back(A)
    floods.count(A, 60.0)
    assert not floods.is_over(A, 61.0)


def test_what_was_refused_does_not_make_a_flood_longer() -> None:
    floods = Floods(1, 60.0)
    floods.count(A, 0.0)
    assert floods.is_over(A, 50.0)
    assert not floods.is_over(A, 60.0)


def test_a_flood_is_taken_back_message_by_message() -> None:
    floods = Floods(2, 60.0)
    floods.count(A, 0.0)
    floods.count(A, 1.0)
    floods.take_back(A)
    assert not floods.is_over(A, 2.0)
    floods.count(A, 2.0)
    assert floods.is_over(A, 3.0)
    for _ in range(3):
        floods.take_back(A)
    floods.count(A, 4.0)
    assert not floods.is_over(A, 5.0)


# -- repeats ----------------------------------------------------------------------------------------


def test_a_text_is_known_for_a_while() -> None:
    repeats = Repeats(60.0)
    assert not repeats.is_known(A, 0.0)
    repeats.count(A, 0.0)
    assert repeats.is_known(A, 59.9)
    assert not repeats.is_known(A, 60.0)
    assert not repeats.is_known(B, 1.0)
    repeats.take_back(A)
    assert not repeats.is_known(A, 1.0)


# -- days -------------------------------------------------------------------------------------------


def test_counts_begin_anew_at_midnight_of_the_time_zone() -> None:
    counts = DayCounts("app", ZoneInfo("Europe/Moscow"))
    evening_ms = (TODAY * DAY_MS) + DAY_MS - 3 * 3_600_000 - 1  # 23:59:59.999 in Moscow
    counts.turn(evening_ms)
    counts.add(A)
    counts.turn(evening_ms)
    assert (counts.day, counts.of(A)) == (TODAY, 1)
    counts.turn(evening_ms + 1)
    assert (counts.day, counts.of(A)) == (TODAY + 1, 0)


def test_what_another_day_counted_is_not_taken_back_today() -> None:
    counts = DayCounts("app")
    counts.turn(NOW_MS)
    counts.add(A)
    counts.take_back(TODAY - 1, A)
    assert counts.of(A) == 1
    counts.take_back(TODAY, A)
    counts.take_back(TODAY, A)
    assert counts.of(A) == 0


def test_what_was_counted_long_ago_is_taken_back_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(day_counts, "KEYS_MAX", 4)
    counts = DayCounts("app")
    counts.turn(NOW_MS)
    counts.add(A)
    counts.add(B)  # both are among the old ones now
    counts.add(A)
    counts.take_back(TODAY, A)
    counts.take_back(TODAY, A)
    assert (counts.of(A), counts.of(B)) == (0, 1)


def test_stored_counts_of_today_are_taken_over() -> None:
    counts = DayCounts("app")
    counts.turn(NOW_MS)
    counts.load([(TODAY, A, 3), (TODAY - 1, B, 5), (TODAY + 1, B, 7)])
    assert (counts.of(A), counts.of(B)) == (3, 0)


def test_the_count_of_all_is_taken_over_however_many_numbers_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(day_counts, "KEYS_MAX", 16)
    counts = DayCounts("app")
    counts.turn(NOW_MS)
    counts.load([(TODAY, EVERYTHING, 100), *((TODAY, b"%08d" % n, 1) for n in range(100))])
    assert counts.of(EVERYTHING) == 100


def test_another_time_zone_may_have_another_day() -> None:
    counts = DayCounts("app")
    late_ms = TODAY * DAY_MS + 23 * 3_600_000
    counts.turn(late_ms)
    counts.add(A)
    counts.move(ZoneInfo("Europe/London"), late_ms)  # an hour ahead in summer: the next day there
    assert (counts.day, counts.of(A)) == (TODAY + 1, 0)


@given(st.lists(st.integers(0, 15), max_size=200))
def test_counts_are_right_up_to_the_cap_and_bounded_beyond_it(steps: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(day_counts, "KEYS_MAX", 16)
        counts = DayCounts("app")
        counts.turn(NOW_MS)
        expected: dict[bytes, int] = {}
        for step in steps:
            key = bytes([step])
            counts.add(key)
            expected[key] = expected.get(key, 0) + 1
            assert counts.of(key) <= expected[key]
        if len(expected) < 8:
            assert {key: counts.of(key) for key in expected} == expected
        assert len(counts._young) + len(counts._old) <= 16


def test_keys_tell_kinds_apart() -> None:
    keys = [
        key_of(Kind.NUMBER, b"7999"),
        key_of(Kind.ADDRESS, b"7999"),
        key_of(Kind.TEXT, b"7999"),
        key_of(Kind.TEXT, b"7999\0hello"),
        EVERYTHING,
    ]
    assert len(set(keys)) == len(keys)
    assert {len(key) for key in keys[:-1]} == {8}
