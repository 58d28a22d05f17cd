"""What accounts may send, in the store: counts of the day, and blacklists."""

from __future__ import annotations

import pytest
from gateway_fakes import DAY_MS, NOW_MS, delivery, message
from store_support import PEER, Store, incoming_sms

from gateway.core.batch import Row
from gateway.core.model import INCOMING, Progress
from gateway.store import account_steps

TODAY = NOW_MS // DAY_MS
KEY = b"12345678"


def counts(store: Store, now_ms: int = NOW_MS) -> list[Row]:
    """account, day, key, times as a start reads them."""
    return sorted(store.engine.applier.accounts.day_counts(now_ms))


def incoming(account: str) -> Row:
    """A row of Batch.incoming."""
    return tuple(delivery(0, account=account, message_id=0, state=INCOMING))[1:-1]


def blacklist(store: Store) -> list[Row]:
    return sorted(store.engine.applier.accounts.blacklist())


def test_counts_add_up_within_a_batch_and_over_batches(store: Store) -> None:
    row = ("app", TODAY, 2, KEY)
    store.apply(counted=[(*row, 1), (*row, 1), ("app", TODAY, 1, b"", 1)])
    store.apply(counted=[(*row, 1)])
    assert counts(store) == [("app", TODAY, b"", 1), ("app", TODAY, KEY, 3)]


def test_what_is_taken_back_is_not_counted(store: Store) -> None:
    row = ("app", TODAY, 2, KEY)
    store.apply(counted=[(*row, 1), (*row, 1)])
    store.apply(counted=[(*row, -1)])
    assert counts(store) == [("app", TODAY, KEY, 1)]
    store.apply(counted=[(*row, -1)])
    assert counts(store) == []
    store.apply(counted=[(*row, 1), (*row, -1)])
    assert counts(store) == []


def test_days_accounts_and_kinds_are_counted_apart(store: Store) -> None:
    rows = [("app", TODAY, 2, KEY), ("app", TODAY + 1, 2, KEY), ("app", TODAY, 3, KEY), ("b", TODAY, 2, KEY)]
    store.apply(counted=[(*row, 1) for row in rows])
    assert [row["times"] for row in store.rows("day_count")] == [1, 1, 1, 1]


def test_counts_are_there_after_a_restart(store: Store) -> None:
    store.apply(accepted=[(*message(1), Progress.QUEUED.value)], counted=[("app", TODAY, 1, b"", 1)])
    store.restart()
    assert counts(store) == [("app", TODAY, b"", 1)]


def test_the_start_reads_only_days_that_are_today_somewhere(store: Store) -> None:
    store.apply(counted=[("app", TODAY + days, 1, b"", 1) for days in (-2, -1, 0, 1)])
    assert [row[1] for row in counts(store)] == [TODAY - 1, TODAY, TODAY + 1]


def test_days_that_are_over_everywhere_are_forgotten_in_pieces(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_steps, "PURGE_ROWS", 2)
    old = [("app", TODAY - 2, 2, bytes([n]) * 8, 1) for n in range(3)]
    store.apply(counted=[*old, ("app", TODAY - 1, 1, b"", 1)])
    assert store.sweep().sweep_again
    assert not store.sweep().sweep_again
    assert [row["day"] for row in store.rows("day_count")] == [TODAY - 1]


def test_a_message_and_its_count_are_there_or_not_together(store: Store) -> None:
    store.queue(message(1))
    with pytest.raises(Exception, match=r"UNIQUE|PRIMARY|unique"):
        store.apply(accepted=[(*message(1), Progress.QUEUED.value)], counted=[("app", TODAY, 1, b"", 1)])
    assert counts(store) == []


def test_a_number_is_on_a_blacklist_once_and_keeps_its_first_reason(store: Store) -> None:
    store.apply(blacklisted=[("app", PEER, NOW_MS, "asked by mail"), ("", PEER, NOW_MS, "")])
    store.apply(blacklisted=[("app", PEER, NOW_MS + 1, "STOP")])
    assert blacklist(store) == [("", int("1" + PEER)), ("app", int("1" + PEER))]
    (row,) = store.rows("blacklist", account="app")
    assert (row["at_ms"], row["why"]) == (NOW_MS, "asked by mail")


def test_a_number_that_is_taken_off_is_off_that_list_alone(store: Store) -> None:
    store.apply(blacklisted=[("app", PEER, NOW_MS, ""), ("", PEER, NOW_MS, "")])
    store.apply(unblacklisted=[("app", PEER), ("app", "79990000000")])
    assert blacklist(store) == [("", int("1" + PEER))]


def test_a_number_that_is_taken_off_and_put_on_at_once_is_on_it(store: Store) -> None:
    """A STOP that comes while a command takes the number off is the later word of the two."""
    store.apply(blacklisted=[("app", PEER, NOW_MS, "")])
    store.apply(blacklisted=[("app", PEER, NOW_MS + 1, "SMS: stop")], unblacklisted=[("app", PEER)])
    assert [row["why"] for row in store.rows("blacklist")] == ["SMS: stop"]


def test_zeros_at_the_beginning_make_another_number(store: Store) -> None:
    store.apply(blacklisted=[("app", number, NOW_MS, "") for number in ("0123", "123", "00123")])
    assert [row[1] for row in blacklist(store)] == [1123, 10123, 100123]


STOPS = (("app", "SMS: stop"), ("other", "SMS: stop"))


def test_a_stop_word_is_obeyed_for_the_account_whose_mail_it_answers(store: Store) -> None:
    store.mail(1)
    row = incoming_sms("Stop", answers_since_ms=1, stops=STOPS, addresses="", fallback=incoming("other"))
    answer = store.apply(incoming_mail=[row])
    assert answer.stopped == [("app", PEER)]
    assert answer.letters_waiting
    assert blacklist(store) == [("app", int("1" + PEER))]


def test_a_stop_word_that_answers_no_mail_is_for_the_account_that_gets_the_sms(store: Store) -> None:
    row = incoming_sms("Stop", answers_since_ms=1, stops=STOPS, addresses="", fallback=incoming("other"))
    answer = store.apply(incoming_mail=[row])
    assert answer.stopped == [("other", PEER)]
    assert len(answer.deliveries) == 1
    assert [row["why"] for row in store.rows("blacklist")] == ["SMS: stop"]


def test_a_stop_word_that_is_nobodys_stops_nothing(store: Store) -> None:
    rows = [
        incoming_sms("Stop", answers_since_ms=1, stops=STOPS),
        incoming_sms("Stop", answers_since_ms=1, stops=STOPS, fallback=incoming("third")),
    ]
    assert store.apply(incoming_mail=rows).stopped == []
    assert blacklist(store) == []
