"""smpp34's server as an SMSC that takes texts, tells what becomes of them, and has SMS of its own to bring.

Usage: smpp34_smsc.py HOST PORT
Events go to standard output, one JSON line each: listening, bound, submit_sm (its text read with
aiosmpplib's GSM alphabet), deliver_sm (the answer to one of ours), unbound. A line {"from", "to", "text"} on
standard input is an SMS for whoever is bound. What becomes of a message depends on the last digit of its
number, see STATES.
"""

import asyncio
import json
import sys
from typing import Any

import smpp34
from aiosmpplib import GSM7BitCodec

STATES = {"1": "UNDELIV", "2": "EXPIRED", "3": "REJECTD", "4": "DELETED"}
DELIVERED = "DELIVRD"
REFUSED = "9"  # with ESME_RINVDSTADR
ESM_CLASS_RECEIPT, ESM_CLASS_UDHI = 0x04, 0x40
DATA_CODING_UCS2 = 0x08


def say(event: str, **fields: Any) -> None:
    """Prints an event."""
    print(json.dumps({"event": event, **fields}), flush=True)


def text_of(octets: bytes, data_coding: int) -> str:
    """A text as this SMSC understands it."""
    if data_coding == DATA_CODING_UCS2:
        return octets.decode("utf-16-be")
    return str(GSM7BitCodec.get_codec_info().decode(octets)[0])


class Smsc:
    """The sessions, and the messages in the order of their coming."""

    def __init__(self) -> None:
        self.sessions: dict[str, Any] = {}
        self.count = 0
        self.deliveries: set[asyncio.Task[None]] = set()

    def take(self, event: Any) -> None:
        """Whatever the library tells."""
        if isinstance(event, smpp34.Esme):
            self.sessions[event.session_id] = event
            say("bound", system_id=event.system_id, receives=event.can_receive)
        elif isinstance(event, smpp34.Unbound):
            del self.sessions[event.session_id]
            say("unbound")
        else:
            self.submit(event)

    def submit(self, event: Any) -> None:
        """Takes a message or refuses it, and sends the receipt."""
        octets = event.short_message
        header = octets[: octets[0] + 1] if event.esm_class & ESM_CLASS_UDHI else b""
        text = text_of(octets[len(header) :], event.data_coding)
        refused = event.destination_addr.endswith(REFUSED)
        self.count += 1
        message_id = f"rs-{self.count:04}"
        say("submit_sm", id=message_id, to=event.destination_addr, text=text, udh=header[1:].hex())
        if refused:
            event.reject(smpp34.ESME_RINVDSTADR)
            return
        event.accept(message_id)
        if event.registered_delivery & 0x01:
            state = STATES.get(event.destination_addr[-1], DELIVERED)
            delivered = int(state == DELIVERED)
            receipt = (
                f"id:{message_id} sub:001 dlvrd:{delivered:03} submit date:2601020304 done date:2601020305 "
                f"stat:{state} err:{0 if delivered else 27:03} text:"
            )
            esm_class = {"esm_class": ESM_CLASS_RECEIPT}
            self.deliver(event.destination_addr, event.source_addr, receipt.encode("ascii"), **esm_class)

    def deliver(self, source: str, destination: str, octets: bytes, **fields: int) -> None:
        """Sends a deliver_sm to a session that may receive."""
        session = next(session for session in self.sessions.values() if session.can_receive)

        async def send() -> None:
            answer = await session.deliver_sm(destination, octets, source_addr=source, **fields)
            say("deliver_sm", status=answer.command_status)

        task = asyncio.create_task(send())
        self.deliveries.add(task)
        task.add_done_callback(self.deliveries.discard)


async def serve(host: str, port: int) -> None:
    """Serves until it is ended."""
    server = smpp34.Server(host, port, system_id="smpp34")
    await server.start()
    smsc = Smsc()
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)

    async def read_lines() -> None:
        while line := await lines.readline():
            sms = json.loads(line)
            octets = sms["text"].encode("utf-16-be")
            smsc.deliver(sms["from"], sms["to"], octets, data_coding=DATA_CODING_UCS2)

    reading = asyncio.create_task(read_lines())
    say("listening")
    while not reading.done():
        smsc.take(await server.next())


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
