"""Mails that come in: kept once, whatever is repeated, and reported on as their senders wish."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from gateway_fakes import DAY_MS, NOW_MS, id_at, message
from store_support import MAIL_ID, PEER, SENDER, Store, mail_rows, postponed, receipt, submitted

from gateway.core.batch import Answer
from gateway.core.model import Letter, LetterKind, MessageState, Notify, Origin, Progress
from gateway.store import mail_steps

REPORT, DELAY = LetterKind.REPORT.value, LetterKind.DELAY.value
SUCCESS, FAILURE, LATE = Notify.SUCCESS.value, Notify.FAILURE.value, Notify.DELAY.value


def together(*batches: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """One batch of several."""
    return {name: [row for batch in batches for row in batch[name]] for name in batches[0]}


def fail(store: Store, message_id: int, state: int = 5, error: str = "x") -> Answer:
    return store.apply(failed=[(message_id, state, error, NOW_MS + 5000)])


# -- in ---------------------------------------------------------------------------------------------


def test_a_mail_is_kept_with_its_messages(store: Store) -> None:
    answer = store.mail(1, 2, key=b"k", client_id="c", own_number="77")
    assert answer.repeated == []
    (row,) = store.rows("mail")
    assert (row["mail_id"], row["key"], row["sender"], row["client_id"]) == (MAIL_ID, b"k", SENDER, "c")
    recipients = store.rows("mail_recipient", mail_id=MAIL_ID)
    assert [(r["message_id"], r["number"], r["own_number"]) for r in recipients] == [
        (1, PEER, "77"),
        (2, PEER, "77"),
    ]
    assert [r["origin"] for r in store.rows("message")] == [Origin.MAIL, Origin.MAIL]
    assert len(store.rows("submission")) == 2


def test_a_claim_brings_the_origin(store: Store) -> None:
    store.queue(message(1, origin=1), message(2))
    ((_, rows, _),) = store.apply(claims=[("one", 9, NOW_MS, 1)]).claimed
    assert [fields for fields, _ in rows] == [tuple(message(1, origin=1)), tuple(message(2))]


def test_a_mail_that_comes_again_leaves_nothing(store: Store) -> None:
    store.mail(1, key=b"k")
    answer = store.mail(2, 3, mail_id=MAIL_ID + 1, key=b"k")
    assert answer.repeated == [(MAIL_ID + 1, MAIL_ID)]
    assert [row["mail_id"] for row in store.rows("mail")] == [MAIL_ID]
    assert [row["message_id"] for row in store.rows("mail_recipient")] == [1]
    assert [row["message_id"] for row in store.rows("message")] == [1]
    assert [row["message_id"] for row in store.rows("submission")] == [1]


def test_a_mail_that_comes_again_in_its_own_batch(store: Store) -> None:
    first, second = mail_rows(1, key=b"k"), mail_rows(2, mail_id=MAIL_ID + 1, key=b"k")
    other = mail_rows(3, mail_id=MAIL_ID + 2, key=b"other")
    third = mail_rows(4, mail_id=MAIL_ID + 3, key=b"k")
    smpp = {"mails": [], "mail_recipients": [], "accepted": [(*message(9), 0)], "intents": []}
    answer = store.apply(**together(first, second, other, third, smpp))
    assert answer.repeated == [(MAIL_ID + 1, MAIL_ID), (MAIL_ID + 3, MAIL_ID)]
    assert [row["message_id"] for row in store.rows("message")] == [1, 3, 9]
    assert [row["message_id"] for row in store.rows("submission")] == [1, 3]
    assert [row["message_id"] for row in store.rows("mail_recipient")] == [1, 3]


def test_a_mail_that_comes_again_after_a_restart_and_after_its_end(store: Store) -> None:
    store.mail(1, key=b"k")
    store.restart()
    assert store.mail(2, mail_id=MAIL_ID + 1, key=b"k").repeated == [(MAIL_ID + 1, MAIL_ID)]
    fail(store, 1)
    assert store.mail(3, mail_id=MAIL_ID + 2, key=b"k").repeated == [(MAIL_ID + 2, MAIL_ID)]


def test_mails_without_a_key_are_never_repeated_ones(store: Store) -> None:
    rows = together(
        mail_rows(1), mail_rows(2, mail_id=MAIL_ID + 1), mail_rows(3, mail_id=MAIL_ID + 2, key=b"")
    )
    assert store.apply(**rows).repeated == []
    assert store.mail(4, mail_id=MAIL_ID + 3).repeated == []
    answer = store.apply(
        **together(mail_rows(5, mail_id=MAIL_ID + 4), mail_rows(6, mail_id=MAIL_ID + 5, key=b""))
    )
    assert answer.repeated == [(MAIL_ID + 5, MAIL_ID + 2)], "no octets are a key"
    assert [row["message_id"] for row in store.rows("message")] == [1, 2, 3, 4, 5]


def test_a_queue_id_is_never_given_twice(store: Store) -> None:
    store.mail(1)
    with pytest.raises(Exception, match=r"UNIQUE|unique"):
        store.mail(2, key=b"another")
    assert store.progress(2) is None


# -- reports ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("notify", range(8))
@pytest.mark.parametrize("state", [2, 3, 4, 5, 6, 7, 8])
def test_a_report_is_written_for_whoever_asked(store: Store, notify: int, state: int) -> None:
    store.mail(1, notify=notify)
    answer = fail(store, 1, state)
    wanted = bool(notify & (SUCCESS if state in (2, 6) else FAILURE))
    assert store.letters() == ([(REPORT, SENDER, 1)] if wanted else [])
    assert answer.letters_waiting is wanted
    assert store.end(1) == (state, "x")
    assert store.rows("history")[0]["origin"] == Origin.MAIL


@pytest.mark.parametrize("registered_delivery", [0, 1, 2, 3])
def test_the_mails_wish_counts_and_no_account_gets_its_receipt(
    store: Store, registered_delivery: int
) -> None:
    store.mail(1, registered_delivery=registered_delivery)
    answer = fail(store, 1)
    assert answer.deliveries == []
    assert store.delivery_states() == []
    assert store.letters() == [(REPORT, SENDER, 1)]


def test_the_null_sender_is_never_written_to(store: Store) -> None:
    store.mail(1, sender="", notify=7)
    assert not fail(store, 1).letters_waiting
    assert store.letters() == []


def test_the_fields_of_a_report(store: Store) -> None:
    store.mail(1, notify=SUCCESS, own_number="77", whole=1, segments=2, client_id="c", received_ms=NOW_MS - 7)
    store.taken(1, "A", "B")
    store.apply(receipts=[receipt("A")])
    assert store.letters() == []
    store.apply(receipts=[receipt("B", at_ms=NOW_MS + 9000)])
    (letter,) = store.claim_letters()
    address = f"{PEER}@sms.example.org"
    assert letter == Letter(
        letter_id=1,
        kind=REPORT,
        recipient=SENDER,
        created_ms=NOW_MS + 9000,
        tries=0,
        message_id=1,
        state=MessageState.DELIVERED,
        error="000",
        done_ms=NOW_MS + 9000,
        number=PEER,
        own_number="77",
        text="",
        mail_id=MAIL_ID,
        received_ms=NOW_MS - 7,
        envid="QQ314159",
        header_id="<1@example.org>",
        subject="Disk full",
        returned=b"Subject: Disk full\r\n\r\n",
        whole=True,
        address=address,
        orcpt=f"rfc822;{address}",
        connector="one",
    )


def test_each_message_of_a_mail_gets_its_own_report_and_those_over_smpp_their_receipts(store: Store) -> None:
    store.mail(1, 2, 3)
    store.send(message(4), message(5))
    for n in (1, 2, 4):
        store.taken(n, f"id-{n}")
    answer = store.apply(receipts=[receipt(f"id-{n}", 5) for n in (1, 2, 4)])
    assert sum(count for _, count in answer.ended) == 3
    assert store.letters() == [(REPORT, SENDER, 1), (REPORT, SENDER, 2)]
    assert store.delivery_states() == [(4, 5)]


def expire(store: Store) -> Answer:
    return store.sweep(NOW_MS + DAY_MS)


def find_expired(store: Store) -> Answer:
    return store.apply(claims=[("one", 9, NOW_MS + DAY_MS, 1)])


def drop(store: Store) -> Answer:
    return store.apply(decisions=[(1, "drop", NOW_MS)])


@pytest.mark.parametrize("end", [expire, find_expired, drop, lambda store: fail(store, 1)])
def test_a_message_ends_with_a_report_however_it_ends(store: Store, end: Callable[[Store], Answer]) -> None:
    store.mail(1, expires_ms=NOW_MS + DAY_MS)
    store.apply(postponed=[postponed(1)])
    assert end(store).letters_waiting
    assert store.letters() == [(REPORT, SENDER, 1)]


def test_what_is_given_up_at_a_restart_is_reported(store: Store) -> None:
    store.mail(1, on_ambiguous=3)
    store.restart()
    assert store.end(1) == (MessageState.UNKNOWN, "ambiguous")
    assert store.letters() == [(REPORT, SENDER, 1)]


def test_what_was_handed_over_is_reported_as_a_success(store: Store) -> None:
    store.mail(1, 2, notify=SUCCESS, registered_delivery=0)
    store.apply(submitted=[submitted(1, "A")], handed_over=[(1, NOW_MS)])
    assert [letter.state for letter in store.claim_letters()] == [MessageState.ACCEPTED]


def test_receipts_that_come_again_write_no_second_report(store: Store) -> None:
    store.mail(1)
    store.taken(1, "A")
    store.apply(receipts=[receipt("A", 5), receipt("A", 5)])
    (letter,) = store.claim_letters()
    store.apply(letters_sent=[(letter.letter_id,)])
    assert not store.apply(receipts=[receipt("A", 5)]).letters_waiting
    assert store.letters() == []


# -- delays -----------------------------------------------------------------------------------------

OLD, YOUNG = id_at(NOW_MS - DAY_MS), id_at(NOW_MS)


def test_a_delay_is_told_once_to_whoever_asked(store: Store) -> None:
    store.mail(OLD, notify=LATE | FAILURE)
    store.mail(OLD + 1, mail_id=MAIL_ID + 1, notify=FAILURE)
    store.mail(OLD + 2, mail_id=MAIL_ID + 2, notify=LATE, sender="")
    store.mail(YOUNG, mail_id=MAIL_ID + 3, notify=LATE)
    assert not store.sweep(NOW_MS, delay_before_id=OLD).letters_waiting
    assert store.sweep(NOW_MS, delay_before_id=YOUNG).letters_waiting
    assert store.letters() == [(DELAY, SENDER, OLD)]
    (letter,) = store.claim_letters()
    assert (letter.number, letter.mail_id, letter.created_ms) == (PEER, MAIL_ID, NOW_MS)
    assert letter.done_ms == NOW_MS + 2 * DAY_MS, "its validity's end"
    store.apply(letters_sent=[(letter.letter_id,)])
    assert not store.sweep(NOW_MS, delay_before_id=YOUNG).letters_waiting
    fail(store, OLD)
    assert store.letters() == [(REPORT, SENDER, OLD)]


def test_delays_are_told_in_pieces_the_oldest_first(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_steps, "SWEEP_ROWS", 2)
    for n in (4, 2, 0, 3, 1):
        store.mail(OLD + n, mail_id=MAIL_ID + n, notify=LATE | FAILURE)
    for told, more in ((2, True), (4, True), (5, False)):
        assert store.sweep(NOW_MS, delay_before_id=YOUNG).sweep_again is more
        assert store.letters() == [(DELAY, SENDER, OLD + n) for n in range(told)]
    assert {row["notify"] for row in store.rows("mail_recipient")} == {FAILURE}


def test_a_queued_message_is_late_and_one_that_has_ended_is_not(store: Store) -> None:
    store.mail(OLD, OLD + 1, notify=LATE)
    store.apply(postponed=[postponed(OLD)], failed=[(OLD + 1, 5, "x", NOW_MS)])
    store.sweep(NOW_MS, delay_before_id=YOUNG)
    assert store.letters() == [(DELAY, SENDER, OLD)]


def test_a_message_that_is_held_is_late_when_it_goes_on(store: Store) -> None:
    store.mail(OLD, notify=LATE, on_ambiguous=2)
    store.doubt(OLD)
    assert store.progress(OLD) is Progress.HELD
    store.sweep(NOW_MS, delay_before_id=YOUNG)
    assert store.letters() == []
    store.apply(decisions=[(OLD, "resend", NOW_MS)])
    store.sweep(NOW_MS, delay_before_id=YOUNG)
    assert store.letters() == [(DELAY, SENDER, OLD)]


def test_a_delay_that_was_not_told_yet_is_not_told_after_the_end(store: Store) -> None:
    store.mail(OLD, notify=LATE | FAILURE)
    store.sweep(NOW_MS, delay_before_id=YOUNG)
    fail(store, OLD)
    assert store.letters() == [(REPORT, SENDER, OLD)]


# -- age --------------------------------------------------------------------------------------------


def test_a_mail_may_come_again_after_its_day(store: Store) -> None:
    store.mail(1, key=b"k")
    day = {"key": b"k", "received_ms": NOW_MS + DAY_MS}
    assert store.mail(2, mail_id=MAIL_ID + 1, **day).repeated == [(MAIL_ID + 1, MAIL_ID)]
    later = {"key": b"k", "received_ms": NOW_MS + DAY_MS + 1}
    rows = together(mail_rows(3, mail_id=MAIL_ID + 2, **later), mail_rows(4, mail_id=MAIL_ID + 3, **later))
    assert store.apply(**rows).repeated == [(MAIL_ID + 3, MAIL_ID + 2)]
    assert [row["message_id"] for row in store.rows("message")] == [1, 3]
    assert [row["mail_id"] for row in store.rows("mail")] == [MAIL_ID, MAIL_ID + 2]


def test_a_mail_goes_when_nothing_can_be_said_of_it_any_more(store: Store) -> None:
    store.mail(1)
    store.mail(2, 3, mail_id=MAIL_ID + 1, notify=0)
    store.mail(4, mail_id=MAIL_ID + 2)
    for n in (1, 2, 4):
        fail(store, n)
    bound = {"mail_before_id": MAIL_ID + 2}
    store.sweep(NOW_MS, **bound)
    assert len(store.rows("mail")) == 3, "one has a letter, one a message, one is young"
    fail(store, 3)
    store.sweep(NOW_MS, **bound)
    assert [row["mail_id"] for row in store.rows("mail")] == [MAIL_ID, MAIL_ID + 2]
    assert [row["message_id"] for row in store.rows("mail_recipient")] == [1, 4]
    store.apply(letters_sent=[(1,)])
    store.sweep(NOW_MS, **bound)
    assert [row["mail_id"] for row in store.rows("mail")] == [MAIL_ID + 2]


def test_a_mail_that_an_answer_goes_to_stays(store: Store) -> None:
    store.mail(1, notify=0)
    fail(store, 1)
    row = ("one", PEER, "1234", "yes", 0, 1, 1, NOW_MS, 1, "", None)
    store.apply(incoming_mail=[row])
    store.sweep(NOW_MS, mail_before_id=MAIL_ID + 1)
    (letter,) = store.claim_letters()
    assert (letter.kind, letter.header_id) == (LetterKind.ANSWER, "<1@example.org>")
    store.apply(letters_sent=[(letter.letter_id,)])
    store.sweep(NOW_MS, mail_before_id=MAIL_ID + 1)
    assert store.rows("mail") == []
