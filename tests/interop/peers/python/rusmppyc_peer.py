"""rusmppyc as an ESME of SMPP 5.0: sends messages.json over one transceiver bind and waits for the receipts.

Usage: rusmppyc_peer.py HOST PORT SYSTEM_ID PASSWORD
Prints one JSON line per message; exit status 0 when every segment has its receipt. The library refuses an
SMSC that does not say in its answer to the bind that it speaks 5.0.
"""

import asyncio
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from rusmppyc import (
    Client,
    DataCoding,
    Event,
    MCDeliveryReceipt,
    MessageType,
    Npi,
    Pdu,
    RegisteredDelivery,
    TlvValue,
    Ton,
)
from rusmppyc.exceptions import RusmppycException, ShortMessageEncodeException

SOURCE_ADDR = "12345"
RECEIPT_WAIT_S = 20.0
PART_OCTETS = 159  # 153 septets in as many octets, and six octets of header
RECEIPT = re.compile(rb"id:(\S+) .*?stat:(\S+)", re.DOTALL)
REFERENCE = 79
RECEIPT_AT_THE_END = MCDeliveryReceipt.McDeliveryReceiptRequestedWhereFinalDeliveryOutcomeIsSuccessOrFailure()


async def submit(client: Client, entry: dict[str, Any]) -> list[Any]:
    """Sends one text; the answers to its segments."""
    fields = {
        "source_addr": SOURCE_ADDR,
        "dest_addr_ton": Ton.International(),
        "dest_addr_npi": Npi.Isdn(),
        "destination_addr": entry["to"],
        "registered_delivery": RegisteredDelivery(RECEIPT_AT_THE_END),
    }
    if entry["segments"] > 1:
        parts = Client.submit_sm_multipart(entry["text"], PART_OCTETS, REFERENCE, **fields)
        return [await client.submit_sm(part) for part in parts]  # all at once they go in any order
    try:
        return [await client.submit_sm(Client.submit_sm_encode(entry["text"], **fields))]
    except ShortMessageEncodeException:  # the library's own UCS-2 has no surrogates
        octets = entry["text"].encode("utf-16-be")
        return [await client.submit_sm(short_message=octets, data_coding=DataCoding.Ucs2(), **fields)]


def receipt(deliver: Any) -> dict[str, str]:
    """What a deliver_sm says; its TLV and its text have to name the same message."""
    found = RECEIPT.match(bytes(deliver.short_message))
    if found is None:
        sys.exit(f"not a receipt: {deliver}")
    message_id, state = found[1].decode("ascii"), found[2].decode("ascii")
    if not isinstance(deliver.esm_class.message_type, MessageType.ShortMessageContainsMCDeliveryReceipt):
        sys.exit(f"esm_class of a receipt: {deliver.esm_class}")
    tlvs = [tlv.value._0 for tlv in deliver.tlvs if isinstance(tlv.value, TlvValue.ReceiptedMessageId)]
    if [text(value) for value in tlvs] != [message_id]:
        sys.exit(f"receipted_message_id differs from the text's {message_id}: {deliver}")
    return {"id": message_id, "stat": state}


def text(octets: list[int]) -> str:
    """A C-octet string as the library shows it: with its NUL."""
    return bytes(octets).removesuffix(b"\0").decode("ascii")


async def exchange(url: str, system_id: str, password: str) -> int:
    """Bind, send, wait, unbind; the exit status."""
    entries = json.loads(Path(__file__).parents[1].joinpath("messages.json").read_text(encoding="utf-8"))
    client, events = await Client.connect(url)
    await client.bind_transceiver(system_id=system_id, password=password)
    lines: list[dict[str, Any]] = []
    for entry in entries:
        ids = [text(response.message_id) for response in await submit(client, entry)]
        lines.append({"name": entry["name"], "message_ids": ids, "receipts": []})
    missing = sum(len(line["message_ids"]) for line in lines)
    try:
        async with asyncio.timeout(RECEIPT_WAIT_S):
            async for event in events:
                if isinstance(event, Event.Error) or not isinstance(event._0.pdu, Pdu.DeliverSm):
                    sys.exit(f"not expected: {event._0}")
                said = receipt(event._0.pdu._0)
                await client.deliver_sm_resp(event._0.sequence_number)
                for line in lines:
                    if said["id"] in line["message_ids"]:
                        line["receipts"].append(said)
                        missing -= 1
                if missing == 0:
                    break
    except TimeoutError:
        print(f"{missing} receipts are missing", file=sys.stderr)
    for line in lines:
        print(json.dumps(line))
    await client.unbind()
    return 1 if missing else 0


if __name__ == "__main__":
    host, port, system_id, password = sys.argv[1:]
    try:
        status = asyncio.run(exchange(f"smpp://{host}:{port}", system_id, password))
    except RusmppycException as error:
        sys.exit(f"{type(error).__name__}: {error}")
    sys.stdout.flush()
    os._exit(status)  # at an ordinary end the library's threads abort the process now and then
