"""aiosmpplib as an ESME: sends messages.json over one transceiver bind and waits for the receipts.

Usage: aiosmpplib_peer.py [--messages FILE] HOST PORT SYSTEM_ID PASSWORD
Prints one JSON line per message; exit status 0 when every segment has its receipt, and when the library
itself has found for each message whose receipt it was.
"""

import argparse
import asyncio
import json
import logging
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmpplib import (
    ESME,
    NPI,
    TON,
    AbstractHook,
    DeliverSm,
    PhoneNumber,
    SmppCommand,
    SmppCommandStatus,
    SmppMessage,
    SubmitSm,
    SubmitSmResp,
)

SOURCE_ADDR = "12345"
RECEIPT_WAIT_S = 20.0
BIND_WAIT_S = 5.0
HEADER_OCTETS = 16
ESM_CLASS_UDHI = 0x40
RECEIPTED_MESSAGE_ID = 0x1E


@dataclass
class Sent:
    """One message of messages.json and what came back for it."""

    segments: int = 0
    message_ids: list[str] = field(default_factory=list)
    receipts: list[dict[str, str]] = field(default_factory=list)

    def complete(self) -> bool:
        """Every segment was answered with an id and every id has its receipt."""
        got = {receipt["id"] for receipt in self.receipts}
        return 0 < len(self.message_ids) == self.segments and got == set(self.message_ids)


class Hook(AbstractHook):
    """Notes what the library sends and gets.

    The library hides segments: it tells the first response and the first receipt of a text when the last has
    come. So each PDU is read once more here, by the library's own parser.
    """

    def __init__(self, names: list[str]) -> None:
        self.messages = {name: Sent() for name in names}
        self.by_sequence: dict[int, Sent] = {}
        self.told: list[str] = []  # the messages whose receipts the library found, in their order
        self.wrong: list[str] = []
        self.changed = asyncio.Event()

    async def sending(self, smpp_message: SmppMessage, pdu: bytes, client_id: str) -> None:
        """Counts a segment."""
        if isinstance(smpp_message, SubmitSm) and smpp_message.smpp_command == SmppCommand.SUBMIT_SM:
            message = self.messages[smpp_message.log_id]
            message.segments += 1
            self.by_sequence[smpp_message.sequence_num] = message

    async def received(self, smpp_message: SmppMessage | None, pdu: bytes, client_id: str) -> None:
        """Takes a response or a receipt."""
        header = SmppMessage.parse_header(pdu[:HEADER_OCTETS])
        if header.smpp_command == SmppCommand.SUBMIT_SM_RESP:
            self._take_response(SubmitSmResp.from_pdu(pdu, header))
        elif header.smpp_command == SmppCommand.DELIVER_SM:
            self._take_receipt(DeliverSm.from_pdu(pdu, header, "gsm0338"))
            if isinstance(smpp_message, DeliverSm):
                self.told.append(smpp_message.log_id)
        self.changed.set()

    async def send_error(self, smpp_message: SmppMessage, error: Exception, client_id: str) -> None:
        """Notes what could not be sent."""
        self.wrong.append(f"not sent: {error!r}")
        self.changed.set()

    def _take_response(self, response: Any) -> None:
        if response.command_status != SmppCommandStatus.ESME_ROK:
            self.wrong.append(f"submit_sm refused: {response.command_status!r}")
        self.by_sequence[response.sequence_num].message_ids.append(response.message_id)

    def _take_receipt(self, receipt: Any) -> None:
        said = receipt.parse_receipt()
        tlvs = {tlv.tag: tlv.value for tlv in receipt.optional_params}
        # its TLV and its text have to name the same message
        if not receipt.is_receipt() or tlvs.get(RECEIPTED_MESSAGE_ID) != said["id"]:
            self.wrong.append(f"no receipt of {said}: {tlvs}")
        for message in self.messages.values():
            if said["id"] in message.message_ids:
                message.receipts.append({"id": said["id"], "stat": said["stat"]})

    def complete(self) -> bool:
        """Nothing is missing, and the library has told of each message once."""
        complete = all(message.complete() for message in self.messages.values())
        return complete and sorted(self.told) == sorted(self.messages)


async def exchange(args: argparse.Namespace) -> int:
    """Bind, send, wait, unbind; the exit status."""
    entries = json.loads(args.messages.read_text(encoding="utf-8"))
    hook = Hook([entry["name"] for entry in entries])
    login = (args.host, args.port, args.system_id, args.password)
    esme = ESME(*login, hook=hook, log_handler=logging.NullHandler())
    for entry in entries:
        # so it cuts what is too long, and takes the bit away from what is not
        message = SubmitSm(
            short_message=entry["text"],
            source=PhoneNumber(SOURCE_ADDR),
            destination=PhoneNumber(entry["to"], TON.INTERNATIONAL, NPI.ISDN),
            log_id=entry["name"],
            esm_class=ESM_CLASS_UDHI,
            auto_message_payload=False,
        )
        await esme.broker.enqueue(message)
    await asyncio.wait_for(esme.connect(), BIND_WAIT_S)
    running = asyncio.create_task(esme.start())
    try:
        async with asyncio.timeout(RECEIPT_WAIT_S):
            while not hook.complete() and not hook.wrong:
                hook.changed.clear()
                await hook.changed.wait()
    except TimeoutError:
        hook.wrong.append(f"not complete; told of {hook.told}")
    for name, sent in hook.messages.items():
        print(json.dumps({"name": name, "message_ids": sent.message_ids, "receipts": sent.receipts}))
    await esme.stop()
    await running
    print(*hook.wrong, sep="\n", file=sys.stderr)
    return 1 if hook.wrong else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=Path, default=Path(__file__).parents[1] / "messages.json")
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("system_id")
    parser.add_argument("password")
    sys.exit(asyncio.run(exchange(parser.parse_args())))
