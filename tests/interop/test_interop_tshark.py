"""tshark as the judge of what we put on the wire, towards clients and towards an SMSC."""

import struct
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from interop_gateway import running_gateway
from interop_peers import (
    MESSAGES,
    aiosmpplib_peer,
    check_delivered,
    kannel_peer,
    libsmpp34_peer,
    net_smpp_peer,
    node_peer,
    run_peer,
    rusmppyc_peer,
    smpplib_peer,
)
from interop_session import SOURCE_ADDR, bound_session, net_smpp_session
from interop_tshark import Pdu, Tap, capture, decode, relay, write_pcap
from peer_programs import need

pytestmark = pytest.mark.interop

RESPONSE = 0x80000000
SUBMIT_SM, DELIVER_SM, UNBIND, BIND_TRANSCEIVER = 0x04, 0x05, 0x06, 0x09
QUERY_SM, REPLACE_SM, CANCEL_SM, SUBMIT_MULTI, DATA_SM = 0x03, 0x07, 0x08, 0x21, 0x103
IN_A_WEEK = "000007000000000R"  # SMPP v3.4 §7.1.1
SMPP_PORT = 2775


def texts(submits: list[Pdu]) -> dict[str, str]:
    """Destination → text, segments joined in the order they were sent."""
    joined: dict[str, str] = {}
    for pdu in submits:
        destination = pdu.fields["destination_addr"]
        joined[destination] = joined.get(destination, "") + pdu.text
    return joined


def octets(submits: list[Pdu], destination: str) -> list[tuple[str, str]]:
    """data_coding and short_message of what goes to a destination."""
    return [
        (pdu.fields["data_coding"], pdu.fields["message"])
        for pdu in submits
        if pdu.fields["destination_addr"] == destination
    ]


@pytest.mark.parametrize("tapped", [capture, relay])
def test_tshark_finds_no_malformed_pdu_on_either_side(
    tapped: Callable[[Path], AbstractContextManager[Tap]], tmp_path: Path
) -> None:
    need("tshark", "tshark")
    with tapped(tmp_path) as tap, running_gateway(tmp_path, tap.ports) as gateway:
        peer = smpplib_peer(tmp_path)
        check_delivered(run_peer(peer, replace(gateway, port=tap.client_port)), long_ids=5)
    traffic = decode(tap.pcaps, tap.server_ports)

    assert traffic.complaints == []
    assert traffic.undecoded_octets == 0
    downwards = traffic.sent_from(tap.ports.gateway)
    assert {pdu.command_id for pdu in downwards} >= {
        BIND_TRANSCEIVER | RESPONSE,
        SUBMIT_SM | RESPONSE,
        DELIVER_SM,
        UNBIND | RESPONSE,
    }
    upwards = traffic.sent_to(tap.ports.smsc)
    assert {pdu.command_id for pdu in upwards} >= {
        BIND_TRANSCEIVER,
        SUBMIT_SM,
        DELIVER_SM | RESPONSE,
        UNBIND,
    }
    submits = [pdu for pdu in upwards if pdu.command_id == SUBMIT_SM]
    assert len(submits) == sum(message["segments"] for message in MESSAGES)
    assert texts(submits) == {message["to"]: message["text"] for message in MESSAGES}


@pytest.mark.parametrize(
    ("peer", "long_ids"),
    [
        (net_smpp_peer, 5),
        (node_peer, 1),
        (kannel_peer, 1),
        (libsmpp34_peer, 5),
        (aiosmpplib_peer, 5),
        (rusmppyc_peer, 5),
    ],
    ids=["Net::SMPP", "npm smpp", "Kannel", "libsmpp34", "aiosmpplib", "rusmppyc"],
)
def test_texts_of_each_peer_reach_the_smsc(
    peer: Callable[[Path], list[str]], long_ids: int, tmp_path: Path
) -> None:
    need("tshark", "tshark")
    command = peer(tmp_path)
    with relay(tmp_path) as tap, running_gateway(tmp_path, tap.ports) as gateway:
        check_delivered(run_peer(command, replace(gateway, port=tap.client_port)), long_ids=long_ids)
    traffic = decode(tap.pcaps, tap.server_ports)
    sent, arrived = (
        [pdu for pdu in traffic.sent_to(port) if pdu.command_id == SUBMIT_SM] for port in tap.server_ports
    )
    expected = {message["to"]: message["text"] for message in MESSAGES}
    if peer is node_peer:
        # GSM octets that it calls IA5, among which tshark takes @ for the end
        del expected[MESSAGES[0]["to"]]
    assert expected.items() <= texts(arrived).items()
    first = octets(sent, MESSAGES[0]["to"])
    assert len(first) == 1 and octets(arrived, MESSAGES[0]["to"]) == first


