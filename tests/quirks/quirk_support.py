"""Dialogues in octets between a running gateway and peers that do what vectors say, and little by themselves.

A vector is one object of tests/vectors/quirks: its name begins with the number of its quirk. `connector`,
`account` and `listener` hold options; `binds` holds the SMSC's answers to the gateway's binds (by default a
good one). With `takes` the SMSC takes every submit_sm by itself, with ids T1, T2, …; else the vector answers.
`steps` are done in order; each has one verb, a method of `Dialogue` with spaces for underscores. Octets are
in hex, where {seq} is the sequence_number of the submit_sm that came last, {seq1} that of the first.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from journey_support import (
    DESTINATION,
    HOST,
    PASSWORD,
    PATIENCE_S,
    SYSTEM_ID,
    UPSTREAM,
    Client,
    Gateway,
    account,
    config,
    connector,
    hashed,
    running,
    submit_sm,
)

from gateway.config.smpp_model import AccountSmpp, AddressRule
from protocols.smpp import codec, tlv
from protocols.smpp import constants as c
from protocols.smpp.pdu import BindTransceiver, Pdu
from protocols.sms.receipts import parse_text

FOLDER = Path(__file__).parents[1] / "vectors" / "quirks"
_BINDS = frozenset({c.BIND_RECEIVER, c.BIND_TRANSMITTER, c.BIND_TRANSCEIVER})
_GOOD_BIND = "0000001a {resp} 00000000 {seq} 736d736300 0210 0001 34"


def vectors() -> list[dict[str, Any]]:
    """All vectors, in the order of their files."""
    return [row for path in sorted(FOLDER.glob("*.json")) for row in json.loads(path.read_text("utf-8"))]


class Wire(asyncio.Protocol):
    """One connection of a peer; whole PDUs wait in `frames`."""

    def __init__(self, smsc: Smsc | None = None) -> None:
        self.smsc = smsc
        self.frames: asyncio.Queue[bytes] = asyncio.Queue()
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._rest = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self.smsc is not None:
            self.smsc.made(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        while len(data) >= 4 and len(data) >= (length := int.from_bytes(data[:4], "big")):
            if self.smsc is None or not self.smsc.answers(self, data[:length]):
                self.frames.put_nowait(data[:length])
            data = data[length:]
        self._rest = data

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    async def frame(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return await self.frames.get()

    async def end(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.shield(self.closed)

    def abort(self) -> None:
        self._transport.abort()


class Smsc:
    """The SMSC's side; `wire` is the connection that was bound last."""

    def __init__(self, vector: dict[str, Any]) -> None:
        self.binds: list[str] = list(vector.get("binds", ()))
        self.greeting = bytes.fromhex(vector.get("greeting", ""))
        self.takes = vector.get("takes", False)
        self.is_silent = vector.get("silent", False)
        self.wires: list[Wire] = []
        self.bound: list[bytes] = []
        self.taken = 0
        self.numbers: list[str] = []

    @property
    def wire(self) -> Wire:
        return self.wires[-1]

    def made(self, wire: Wire) -> None:
        self.wires.append(wire)
        if self.greeting:
            wire.write(self.greeting)

    def octets(self, hex_: str) -> bytes:
        """Of a vector, with sequence numbers put in."""
        values = {f"seq{place + 1}": number for place, number in enumerate(self.numbers)}
        if self.numbers:
            values["seq"] = self.numbers[-1]
        for name, value in values.items():
            hex_ = hex_.replace(f"{{{name}}}", value)
        return bytes.fromhex(hex_)

    def answers(self, wire: Wire, frame: bytes) -> bool:
        """Answers what no vector answers."""
        command_id, number = int.from_bytes(frame[4:8], "big"), frame[12:16].hex()
        if command_id in _BINDS:
            self.bound.append(frame)
            answer = self.binds.pop(0) if self.binds else _GOOD_BIND
            resp = f"{command_id | c.RESPONSE_BIT:08x}"
            wire.write(bytes.fromhex(answer.replace("{resp}", resp).replace("{seq}", number)))
            return True
        if command_id == c.UNBIND:
            wire.write(codec.encode_header(c.UNBIND_RESP, 0, int(number, 16)))
            return True
        if command_id == c.ENQUIRE_LINK and not self.is_silent:
            wire.write(codec.encode_header(c.ENQUIRE_LINK_RESP, 0, int(number, 16)))
            return True
        if command_id == c.SUBMIT_SM:
            self.numbers.append(number)
            if self.takes:
                self.taken += 1
                name = f"T{self.taken}".encode() + b"\0"
                header = codec.HEADER.pack(16 + len(name), c.SUBMIT_SM_RESP, 0, int(number, 16))
                wire.write(header + name)
        return False


