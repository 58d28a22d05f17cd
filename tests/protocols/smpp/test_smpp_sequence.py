"""Sequence numbers: 1…0x7FFFFFFF, around, past what is outstanding."""

from protocols.smpp.sequence import next_sequence_number


def test_begins_with_one() -> None:
    assert next_sequence_number(0, ()) == 1


def test_security_13_the_last_one_is_followed_by_one() -> None:
    """Interop quirk 41."""
    assert next_sequence_number(0x7FFFFFFE, ()) == 0x7FFFFFFF
    assert next_sequence_number(0x7FFFFFFF, ()) == 1


def test_skips_what_is_outstanding() -> None:
    assert next_sequence_number(4, {5, 6, 8}) == 7
    assert next_sequence_number(0x7FFFFFFE, {0x7FFFFFFF, 1, 2}) == 3
