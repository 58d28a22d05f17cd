"""Two orders on the wire that clients rely on: bind, then its answer; a response, then its receipt.

smpplib takes whatever comes after its bind for the answer, and Kannel drops a receipt that comes before the
response. The client here is a bare socket, so that nothing sorts what comes.
"""

import re
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest
import smpplib.client
from interop_gateway import ask, running_gateway, wait_until
from interop_peers import Smsc

pytestmark = pytest.mark.interop

RESPONSE = 0x80000000
BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER = 0x01, 0x02, 0x09
SUBMIT_SM, DELIVER_SM, UNBIND = 0x04, 0x05, 0x06
READ_TIMEOUT_S = 20
# delivered, refused for good, receipt first, receipt twice, by data_sm, without TLVs, of TLVs only
DESTINATIONS = ["46701999001", "46701999011", "46701999104", "46701999105", "46701999108", "46701999109"]
RECEIPT_ID = re.compile(rb"id:(\S+) ")


class Wire:
    """A socket that speaks PDUs and leaves them in the order of their coming."""

    def __init__(self, connection: socket.socket, file: BinaryIO) -> None:
        self._connection = connection
        self._file = file
        self._sequence = 0

    def write(self, *requests: tuple[int, bytes]) -> None:
        """Sends requests (command_id, body) in one piece."""
        octets = b""
        for command_id, body in requests:
            self._sequence += 1
            octets += struct.pack(">4I", 16 + len(body), command_id, 0, self._sequence) + body
        self._connection.sendall(octets)

    def read(self) -> tuple[int, bytes]:
        """The next PDU as command_id and body; a deliver_sm is answered."""
        length, command_id, status, sequence = struct.unpack(">4I", self._file.read(16))
        body = self._file.read(length - 16)
        assert status == 0, f"command_status {status:#x} in {command_id:#x}"
        if command_id == DELIVER_SM:
            answer = struct.pack(">4I", 17, DELIVER_SM | RESPONSE, 0, sequence) + b"\0"
            self._connection.sendall(answer)
        return command_id, body


@contextmanager
def connected(smsc: Smsc) -> Iterator[Wire]:
    with (
        socket.create_connection((smsc.host, smsc.port), READ_TIMEOUT_S) as connection,
        connection.makefile("rb") as file,
    ):
        yield Wire(connection, file)


def bind(smsc: Smsc, command_id: int) -> tuple[int, bytes]:
    body = f"{smsc.system_id}\0{smsc.password}\0\0".encode() + b"\x34\0\0\0"
    return command_id, body


def submit(destination: str) -> tuple[int, bytes]:
    body = b"\0\0\0\0\1\1" + destination.encode() + b"\0\0\0\0\0\0\1\0\0\0\5hello"
    return SUBMIT_SM, body


def leave_receipts(smsc: Smsc, work_dir: Path, count: int) -> None:
    """Sends messages over a transmitter and waits until that many receipts wait for a receiver."""
    with connected(smsc) as wire:
        wire.write(bind(smsc, BIND_TRANSMITTER))
        assert wire.read()[0] == BIND_TRANSMITTER | RESPONSE
        wire.write(*(submit(DESTINATIONS[0]) for _ in range(count)))
        assert [wire.read()[0] for _ in range(count)] == [SUBMIT_SM | RESPONSE] * count
        wire.write((UNBIND, b""))
        assert wire.read()[0] == UNBIND | RESPONSE
    wait_until(lambda: len(ask(work_dir, "queue", "undelivered")) == count, f"{count} receipts wait")


@pytest.mark.parametrize("command_id", [BIND_RECEIVER, BIND_TRANSCEIVER])
def test_the_answer_to_a_bind_comes_before_all_that_waits(command_id: int, tmp_path: Path) -> None:
    with running_gateway(tmp_path) as gateway:
        leave_receipts(gateway, tmp_path, 5)
        with connected(gateway) as wire:
            wire.write(bind(gateway, command_id))
            assert [wire.read()[0] for _ in range(6)] == [command_id | RESPONSE, *[DELIVER_SM] * 5]


def test_smpplib_binds_while_receipts_wait(tmp_path: Path) -> None:
    with running_gateway(tmp_path) as gateway:
        leave_receipts(gateway, tmp_path, 5)
        texts: list[bytes] = []
        client = smpplib.client.Client(gateway.host, gateway.port, timeout=5, allow_unknown_opt_params=True)
        client.set_message_received_handler(lambda pdu: texts.append(pdu.short_message))
        client.connect()
        client.bind_transceiver(system_id=gateway.system_id, password=gateway.password)
        while len(texts) < 5:
            client.read_once(auto_send_enquire_link=False)
        client.unbind()
        client.disconnect()
    assert all(RECEIPT_ID.match(text) for text in texts)


@pytest.mark.parametrize("options", [(), ("--receipt-before-response",)], ids=["after", "before"])
def test_a_response_comes_before_its_receipt(options: tuple[str, ...], tmp_path: Path) -> None:
    """However the SMSC orders them, and when it refuses the message at once."""
    with running_gateway(tmp_path, None, *options) as gateway, connected(gateway) as wire:
        wire.write(bind(gateway, BIND_TRANSCEIVER))
        assert wire.read()[0] == BIND_TRANSCEIVER | RESPONSE
        answered: list[bytes] = []
        receipted: list[bytes] = []
        rounds = 10
        for _ in range(rounds):
            wire.write(*map(submit, DESTINATIONS))
            seen = 0
            while seen < len(DESTINATIONS):
                command_id, body = wire.read()
                if command_id == SUBMIT_SM | RESPONSE:
                    answered.append(body.rstrip(b"\0"))
                    seen += 1
                else:
                    receipted.append(receipt_id(body, answered))
        while len(receipted) < rounds * len(DESTINATIONS):
            receipted.append(receipt_id(wire.read()[1], answered))
    assert sorted(receipted) == sorted(answered)


def test_responses_come_before_the_answer_to_unbind(tmp_path: Path) -> None:
    """A client that does not wait before it unbinds should still learn that its messages were taken."""
    with running_gateway(tmp_path) as gateway, connected(gateway) as wire:
        wire.write(bind(gateway, BIND_TRANSMITTER))
        assert wire.read()[0] == BIND_TRANSMITTER | RESPONSE
        wire.write(submit(DESTINATIONS[0]), submit(DESTINATIONS[0]), (UNBIND, b""))
        assert [wire.read()[0] for _ in range(3)] == [SUBMIT_SM | RESPONSE] * 2 + [UNBIND | RESPONSE]


def receipt_id(deliver_sm: bytes, answered: list[bytes]) -> bytes:
    """The id that a receipt names; a test failure when no response has brought it yet."""
    found = RECEIPT_ID.search(deliver_sm)
    assert found is not None, deliver_sm
    assert found[1] in answered, f"the receipt of {found[1]!r} came before its response"
    return found[1]
