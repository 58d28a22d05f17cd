"""smpplib as an ESME: sends messages.json over one transceiver bind and waits for the receipts.

Usage: smpplib_peer.py HOST PORT SYSTEM_ID PASSWORD
Prints one JSON line per message; exit status 0 when every segment has its receipt.
"""

import argparse
import json
import re
import select
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import smpplib.client
import smpplib.consts
import smpplib.gsm

SOURCE_ADDR = "12345"
RECEIPT_WAIT_S = 20.0
ESM_CLASS_RECEIPT = 0x04
RECEIPT = re.compile(rb"id:(\S+) .*?stat:(\S+)", re.DOTALL)


@dataclass
class Sent:
    """One message of messages.json and what came back for it."""

    name: str
    segments: int
    message_ids: list[str] = field(default_factory=list)
    receipts: list[dict[str, str]] = field(default_factory=list)

    def complete(self) -> bool:
        """Every segment was answered with an id and every id has its receipt."""
        got = {receipt["id"] for receipt in self.receipts}
        return len(self.message_ids) == self.segments and got == set(self.message_ids)


class Peer:
    """Keeps what was sent by sequence number, and the receipts, which may come before the response."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.messages: list[Sent] = []
        self.by_sequence: dict[int, Sent] = {}
        self.receipts: list[dict[str, str]] = []
        client.set_message_sent_handler(self.on_submit_sm_resp)
        client.set_message_received_handler(self.on_deliver_sm)

    def send(self, name: str, destination: str, text: str) -> None:
        """Submit one text, split by smpplib itself, each segment with a concatenation UDH."""
        parts, data_coding, esm_class = smpplib.gsm.make_parts(text)
        message = Sent(name, len(parts))
        self.messages.append(message)
        for part in parts:
            pdu = self.client.send_message(
                source_addr_ton=smpplib.consts.SMPP_TON_NWSPEC,
                source_addr=SOURCE_ADDR,
                dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
                dest_addr_npi=smpplib.consts.SMPP_NPI_ISDN,
                destination_addr=destination,
                short_message=part,
                data_coding=data_coding,
                esm_class=esm_class,
                registered_delivery=1,
            )
            self.by_sequence[pdu.sequence] = message

    def on_submit_sm_resp(self, pdu: Any) -> None:
        """Remember the id that the SMSC gave."""
        self.by_sequence[pdu.sequence].message_ids.append(pdu.message_id.decode("ascii"))

    def on_deliver_sm(self, pdu: Any) -> int:
        """Take a receipt; its TLV and its text have to name the same message."""
        found = RECEIPT.search(pdu.short_message or b"")
        if found is None or not pdu.esm_class & ESM_CLASS_RECEIPT:
            sys.exit(f"not a receipt: esm_class {pdu.esm_class:#x}, {pdu.short_message!r}")
        message_id = found[1].decode("ascii")
        tlv = getattr(pdu, "receipted_message_id", None)
        if tlv and tlv.rstrip(b"\0").decode("ascii") != message_id:
            sys.exit(f"receipted_message_id {tlv!r} differs from the text's {message_id}")
        self.receipts.append({"id": message_id, "stat": found[2].decode("ascii")})
        return int(smpplib.consts.SMPP_ESME_ROK)

    def wait(self, until: float) -> bool:
        """Read until every message is complete or the monotonic time `until` has come."""
        while (left := until - time.monotonic()) > 0:
            for message in self.messages:
                message.receipts = [r for r in self.receipts if r["id"] in message.message_ids]
            if all(message.complete() for message in self.messages):
                return True
            if select.select([self.client._socket], [], [], left)[0]:
                self.client.read_once(auto_send_enquire_link=False)
        return False


def main() -> int:
    """Bind, send, wait, unbind; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    for argument in ("host", "port", "system_id", "password"):
        parser.add_argument(argument)
    args = parser.parse_args()
    client = smpplib.client.Client(args.host, int(args.port), timeout=5, allow_unknown_opt_params=True)
    client.connect()
    client.bind_transceiver(system_id=args.system_id, password=args.password)
    peer = Peer(client)
    for message in json.loads(Path(__file__).with_name("messages.json").read_text(encoding="utf-8")):
        peer.send(message["name"], message["to"], message["text"])
    done = peer.wait(time.monotonic() + RECEIPT_WAIT_S)
    for sent in peer.messages:
        print(json.dumps({"name": sent.name, "message_ids": sent.message_ids, "receipts": sent.receipts}))
    client.unbind()
    client.disconnect()
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
