"""The SMPP side of `smsc-gateway probe`: a connector's bind through smpplib, which shares no code with ours.

PDUs are built and read by smpplib, and carried here, because it has no cancel_sm, replace_sm and vendors'
TLVs, and would stop at an answer that it cannot read. What comes down and is not about a message of the probe
is answered ESME_RX_T_APPN: it stays for the gateway.
"""

from __future__ import annotations

import logging
import select
import socket
import ssl
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from smpplib import command_codes, consts, exceptions, smpp
from smpplib.client import Client
from smpplib.command import Command, Param
from smpplib.ptypes import ostr

from gateway.config.connector_model import Connector
from gateway.egress.tls import client_context
from gateway.translate.smpp_dialect import VERSIONS
from protocols.smpp import constants as c
from protocols.sms import receipts

_FAREWELL_S = 2.0
_MAX_OCTETS = 100_000
_BINDS = {
    "transceiver": ("bind_transceiver",),
    "pair": ("bind_transmitter", "bind_receiver"),
    "transmitter": ("bind_transmitter",),
    "receiver": ("bind_receiver",),
}
_REFUSALS = {
    c.ESME_RINVPASWD: "the password is wrong: correct the connector's password",
    c.ESME_RINVSYSID: "the system_id is unknown: correct the connector's system_id",
    c.ESME_RBINDFAIL: (
        "system_id or password may be wrong, or no bind is left: stop the gateway's connector first, or use "
        "another system_id"
    ),
    c.ESME_RALYBND: (
        "it is bound already: stop the gateway's connector first (take it out and reload), or use another "
        "system_id"
    ),
    c.ESME_RINVCMDID: "it does not know this bind: set the connector's bind_mode to pair",
    c.ESME_RINVSYSTYP: "it wants a system_type: set the connector's",
}
_logger_name = "smsc-gateway.probe"
# smpplib logs whole PDUs, passwords and texts with them; what matters is raised as well.
logging.getLogger(_logger_name).setLevel(logging.CRITICAL + 1)


class ProbeError(Exception):
    """The SMSC cannot be probed; the text is for the user."""


class ConnectionLost(Exception):
    """The SMSC ended a connection; the text says how."""


class _CancelSm(Command):  # type: ignore[misc]
    params: ClassVar = {
        "service_type": Param(type=str, max=6),
        "message_id": Param(type=str, max=65),
        "source_addr_ton": Param(type=int, size=1),
        "source_addr_npi": Param(type=int, size=1),
        "source_addr": Param(type=str, max=21),
        "dest_addr_ton": Param(type=int, size=1),
        "dest_addr_npi": Param(type=int, size=1),
        "destination_addr": Param(type=str, max=21),
    }
    params_order = tuple(params)


class _ReplaceSm(Command):  # type: ignore[misc]
    params: ClassVar = {
        "message_id": Param(type=str, max=65),
        "source_addr_ton": Param(type=int, size=1),
        "source_addr_npi": Param(type=int, size=1),
        "source_addr": Param(type=str, max=21),
        "schedule_delivery_time": Param(type=str, max=17),
        "validity_period": Param(type=str, max=17),
        "registered_delivery": Param(type=int, size=1),
        "sm_default_msg_id": Param(type=int, size=1),
        "sm_length": Param(type=int, size=1),
        "short_message": Param(type=ostr, max=254, len_field="sm_length"),
    }
    params_order = tuple(params)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the SMSC."""

    command: str
    status: int
    body: bytes

    @property
    def message_id(self) -> str:
        return self.body.split(b"\0", 1)[0].decode("latin-1")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came down about a message, as smpplib has read it."""

    command: str
    esm_class: int
    data_coding: int
    id: str
    has_tlv: bool
    """A receipted_message_id names the message."""
    text: receipts.Receipt | None
    state: int


