"""Clients that say in their bind which version of SMPP they speak: npm smpp and Net::SMPP."""

from collections.abc import Callable

import pytest
from interop_peers import Smsc
from interop_session import LIBRARIES, bound_session

pytestmark = pytest.mark.interop

TLVS = {"receipted_message_id", "message_state", "network_error_code"}
DESTINATION = "46701740605"


@pytest.fixture(params=LIBRARIES.values(), ids=LIBRARIES)
def library(request: pytest.FixtureRequest) -> list[str]:
    command: Callable[[], list[str]] = request.param
    return command()


def test_a_client_of_3_3_sends_and_gets_a_receipt_without_tlvs(library: list[str], gateway: Smsc) -> None:
    with (
        bound_session(library, gateway, "bind_receiver", "3.3") as (receiver, of_receiver),
        bound_session(library, gateway, "bind_transmitter", "3.3") as (transmitter, of_transmitter),
    ):
        assert "sc_interface_version" not in of_receiver | of_transmitter
        message_id = transmitter.submit(DESTINATION, "hello by 3.3")
        receipt = receiver.wait_for_receipt(message_id)
    assert " stat:DELIVRD " in receipt["short_message"]
    assert not TLVS & receipt.keys()


@pytest.mark.parametrize(("version", "number"), [("3.4", 0x34), ("5.0", 0x50)])
def test_a_client_is_told_the_version_and_gets_a_receipt_with_tlvs(
    library: list[str], gateway: Smsc, version: str, number: int
) -> None:
    with bound_session(library, gateway, version=version) as (session, answer):
        message_id = session.submit(DESTINATION, f"hello by {version}")
        receipt = session.wait_for_receipt(message_id)
    assert answer["sc_interface_version"] in (number, chr(number))
    assert " stat:DELIVRD " in receipt["short_message"]
    assert str(receipt["receipted_message_id"]).rstrip("\0") == message_id
    assert receipt["message_state"] in (2, "\2")
