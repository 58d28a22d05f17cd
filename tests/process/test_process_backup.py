"""A copy of a gateway at work, its death, and what a gateway with that copy does with each message."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from journey_support import journey, simulated_smsc
from ledger_support import Ledger, arrived
from process_support import GatewayProcess, command, process

from gateway.store.sqlite_open import FILE_NAME


@journey
async def test_a_copy_made_under_load_is_restored_and_nothing_in_it_comes_twice_unasked(
    tmp_path: Path,
) -> None:
    ledger = Ledger()
    async with simulated_smsc(keep=100_000, resp_delay_ms=5.0) as smsc:
        async with process(tmp_path / "first", smsc.port) as gateway:
            client = await gateway.client()
            sending = asyncio.create_task(ledger.send(client, 1000))
            await ledger.acked_enough.wait()
            copy = tmp_path / "copy.sqlite3"
            acked_before = set(ledger.acked)
            code, output = await command("backup", *state_of(gateway), "--to", str(copy))
            assert code == 0, output
            assert "Traceback" not in gateway.log
            assert await gateway.end(signal.SIGKILL) == -signal.SIGKILL
            await client.end()
            await sending
        sent = arrived(smsc)
        with closing(sqlite3.connect(copy)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            live = {str(row[0]) for row in connection.execute("SELECT message_id FROM message")}
            ended = {str(row[0]) for row in connection.execute("SELECT message_id FROM history")}
        assert acked_before <= live | ended
        second = tmp_path / "second"
        second.mkdir()
        code, output = await command("restore", str(copy), "--state-dir", str(second / "state"))
        assert code == 0, output
        async with process(second, smsc.port, gateway.port) as gateway:
            held = await gateway.ask("queue", "held", "--limit", "100000")
            doubts = await gateway.ask("queue", "ambiguous", "--limit", "100000")
            assert {row["message_id"] for row in held} <= {row["message_id"] for row in doubts}
            assert all("restored from a copy of" in row["evidence"] for row in doubts)
            assert await gateway.ask("queue", "waiting") == []
            assert "Traceback" not in gateway.log
            assert arrived(smsc) == sent
            code, output = await command("queue", "drop", "--all", *state_of(gateway))
            assert (code, output) == (0, f"{len(held)} done\n")
            assert await gateway.ask("queue", "held") == []
        assert arrived(smsc) == sent


@journey
async def test_damage_that_is_found_at_the_start_is_recovered_and_the_gateway_goes_on(tmp_path: Path) -> None:
    async with process(tmp_path, 1) as gateway:
        client = await gateway.client()
        ids = {await client.submit(text=b"%d" % n * 40) for n in range(200)}
        await client.unbind()
    path = gateway.state_dir / FILE_NAME
    content = bytearray(path.read_bytes())
    at = content.index(b"150" * 40) // 4096 * 4096
    content[at : at + 4096] = bytes(4096)
    path.write_bytes(content)
    again = GatewayProcess(tmp_path, 1, gateway.port)
    await again.start(ready=False)
    assert await again.ended() == 78
    assert f"smsc-gateway recover --state-dir {gateway.state_dir}" in again.log
    code, output = await command("recover", "--state-dir", str(gateway.state_dir))
    assert code == 3, output
    async with process(tmp_path, 1, gateway.port) as gateway:
        waiting = {row["message_id"] for row in await gateway.ask("queue", "waiting", "--limit", "1000")}
    assert waiting < ids
    assert all(message_id in output for message_id in ids - waiting)


@journey
async def test_damage_that_is_found_while_it_runs_ends_it_with_78(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc:
        async with process(tmp_path, smsc.port) as gateway:
            client = await gateway.client()
            ids = {await client.submit(text=b"%d" % n) for n in range(200)}
            assert {(await client.receipt()).message_id for _ in ids} == ids
            await client.unbind()
        path = gateway.state_dir / FILE_NAME
        with closing(sqlite3.connect(path)) as connection:
            sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'history'"
            (root,) = connection.execute(sql).fetchone()
        content = bytearray(path.read_bytes())
        cell = (root - 1) * 4096 + 14  # the second of its leaves: the start looks at the last one only
        at = (root - 1) * 4096 + int.from_bytes(content[cell : cell + 2], "big")
        leaf = int.from_bytes(content[at : at + 4], "big")
        content[(leaf - 1) * 4096 : leaf * 4096] = b"\xa5" * 4096
        path.write_bytes(content)
        async with process(tmp_path, smsc.port, gateway.port) as gateway:
            code, output = await command("export", *state_of(gateway))
            assert (code, "the store cannot be read" in output) == (1, True)
            code, output = await command("erase", "--number", "79990000000", "--yes", *state_of(gateway))
            assert code == 1, output
            assert await gateway.ended() == 78
            assert "is damaged" in gateway.log
            assert f"smsc-gateway recover --state-dir {gateway.state_dir}" in gateway.log
            assert "Traceback" not in gateway.log


def state_of(gateway: GatewayProcess) -> tuple[str, str]:
    return "--state-dir", str(gateway.state_dir)