@pytest.mark.parametrize("version", ["3.4", "5.0"])
def test_tshark_finds_no_malformed_answer_to_the_rarer_requests(version: str, tmp_path: Path) -> None:
    need("tshark", "tshark")
    number = {"dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": "46701740605"}
    many = [number, {**number, "destination_addr": "46701740606"}, {**number, "destination_addr": ""}]
    sender = {"source_addr": SOURCE_ADDR}
    with relay(tmp_path) as tap, running_gateway(tmp_path, tap.ports) as gateway:
        smsc = replace(gateway, port=tap.client_port)
        with bound_session(net_smpp_session(), smsc, version=version) as (session, _):
            week = session.submit(number["destination_addr"], "later", schedule_delivery_time=IN_A_WEEK)
            requests = {
                "query_sm": {"message_id": week},
                "replace_sm": {"message_id": week, "registered_delivery": 1, "short_message": "new"},
                "cancel_sm": {"message_id": week, **number},
                "data_sm": {"message_payload": "data", **number},
                "submit_multi": {"dest_address": many, "short_message": "many"},
            }
            statuses = [session.ask(name, **fields, **sender)["status"] for name, fields in requests.items()]
            session.wait_for_receipt(week)
    assert statuses == [0] * len(requests)
    traffic = decode(tap.pcaps, tap.server_ports)
    assert traffic.complaints == []
    assert traffic.undecoded_octets == 0
    asked = (QUERY_SM, REPLACE_SM, CANCEL_SM, DATA_SM, SUBMIT_MULTI)
    answered = {pdu.command_id for pdu in traffic.sent_from(tap.ports.gateway)}
    assert answered >= {command | RESPONSE for command in asked}


def unbind(sequence_number: int) -> bytes:
    return struct.pack(">4I", 16, UNBIND, 0, sequence_number)


def submit_sm(sm_length: int, short_message: bytes) -> bytes:
    body = b"\0\0\0\0\1\1" + b"46701740605\0" + b"\0\0\0\0\0\0\0\0\0" + bytes([sm_length]) + short_message
    return struct.pack(">4I", 16 + len(body), SUBMIT_SM, 0, 1) + body


@pytest.mark.parametrize(
    ("octets", "malformed"),
    [
        (submit_sm(5, b"hello"), False),
        (submit_sm(50, b"hello"), True),
        (submit_sm(5, b"hello" + bytes.fromhex("0424 00ff 01")), True),
    ],
    ids=["right", "sm_length past the end", "TLV past the end"],
)
def test_a_malformed_pdu_would_be_found(octets: bytes, malformed: bool, tmp_path: Path) -> None:
    pcap = tmp_path / "one.pcap"
    need("tshark", "tshark")
    write_pcap(need("text2pcap", "wireshark-common"), [("I", octets), ("O", unbind(1))], SMPP_PORT, pcap)
    traffic = decode([pcap], [SMPP_PORT])
    assert bool(traffic.complaints) is malformed


def test_octets_that_are_no_pdu_would_be_found(tmp_path: Path) -> None:
    pcap = tmp_path / "one.pcap"
    need("tshark", "tshark")
    chunks = [("I", unbind(1)), ("O", unbind(2) + b"stray octets")]
    write_pcap(need("text2pcap", "wireshark-common"), chunks, SMPP_PORT, pcap)
    traffic = decode([pcap], [SMPP_PORT])
    assert [pdu.fields["sequence_number"] for pdu in traffic.pdus] == ["1", "2"]
    assert traffic.undecoded_octets > 0 or traffic.complaints


def test_a_pdu_in_two_segments_is_read_whole(tmp_path: Path) -> None:
    pcap = tmp_path / "one.pcap"
    need("tshark", "tshark")
    octets = submit_sm(5, b"hello")
    chunks = [("I", octets[:20]), ("I", octets[20:] + unbind(2)), ("O", unbind(1))]
    write_pcap(need("text2pcap", "wireshark-common"), chunks, SMPP_PORT, pcap)
    traffic = decode([pcap], [SMPP_PORT])
    assert traffic.complaints == []
    assert traffic.undecoded_octets == 0
    assert [pdu.command_id for pdu in traffic.sent_to(SMPP_PORT)] == [SUBMIT_SM, UNBIND]
    assert traffic.pdus[0].text == "hello"
