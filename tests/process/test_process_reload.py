"""Reloads of the real process under load: nobody is sent away, nothing is lost, mistakes change nothing."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from journey_support import SMSC_PASSWORD, Client, journey, simulated_smsc
from ledger_support import Ledger, arrived, drain_all
from process_support import GatewayProcess, command, process

from protocols.smpp.pdu import BindReceiver, BindTransceiver

GOOD = 10
ENOUGH = 2000


class Files:
    """The configurations of one gateway, each a little different from the one before."""

    def __init__(self, gateway: GatewayProcess) -> None:
        self._path = gateway.config
        self._text = gateway.config.read_text()

    def write(self, number: int, old: str = "", new: str = "") -> None:
        """A rate for the account and the connector; every fourth time another login at the SMSC."""
        text = self._text.replace(
            f"password: {SMSC_PASSWORD}",
            f"password: {SMSC_PASSWORD}\n    rate: {9000 + number}\n    system_type: V{number // 4}",
        )
        text = text.replace("connectors:", f"    rate: {8000 + number}\nconnectors:", 1).replace(old, new)
        beside = self._path.with_suffix(".new")
        beside.write_text(text)
        os.replace(beside, self._path)

    async def take_over(self, gateway: GatewayProcess, number: int) -> None:
        """By a signal, or by the command."""
        self.write(number)
        if number % 2:
            times = sum("READY=1" in note for note in gateway.notes)
            gateway.process.send_signal(signal.SIGHUP)
            await gateway.told("READY=1", times + 1)
            return
        code, output = await command("reload", "--state-dir", str(gateway.state_dir))
        assert code == 0, output
        assert "connectors[smsc].rate: " in output

    async def refuse(self, gateway: GatewayProcess, number: int) -> None:
        """A file with a mistake."""
        self.write(number, "rate: 80", "rate: x80")
        code, output = await command("reload", "--state-dir", str(gateway.state_dir))
        assert code == 78
        assert "accounts[0].rate: must be a whole number" in output


async def sessions(gateway: GatewayProcess) -> tuple[list[Client], Client]:
    return (
        [await gateway.client(BindTransceiver) for _ in range(2)],
        await gateway.client(BindReceiver),
    )


@journey
async def test_reloads_under_load_drop_nobody_and_lose_nothing(tmp_path: Path) -> None:
    ledgers = [Ledger("first"), Ledger("second")]
    async with simulated_smsc(keep=100_000, resp_delay_ms=5.0) as smsc:
        async with process(tmp_path, smsc.port) as gateway:
            clients, receiver = await sessions(gateway)
            sending = [
                asyncio.create_task(ledger.send(client, ENOUGH))
                for ledger, client in zip(ledgers, clients, strict=True)
            ]
            files = Files(gateway)
            for number in range(1, GOOD + 1):
                await files.take_over(gateway, number)
                if number in (3, 7):
                    await files.refuse(gateway, number)
            for ledger in ledgers:
                await ledger.acked_enough.wait()
            assert not any(client.closed.done() for client in (*clients, receiver))
            for ledger in ledgers:
                ledger.enough_sent.set()
            await asyncio.gather(*sending)
            awaited = {message_id for ledger in ledgers for message_id in ledger.acked}
            await drain_all((*clients, receiver), awaited)
            assert await gateway.ask("queue", "ambiguous") == []
            assert len([line for line in gateway.log.splitlines() if " reloaded " in line]) == GOOD
            assert len([line for line in gateway.log.splitlines() if " reload_refused " in line]) == 2
        counts = arrived(smsc)
        acked = [text for ledger in ledgers for text in ledger.acked.values()]
        assert len(acked) >= 2 * ENOUGH
        assert all(counts[text] == 1 for text in acked)
        assert set(counts.values()) == {1}
        assert not any(ledger.refused for ledger in ledgers)
        assert (
            smsc.counters.binds == 2 + GOOD // 4
        )  # at the start, with a system_type, and with each other one
        assert "Traceback" not in gateway.log
