"""What numbering plans say of numbers."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.model import Account
from gateway.config.secret import Secret
from gateway.core import numbers
from gateway.core.admission import Rules
from gateway.core.errors import Refusal
from protocols.sms.addresses import is_e164

VECTORS = Path(__file__).parents[2] / "vectors" / "numbers"
LEVELS = ["none", "possible", "valid", "mobile"]
NATIONAL = [
    (region, text, digits)
    for region, numbers_ in yaml.safe_load((VECTORS / "national.yaml").read_text()).items()
    for text, digits in numbers_.items()
]
CHECKS = [
    (digits, level)
    for level, numbers_ in yaml.safe_load((VECTORS / "checks.yaml").read_text()).items()
    for digits in numbers_
]
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
    assert numbers.time_zone_of("18765551234") == "America/Jamaica"
    assert numbers.time_zone_of("447400123456") == "Europe/Guernsey"  # as late as in London
    assert numbers.time_zone_of("77011234567") == "Asia/Almaty"  # as late as in the west of the country


def test_a_mobile_number_has_the_zone_of_most_of_its_country() -> None:
    assert numbers.time_zone_of("79991234567") == "Europe/Moscow"
    assert len(numbers.time_zones_of("79991234567")) == 16
    assert numbers.time_zone_of("61412345678") == "Australia/Sydney"


@pytest.mark.parametrize("digits", ["351912345678", "70001234567", "883510012345", "8080", "Example", ""])
def test_a_number_of_several_times_or_of_none_has_no_zone(digits: str) -> None:
    assert numbers.time_zone_of(digits) == ""


def test_nothing_is_loaded_before_the_first_question() -> None:
    code = "import sys, gateway.core.numbers; sys.exit('phonenumbers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(("region", "text", "digits"), NATIONAL)
def test_a_number_as_its_country_writes_it_becomes_international(
    region: str, text: str, digits: str | None
) -> None:
    assert numbers.national_to_e164(text, region) == digits


@pytest.mark.parametrize(
    "text", ["8800123FLOW", "8 916 123-45-67 #5", "89161234567;ext=5", "8 916 123-45-67 x5"]
)
def test_a_number_with_letters_or_an_extension_is_none(text: str) -> None:
    assert numbers.national_to_e164(text, "RU") is None


@pytest.mark.parametrize(("digits", "best"), CHECKS)
def test_a_number_passes_the_checks_up_to_the_one_it_is_good_for(digits: str, best: str) -> None:
    passed = [level for level in LEVELS if numbers.check(digits, level)]
    assert passed == LEVELS[: LEVELS.index(best) + 1]


@given(
    st.one_of(
        st.text("0123456789+ ()-", max_size=24), st.text(max_size=30), st.text("0123456789", max_size=17)
    ),
    st.sampled_from(["RU", "US", "IT", "AR", "AT", "GL"]),
)
def test_whatever_is_written_is_an_international_number_or_none(text: str, region: str) -> None:
    digits = numbers.national_to_e164(text, region)
    assert digits is None or (is_e164(digits) and numbers.national_to_e164("+" + digits, region) == digits)


@given(st.one_of(st.text("0123456789", max_size=17), st.text(max_size=20)))
def test_whatever_is_asked_has_an_answer(digits: str) -> None:
    passed = [numbers.check(digits, level) for level in LEVELS]
    assert passed == sorted(passed, reverse=True)
    assert isinstance(numbers.time_zone_of(digits), str)
    assert len(numbers.country_of(digits)) in (0, 2)


def test_regions_are_countries_in_capital_letters() -> None:
    assert [numbers.is_region(name) for name in ("RU", "AC", "ru", "UK", "001", "", "ZZ")] == [
        True,
        True,
        False,
        False,
        False,
        False,
        False,
    ]


def test_no_region_reads_no_national_numbers() -> None:
    assert numbers.reader_of("") is None
    read = numbers.reader_of("RU")
    assert read is not None
    assert read("8 999 123-45-67") == "79991234567"


def test_an_account_may_not_write_to_numbers_that_do_not_pass_its_check() -> None:
    config = Account(system_id="app", password_hash=Secret("x"), number_check="mobile")
    rules = Rules(config, 1)
    assert rules
    assert rules.forbids("79991234567") is None
    assert rules.forbids("74951234567") is rules.forbids("8080") is Refusal.NUMBER
    assert rules.forbids("") is None  # a message of a service, to an address of another kind
    assert not Rules(replace(config, number_check="none"), 1)
