"""A price list's file: read with the configuration, read again by a reload, and a bad one changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from free_ports import free_port
from journey_support import HOST, PASSWORD, SMSC_PASSWORD, hashed, journey, running, simulated_smsc
from money_support import balance, credit

from gateway.config.load import load
from gateway.config.problems import ConfigError


def written(folder: Path, smsc_port: int) -> Path:
    path = folder / "config.yaml"
    path.write_text(
        f"""\
listeners: {{smpp: [{{address: '{HOST}:{free_port()}'}}]}}
accounts:
  - {{system_id: app, password_hash: '{hashed(PASSWORD).reveal()}', balance: own, prices: retail}}
connectors:
  - {{name: smsc, address: '{HOST}:{smsc_port}', system_id: gateway, password: {SMSC_PASSWORD}}}
routes: [{{connectors: [smsc]}}]
price_lists: [{{name: retail, currency: EUR, file: retail.csv}}]
queue: {{commit_delay_ms: 0}}
"""
    )
    path.chmod(0o640)
    return path


@journey
async def test_a_reload_reads_prices_again(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc:
        prices = tmp_path / "retail.csv"
        prices.write_text("7,0.05\n")
        path = written(tmp_path, smsc.port)
        async with running(load(path), tmp_path / "state") as gateway:
            await gateway.linked()
            await credit(gateway, "1")
            client = await gateway.client()
            await client.submit()
            assert balance(gateway) == "0.95"
            reloading = gateway.daemon.reloading

            prices.write_text("7,0.05\n7916,0.4\n79,16,0.5\n")
            with pytest.raises(ConfigError) as caught:
                await reloading.from_file(path)
            (problem,) = caught.value.problems
            assert (problem.file, problem.line) == (prices, 3)
            await client.submit()
            assert balance(gateway) == "0.90"

            prices.write_text("7,0.05\n7916,0.4\n")
            plan = await reloading.from_file(path)
            assert [change.key for change in plan.changes] == ["price_lists[retail].file"]
            assert not plan.rebuilt
            await client.submit()
            assert balance(gateway) == "0.50"
