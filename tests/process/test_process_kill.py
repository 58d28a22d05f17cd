"""SIGTERM and SIGKILL while messages flow: what was acked arrives, and what may be there twice is listed."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

from journey_support import journey, read_receipt, simulated_smsc
from ledger_support import Ledger, arrived, drain
from process_support import process

from protocols.smpp.pdu import BindTransmitter


@journey
async def test_sigterm_under_load_loses_nothing_and_doubts_nothing(tmp_path: Path) -> None:
    ledger = Ledger()
    async with simulated_smsc(keep=100_000, resp_delay_ms=5.0) as smsc:
        async with process(tmp_path, smsc.port) as gateway:
            client = await gateway.client()
            sending = asyncio.create_task(ledger.send(client, 2000))
            await ledger.acked_enough.wait()
            assert await gateway.end(signal.SIGTERM) == 0
            assert await client.end() == "unbind by peer"
            await sending
        receipts = {
            read_receipt(client.deliveries.get_nowait()).message_id for _ in range(client.deliveries.qsize())
        }
        async with process(tmp_path, smsc.port, gateway.port) as gateway:
            client = await gateway.client()
            await drain(client, set(ledger.acked) - receipts)
            assert await gateway.ask("queue", "ambiguous") == []
            await client.unbind()
        assert set(ledger.refused) <= {"ESME_RSYSERR"}
        counts = arrived(smsc)
        assert all(counts[text] == 1 for text in ledger.acked.values())
        assert set(counts.values()) == {1}
        assert "Traceback" not in gateway.log


@journey
async def test_sigkill_under_load_loses_nothing_and_lists_every_doubt(tmp_path: Path) -> None:
    ledger = Ledger()
    async with simulated_smsc(keep=100_000, resp_delay_ms=5.0) as smsc:
        async with process(tmp_path, smsc.port) as gateway:
            client = await gateway.client()
            writer = gateway.writer_pid()
            sending = asyncio.create_task(ledger.send(client, 1000))
            await ledger.acked_enough.wait()
            assert await gateway.end(signal.SIGKILL) == -signal.SIGKILL
            await client.end()
            await sending
            await process_gone(writer)
        receipts = {
            read_receipt(client.deliveries.get_nowait()).message_id for _ in range(client.deliveries.qsize())
        }
        async with process(tmp_path, smsc.port, gateway.port) as gateway:
            client = await gateway.client()
            await drain(client, set(ledger.acked) - receipts)
            doubts = {
                row["message_id"] for row in await gateway.ask("queue", "ambiguous", "--limit", "100000")
            }
            await client.unbind()
        counts = arrived(smsc)
        assert all(counts[text] for text in ledger.acked.values())
        twice = {message_id for message_id, text in ledger.acked.items() if counts[text] > 1}
        assert twice <= doubts
        assert max(counts.values()) <= 2
        assert len(doubts) <= 100  # a window, of 100


async def process_gone(pid: int) -> None:
    """Waits for the end of a process that is not our child."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    loop.add_reader(descriptor, gone.set)
    try:
        async with asyncio.timeout(10):
            await gone.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


@journey
async def test_killed_before_the_smsc_was_there(tmp_path: Path) -> None:
    async with process(tmp_path, 1) as gateway:
        client = await gateway.client(BindTransmitter)
        sent = {await client.submit(text=b"%d" % n) for n in range(20)}
        await gateway.end(signal.SIGKILL)
        await client.end()
    async with simulated_smsc() as smsc, process(tmp_path, smsc.port, gateway.port) as gateway:
        client = await gateway.client()
        assert {(await client.receipt()).message_id for _ in sent} == sent
        assert await gateway.ask("queue", "ambiguous") == []
        await client.unbind()


def test_writer_ends_quietly_when_its_gateway_is_killed_with_an_answer_unread(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        writer = subprocess.Popen(
            [sys.executable, "-m", "gateway.store.sqlite_writer", str(theirs.fileno()), str(tmp_path / "q")],
            pass_fds=[theirs.fileno()],
            stderr=subprocess.PIPE,
        )
        assert select.select([ours], [], [], 20)[0]  # its greeting, which nobody reads
    _, errors = writer.communicate(timeout=20)
    assert (writer.returncode, errors) == (0, b"")


def test_writer_ends_quietly_when_its_gateway_is_killed_while_it_starts(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        ours.close()  # before it opens the store
        writer = subprocess.Popen(
            [sys.executable, "-m", "gateway.store.sqlite_writer", str(theirs.fileno()), str(tmp_path / "q")],
            pass_fds=[theirs.fileno()],
            stderr=subprocess.PIPE,
        )
    _, errors = writer.communicate(timeout=20)
    assert (writer.returncode, errors) == (0, b"")
