"""Recipients as the service understands them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.smsc_http.recipients import MAX_RECIPIENT, canonical_number, is_bot_user, is_mail, is_number


@pytest.mark.parametrize(
    ("given_number", "digits"),
    [
        ("+79990000001", "79990000001"),
        ("8 (999) 000-00-01", "79990000001"),
        ("9990000001", "79990000001"),
        ("+89990000001", "89990000001"),
        ("0049151123456", "49151123456"),
        ("380990000001", "380990000001"),
        ("12", "12"),
        ("", ""),
        ("+", ""),
    ],
)
def test_numbers_are_corrected(given_number: str, digits: str) -> None:
    assert canonical_number(given_number) == digits


@pytest.mark.parametrize(
    ("digits", "good"),
    [
        ("79990000001", True),
        ("7999000000", False),
        ("799900000012", False),
        ("4915112345678", True),
        ("2991234", True),
        ("0999000000", False),
        ("299123", False),
        ("1" * 16, False),
        ("٧٩٩٩٠٠٠٠٠٠١", False),
        ("", False),
    ],
)
def test_what_a_number_is(digits: str, good: bool) -> None:
    assert is_number(digits) is good


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("a@example.org", True),
        ("a@example", False),
        ("a@.", False),
        ("@example.org", False),
        ("a b@example.org", False),
        ("a@b@example.org", False),
        ("a" * MAX_RECIPIENT + "@example.org", False),
    ],
)
def test_what_an_address_is(address: str, good: bool) -> None:
    assert is_mail(address) is good


@pytest.mark.parametrize(
    ("name", "good"), [("alex_nick", True), ("#1122334455", True), ("#", False), ("1a", False)]
)
def test_who_a_bot_can_write_to(name: str, good: bool) -> None:
    assert is_bot_user(name) is good


@given(st.text(max_size=40))
def test_anything_is_corrected_once(text: str) -> None:
    digits = canonical_number(text)
    if is_number(digits):
        assert digits.isascii() and digits.isdecimal()
        assert canonical_number(f"+{digits}") == digits
