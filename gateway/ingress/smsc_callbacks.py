"""A socket where an SMSC service calls: statuses and incoming SMS over HTTP.

The service calls again for hours unless it is answered 200 or 404. So 200 goes out after the commit, and
whatever may pass is answered by something else. Only known paths are read, and a call is looked at only with
the right hash in it.

The module needs aiohttp: it is imported where such a listener is configured.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import traceback
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

from aiohttp import web

from gateway.config.smsc_model import CallbackListener as ListenerConfig
from gateway.core.batch import Journal
from gateway.core.clock import Clock
from gateway.core.door import Door, Take, take_none
from gateway.core.events import Events
from gateway.core.peers import is_allowed
from gateway.core.smsc_sink import Endpoint
from gateway.ingress.tls import certificate_ends, renew, server_context
from protocols.smsc_http.callbacks import (
    MAX_BODY,
    Call,
    CallbackError,
    IncomingCall,
    StatusCall,
    check_hash,
    parse_callback,
)

LINGER_S = 2.0
"""So long what was refused is read on and thrown away, so that the answer arrives."""

_silent = logging.Logger("smsc_callbacks", logging.CRITICAL + 1)  # aiohttp's lines would hold what came


class _Refused(Exception):
    """A call that is answered by an HTTP status; the reason is for the log."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class _Connection(web.RequestHandler):
    """A connection of the service's; a stranger until a call with the right hash came by it."""

    __slots__ = ("_door", "is_idle")

    def __init__(self, door: Door, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._door = door
        self.is_idle = True
        """No such call waits for its commit."""

    def connection_lost(self, exc: BaseException | None) -> None:
        self._door.left(self)
        super().connection_lost(exc)

    def recognise(self) -> None:
        """A call is the service's."""
        self.is_idle = False
        self._door.recognise(self)

    def give_way(self) -> None:
        """Ends at once: another one needs its place."""
        if self.transport is not None:
            self.transport.abort()


class CallbackListener:
    """The connections of one listening socket. `endpoints` are by path; a reload may replace them."""

    def __init__(
        self,
        config: ListenerConfig,
        endpoints: Mapping[str, Endpoint],
        journal: Journal,
        events: Events,
        clock: Clock,
    ) -> None:
        self.config = config
        self.endpoints = endpoints
        self.address = str(config.address)
        self.taken = 0
        """Calls that were committed, and those that were refused."""
        self.refused = 0
        self.stopping = False
        self._journal = journal
        self._events = events
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._web = web.Server(self._answer)
        self._door = Door(
            self._connection,
            config.max_connections,
            events,
            clock,
            handshake_s=config.request_timeout_s,
        )
        self._tls: ssl.SSLContext | None = None

    async def start(self, take: Take = take_none) -> None:
        """Listens; OSError when the address cannot be had, or a certificate cannot be read."""
        host, port = self.config.address
        self._tls = server_context(self.config.tls)
        await self._door.open(host, port, self._tls, take=take)

    def renew_certificate(self) -> None:
        """Reads it anew, for connections that come from now on; OSError when that cannot be."""
        renew(self._tls, self.config.tls)

    @property
    def certificate_ends(self) -> float | None:
        """When the certificate that clients are shown ends, in seconds since 1970; None: there is none."""
        return certificate_ends(self._tls)

    def stop_listening(self) -> None:
        """Takes no connection and no call more; those that wait for a commit are still answered."""
        self.stopping = True
        self._door.close()
        self._web.pre_shutdown()

    async def stop(self, timeout_s: float = 5.0) -> None:
        """Ends every connection; calls under way have so long to be answered."""
        self.stop_listening()
        await self._web.shutdown(timeout_s)

    @property
    def port(self) -> int:
        """The port it listens on (the kernel's choice when 0 is configured)."""
        return self._door.port

    @property
    def connections(self) -> list[web.RequestHandler]:
        """Those that are open."""
        return self._web.connections

    def _connection(self) -> _Connection:
        return _Connection(
            self._door,
            self._web,
            loop=self._loop,
            # also the time that a connection has for the head of its first request
            keepalive_timeout=self.config.request_timeout_s,
            lingering_time=min(LINGER_S, self.config.request_timeout_s),
            auto_decompress=False,  # a small body could become a huge one
            access_log=None,
            logger=_silent,
        )

    # -- calls -----------------------------------------------------------------------------------------

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        """The answer to whatever came."""
        # behind "/!" in a handler's URL the service leaves the slash
        endpoint = self.endpoints.get(request.path.removesuffix("/"))
        connector = endpoint.connector if endpoint is not None else "-"
        try:
            if endpoint is None:
                raise _Refused(404, "unknown path")
            call = await self._read(request, endpoint)
            connection = cast(_Connection, request.protocol)
            connection.recognise()
            await self._take(call, endpoint)
            connection.is_idle = True
        except _Refused as refused:
            self.refused += 1
            self._events.seldom(
                "warning",
                "callback_refused",
                self._clock.now(),
                connector=connector,
                peer=request.remote,
                reason=refused.reason,
            )
            return _response(refused.status)
        except ConnectionError:
            raise  # nobody is there to be answered
        except Exception as error:
            self._fault(connector, error)
            return _response(503)
        self.taken += 1
        return _response(200)

    async def _read(self, request: web.BaseRequest, endpoint: Endpoint) -> Call:
        """A call that comes from the service."""
        config = endpoint.config
        if request.method != "POST":
            raise _Refused(405, "not a POST")
        if request.remote is None:
            raise ConnectionResetError
        if not is_allowed(request.remote, config.allowed_addresses):
            raise _Refused(403, "the address is not in allowed_addresses")
        try:
            # most calls come whole, and setting an alarm costs as much as reading them
            has_come = request.content.is_eof()
            async with asyncio.timeout(None if has_come else self.config.request_timeout_s):
                body = await _body(request)
        except TimeoutError:
            raise _Refused(408, "it did not come whole in time") from None
        except web.RequestPayloadError:
            raise _Refused(400, "its body is broken") from None
        try:
            call = parse_callback(
                request.headers.get("Content-Type", ""), body, request.rel_url.raw_query_string
            )
        except CallbackError as error:
            raise _Refused(400, str(error)) from None
        if not check_hash(call, config.secret.reveal(), config.hash):
            wrong = "a wrong" if config.hash in call.hashes else "no"
            raise _Refused(403, f"it has {wrong} {config.hash}")
        return call

    async def _take(self, call: Call, endpoint: Endpoint) -> None:
        """Returns when the call is committed."""
        if self.stopping or self._journal.error:
            raise _Refused(503, self._journal.error or "the gateway stops")
        now_ms, sink = self._clock.now_ms(), endpoint.sink
        if isinstance(call, StatusCall):
            sink.status(call, now_ms)
        elif isinstance(call, IncomingCall):
            sink.incoming(call, now_ms)
        else:
            sink.wait_call(call, now_ms)
        committed: asyncio.Future[bool] = self._loop.create_future()
        self._journal.then(partial(_settle, committed))
        if not await committed:
            raise _Refused(503, "it could not be stored")

    def _fault(self, connector: str, error: Exception) -> None:
        """Something that must not happen did, in the gateway; its text might hold some of the call's."""
        place = traceback.extract_tb(error.__traceback__)[-1:]
        where = "".join(f" in {Path(line.filename).name}:{line.lineno}" for line in place)
        self._events.seldom(
            "error",
            "callback_fault",
            self._clock.now(),
            connector=connector,
            reason=type(error).__name__ + where,
        )


def _settle(committed: asyncio.Future[bool], ok: bool) -> None:
    if not committed.done():  # by the end of a stop that took too long
        committed.set_result(ok)


async def _body(request: web.BaseRequest) -> bytes:
    """What was posted, at most MAX_BODY octets of it."""
    if (request.content_length or 0) > MAX_BODY:
        raise _Refused(413, f"it has more than {MAX_BODY} octets")
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # of the answer
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY:
            raise _Refused(413, f"it has more than {MAX_BODY} octets")
    return bytes(body)


def _response(status: int) -> web.Response:
    if status == 200:
        return web.Response(text="OK")
    response = web.Response(status=status, headers={"Allow": "POST"} if status == 405 else None)
    response.text = response.reason
    response.force_close()
    return response
