"""Which id forms a connector's receipts are tried in, and how the usual one is learnt."""

from __future__ import annotations

import pytest
from gateway_fakes import NOW_MS, FakeJournal, recorded_events

from gateway.core.batch import Row
from gateway.core.receipts import DOUBT_AFTER, SURE_AFTER, ReceiptBook, results
from gateway.core.smsc_ids import MAX_OCTETS
from protocols.sms.receipts import FORMS


class Book:
    """The receipts of the connector "one", and a store whose matches the test decides."""

    def __init__(self) -> None:
        self.journal = FakeJournal()
        self.events, self.written = recorded_events()
        self.book = ReceiptBook("one", self.journal, self.events)

    def keys(self, upstream_id: str) -> tuple[str | None, ...]:
        return tuple(self.take(upstream_id)[2:5])

    def take(self, upstream_id: str) -> Row:
        self.book.take(upstream_id, "79161234567", 2, True, "000", NOW_MS)
        (row,) = self.journal.commit().receipts
        return row

    def match(self, how: int | None, times: int = 1, upstream_id: str = "10", replay: int = 0) -> None:
        for _ in range(times):
            self.book.result(self.take(upstream_id), how, None if how is None else 1, replay)


def test_the_row_of_a_receipt() -> None:
    row = Book().take("0010")
    assert row == ("one", "0010", "10", "16", "a", "79161234567", 2, 1, "000", NOW_MS, "")


def test_at_first_every_form_is_tried() -> None:
    book = Book()
    assert book.book.usual_form == "same"
    assert book.keys("1F") == ("1f", "31", None)  # cannot be decimal
    assert book.keys("31") == ("31", "49", "1f")


@pytest.mark.parametrize(
    ("form", "upstream_id", "key"),
    [
        ("same", "001F", "1f"),
        ("hex_to_dec", "1F", "31"),
        ("dec_to_hex", "31", "1f"),
        ("dec_to_hex", "1F", "?1F"),
    ],
)
def test_quirk_01_a_form_that_is_known_is_the_only_one(form: str, upstream_id: str, key: str) -> None:
    book = Book()
    book.book.only(form)
    assert book.keys(upstream_id) == (key, None, None)
    book.match(None, DOUBT_AFTER + 1)
    book.match(1, SURE_AFTER + 1)
    assert (book.book.usual_form, book.keys(upstream_id)) == (form, (key, None, None))


@pytest.mark.parametrize("final", [0, 1, 0x08, 0x10, 0x20])
def test_a_notice_says_what_kind_it_is_of(final: int) -> None:
    book = Book()
    book.book.take("10", "79161234567", 2, final, "000", NOW_MS, "yes")
    (row,) = book.journal.commit().receipts
    assert (row[7], row[10]) == (final, "yes")


def test_an_id_with_dashes_is_never_converted() -> None:
    assert Book().keys("C87C2273-7EDB-4BC7") == ("c87c2273-7edb-4bc7", None, None)


def test_the_form_that_matches_becomes_the_first() -> None:
    book = Book()
    book.match(3)
    assert book.book.usual_form == "dec_to_hex"
    assert book.keys("31") == ("1f", "31", "49")
    book.events.flush()
    assert "receipt_ids connector=one form=dec_to_hex" in "".join(book.written)


def test_one_stray_match_does_not_turn_the_usual_form() -> None:
    book = Book()
    book.match(1, 5)
    book.match(2)
    assert book.book.usual_form == "same"


def test_after_enough_matches_of_one_form_alone_no_other_is_tried() -> None:
    book = Book()
    book.match(1, SURE_AFTER - 1)
    assert book.keys("31") == ("31", "49", "1f")
    book.match(1)
    assert book.keys("31") == ("31", None, None)


def test_mixed_forms_never_make_sure() -> None:
    book = Book()
    book.match(1)
    book.match(2)
    book.match(1, SURE_AFTER * 2)
    assert book.keys("31") == ("31", "49", "1f")


def test_results_that_come_after_the_order_has_changed_count_for_their_own_form() -> None:
    """Receipts by the hundred are under way when the first result turns the order."""
    book = Book()
    rows = [book.take(str(1000 + n)) for n in range(SURE_AFTER)]
    for row in rows:
        book.book.result(row, 3, 1, 0)
    assert book.book.usual_form == "dec_to_hex"
    assert book.keys("31") == ("1f", None, None)