class Dialogue:
    """What a vector's steps can be; each method is one verb."""

    def __init__(self, gateway: Gateway, smsc: Smsc, vector: dict[str, Any]) -> None:
        self.gateway, self.smsc = gateway, smsc
        self.messages: list[str] = []
        self._vector = vector
        self._client: Client | None = None
        self._esme: Wire | None = None

    async def run(self) -> None:
        for step in self._vector["steps"]:
            ((verb, what),) = step.items()
            try:
                await getattr(self, verb.replace(" ", "_"))(what)
            except (AssertionError, TimeoutError) as error:
                log = "\n".join(self.gateway.lines[-15:])
                raise AssertionError(f"{verb} {what}: {error!r}\n{log}") from error

    # -- a client that behaves ---------------------------------------------------------------------------

    async def client(self) -> Client:
        """Bound when it is first needed."""
        if self._client is None:
            self._client = await self.gateway.client()
        return self._client

    async def client_submits(self, fields: dict[str, Any]) -> None:
        """A message is accepted; or it is not, with `status`."""
        values = {name: bytes.fromhex(it) if name == "short_message" else it for name, it in fields.items()}
        status = values.pop("status", "ESME_ROK")
        if "payload" in values:
            values["tlvs"] = ((tlv.MESSAGE_PAYLOAD, bytes.fromhex(values.pop("payload"))),)
            values["short_message"] = b""
        response = await (await self.client()).request(submit_sm(**values))
        assert c.status_name(response.command_status) == status
        self.messages.append(response.message_id)

    async def client_gets_receipt(self, expected: dict[str, Any]) -> None:
        """A receipt for the message that was submitted last, in text and TLVs alike."""
        pdu = await (await self.client()).delivery()
        text = parse_text(pdu.short_message)
        assert text is not None, pdu
        assert text.id == self.messages[-1], (text.id, self.messages)
        assert tlv.get(pdu.tlvs, tlv.RECEIPTED_MESSAGE_ID) == text.id.encode() + b"\0"
        state = tlv.get(pdu.tlvs, tlv.MESSAGE_STATE)
        assert state is not None and state[0] == text.state
        assert (text.stat, pdu.esm_class) == (expected["stat"], expected.get("esm_class", 4))
        assert text.error == expected.get("err", text.error)

    async def client_gets_sms(self, expected: dict[str, Any]) -> None:
        fits(await (await self.client()).delivery(), expected)

    async def client_gets_nothing(self, _: object) -> None:
        """Nothing came before the answer to a question that was put now."""
        client = await self.client()
        await client.status_of_submit(destination="1")
        assert client.deliveries.empty()

    # -- the SMSC ------------------------------------------------------------------------------------------

    async def smsc_gets(self, expected: dict[str, Any]) -> None:
        fits(codec.decode(await self.smsc.wire.frame()), expected)

    async def smsc_gets_octets(self, hex_: str) -> None:
        frame = await self.smsc.wire.frame()
        assert frame == self.smsc.octets(hex_), frame.hex(" ")

    async def smsc_sends(self, hex_: str) -> None:
        self.smsc.wire.write(self.smsc.octets(hex_))

    async def smsc_was_bound_with(self, hex_: str) -> None:
        """The octets of the gateway's last bind."""
        assert self.smsc.bound[-1] == bytes.fromhex(hex_), self.smsc.bound[-1].hex(" ")

    async def smsc_drops_the_link(self, _: object) -> None:
        self.smsc.wire.abort()

    async def link(self, expected: str) -> None:
        """kept: an enquire_link is the next thing that is answered; lost: it is closed; again: bound anew."""
        wire = self.smsc.wire
        if expected == "lost":
            await wire.end()
        elif expected == "again":
            bound = len(self.smsc.bound)
            await self.gateway.until(lambda: len(self.smsc.bound) > bound or len(self.smsc.wires) > 1)
            await self.gateway.linked()
        else:
            assert expected == "kept"
            wire.write(codec.encode_header(c.ENQUIRE_LINK, 0, 0x7777))
            assert await wire.frame() == codec.encode_header(c.ENQUIRE_LINK_RESP, 0, 0x7777)

    # -- an application in octets --------------------------------------------------------------------------

    async def esme(self) -> Wire:
        if self._esme is None:
            loop = asyncio.get_running_loop()
            _, self._esme = await loop.create_connection(Wire, HOST, self.gateway.port)
        return self._esme

    async def esme_is_bound(self, _: object) -> None:
        wire = await self.esme()
        wire.write(codec.encode(BindTransceiver(system_id=SYSTEM_ID, password=PASSWORD, sequence_number=1)))
        assert codec.decode(await wire.frame()).command_status == c.ESME_ROK

    async def esme_sends(self, hex_: str) -> None:
        (await self.esme()).write(bytes.fromhex(hex_))

    async def esme_gets(self, expected: dict[str, Any]) -> None:
        fits(codec.decode(await (await self.esme()).frame()), expected)

    async def esme_gets_octets(self, hex_: str) -> None:
        frame = await (await self.esme()).frame()
        assert frame == bytes.fromhex(hex_), frame.hex(" ")

    async def esme_link(self, expected: str) -> None:
        wire = await self.esme()
        if expected == "lost":
            await wire.end()
            return
        assert expected == "kept"
        wire.write(codec.encode_header(c.ENQUIRE_LINK, 0, 0x7777))
        assert await wire.frame() == codec.encode_header(c.ENQUIRE_LINK_RESP, 0, 0x7777)

    # -- the gateway ---------------------------------------------------------------------------------------

    async def clock(self, seconds: float) -> None:
        self.gateway.clock.advance(seconds)
        await self.gateway.ticked()

    async def said(self, words: list[str]) -> None:
        await self.gateway.said(*words)

    async def state(self, expected: str) -> None:
        """Of the message that was submitted last."""
        await self.gateway.until(lambda: self.gateway.states(self.messages[-1]) == [expected])

    async def unmatched(self, expected: list[str]) -> None:
        """The ids of receipts that mean no message of ours."""

        def ids() -> list[str]:
            return [row["upstream_id"] for row in self.gateway.listing("unmatched")]

        await self.gateway.until(lambda: ids() == expected)

    async def nothing_waits(self, _: object) -> None:
        """No message is open, and no delivery waits for a client."""
        await self.gateway.emptied()

    async def gateway_has_counted_to(self, number: int) -> None:
        """The sequence_number of its last request; nobody waits for two billion of them."""
        (link,) = self.gateway.daemon.upstreams[UPSTREAM].links
        for connection in cast(Any, link).connections:
            connection.session._requests._last = number


