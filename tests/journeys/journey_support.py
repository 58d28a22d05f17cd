"""A gateway in this process, with simulated SMSCs behind it and clients in front, over real sockets.

Time stands still unless a test moves it: the gateway gets a `ManualClock`, and its housekeeping ticks fast
(see conftest), so a test that turns the clock sees the effect a few milliseconds later.  Nothing sleeps:
`Gateway.until` looks again after each commit, each event line and each tick.
"""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, cast

from gateway.admin import all_handlers
from gateway.config.model import (
    Account,
    Address,
    Config,
    Connector,
    Listeners,
    Log,
    Queue,
    Route,
    SmppListener,
)
from gateway.config.secret import Secret
from gateway.core.events import Events
from gateway.core.passwords import hash_password
from gateway.daemon import Daemon
from gateway.simulator import Simulator, SimulatorSettings
from gateway.store.reader import Reader
from gateway.store.sqlite_open import FILE_NAME
from gateway.store.sqlite_reading import SqliteReads
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.events import Answered, Closed, Refused
from protocols.smpp.pdu import (
    Bind,
    BindTransceiver,
    DeliverSm,
    DeliverSmResp,
    Pdu,
    SubmitSm,
)
from protocols.smpp.session import Session
from protocols.smpp.settings import SessionSettings
from protocols.smpp.state import Role
from protocols.sms.receipts import parse_text

PATIENCE_S = 60.0
HOST = "127.0.0.1"
SYSTEM_ID, PASSWORD = "app", "pw"
SMSC_PASSWORD = "smsc-pw"
DESTINATION = "79161200001"  # its end is no magic number
UPSTREAM = "smsc"


@functools.cache
def hashed(password: str) -> Secret:
    return Secret(hash_password(password))


