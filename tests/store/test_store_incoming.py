"""Incoming SMS that may become mail: answers, mailboxes, accounts, and the parts of long ones."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import DAY_MS, NOW_MS, delivery
from store_support import MAIL_ID, OWN_NUMBER, PEER, SENDER, Store, incoming_sms

from gateway.core.batch import Answer, Row
from gateway.core.model import INCOMING, LetterKind
from gateway.store import mail_steps
from protocols.sms import udh

INBOX = "inbox@example.org"


def fallback(text: bytes = b"yes", **fields: Any) -> Row:
    """What an account gets: Delivery's fields without the id and the part."""
    sms = delivery(0, message_id=0, state=INCOMING, error="", user_data=text, **fields)
    return tuple(sms)[1:-1]


def bring(store: Store, *rows: Row) -> Answer:
    return store.apply(incoming_mail=list(rows))


def parts(*numbers: int, total: int = 3, reference: int = 7, **fields: Any) -> list[Row]:
    return [incoming_sms(f"part{n}", reference=reference, total=total, part=n, **fields) for n in numbers]


def letters(store: Store) -> list[tuple[int, str, str]]:
    return [(row["kind"], row["recipient"], row["text"]) for row in store.rows("letter")]


def texts(store: Store) -> list[str]:
    return [text for _, _, text in letters(store)]


def waits(store: Store) -> list[str]:
    return [row["text"] for row in store.rows("incoming_part", joined=0)]


def delivered(store: Store) -> list[bytes]:
    return [row["user_data"] for row in store.rows("delivery")]


# -- whole ones -------------------------------------------------------------------------------------


def test_one_letter_for_each_mailbox(store: Store) -> None:
    answer = bring(store, incoming_sms("hi", addresses="a@example.org b@example.org"))
    assert answer.letters_waiting
    assert letters(store) == [
        (LetterKind.INCOMING, "a@example.org", "hi"),
        (LetterKind.INCOMING, "b@example.org", "hi"),
    ]
    letter = store.claim_letters()[0]
    assert (letter.number, letter.own_number, letter.mail_id) == (PEER, OWN_NUMBER, 0)
    assert (letter.created_ms, letter.received_ms, letter.returned, letter.address) == (NOW_MS, 0, b"", "")


def test_without_a_mailbox_its_account_gets_it(store: Store) -> None:
    answer = bring(store, incoming_sms(addresses="", fallback=fallback()))
    assert answer.deliveries == [(1, *fallback(), 0)]
    assert not answer.letters_waiting
    assert letters(store) == []


def test_both_may_get_it(store: Store) -> None:
    bring(store, incoming_sms("yes", fallback=fallback()))
    assert letters(store) == [(LetterKind.INCOMING, INBOX, "yes")]
    assert delivered(store) == [b"yes"]


def test_nobody_gets_what_is_for_nobody(store: Store) -> None:
    answer = bring(store, incoming_sms(addresses=""))
    assert (answer.letters_waiting, answer.deliveries) == (False, [])


# -- answers ----------------------------------------------------------------------------------------


def test_an_answer_goes_to_the_mails_sender_and_nobody_else(store: Store) -> None:
    store.mail(1)
    bring(store, incoming_sms("yes", answers_since_ms=NOW_MS, fallback=fallback()))
    assert letters(store) == [(LetterKind.ANSWER, SENDER, "yes")]
    assert delivered(store) == []
    (letter,) = store.claim_letters()
    assert (letter.mail_id, letter.header_id, letter.subject) == (MAIL_ID, "<1@example.org>", "Disk full")
    assert (letter.message_id, letter.number, letter.own_number) == (0, PEER, OWN_NUMBER)


def test_the_newest_mail_is_answered(store: Store) -> None:
    for n in (1, 2):
        store.mail(n, mail_id=MAIL_ID + n, sender=f"{n}@example.org")
    store.mail(3, mail_id=MAIL_ID + 3, sender="")
    store.mail(4, mail_id=MAIL_ID + 4, sender="4@example.org", number="79990000000")
    store.mail(5, mail_id=MAIL_ID + 5, sender="5@example.org", own_number="77")
    bring(store, incoming_sms(answers_since_ms=1))
    bring(store, incoming_sms(answers_since_ms=1, own_number="77"))
    assert [recipient for _, recipient, _ in letters(store)] == ["2@example.org", "5@example.org"]


def test_the_newest_of_many_mails_is_answered(store: Store) -> None:
    store.mail(*range(1, 151), sender="old@example.org")
    store.mail(151, mail_id=MAIL_ID + 1)
    bring(store, incoming_sms(answers_since_ms=1))
    assert [recipient for _, recipient, _ in letters(store)] == [SENDER]


