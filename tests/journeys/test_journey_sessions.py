"""Who may bind, how much they may send, what misbehaving peers get (by the lines of the security list)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from journey_support import (
    HOST,
    PASSWORD,
    Client,
    Gateway,
    account,
    config,
    connector,
    gateway_and_smsc,
    hashed,
    journey,
    running,
    submit_sm,
)

from gateway.config.model import Route
from gateway.core import logins
from gateway.ingress import smpp
from protocols.smpp import constants as c
from protocols.smpp.codec import encode
from protocols.smpp.pdu import (
    BindReceiver,
    BindTransceiver,
    BroadcastSm,
    CancelSm,
    DataSm,
    EnquireLink,
    Pdu,
    QuerySm,
    ReplaceSm,
    SubmitMulti,
)
from protocols.smpp.settings import SessionSettings

NOBODY = 1


def alone(**configured: Any) -> Any:
    """A configuration whose SMSC is not there: what is accepted stays."""
    return config(connector(NOBODY), **configured)


def count_hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    made: list[str] = []
    verify = logins._verify

    def counted(password: str, hashes: tuple[str, ...]) -> bool:
        made.append(password)
        return verify(password, hashes)

    monkeypatch.setattr(logins, "_verify", counted)
    return made


async def bind_status(gateway: Gateway, *args: Any, **kwargs: Any) -> str:
    client = await gateway.connect()
    return c.status_name(await client.bind(*args, **kwargs))


# -- who may bind --------------------------------------------------------------------------------------


@journey
async def test_binds_that_are_refused(tmp_path: Path) -> None:
    accounts = [
        account("good"),
        account("blocked", blocked=True),
        account("elsewhere", allowed_addresses=[ip_network("10.0.0.0/8"), ip_network("::1/128")]),
        account("here", allowed_addresses=[ip_network("127.0.0.0/8")]),
        account("two", second_password_hash=hashed("second")),
    ]
    async with running(alone(accounts=accounts), tmp_path) as gateway:
        for system_id, password, status in (
            ("good", PASSWORD, "ESME_ROK"),
            ("good", "wrong", "ESME_RINVPASWD"),
            ("good", "", "ESME_RINVPASWD"),
            ("nobody", PASSWORD, "ESME_RINVPASWD"),  # the same answer: it does not tell who exists
            ("blocked", PASSWORD, "ESME_RBINDFAIL"),
            ("elsewhere", PASSWORD, "ESME_RBINDFAIL"),
            ("here", PASSWORD, "ESME_ROK"),
            ("two", PASSWORD, "ESME_ROK"),
            ("two", "second", "ESME_ROK"),
            ("two", "third", "ESME_RINVPASWD"),
        ):
            found = await bind_status(gateway, system_id=system_id, password=password)
            assert (system_id, password, found) == (system_id, password, status)
        assert len(gateway.lines_with("bind_refused")) == 6
        assert not gateway.lines_with(PASSWORD + " ")
        assert not gateway.lines_with("third")


@journey
async def test_security_20_binds_over_the_maximum(tmp_path: Path) -> None:
    async with running(alone(accounts=[account(max_binds=2)]), tmp_path) as gateway:
        first = await gateway.client()
        await gateway.client(BindReceiver)
        assert await bind_status(gateway) == "ESME_RBINDFAIL"
        await first.unbind()
        await gateway.until(lambda: gateway.daemon.accounts["app"].sessions == 1)
        assert await bind_status(gateway) == "ESME_ROK"


@journey
async def test_refused_client_may_try_again_on_the_same_connection(tmp_path: Path) -> None:
    async with running(alone(), tmp_path) as gateway:
        client = await gateway.connect()
        assert await client.bind(password="wrong") == c.ESME_RINVPASWD
        assert await client.bind() == c.ESME_ROK


def test_many_binds_of_one_account_need_one_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = count_hashes(monkeypatch)

    @journey
    async def run() -> None:
        async with running(alone(accounts=[account(max_binds=50)]), tmp_path) as gateway:
            await asyncio.gather(*(gateway.client() for _ in range(50)))
            assert len(made) == 1
            assert await bind_status(gateway, password="wrong") == "ESME_RINVPASWD"
            assert len(made) == 2

    run()


def test_security_19_connection_limit_comes_before_any_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = count_hashes(monkeypatch)

    @journey
    async def run() -> None:
        async with running(alone(listener={"max_connections": 2}), tmp_path) as gateway:
            bound = [await gateway.client() for _ in range(2)]
            before = len(made)
            for _ in range(20):
                extra = await gateway.connect()
                extra.send(BindTransceiver(system_id="app", password="wrong")).cancel()
                await extra.end()
            assert len(made) == before
            assert len(gateway.lines_with("connections_full")) == 1
            await bound[1].abort()
            await gateway.until(lambda: len(gateway.daemon.smpp.listeners[0].connections) == 1)
            assert await bind_status(gateway) == "ESME_ROK"
            assert not bound[0].closed.done()

    run()


@journey
async def test_security_19_connections_that_do_not_bind_keep_nobody_out(tmp_path: Path) -> None:
    async with running(alone(listener={"max_connections": 4}), tmp_path) as gateway:
        bound = await gateway.client()
        idle = [await gateway.connect() for _ in range(3)]
        for _ in range(5):
            idle.append(await gateway.connect())
            await idle.pop(0).end()  # the oldest makes room
        client = await gateway.client()
        await idle.pop(0).end()
        assert not (client.closed.done() or bound.closed.done())
        [line] = gateway.lines_with("connections_full")
        assert "limit=4 peer=127.0.0.1 instead_of=127.0.0.1" in line


@journey
async def test_security_16_no_bind_in_time(tmp_path: Path) -> None:
    async with running(alone(listener={"bind_timeout_s": 5}), tmp_path) as gateway:
        idle = await gateway.connect()
        trickling = await gateway.connect()
        await gateway.until(lambda: len(gateway.daemon.smpp.listeners[0].connections) == 2)
        for octet in encode(BindTransceiver(system_id="app"))[:4]:
            trickling.transport.write(bytes((octet,)))
            gateway.clock.advance(1)
        gateway.clock.advance(0.9)
        good = await gateway.client()
        assert not idle.closed.done()
        gateway.clock.advance(0.2)
        await idle.end()
        await trickling.end()
        await gateway.said("no bind within 5 s")
        assert len(gateway.lines_with("session_closed")) == 1  # not one for each stranger
        assert not good.closed.done()


@journey
async def test_security_16_pdu_that_never_ends(tmp_path: Path) -> None:
    async with running(alone(), tmp_path) as gateway:
        client = await gateway.client()
        client.transport.write(encode(submit_sm())[:20])
        (connection,) = gateway.daemon.smpp.listeners[0].connections
        await gateway.until(lambda: connection.session._partial)
        gateway.clock.advance(10)
        await client.end()
        await gateway.said("incomplete")


# -- how much they may send ----------------------------------------------------------------------------


@journey
async def test_rate_of_the_account_counts_segments(tmp_path: Path) -> None:
    async with running(alone(accounts=[account(rate=5)]), tmp_path) as gateway:
        client, other = await gateway.client(), await gateway.client()
        long = b"z" * 200  # two segments
        answers = [
            await one.status_of_submit(text=text)
            for one, text in ((client, b"1"), (other, b"2"), (client, long), (other, b"5"), (client, b"6"))
        ]
        assert answers == ["ESME_ROK"] * 4 + ["ESME_RTHROTTLED"]
        gateway.clock.advance(0.5)
        answers = [await one.status_of_submit() for one in (client, other, client)]
        assert answers == ["ESME_ROK"] * 2 + ["ESME_RTHROTTLED"]


@journey
async def test_open_messages_over_the_maximum(tmp_path: Path) -> None:
    accounts = [account(max_open=3), account("other")]
    async with running(alone(accounts=accounts), tmp_path / "state") as gateway:
        client = await gateway.client()
        assert [await client.status_of_submit() for _ in range(4)] == ["ESME_ROK"] * 3 + ["ESME_RMSGQFUL"]
        other = await gateway.client(system_id="other")
        assert await other.status_of_submit() == "ESME_ROK"
    # The count outlives a restart, and what ends makes room.
    async with running(alone(accounts=accounts), tmp_path / "state") as gateway:
        client = await gateway.client()
        assert await client.status_of_submit() == "ESME_RMSGQFUL"
        waiting = next(it for it in gateway.listing("waiting") if it["account"] == "app")
        await gateway.decide(waiting["message_id"], "drop")
        await client.receipt()
        assert [await client.status_of_submit() for _ in range(2)] == ["ESME_ROK", "ESME_RMSGQFUL"]


@journey
async def test_open_messages_of_all_accounts_over_the_maximum(tmp_path: Path) -> None:
    async with running(alone(max_messages=2), tmp_path) as gateway:
        client = await gateway.client()
        assert [await client.status_of_submit() for _ in range(3)] == ["ESME_ROK"] * 2 + ["ESME_RMSGQFUL"]


@journey
async def test_submits_that_are_refused(tmp_path: Path) -> None:
    accounts = [account(allowed_sources=["12345", "Example"], max_segments=2)]
    routes = [Route(prefix="7", connectors=["smsc"])]
    async with running(alone(accounts=accounts, routes=routes), tmp_path) as gateway:
        client = await gateway.client()
        for fields, status in (
            ({}, "ESME_ROK"),
            ({"source_addr": "54321"}, "ESME_RINVSRCADR"),
            ({"source_addr": "Example", "source_addr_ton": 5}, "ESME_ROK"),
            ({"destination_addr": "447700900001"}, "ESME_RINVDSTADR"),  # no route
            ({"destination_addr": "seven"}, "ESME_RINVDSTADR"),
            ({"text": b"x" * 254}, "ESME_ROK"),
            ({"text": b"\0x" * 127, "data_coding": 8}, "ESME_ROK"),
            ({"tlvs": ((0x0424, b"x" * 400),), "text": b""}, "ESME_RINVMSGLEN"),
            ({"esm_class": 4}, "ESME_RINVESMCLASS"),
            ({"schedule_delivery_time": "tomorrow"}, "ESME_RINVSCHED"),
            ({"validity_period": "000101000000000+"}, "ESME_RINVEXPIRY"),
        ):
            values: dict[str, Any] = dict(fields)
            destination = values.pop("destination_addr", "79161200001")
            found = await client.status_of_submit(destination, **values)
            assert (fields, found) == (fields, status)


@journey
async def test_security_18_client_beyond_its_window(tmp_path: Path) -> None:
    async with running(alone(accounts=[account(window=3)]), tmp_path) as gateway:
        client = await gateway.client()
        (connection,) = gateway.daemon.smpp.listeners[0].connections
        journal = gateway.daemon.journal
        release = hold_commits(journal)
        answers = [client.send(submit_sm(text=b"%d" % n)) for n in range(3)]
        await gateway.until(lambda: connection._reading_paused)
        assert not connection._transport.is_reading()
        probe = client.send(EnquireLink())
        release()
        async with asyncio.timeout(10):
            assert [(await answer).command_status for answer in answers] == [c.ESME_ROK] * 3
            assert (await probe).command_status == c.ESME_ROK
        assert connection._transport.is_reading()
        # Those that are in one chunk with the window's last one have been read already.
        answers = client.send_together(*(submit_sm(text=b"%d" % n) for n in range(5)))
        async with asyncio.timeout(10):
            found = [c.status_name((await answer).command_status) for answer in answers]
        assert found == ["ESME_ROK"] * 3 + ["ESME_RTHROTTLED"] * 2
        assert await client.status_of_submit() == "ESME_ROK"


def hold_commits(journal: Any) -> Callable[[], None]:
    """No batch is sent to the store until the returned function is called."""
    flush = journal.flush
    journal.flush = lambda: None

    def release() -> None:
        journal.flush = flush
        flush()

    return release


def test_security_17_peer_that_never_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smpp, "WRITE_BUFFER", 4096)

    @journey
    async def run() -> None:
        async with running(alone(listener={"enquire_link_s": 3000}), tmp_path) as gateway:
            raw = socket.socket()
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.connect((HOST, gateway.port))
            raw.setblocking(False)
            _, deaf = await asyncio.get_running_loop().create_connection(Client, sock=raw)
            gateway.clients.append(deaf)
            assert await deaf.bind() == c.ESME_ROK
            (connection,) = gateway.daemon.smpp.listeners[0].connections
            theirs = connection._transport.get_extra_info("socket")
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            deaf.transport.pause_reading()
            deaf.transport.write(b"".join(encode(EnquireLink(sequence_number=n)) for n in range(1, 6000)))
            await gateway.until(lambda: connection._stuck_since is not None)
            assert not connection._transport.is_reading()  # its requests would become answers
            other = await gateway.client()
            gateway.clock.advance(29.9)
            assert await other.submit()  # others are served meanwhile
            assert not connection.gone
            gateway.clock.advance(0.2)
            await gateway.until(lambda: connection.gone)
            await gateway.said("cut_off", "it read nothing for 30 s")
            assert await other.submit()

    run()


# -- peers that do not speak as they should ------------------------------------------------------------


async def raw_answer(gateway: Gateway, data: bytes) -> bytes:
    """What the gateway sends until it closes the connection."""
    reader, writer = await asyncio.open_connection(HOST, gateway.port)
    try:
        writer.write(data)
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    ("data", "protocol"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP"),
        (b"POST /sms HTTP/1.1\r\n\r\n", "HTTP"),
        (bytes.fromhex("1603010200010001fc0303") + bytes(300), "TLS"),
        (b"SSH-2.0-probe\r\n", "command_length"),
    ],
)
def test_security_3_another_protocol_gets_one_log_line(tmp_path: Path, data: bytes, protocol: str) -> None:
    @journey
    async def run() -> None:
        async with running(alone(), tmp_path) as gateway:
            before = len(gateway.lines)
            answer = await raw_answer(gateway, data)
            assert not answer or protocol == "command_length"
            await gateway.said("session_closed", protocol)
            await gateway.until(lambda: not gateway.daemon.smpp.listeners[0].connections)
            said = [line for line in gateway.lines[before:] if "link_lost" not in line]
            assert len(said) == 1, said

    run()


@journey
async def test_security_1_and_2_command_length_out_of_bounds(tmp_path: Path) -> None:
    async with running(alone(), tmp_path) as gateway:
        for length in (0, 1, 15, 70_001, 0x7FFFFFFF, 0xFFFFFFFF):
            header = length.to_bytes(4, "big") + c.ENQUIRE_LINK.to_bytes(4, "big")
            answer = await raw_answer(gateway, header)
            assert answer[4:12] == (c.GENERIC_NACK << 32 | c.ESME_RINVCMDLEN).to_bytes(8, "big"), length


@journey
async def test_security_9_to_11_operations_at_the_wrong_time(tmp_path: Path) -> None:
    async with running(alone(), tmp_path) as gateway:
        client = await gateway.client()
        client.transport.write((16).to_bytes(4, "big") + bytes.fromhex("00000999 00000000 00000063"))
        await client.request(EnquireLink())
        (nack,) = client.refused
        assert nack.command_id == c.GENERIC_NACK
        client.session._sendable |= {c.BIND_TRANSCEIVER}
        again = await client.request(BindTransceiver(system_id="app", password=PASSWORD))
        assert again.command_status == c.ESME_RALYBND
        assert await client.submit()
        early = await raw_answer(gateway, encode(submit_sm(sequence_number=1)) * 5)
        statuses = [
            int.from_bytes(early[n + 8 : n + 12], "big") for n in range(0, len(early), len(early) // 5)
        ]
        assert statuses == [c.ESME_RINVBNDSTS] * 5  # and the fifth closed


@journey
async def test_security_12_receiver_may_not_submit(tmp_path: Path) -> None:
    async with running(alone(), tmp_path) as gateway:
        client = await gateway.client(BindReceiver)
        client.session._sendable |= {c.SUBMIT_SM}
        assert await client.status_of_submit() == "ESME_RINVBNDSTS"
        assert not client.closed.done()


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (QuerySm, c.ESME_RINVMSGID),
        (CancelSm, c.ESME_RINVDSTADR),
        (ReplaceSm, c.ESME_RINVMSGID),
        (SubmitMulti, c.ESME_RINVNUMDESTS),
        (DataSm, c.ESME_RINVDSTADR),
    ],
)
def test_a_request_that_says_nothing_or_is_not_served_keeps_the_session(
    tmp_path: Path, kind: type[Pdu], status: int
) -> None:
    @journey
    async def run() -> None:
        async with gateway_and_smsc(tmp_path) as (gateway, _):
            client = await gateway.client()
            response = await client.request(kind())
            assert response.command_status == status
            assert response.command_id == kind.command_id | c.RESPONSE_BIT
            message_id = await client.submit()
            assert (await client.receipt()).message_id == message_id

    run()


@journey
async def test_a_command_of_a_later_version_keeps_the_session(tmp_path: Path) -> None:
    async with running(alone(), tmp_path) as gateway:
        client = await gateway.client()
        nack = await client.request(BroadcastSm())
        assert (nack.command_id, nack.command_status) == (c.GENERIC_NACK, c.ESME_RINVCMDID)
        assert await client.submit()


@journey
async def test_malformed_submit_is_answered_and_the_session_goes_on(tmp_path: Path) -> None:
    async with gateway_and_smsc(tmp_path) as (gateway, _):
        client = await gateway.client()
        broken = bytearray(encode(submit_sm(sequence_number=77)))
        broken[broken.index(b"hello") - 1] = 200  # sm_length
        client.transport.write(bytes(broken))
        message_id = await client.submit()
        assert (await client.receipt()).message_id == message_id
        await gateway.said("bad_input", "submit_sm")


@journey
async def test_silent_client_is_probed_and_sent_away(tmp_path: Path) -> None:
    async with running(alone(listener={"enquire_link_s": 60, "response_timeout_s": 30}), tmp_path) as gateway:
        lively = await gateway.client()
        silent = await gateway.client()
        silent.transport.pause_reading()
        gateway.clock.advance(60)
        connections = gateway.daemon.smpp.listeners[0].connections
        await gateway.until(
            lambda: [it.session._enquired_at is not None for it in connections].count(True) == 1
        )
        gateway.clock.advance(30)
        await gateway.said("session_closed", "silent")
        assert await lively.submit()
        assert gateway.daemon.accounts["app"].sessions == 1


def test_settings_of_these_tests_are_the_sessions() -> None:
    """The limits that the tests above rely on."""
    assert SessionSettings().pdu_timeout_s == 10
    assert SessionSettings().bad_state_limit == 5
    assert smpp.STUCK_AFTER_S == 30
