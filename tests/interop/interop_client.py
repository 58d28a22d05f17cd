"""smpplib as a client of the gateway that a test can ask step by step."""

import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import smpplib.client
import smpplib.consts
from interop_gateway import WAIT_S
from interop_peers import Smsc


@dataclass
class Client:
    """smpplib, bound as a transceiver; what has come to it."""

    smpp: Any
    ids: list[str] = field(default_factory=list)
    receipts: list[str] = field(default_factory=list)
    incoming: list[tuple[str, str, str]] = field(default_factory=list)
    states: list[int] = field(default_factory=list)

    def submit(self, destination: str) -> str:
        """Sends a text; its message_id."""
        self.smpp.send_message(
            source_addr="12345",
            dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
            dest_addr_npi=smpplib.consts.SMPP_NPI_ISDN,
            destination_addr=destination,
            short_message=b"hello",
            registered_delivery=1,
        )
        known = len(self.ids)
        self._read_until(lambda: len(self.ids) > known, "an answer to the submit")
        return self.ids[-1]

    def query(self, message_id: str, source_addr: str) -> int:
        """The state that query_sm tells of a message."""
        self.states.clear()
        self.smpp.query_message(message_id=message_id, source_addr=source_addr)
        self._read_until(lambda: bool(self.states), "an answer to the query")
        return self.states[0]

    def wait_for_receipts(self, count: int) -> list[str]:
        """All receipts since the bind, once there are so many."""
        self._read_until(lambda: len(self.receipts) >= count, f"{count} receipts")
        return self.receipts

    def wait_for_incoming(self, count: int) -> list[tuple[str, str, str]]:
        """All SMS since the bind, once there are so many: from, to, text."""
        self._read_until(lambda: len(self.incoming) >= count, f"{count} SMS")
        return self.incoming

    def _read_until(self, there: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + WAIT_S
        while not there():
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.smpp._socket], [], [], left)[0]:
                pytest.fail(f"not within {WAIT_S:g} s: {what}")
            self.smpp.read_once(auto_send_enquire_link=False)

    def on_answer(self, pdu: Any) -> None:
        self.ids.append(pdu.message_id.decode("ascii"))

    def on_deliver(self, pdu: Any) -> int:
        octets = pdu.short_message or b""
        if pdu.esm_class & 0x04:
            self.receipts.append(octets.decode("ascii"))
        else:
            text = octets.decode("utf-16-be" if pdu.data_coding == 8 else "ascii")
            self.incoming.append((pdu.source_addr.decode(), pdu.destination_addr.decode(), text))
        return int(smpplib.consts.SMPP_ESME_ROK)


@contextmanager
def bound_client(smsc: Smsc) -> Iterator[Client]:
    """The client, bound while the block runs."""
    smpp = smpplib.client.Client(smsc.host, smsc.port, timeout=5, allow_unknown_opt_params=True)
    client = Client(smpp)
    smpp.set_message_sent_handler(client.on_answer)
    smpp.set_message_received_handler(client.on_deliver)
    smpp.set_query_resp_handler(lambda pdu: client.states.append(pdu.message_state))
    smpp.connect()
    smpp.bind_transceiver(system_id=smsc.system_id, password=smsc.password)
    yield client
    smpp.unbind()
    smpp.disconnect()
