"""TLVs beyond the specification: their names, what they may hold, which ones pass."""

from __future__ import annotations

import pytest

from gateway.config.connector_model import VendorTlv
from gateway.translate.vendor_tlvs import VendorTlvs
from protocols.smpp import tlv

CHARGING = VendorTlv(name="charging_id", tag="0x1400", type="string", max_octets=4)
TARIFF = VendorTlv(name="tariff", tag="0x1401", type="integer", max_octets=2)
ANYTHING = VendorTlv(name="anything", tag="0x1402", max_octets=3)
CONFIGURED = VendorTlvs([CHARGING, TARIFF, ANYTHING])


def test_a_tag_is_named_by_the_configuration_by_the_specification_or_by_its_number() -> None:
    assert CONFIGURED.tag_of("charging_id") == 0x1400
    assert CONFIGURED.tag_of("message_payload") == tlv.MESSAGE_PAYLOAD
    assert CONFIGURED.tag_of("0x1FfF") == 0x1FFF
    with pytest.raises(KeyError):
        CONFIGURED.tag_of("tarif")


@pytest.mark.parametrize(
    ("tag", "value", "fits"),
    [
        (0x1400, b"", True),
        (0x1400, b"ab\0", True),
        (0x1400, b"abcd", True),
        (0x1400, b"abcd\0", True),
        (0x1400, b"abcde", False),
        (0x1400, b"a\0b\0", False),
        (0x1401, b"", False),
        (0x1401, b"\x01", True),
        (0x1401, b"\x01\x02", True),
        (0x1401, b"\x01\x02\x03", False),
        (0x1402, b"\0\0\0", True),
        (0x1402, b"abcd", False),
        (0x1FFF, b"anything at all", True),
    ],
)
def test_a_value_fits_the_form_that_its_tag_was_given(tag: int, value: bytes, fits: bool) -> None:
    assert CONFIGURED.fits(tag, value) is fits


def test_only_named_tags_pass_beside_those_of_the_specification() -> None:
    stream = tlv.write_stream(
        [(tlv.USER_MESSAGE_REFERENCE, b"\0\1"), (0x1400, b"a\0"), (0x1401, b"\1"), (0x1FFF, b"x")]
    )
    passing = CONFIGURED.passing(["charging_id", "0x1FFF"])
    assert passing(stream) == tlv.write_stream(
        [(tlv.USER_MESSAGE_REFERENCE, b"\0\1"), (0x1400, b"a\0"), (0x1FFF, b"x")]
    )
    assert passing(b"") == b""
    assert CONFIGURED.passing([])(stream) == tlv.write_stream([(tlv.USER_MESSAGE_REFERENCE, b"\0\1")])


def test_without_a_configuration_nothing_is_known_and_all_fits() -> None:
    assert not VendorTlvs()
    assert VendorTlvs().fits(0x1400, bytes(300))


def test_an_integer_has_eight_octets_at_the_most() -> None:
    wide = VendorTlvs([VendorTlv(name="wide", tag="0x1403", type="integer", max_octets=20)])
    assert (wide.fits(0x1403, bytes(8)), wide.fits(0x1403, bytes(9))) == (True, False)
