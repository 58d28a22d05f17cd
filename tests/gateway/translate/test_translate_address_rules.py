"""How numbers are written by the rules of accounts and connectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.config.smpp_model import AddressRule
from gateway.translate.address_rules import AS_IT_CAME, by_rule

VECTORS = Path(__file__).parents[2] / "vectors" / "numbers" / "senders.yaml"
SENDERS = [(part["rule"], *pair) for part in yaml.safe_load(VECTORS.read_text()) for pair in part["written"]]


@pytest.mark.parametrize(("rule", "came", "written"), SENDERS)
def test_numbers_short_codes_and_names_have_their_own_types(
    rule: dict[str, Any], came: list[Any], written: list[Any]
) -> None:
    assert by_rule(AddressRule(**rule), *came) == tuple(written)


@pytest.mark.parametrize(
    ("prefix", "ton", "number", "written"),
    [
        ("keep", 1, "+79990000001", "+79990000001"),
        ("keep", 1, "0079990000001", "0079990000001"),
        ("none", 1, "+79990000001", "79990000001"),
        ("none", 0, "0079990000001", "79990000001"),
        ("plus", 1, "79990000001", "+79990000001"),
        ("plus", 0, "0079990000001", "+79990000001"),
        ("00", 1, "+79990000001", "0079990000001"),
        ("plus", 0, "1234", "1234"),
        ("plus", 2, "89990000001", "89990000001"),
        ("none", 2, "0049990000001", "0049990000001"),
        ("plus", 3, "7900", "7900"),
    ],
)
def test_the_prefix_of_an_international_number_is_written_as_the_rule_says(
    prefix: str, ton: int, number: str, written: str
) -> None:
    assert by_rule(AddressRule(prefix=prefix), ton, 1, number) == (ton, 1, written)  # type: ignore[arg-type]


def test_ton_and_npi_of_numbers_are_the_rules() -> None:
    assert by_rule(AddressRule(ton=1, npi=1), 0, 0, "79990000001") == (1, 1, "79990000001")
    assert by_rule(AddressRule(ton=0), 1, 1, "+79990000001") == (0, 1, "+79990000001")
    assert by_rule(AS_IT_CAME, 2, 8, "9990000001") == (2, 8, "9990000001")


@pytest.mark.parametrize("name", ["Example", "+Example", "", "Shop24"])
def test_a_name_stays_as_it_is(name: str) -> None:
    assert by_rule(AddressRule(ton=1, npi=1, prefix="plus"), 5, 0, name) == (5, 0, name)
    assert by_rule(AddressRule(ton=1, npi=1, prefix="plus"), 0, 0, name) == (0, 0, name)
