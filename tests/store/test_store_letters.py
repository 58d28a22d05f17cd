"""Letters: each is claimed once in a run, and stays until somebody has taken it or nobody ever will."""

from __future__ import annotations

import pytest
from gateway_fakes import DAY_MS, NOW_MS
from store_support import MAIL_ID, OWN_NUMBER, PEER, Store, incoming_sms, mail_rows

from gateway.core.model import Letter, LetterKind
from gateway.store import mail_steps


def write(store: Store, *due_ms: int) -> None:
    """A letter for each time."""
    for n, moment_ms in enumerate(due_ms, 1):
        store.apply(incoming_mail=[incoming_sms(str(n), received_ms=moment_ms)])


def claimed(store: Store, now_ms: int, limit: int = 100) -> tuple[list[str], int | None]:
    """The texts of the letters that a claim brings, and when there is more."""
    ((rows, following),) = store.apply(letter_claims=[(now_ms, limit)]).letters
    return [Letter(*row).text for row in rows], following


def test_claims_are_by_time_in_pieces_and_each_letter_once(store: Store) -> None:
    write(store, NOW_MS + 30, NOW_MS + 10, NOW_MS + 20, NOW_MS + 20)
    assert claimed(store, NOW_MS) == ([], NOW_MS + 10)
    assert claimed(store, NOW_MS + 25, limit=2) == (["2", "3"], NOW_MS + 20)
    assert claimed(store, NOW_MS + 25, limit=2) == (["4"], NOW_MS + 30)
    assert claimed(store, NOW_MS + 25) == ([], NOW_MS + 30)
    assert claimed(store, NOW_MS + 30) == (["1"], None)


def test_claims_of_one_batch_bring_different_letters(store: Store) -> None:
    write(store, NOW_MS, NOW_MS)
    (first, _), (second, following) = store.apply(letter_claims=[(NOW_MS, 1), (NOW_MS, 5)]).letters
    assert (len(first), len(second), following) == (1, 1, None)
    assert first[0][0] != second[0][0]


def test_a_claim_finds_what_its_own_batch_wrote(store: Store) -> None:
    answer = store.apply(incoming_mail=[incoming_sms()], letter_claims=[(NOW_MS, 9)])
    assert [row[0] for row in answer.letters[0][0]] == [1]
    store.apply(**mail_rows(1))
    answer = store.apply(failed=[(1, 5, "x", NOW_MS)], letter_claims=[(NOW_MS, 9)])
    assert [row[0] for row in answer.letters[0][0]] == [2]


def test_large_letters_are_claimed_a_few_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_steps, "PIECE_OCTETS", 1000)
    for n in (1, 2, 3):
        store.mail(n, mail_id=MAIL_ID + n, returned=b"x" * 500, whole=1)
        store.apply(failed=[(n, 5, "x", NOW_MS + n)])
    assert [letter.message_id for letter in store.claim_letters()] == [1, 2]
    assert [letter.message_id for letter in store.claim_letters()] == [3]


def test_sent_is_gone(store: Store) -> None:
    write(store, NOW_MS, NOW_MS)
    store.claim_letters()
    store.apply(letters_sent=[(1,), (1,), (99,)])
    assert [row["letter_id"] for row in store.rows("letter")] == [2]
    assert store.rows("dead_letter") == []


def test_put_off_comes_again_at_its_time_and_knows_its_tries(store: Store) -> None:
    write(store, NOW_MS)
    for n in range(3):
        moment_ms = NOW_MS + n * 100
        ((rows, _),) = store.apply(letter_claims=[(moment_ms, 9)]).letters
        assert [Letter(*row).tries for row in rows] == [n]
        store.apply(letters_put_off=[(1, moment_ms + 100, "421 4.3.2 later"), (99, 0, "")])
        assert claimed(store, moment_ms + 99) == ([], moment_ms + 100)
    (row,) = store.rows("letter")
    assert (row["tries"], row["last_error"]) == (3, "421 4.3.2 later")


def test_what_is_put_off_may_be_claimed_by_the_same_batch(store: Store) -> None:
    write(store, NOW_MS)
    store.claim_letters()
    answer = store.apply(letters_put_off=[(1, NOW_MS, "x")], letter_claims=[(NOW_MS, 9)])
    assert len(answer.letters[0][0]) == 1


def test_refused_goes_to_the_dead_letters(store: Store) -> None:
    write(store, NOW_MS)
    store.apply(letters_put_off=[(1, NOW_MS, "421")])
    store.apply(letters_refused=[(1, "550 5.1.1 nobody", NOW_MS + 9), (99, "x", 0)])
    assert store.rows("letter") == []
    (row,) = store.rows("dead_letter")
    assert (row["letter_id"], row["kind"], row["text"]) == (1, LetterKind.INCOMING, "1")
    assert (row["reason"], row["died_ms"], row["last_error"]) == ("550 5.1.1 nobody", NOW_MS + 9, "421")
    assert (row["number"], row["own_number"]) == (PEER, OWN_NUMBER)


def test_claimed_and_not_sent_before_a_crash_is_claimed_by_the_next_run(store: Store) -> None:
    write(store, NOW_MS, NOW_MS)
    assert len(store.claim_letters()) == 2
    store.apply(letters_sent=[(1,)])
    assert store.claim_letters() == []
    store.restart()
    assert [letter.letter_id for letter in store.claim_letters()] == [2]


def test_letter_ids_are_never_given_twice(store: Store) -> None:
    write(store, NOW_MS)
    store.apply(letters_sent=[(1,)])
    store.restart()
    write(store, NOW_MS)
    assert [letter.letter_id for letter in store.claim_letters()] == [2]


def test_what_could_not_be_sent_in_time_dies_unless_somebody_is_sending_it(store: Store) -> None:
    write(store, NOW_MS - DAY_MS, NOW_MS - DAY_MS, NOW_MS)
    assert claimed(store, NOW_MS - 1, limit=1) == (["1"], NOW_MS - DAY_MS)
    store.sweep(NOW_MS, delivery_before_ms=NOW_MS)
    (row,) = store.rows("dead_letter")
    assert (row["text"], row["reason"], row["died_ms"]) == ("2", "not sent in time", NOW_MS)
    store.apply(letters_put_off=[(1, NOW_MS, "421 later")])
    store.sweep(NOW_MS, delivery_before_ms=NOW_MS)
    assert [row["text"] for row in store.rows("dead_letter")] == ["2", "1"]
    assert [row["text"] for row in store.rows("letter")] == ["3"]


def test_the_dead_go_after_their_days(store: Store) -> None:
    write(store, NOW_MS, NOW_MS)
    store.apply(letters_refused=[(1, "x", NOW_MS - DAY_MS), (2, "x", NOW_MS)])
    store.sweep(NOW_MS, history_before_ms=NOW_MS)
    assert [row["letter_id"] for row in store.rows("dead_letter")] == [2]
