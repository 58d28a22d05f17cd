"""What the elements of a header say, both ways."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.sms import udh
from protocols.sms.udh import Element, UdhError
from protocols.sms.udh_values import (
    ANIMATIONS,
    SOUNDS,
    Address,
    Formatting,
    Indication,
    Ports,
    Predefined,
    formatting_element,
    indication_element,
    ports_element,
    ports_of,
    predefined_element,
    read_formatting,
    read_header_length,
    read_indication,
    read_predefined,
    read_reply_address,
    reply_address_element,
)

CASES = json.loads((Path(__file__).parents[2] / "vectors" / "sms" / "udh_values.json").read_text("utf-8"))

MAKERS = {
    "ports": lambda values: ports_element(*values, wide=max(values) > 255),
    "indication": lambda values: indication_element(Indication(*values)),
    "formatting": lambda values: formatting_element(Formatting(*values)),
    "sound": lambda values: predefined_element(udh.PREDEFINED_SOUND, *values),
    "animation": lambda values: predefined_element(udh.PREDEFINED_ANIMATION, *values),
    "mail": lambda values: (udh.RFC_822_HEADER, bytes(values)),
    "reply": lambda values: reply_address_element(Address(*values)),
}


def read(kind: str, element: Element) -> object:
    if kind == "ports":
        return ports_of([element])
    if kind == "mail":
        return (read_header_length(element[1]),)
    readers = {
        "indication": read_indication,
        "formatting": read_formatting,
        "sound": read_predefined,
        "animation": read_predefined,
        "reply": read_reply_address,
    }
    return readers[kind](element[1])


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_elements_both_ways(case: dict[str, Any]) -> None:
    octets = bytes.fromhex(case["hex"])
    [element], _ = udh.parse(bytes((len(octets),)) + octets)
    assert read(case["kind"], element) == tuple(case["values"])
    assert MAKERS[case["kind"]](case["values"]) == element


def test_of_several_ports_the_last_counts_and_a_malformed_one_does_not() -> None:
    assert ports_of([ports_element(1, 2), ports_element(240, 241, wide=False)]) == Ports(240, 241)
    assert ports_of([ports_element(1, 2), (udh.PORTS_16_BIT, b"\0")]) == Ports(1, 2)
    assert ports_of([(udh.CONCATENATION_8_BIT, b"\1\2\1")]) is None


def test_ports_without_room_are_refused() -> None:
    with pytest.raises(UdhError):
        ports_element(256, 0, wide=False)
    with pytest.raises(UdhError):
        ports_element(65_536, 0)


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        (read_indication, "80"),
        (read_formatting, "0000"),
        (read_formatting, "0000000000"),
        (read_predefined, "00"),
        (read_header_length, ""),
        (read_reply_address, "0B"),
        (read_reply_address, "0B919761"),
        (read_reply_address, "02119761"),
        (read_reply_address, "0491FF61"),
    ],
)
def test_values_of_a_wrong_form_are_refused(reader: Any, value: str) -> None:
    with pytest.raises(UdhError):
        reader(bytes.fromhex(value))


@pytest.mark.parametrize(
    "address", [Address(5, 0, "ABCDEFGHIJKL"), Address(1, 1, "1" * 21), Address(1, 1, "+1")]
)
def test_addresses_that_cannot_be_written_are_refused(address: Address) -> None:
    with pytest.raises(UdhError):
        reply_address_element(address)


def test_every_named_element_has_one_number() -> None:
    numbers = [value for name, value in vars(udh).items() if name.isupper() and isinstance(value, int)]
    assert sorted(numbers) == sorted(udh.NAMES)
    assert (len(SOUNDS), len(ANIMATIONS)) == (10, 15)


flags = st.booleans()
small = st.integers(0, 3)
octet = st.integers(0, 255)


@given(st.builds(Indication, small, octet, flags, st.integers(0, 7), small))
def test_indications(said: Indication) -> None:
    assert read_indication(indication_element(said)[1]) == said


@given(st.builds(Formatting, octet, octet, small, small, flags, flags, flags, flags, st.none() | octet))
def test_formatting(said: Formatting) -> None:
    assert read_formatting(formatting_element(said)[1]) == said


@given(st.sampled_from([0, 1, 2, 3]), small, st.text(st.sampled_from("0123456789*#abc"), max_size=20))
def test_reply_addresses(ton: int, npi: int, digits: str) -> None:
    said = Address(ton, npi, digits)
    assert read_reply_address(reply_address_element(said)[1]) == said


@given(st.text(st.sampled_from("abcXYZ @{"), max_size=5))
def test_reply_names(name: str) -> None:
    said = Address(5, 0, name)
    assert read_reply_address(reply_address_element(said)[1]) == said


@given(st.binary(max_size=14))
def test_any_value_is_read_or_refused(value: bytes) -> None:
    ports_of([(udh.PORTS_16_BIT, value), (udh.PORTS_8_BIT, value)])
    readers = (read_indication, read_formatting, read_predefined, read_header_length, read_reply_address)
    for reader in readers:
        try:
            reader(value)
        except UdhError:
            continue


def test_a_predefined_sound_stands_in_a_header_with_the_text() -> None:
    elements = [
        predefined_element(udh.PREDEFINED_SOUND, 0, 2),
        formatting_element(Formatting(0, 4, bold=True)),
    ]
    found, text = udh.parse(udh.build(elements) + b"Ding")
    assert text == b"Ding"
    assert read_predefined(found[0][1]) == Predefined(0, 2)
    assert read_formatting(found[1][1]).bold
