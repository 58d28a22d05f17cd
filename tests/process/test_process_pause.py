"""A connector that is paused when the gateway is killed is paused in the next run, by the command line."""

from __future__ import annotations

import signal
from pathlib import Path

from journey_support import journey, simulated_smsc
from process_support import command, process

from protocols.smpp import constants as c


@journey
async def test_a_pause_outlives_a_kill(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc, process(tmp_path / "gateway", smsc.port) as gateway:
        client = await gateway.client()
        await client.submit()
        assert (await client.receipt()).state == c.DELIVERED
        said = await gateway.ask("connector", "pause", "smsc")
        assert said["state"] == "paused"
        message_id = await client.submit()
        assert await gateway.end(signal.SIGKILL) == -signal.SIGKILL
        gateway.notes.clear()
        await gateway.start()
        code, output = await command("status", "--state-dir", str(gateway.state_dir))
        assert code == 1
        assert "connector smsc is paused since" in output
        client = await gateway.client()
        other = await client.submit()
        assert smsc.counters.submitted == 1
        assert (await gateway.ask("connector", "resume", "smsc"))["connector"] == "smsc"
        assert {(await client.receipt()).message_id for _ in range(2)} == {message_id, other}
        assert smsc.counters.submitted == 3
