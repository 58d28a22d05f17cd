"""outbind: the simulated SMSC calls an ESME, and serves the receiver that binds there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from simulator_support import PATIENCE_S, Esme, running

from protocols.smpp import constants as c
from protocols.smpp.pdu import BindReceiver, DeliverSm
from protocols.smpp.state import State


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[asyncio.Queue[Esme], str]]:
    """A place where ESMEs are called, and its address."""
    called: asyncio.Queue[Esme] = asyncio.Queue()

    def accept() -> Esme:
        esme = Esme()
        called.put_nowait(esme)
        return esme

    server = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0)
    try:
        yield called, f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def answered(called: asyncio.Queue[Esme]) -> Esme:
    """The next ESME that is called and binds."""
    async with asyncio.timeout(PATIENCE_S):
        esme = await called.get()
    outbind = await esme.call()
    assert (outbind.system_id, outbind.password) == ("simulator", "pw")
    assert esme.session.state is State.OUTBOUND
    response = await esme.request(BindReceiver(system_id="esme"))
    assert response.command_status == c.ESME_ROK
    return esme


def test_what_waits_is_brought_over_the_connection_of_the_outbind() -> None:
    async def run() -> None:
        async with (
            listening() as (called, address),
            running(outbind=address, outbind_password="pw") as simulator,
        ):
            simulator.deliver(DeliverSm(source_addr="15550001", short_message=b"hi"), "esme")
            esme = await answered(called)
            assert (await esme.delivery()).short_message == b"hi"

    asyncio.run(run())


def test_an_esme_that_has_gone_is_called_again() -> None:
    async def run() -> None:
        async with (
            listening() as (called, address),
            running(outbind=address, outbind_password="pw") as simulator,
        ):
            first = await answered(called)
            await first.unbind()
            await answered(called)
            assert (simulator.counters.connections, simulator.counters.binds) == (2, 2)

    asyncio.run(run())


def test_an_esme_that_cannot_be_reached_is_no_fault() -> None:
    async def run() -> None:
        async with listening() as (_, address):
            pass
        async with running(outbind=address) as simulator:
            assert simulator.port

    asyncio.run(run())


def test_tests_can_call_on_demand() -> None:
    async def run() -> None:
        async with listening() as (called, address), running() as simulator:
            host, port = address.split(":")
            await simulator.outbind(host, int(port), "pw")
            await answered(called)

    asyncio.run(run())
