"""The client of kill.py: sends at a fixed rate, writes what it is promised, and outlives the gateway.

    python benchmarks/kill_sender.py --port N --rate N --ledger FILE [--system-id ID] [--host IP] [--first N]

The password comes from the environment (KILL_PASSWORD).  Each message goes to a number of its own, which is
its marker; they count on from --first.  A line of the ledger is a JSON object with "acked", "refused",
"unanswered" or "receipt".  A line on standard input tells it what to do: "drain" ends the sending, "end" ends
the process.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import IO, cast

from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.events import Answered, Closed
from protocols.smpp.pdu import BindTransceiver, DeliverSm, DeliverSmResp, SubmitSm
from protocols.smpp.session import Session
from protocols.smpp.settings import SessionSettings
from protocols.smpp.state import Role, State

HOST = "127.0.0.1"
SYSTEM_ID = "kill"
FIRST_MARKER = 79_000_000_000
WINDOW = 100
RECONNECT_S = 0.05
TICK_S = 0.01


class Client(asyncio.Protocol):
    """One connection; the ledger is told of everything that happens on it."""

    def __init__(self, ledger: IO[str], system_id: str = SYSTEM_ID) -> None:
        self._loop = asyncio.get_running_loop()
        self._ledger = ledger
        self._system_id = system_id
        self.session = Session(
            Role.ESME, SessionSettings(window=WINDOW, peer_window=10_000), self._loop.time()
        )
        self.closed: asyncio.Future[None] = self._loop.create_future()
        self._transport: asyncio.Transport

    def note(self, **fields: object) -> None:
        self._ledger.write(json.dumps(fields) + "\n")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        request = BindTransceiver(system_id=self._system_id, password=os.environ["KILL_PASSWORD"])
        self.session.send_request(request, self._loop.time())
        self.write()

    def data_received(self, data: bytes) -> None:
        for event in self.session.receive_data(data, self._loop.time()):
            if isinstance(event, Answered) and event.context is not None:
                self._answered(event)
            elif isinstance(event, DeliverSm):
                self._receipt(event)
            elif isinstance(event, Closed):
                self._transport.close()
        self._ledger.flush()
        self.write()

    def _answered(self, event: Answered) -> None:
        response = event.response
        if response.command_status == c.ESME_ROK:
            self.note(acked=getattr(response, "message_id", ""), marker=event.context)
        else:
            self.note(refused=c.status_name(response.command_status), marker=event.context)

    def _receipt(self, pdu: DeliverSm) -> None:
        # The promise is ours too: what is answered must be in the ledger.
        message_id = (tlv.get(pdu.tlvs, tlv.RECEIPTED_MESSAGE_ID) or b"").rstrip(b"\0").decode()
        state = (tlv.get(pdu.tlvs, tlv.MESSAGE_STATE) or b"\0")[0]
        self.note(receipt=message_id, state=state, marker=int(pdu.source_addr))
        self.session.respond(DeliverSmResp(sequence_number=pdu.sequence_number))

    def connection_lost(self, exc: Exception | None) -> None:
        for left in self.session.abandon():
            if left.context is not None:
                self.note(unanswered=True, marker=left.context)
        self._ledger.flush()
        self.closed.set_result(None)

    @property
    def room(self) -> int:
        return self.session.room if self.session.state is State.BOUND_TRX else 0

    def submit(self, marker: int) -> None:
        pdu = SubmitSm(
            source_addr="12345",
            destination_addr=str(marker),
            registered_delivery=1,
            short_message=b"%d" % marker,
        )
        self.session.send_request(pdu, self._loop.time(), marker)

    def write(self) -> None:
        self._transport.write(self.session.data_to_send())

    def close(self) -> None:
        self._transport.close()


class Sender:
    """Keeps one client connected, and its rate."""

    def __init__(
        self, address: tuple[str, int], rate: float, ledger: IO[str], system_id: str, first: int
    ) -> None:
        self._address = address
        self._first = first
        self._system_id = system_id
        self._rate = rate
        self._ledger = ledger
        self._client: Client | None = None
        self._sending = True

    async def run(self) -> None:
        """Runs until it is told to end."""
        keeping = asyncio.create_task(self._keep_connected())
        sending = asyncio.create_task(self._send())
        await self._obey()
        sending.cancel()
        keeping.cancel()
        if self._client is not None and not self._client.closed.done():
            self._client.close()
            await self._client.closed

    async def _obey(self) -> None:
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )
        while (line := await reader.readline()) and line != b"end\n":
            self._sending = False

    async def _keep_connected(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            with contextlib.suppress(OSError):
                _, self._client = await loop.create_connection(
                    lambda: Client(self._ledger, self._system_id), *self._address
                )
                await self._client.closed
            await asyncio.sleep(RECONNECT_S)

    async def _send(self) -> None:
        """What the gateway cannot take now is not made up for: the rate is that of a live gateway."""
        loop = asyncio.get_running_loop()
        marker, due, at = self._first, 0.0, loop.time()
        while self._sending:
            await asyncio.sleep(TICK_S)
            elapsed, at = loop.time() - at, loop.time()
            client = self._client
            if client is None or client.closed.done():
                continue
            due = min(due + self._rate * elapsed, float(client.room))
            while due >= 1:
                due -= 1
                marker += 1
                client.submit(marker)
            client.write()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default=HOST)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--system-id", default=SYSTEM_ID)
    parser.add_argument("--first", type=int, default=FIRST_MARKER)
    args = parser.parse_args()

    async def run(ledger: IO[str]) -> None:
        await Sender((args.host, args.port), args.rate, ledger, args.system_id, args.first).run()

    with args.ledger.open("w") as ledger:
        asyncio.run(run(ledger))


if __name__ == "__main__":
    main()
