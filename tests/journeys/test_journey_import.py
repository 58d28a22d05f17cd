"""A gateway that runs from an imported configuration."""

from __future__ import annotations

from pathlib import Path

from import_support import VECTORS, bound, imported
from journey_support import journey, running, simulated_smsc


@journey
async def test_kannels_choice_of_an_smsc_holds_here(tmp_path: Path) -> None:
    async with (
        simulated_smsc(password="a1") as first,
        simulated_smsc(password="b1") as second,
        simulated_smsc(password="c1") as third,
    ):
        smscs = (first, second, third)
        config = imported(VECTORS / "kannel" / "balanced.conf", tmp_path, [smsc.port for smsc in smscs])
        async with running(config, tmp_path / "state") as gateway:
            for connector in config.connectors:
                await gateway.linked(connector.name)
            plain, vip = await bound(gateway, "plain", "plain"), await bound(gateway, "vip", "vip")
            for client, destination in ((plain, "4915112345678"), (vip, "4915112345679")):
                await client.submit(destination)
                await client.receipt()
            assert [smsc.counters.accepted for smsc in smscs] == [0, 2, 0]
            assert await plain.status_of_submit("88211111") == "ESME_RINVDSTADR"
            for _ in range(30):
                await vip.submit()
            for _ in range(30):
                await vip.receipt()
            assert all(smsc.counters.accepted > 3 for smsc in smscs)
