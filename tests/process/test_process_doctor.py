"""`smsc-gateway doctor` as a process, beside a gateway that is well and one that is not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from free_ports import free_port
from journey_support import SMSC_PASSWORD, journey, simulated_smsc
from process_support import EXECUTABLE, GatewayProcess, command, process

TO = "79991234567"


async def doctor(gateway: GatewayProcess, *options: str) -> tuple[int, dict[str, Any]]:
    """Its exit code, and what it says in JSON."""
    places = ["--config", str(gateway.config), "--state-dir", str(gateway.state_dir)]
    code, output = await command("doctor", *places, "--timeout", "55", "--json", *options)
    assert SMSC_PASSWORD not in output
    return code, json.loads(output)


async def until(condition: Callable[[], object]) -> None:
    """Waits until something is so that nobody tells of."""
    async with asyncio.timeout(60):
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)


def failed(report: dict[str, Any]) -> dict[str, str]:
    return {it["check"]: it["found"] for it in report["results"] if it["outcome"] == "failed"}


@journey
async def test_a_gateway_that_is_well_has_nothing_failed_and_does_not_notice(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc, process(tmp_path, smsc.port) as gateway:
        await until(lambda: smsc.counters.binds)
        await gateway.ask("status")  # it has heard of its bind by then
        log = gateway.log
        files = sorted(path.name for path in gateway.state_dir.iterdir())
        code, report = await doctor(gateway, "--to", TO)
        assert (code, report["gateway"], failed(report)) == (0, "running", {}), report
        passed = {it["check"] for it in report["results"] if it["outcome"] == "passed"}
        assert passed >= {
            *("configuration", "gateway", "files", "store", "binds", "clock", "limits", "ports", "message"),
            "routes",
        }
        assert gateway.log == log
        assert sorted(path.name for path in gateway.state_dir.iterdir()) == files
        assert smsc.counters.connections == 1  # the gateway's own


@journey
async def test_a_gateway_that_is_broken_is_told_what_to_do(tmp_path: Path) -> None:
    async with process(tmp_path, free_port()) as gateway:
        text = gateway.config.read_text()
        gateway.config.write_text(text.replace("reconnect_max_s: 0.2", "reconnect_max_s: 0.3"))
        code, report = await doctor(gateway, "--only", "configuration,binds")
        assert (code, failed(report).keys()) == (1, {"binds"})
        [changed] = [it for it in report["results"] if it["outcome"] == "warned"]
        assert "reconnect_max_s" in changed["found"] and "smsc-gateway reload" in changed["next"]
        gateway.config.write_text(text.replace("connectors:", "conectors:", 1))
        code, report = await doctor(gateway, "--only", "configuration,gateway,limits")
        assert (code, {"configuration"} <= failed(report).keys()) == (78, True)
        assert {it["check"] for it in report["results"]} == {"configuration", "gateway", "limits"}


@journey
async def test_what_it_starts_ends_with_it(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("listeners: [")
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    child = await asyncio.create_subprocess_exec(
        *(EXECUTABLE, "doctor", "--config", str(config), "--state-dir", str(tmp_path)),
        *("--only", "message", "--timeout", "60"),
        env={**os.environ, "TMPDIR": str(scratch)},
        stdout=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(60):
        await until(lambda: list(scratch.glob("*/run.log")))  # both of its processes are started
        child.terminate()
        assert await child.wait() == 128 + signal.SIGTERM
    assert list(scratch.iterdir()) == []
    assert _with(str(scratch)) == []


def _with(word: str) -> list[str]:
    """Processes that have this word in their arguments."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if word in path.read_text():
                found.append(path.parent.name)
    return found
