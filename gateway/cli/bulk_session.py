"""The SMPP side of `smsc-gateway send --file`: one transmitter with a window of unanswered messages.

It uses the gateway's own session and not smpplib, which cuts a message_payload after 259 octets: a line of
the list is one message with one id, however long its text is.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Sequence
from typing import NamedTuple

from gateway.cli.bulk_list import Line, octets_of
from gateway.cli.send_session import BIND_HINTS, SendError
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.errors import InvalidState
from protocols.smpp.events import Answered, Closed, TimedOut
from protocols.smpp.pdu import BindTransmitter, Pdu, SubmitSm
from protocols.smpp.session import Session
from protocols.smpp.settings import SessionSettings
from protocols.smpp.state import Role
from protocols.sms import addresses
from protocols.sms.alphabet import Alphabet

_READ_SIZE = 1 << 16
_FAREWELL_S = 2.0
_UCS2 = 0x08  # data_coding, SMPP v3.4 §5.2.19


class Told(NamedTuple):
    """The answer to a message."""

    line: Line
    status: int | None
    """command_status; None: none came in time."""
    message_id: str


def submit_sm(line: Line, *, receipt: bool) -> SubmitSm:
    """A line as one message: in message_payload when it is of several segments."""
    source_ton, source_npi = addresses.guess_source_ton_npi(line.sender)
    is_e164 = addresses.is_e164(line.to)
    alphabet, octets, count = octets_of(line.text)
    return SubmitSm(
        source_addr_ton=source_ton,
        source_addr_npi=source_npi,
        source_addr=addresses.digits_of(line.sender, source_ton),
        dest_addr_ton=addresses.TON_INTERNATIONAL if is_e164 else addresses.TON_UNKNOWN,
        dest_addr_npi=addresses.NPI_ISDN,
        destination_addr=line.to,
        registered_delivery=c.REGISTERED_DELIVERY_RECEIPT_FINAL if receipt else 0,
        data_coding=_UCS2 if alphabet is Alphabet.UCS2 else 0,
        short_message=octets if count == 1 else b"",
        tlvs=() if count == 1 else ((tlv.MESSAGE_PAYLOAD, octets),),
    )


class BulkSession:
    """A bound transmitter; SendError when the link is lost."""

    def __init__(self, host: str, port: int, *, window: int, timeout_s: float) -> None:
        self._where = f"{host}:{port}"
        settings = SessionSettings(window=window, response_timeout_s=timeout_s)
        self._timeout_s = timeout_s
        try:
            self._socket = socket.create_connection((host, port), timeout_s)
        except ConnectionRefusedError:
            text = f"nobody listens on {self._where}: start the gateway with smsc-gateway run"
            raise SendError(text) from None
        except OSError as error:
            raise SendError(f"cannot connect to {self._where}: {error}") from None
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._session = Session(Role.ESME, settings, time.monotonic())
        self._closed = ""
        self.told: list[Told] = []
        """Answers that nobody has taken yet; also after a SendError."""

    def bind(self, system_id: str, password: str) -> None:
        """Binds as a transmitter: receipts go to the account's other sessions."""
        answer = self._ask(BindTransmitter(system_id=system_id, password=password))
        if answer is None:
            raise SendError(f"{self._where} did not answer the bind")
        if status := answer.command_status:
            hint = BIND_HINTS.get(status, "see the gateway's log")
            raise SendError(f"the gateway refused the bind: {c.status_name(status)} – {hint}")

    def _ask(self, pdu: Pdu) -> Pdu | None:
        answers: list[Pdu | None] = []
        self._session.send_request(pdu, time.monotonic(), answers)
        while not answers:
            self._turn(self._timeout_s)
        return answers[0]

    @property
    def room(self) -> int:
        """So many messages more may be on their way."""
        return self._session.room

    @property
    def outstanding(self) -> int:
        return self._session.outstanding

    def submit(self, lines: list[Line], *, receipt: bool) -> None:
        """Sends these; no more than there is room for."""
        now = time.monotonic()
        for line in lines:
            self._session.send_request(submit_sm(line, receipt=receipt), now, line)
        self._write()

    def wait(self, wait_s: float) -> None:
        """Waits for answers, `wait_s` seconds at the most; they are in `told` then."""
        self._turn(wait_s)

    def _turn(self, wait_s: float) -> None:
        self._write()
        now = time.monotonic()
        if (due := self._session.next_timeout()) is not None:
            wait_s = max(0.0, min(wait_s, due - now))
        if select.select([self._socket], [], [], wait_s)[0]:
            try:
                data = self._socket.recv(_READ_SIZE)
            except OSError:
                data = b""
            if not data:
                raise SendError("the gateway closed the connection")
            self._take(self._session.receive_data(data, time.monotonic()))
        self._take(self._session.handle_timeout(time.monotonic()))
        self._write()
        if self._closed:
            raise SendError(f"the gateway ended the session: {self._closed}")

    def _take(self, events: Sequence[object]) -> None:
        for event in events:
            if isinstance(event, Answered | TimedOut):
                response = event.response if isinstance(event, Answered) else None
                if isinstance(event.context, list):
                    event.context.append(response)
                elif isinstance(event.context, Line):
                    message_id = str(getattr(response, "message_id", "") or "")
                    status = None if response is None else response.command_status
                    self.told.append(Told(event.context, status, message_id))
            elif isinstance(event, Closed):
                self._closed = event.reason

    def _write(self) -> None:
        if data := self._session.data_to_send():
            try:
                self._socket.sendall(data)
            except OSError:
                raise SendError("the gateway closed the connection") from None

    def close(self) -> None:
        """Unbinds if possible, and closes."""
        until = time.monotonic() + _FAREWELL_S
        try:
            self._session.unbind(time.monotonic())
            while not self._session.over and time.monotonic() < until:
                self._turn(until - time.monotonic())
        except (SendError, InvalidState):
            pass  # what was answered is written down; how the peer takes the farewell changes nothing
        finally:
            self._socket.close()
