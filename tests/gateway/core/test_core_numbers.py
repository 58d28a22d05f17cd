"""What numbering plans say of numbers."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import numbers

COUNTRIES = {
    "79991234567": "RU",
    "77011234567": "KZ",
    "12125551234": "US",
    "14165551234": "CA",
    "18765551234": "JM",
    "447400123456": "GB",
    "447781123456": "GG",
    "390669812345": "VA",
    "393123456789": "IT",
    "4915123456789": "DE",
    "883510012345": "",  # networks of no country
    "8080": "",
    "0079991234567": "",
    "Example": "",
    "": "",
}


@pytest.mark.parametrize(("digits", "country"), COUNTRIES.items())
def test_country_of_a_number(digits: str, country: str) -> None:
    assert numbers.country_of(digits) == country


def test_a_number_that_is_not_given_out_has_the_country_of_its_code() -> None:
    assert numbers.country_of("447000000000000") == "GB"
    assert numbers.country_of("70001234567") == "RU"


@given(st.text("0123456789", max_size=18), st.text("0123456789", min_size=1, max_size=4))
def test_the_country_depends_on_the_beginning_and_the_length(digits: str, other: str) -> None:
    end = digits[8:]
    changed = digits[:8] + (other * len(end))[: len(end)]
    assert numbers.country_of(digits) == numbers.country_of(changed)


def test_time_zone_of_a_number() -> None:
    assert numbers.time_zone_of("74951234567") == "Europe/Moscow"
    assert numbers.time_zone_of("12125551234") == "America/New_York"
    assert numbers.time_zone_of("447400123456") == "Europe/Guernsey"  # as late as in London


@pytest.mark.parametrize("digits", ["79991234567", "883510012345", "8080", "Example", ""])
def test_a_number_of_several_times_or_of_none_has_no_zone(digits: str) -> None:
    assert numbers.time_zone_of(digits) == ""


def test_nothing_is_loaded_before_the_first_question() -> None:
    code = "import sys, gateway.core.numbers; sys.exit('phonenumbers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