def test_a_mail_is_answered_again_and_after_its_end(store: Store) -> None:
    store.mail(1, notify=0)
    store.apply(failed=[(1, 2, "", NOW_MS)])
    bring(store, incoming_sms("one", answers_since_ms=1), incoming_sms("two", answers_since_ms=1))
    assert [text for _, _, text in letters(store)] == ["one", "two"]


@pytest.mark.parametrize(
    "fields",
    [{"answers_since_ms": 0}, {"answers_since_ms": NOW_MS + 1}, {"answers_since_ms": 1, "number": "BANK"}],
)
def test_what_answers_no_mail_goes_to_its_mailbox(store: Store, fields: dict[str, Any]) -> None:
    store.mail(1)
    bring(store, incoming_sms(**fields))
    assert [kind for kind, _, _ in letters(store)] == [LetterKind.INCOMING]


# -- parts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
@pytest.mark.parametrize("at_once", [True, False])
def test_parts_wait_for_each_other_and_are_joined_in_order(
    store: Store, order: tuple[int, ...], at_once: bool
) -> None:
    rows = parts(*order)
    for batch in [rows] if at_once else [[row] for row in rows]:
        assert letters(store) == []
        answer = bring(store, *batch)
    assert answer.letters_waiting
    assert letters(store) == [(LetterKind.INCOMING, INBOX, "part1part2part3")]
    assert waits(store) == []


def test_spaces_at_the_ends_of_parts_stay(store: Store) -> None:
    bring(store, *(incoming_sms(text, total=2, part=n) for n, text in enumerate((" a ", " b "), 1)))
    assert letters(store)[0][2] == " a  b "


def test_parts_survive_a_restart(store: Store) -> None:
    bring(store, *parts(1, 2))
    store.restart()
    bring(store, *parts(3))
    assert letters(store) == [(LetterKind.INCOMING, INBOX, "part1part2part3")]


@pytest.mark.parametrize(
    "other",
    [{"reference": 8}, {"number": "79990000000"}, {"own_number": "77"}, {"connector": "two"}, {"total": 4}],
)
def test_parts_of_different_sms_are_never_joined(store: Store, other: dict[str, Any]) -> None:
    bring(store, *parts(1, 2), *parts(3, **other))
    assert letters(store) == []
    assert len(store.rows("incoming_part")) == 3


def test_a_repeated_part_is_no_second_one(store: Store) -> None:
    bring(store, *parts(1, 2), *parts(1, 2))
    assert (letters(store), len(store.rows("incoming_part"))) == ([], 2)
    bring(store, *parts(3))
    assert len(letters(store)) == 1


def test_a_reference_that_is_used_again_begins_another_sms(store: Store) -> None:
    bring(store, *parts(1, 2))
    bring(store, incoming_sms("new", reference=7, total=3, part=1))
    assert [text for _, _, text in letters(store)] == ["part1part2 …"]
    assert [row["text"] for row in store.rows("incoming_part")] == ["new"]


def test_a_part_that_comes_again_after_its_sms_has_gone_on_is_passed_over(store: Store) -> None:
    bring(store, *parts(1, 2, 3), *parts(3))
    store.restart()
    bring(store, *parts(3), *parts(1))
    assert (texts(store), waits(store)) == (["part1part2part3"], [])
    store.sweep(NOW_MS + DAY_MS, part_before_ms=NOW_MS + DAY_MS)
    assert texts(store) == ["part1part2part3"], "nor does it go alone when it is old"
    assert store.rows("incoming_part") == []


def test_parts_that_all_come_again_are_an_sms_again(store: Store) -> None:
    bring(store, *parts(1, 2, 3), *parts(3, 1, 2), *parts(1, 2, 3))
    assert texts(store) == ["part1part2part3"] * 3


@pytest.mark.parametrize("again", [None, 1, 2])
def test_a_reference_that_never_changes_mixes_no_sms(store: Store, again: int | None) -> None:
    """Some modems have one reference for all; a part came again each time before the next SMS."""
    fixed = {"reference": 0, "total": 2}
    for name in "abc":
        new = [incoming_sms(f"{name}{n}", part=n, **fixed) for n in (1, 2)]
        bring(store, *new)
        if again:
            bring(store, new[again - 1])
    assert texts(store) == ["a1a2", "b1b2", "c1c2"]
    assert waits(store) == []


@pytest.mark.parametrize("second", [("a", "b"), ("b", "a")])
def test_an_sms_may_have_a_part_in_common_with_the_one_before(store: Store, second: tuple[str, str]) -> None:
    for first_part, second_part in (("a", "a"), second, ("a", "a")):
        bring(store, incoming_sms(f"{first_part}1", reference=0, total=2, part=1))
        bring(store, incoming_sms(f"{second_part}2", reference=0, total=2, part=2))
    assert texts(store) == ["a1a2", f"{second[0]}1{second[1]}2", "a1a2"]
    assert waits(store) == []


