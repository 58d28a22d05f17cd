"""The SMPP side of `smsc-gateway send`: one transceiver through smpplib, which shares no code with ours.

A receipt may come before its submit_sm_resp, so what comes down is held while it names no id that is known
yet and answers are outstanding. What turns out not to be ours (the account's older receipts, messages to it)
is answered ESME_RX_T_APPN: the gateway keeps it for the session it is meant for.
"""

from __future__ import annotations

import logging
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from smpplib import consts, exceptions, smpp
from smpplib.client import Client

from protocols.smpp import constants
from protocols.sms import receipts

_WINDOW = 10
_FAREWELL_S = 2.0
_NOT_FINAL = (constants.SCHEDULED, constants.ENROUTE, constants.ACCEPTED)
_UNREADABLE = (exceptions.UnknownCommandError, KeyError, ValueError, struct.error)
BIND_HINTS = {
    constants.ESME_RINVPASWD: "check system_id and password",
    constants.ESME_RINVSYSID: "check system_id and password",
    constants.ESME_RBINDFAIL: "check system_id and password, and whether the account has a bind left",
    constants.ESME_RALYBND: "the account is bound already and may not bind again",
}
_logger_name = "smsc-gateway.send"
# smpplib logs whole PDUs, passwords and texts with them; what matters is raised as well.
logging.getLogger(_logger_name).setLevel(logging.CRITICAL + 1)


class SendError(Exception):
    """The exchange cannot go on; the text is for the user."""


@dataclass(slots=True)
class Segment:
    """One submit_sm, and what became of it as far as is known."""

    message: int
    number: int
    fields: dict[str, Any]
    status: int | None = None
    message_id: str = ""
    state: int | None = None
    error: str = ""


