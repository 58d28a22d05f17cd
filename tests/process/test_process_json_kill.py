"""SIGKILL while requests with an Idempotency-Key come: whoever asks again until he is answered sends once."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import signal
import sqlite3
from pathlib import Path

import aiohttp
from free_ports import free_port
from journey_support import HOST, PASSWORD, SYSTEM_ID, journey, simulated_smsc
from process_support import GatewayProcess

from gateway.store.sqlite_open import FILE_NAME

KILLS = 2
SENDERS = 8
REQUESTS = 24
"""Of each sender; each has two messages."""
AGAIN_S = 0.02


class Senders:
    """Each sends its requests one after the other, and each until it is answered."""

    def __init__(self, port: int) -> None:
        self.url = f"http://{HOST}:{port}/v1/messages"
        self.answers: dict[str, bytes] = {}
        self.repeated = 0

    async def run(self, session: aiohttp.ClientSession, sender: int) -> None:
        for number in range(REQUESTS):
            key = f"{sender}-{number}"
            while True:
                body = await self.ask(session, key)
                if body:
                    break
                self.repeated += 1
                await asyncio.sleep(AGAIN_S)
            self.answers[key] = body

    async def ask(self, session: aiohttp.ClientSession, key: str) -> bytes:
        """The answer; b"": there was none."""
        to = f"7999{1_000_000 + int(key.replace('-', '0')):07d}"
        messages = {"messages": [{"to": to, "text": f"{key} {part}", "reference": key} for part in "ab"]}
        try:
            async with session.post(self.url, json=messages, headers={"Idempotency-Key": key}) as reply:
                body = await reply.read()
        except (aiohttp.ClientError, OSError):
            return b""
        assert reply.status in (202, 503), body
        return body if reply.status == 202 else b""


def with_http(gateway: GatewayProcess, port: int) -> None:
    head, accounts, rest = gateway.config.read_text().partition("accounts:\n")
    account, connectors, more = rest.partition("connectors:\n")
    listener = f"  http:\n    - address: {HOST}:{port}\n"
    http = "http:\n  limits: 0\n  max_requests: 100\n"
    gateway.config.write_text(
        http + head + listener + accounts + account + "    http: {}\n" + connectors + more
    )


@journey
async def test_a_request_that_is_asked_until_it_is_answered_is_done_once(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc:
        gateway, port = GatewayProcess(tmp_path, smsc.port), free_port()
        with_http(gateway, port)
        await gateway.start()
        senders = Senders(port)
        basic = "Basic " + base64.b64encode(f"{SYSTEM_ID}:{PASSWORD}".encode()).decode()
        async with aiohttp.ClientSession(headers={"Authorization": basic}) as session:
            asking = [asyncio.ensure_future(senders.run(session, one)) for one in range(SENDERS)]
            for kill in range(1, KILLS + 1):
                while len(senders.answers) < kill * SENDERS * REQUESTS // (KILLS + 1):  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
                assert await gateway.end(signal.SIGKILL) == -signal.SIGKILL
                gateway.notes.clear()
                await gateway.start()
            await asyncio.gather(*asking)
            try:
                for key, body in senders.answers.items():
                    assert await senders.ask(session, key) == body, "the first answer again"
            finally:
                await gateway.end(signal.SIGKILL)
        assert senders.repeated > 0
        with contextlib.closing(sqlite3.connect(gateway.state_dir / FILE_NAME)) as connection:
            kept = connection.execute("SELECT api_id, count(*) FROM api_message GROUP BY api_id").fetchall()
        assert dict(kept) == dict.fromkeys(senders.answers, 2)