@dataclass(slots=True)
class Sent:
    """One submit_sm, and what became of it."""

    octets: bytes
    reply: Reply | None
    receipts: list[Receipt] = field(default_factory=list)
    lost: str = ""
    """How the connection ended instead of an answer."""

    @property
    def is_taken(self) -> bool:
        return self.reply is not None and self.reply.status == c.ESME_ROK

    @property
    def message_id(self) -> str:
        return self.reply.message_id if self.reply is not None and self.is_taken else ""

    @property
    def refusal(self) -> str:
        """What was answered instead of ESME_ROK."""
        return (self.lost or "no answer") if self.reply is None else c.status_name(self.reply.status)


class ProbeSession:
    """The connector's link; every wait ends after `timeout_s`."""

    def __init__(self, connector: Connector, timeout_s: float) -> None:
        self.connector = connector
        self.timeout_s = timeout_s
        self.version: int | None = None
        """sc_interface_version of the last bind; None: it had none."""
        self.strangers: list[Receipt] = []
        """Receipts that name none of our messages, as far as their ids can be read."""
        self.unreadable = 0
        """PDUs of the SMSC that smpplib cannot read."""
        self._links: list[Client] = []
        self._sent: list[Sent] = []
        self._held: list[tuple[Client, int, Receipt | None, str]] = []
        self._replies: dict[tuple[int, int], Reply] = {}

    # -- the session -----------------------------------------------------------------------------------

    def bind(self) -> None:
        """Connect and bind as the connector does. Raises ProbeError with what to do about it."""
        if self.connector.bind_mode == "receiver":
            raise ProbeError("a receiver cannot send: give a connector with another bind_mode")
        self.log_in()

    def log_in(self) -> None:
        """The same, whether or not it can send then."""
        try:
            for command in _BINDS[self.connector.bind_mode]:
                self._bind(command)
        except ProbeError:
            self.close()
            raise

    def _bind(self, command: str) -> None:
        config = self.connector
        link = self._connect()
        self._links.append(link)
        request = smpp.make_pdu(
            command,
            client=link,
            system_id=config.system_id,
            password=config.password.reveal(),
            system_type=config.system_type,
        )
        request.interface_version = VERSIONS[config.interface_version]
        try:
            reply = self._exchange(link, request.generate(), request.sequence)
        except ConnectionLost as error:
            raise ProbeError(f"{config.address} did not answer the bind: {error}") from None
        if reply is None:
            raise ProbeError(f"{config.address} did not answer the bind within {self.timeout_s:g} s")
        if reply.status != c.ESME_ROK:
            fix = _REFUSALS.get(reply.status, "ask who runs it what this status means")
            raise ProbeError(f"the SMSC refused the bind: {c.status_name(reply.status)} – {fix}")
        link.state = consts.SMPP_CLIENT_STATE_BOUND_TRX
        self.version = _version_in(reply.body) if self.version is None else self.version

    def _connect(self) -> Client:
        config = self.connector
        host, port = config.address
        link = Client(
            host, port, timeout=self.timeout_s, logger_name=_logger_name, allow_unknown_opt_params=True
        )
        try:
            connection = socket.create_connection((host, port), self.timeout_s)
            # each PDU is written by itself; Nagle's algorithm would wait for the peer's delayed ACK
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            reason, fix = error.strerror or error, "check address, firewall and VPN"
            raise ProbeError(f"cannot connect to {config.address}: {reason} – {fix}") from None
        try:
            if config.tls is not None:
                name = config.tls.server_name or host
                connection = client_context(config.tls).wrap_socket(connection, server_hostname=name)
        except OSError as error:
            connection.close()
            reason = getattr(error, "verify_message", "") or getattr(error, "reason", "") or error
            fix = "compare the connector's tls and port"
            raise ProbeError(f"no TLS with {config.address}: {reason} – {fix}") from None
        connection.settimeout(self.timeout_s)
        link._socket, link.state = connection, consts.SMPP_CLIENT_STATE_OPEN
        return link

    def close(self) -> None:
        """Unbind if possible, and close."""
        until = time.monotonic() + _FAREWELL_S
        for link in self._links:
            try:
                link._socket.settimeout(_FAREWELL_S)
                is_bound = link.state != consts.SMPP_CLIENT_STATE_OPEN
                if is_bound:
                    link._socket.sendall(smpp.make_pdu("unbind", client=link).generate())
                while is_bound and time.monotonic() < until and link._socket.recv(4096):
                    pass  # the SMSC closes after its unbind_resp, or it does not
            except OSError:
                pass  # how it takes the farewell changes nothing
            link._socket.close()
            link._socket, link.state = None, consts.SMPP_CLIENT_STATE_CLOSED
        self._links.clear()

    # -- requests --------------------------------------------------------------------------------------

    def enquire(self) -> Reply | None:
        """The answer to an enquire_link; None: there is none in time. As all of these, ConnectionLost."""
        return self._request(smpp.make_pdu("enquire_link", client=self._links[0]))

    def submit(self, tlvs: bytes = b"", **fields: Any) -> Sent:
        """Sends a submit_sm with these fields of smpplib, and TLVs as octets; its receipts will be noted."""
        pdu = smpp.make_pdu("submit_sm", client=self._links[0], **fields)
        octets = fields.get("short_message") or fields.get("message_payload") or b""
        sent = Sent(octets, self._exchange(self._links[0], _with_tlvs(pdu, tlvs), pdu.sequence))
        self._sent.append(sent)
        self._settle()
        return sent

    def query(self, **fields: Any) -> Reply | None:
        return self._request(smpp.make_pdu("query_sm", client=self._links[0], **fields))

    def cancel(self, **fields: Any) -> Reply | None:
        return self._request(_CancelSm("cancel_sm", client=self._links[0], **_filled(_CancelSm, fields)))

    def replace(self, **fields: Any) -> Reply | None:
        fields["sm_length"] = len(fields["short_message"])
        return self._request(_ReplaceSm("replace_sm", client=self._links[0], **_filled(_ReplaceSm, fields)))

    def _request(self, pdu: Any) -> Reply | None:
        reply = self._exchange(self._links[0], pdu.generate(), pdu.sequence)
        self._settle()
        return reply

    def _exchange(self, link: Client, octets: bytes, sequence: int) -> Reply | None:
        key = (id(link), sequence)
        try:
            link._socket.sendall(octets)
        except OSError:
            raise ConnectionLost("it closed the connection") from None
        # receipts wait until the answer is known: it may be the one that has their message_id
        self._read_until(lambda: key in self._replies, self.timeout_s, settle=False)
        return self._replies.pop(key, None)

    # -- what comes ------------------------------------------------------------------------------------

    def wait(self, until: Callable[[], bool], seconds: float) -> bool:
        """Reads until that is so, or the time is over; whether it is so. Raises ConnectionLost."""
        return self._read_until(until, seconds, settle=True)

    def _read_until(self, until: Callable[[], bool], seconds: float, *, settle: bool) -> bool:
        deadline = time.monotonic() + seconds
        while not until():
            left = deadline - time.monotonic()
            ready = [link for link in self._links if _pending(link)]
            if not ready and left > 0:
                sockets = {link._socket: link for link in self._links}
                ready = [sockets[found] for found in select.select(list(sockets), [], [], left)[0]]
            if not ready:
                return False
            for link in ready:
                self._take(link, _read(link))
            if settle:
                self._settle()
        return True

    def _take(self, link: Client, raw: bytes) -> None:
        _, code, status, sequence = struct.unpack(">LLLL", raw[:16])
        name = _command_name(code)
        if code & 0x80000000:
            self._replies[(id(link), sequence)] = Reply(name, status, raw[16:])
        elif name == "enquire_link":
            self._answer(link, name, sequence, c.ESME_ROK)
        elif name == "unbind":
            self._answer(link, name, sequence, c.ESME_ROK)
            raise ConnectionLost("it ended the session (unbind)")
        elif name in ("deliver_sm", "data_sm"):
            try:
                receipt = _receipt_in(smpp.parse_pdu(raw, client=link, allow_unknown_opt_params=True))
            except (exceptions.UnknownCommandError, LookupError, TypeError, ValueError, struct.error):
                self.unreadable += 1
                receipt = None
            self._held.append((link, sequence, receipt, name))

    def _settle(self) -> None:
        """Receipts of our messages are taken, all else is left to the gateway."""
        held, self._held = self._held, []
        for link, sequence, receipt, name in held:
            sent = None if receipt is None else self._meant(receipt)
            if receipt is not None and sent is not None:
                sent.receipts.append(receipt)
                self._answer(link, name, sequence, c.ESME_ROK)
                continue
            if receipt is not None:
                self.strangers.append(receipt)
            self._answer(link, name, sequence, c.ESME_RX_T_APPN)

    def _meant(self, receipt: Receipt) -> Sent | None:
        keys = {receipts.response_key(sent.message_id): sent for sent in self._sent if sent.message_id}
        for _, key in receipts.id_forms(receipt.id):
            if key in keys:
                return keys[key]
        return None

    def _answer(self, link: Client, name: str, sequence: int, status: int) -> None:
        response = smpp.make_pdu(f"{name}_resp", client=link, status=status)
        response.sequence = sequence
        try:
            link._socket.sendall(response.generate())
        except OSError:
            raise ConnectionLost("it closed the connection") from None


