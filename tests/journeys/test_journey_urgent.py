"""What is urgent leaves the queue first."""

from __future__ import annotations

from pathlib import Path

from journey_support import config, connector, journey, running, simulated_smsc

from gateway.simulator import Simulator


@journey
async def test_of_what_waits_the_highest_priority_goes_first_and_then_the_oldest(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc:
        port, settings = smsc.port, smsc.settings
    async with running(config(connector(port, window=1)), tmp_path) as gateway:
        client = await gateway.client()
        for text, priority in ((b"a", 0), (b"b", 1), (b"c", 3), (b"d", 0), (b"e", 3), (b"f", 2)):
            await client.submit(text=text, priority_flag=priority)
        back = Simulator(settings)
        await back.start(port=port)
        try:
            await gateway.emptied()
            assert [received.user_data for received in back.received] == [b"c", b"e", b"f", b"b", b"a", b"d"]
            assert [received.pdu.priority_flag for received in back.received] == [3, 3, 2, 1, 0, 0]
        finally:
            await back.close()
