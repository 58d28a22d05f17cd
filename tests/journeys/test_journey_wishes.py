"""What a sender wants beside the message: that it replaces another, that it hears of an absent subscriber."""

from __future__ import annotations

from pathlib import Path

from journey_support import (
    DESTINATION,
    config,
    connector,
    gateway_and_smsc,
    journey,
    running,
    simulated_smsc,
)

from gateway.simulator import Simulator
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import AlertNotification

SET_DPF = ((tlv.SET_DPF, b"\1"),)


@journey
async def test_what_still_waits_gives_way_to_what_replaces_it(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc:
        port, settings = smsc.port, smsc.settings
    async with running(config(connector(port)), tmp_path) as gateway:
        client = await gateway.client()
        first = await client.submit(text=b"first")
        other = await client.submit("79161200002", text=b"to somebody else")
        second = await client.submit(text=b"second", replace_if_present_flag=1)
        receipt = await client.receipt()
        assert (receipt.message_id, receipt.state) == (first, c.DELETED)
        back = Simulator(settings)
        await back.start(port=port)
        try:
            ends = [await client.receipt() for _ in range(2)]
            assert {(end.message_id, end.state) for end in ends} == {
                (second, c.DELIVERED),
                (other, c.DELIVERED),
            }
            sent = {(one.destination, one.user_data) for one in back.received}
            assert sent == {(DESTINATION, b"second"), ("79161200002", b"to somebody else")}
            flags = {one.user_data: one.pdu.replace_if_present_flag for one in back.received}
            assert flags[b"second"] == 1
        finally:
            await back.close()


@journey
async def test_set_dpf_goes_up_and_the_alert_comes_down(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path, link={"incoming_account": "app"}) as (gateway, smsc):
        client = await gateway.client()
        alerts: list[AlertNotification] = []
        receive_data = client.session.receive_data

        def receive(data: bytes, now: float) -> list[object]:
            events = receive_data(data, now)
            alerts.extend(event for event in events if isinstance(event, AlertNotification))
            return events  # type: ignore[return-value]

        client.session.receive_data = receive  # type: ignore[method-assign, assignment]
        await client.submit("79161299131", tlvs=SET_DPF)
        await client.delivery()
        [received] = smsc.received
        assert tlv.get(received.pdu.tlvs, tlv.SET_DPF) == b"\1"
        await gateway.until(lambda: alerts)
        assert alerts[0].source_addr == "79161299131"
