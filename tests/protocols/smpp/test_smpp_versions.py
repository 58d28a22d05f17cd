"""What belongs to which version, spelt out by hand."""

import pytest

from protocols.smpp import constants as c
from protocols.smpp import tlv, versions
from protocols.smpp.state import OPERATIONS

OF_34 = {"bind_transceiver", "outbind", "data_sm", "alert_notification"}
OF_50 = {"broadcast_sm", "query_broadcast_sm", "cancel_broadcast_sm"}


@pytest.mark.parametrize(
    ("octet", "version"),
    [
        *[(0x00, 0x33), (0x01, 0x33), (0x33, 0x33), (0x34, 0x34), (0x35, 0x34), (0x40, 0x34), (0x4F, 0x34)],
        *[(0x50, 0x50), (0x51, 0x50), (0xFF, 0x50)],
    ],
)
def test_version_of_an_interface_version(octet: int, version: int) -> None:
    assert versions.version_of(octet) == version


def test_the_older_version_is_negotiated() -> None:
    assert versions.negotiated(0x50, 0x34) == versions.negotiated(0x34, 0x50) == 0x34
    assert versions.negotiated(0x34, 0x00) == 0x33
    assert versions.negotiated(0x50, 0x52) == 0x50


def test_commands_of_each_version() -> None:
    names = {
        version: {c.command_name(command) for command in OPERATIONS if versions.knows(version, command)}
        for version in (0x33, 0x34, 0x50)
    }
    assert names[0x34] - names[0x33] == OF_34
    assert names[0x50] - names[0x34] == OF_50
    assert names[0x50] == {c.command_name(command) for command in OPERATIONS}


def test_a_response_goes_with_its_request_and_a_generic_nack_with_all() -> None:
    assert versions.knows(0x33, c.SUBMIT_SM_RESP) and versions.knows(0x33, c.GENERIC_NACK)
    assert not versions.knows(0x33, c.DATA_SM_RESP)
    assert not versions.knows(0x50, 0x0000000F)


def test_version_33_has_no_tlvs() -> None:
    assert [versions.has_tlvs(version) for version in (0x33, 0x34, 0x50)] == [False, True, True]
    assert not any(versions.knows_tlv(0x33, tag) for tag in (*tlv.TABLE, 0x1400))


def test_tlvs_that_50_has_added() -> None:
    added = {tag for tag in tlv.TABLE if versions.knows_tlv(0x50, tag) != versions.knows_tlv(0x34, tag)}
    assert added == versions.TLVS_OF_50
    assert {tlv.name(tag) for tag in added if not 0x0600 <= tag < 0x0700} == {"congestion_state"}
    assert all(versions.knows_tlv(0x50, tag) for tag in tlv.TABLE)


def test_vendors_tags_belong_to_every_version_with_tlvs() -> None:
    assert versions.knows_tlv(0x34, 0x1400) and versions.knows_tlv(0x50, 0x3FFF)
    assert not versions.knows_tlv(0x50, 0x4000) and not versions.knows_tlv(0x50, 0x0001)
