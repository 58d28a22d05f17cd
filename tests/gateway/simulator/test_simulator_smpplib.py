"""The simulated SMSC and smpplib, an implementation that shares no code with ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from simulator_support import PATIENCE_S, QUICK
from smpplib import consts, smpp
from smpplib.client import Client

from gateway.simulator import Simulator


@pytest.fixture(scope="module")
def simulator(start_simulator: Callable[..., Simulator]) -> Simulator:
    return start_simulator(**QUICK, password="secret")


@pytest.fixture
def client(simulator: Simulator) -> Iterator[Client]:
    with Client("127.0.0.1", simulator.port, timeout=PATIENCE_S, allow_unknown_opt_params=True) as connected:
        connected.connect()
        connected.bind_transceiver(system_id="smpplib", password="secret")
        yield connected


def exchange(client: Client, deliveries: int, **fields: Any) -> tuple[Any, list[Any]]:
    """Submit, and take the response and as many deliveries, in any order."""
    values = {"source_addr": "12345", "registered_delivery": 1, "short_message": b"hello", **fields}
    sent = client.send_message(**values)
    response, received = None, []
    while response is None or len(received) < deliveries:
        pdu = client.read_pdu()
        if pdu.command == "submit_sm_resp":
            assert pdu.sequence == sent.sequence
            response = pdu
        else:
            answer = smpp.make_pdu(f"{pdu.command}_resp", client=client, status=0)
            answer.sequence = pdu.sequence
            client.send_pdu(answer)
            received.append(pdu)
    return response, received


@pytest.mark.parametrize(
    ("destination", "stats"),
    [
        ("15550001", [b"DELIVRD"]),
        ("155599002", [b"UNDELIV"]),
        ("155599104", [b"DELIVRD"]),
        ("155599105", [b"DELIVRD", b"DELIVRD"]),
        ("155599107", [b"ACCEPTD", b"DELIVRD"]),
        ("155599109", [b"DELIVRD"]),
        ("155599111", [b"WEIRD"]),
    ],
)
def test_smpplib_reads_response_and_receipts(client: Client, destination: str, stats: list[bytes]) -> None:
    response, receipts = exchange(client, len(stats), destination_addr=destination)
    assert response.status == consts.SMPP_ESME_ROK
    for receipt, stat in zip(receipts, stats, strict=True):
        assert receipt.esm_class == 0x04
        assert b"id:" + response.message_id + b" " in receipt.short_message
        assert b" stat:" + stat + b" " in receipt.short_message
    if destination != "155599109" and stats[-1] == b"DELIVRD":
        assert receipts[-1].receipted_message_id == response.message_id
        assert receipts[-1].message_state == 2


def test_smpplib_reads_a_receipt_by_data_sm(client: Client) -> None:
    response, [receipt] = exchange(client, 1, destination_addr="155599108")
    assert receipt.command == "data_sm"
    assert receipt.receipted_message_id == response.message_id
    assert b" stat:DELIVRD " in receipt.message_payload


def test_smpplib_reads_the_reply(client: Client) -> None:
    text = "ответ".encode("utf-16-be")
    _, [_, reply] = exchange(client, 2, destination_addr="155599120", data_coding=8, short_message=text)
    assert (reply.source_addr, reply.short_message, reply.data_coding) == (b"155599120", text, 8)


def test_smpplib_reads_refusals(client: Client) -> None:
    response, _ = exchange(client, 0, destination_addr="155599011")
    assert response.status == consts.SMPP_ESME_RINVDSTADR


def test_smpplib_query(client: Client) -> None:
    response, _ = exchange(client, 1, destination_addr="155599003")
    client.query_message(message_id=response.message_id.decode(), source_addr="12345")
    answer = client.read_pdu()
    assert (answer.command, answer.message_state) == ("query_sm_resp", 3)


def test_smpplib_is_refused_with_a_wrong_password(simulator: Simulator) -> None:
    client = Client("127.0.0.1", simulator.port, timeout=PATIENCE_S, allow_unknown_opt_params=True)
    client.connect()
    with pytest.raises(Exception, match="Invalid Password"):
        client.bind_transceiver(system_id="smpplib", password="wrong")
    client.disconnect()
