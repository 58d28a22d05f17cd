"""Applications that wait to be called: outbind, the bind that answers it, and the pauses between calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from journey_support import (
    DESTINATION,
    HOST,
    PASSWORD,
    SYSTEM_ID,
    Client,
    account,
    config,
    connector,
    journey,
    running,
)
from server_support import scripted

from gateway.config.model import Address
from gateway.config.secret import Secret
from gateway.config.smpp_model import AccountOutbind, AccountSmpp
from protocols.smpp import constants as c
from protocols.smpp.pdu import BindReceiver, BindTransmitter, DeliverSm, Outbind

SOURCE = "12345"


class Application:
    """Waits to be called, and binds on the connection that comes."""

    def __init__(self, system_id: str = SYSTEM_ID, password: str = PASSWORD) -> None:
        self.calls: list[Outbind] = []
        self.clients: list[Client] = []
        self.bound: list[int] = []
        self.system_id, self.password = system_id, password
        self.binds = True
        self._server: asyncio.Server
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self, port: int = 0) -> int:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, HOST, port)
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        self._server.close()

    def _accept(self) -> Client:
        client = Client()
        self.clients.append(client)
        receive = client.session.receive_data

        def received(data: bytes, now: float) -> list[Any]:
            events = receive(data, now)
            for event in events:
                if isinstance(event, Outbind):
                    self.calls.append(event)
                    if self.binds:
                        self._tasks.append(asyncio.get_running_loop().create_task(self._bind(client)))
            return events

        client.session.receive_data = received  # type: ignore[method-assign]
        return client

    async def _bind(self, client: Client) -> None:
        self.bound.append(await client.bind(BindReceiver, self.system_id, self.password))


@asynccontextmanager
async def application(
    system_id: str = SYSTEM_ID, password: str = PASSWORD, **limits: Any
) -> AsyncIterator[tuple[Application, dict[str, Any]]]:
    """An application that waits, and the configuration of the account that has it called."""
    waiting = Application(system_id, password)
    port = await waiting.open()
    outbind = AccountOutbind(address=Address(HOST, port), password=Secret("ours"))
    accounts = [account(smpp=AccountSmpp(outbind=outbind), **limits), account("other")]
    try:
        yield waiting, {"accounts": accounts}
    finally:
        waiting.close()


def incoming(text: bytes) -> DeliverSm:
    return DeliverSm(source_addr=DESTINATION, destination_addr=SOURCE, short_message=text)


INCOMING = {"incoming_account": "app"}


@journey
async def test_an_application_is_called_when_something_waits_and_gets_it(tmp_path: Path) -> None:
    async with (
        application() as (waiting, configured),
        scripted(tmp_path, link=INCOMING, **configured) as (gateway, smsc),
    ):
        await gateway.ticked()
        assert not waiting.calls, "nothing waits"
        smsc.send(incoming(b"hello"))
        await gateway.until(lambda: waiting.bound)
        assert waiting.bound == [c.ESME_ROK]
        (call,) = waiting.calls
        assert (call.system_id, call.password) == ("smsc-gateway", "ours")
        assert (await waiting.clients[0].delivery()).short_message == b"hello"
        await gateway.emptied()
        smsc.send(incoming(b"again"))
        assert (await waiting.clients[0].delivery()).short_message == b"again"
        assert len(waiting.calls) == 1, "the session is still there"
        assert gateway.daemon.accounts["app"].sessions == 1


@journey
async def test_an_application_that_left_is_called_again_when_something_comes(tmp_path: Path) -> None:
    async with (
        application() as (waiting, configured),
        scripted(tmp_path, link=INCOMING, **configured) as (gateway, smsc),
    ):
        smsc.send(incoming(b"one"))
        await gateway.until(lambda: waiting.bound)
        await waiting.clients[0].delivery()
        await gateway.emptied()
        await waiting.clients[0].unbind()
        gateway.clock.advance(5)
        await gateway.ticked()
        assert len(waiting.calls) == 1
        smsc.send(incoming(b"two"))
        await gateway.until(lambda: len(waiting.bound) == 2)
        assert (await waiting.clients[1].delivery()).short_message == b"two"


@journey
async def test_what_an_earlier_run_left_is_a_reason_to_call(tmp_path: Path) -> None:
    async with application() as (waiting, configured):
        unreachable = config(connector(1, **INCOMING), **configured)
        async with running(unreachable, tmp_path) as gateway:
            waiting.binds = False
            client = await gateway.client(BindTransmitter)
            message_id = await client.submit()
            await gateway.decide(message_id, "drop")
            await gateway.until(lambda: waiting.calls)
        calls = len(waiting.calls)
        waiting.binds = True
        async with running(unreachable, tmp_path) as gateway:
            await gateway.until(lambda: waiting.bound)
            assert len(waiting.calls) == calls + 1
            assert (await waiting.clients[-1].receipt()).message_id == message_id


@journey
async def test_nobody_is_called_while_a_receiving_session_is_there(tmp_path: Path) -> None:
    async with (
        application() as (waiting, configured),
        scripted(tmp_path, link=INCOMING, **configured) as (gateway, smsc),
    ):
        client = await gateway.client()
        smsc.send(incoming(b"hello"))
        assert (await client.delivery()).short_message == b"hello"
        await gateway.ticked()
        assert not waiting.calls


@journey
async def test_only_the_account_that_was_called_may_answer(tmp_path: Path) -> None:
    async with (
        application(system_id="other") as (waiting, configured),
        scripted(tmp_path, link=INCOMING, **configured) as (gateway, smsc),
    ):
        smsc.send(incoming(b"hello"))
        await gateway.until(lambda: waiting.bound)
        assert waiting.bound == [c.ESME_RINVSYSID]
        await gateway.said("bind_refused", "another account was called")
        waiting.binds = False
        gateway.clock.advance(6)
        assert await waiting.clients[0].end() == ""
        await gateway.said("outbind_failed", "it did not bind")


@journey
async def test_a_wrong_password_answers_no_call(tmp_path: Path) -> None:
    async with (
        application(password="wrong") as (waiting, configured),
        scripted(tmp_path, link=INCOMING, **configured) as (gateway, smsc),
    ):
        smsc.send(incoming(b"hello"))
        await gateway.until(lambda: waiting.bound)
        assert waiting.bound == [c.ESME_RINVPASWD]
        assert gateway.daemon.accounts["app"].sessions == 0


@journey
async def test_an_application_elsewhere_than_its_account_may_be_is_not_bound(tmp_path: Path) -> None:
    async with (
        application(allowed_addresses=[ip_network("10.0.0.0/8")]) as (waiting, configured),
        scripted(tmp_path, link=INCOMING, **configured) as (gateway, smsc),
    ):
        smsc.send(incoming(b"hello"))
        await gateway.until(lambda: waiting.bound)
        assert waiting.bound == [c.ESME_RBINDFAIL]
        await gateway.said("bind_refused", "allowed_addresses")


@journey
async def test_an_application_whose_sessions_are_all_there_is_not_bound_once_more(tmp_path: Path) -> None:
    async with (
        application(max_binds=1) as (waiting, configured),
        scripted(tmp_path, link=INCOMING, **configured) as (gateway, smsc),
    ):
        await gateway.client(BindTransmitter)
        smsc.send(incoming(b"hello"))
        await gateway.until(lambda: waiting.bound)
        assert waiting.bound == [c.ESME_RBINDFAIL]
        assert gateway.daemon.accounts["app"].sessions == 1


@journey
async def test_a_blocked_account_is_not_called(tmp_path: Path) -> None:
    async with (
        application(blocked=True) as (waiting, configured),
        scripted(tmp_path, link=INCOMING, **configured) as (gateway, smsc),
    ):
        smsc.send(incoming(b"hello"))
        await gateway.until(lambda: gateway.daemon.outlets["app"].waiting)
        await gateway.ticked()
        assert not gateway.daemon.smpp.listeners[-1]._calls  # type: ignore[attr-defined]
        assert not waiting.calls


@journey
async def test_calls_that_fail_come_after_pauses_that_double_up_to_a_minute(tmp_path: Path) -> None:
    async with (
        application() as (waiting, configured),
        scripted(tmp_path, link=INCOMING, **configured) as (gateway, smsc),
    ):
        waiting.close()
        smsc.send(incoming(b"hello"))
        calls = gateway.daemon.smpp.listeners[-1]._calls  # type: ignore[attr-defined]
        await gateway.until(lambda: calls)
        call = calls["app"]
        pauses = []
        for failures in range(1, 9):
            await gateway.until(lambda failures=failures: call.failures == failures)  # type: ignore[misc]
            pauses.append(call.not_before - gateway.clock.now())
            gateway.clock.advance(pauses[-1] - 0.01)
            await gateway.ticked()
            assert call.failures == failures, "too early"
            gateway.clock.advance(0.02)
        assert [round(pause) for pause in pauses] == [1, 2, 4, 8, 16, 32, 60, 60]
        await gateway.said("outbind_failed", "Connection refused")
        again = Application()
        await again.open(int(configured["accounts"][0].smpp.outbind.address.port))
        gateway.clock.advance(61)
        await gateway.until(lambda: again.bound)
        assert call.failures == 0
        again.close()


@journey
async def test_calls_are_a_listener_of_their_own_in_the_status_and_end_with_the_gateway(
    tmp_path: Path,
) -> None:
    from gateway.ops.status import status_of

    async with application() as (waiting, configured):
        async with scripted(tmp_path, link=INCOMING, **configured) as (gateway, smsc):
            smsc.send(incoming(b"hello"))
            await gateway.until(lambda: waiting.bound)
            rows = status_of(gateway.daemon)["listeners"]
            assert [(row["address"], row["connections"]) for row in rows][1:] == [("outbind", 1)]
            await gateway.stop(clients_first=False)
        assert await waiting.clients[0].end()


@journey
async def test_without_outbind_the_status_says_nothing_of_it(tmp_path: Path) -> None:
    from gateway.ops.status import status_of

    async with running(config(connector(1)), tmp_path) as gateway:
        assert len(status_of(gateway.daemon)["listeners"]) == 1
