"""SMSCs that flap, never answer a bind, or send nonsense: nothing is lost, and nobody else notices."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from journey_support import (
    HOST,
    Gateway,
    account,
    config,
    connector,
    journey,
    running,
    simulated_smsc,
)
from scripted_smsc import SmscConnection, scripted_smsc

from gateway.config.model import Route
from gateway.core.model import Message
from gateway.egress.smpp_connection import UpstreamConnection
from gateway.simulator import Simulator
from protocols.smpp import constants as c
from protocols.smpp.codec import encode_header
from protocols.smpp.pdu import SubmitSm

BAD, OTHERS = "bad", "others"
WINDOW = 4


@asynccontextmanager
async def beside(folder: Path, bad_port: int, **bad: Any) -> AsyncIterator[tuple[Gateway, Simulator]]:
    """A gateway with a connector to this port, and an account of its own for an SMSC that works."""
    async with simulated_smsc() as smsc:
        made = config(
            connector(bad_port, BAD, window=WINDOW, **bad),
            connector(smsc.port, OTHERS),
            accounts=[account(), account("others")],
            routes=[Route(connectors=[OTHERS], accounts=["others"]), Route(connectors=[BAD])],
        )
        async with running(made, folder) as gateway:
            await gateway.linked(OTHERS)
            yield gateway, smsc


async def others_are_served(gateway: Gateway) -> None:
    """The other account has its receipt, and nothing of its connector was in doubt."""
    client = await gateway.client(system_id="others")
    message_id = await client.submit()
    assert (await client.receipt()).message_id == message_id
    assert {row["connector"] for row in gateway.listing("ambiguous")} <= {BAD}
    await client.unbind()


@journey
async def test_a_flapping_link_writes_a_bounded_number_of_lines(tmp_path: Path) -> None:
    ports: list[int] = []

    async def bind_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ports.append(writer.get_extra_info("peername")[1])
        request = await reader.read(200)
        bound = encode_header(c.BIND_TRANSCEIVER_RESP, c.ESME_ROK, int.from_bytes(request[12:16], "big"))
        writer.write(bound)
        writer.close()

    server = await asyncio.start_server(bind_and_close, HOST, 0)
    async with server, beside(tmp_path, server.sockets[0].getsockname()[1]) as (gateway, _):
        client = await gateway.client()
        message_id = await client.submit()
        await gateway.until(lambda: len(ports) > 60)
        of_links = [line for line in gateway.lines if f"connector={BAD}" in line and "link_lost" in line]
        of_links += [line for line in gateway.lines if f"connector={BAD}" in line and " bound " in line]
        assert len(of_links) <= 20, "this clock stands still"
        gateway.clock.advance(10)
        line = await gateway.said("flapping", f"connector={BAD}")
        assert "changes=" in line and "reason=" in line
        await others_are_served(gateway)
        await gateway.until(
            lambda: (
                [row["message_id"] for name in ("waiting", "held") for row in gateway.listing(name)]
                == [message_id]
            )
        )


@journey
async def test_an_smsc_that_never_answers_the_bind_costs_no_message_a_try(tmp_path: Path) -> None:
    """It answers at last, when nobody listens any more, and the next bind is good."""
    waiting: list[asyncio.StreamWriter] = []
    late: list[bytes] = []

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waiting.append(writer)
        request = await reader.read(200)
        await reader.read()  # until it leaves
        late.append(request)
        number = int.from_bytes(request[12:16], "big")
        writer.write(encode_header(c.BIND_TRANSCEIVER_RESP, c.ESME_ROK, number))
        writer.close()

    server = await asyncio.start_server(mute, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    async with beside(tmp_path, port, response_timeout_s=0.1) as (gateway, _):
        client = await gateway.client()
        message_id = await client.submit()
        await gateway.said("link_lost", f"connector={BAD}", "did not answer in time", times=3)
        await gateway.until(lambda: late)
        await others_are_served(gateway)
        (row,) = gateway.listing("waiting")
        assert (row["message_id"], row["retries"]) == (message_id, 0)
        assert gateway.listing("ambiguous") == []
        server.close()
        for writer in waiting:
            writer.close()
        async with scripted_smsc(port) as smsc:
            await smsc.request(SubmitSm)
            await gateway.until(lambda: gateway.states(message_id) == ["SENT"])


def header(command_id: int, number: int, length: int = 16) -> bytes:
    return struct.pack(">IIII", length, command_id, 0, number)


def unbind(connection: SmscConnection) -> None:
    connection.session.unbind(0)
    connection.write()


def raw(octets: bytes) -> Callable[[SmscConnection], None]:
    return lambda connection: connection.transport.write(octets)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(raw(b"\xff" * 100), id="garbage"),
        pytest.param(raw(header(c.DELIVER_SM, 1, 1 << 30) + bytes(4096)), id="a huge PDU"),
        pytest.param(raw(b"GET / HTTP/1.1\r\nHost: smsc\r\n\r\n"), id="another protocol"),
        pytest.param(unbind, id="unbind within the window"),
        pytest.param(lambda connection: connection.transport.abort(), id="a reset"),
    ],
)
def test_a_link_that_ends_badly_leaves_doubts_of_its_window_alone(
    tmp_path: Path, bad: Callable[[SmscConnection], None]
) -> None:
    """G4: the SMSC has a window of them at the most; these are listed, the others are not, and all arrive."""

    @journey
    async def run() -> None:
        async with scripted_smsc() as smsc, beside(tmp_path, smsc.port) as (gateway, _):
            await gateway.linked(BAD)
            client = await gateway.client()
            smsc.answer = lambda pdu: None if isinstance(pdu, SubmitSm) else smsc.take(pdu)
            sent = [await client.submit(text=b"%d" % n) for n in range(3 * WINDOW)]
            first = [(await smsc.request(SubmitSm)) for _ in range(WINDOW)]
            smsc.answer = smsc.take
            bad(first[0][0])
            await gateway.until(lambda: len(smsc.taken) == len(sent))
            texts = [bytes(pdu.short_message) for _, pdu in first]
            again = [bytes(pdu.short_message) for pdu in smsc.taken]
            assert sorted(again, key=int) == [b"%d" % n for n in range(3 * WINDOW)], "each once, after that"
            doubts = gateway.listing("ambiguous")
            assert {row["message_id"] for row in doubts} == {sent[int(text)] for text in texts}
            assert len(doubts) == WINDOW
            for row in doubts:
                assert row["evidence"].startswith("no response: ")
                assert row["link"].startswith(f"{HOST}:{smsc.port} from port ")
                assert (row["boot"], row["action"]) == (1, "resend")
                assert row["sent_ms"] == gateway.clock.now_ms()
            await others_are_served(gateway)

    run()


@journey
async def test_what_a_reload_and_a_stop_leave_unanswered_is_listed_with_that_reason(tmp_path: Path) -> None:
    async with scripted_smsc() as smsc, simulated_smsc() as other:
        smsc.answer = lambda pdu: None if isinstance(pdu, SubmitSm) else smsc.take(pdu)
        made = config(connector(smsc.port, BAD), connector(other.port, OTHERS))
        async with running(made, tmp_path) as gateway:
            await gateway.linked(BAD)
            client = await gateway.client()
            message_id = await client.submit()
            await smsc.request(SubmitSm)
            gateway.clock.let_run()
            await gateway.daemon.reload(config(connector(other.port, OTHERS)))
            await gateway.until(lambda: gateway.listing("ambiguous"))
            (row,) = gateway.listing("ambiguous")
            assert (row["message_id"], row["connector"]) == (message_id, BAD)
            assert row["evidence"] == "no response: a reload ended this link"


@journey
async def test_an_smsc_that_answers_all_but_a_few_is_not_left_for_these(tmp_path: Path) -> None:
    """Three of its submits have no answer, but all that came after them have."""
    async with scripted_smsc() as smsc, beside(tmp_path, smsc.port, response_timeout_s=30) as (gateway, _):
        await gateway.linked(BAD)
        client = await gateway.client()
        smsc.answer = lambda pdu: None if isinstance(pdu, SubmitSm) else smsc.take(pdu)
        sent = [await client.submit(text=b"%d" % n) for n in range(3)]
        for _ in sent:
            await smsc.request(SubmitSm)
        smsc.answer = smsc.take
        gateway.clock.advance(1)
        later = await client.submit(text=b"later")
        await gateway.said("submitted", later)
        gateway.clock.advance(29.5)
        await gateway.until(lambda: len(gateway.listing("ambiguous")) == 3)
        assert gateway.lines_with("link_lost") == []


@journey
async def test_a_flood_of_answers_to_nothing_costs_the_link_and_nothing_else(tmp_path: Path) -> None:
    """The limit of such responses a minute is for both sides of a session; enquire_links are answered."""
    async with scripted_smsc() as smsc, beside(tmp_path, smsc.port) as (gateway, _):
        await gateway.linked(BAD)
        client = await gateway.client()
        first = await client.submit(text=b"before")
        connection, _ = await smsc.request(SubmitSm)
        await gateway.until(lambda: gateway.states(first) == ["SENT"])
        flood = [header(c.GENERIC_NACK, 1_000_000 + n) + header(c.ENQUIRE_LINK, 1 + n) for n in range(5000)]
        connection.transport.write(b"".join(flood))
        await gateway.said("link_lost", f"connector={BAD}", "more than 100 responses a minute answer nothing")
        after = await client.submit(text=b"after")
        again, _ = await smsc.request(SubmitSm)
        assert again is not connection
        await gateway.until(lambda: gateway.states(after) == ["SENT"])
        assert gateway.listing("ambiguous") == []
        await gateway.until(lambda: [bytes(pdu.short_message) for pdu in smsc.taken] == [b"before", b"after"])
        await others_are_served(gateway)


@journey
async def test_what_never_left_is_no_doubt_and_no_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G8: the link closes between the submit and its first octet, again and again."""
    submit, closed = UpstreamConnection.submit, []

    def submit_and_close(self: UpstreamConnection, message: Message, segments: Sequence[int]) -> None:
        submit(self, message, segments)
        if self.connector.config.name == BAD:
            closed.append(message.message_id)
            self.close()

    async with scripted_smsc() as smsc, beside(tmp_path, smsc.port) as (gateway, _):
        await gateway.linked(BAD)
        client = await gateway.client()
        monkeypatch.setattr(UpstreamConnection, "submit", submit_and_close)
        await client.submit()
        await gateway.until(lambda: len(closed) >= 3)
        await gateway.until(lambda: [row["retries"] for row in gateway.listing("waiting")] == [0])
        assert smsc.taken == []
        monkeypatch.setattr(UpstreamConnection, "submit", submit)
        await gateway.until(lambda: len(smsc.taken) == 1)
        assert gateway.listing("ambiguous") == []
