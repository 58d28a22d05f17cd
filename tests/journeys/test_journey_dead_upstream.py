"""An SMSC that is not there (G8): it is looked for less and less often, and that costs no message a try."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest
from journey_support import ManualClock, config, connector, journey, running
from scripted_smsc import scripted_smsc

from gateway.egress import smpp_connector
from gateway.egress.smpp_link import SmppLink

LOOKS = 66
"""Six with a longest pause that doubles, and sixty with one of a minute."""


class Pauses:
    """Those between a link's tries: they turn the gateway's clock, and take no time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[float] = []
        self.clock: ManualClock
        self.may_begin, self.may_end = asyncio.Event(), asyncio.Event()
        loop_and_pauses = SimpleNamespace(**{**vars(asyncio), "sleep": self.sleep})
        monkeypatch.setattr(smpp_connector, "asyncio", loop_and_pauses)

    async def sleep(self, seconds: float) -> None:
        await self.may_begin.wait()
        self.clock.advance(seconds)
        self.made.append(seconds)
        if len(self.made) >= LOOKS:
            await self.may_end.wait()
        await asyncio.sleep(0)


@journey
async def test_a_dead_smsc_is_looked_for_with_growing_pauses_and_burns_no_retries(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        pauses, open_link, looks = Pauses(patch), SmppLink.open, []

        async def refused(self: SmppLink) -> None:
            looks.append(self)
            raise ConnectionRefusedError(111, "Connection refused")

        patch.setattr(SmppLink, "open", refused)
        async with (
            scripted_smsc() as smsc,
            running(config(connector(smsc.port, reconnect_max_s=60)), tmp_path) as gateway,
        ):
            pauses.clock = gateway.clock
            client = await gateway.client()
            message_id = await client.submit()
            pauses.may_begin.set()
            await gateway.until(lambda: len(pauses.made) == LOOKS)
            assert len(looks) == LOOKS

            for turn, pause_s in enumerate(pauses.made):
                longest_s = min(60.0, 2.0**turn)
                assert longest_s / 10 <= pause_s <= longest_s, turn
            assert min(pauses.made[6:]) < 20 < 40 < max(pauses.made[6:])  # anywhere in the minute

            await gateway.ticked()
            (row,) = gateway.listing("waiting")
            assert (row["message_id"], row["retries"]) == (message_id, 0)
            assert gateway.listing("ambiguous") == []

            patch.setattr(SmppLink, "open", open_link)
            pauses.may_end.set()
            await gateway.until(lambda: len(smsc.taken) == 1)
            await gateway.until(lambda: gateway.states(message_id) == ["SENT"])
            assert gateway.listing("waiting") == []
