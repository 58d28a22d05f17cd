"""Whose a number is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.networks import UNKNOWN, hours_from, mccmnc_of, network_of
from protocols.sms.countries import COUNTRIES
from protocols.smsc_http.times import zone_of

_SUMMER = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("digits", "country", "mcc"),
    [
        ("79161234567", "Russia", "250"),
        ("77012345678", "Kazakhstan", "401"),
        ("380501234567", "Ukraine", "255"),
        ("14155550123", "USA", "310"),
        ("14165550123", "Canada", "302"),
        ("447400123456", "United Kingdom", "234"),
        ("4915112345678", "Germany", "262"),
    ],
)
def test_a_number_has_the_country_of_its_code(digits: str, country: str, mcc: str) -> None:
    network = network_of(digits)
    assert (network.country, network.mcc) == (country, mcc)
    assert mccmnc_of(digits) == mcc


def test_a_range_has_the_operator_that_it_was_given_to() -> None:
    assert network_of("79031234567").operator == "Beeline"


@pytest.mark.parametrize("digits", ["", "12", "0", "999", "a", "8005550100" * 2])
def test_of_what_is_no_number_nothing_is_known(digits: str) -> None:
    assert network_of(digits) == UNKNOWN
    assert mccmnc_of(digits) == ""


@given(st.text(max_size=20) | st.text("0123456789", max_size=20))
def test_any_text_can_be_asked_for(text: str) -> None:
    network = network_of(text)
    assert network.mcc == mccmnc_of(text)


def test_every_country_has_a_name_and_a_code() -> None:
    for code, country in COUNTRIES.items():
        assert len(code) == 2 and code.isupper()
        assert country.name
        assert len(country.mcc) == 3 and country.mcc.isdecimal() and country.mcc[0] in "234567"


@pytest.mark.parametrize(
    ("time_zone", "hours"),
    [("Europe/Moscow", "0"), ("Asia/Kolkata", "2.5"), ("Europe/Berlin", "-1"), ("", ""), ("No/Where", "")],
)
def test_hours_from_moscow(time_zone: str, hours: str) -> None:
    assert hours_from(zone_of(0), time_zone, _SUMMER) == hours
