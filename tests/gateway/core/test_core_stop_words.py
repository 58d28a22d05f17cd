"""Which incoming SMS ask to be left alone, and what becomes of that."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from gateway_fakes import NOW_MS, account_config, recorded_events
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.batch import Batch
from gateway.core.blacklist import Blacklists
from gateway.core.stop_words import LONGEST, StopWords, words_of

NUMBER = "79161234567"


def stop_words(*words: str) -> tuple[StopWords, Blacklists, Callable[[], str]]:
    events, written = recorded_events()
    lists = Blacklists()
    accounts = [account_config(stop_words=words), account_config(system_id="other")]
    found = StopWords(accounts, lists, events)
    return found, lists, lambda: (events.flush(), "".join(written))[1]


@pytest.mark.parametrize(
    "text", ["STOP", "stop", " Stop! ", "«стоп», пожалуйста", "Стоп.", "no  more SMS", "NO, more."]
)
def test_a_text_that_begins_with_a_stop_word_stops(text: str) -> None:
    found, lists, written = stop_words("Stop", "СТОП", "No more")
    batch = Batch()
    found.heed(batch, "app", NUMBER, text, NOW_MS)
    [(account, number, at_ms, why)] = batch.blacklisted
    assert (account, number, at_ms, why[:5]) == ("app", NUMBER, NOW_MS, "SMS: ")
    assert lists.sizes() == {"app": 1}
    [line] = written().splitlines()
    assert "stop_word" in line and "7916***4567" in line
    assert NUMBER not in line


@pytest.mark.parametrize("text", ["", "...", "stopping", "do not stop", "no", "no SMS more", "s t o p"])
def test_other_texts_do_not(text: str) -> None:
    found, lists, _ = stop_words("Stop", "No more")
    batch = Batch()
    found.heed(batch, "app", NUMBER, text, NOW_MS)
    assert (batch.blacklisted, lists.sizes()) == ([], {})


def test_only_the_accounts_own_words_count_and_names_are_on_no_list() -> None:
    found, lists, _ = stop_words("Stop")
    batch = Batch()
    for account, number in (
        ("other", NUMBER),
        (None, NUMBER),
        ("", NUMBER),
        ("app", "Example"),
        ("app", ""),
        ("app", "٧٩٩"),
    ):
        found.heed(batch, account, number, "stop", NOW_MS)
    assert (batch.blacklisted, lists.sizes()) == ([], {})


def test_the_same_word_of_another_account_stops_nothing_for_it() -> None:
    lists, batch = Blacklists(), Batch()
    accounts = [account_config(system_id=name, stop_words=("Stop",)) for name in ("other", "app", "third")]
    found = StopWords(accounts, lists, None)
    found.heed(batch, "app", NUMBER, "stop", NOW_MS)
    assert [row[:2] for row in batch.blacklisted] == [("app", NUMBER)]
    assert lists.sizes() == {"app": 1}


def test_who_stopped_before_stays_on_the_list() -> None:
    found, lists, _ = stop_words("Stop")
    batch = Batch()
    for _ in range(2):
        found.heed(batch, "app", NUMBER, "stop", NOW_MS)
    assert (len(batch.blacklisted), lists.sizes()) == (2, {"app": 1})


def test_without_stop_words_nothing_is_looked_at() -> None:
    assert not StopWords([account_config()], Blacklists(), None)
    assert stop_words("Stop")[0]


@given(st.text(max_size=200))
def test_any_text_can_be_looked_at(text: str) -> None:
    found, _, _ = stop_words("Stop")
    expected = words_of(text[:LONGEST])[:1] == ("stop",)
    assert bool(found.said(NUMBER, text)) == expected