def test_parts_that_have_gone_on_take_no_place_of_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_steps, "PARTS_MAX", 1)
    bring(store, *parts(1, 2, total=2, reference=1), *parts(2, total=2, reference=1))
    store.restart()
    bring(store, *parts(1, reference=2))
    assert (texts(store), waits(store)) == (["part1part2"], ["part1"])


@pytest.mark.parametrize(("total", "part"), [(3, 0), (3, 4), (0, 0), (1, 2)])
def test_a_part_that_cannot_be_is_whole(store: Store, total: int, part: int) -> None:
    bring(store, incoming_sms("odd", total=total, part=part))
    assert [text for _, _, text in letters(store)] == ["odd"]


def test_an_account_gets_the_parts_as_they_came(store: Store) -> None:
    rows = [fallback(f"part{n}".encode(), created_ms=NOW_MS + n, esm_class=0x40) for n in (1, 2, 3)]
    for n in (2, 3, 1):
        answer = bring(
            store,
            incoming_sms(f"p{n}", reference=7, total=3, part=n, addresses="", fallback=rows[n - 1]),
        )
    assert answer.deliveries == [(n, *row, 0) for n, row in enumerate(rows, 1)]
    assert letters(store) == []


def test_a_long_answer_goes_to_the_mails_sender_alone(store: Store) -> None:
    store.mail(1)
    bring(store, *parts(1, 2, 3, answers_since_ms=1, fallback=fallback()))
    assert letters(store) == [(LetterKind.ANSWER, SENDER, "part1part2part3")]
    assert delivered(store) == []


def test_the_first_part_says_where_to(store: Store) -> None:
    """A keyword is in the first part, and so only its row knows what the rule says."""
    rest = {"reference": 7, "total": 2}
    bring(store, incoming_sms("b", part=2, addresses="other@example.org", fallback=fallback(b"b"), **rest))
    bring(store, incoming_sms("a", part=1, addresses=INBOX, fallback=None, **rest))
    assert letters(store) == [(LetterKind.INCOMING, INBOX, "ab")]
    assert delivered(store) == []
    bring(store, incoming_sms("b", part=2, addresses="", fallback=fallback(b"b", account="other"), **rest))
    bring(store, incoming_sms("a", part=1, addresses="", fallback=fallback(b"a"), **rest))
    assert [(row["account"], row["user_data"]) for row in store.rows("delivery")] == [
        ("app", b"a"),
        ("app", b"b"),
    ]


@pytest.mark.parametrize(
    ("there", "text"),
    [
        ((1,), "part1 …"),
        ((1, 4), "part1 … part4"),
        ((2, 3), "… part2part3 …"),
        ((4,), "… part4"),
        ((1, 3), "part1 … part3 …"),
    ],
)
def test_what_is_missing_is_not_waited_for_forever(store: Store, there: tuple[int, ...], text: str) -> None:
    bring(store, *parts(*there, total=4))
    assert not store.sweep(NOW_MS, part_before_ms=NOW_MS).letters_waiting
    assert store.sweep(NOW_MS + 1, part_before_ms=NOW_MS + 1).letters_waiting
    assert letters(store) == [(LetterKind.INCOMING, INBOX, text)]
    assert store.rows("incoming_part") == []


def test_an_account_gets_the_parts_that_came(store: Store) -> None:
    bring(store, incoming_sms(total=2, part=2, reference=7, addresses="", fallback=fallback(b"two")))
    answer = store.sweep(NOW_MS + DAY_MS, part_before_ms=NOW_MS + 1)
    assert answer.deliveries == [(1, *fallback(b"two"), 0)]


def test_too_many_parts_do_not_wait(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_steps, "PARTS_MAX", 2)
    bring(store, *parts(1, reference=1), *parts(1, reference=2), *parts(1, reference=3))
    assert [text for _, _, text in letters(store)] == ["part1"]
    bring(store, *parts(1, reference=4, connector="two"))
    assert len(store.rows("incoming_part")) == 3, "another connector has room"
    store.restart()
    bring(store, *parts(1, reference=5))
    assert len(letters(store)) == 2
    store.sweep(NOW_MS + DAY_MS, part_before_ms=NOW_MS + 1)
    bring(store, *parts(1, reference=6))
    assert len(store.rows("incoming_part")) == 1, "there is room again"


def test_the_last_part_has_room_when_others_have_none(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_steps, "PARTS_MAX", 2)
    bring(store, *parts(1, 2, 3))
    assert [text for _, _, text in letters(store)] == ["part1part2part3"]


# -- whole for an account ---------------------------------------------------------------------------

GAP = b"\x1b<...\x1b>"


