"""docs/quickstart.md, as a newcomer follows it: its commands in their order, against the demo."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from example_blocks import blocks_of
from free_ports import free_port
from journey_support import journey
from test_process_demo import Demo, demo, shell

ROOT = Path(__file__).parents[2]
PROGRAM = ".venv/bin/smsc-gateway"
PATIENCE_S = 60


def commands_of(heading: str) -> list[str]:
    """The lines of a part that the program is asked by, and those that change its configuration."""
    page = (ROOT / "docs/quickstart.md").read_text(encoding="utf-8")
    part = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for block in blocks_of(part) if block.kind == "shell" for line in block.text.splitlines()]
    return [line for line in lines if line.startswith((PROGRAM, "sed "))]


async def follow(it: Demo, line: str, ports: dict[str, int]) -> tuple[int, str]:
    """Does what a line says, on this test's ports."""
    line = line.replace(PROGRAM, str(Path(sys.executable).with_name("smsc-gateway")))
    line = line.replace(" send ", f" send --connect 127.0.0.1:{it.port} ")
    for port, here in ports.items():
        line = line.replace(port, str(here))
    return await shell(line, it.folder)


@journey
async def test_the_quickstart_is_followed_to_its_end(tmp_path: Path) -> None:
    ports = (free_port(), free_port(), free_port())
    here = {"2776": ports[1], "2777": free_port()}
    async with demo(tmp_path, ports) as it:
        send, find, status = commands_of("The first message")
        code, output = await follow(it, send, here)
        assert code == 0 and re.search(r"^receipt: message_id \d+ DELIVRD$", output, re.M), output
        code, output = await follow(it, find, here)
        assert code == 0 and "DELIVERED" in output, output
        code, output = await follow(it, status, here)
        assert code == 0 and output.startswith("healthy\n"), output

        breaks, reload, sends, doctor, queue, repairs, again = commands_of("Break it")
        for line in (breaks, reload, sends):
            code, output = await follow(it, line, here)
            assert code == 0, output
        code, output = await follow(it, doctor, here)
        assert code == 1, output
        assert re.search(rf"^binds +failed +simulator: connecting: .*:{here['2777']}", output, re.M), output
        assert "next: check address, firewall and VPN" in output
        code, output = await follow(it, queue, here)
        assert re.search(r"^simulator +demo +1 ", output, re.M), output
        for line in (repairs, again):
            code, output = await follow(it, line, here)
            assert code == 0, output
        async with asyncio.timeout(PATIENCE_S):
            while True:
                code, output = await follow(it, queue, here)
                if not re.search(r"^simulator ", output, re.M):
                    return
                await asyncio.sleep(0.05)
