"""SIGKILL while senders cancel, replace and send their own segments: what was answered holds afterwards."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from random import Random
from typing import Any

from journey_support import Client, read_receipt, simulated_smsc, submit_sm
from process_support import GatewayProcess

from protocols.smpp import constants as c
from protocols.smpp.pdu import CancelSm, Pdu, ReplaceSm
from protocols.sms import udh

KILLS = 3
ROUND = 30
SOON = "000000000004000R"  # four seconds: after the round's kill
SOURCE = "12345"


class Ledger:
    """What was answered, and what must be so because of it."""

    def __init__(self) -> None:
        self.taken: dict[str, bytes] = {}
        """Old texts of scheduled messages by id."""
        self.cancelled: set[str] = set()
        self.replaced: dict[str, bytes] = {}
        self.asked: set[str] = set()
        self.pieces: dict[str, bytes] = {}
        """What segments say, by id."""
        self.halves: dict[int, set[int]] = {}
        """Which parts of a set were answered."""
        self.ends: dict[str, int] = {}

    def read(self, client: Client) -> None:
        while not client.deliveries.empty():
            self.note(client.deliveries.get_nowait())

    def note(self, delivery: Any) -> None:
        receipt = read_receipt(delivery)
        self.ends.setdefault(receipt.message_id, receipt.state)

    @property
    def awaited(self) -> set[str]:
        return (self.taken.keys() | self.pieces.keys()) - self.ends.keys()


def answered(ok: Any) -> Any:
    """A callback for a response with ESME_ROK; the others, and those that never come, say nothing."""

    def done(future: asyncio.Future[Pdu]) -> None:
        if not future.cancelled() and future.result().command_status == c.ESME_ROK:
            ok(future.result())

    return done


def send_part(client: Client, ledger: Ledger, number: int, part: int) -> None:
    piece = b"<half %d of %d>" % (part, number)
    text = udh.build([udh.concatenation_element(number, 2, part)]) + piece

    def ok(response: Any) -> None:
        ledger.pieces[response.message_id] = piece
        ledger.halves.setdefault(number, set()).add(part)

    sent = client.send(submit_sm(text=text, esm_class=c.ESM_CLASS_UDHI, source_addr=SOURCE))
    sent.add_done_callback(answered(ok))


async def one_round(client: Client, ledger: Ledger, first: int, last: int) -> None:
    """Sends, and asks about what it sent; of the last requests nobody waits for the answer."""
    for number in range(first, last):
        old, new = b"<old %d>" % number, b"<new %d>" % number
        fields = {"schedule_delivery_time": SOON, "source_addr": SOURCE}
        message_id = await client.submit(text=old, **fields)
        ledger.taken[message_id] = old
        if number % 3 == 0:
            ledger.asked.add(message_id)
            cancel = CancelSm(message_id=message_id, source_addr=SOURCE)
            client.send(cancel).add_done_callback(
                answered(lambda _, message_id=message_id: ledger.cancelled.add(message_id))
            )
        elif number % 3 == 1:
            ledger.asked.add(message_id)
            replace = ReplaceSm(
                message_id=message_id, source_addr=SOURCE, registered_delivery=1, short_message=new
            )
            client.send(replace).add_done_callback(
                answered(lambda _, message_id=message_id, new=new: ledger.replaced.update({message_id: new}))
            )
        send_part(client, ledger, number, 1)
        if number > first:
            send_part(client, ledger, number - 1, 2)


async def kills(folder: Path, ledger: Ledger, smsc_port: int, random: Random) -> None:
    gateway = GatewayProcess(folder, smsc_port)
    text = gateway.config.read_text() + "    whole: true\nqueue:\n  part_wait_s: 1\n"
    gateway.config.write_text(text)
    try:
        for kill in range(KILLS):
            gateway.notes.clear()
            await gateway.start()
            client = await gateway.client()
            first = kill * 100 + 1
            await one_round(client, ledger, first, first + random.randrange(ROUND // 2, ROUND))
            assert await gateway.end(signal.SIGKILL) == -signal.SIGKILL
            await client.end()
            ledger.read(client)
        gateway.notes.clear()
        await gateway.start()
        client = await gateway.client()
        for number, parts in list(ledger.halves.items()):
            for part in {1, 2} - parts:  # its answer was lost: a sender sends it again
                send_part(client, ledger, number, part)
        while ledger.awaited:
            ledger.note(await asyncio.wait_for(client.deliveries.get(), 45))
        assert await gateway.end() == 0
        assert "Traceback" not in gateway.log
    finally:
        if gateway.process.returncode is None:
            gateway.process.kill()
            await gateway.process.wait()
        gateway.close()


def test_what_was_cancelled_or_replaced_stays_so_and_no_segment_is_lost(tmp_path: Path) -> None:
    ledger = Ledger()

    async def run() -> None:
        async with asyncio.timeout(100), simulated_smsc(keep=100_000) as smsc:
            await kills(tmp_path, ledger, smsc.port, Random(5))
            sent = [message.user_data for message in smsc.received if message.status == c.ESME_ROK]
            check(ledger, b" ".join(sent))

    asyncio.run(run())


def check(ledger: Ledger, sent: bytes) -> None:
    assert ledger.cancelled and ledger.replaced and ledger.pieces
    for message_id in ledger.cancelled:
        assert ledger.taken[message_id] not in sent, "it was cancelled, and went up"
        assert ledger.ends[message_id] == c.DELETED
    for message_id, new in ledger.replaced.items():
        assert ledger.taken[message_id] not in sent, "it was replaced, and went up as it was"
        assert new in sent
        assert ledger.ends[message_id] == c.DELIVERED
    for message_id in ledger.taken.keys() - ledger.asked:
        assert ledger.taken[message_id] in sent
    for message_id, piece in ledger.pieces.items():
        assert piece in sent, "a segment was lost"
        assert ledger.ends[message_id] == c.DELIVERED
