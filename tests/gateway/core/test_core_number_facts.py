"""What people are told of numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.number_facts import NO_NUMBER, NO_RANGE, OTHERWISE, describe, operator_of, region_of


def test_all_that_is_known() -> None:
    assert describe("020 7946 0018", "GB") == {
        "number": "020 7946 0018",
        "e164": "+442079460018",
        "possible": True,
        "valid": True,
        "problem": "",
        "national": "020 7946 0018",
        "type": "fixed line",
        "country": "GB",
        "region": "London",
        "operator": "",
        "time_zone": "Europe/London",
        "time_zones": ["Europe/London"],
    }


def test_the_operator_and_the_region_have_names_in_languages() -> None:
    assert operator_of("79991234567") == "MegaFon"
    assert operator_of("8613123456789", "zh") == "中国联通"
    assert region_of("4930123456", "de") == region_of("4930123456") == "Berlin"
    assert operator_of("8080") == region_of("8080") == ""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("+7999123456", "too short"),
        ("799912345678", "no number of its country has so many digits"),
        ("+447400123456789", "too long"),
        ("+15551234", "too short but within its town"),
        ("+9991234567", "no country has this code"),
        ("+70001234567", NO_RANGE),
        ("+789991234567", OTHERWISE),
        ("8080", NO_NUMBER),
        ("Example", NO_NUMBER),
        ("", NO_NUMBER),
    ],
)
def test_why_a_number_is_not_valid(text: str, problem: str) -> None:
    assert describe(text)["problem"] == problem


@given(
    st.one_of(st.text(max_size=20), st.text("+0123456789 ", max_size=18)), st.sampled_from(["", "RU", "US"])
)
def test_whatever_is_asked_is_answered(text: str, region: str) -> None:
    facts = describe(text, region)
    assert bool(facts["problem"]) != facts["valid"]
    assert facts["possible"] or not facts["valid"]
    assert ("national" in facts) == bool(facts["e164"])
