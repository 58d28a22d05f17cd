"""The pages of a real gateway: they end with it, however it ends, and go on with a reload."""

from __future__ import annotations

import asyncio
import re
import signal
from pathlib import Path

import aiohttp
from free_ports import free_port
from journey_support import HOST, PASSWORD, hashed, journey
from process_support import PATIENCE_S, GatewayProcess

SECTION = """\
web:
  address: {host}:{port}
  users: [{{name: olga, role: operator, password_hash: {password_hash}}}]
"""


@journey
async def test_pages_of_a_gateway_that_is_reloaded_and_killed(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, free_port())
    port = free_port()
    without = gateway.config.read_text()
    section = SECTION.format(host=HOST, port=port, password_hash=hashed(PASSWORD).reveal())
    await gateway.start()
    gateway.config.write_text(without + section)
    gateway.process.send_signal(signal.SIGHUP)
    pid = await pages_of(gateway)

    url = f"http://{HOST}:{port}"
    async with aiohttp.ClientSession(
        headers={"Origin": url}, cookie_jar=aiohttp.CookieJar(unsafe=True)
    ) as browser:
        form = {"name": "olga", "password": PASSWORD}
        async with browser.post(f"{url}/login", data=form) as answer:
            assert answer.status == 200
            assert answer.url.path == "/"
            assert "olga" in await answer.text()
    assert PASSWORD not in gateway.log
    assert f"web_login user=olga role=operator address={HOST}" in await logged(gateway, "web_login")

    assert re.search(r"^Max address space +536870912 ", limits_of(pid), re.M)
    # two descriptors, and no secret
    assert re.fullmatch(r"-P -m gateway\.ops\.web\.worker( \d+){2}", arguments_of(pid))

    gateway.process.kill()
    assert await gateway.ended() == -signal.SIGKILL
    async with asyncio.timeout(PATIENCE_S):
        while runs(pid):  # noqa: ASYNC110 - a process that is not ours
            await asyncio.sleep(0.01)


def arguments_of(pid: int) -> str:
    return " ".join(Path(f"/proc/{pid}/cmdline").read_text().split("\0")[1:-1])


def limits_of(pid: int) -> str:
    return Path(f"/proc/{pid}/limits").read_text("ascii")


def runs(pid: int) -> bool:
    try:
        return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


async def pages_of(gateway: GatewayProcess) -> int:
    return int(re.findall(r"web_ready pid=(\d+)", await logged(gateway, "web_ready"))[-1])


async def logged(gateway: GatewayProcess, name: str) -> str:
    """The log, once an event is in it."""
    async with asyncio.timeout(PATIENCE_S):
        while f" {name} " not in gateway.log:  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.01)
    return gateway.log
