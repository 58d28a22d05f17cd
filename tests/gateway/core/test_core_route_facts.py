"""What conditions of routes see of messages that are not plain."""

from __future__ import annotations

import pytest
from gateway_fakes import NOW_MS, draft

from gateway.config.route_model import Route
from gateway.core.route_conditions import account_names, conditions_of
from gateway.core.route_facts import Facts, facts_of

COMPRESSED = 0x20


def facts(**fields: object) -> Facts:
    return facts_of("app", draft(**fields), 0, NOW_MS)


def holds(route: Route, about: Facts) -> bool:
    return all(condition.holds(about) for condition in conditions_of(route, account_names([])))


def test_a_segment_that_its_sender_made_is_as_many_as_it_says_there_are() -> None:
    assert facts(part=(7, 3, 2), segments=1).segments == 3
    assert facts(segments=2).segments == 2


def test_a_compressed_text_is_not_read() -> None:
    assert facts(user_data=b"code 1234").text == "code 1234"
    assert facts(user_data=b"code 1234", data_coding=COMPRESSED).text == ""


@pytest.mark.parametrize("pattern", ["source_pattern", "destination_pattern"])
def test_what_is_longer_than_addresses_are_is_like_no_pattern(pattern: str) -> None:
    name = pattern.removesuffix("_pattern")
    for length, fits in ((21, True), (22, False)):
        about = facts(**{name: "7" * length, f"{name}_ton": 1})
        assert holds(Route(**{pattern: ".*"}), about) is fits  # type: ignore[arg-type]


def test_a_text_with_the_letters_of_a_language_is_read_with_its_tables() -> None:
    header = bytes([3, 0x25, 1, 1])  # locking shift, Turkish (3GPP TS 23.040 9.2.3.24.16)
    about = facts(user_data=header + b"\x07 code", esm_class=0x40)
    assert about.text == "ı code"
