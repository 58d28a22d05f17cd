"""How messages and incoming SMS of an SMSC service are known."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.smsc_ids import MAX_OCTETS, incoming_key, phone_key, upstream_id_of

LONG = "a.very.long.mailbox.of.somebody@mail." + "department." * 26 + "example.org"


@pytest.mark.parametrize(
    ("id", "phone", "expected"),
    [
        (1234, "79991234567", "1234/79991234567"),
        ("1234", "+7 (999) 123-45-67", "1234/79991234567"),
        ("g-1.a_B", "Ops@Example.org", "g-1.a_B/ops@example.org"),
        ("x" * 40, f"{'o' * 64}@{'e' * 185}.org", f"{'x' * 40}/{'o' * 64}@{'e' * 185}.org"),
        (7, LONG, f"7/{sha256(LONG.encode()).hexdigest()[:32]}"),
    ],
)
def test_an_id_is_ours_and_whom_it_went_to(id: int | str, phone: str, expected: str) -> None:
    assert upstream_id_of(id, phone) == expected


def test_what_fits_to_the_last_octet_is_kept() -> None:
    fits = "a" * (MAX_OCTETS - 2 - 4) + "@b.c"
    assert upstream_id_of(1, fits) == f"1/{fits}"
    assert upstream_id_of(12, fits) == f"12/{sha256(fits.encode()).hexdigest()[:32]}"


def test_octets_count_and_not_characters() -> None:
    address = "п" * 160 + "@пример.рф"
    assert upstream_id_of(1, address) == f"1/{sha256(address.encode()).hexdigest()[:32]}"


@given(id=st.text("abcXYZ0123456789._-", min_size=1, max_size=40), phone=st.text(max_size=300))
def test_every_id_fits_into_the_store(id: str, phone: str) -> None:
    text = upstream_id_of(id, phone)
    assert len(text.encode("utf-8", "surrogatepass")) <= MAX_OCTETS
    assert text.startswith(f"{id}/")
    assert text == upstream_id_of(id, phone_key(phone))


def test_other_addresses_under_one_long_id_stay_apart() -> None:
    id = "x" * 40
    assert upstream_id_of(id, LONG) != upstream_id_of(id, "b" + LONG)


def test_the_services_number_is_the_key_of_an_incoming_sms() -> None:
    assert incoming_key(17) == incoming_key("17") == 17


@pytest.mark.parametrize("id", ["", "x1", "-5", "1.0", "٤", "9" * 19, "waitcall 79991234567 1735689600"])
def test_what_is_no_number_has_a_key_below_zero(id: str) -> None:
    assert -(1 << 56) <= incoming_key(id) < 0
    assert incoming_key(id) == incoming_key(id)
    assert incoming_key(id) != incoming_key(id + "0")
