"""First digits that an account may write to: the longest decides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.destinations import Destinations

digits = st.text("789", min_size=1, max_size=6)
entries = st.dictionaries(digits, st.booleans(), max_size=8)


def naive(allows: dict[str, bool], number: str) -> bool:
    """Every prefix of the number, from the whole of it down."""
    for end in range(len(number), 0, -1):
        if number[:end] in allows:
            return allows[number[:end]]
    return True not in allows.values()


@given(entries, st.text("789", max_size=9))
def test_the_longest_that_fits_decides(allows: dict[str, bool], number: str) -> None:
    written = [("" if allowed else "-") + prefix for prefix, allowed in allows.items()]
    assert Destinations(written).allow(number) == naive(allows, number)


@pytest.mark.parametrize(
    ("number", "allowed"),
    [("79161234567", True), ("77011234567", False), ("77771234567", True), ("491512345678", False)],
)
def test_an_example(number: str, allowed: bool) -> None:
    assert Destinations(["7", "-77", "7777"]).allow(number) is allowed


def test_denied_ones_alone_leave_the_others_allowed() -> None:
    only_denied = Destinations(["-77"])
    assert only_denied.allow("49151")
    assert not only_denied.allow("77011")