class SendSession:
    """A bound transceiver. `changed` gets each segment once answered and once its final receipt is in."""

    def __init__(self, host: str, port: int, timeout_s: float, changed: Callable[[Segment], None]) -> None:
        self._client = Client(
            host, port, timeout=timeout_s, logger_name=_logger_name, allow_unknown_opt_params=True
        )
        self._timeout_s = timeout_s
        self._changed = changed
        self._outstanding: dict[int, Segment] = {}
        self._by_id: dict[str, Segment] = {}
        self._held: list[Any] = []
        self._awaited = 0
        self._deadline = 0.0

    def bind(self, system_id: str, password: str) -> None:
        """Connect and bind as a transceiver. Raises SendError with what to do about it."""
        where = f"{self._client.host}:{self._client.port}"
        try:
            self._client.connect()
        except exceptions.ConnectionError as error:
            cause = error.__context__
            if isinstance(cause, ConnectionRefusedError):
                raise SendError(
                    f"nobody listens on {where}: start the gateway with smsc-gateway run"
                ) from None
            raise SendError(f"cannot connect to {where}: {cause}") from None
        # smpplib writes each PDU by itself; with Nagle's algorithm it would wait for the peer's delayed ACK
        self._client._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._client.bind_transceiver(system_id=system_id, password=password)
        except exceptions.PDUError as error:
            status = error.args[1] if len(error.args) > 1 else constants.ESME_RUNKNOWNERR
            hint = BIND_HINTS.get(status, "see the gateway's log")
            raise SendError(
                f"the gateway refused the bind: {constants.status_name(status)} – {hint}"
            ) from None
        except exceptions.ConnectionError:
            raise SendError(f"{where} closed the connection or did not answer the bind") from None
        except _UNREADABLE:
            raise SendError(f"what {where} answered to the bind is not SMPP") from None

    def send(self, segments: list[Segment], *, want_receipts: bool) -> None:
        """Submit all; return when they are answered and their receipts are here, or after `timeout_s` in
        which nothing of that came (then a status or a state is still None).

        Raises SendError when the connection is lost.
        """
        waiting = deque(segments)
        self._progress()
        while waiting or self._outstanding or (want_receipts and self._awaited):
            while waiting and len(self._outstanding) < _WINDOW:
                self._submit(waiting.popleft())
            pdu = self._read()
            if pdu is None:
                return
            self._handle(pdu)
            self._settle(all_known=not waiting and not self._outstanding)

    def close(self) -> None:
        """Unbind if possible, and close."""
        try:
            if self._client.state == consts.SMPP_CLIENT_STATE_BOUND_TRX:
                self._client._socket.settimeout(_FAREWELL_S)
                self._client.unbind()
        except (*_UNREADABLE, exceptions.ConnectionError, exceptions.PDUError):
            pass  # the messages are accounted for; how the peer takes the farewell changes nothing
        self._client.disconnect()

    def _submit(self, segment: Segment) -> None:
        pdu = self._guarded(lambda: self._client.send_message(**segment.fields))
        self._outstanding[pdu.sequence] = segment

    def _read(self) -> Any:
        left = self._deadline - time.monotonic()
        if left <= 0 or not select.select([self._client._socket], [], [], left)[0]:
            return None
        return self._guarded(self._client.read_pdu)

    def _guarded(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except (exceptions.ConnectionError, exceptions.PDUError, TimeoutError):
            raise SendError("the gateway closed the connection") from None
        except _UNREADABLE as error:
            raise SendError(f"smpplib cannot read what the gateway sent: {error!r}") from None

    def _handle(self, pdu: Any) -> None:
        if pdu.command in ("submit_sm_resp", "generic_nack"):
            self._record_answer(pdu)
        elif pdu.command in ("deliver_sm", "data_sm"):
            self._held.append(pdu)
        elif pdu.command == "enquire_link":
            self._answer(pdu, constants.ESME_ROK)
        elif pdu.command == "unbind":
            self._answer(pdu, constants.ESME_ROK)
            raise SendError("the gateway ended the session (unbind)")

    def _record_answer(self, pdu: Any) -> None:
        segment = self._outstanding.pop(pdu.sequence, None)
        if segment is None:
            return
        segment.status = int(pdu.status)
        if segment.status == constants.ESME_ROK:
            segment.message_id = (getattr(pdu, "message_id", None) or b"").decode("latin-1")
            self._awaited += 1
            if segment.message_id:
                self._by_id[segment.message_id] = segment
        self._progress()
        self._changed(segment)

    def _settle(self, all_known: bool) -> None:
        held, self._held = self._held, []
        for pdu in held:
            segment, state, error = self._receipt(pdu)
            if segment is not None:
                self._answer(pdu, constants.ESME_ROK)
                self._record_receipt(segment, state, error)
            elif all_known:
                self._answer(pdu, constants.ESME_RX_T_APPN)
            else:
                self._held.append(pdu)

    def _receipt(self, pdu: Any) -> tuple[Segment | None, int, str]:
        """The segment a receipt is about, by TLV or else by text; None for anything else."""
        octets = getattr(pdu, "short_message", None) or getattr(pdu, "message_payload", None) or b""
        text = receipts.parse_text(octets)
        message_id = (getattr(pdu, "receipted_message_id", None) or b"").decode("latin-1")
        state = getattr(pdu, "message_state", None)
        if text is not None:
            message_id = message_id or text.id
            state = text.state if state is None else state
        if state is None or not pdu.esm_class:
            return None, constants.UNKNOWN, ""
        return self._by_id.get(message_id), state, text.error if text is not None else ""

    def _record_receipt(self, segment: Segment, state: int, error: str) -> None:
        if segment.state is not None:
            return  # a repeated receipt, or one after the final state
        self._progress()
        if state in _NOT_FINAL:
            return
        segment.state, segment.error = state, error
        self._awaited -= 1
        self._changed(segment)

    def _answer(self, pdu: Any, status: int) -> None:
        response = smpp.make_pdu(f"{pdu.command}_resp", client=self._client, status=status)
        response.sequence = pdu.sequence
        self._guarded(lambda: self._client.send_pdu(response))

    def _progress(self) -> None:
        self._deadline = time.monotonic() + self._timeout_s