def fits(pdu: Pdu, expected: dict[str, Any]) -> None:
    """Every field that is named is as it says; `text` is short_message in Latin-1, `tlvs` are all."""
    for name, value in expected.items():
        if name == "pdu":
            assert type(pdu).__name__ == value, pdu
        elif name == "command_status":
            assert c.status_name(pdu.command_status) == value, pdu
        elif name == "text":
            assert cast(Any, pdu).short_message.decode("latin-1") == value, pdu
        elif name == "sm_length":
            assert len(cast(Any, pdu).short_message) == value, pdu
        elif name == "tlvs":
            assert {f"{tag:04x}": it.hex() for tag, it in pdu.tlvs} == value, pdu
        else:
            found = getattr(pdu, name)
            assert (found.hex() if isinstance(found, bytes) else found) == value, (name, pdu)


def _options(values: dict[str, Any]) -> dict[str, Any]:
    """Options as the configuration has them, of those that vectors use."""
    found = dict(values)
    for name in ("source", "destination"):
        if name in found:
            found[name] = AddressRule(**found[name])
    return found


@asynccontextmanager
async def dialogue(vector: dict[str, Any], state_dir: Path) -> AsyncIterator[Dialogue]:
    """A gateway that is bound to the vector's SMSC, unless the vector says that it will not be."""
    smsc = Smsc(vector)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Wire(smsc), HOST, 0)
    port = server.sockets[0].getsockname()[1]
    options = {"incoming_account": SYSTEM_ID, **_options(vector.get("connector", {}))}
    of_account = dict(vector.get("account", {}))
    if "smpp" in of_account:
        of_account["smpp"] = AccountSmpp(**_options(of_account["smpp"]))
    if "password" in of_account:
        of_account["password_hash"] = hashed(of_account.pop("password"))
    made = config(
        connector(port, **options), accounts=[account(**of_account)], listener=vector.get("listener")
    )
    try:
        async with running(made, state_dir) as gateway:
            if vector.get("linked", True):
                await gateway.linked()
            yield Dialogue(gateway, smsc, vector)
    finally:
        server.close()
        for wire in smsc.wires:
            wire.abort()


__all__ = ["DESTINATION", "Dialogue", "dialogue", "vectors"]
