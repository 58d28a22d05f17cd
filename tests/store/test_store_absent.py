"""Clients that never bind again: what waits for them is bounded, and is nobody else's burden."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from gateway_fakes import DAY_MS, NOW_MS, delivery
from store_support import SqliteEngine, Store

from gateway.core.batch import Row
from gateway.core.model import INCOMING
from gateway.store.delivery_steps import EXCESS_ROWS, OLD_ROWS


def incoming(account: str, created_ms: int = NOW_MS) -> Row:
    fields = delivery(0, account=account, message_id=0, state=INCOMING, error="", created_ms=created_ms)
    return tuple(fields)[1:-1]


def wait_for(store: Store, account: str, count: int, created_ms: int = NOW_MS) -> list[int]:
    """So many deliveries more wait for an account; their ids."""
    answer = store.apply(incoming=[incoming(account, created_ms)] * count)
    return [row[0] for row in answer.deliveries]


def dead(store: Store) -> list[tuple[int, str, str]]:
    """(delivery_id, account, reason), in the order in which they died."""
    return [(row["delivery_id"], row["account"], row["reason"]) for row in store.rows("dead_delivery")]


# -- too many --------------------------------------------------------------------------------------------


def test_what_is_over_dies_oldest_first_of_that_account_alone(store: Store) -> None:
    """The others' deliveries are older and newer than those that die, and none of them goes."""
    others = wait_for(store, "other", 3)
    gone = wait_for(store, "app", 4)
    others += wait_for(store, "other", 1)
    kept = wait_for(store, "app", 4)
    others += wait_for(store, "third", 4)
    store.sweep(NOW_MS + 1, deliveries_max=4)
    assert dead(store) == [(number, "app", "too many waiting") for number in gone]
    assert store.fetch(account="app") == kept
    assert store.fetch(account="other") + store.fetch(account="third") == others


def test_each_account_has_the_whole_bound(store: Store) -> None:
    """Nothing is over, however much waits together; and of two that are over each loses its own."""
    waiting = {name: wait_for(store, name, 5) for name in ("app", "other", "third")}
    store.sweep(NOW_MS + 1, deliveries_max=5)
    assert dead(store) == []
    waiting["app"] += wait_for(store, "app", 1)
    waiting["third"] += wait_for(store, "third", 2)
    store.sweep(NOW_MS + 2, deliveries_max=5)
    for name, over in (("app", 1), ("other", 0), ("third", 2)):
        assert store.fetch(account=name) == waiting[name][over:]
        assert [number for number, account, _ in dead(store) if account == name] == waiting[name][:over]


def test_an_excess_of_any_size_is_buried_in_steps_and_loses_nothing(store: Store) -> None:
    others = wait_for(store, "other", 2)
    waiting = wait_for(store, "app", EXCESS_ROWS + 15)
    assert store.sweep(NOW_MS + 1, deliveries_max=10).sweep_again
    assert store.fetch() == waiting[EXCESS_ROWS:]
    # the next one comes at once, and not first when it is time to count again: more come in meanwhile
    assert not store.sweep(NOW_MS + 2, deliveries_max=10, with_counts=False).sweep_again
    assert store.fetch() == waiting[-10:]
    store.sweep(NOW_MS + 3, deliveries_max=10)
    assert [number for number, _, _ in dead(store)] == waiting[:-10]
    assert store.fetch(account="other") == others


# -- too old ---------------------------------------------------------------------------------------------


def test_what_is_too_old_dies_and_the_bound_is_its_moment(store: Store) -> None:
    old = wait_for(store, "app", 2, NOW_MS - 1)
    others = wait_for(store, "other", 2)
    young = wait_for(store, "app", 2)
    store.sweep(NOW_MS + DAY_MS, delivery_before_ms=NOW_MS)
    assert dead(store) == [(number, "app", "not fetched in time") for number in old]
    assert (store.fetch(), store.fetch(account="other")) == (young, others)


def test_an_absent_account_with_many_old_ones_does_not_hide_anothers(store: Store) -> None:
    first = wait_for(store, "app", OLD_ROWS + 1, NOW_MS - 2)
    second = wait_for(store, "other", 1, NOW_MS - 1)
    assert store.sweep(NOW_MS + 1, delivery_before_ms=NOW_MS).sweep_again
    assert store.fetch() == first[-1:]
    assert not store.sweep(NOW_MS + 2, delivery_before_ms=NOW_MS).sweep_again
    assert [number for number, _, _ in dead(store)] == first + second
    assert store.fetch() == store.fetch(account="other") == []


def test_what_died_stays_dead_after_a_restart_and_its_number_is_not_given_again(store: Store) -> None:
    gone = wait_for(store, "app", 3)
    store.sweep(NOW_MS + 1, delivery_before_ms=NOW_MS + 1)
    store.restart()
    assert store.fetch() == []
    assert [number for number, _, _ in dead(store)] == gone
    assert wait_for(store, "app", 1) == [gone[-1] + 1]


# -- what it costs the others ----------------------------------------------------------------------------


def steps_of(store: Store, work: Callable[[], object]) -> int:
    """How many steps SQLite's machine makes meanwhile."""
    engine = store.engine
    assert isinstance(engine, SqliteEngine)
    ticks = []
    engine.connection.set_progress_handler(lambda: ticks.append(1), 1)
    work()
    engine.connection.set_progress_handler(None, 0)
    return len(ticks)


@pytest.mark.parametrize("absent", ["app", "zulu"])  # before and after the other in any index
def test_a_fetch_reads_nothing_of_what_waits_for_another_account(sqlite_store: Store, absent: str) -> None:
    store = sqlite_store
    own = wait_for(store, "other", 20)
    before = steps_of(store, lambda: store.fetch(account="other", limit=10))
    before_last = steps_of(store, lambda: store.fetch(after=own[9], account="other"))
    wait_for(store, absent, 20_000)
    own += wait_for(store, "other", 1)
    assert steps_of(store, lambda: store.fetch(account="other", limit=10)) <= before + 10
    per_row = before_last // 10 + 10
    assert steps_of(store, lambda: store.fetch(after=own[9], account="other")) <= before_last + per_row
    assert store.fetch(account="other") == own


def test_what_is_delivered_to_another_account_is_removed_without_a_look_at_the_rest(
    sqlite_store: Store,
) -> None:
    store = sqlite_store
    [alone] = wait_for(store, "other", 1)
    before = steps_of(store, lambda: store.apply(delivered=[(alone,)]))
    wait_for(store, "app", 20_000)
    [beside] = wait_for(store, "other", 1)
    assert steps_of(store, lambda: store.apply(delivered=[(beside,)])) <= before + 10
    assert store.fetch(account="other") == []