def pieces(
    *numbers: int, total: int = 3, wide: bool = False, text: bytes = b"p%d ", **fields: Any
) -> list[Row]:
    """Parts as an account that wants them joined would get them."""
    rows = []
    for n in numbers:
        data = udh.build([udh.concatenation_element(7, total, n, wide)]) + (text % n)
        sms = fallback(data, esm_class=0x43, created_ms=NOW_MS + n)
        rows += parts(n, total=total, **{"addresses": "", "whole": 1, "fallback": sms, **fields})
    return rows


def whole(store: Store) -> list[tuple[bytes, int]]:
    return [(row["user_data"], row["esm_class"]) for row in store.rows("delivery")]


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
def test_an_account_may_get_a_long_sms_in_one_piece(store: Store, order: tuple[int, ...]) -> None:
    for n in order:
        assert store.rows("delivery") == []
        answer = bring(store, *pieces(n, wide=n == 2))
        store.restart()
    assert whole(store) == [(b"p1 p2 p3 ", 0x03)]
    wanted = fallback(b"p1 p2 p3 ", esm_class=0x03, created_ms=NOW_MS + 1)
    assert answer.deliveries == [(1, *wanted, 0)]


def test_sar_tlvs_are_not_of_the_whole(store: Store) -> None:
    kept = bytes.fromhex("020400020001")
    sar = [bytes.fromhex(f"020c00020007020e000102020f00010{n}") for n in (1, 2)]
    for n, tlvs in enumerate(sar, 1):
        sms = fallback(b"p%d" % n, tlvs=kept + tlvs)
        bring(store, *parts(n, total=2, whole=1, addresses="", fallback=sms))
    (row,) = store.rows("delivery")
    assert (row["user_data"], row["tlvs"], row["esm_class"]) == (b"p1p2", kept, 4)


@pytest.mark.parametrize(
    ("there", "text"),
    [((1,), b"p1 " + GAP), ((3,), GAP + b"p3 "), ((1, 3), b"p1 " + GAP + b"p3 ")],
)
def test_what_is_missing_of_a_whole_is_marked(store: Store, there: tuple[int, ...], text: bytes) -> None:
    bring(store, *pieces(*there))
    answer = store.sweep(NOW_MS + DAY_MS, part_before_ms=NOW_MS + DAY_MS)
    assert len(answer.deliveries) == 1
    assert whole(store) == [(text, 0x03)]
    assert store.rows("incoming_part") == []


def test_binary_data_has_no_mark(store: Store) -> None:
    sms = fallback(b"\x01\x02", data_coding=4)
    bring(store, *parts(2, whole=1, addresses="", fallback=sms))
    store.sweep(NOW_MS + DAY_MS, part_before_ms=NOW_MS + DAY_MS)
    assert delivered(store) == [b"\x01\x02"]


@pytest.mark.parametrize(
    "other", [{"number": "79990000000"}, {"own_number": "77"}, {"connector": "two"}, {"reference": 8}]
)
def test_a_whole_is_of_one_source(store: Store, other: dict[str, Any]) -> None:
    bring(store, *pieces(1, 2), *pieces(3, **other))
    assert store.rows("delivery") == []


def test_a_whole_that_comes_again_is_not_brought_again(store: Store) -> None:
    bring(store, *pieces(1, 2, 3), *pieces(3, 1, 2))
    store.restart()
    bring(store, *pieces(1, 2, 3))
    store.sweep(NOW_MS + 1, part_before_ms=NOW_MS + DAY_MS)
    assert whole(store) == [(b"p1 p2 p3 ", 0x03)]


def test_only_the_first_part_needs_to_know_that_it_is_whole(store: Store) -> None:
    """With keywords nobody knows more of the other parts."""
    for _ in range(2):
        bring(store, *pieces(2, 3, whole=0))
        bring(store, *pieces(1))
    assert whole(store) == [(b"p1 p2 p3 ", 0x03)]


def test_another_whole_with_the_same_reference_is_brought(store: Store) -> None:
    for text in ("a", "b"):
        for n in (1, 2):
            (row,) = pieces(n, total=2, text=text.encode() + b"%d")
            bring(store, (*row[:3], f"{text}{n}", *row[4:]))
    assert [data for data, _ in whole(store)] == [b"a1a2", b"b1b2"]


def test_a_mailbox_and_an_account_may_both_get_it_whole(store: Store) -> None:
    bring(store, *pieces(1, 2, 3, addresses=INBOX))
    assert letters(store) == [(LetterKind.INCOMING, INBOX, "part1part2part3")]
    assert whole(store) == [(b"p1 p2 p3 ", 0x03)]


def test_too_many_parts_go_to_the_account_as_they_came(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_steps, "PARTS_MAX", 1)
    bring(store, *pieces(1), *pieces(1, reference=8))
    assert len(whole(store)) == 1
    assert whole(store)[0][1] == 0x43