def journey(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Runs an async test on a loop of its own."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(120):
                await test(*args, **kwargs)

        asyncio.run(bounded())

    return run


class ManualClock:
    """Both clocks, turned by hand; `let_run` makes them run much faster than real ones."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._now_ms = 1_800_000_000_000
        self._runs_since: float | None = None

    def advance(self, seconds: float) -> None:
        self._now += seconds
        self._now_ms += round(seconds * 1000)

    def let_run(self) -> None:
        self._runs_since = asyncio.get_running_loop().time()

    def _ran(self) -> float:
        if self._runs_since is None:
            return 0.0
        return 50 * (asyncio.get_running_loop().time() - self._runs_since)

    def now(self) -> float:
        return self._now + self._ran()

    def now_ms(self) -> int:
        return self._now_ms + round(self._ran() * 1000)


# -- configuration -------------------------------------------------------------------------------------


def account(system_id: str = SYSTEM_ID, **fields: Any) -> Account:
    return Account(system_id=system_id, **{"password_hash": hashed(PASSWORD), **fields})


def connector(port: int, name: str = UPSTREAM, **fields: Any) -> Connector:
    values: dict[str, Any] = {
        "system_id": "gateway",
        "password": Secret(SMSC_PASSWORD),
        "reconnect_max_s": 0.02,
        **fields,
    }
    return Connector(name=name, address=Address(HOST, port), **values)


def config(
    *connectors: Connector,
    accounts: Sequence[Account] | None = None,
    routes: Sequence[Route] | None = None,
    listener: dict[str, Any] | None = None,
    **queue: Any,
) -> Config:
    """One account and all connectors in one route, unless said otherwise."""
    return Config(
        listeners=Listeners(smpp=[SmppListener(address=Address(HOST, 0), **(listener or {}))]),
        accounts=[account()] if accounts is None else accounts,
        connectors=connectors,
        routes=[Route(connectors=[it.name for it in connectors])] if routes is None else routes,
        queue=Queue(**{"commit_delay_ms": 0, **queue}),
        log=Log(),
    )


# -- clients -------------------------------------------------------------------------------------------


class Receipt(NamedTuple):
    """What a receipt says, when its TLVs and its text agree."""

    message_id: str
    state: int
    error: str


def read_receipt(pdu: Any) -> Receipt:
    text = parse_text(pdu.short_message)
    message_id = tlv.get(pdu.tlvs, tlv.RECEIPTED_MESSAGE_ID)
    state = tlv.get(pdu.tlvs, tlv.MESSAGE_STATE)
    assert text is not None and message_id is not None and state is not None, pdu
    assert (text.id, text.state) == (message_id.rstrip(b"\0").decode(), state[0])
    assert pdu.esm_class == c.ESM_CLASS_TYPE_SMSC_DELIVERY_RECEIPT
    return Receipt(text.id, text.state, text.error)


class Client(asyncio.Protocol):
    """An application; answers deliveries with `answers` in turn (None: not at all), then with ESME_ROK."""

    def __init__(self, window: int = 1000) -> None:
        self._loop = asyncio.get_running_loop()
        self.session = Session(
            Role.ESME, SessionSettings(window=window, peer_window=10_000), self._loop.time()
        )
        self.deliveries: asyncio.Queue[DeliverSm] = asyncio.Queue()
        self.answers: list[int | None] = []
        self.refused: list[Refused] = []
        self.closed: asyncio.Future[str] = self._loop.create_future()
        self.transport: asyncio.Transport
        self._reason = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for event in self.session.receive_data(data, self._loop.time()):
            if isinstance(event, DeliverSm):
                status = self.answers.pop(0) if self.answers else c.ESME_ROK
                if status is not None:
                    self.session.respond(
                        DeliverSmResp(sequence_number=event.sequence_number, command_status=status)
                    )
                self.deliveries.put_nowait(event)
            elif isinstance(event, Answered):
                cast("asyncio.Future[Pdu]", event.context).set_result(event.response)
            elif isinstance(event, Refused):
                self.refused.append(event)
            elif isinstance(event, Closed):
                self._reason = event.reason
                self.write()
                self.transport.close()
        self.write()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set_result(self._reason)

    def write(self) -> None:
        self.transport.write(self.session.data_to_send())

    def send(self, pdu: Pdu) -> asyncio.Future[Any]:
        """Sends a request; the future is its response."""
        return self.send_together(pdu)[0]

    def send_together(self, *pdus: Pdu) -> list[asyncio.Future[Any]]:
        """Sends requests in one write."""
        futures: list[asyncio.Future[Any]] = []
        for pdu in pdus:
            futures.append(self._loop.create_future())
            self.session.send_request(pdu, self._loop.time(), futures[-1])
        self.write()
        return futures

    async def request(self, pdu: Pdu) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            return await self.send(pdu)

    async def bind(
        self, kind: type[Bind] = BindTransceiver, system_id: str = SYSTEM_ID, password: str = PASSWORD
    ) -> int:
        """The command_status of the bind's answer."""
        response = await self.request(kind(system_id=system_id, password=password))
        return int(response.command_status)

    async def submit(self, destination: str = DESTINATION, text: bytes = b"hello", **fields: Any) -> str:
        """The message_id of an accepted message."""
        response = await self.request(submit_sm(destination, text, **fields))
        assert response.command_status == c.ESME_ROK, c.status_name(response.command_status)
        assert response.message_id
        return str(response.message_id)

    async def status_of_submit(
        self, destination: str = DESTINATION, text: bytes = b"hello", **fields: Any
    ) -> str:
        response = await self.request(submit_sm(destination, text, **fields))
        return c.status_name(response.command_status)

    async def delivery(self) -> DeliverSm:
        async with asyncio.timeout(PATIENCE_S):
            return await self.deliveries.get()

    async def receipt(self) -> Receipt:
        return read_receipt(await self.delivery())

    async def unbind(self) -> None:
        self.session.unbind(self._loop.time())
        self.write()
        await self.end()

    async def end(self) -> str:
        """Waits until the connection is closed; why."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.closed

    async def abort(self) -> None:
        """Goes without a word."""
        self.transport.abort()
        await self.end()


def submit_sm(destination: str = DESTINATION, text: bytes = b"hello", **fields: Any) -> SubmitSm:
    """A submit_sm that asks for a receipt."""
    return SubmitSm(
        **{
            "source_addr": "12345",
            "destination_addr": destination,
            "registered_delivery": 1,
            "short_message": text,
            **fields,
        }
    )


# -- the gateway ---------------------------------------------------------------------------------------


class Gateway:
    """A running daemon, and what a test wants of it."""

    def __init__(self, configured: Config, state_dir: Path) -> None:
        self.clock = ManualClock()
        self.lines: list[str] = []
        self.clients: list[Client] = []
        self.errors: list[dict[str, Any]] = []
        self.stopped = False
        self._loop = asyncio.get_running_loop()
        self._waiters: list[tuple[Callable[[], object], asyncio.Future[None]]] = []
        events = Events("text", "info", self._wrote)
        self.daemon = Daemon(configured, state_dir, events, clock=self.clock, random=Random(1))
        self.reader = Reader(SqliteReads(state_dir / FILE_NAME))
        on_answer = self.daemon._on_answer

        def watched(*args: Any) -> None:
            on_answer(*args)
            self._changed()

        self.daemon._on_answer = watched  # type: ignore[method-assign, assignment]

    def _wrote(self, text: str) -> None:
        self.lines.extend(text.splitlines())
        self._changed()

    def _changed(self) -> None:
        self._loop.call_soon(self._look)

    def _look(self) -> None:
        for predicate, future in self._waiters:
            if not future.done() and predicate():
                future.set_result(None)

    async def start(self) -> None:
        self._loop.set_exception_handler(lambda loop, context: self.errors.append(context))
        await self.daemon.start()
        self._poll()

    def _poll(self) -> None:
        self._look()
        self._poller = self._loop.call_later(0.005, self._poll)

    async def stop(self, *, clients_first: bool = True, clock_runs: bool = True) -> None:
        """Stops in good order; the clock runs fast now, so that its waits are short."""
        if self.stopped:
            return
        self.stopped = True
        if clock_runs:
            self.clock.let_run()
        for client in self.clients:
            if clients_first and not client.closed.done():
                await client.abort()
        await self.daemon.stop()
        self._poller.cancel()

    async def until(self, predicate: Callable[[], object]) -> None:
        """Returns when `predicate()` holds; a test failure after PATIENCE_S."""
        if predicate():
            return
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiters.append((predicate, future))
        try:
            async with asyncio.timeout(PATIENCE_S):
                await future
        except TimeoutError:
            raise AssertionError("it never came to that\n" + "\n".join(self.lines[-40:])) from None
        finally:
            self._waiters.remove((predicate, future))

    async def said(self, *words: str, times: int = 1) -> str:
        """The event line that holds all these words, once there are so many of them."""
        await self.until(lambda: len(self.lines_with(*words)) >= times)
        return self.lines_with(*words)[-1]

    def lines_with(self, *words: str) -> list[str]:
        return [line for line in self.lines if all(word in line for word in words)]

    async def ticked(self) -> None:
        """Housekeeping has looked at the clock since now, twice to be sure."""
        enough = self.daemon._housekeeping._ticks + 2
        await self.until(lambda: self.daemon._housekeeping._ticks >= enough)

    async def linked(self, name: str = UPSTREAM, links: int = 1) -> None:
        """The connector has so many links."""
        await self.until(lambda: len(self.daemon.upstreams[name].links) == links)

    @property
    def port(self) -> int:
        return self.daemon.smpp.listeners[0].port

    async def connect(self, window: int = 1000, tls: ssl.SSLContext | None = None) -> Client:
        """A client that is connected and not bound."""
        _, client = await self._loop.create_connection(lambda: Client(window), HOST, self.port, ssl=tls)
        self.clients.append(client)
        return client

    async def client(
        self,
        kind: type[Bind] = BindTransceiver,
        system_id: str = SYSTEM_ID,
        *,
        window: int = 1000,
        answers: Sequence[int | None] = (),
    ) -> Client:
        """A client that is bound."""
        client = await self.connect(window)
        client.answers.extend(answers)
        status = await client.bind(kind, system_id)
        assert status == c.ESME_ROK, c.status_name(status)
        return client

    def listing(self, kind: str) -> list[dict[str, Any]]:
        """What `smsc-gateway queue KIND` shows."""
        return self.reader.listing(kind, 1000)

    def states(self, *message_ids: str) -> list[str]:
        """What `smsc-gateway message ID` says first."""
        found = [self.reader.timeline(int(message_id)) for message_id in message_ids]
        return [it["state"] if it else "none" for it in found]

    async def decide(self, message_id: str, word: str) -> dict[str, Any]:
        """What a person says of a message: {"message_id", "done", "why"}."""
        request = {"message_ids": [message_id], "word": word}
        answer = await all_handlers(self.daemon)["decide"](request)  # type: ignore[misc]
        assert isinstance(answer, dict)
        row: dict[str, Any] = answer["results"][0]
        return row

    async def emptied(self) -> None:
        """No message is open and no delivery waits."""
        await self.until(lambda: not self.daemon.submission.open_messages and not self.listing("undelivered"))


@asynccontextmanager
async def running(configured: Config, state_dir: Path, later_s: float = 0.0) -> AsyncIterator[Gateway]:
    """A gateway for as long as the block lasts; whatever the loop could only log is a failure.

    Its clock begins `later_s` after that of other gateways.
    """
    gateway = Gateway(configured, state_dir)
    gateway.clock.advance(later_s)
    await gateway.start()
    try:
        yield gateway
    finally:
        await gateway.stop()
    assert not gateway.errors, gateway.errors


@asynccontextmanager
async def simulated_smsc(**settings: Any) -> AsyncIterator[Simulator]:
    """A simulated SMSC that only the gateway can bind to."""
    values = {"late_receipt_ms": 30.0, "receipt_retry_ms": 5.0, "password": SMSC_PASSWORD, **settings}
    simulator = Simulator(SimulatorSettings(**values))
    await simulator.start()
    try:
        yield simulator
    finally:
        await simulator.close()


@asynccontextmanager
async def gateway_and_smsc(
    state_dir: Path,
    *,
    smsc: dict[str, Any] | None = None,
    link: dict[str, Any] | None = None,
    links: int = 1,
    **configured: Any,
) -> AsyncIterator[tuple[Gateway, Simulator]]:
    """A gateway whose only connector is bound to a simulated SMSC."""
    async with simulated_smsc(**(smsc or {})) as simulator:
        made = config(connector(simulator.port, **(link or {})), **configured)
        async with running(made, state_dir) as gateway:
            await gateway.linked(links=links)
            yield gateway, simulator
