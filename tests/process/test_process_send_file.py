"""SIGKILL to either end while a list is sent: going on sends no line twice and leaves none out."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import signal
from collections import Counter
from pathlib import Path

import pytest
from free_ports import free_port
from journey_support import HOST, PASSWORD, SYSTEM_ID, journey
from process_support import EXECUTABLE, GatewayProcess, command

COUNT, WINDOW = 1000, 20


async def started(gateway: GatewayProcess, file: Path) -> asyncio.subprocess.Process:
    """The command, once some of the list has been answered."""
    child = await asyncio.create_subprocess_exec(
        *(EXECUTABLE, *sending(gateway, file)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "SMSC_GATEWAY_PASSWORD": PASSWORD},
    )
    sent = file.with_name(f"{file.name}.sent")
    async with asyncio.timeout(20):
        while not sent.exists() or sent.stat().st_size < 3000:
            assert child.returncode is None
            await asyncio.sleep(0.005)
    return child


def sending(gateway: GatewayProcess, file: Path, *options: str) -> list[str]:
    link = ["--connect", f"{HOST}:{gateway.port}", "--system-id", SYSTEM_ID, "--window", str(WINDOW)]
    return ["send", *link, "--file", str(file), "--text", "hi", *options]


def results(file: Path) -> dict[str, tuple[str, str]]:
    """Number → status, message_id."""
    with file.with_name(f"{file.name}.sent").open(newline="") as sent:
        return {row["number"]: (row["status"], row["message_id"]) for row in list(csv.DictReader(sent))[1:]}


@pytest.mark.parametrize("victim", ["command", "gateway"])
def test_after_kill_9_no_line_goes_twice(tmp_path: Path, victim: str) -> None:
    @journey
    async def run() -> None:
        file = tmp_path / "list.csv"
        file.write_text("".join(f"7999{n:07}\n" for n in range(COUNT)))
        gateway = GatewayProcess(tmp_path / "gateway", free_port())  # there is no SMSC: all of it waits
        await gateway.start()
        try:
            child = await started(gateway, file)
            if victim == "gateway":
                await gateway.end(signal.SIGKILL)
                assert await child.wait() == 1
                gateway.notes.clear()
                await gateway.start()
            else:
                child.kill()
                await child.wait()
            assert len(results(file)) < COUNT
            words = sending(gateway, file, "--resume", "--json")
            code, shown = await command(*words, SMSC_GATEWAY_PASSWORD=PASSWORD)
            found = results(file)
            unknown = {number for number, (status, _) in found.items() if status == "unknown"}
            assert len(found) == COUNT, shown
            assert len(unknown) <= WINDOW
            assert (code, shown.count("--resume goes on")) == (1 if unknown else 0, 0), shown
            code, shown = await command("export", "--json", "--state-dir", str(gateway.state_dir))
            there = [json.loads(line) for line in shown.splitlines()]
        finally:
            await gateway.end()
        taken = Counter(row["to"] for row in there)
        assert max(taken.values()) == 1
        assert set(taken) | unknown == set(found)
        ids = {row["to"]: row["message_id"] for row in there}
        assert all(ids[number] == message_id for number, (status, message_id) in found.items() if message_id)

    run()
