"""What a client may rely on: it hears of a message's id before it hears of the message's end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from journey_support import Client, config, connector, journey, running, simulated_smsc, submit_sm

from protocols.smpp.events import Answered
from protocols.smpp.pdu import DeliverSm

HOUR_S = 3600.0


def watched(client: Client) -> list[type[Any]]:
    """The types of what the client receives, in order."""
    seen: list[type[Any]] = []
    receive_data = client.session.receive_data

    def receive(data: bytes, now: float) -> Any:
        events = receive_data(data, now)
        seen.extend(type(event) for event in events)
        return events

    client.session.receive_data = receive  # type: ignore[method-assign]
    return seen


@journey
async def test_response_comes_before_the_receipt_when_one_commit_brings_both(tmp_path: Path) -> None:
    """A commit that took long: the message that it holds has expired by the sweep that it holds too."""
    async with simulated_smsc() as smsc:
        port = smsc.port
    async with running(config(connector(port)), tmp_path) as gateway:
        client = await gateway.client()
        seen = watched(client)
        submission = gateway.daemon.submission
        accept = submission.accept

        def accept_and_sweep(*args: Any) -> Any:
            result = accept(*args)
            gateway.clock.advance(HOUR_S)
            gateway.daemon._housekeeping._sweep()
            return result

        submission.accept = accept_and_sweep  # type: ignore[method-assign]
        response = await client.request(submit_sm(validity_period="000000000001000R"))
        receipt = await client.receipt()
        assert receipt.message_id == response.message_id
        assert seen == [Answered, DeliverSm]
