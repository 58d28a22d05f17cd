"""`smsc-gateway trace` from end to end: both sides of a message, a capture file, slow readers."""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from journey_support import (
    PASSWORD,
    SMSC_PASSWORD,
    SYSTEM_ID,
    UPSTREAM,
    Gateway,
    gateway_and_smsc,
    journey,
)

from gateway.cli import CommandError, trace
from gateway.ops.control import SOCKET_NAME
from gateway.ops.pcap import file_header
from gateway.ops.trace import WAITING_MAX
from gateway.simulator import Simulator
from protocols.smpp.codec import encode
from protocols.smpp.pdu import SubmitSm

NUMBER = "79161200001"


@asynccontextmanager
async def house(tmp_path: Path) -> AsyncIterator[tuple[Gateway, Simulator]]:
    async with gateway_and_smsc(tmp_path / "state") as (gateway, smsc):
        yield gateway, smsc


class Command:
    """The command in a thread of its own, until its time is over."""

    def __init__(self, gateway: Gateway, *words: str) -> None:
        parser = argparse.ArgumentParser()
        trace.configure(parser)
        state_dir = str(gateway.daemon.state_dir)
        self.args = parser.parse_args(["--state-dir", state_dir, "--for", "1m", *words])
        self.gateway = gateway
        self.task = asyncio.ensure_future(asyncio.to_thread(trace.run, self.args))

    async def listens(self) -> Command:
        await self.gateway.said("trace_began")
        return self

    async def ends(self) -> int:
        self.gateway.clock.advance(61)
        async with asyncio.timeout(10):
            return await self.task


@journey
async def test_a_number_is_seen_on_both_sides(
    tmp_path: Path, capsys: pytest.CaptureFixture[str] | None = None
) -> None:
    async with house(tmp_path) as (gateway, _):
        client = await gateway.client()
        out = tmp_path / "trace.pcap"
        command = await Command(gateway, "--number", "+" + NUMBER, "--out", str(out), "--json").listens()
        message_id = await client.submit(NUMBER, b"hello")
        await client.submit("79161200002", b"another")
        for _ in range(2):
            await client.delivery()
        await gateway.emptied()
        assert await command.ends() == 0
        file = out.read_bytes()
        assert file.startswith(file_header())
        assert b"hello" in file and message_id.encode() in file
        assert b"another" not in file
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
        line = await gateway.said("trace_ended")
        assert NUMBER not in line
        assert "pdus=8 dropped=0" in line  # two requests and two answers on each side


def test_what_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    @journey
    async def run() -> None:
        async with house(tmp_path) as (gateway, _):
            command = await Command(gateway, "--account", SYSTEM_ID).listens()
            client = await gateway.client()
            await client.submit(NUMBER, b"h\x1b[2Jllo\n")
            await client.delivery()
            await gateway.emptied()
            await command.ends()

    run()
    out = capsys.readouterr()
    lines = [line for line in out.out.splitlines() if " enquire_link " not in line]
    commands = [line.split()[5] for line in lines]
    assert commands[:4] == ["bind_transceiver", "bind_transceiver_resp", "submit_sm", "submit_sm_resp"]
    assert set(commands[4:]) == {"deliver_sm", "deliver_sm_resp"}
    assert f'destination_addr="{NUMBER}"' in lines[2]
    assert 'password="***"' in lines[0]
    assert PASSWORD + '"' not in out.out
    assert "\x1b" not in out.out
    assert f"{len(out.out.splitlines())} PDUs in all, 0 of them not shown" in out.err


def test_as_json_and_without_texts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    @journey
    async def run() -> None:
        async with house(tmp_path) as (gateway, smsc):
            command = await Command(gateway, "--connector", UPSTREAM, "--no-text", "--json").listens()
            client = await gateway.client()
            await client.submit(NUMBER, b"my code is secret")
            await client.delivery()
            await gateway.emptied()
            smsc.drop_connections()
            await gateway.said("link_lost")
            await gateway.linked()
            await command.ends()

    run()
    said = capsys.readouterr().out
    rows = [json.loads(line) for line in said.splitlines()]
    commands = [row.get("command") for row in rows if row.get("command") != "enquire_link"]
    assert commands[:2] == ["submit_sm", "submit_sm_resp"]
    assert commands[-3:] == ["bind_transceiver", "bind_transceiver_resp", None]
    assert rows[-1] == {"over": True, "pdus": len(rows) - 1, "dropped": 0}
    assert "secret" not in said and b"secret".hex() not in said
    assert SMSC_PASSWORD not in said and SMSC_PASSWORD.encode().hex() not in said
    assert NUMBER in said


async def asks(gateway: Gateway, **request: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    path = str(gateway.daemon.state_dir / SOCKET_NAME)
    reader, writer = await asyncio.open_unix_connection(path, limit=1 << 24)
    writer.write(json.dumps({"command": "trace", "seconds": 60, **request}).encode() + b"\n")
    await gateway.said("trace_began")
    return reader, writer


@journey
async def test_whoever_leaves_ends_the_trace(tmp_path: Path) -> None:
    async with house(tmp_path) as (gateway, _):
        client = await gateway.client()
        _, writer = await asks(gateway, account=SYSTEM_ID)
        assert [connection.tap is None for connection in gateway.daemon.smpp.listeners[0].connections] == [
            False
        ]
        writer.transport.abort()
        await gateway.until(lambda: not gateway.daemon.tracing.traces)
        assert [connection.tap is None for connection in gateway.daemon.smpp.listeners[0].connections] == [
            True
        ]
        await client.submit()
        await client.delivery()


@journey
async def test_whoever_reads_nothing_holds_nobody_up(tmp_path: Path) -> None:
    """The socket's buffers are full and PDUs are dropped; the sessions go on."""
    async with house(tmp_path) as (gateway, _):
        client = await gateway.client()
        path = str(gateway.daemon.state_dir / SOCKET_NAME)
        with socket.socket(socket.AF_UNIX) as channel:
            channel.setblocking(False)
            channel.connect(path)
            request = {"command": "trace", "seconds": 60, "account": SYSTEM_ID}
            await asyncio.get_running_loop().sock_sendall(channel, json.dumps(request).encode() + b"\n")
            await gateway.said("trace_began")
            (connection,) = gateway.daemon.smpp.listeners[0].connections
            (found,) = gateway.daemon.tracing.traces
            frame = encode(SubmitSm(sequence_number=1, short_message=b"x" * 250))
            while found.dropped < WAITING_MAX:
                assert connection.tap is not None
                connection.tap.sent(frame * 200)
                await asyncio.sleep(0)
            await client.submit()
            await client.delivery()
        await gateway.until(lambda: not gateway.daemon.tracing.traces)


@journey
async def test_what_does_not_exist_is_said(tmp_path: Path) -> None:
    async with house(tmp_path) as (gateway, _):
        for words, problem in (
            (("--account", "nobody"), "there is no account nobody"),
            (("--connector", "nothing"), "there is no connector nothing"),
        ):
            with pytest.raises(CommandError, match=problem):
                await Command(gateway, *words).task
