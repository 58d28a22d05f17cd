"""What was promised while messages flow, and what arrived."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any

from journey_support import PATIENCE_S, Client, read_receipt, submit_sm

from gateway.simulator import Simulator
from protocols.smpp import constants as c

WINDOW = 50


class Ledger:
    """Which text was acked under which id."""

    def __init__(self, name: str = "message") -> None:
        self._name = name
        self.acked: dict[str, bytes] = {}
        self.refused: Counter[str] = Counter()
        self.acked_enough = asyncio.Event()
        self.enough_sent = asyncio.Event()
        self._number = 0
        self._enough = 0
        self._texts: dict[asyncio.Future[Any], bytes] = {}

    async def send(self, client: Client, enough: int) -> None:
        """Keeps the window full until the connection ends, or `enough_sent`; then waits for the answers."""
        room = asyncio.Semaphore(WINDOW)

        async def fill() -> None:
            while True:
                await room.acquire()
                self._number += 1
                text = f"{self._name} {self._number}".encode()
                answer = client.send(submit_sm(text=text))
                self._texts[answer] = text
                answer.add_done_callback(self._answered)
                answer.add_done_callback(lambda _: room.release())

        self._enough = enough
        filling = asyncio.create_task(fill())
        told = asyncio.create_task(self.enough_sent.wait())
        await asyncio.wait((filling, client.closed, told), return_when=asyncio.FIRST_COMPLETED)
        filling.cancel()
        told.cancel()
        if self.enough_sent.is_set() and self._texts:
            await asyncio.wait(tuple(self._texts))

    def _answered(self, answer: asyncio.Future[Any]) -> None:
        text, response = self._texts.pop(answer), answer.result()
        if response.command_status != c.ESME_ROK:
            self.refused[c.status_name(response.command_status)] += 1
            return
        self.acked[response.message_id] = text
        if len(self.acked) >= self._enough:
            self.acked_enough.set()


def arrived(smsc: Simulator) -> Counter[bytes]:
    return Counter(message.text for message in smsc.received if message.status == c.ESME_ROK)


def received(client: Client) -> set[str]:
    """The ids whose receipts have come."""
    waiting = client.deliveries
    return {read_receipt(waiting.get_nowait()).message_id for _ in range(waiting.qsize())}


async def drain(client: Client, awaited: set[str]) -> None:
    """Waits for the receipts of these messages."""
    while awaited:
        awaited.discard(read_receipt(await client.delivery()).message_id)


async def drain_all(clients: Iterable[Client], awaited: set[str]) -> None:
    """Waits for the receipts of these messages, whichever session they come to."""
    done = asyncio.Event()

    async def read(client: Client) -> None:
        while True:
            awaited.discard(read_receipt(await client.deliveries.get()).message_id)
            if not awaited:
                done.set()

    readers = [asyncio.create_task(read(client)) for client in clients]
    async with asyncio.timeout(PATIENCE_S):
        await done.wait()
    for reader in readers:
        reader.cancel()