def test_an_id_that_reads_the_same_in_every_form_speaks_for_the_usual_one() -> None:
    book = Book()
    book.match(3, upstream_id="1000")
    book.match(1, SURE_AFTER, upstream_id="7")
    assert book.book.usual_form == "dec_to_hex"
    assert book.keys("31") == ("1f", None, None)


def test_many_misses_bring_every_form_back() -> None:
    book = Book()
    book.match(1, SURE_AFTER)
    book.match(None, DOUBT_AFTER - 1)
    assert book.keys("31") == ("31", None, None)
    book.match(None)
    assert book.keys("31") == ("31", "49", "1f")


def test_a_match_between_misses_prevents_the_doubt() -> None:
    book = Book()
    book.match(1, SURE_AFTER)
    for _ in range(3):
        book.match(None, DOUBT_AFTER - 1)
        book.match(1)
    assert book.keys("31") == ("31", None, None)


def test_an_id_that_cannot_be_of_the_usual_form_is_still_kept() -> None:
    book = Book()
    book.match(2)  # the usual form is now hexadecimal in the receipt
    assert book.keys("not-hex") == ("?not-hex", "not-hex", None)
    book.match(1, SURE_AFTER)
    assert book.keys("not-hex") == ("?not-hex", None, None)
    assert book.keys("") == ("?", None, None)


def test_fields_of_a_peer_are_bounded() -> None:
    book = Book()
    book.book.take("9" * 500, "79161234567", 5, True, "e" * 500, NOW_MS)
    (row,) = book.journal.commit().receipts
    assert len(row[1]) == 65
    assert len(row[2]) <= 66
    assert len(row[8]) == 16


def test_ids_that_are_ours_are_taken_as_they_are() -> None:
    book = Book()
    book.book = ReceiptBook("one", book.journal, book.events, forms=FORMS[:1])
    long = "g1-1-1/" + "a" * 250 + "@example.org"
    assert book.take(long.upper())[1:5] == (long.upper(), long, None, None)
    assert book.keys("10") == ("10", None, None)
    assert len(book.take("9" * 500)[1]) == MAX_OCTETS
    book.match(1, SURE_AFTER, long)
    assert book.book.usual_form == "same"


def test_somebody_hears_of_each_receipt() -> None:
    book = Book()
    heard: list[str] = []
    book.take("1")
    book.book.on_receipt = heard.append
    book.take("2")
    assert heard == ["2"]


def test_counts() -> None:
    book = Book()
    book.match(1, 3)
    book.match(None, 2)
    book.match(1, replay=1)
    counted = (book.book.matched, book.book.unmatched, book.book.replays)
    assert counted == (3, 2, 1)
    book.book.found_later(book.take("10"), 7)
    assert (book.book.matched, book.book.unmatched) == (4, 1)


def test_a_match_is_an_event_and_a_replay_is_none() -> None:
    book = Book()
    book.match(1, upstream_id="77")
    book.match(1, replay=1)
    book.match(None)
    book.events.flush()
    assert "".join(book.written).count("receipt message_id=1 connector=one state=DELIVERED error=000") == 1


def test_results_go_to_the_book_of_their_connector() -> None:
    one, two = Book(), Book()
    books = {"one": one.book, "two": two.book}
    rows = [one.take("1"), ("two", *two.take("2")[1:]), ("gone", *two.take("3")[1:])]
    # what follows the batch's own receipts were parked ones
    results(books, rows, [(1, 5, 0), (None, None, None), (1, 6, 0), (1, 7, 0)])
    assert (one.book.matched, one.book.unmatched) == (1, 0)
    assert (two.book.matched, two.book.unmatched) == (0, 1)


@pytest.mark.parametrize("form", ["same", "hex_to_dec", "dec_to_hex"])
def test_learning_finds_each_form(form: str) -> None:
    """A store that only knows ids in one form: after a few receipts it is tried first."""
    responses = {"same": "255", "hex_to_dec": "597", "dec_to_hex": "ff"}
    book = Book()
    for _ in range(3):
        row = book.take("255")
        how = row[2:5].index(responses[form]) + 1
        book.book.result(row, how, 1, 0)
    assert book.book.usual_form == form
    assert book.keys("255")[0] == responses[form]
