"""Servers that are not ours as the SMSC that the gateway is bound to: smpp34, in Rust, and npm smpp."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from interop_client import bound_client
from interop_gateway import HOST, wait_until
from interop_peers import MESSAGES, Smsc, check_delivered, run_peer, smpplib_peer
from interop_tshark import Relay
from interop_upstream import UPSTREAM_ID, UpstreamSmsc, gateway_of, node_smsc, running_upstream, smpp34_smsc

pytestmark = pytest.mark.interop

RESPONSE = 0x80000000
UNBIND, ENQUIRE_LINK = 0x06, 0x15
SERVERS = {"smpp34": smpp34_smsc, "npm smpp": node_smsc}
# the last digit of a number says how its message ends
ENDS = {
    "46701000001": "UNDELIV",
    "46701000002": "EXPIRED",
    "46701000003": "REJECTD",
    "46701000004": "DELETED",
}
REFUSED = "46701000009"
DELIVERED = "46701000005"


@dataclass(frozen=True)
class Between:
    """The gateway, and the SMSC that it is bound to."""

    upstream: UpstreamSmsc
    gateway: Smsc


@pytest.fixture(scope="module", params=SERVERS.values(), ids=SERVERS)
def between(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Between]:
    server: Callable[[], list[str]] = request.param
    with running_upstream(server()) as upstream:
        with gateway_of(upstream, tmp_path_factory.mktemp("between")) as gateway:
            yield Between(upstream, gateway)
        upstream.wait_for("unbound")


def test_another_smsc_gets_every_text_and_its_receipts_reach_the_client(
    between: Between, tmp_path: Path
) -> None:
    check_delivered(run_peer(smpplib_peer(tmp_path), between.gateway), long_ids=5)
    expected = {message["to"]: message["text"] for message in MESSAGES}
    assert expected.items() <= between.upstream.texts().items()


def test_each_end_that_another_smsc_tells_is_the_end_at_the_client(between: Between) -> None:
    with bound_client(between.gateway) as client:
        ends = {client.submit(number): state for number, state in ENDS.items()}
        refused = client.submit(REFUSED)
        receipts = client.wait_for_receipts(len(ENDS) + 1)
    assert len(receipts) == len(ENDS) + 1
    for message_id, state in ends.items():
        [text] = [text for text in receipts if text.startswith(f"id:{message_id} ")]
        assert f" stat:{state} err:027 " in text
    [text] = [text for text in receipts if text.startswith(f"id:{refused} ")]
    assert " stat:REJECTD " in text


def test_an_sms_from_another_smsc_reaches_the_client(between: Between) -> None:
    sms = {"from": "46701740699", "to": "1234", "text": "Привет 😀"}
    taken = len(between.upstream.events("deliver_sm"))
    with bound_client(between.gateway) as client:
        between.upstream.tell(**sms)
        assert client.wait_for_incoming(1) == [tuple(sms.values())]
        answers = between.upstream.wait_for("deliver_sm", taken + 1)
    assert {answer["status"] for answer in answers} == {0}


@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)
def test_a_silent_link_to_another_smsc_is_kept_and_unbound_in_the_end(
    server: Callable[[], list[str]], tmp_path: Path
) -> None:
    with running_upstream(server()) as upstream, Relay(upstream.port) as relay:
        options = {"enquire_link_s": 0.1, "address": f"{HOST}:{relay.port}"}
        with gateway_of(upstream, tmp_path, **options) as gateway:
            wait_until(lambda: commands(relay, "O").count(ENQUIRE_LINK | RESPONSE) >= 3, "three answers")
            with bound_client(gateway) as client:
                client.submit(DELIVERED)
                assert " stat:DELIVRD " in client.wait_for_receipts(1)[0]
            assert upstream.events("unbound") == []
        upstream.wait_for("unbound")
        assert [event["system_id"] for event in upstream.events("bound")] == [UPSTREAM_ID]
        assert commands(relay, "I").count(UNBIND) == 1


def commands(relay: Relay, direction: str) -> list[int]:
    """The command_ids that have passed, to the SMSC ("I") or from it ("O"), on its only connection."""
    [chunks] = relay.connections
    octets = b"".join(chunk for its_direction, chunk in list(chunks) if its_direction == direction)
    found: list[int] = []
    while len(octets) >= 16:
        length, command_id = struct.unpack_from(">2I", octets)
        found.append(command_id)
        octets = octets[length:]
    return found


def test_an_smsc_is_answered_its_enquire_link_and_its_unbind_and_is_bound_anew(tmp_path: Path) -> None:
    with (
        running_upstream(node_smsc()) as upstream,
        gateway_of(upstream, tmp_path) as gateway,
        bound_client(gateway) as client,
    ):
        upstream.tell(call="enquire_link")
        assert upstream.wait_for("enquire_link_resp")[0]["status"] == 0
        upstream.tell(call="unbind")
        assert upstream.wait_for("unbind_resp")[0]["status"] == 0
        message_id = client.submit(DELIVERED)
        assert len(upstream.wait_for("bound", 2)) == 2
        [receipt] = client.wait_for_receipts(1)
    assert receipt.startswith(f"id:{message_id} ")
    assert " stat:DELIVRD " in receipt


@pytest.mark.parametrize("version", ["3.3", "3.4", "5.0"])
def test_npm_smpp_is_bound_with_the_version_of_the_configuration(version: str, tmp_path: Path) -> None:
    major, minor = version.split(".")
    with running_upstream(node_smsc()) as upstream:
        with gateway_of(upstream, tmp_path, interface_version=version, bind_mode="pair") as gateway:
            bound = upstream.wait_for("bound", 2)
            assert {event["version"] for event in bound} == {int(major + minor, 16)}
            assert {event["receives"] for event in bound} == {True, False}
            with bound_client(gateway) as client:
                client.submit(DELIVERED)
                assert " stat:DELIVRD " in client.wait_for_receipts(1)[0]
        upstream.wait_for("unbound", 2)
