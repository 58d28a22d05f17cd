"""SIGKILL while one SMSC refuses everything and another one takes it: nothing is lost."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from journey_support import HOST, SMSC_PASSWORD, journey, read_receipt, simulated_smsc
from ledger_support import Ledger, arrived, drain
from process_support import GatewayProcess
from scripted_smsc import ScriptedSmsc, scripted_smsc
from test_process_kill import process_gone

from protocols.smpp import constants as c
from protocols.smpp.pdu import EnquireLinkResp, Pdu, SubmitSm, SubmitSmResp

SECOND = f"""\
  - name: second
    address: {HOST}:%d
    system_id: gateway
    password: {SMSC_PASSWORD}
    reconnect_max_s: 0.2
routes:
  - connectors: [smsc, second]
    failover: [down, silent, refused]
"""


def refuses(pdu: Pdu) -> Pdu | None:
    if isinstance(pdu, SubmitSm):
        return SubmitSmResp(command_status=c.ESME_RINVDSTADR)
    return EnquireLinkResp()


@asynccontextmanager
async def process(
    folder: Path, refuser: ScriptedSmsc, taker: int, port: int | None = None
) -> AsyncIterator[GatewayProcess]:
    gateway = GatewayProcess(folder, refuser.port, port)
    before, _, _ = gateway.config.read_text().partition("routes:")
    gateway.config.write_text(before + SECOND % taker)
    await gateway.start()
    try:
        yield gateway
    finally:
        if gateway.process.returncode is None:
            await gateway.end(signal.SIGKILL)
        gateway.close()


@journey
async def test_what_was_refused_goes_on_over_a_kill(tmp_path: Path) -> None:
    ledger = Ledger()
    async with scripted_smsc() as refuser, simulated_smsc(keep=100_000, resp_delay_ms=2.0) as taker:
        refuser.answer = refuses
        async with process(tmp_path, refuser, taker.port) as gateway:
            client = await gateway.client()
            writer = gateway.writer_pid()
            sending = asyncio.create_task(ledger.send(client, 600))
            await ledger.acked_enough.wait()
            assert await gateway.end(signal.SIGKILL) == -signal.SIGKILL
            await client.end()
            await sending
            await process_gone(writer)
        receipts = {
            read_receipt(client.deliveries.get_nowait()).message_id for _ in range(client.deliveries.qsize())
        }
        async with process(tmp_path, refuser, taker.port, gateway.port) as again:
            client = await again.client()
            await drain(client, set(ledger.acked) - receipts)
            doubts = {row["message_id"] for row in await again.ask("queue", "ambiguous", "--limit", "100000")}
            await client.unbind()
            assert await again.end() == 0
        counts = arrived(taker)
        assert all(counts[text] for text in ledger.acked.values())
        assert {message_id for message_id, text in ledger.acked.items() if counts[text] > 1} <= doubts
        assert "Traceback" not in again.log
