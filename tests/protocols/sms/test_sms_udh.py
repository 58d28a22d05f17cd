"""The user data header: vectors, contradictions, round trips."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.sms.udh import Concatenation, UdhError, build, concatenation, concatenation_element, parse

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "sms" / "udh.json").read_text("utf-8"))


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in VECTORS])
def test_vectors(vector: dict[str, Any]) -> None:
    user_data = bytes.fromhex(vector["hex"])
    elements, rest = parse(user_data)
    assert elements == [(identifier, bytes.fromhex(value)) for identifier, value in vector["elements"]]
    assert rest == bytes.fromhex(vector["rest"])
    expected = vector["concatenation"]
    assert concatenation(elements) == (expected and Concatenation(*expected))
    assert build(elements) + rest == user_data


@pytest.mark.parametrize(
    "user_data",
    ["", "01", "05", "050003CC03", "FF0003CC0301", "0100", "030003CC0301", "050004CC0301", "060003CC030100"],
)
def test_security_25_header_longer_than_its_data_is_refused(user_data: str) -> None:
    with pytest.raises(UdhError):
        parse(bytes.fromhex(user_data))


@pytest.mark.parametrize(
    ("identifier", "value"),
    [
        (0, "CC0000"),  # no parts
        (0, "CC0001"),
        (0, "CC0300"),  # part 0
        (0, "CC0304"),  # part 4 of 3
        (0, "CC03"),
        (0, "CC030100"),
        (8, "00CC0000"),
        (8, "00CC0300"),
        (8, "00CC0304"),
        (8, "CC0301"),
        (8, ""),
    ],
)
def test_security_26_concatenation_nonsense_is_refused(identifier: int, value: str) -> None:
    with pytest.raises(UdhError):
        concatenation([(identifier, bytes.fromhex(value))])


def test_security_26_nonsense_before_a_good_element_is_refused_too() -> None:
    with pytest.raises(UdhError):
        concatenation([(0, b"\x01\x00\x00"), (0, b"\x01\x02\x01")])


@pytest.mark.parametrize(("total", "sequence"), [(0, 0), (2, 0), (2, 3), (256, 1)])
def test_an_element_that_could_not_be_read_back_is_not_made(total: int, sequence: int) -> None:
    with pytest.raises(UdhError):
        concatenation_element(1, total, sequence)


@pytest.mark.parametrize("elements", [[(0, b"x" * 254)], [(256, b"")], [(-1, b"")], [(1, b"x" * 126)] * 2])
def test_a_header_beyond_its_limits_is_not_built(elements: list[tuple[int, bytes]]) -> None:
    with pytest.raises(UdhError):
        build(elements)


def test_the_largest_header() -> None:
    header = build([(1, b"x" * 253)])
    assert len(header) == 256
    assert parse(header) == ([(1, b"x" * 253)], b"")


@settings(max_examples=150, deadline=None)
@given(
    elements=st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=20)), max_size=10),
    rest=st.binary(max_size=50),
)
def test_what_is_built_parses_back(elements: list[tuple[int, bytes]], rest: bytes) -> None:
    assert parse(build(elements) + rest) == (elements, rest)


@settings(max_examples=100, deadline=None)
@given(reference=st.integers(0, 2**20), total=st.integers(1, 255), data=st.data(), wide=st.booleans())
def test_concatenation_reads_back(reference: int, total: int, data: st.DataObject, wide: bool) -> None:
    sequence = data.draw(st.integers(1, total))
    element = concatenation_element(reference, total, sequence, wide)
    kept = reference & (0xFFFF if wide else 0xFF)
    assert concatenation([(5, b"\0\0\0\0"), element]) == Concatenation(kept, total, sequence, wide)