def _with_tlvs(pdu: Any, tlvs: bytes) -> bytes:
    octets: bytes = pdu.generate() + tlvs
    return struct.pack(">L", len(octets)) + octets[4:]


def _filled(command: type[Any], fields: dict[str, Any]) -> dict[str, Any]:
    return {name: fields.get(name) for name in command.params}


def _pending(link: Client) -> bool:
    """Whether TLS has octets that the socket no longer shows."""
    return isinstance(link._socket, ssl.SSLSocket) and link._socket.pending() > 0


def _read(link: Client) -> bytes:
    """One PDU. Raises ConnectionLost."""
    try:
        head: bytes = link._recv_exact(4)
        length = int.from_bytes(head, "big")
        if not 16 <= length <= _MAX_OCTETS:
            raise ConnectionLost("what it sends is not SMPP")
        rest: bytes = link._recv_exact(length - 4)
    except (exceptions.ConnectionError, OSError):
        raise ConnectionLost("it closed the connection") from None
    return head + rest


def _command_name(code: int) -> str:
    try:
        return str(command_codes.get_command_name(code))
    except exceptions.UnknownCommandError:
        return c.command_name(code)


def _version_in(body: bytes) -> int | None:
    """sc_interface_version behind the system_id of a bind response."""
    rest = body.partition(b"\0")[2]
    while len(rest) >= 4:
        tag, length = struct.unpack(">HH", rest[:4])
        if tag == consts.OPTIONAL_PARAMS["sc_interface_version"] and length == 1:
            return rest[4]
        rest = rest[4 + length :]
    return None


def _receipt_in(pdu: Any) -> Receipt | None:
    """The receipt that smpplib has read; None for an incoming SMS."""
    octets = getattr(pdu, "short_message", None) or getattr(pdu, "message_payload", None) or b""
    if pdu.esm_class & c.ESM_CLASS_UDHI and octets:
        octets = octets[1 + octets[0] :]
    text = receipts.parse_text(octets, utf16=pdu.data_coding == 8)
    named = (getattr(pdu, "receipted_message_id", None) or b"").decode("latin-1")
    written = text.id if text is not None else ""
    # without its NUL, smpplib takes the last character of the TLV for one
    found = written if written.startswith(named) else named
    if not found or not (pdu.esm_class & c.ESM_CLASS_TYPE_MASK or named or (text is not None and text.stat)):
        return None
    state = getattr(pdu, "message_state", None)
    if state is None:
        state = text.state if text is not None else c.UNKNOWN
    return Receipt(pdu.command, pdu.esm_class, pdu.data_coding, found, bool(named), text, state)
