"""SIGKILL while accounts are told over HTTP: every message that was taken is told of, to handler and webhook.

Both are outside of the gateway and write down what comes to them; the webhook refuses some calls at first, so
that calls wait and come again over the kills, too.
"""

from __future__ import annotations

import asyncio
import base64
import json
import signal
from contextlib import suppress
from pathlib import Path
from random import Random

import aiohttp
from called_server import CalledServer, Came, called
from free_ports import free_port
from journey_support import HOST, PASSWORD, SYSTEM_ID, simulated_smsc
from process_support import GatewayProcess

from protocols.smsc_http.callbacks import StatusCall, check_hash, parse_callback
from protocols.webhooks import is_genuine

KILLS = 3
SENDERS = 8
AHEAD = 150
HASH, HOOK = "hash-secret", "hook-secret"
PATIENCE_S = 60.0

HTTP = """\
http:
  limits: 0
  call_networks: [127.0.0.0/8]
"""
ACCOUNT = """\
    http:
      handler: {handler}?sha1={hash}
      webhook: {hook}
      webhook_secret: {secret}
"""
LISTENER = """\
  http:
    - address: {host}:{port}
"""


class Webhook(CalledServer):
    """Takes the first call of every tenth message not."""

    def __init__(self) -> None:
        super().__init__(self._status)
        self._refused: set[str] = set()

    def _status(self, came: Came) -> int:
        event = json.loads(came.body)
        if int(event["message"]["id"]) % 10 == 0 and event["id"] not in self._refused:
            self._refused.add(event["id"])
            return 503
        return 204


class Sender:
    """Sends over /v1, not far ahead of what is told; `taken` are the ids that were answered."""

    def __init__(self, url: str, handler: CalledServer) -> None:
        self._url = url
        self._handler = handler
        login = base64.b64encode(f"{SYSTEM_ID}:{PASSWORD}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}"}
        self.taken: set[str] = set()
        self._number = 0

    async def send(self) -> None:
        async with aiohttp.ClientSession(headers=self._headers) as session:
            with suppress(aiohttp.ClientError, OSError):
                while True:
                    await self._handler.until(lambda: len(self.taken) < len(self._handler.came) + AHEAD)
                    await self._one(session)

    async def _one(self, session: aiohttp.ClientSession) -> None:
        self._number += 1
        message = {"to": f"7916{self._number:07d}", "from": "Example", "text": "Hello"}
        async with session.post(self._url, json=message) as response:
            answer = json.loads(await response.read())
            assert response.status in (200, 201, 202), answer
            self.taken.add(str(answer["id"]))


def gateway_of(folder: Path, smsc_port: int, http_port: int, handler: str, hook: str) -> GatewayProcess:
    gateway = GatewayProcess(folder, smsc_port)
    secret = folder / "webhook.secret"
    secret.write_text(HOOK)
    secret.chmod(0o600)
    head, accounts, rest = gateway.config.read_text().partition("accounts:\n")
    account, connectors, more = rest.partition("connectors:\n")
    text = ACCOUNT.format(handler=handler, hash=HASH, hook=hook, secret=f"{{file: {secret}}}")
    listener = LISTENER.format(host=HOST, port=http_port)
    gateway.config.write_text(HTTP + head + listener + accounts + account + text + connectors + more)
    return gateway


def ids_at(handler: CalledServer) -> set[str]:
    calls = [parse_callback(came.headers["content-type"], came.body) for came in handler.came]
    assert all(check_hash(call, HASH, "sha1") for call in calls)
    return {call.id for call in calls if isinstance(call, StatusCall)}


def events_at(hook: CalledServer) -> dict[str, set[str]]:
    """Message → ids of the events that told of it."""
    found: dict[str, set[str]] = {}
    for came in hook.came:
        header = came.headers["x-signature"]
        at = int(header.partition(",")[0].removeprefix("t="))
        assert is_genuine(header, came.body, [HOOK], at)
        event = json.loads(came.body)
        found.setdefault(event["message"]["id"], set()).add(event["id"])
    return found


async def kills(gateway: GatewayProcess, sender: Sender, handler: CalledServer, random: Random) -> None:
    for _ in range(KILLS):
        gateway.notes.clear()
        await gateway.start()
        sending = [asyncio.create_task(sender.send()) for _ in range(SENDERS)]
        before = len(handler.came)
        enough = random.randrange(60, 200)
        await handler.until(lambda before=before, enough=enough: len(handler.came) >= before + enough)
        assert await gateway.end(signal.SIGKILL) == -signal.SIGKILL
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)


def test_every_message_that_was_taken_is_told_of_over_kills(tmp_path: Path) -> None:
    async def run() -> None:
        async with (
            asyncio.timeout(100),
            simulated_smsc(keep=100_000) as smsc,
            called() as handler,
            called(Webhook()) as hook,
        ):
            port = free_port()
            gateway = gateway_of(tmp_path, smsc.port, port, handler.url, hook.url)
            sender = Sender(f"http://{HOST}:{port}/v1/messages", handler)
            try:
                await kills(gateway, sender, handler, Random(7))
                gateway.notes.clear()
                await gateway.start()
                await handler.until(lambda: sender.taken <= ids_at(handler))
                await hook.until(lambda: sender.taken <= events_at(hook).keys())
                assert await gateway.end() == 0
            finally:
                if gateway.process.returncode is None:
                    gateway.process.kill()
                    await gateway.process.wait()
                gateway.close()
            assert len(sender.taken) > KILLS * 20
            assert all(len(ids) == 1 for ids in events_at(hook).values()), "the same event, the same id"
            assert "Traceback" not in gateway.log

    asyncio.run(run())
