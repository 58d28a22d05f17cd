"""`smsc-gateway run` as an admin meets it: starts, refusals to start, signals, systemd."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from pathlib import Path

import pytest
from free_ports import free_port
from journey_support import HOST, journey, simulated_smsc, submit_sm
from process_support import GatewayProcess, command, config_text, lines_with, process

from gateway.store.sqlite_open import FILE_NAME
from protocols.smpp import constants as c

NOBODY = 1


@journey
async def test_bad_configuration_prints_every_problem_and_ends_with_78(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    text = config_text(2775, 2776)
    text = text.replace("[smsc]", "[elsewhere]").replace("password_hash: scrypt", "password_hash: bcrypt")
    path.write_text(text + "wrong: 1\n")
    code, output = await command("run", "--config", str(path), "--state-dir", str(tmp_path / "state"))
    assert code == 78
    problems = lines_with(output, f"{path}:")
    assert len(problems) == 3, output
    for word in ("wrong", "password_hash", "elsewhere"):
        assert len(lines_with(output, word)) == 1
    assert "Traceback" not in output
    assert not (tmp_path / "state").exists()
    assert await command("check-config", "--config", str(path)) == (78, output)


@journey
async def test_missing_configuration(tmp_path: Path) -> None:
    code, output = await command("run", "--config", str(tmp_path / "none.yaml"), "--state-dir", str(tmp_path))
    assert code == 78
    assert "none.yaml" in output
    assert "Traceback" not in output


@journey
async def test_port_in_use(tmp_path: Path) -> None:
    port = free_port()
    server = await asyncio.start_server(lambda reader, writer: None, HOST, port)
    gateway = GatewayProcess(tmp_path, NOBODY, port)
    await gateway.start(ready=False)
    assert await gateway.ended() == 1
    server.close()
    assert f"cannot listen on {HOST}:{port}" in gateway.log
    assert "Traceback" not in gateway.log
    assert not any("READY" in note for note in gateway.notes)


@journey
async def test_second_gateway_on_the_same_state_dir(tmp_path: Path) -> None:
    async with process(tmp_path / "one", NOBODY) as first:
        second = GatewayProcess(tmp_path / "two", NOBODY)
        second.state_dir = first.state_dir
        await second.start(ready=False)
        assert await second.ended() != 0
        assert "another" in second.log
        assert str(first.state_dir) in second.log
        assert "Traceback" not in second.log
        # The first one has not noticed.
        client = await first.client()
        assert await client.submit()
        await client.unbind()


@pytest.mark.parametrize("damage", ["header", "pages", "text"])
def test_damaged_database_ends_with_78_and_is_kept(tmp_path: Path, damage: str) -> None:
    @journey
    async def run() -> None:
        async with process(tmp_path, NOBODY) as gateway:
            client = await gateway.client()
            for n in range(100):
                await client.submit(text=b"%d" % n)
            await client.unbind()
        file = gateway.state_dir / FILE_NAME
        whole = file.read_bytes()
        if damage == "header":
            spoilt = b"\0" * 100 + whole[100:]
        elif damage == "pages":
            spoilt = whole[:4096] + bytes(byte ^ 0x5A for byte in whole[4096:])
        else:
            spoilt = b"this is no database\n" * 1000
        file.write_bytes(spoilt)
        again = GatewayProcess(tmp_path, NOBODY, gateway.port)
        await again.start(ready=False)
        assert await again.ended() == 78
        assert str(file) in again.log
        assert "Traceback" not in again.log
        assert file.read_bytes() == spoilt

    run()


@journey
async def test_newer_database_ends_with_78(tmp_path: Path) -> None:
    async with process(tmp_path, NOBODY) as gateway:
        pass
    connection = sqlite3.connect(gateway.state_dir / FILE_NAME)
    connection.execute("PRAGMA user_version = 9999")
    connection.close()
    again = GatewayProcess(tmp_path, NOBODY, gateway.port)
    await again.start(ready=False)
    assert await again.ended() == 78
    assert "newer" in again.log


@journey
async def test_security_systemd_is_told_of_every_turn(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, NOBODY)
    await gateway.start(WATCHDOG_USEC="300000")
    await gateway.told("WATCHDOG=1", times=3)
    gateway.process.send_signal(signal.SIGHUP)
    await gateway.told("RELOADING=1")
    await gateway.told("READY=1", times=2)
    (reloading,) = [note for note in gateway.notes if "RELOADING=1" in note]
    assert "MONOTONIC_USEC=" in reloading
    assert await gateway.end() == 0
    turns = [note.split("\n")[0] for note in gateway.notes if "WATCHDOG" not in note]
    assert turns == ["READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_signals(tmp_path: Path, number: signal.Signals) -> None:
    @journey
    async def run() -> None:
        async with simulated_smsc() as smsc, process(tmp_path, smsc.port) as gateway:
            client = await gateway.client()
            message_id = await client.submit()
            assert (await client.receipt()).message_id == message_id
            assert await gateway.end(number) == 0
            assert await client.end() == "unbind by peer"
            await smsc.wait_until(lambda: not smsc.connections)
            assert sorted(it.name for it in gateway.state_dir.iterdir() if it.suffix == ".sock") == []

    run()


@journey
async def test_hangup_takes_a_good_file_and_leaves_a_bad_one(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc, process(tmp_path, smsc.port) as gateway:
        client = await gateway.client()
        good = gateway.config.read_text()
        gateway.config.write_text(good.replace("system_id: app", "system_id: app\n    rat: 5"))
        gateway.process.send_signal(signal.SIGHUP)
        await gateway.told("READY=1", times=2)
        assert len(lines_with(gateway.log, "error", "reload_refused")) == 1
        assert lines_with(gateway.log, "rat")
        assert [await client.status_of_submit() for _ in range(3)] == ["ESME_ROK"] * 3
        gateway.config.write_text(good.replace("system_id: app", "system_id: app\n    rate: 1"))
        gateway.process.send_signal(signal.SIGHUP)
        await gateway.told("READY=1", times=3)
        answers = client.send_together(submit_sm(), submit_sm())  # in one second, however slow commits are
        statuses = [(await answer).command_status for answer in answers]
        assert statuses == [c.ESME_ROK, c.ESME_RTHROTTLED]
        assert smsc.counters.binds == 1  # neither link nor session has noticed
        await client.unbind()
    assert len(lines_with(gateway.log, "reloaded")) == 1


@journey
async def test_many_hangups_in_a_row_drop_nobody(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc, process(tmp_path, smsc.port) as gateway:
        client = await gateway.client()
        good = gateway.config.read_text()
        for n in range(30):
            gateway.config.write_text(good.replace("system_id: app", f"system_id: app\n    rate: {1000 + n}"))
            gateway.process.send_signal(signal.SIGHUP)
            message_id = await client.submit(text=b"%d" % n)
            assert (await client.receipt()).message_id == message_id
        assert smsc.counters.binds == 1
        assert not client.closed.done()
        assert "Traceback" not in gateway.log
        await client.unbind()


@journey
async def test_gateway_ends_when_its_writer_is_killed(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc, process(tmp_path, smsc.port) as gateway:
        client = await gateway.client()
        message_id = await client.submit()
        await client.receipt()
        os.kill(gateway.writer_pid(), signal.SIGKILL)
        code = await gateway.ended()
        assert code not in (0, 78)  # so that systemd starts it again
        assert lines_with(gateway.log, "error", "failed", "store")
        await client.end()
    async with process(tmp_path, smsc.port) as gateway:
        found = await gateway.ask("message", message_id)
        assert found["state"] == "DELIVERED"


@journey
async def test_no_submit_is_acked_after_the_writer_was_killed(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc, process(tmp_path, smsc.port) as gateway:
        client = await gateway.client()
        await client.submit()
        pid = gateway.writer_pid()
        os.kill(pid, signal.SIGSTOP)
        answers = client.send_together(*(submit_sm(text=b"unacked %d" % n) for n in range(5)))
        os.kill(pid, signal.SIGKILL)
        await gateway.ended()
        await client.end()
        assert not [it for it in answers if it.done() and it.result().command_status == 0]
