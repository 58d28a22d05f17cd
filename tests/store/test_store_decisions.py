"""A person's word on a message: held back, let go, hurried, cancelled; and dead letters that wait again."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import DAY_MS, NOW_MS, message
from store_support import LONG_AGO_MS, MAIL_ID, SENDER, Store, postponed, receipt, submitted

from gateway.core.batch import Answer
from gateway.core.model import LetterKind, MessageState, Progress
from gateway.store import decision_steps

LATER_MS = NOW_MS + 5000
DELETED = (MessageState.DELETED.value, "")


def decide(store: Store, word: str, *message_ids: int, now_ms: int = LATER_MS, **lists: Any) -> Answer:
    return store.apply(decisions=[(n, word, now_ms) for n in message_ids], **lists)


def said(store: Store, message_id: int) -> list[str]:
    return [row["text"] for row in store.rows("incident", message_id=message_id)]


# -- hold and release -------------------------------------------------------------------------------


def test_what_is_held_back_is_not_sent_until_it_is_let_go(store: Store) -> None:
    store.queue(message(1, due_ms=-2), message(2))
    assert decide(store, "hold", 1).decided == [True]
    assert store.progress(1) == Progress.PAUSED
    assert store.claim() == [(2, [1])]
    assert store.next_due() is None
    answer = decide(store, "release", 1)
    assert (answer.decided, answer.queued) == ([True], [("one", -2)]), "when it was due, and as urgent"
    assert store.claim() == [(1, [1])]
    assert said(store, 1) == ["a person holds it back", "a person lets it go on"]


def test_what_waits_for_its_time_waits_for_it_still(store: Store) -> None:
    store.queue(message(1, due_ms=NOW_MS + DAY_MS))
    decide(store, "hold", 1)
    assert decide(store, "release", 1).queued == [("one", NOW_MS + DAY_MS)]
    assert store.claim(now_ms=NOW_MS + DAY_MS - 1) == []
    assert store.claim(now_ms=NOW_MS + DAY_MS) == [(1, [1])]


def test_what_is_held_back_expires(store: Store) -> None:
    store.queue(message(1, expires_ms=NOW_MS + 10))
    decide(store, "hold", 1)
    assert store.sweep(NOW_MS + 9).expired == []
    answer = store.sweep(NOW_MS + 10)
    assert (answer.expired, store.end(1)) == ([(1, 3)], (3, ""))
    assert store.delivery_states() == [(1, 3)], "its sender hears of it"


def test_what_is_held_back_stays_so_over_a_restart_and_a_failover(store: Store) -> None:
    store.queue(message(1, alternatives="one two"))
    decide(store, "hold", 1)
    store.apply(moves=[("one", "two", 0)])
    assert store.restart() == 0
    assert store.claim() == store.claim(connector="two") == []
    assert decide(store, "release", 1).queued == [("one", 0)]


@pytest.mark.parametrize("word", ["hold", "cancel"])
def test_what_was_sent_of_is_neither_held_back_nor_cancelled(store: Store, word: str) -> None:
    store.send(message(1), message(2, segments=2), message(3, on_ambiguous=1), message(4, on_ambiguous=2))
    store.apply(submitted=[submitted(2, "A", 1)], postponed=[postponed(2, 2)])  # one of two is at the SMSC
    store.doubt(3)
    store.doubt(4)
    assert [store.progress(n) for n in (1, 2, 3, 4)] == [
        Progress.SENT,
        Progress.QUEUED,
        Progress.QUEUED,
        Progress.HELD,
    ]
    assert decide(store, word, 1, 2, 3, 4, 99).decided == [False] * 5
    assert store.rows("history") == []
    assert all("person" not in row["text"] for row in store.rows("incident"))


def test_what_is_in_doubt_is_not_let_go(store: Store) -> None:
    store.send(message(1, on_ambiguous=2))
    store.doubt(1)
    assert decide(store, "release", 1).decided == [False], "it may have been sent: that is resend's to say"
    assert store.progress(1) == Progress.HELD


def test_what_was_never_held_back_is_not_let_go(store: Store) -> None:
    store.queue(message(1))
    assert decide(store, "release", 1, 2).decided == [False, False]
    assert decide(store, "hold", 1, 1).decided == [True, False], "once"


def test_what_is_held_back_can_be_given_up_cancelled_and_replaced(store: Store) -> None:
    store.queue(message(1), message(2), message(3))
    decide(store, "hold", 1, 2, 3)
    assert decide(store, "drop", 1).decided == decide(store, "cancel", 2).decided == [True]
    assert (store.end(1), store.end(2)) == ((DELETED[0], "given up"), DELETED)
    row = ("app", 3, b"new", 1, 0, 0, -1, 0, "", 1, LATER_MS)
    answer = store.apply(replacements=[row])
    assert (answer.replaced, answer.queued, store.progress(3)) == ([1], [], Progress.PAUSED)


def test_a_carrier_keeps_back_its_whole_set(store: Store) -> None:
    for n in (1, 2):
        new = message(n, user_data=b"x" * 150)
        row = (n, "app", new.source, new.destination, 7, 2, n, NOW_MS)
        store.apply(accepted=[(*new, Progress.GATHERED.value)], parts=[row])
        if n == 1:
            assert decide(store, "hold", 1).decided == [False], "it waits for the other part"
    assert decide(store, "hold", 2, 1).decided == [False, True], (
        "the one that goes up with another has no say"
    )
    assert store.claim() == []
    assert decide(store, "cancel", 1).decided == [True]
    assert store.end(1) == store.end(2) == DELETED


# -- retry ------------------------------------------------------------------------------------------


def test_what_was_postponed_goes_at_once(store: Store) -> None:
    store.send(message(1))
    store.apply(postponed=[postponed(1, due_ms=NOW_MS + DAY_MS)])
    answer = decide(store, "retry", 1)
    assert (answer.decided, answer.queued) == ([True], [("one", 0)])
    assert store.claim(now_ms=LATER_MS) == [(1, [1])]
    assert said(store, 1)[-1] == "a person lets it try at once"


def test_what_was_taken_of_it_is_not_sent_again(store: Store) -> None:
    store.send(message(1, segments=3))
    store.apply(submitted=[submitted(1, "A", 1)], postponed=[postponed(1, 2, NOW_MS + DAY_MS)])
    assert decide(store, "retry", 1).decided == [True]
    assert store.claim(now_ms=LATER_MS) == [(1, [2])], "nor what is under way"


def test_what_is_due_or_is_not_waiting_is_not_hurried(store: Store) -> None:
    store.queue(message(1), message(2, due_ms=LATER_MS), message(3, due_ms=NOW_MS + DAY_MS))
    store.send(message(4))
    decide(store, "hold", 3)
    assert decide(store, "retry", 1, 2, 3, 4).decided == [False] * 4


# -- cancel -----------------------------------------------------------------------------------------


def test_what_is_cancelled_ends_with_a_receipt(store: Store) -> None:
    store.queue(message(1), message(2, registered_delivery=0))
    answer = decide(store, "cancel", 1, 2)
    assert (answer.decided, answer.ended) == ([True, True], [("app", 2)])
    assert (store.end(1), store.end(2)) == (DELETED, DELETED)
    assert store.delivery_states() == [(1, DELETED[0])]
    assert store.claim() == []


def test_a_mails_sender_hears_of_it(store: Store) -> None:
    store.mail(1)
    store.apply(postponed=[postponed(1)])
    answer = decide(store, "cancel", 1)
    assert answer.letters_waiting
    assert store.letters() == [(LetterKind.REPORT, SENDER, 1)]


def test_decisions_of_one_batch_follow_each_other(store: Store) -> None:
    store.queue(message(1), message(2))
    rows = [(1, word, LATER_MS) for word in ("hold", "release", "cancel", "hold", "retry", "cancel", "drop")]
    answer = store.apply(decisions=rows, claims=[("one", 10, LATER_MS, 1)])
    assert answer.decided == [True, True, True, False, False, False, False]
    assert store.end(1) == DELETED
    [(_, claimed, _)] = answer.claimed
    assert [fields[0] for fields, _ in claimed] == [2]


# -- dead letters -----------------------------------------------------------------------------------


def dead(store: Store, *message_ids: int, account: str = "app") -> list[int]:
    """Receipts of messages that their account refused; their delivery_ids."""
    for number in message_ids:
        store.sent(number, f"{number}A", account=account)
        store.apply(receipts=[receipt(f"{number}A")])
    found = [row["delivery_id"] for row in store.rows("delivery", account=account)]
    store.apply(refused=[(n, "ESME_RX_R_APPN", NOW_MS) for n in found])
    assert store.rows("delivery") == []
    return found


def replay(store: Store, *rows: tuple[int, str]) -> Answer:
    return store.apply(replays=[(*row, LATER_MS) for row in rows])


def test_a_dead_delivery_waits_again_and_is_told_of(store: Store) -> None:
    first, second = dead(store, 1, 2)
    before = store.rows("dead_delivery", delivery_id=first)[0]
    answer = replay(store, (first, ""))
    assert answer.replayed == [1]
    [row] = store.rows("delivery")
    told = [value for name, value in row.items() if name != "claimed_boot"]
    assert list(answer.deliveries[0]) == told, "so it is offered to the account's sessions"
    assert row["delivery_id"] > second, "or an outlet would think that it has it"
    assert row["created_ms"] == LATER_MS, "or it would be too old already"
    same = before.keys() - {"delivery_id", "created_ms", "reason", "died_ms", "rowid"}
    assert {name: row[name] for name in same} == {name: before[name] for name in same}
    assert [it["delivery_id"] for it in store.rows("dead_delivery")] == [second]
    assert store.sweep(LATER_MS, delivery_before_ms=NOW_MS + 3000).deliveries == []
    assert len(store.rows("delivery")) == 1


def test_all_of_an_account_some_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision_steps, "REPLAY_MAX", 2)
    dead(store, 1, 2, 3)
    dead(store, 4, account="other")
    assert replay(store, (0, "app"), (0, "app"), (0, "app")).replayed == [2, 1, 0]
    assert [id_ for id_, _ in store.delivery_states()] == [1, 2, 3]
    assert len(store.rows("dead_delivery")) == 1


def test_nothing_of_another_account_nor_what_is_not_dead(store: Store) -> None:
    [number] = dead(store, 1)
    assert replay(store, (number, "other"), (99, ""), (0, "nobody")).replayed == [0, 0, 0]
    assert replay(store, (number, "app"), (number, "app")).replayed == [1, 0]


def test_dead_letters_are_sent_again(store: Store) -> None:
    store.mail(1, 2)
    store.apply(failed=[(1, 8, "refused", NOW_MS), (2, 8, "refused", NOW_MS)])
    letters = [letter.letter_id for letter in store.claim_letters()]
    store.apply(letters_put_off=[(letters[0], LATER_MS, "busy")])
    store.apply(letters_refused=[(number, "550 no such user", NOW_MS) for number in letters])
    assert store.letters() == []
    answer = replay(store, (letters[0], "mail:"), (99, "mail:"), (0, "mail:"))
    assert (answer.replayed, answer.letters_waiting) == ([1, 0, 1], True)
    assert store.rows("dead_letter") == []
    found = store.claim_letters(LATER_MS)
    assert [(it.letter_id, it.tries, it.mail_id, it.message_id) for it in found] == [
        (letters[0], 0, MAIL_ID, 1),
        (letters[1], 0, MAIL_ID, 2),
    ]
    assert store.sweep(LATER_MS, delivery_before_ms=LONG_AGO_MS).letters_waiting is False


def test_a_letter_that_waits_already_is_not_written_twice(store: Store) -> None:
    store.mail(1)
    store.apply(failed=[(1, 8, "refused", NOW_MS)])
    [letter] = store.claim_letters()
    store.apply(letters_refused=[(letter.letter_id, "550 no such user", NOW_MS)])
    replay(store, (letter.letter_id, "mail:"))
    answer = replay(store, (letter.letter_id, "mail:"))
    assert answer.replayed == [0]
    assert store.letters() == [(LetterKind.REPORT, SENDER, 1)]
