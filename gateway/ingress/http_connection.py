"""One connection of HTTP/1.1: octets in, requests to the apps in their order, answers out.

Theory of operation.  aiohttp's parser (llhttp) reads; what it says is a request waits in line, and one task
for the whole connection answers one after the other.  So a request costs no task and no timer, and a client
that sends on before it has its answers is read only as far as its line is short.  Time limits are looked at
by `tick`.  What cannot be gone on with is answered once and read on for a moment, so that the answer arrives
before the connection breaks.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from aiohttp.http import HttpRequestParser, HttpVersion11, RawRequestMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import EMPTY_PAYLOAD

from gateway.core.accounts import is_allowed
from gateway.core.http import App, HttpCall, HttpReply, HttpStream
from gateway.ingress.http_requests import (
    FIELD_MAX,
    FIELDS_MAX,
    HEAD_MAX,
    LINE_MAX,
    Mount,
    bad_request,
    client_address,
    length_of,
    mount_of,
    plain_address,
    split_target,
    too_much,
)
from gateway.ingress.http_writing import (
    CONTINUE,
    LAST_CHUNK,
    chunk_octets,
    plain,
    reply_octets,
    stream_head,
)

if TYPE_CHECKING:
    from gateway.ingress.http_listener import HttpListener

LINGER_S = 2.0
"""So long what was refused is read on and thrown away."""
IN_LINE = 8
"""Requests that wait for their turn; with more nothing is read before some are answered."""
UNSENT_MAX = 64 * 1024
"""Octets that wait for a slow client; with more it gets the next ones when it has taken these."""
_NEVER_PAUSE = 1 << 30  # of the parser's own flow control: bodies are taken as they come, and counted


class _Turn(NamedTuple):
    """A request that waits for its answer, or what it is answered without being asked for more."""

    call: HttpCall | None
    app: App | None
    reply: HttpReply | None
    is_old: bool = False
    """HTTP/1.0."""
    is_last: bool = False
    octets: int = 0
    """Of the listener's room that its body takes."""


class _Coming(NamedTuple):
    """A request whose head has come."""

    message: RawRequestMessage
    payload: Any
    """Of the parser: what has come of its body and was not taken."""
    mount: Mount
    path: str
    query: str
    is_last: bool


class HttpConnection(asyncio.Protocol):
    """A client's connection."""

    _reading_paused = False  # the parser looks at it

    def __init__(self, listener: HttpListener) -> None:
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._parser = HttpRequestParser(
            self,  # type: ignore[arg-type]
            self._loop,
            _NEVER_PAUSE,
            max_line_size=LINE_MAX,
            max_headers=FIELDS_MAX,
            max_field_size=FIELD_MAX,
            auto_decompress=False,  # a small body could become a huge one
        )
        self._transport: asyncio.Transport
        self._peer = ""
        self._is_tls = False
        self._is_proxy = False
        self._line: deque[_Turn] = deque()
        self._task: asyncio.Task[None] | None = None
        self._wake: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        """Is there while the client does not read what it has been sent."""
        self._coming: _Coming | None = None
        """A request that is not whole yet, and what has come of its body."""
        self._body = bytearray()
        self._owes_continue = False
        self._taken = 0
        """Octets of the listener's room."""
        self._head_octets = 0
        self._since = 0.0
        """When that began which is waited for just now."""
        self._is_busy = False
        self._is_held = False
        """Nothing is read, because enough waits."""
        self._streams = False
        self._deaf = False
        """What comes is thrown away."""
        self._heard_all = False
        """Nothing more comes."""
        self._ending = False
        """Nothing new is answered behind what waits."""
        self._closes_at = 0.0
        self._is_gone = False

    # -- the transport's side ------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._since = self._listener.clock.now()
        peer = transport.get_extra_info("peername")
        self._peer = plain_address(peer[0]) if peer else ""
        if not self._peer or not self._listener.admits(self, self._peer):
            self._is_gone = self._deaf = True
            self._transport.abort()
            return
        self._is_tls = transport.get_extra_info("sslcontext") is not None
        proxies = self._listener.config.proxies
        self._is_proxy = bool(proxies) and is_allowed(self._peer, proxies)
        self._transport.set_write_buffer_limits(UNSENT_MAX)

    def connection_lost(self, error: Exception | None) -> None:
        self._is_gone = self._deaf = True
        self._listener.forget(self)
        self._give_room(self._taken)
        self._coming = None
        self._line.clear()
        for wait in (self._wake, self._drained):
            if wait is not None and not wait.done():
                wait.set_result(None)
        if self._streams and self._task is not None:
            self._task.cancel()

    def eof_received(self) -> bool:
        """The client sends nothing more; what it has asked is still answered."""
        if not self._is_busy or self._streams or self._closes_at:
            return False
        self._ending = self._deaf = self._heard_all = True
        return not self._is_tls

    def pause_writing(self) -> None:
        self._since = self._listener.clock.now()
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    def pause_reading(self) -> None:
        """The parser asks for this and the next one; with _NEVER_PAUSE neither has a meaning."""

    def resume_reading(self, resume_parser: bool = True) -> None:
        """See above."""

    # -- requests in -----------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        if not self._head_octets and self._coming is None:
            self._since = self._listener.clock.now()
        try:
            messages, upgraded, _ = self._parser.feed_data(data)
            if self._coming is not None:
                self._go_on()
            for message, payload in messages:
                if self._deaf:
                    return
                self._begin(message, payload, is_last=message.should_close or upgraded)
        except (HttpProcessingError, ValueError) as error:
            self._refuse(bad_request(error))
            return
        if upgraded:  # nobody speaks what was asked for; what follows is not HTTP
            self._deaf = True
        if self._deaf:
            return
        if messages:
            self._head_octets = 0
        elif self._coming is None:
            self._head_octets += len(data)
            if self._head_octets > HEAD_MAX:
                self._refuse(too_much())

    def _begin(self, message: RawRequestMessage, payload: Any, *, is_last: bool) -> None:
        """A request's head has come, and some of its body or all."""
        path, query = split_target(message.path)
        mount = mount_of(self._listener.mounts, path)
        is_whole = payload.is_eof()
        if mount is None:
            reply = plain(404, "there is nothing here")
            if is_whole:
                self._put(_Turn(None, None, reply, message.version < HttpVersion11, is_last))
            else:
                self._refuse(reply)
            return
        self._coming = _Coming(message, payload, mount, path, query, is_last)
        if not is_whole:
            if length_of(message) > mount.body_max:
                self._refuse(_too_large(mount))
                return
            if message.headers.get("Expect", "").lower() == "100-continue":
                self._owes_continue = True
                self._tell_to_go_on()
        self._go_on()

    def _go_on(self) -> None:
        """More of the body has come, or all of it."""
        assert self._coming is not None
        message, payload, mount, path, query, is_last = self._coming
        is_whole = payload.is_eof()
        body, octets = b"" if payload is EMPTY_PAYLOAD else payload.read_nowait(-1), 0
        if self._body or not is_whole:
            if not self._gather(body, mount):
                return
            if not is_whole:
                return
            body, octets, self._body = bytes(self._body), len(self._body), bytearray()
        elif len(body) > mount.body_max:
            self._refuse(_too_large(mount))
            return
        self._coming = None
        self._owes_continue = False
        peer = self._peer
        if self._is_proxy:
            peer = client_address(peer, message.headers, self._listener.config.proxies)
        call = HttpCall(message.method, path, query, message.headers, body, peer, self._is_tls)
        self._put(_Turn(call, mount.app, None, message.version < HttpVersion11, is_last, octets))

    def _gather(self, octets: bytes, mount: Mount) -> bool:
        """Takes some of a body; False: the request is refused."""
        count = len(octets)
        if len(self._body) + count > mount.body_max:
            self._refuse(_too_large(mount))
            return False
        if not self._listener.take_room(count):
            self._refuse(plain(503, "too much is coming just now", ("Retry-After", "5")))
            return False
        self._taken += count
        self._body += octets
        return True

    def _tell_to_go_on(self) -> None:
        """The client waits for a word before it sends its body; it comes behind the answers before it."""
        if self._owes_continue and not self._is_busy:
            self._owes_continue = False
            self._transport.write(CONTINUE)

    def _refuse(self, reply: HttpReply) -> None:
        """Answers behind what waits, and hears nothing more."""
        self._listener.bad_inputs += 1
        self._deaf = True
        self._coming = None
        self._body = bytearray()
        self._put(_Turn(None, None, reply, is_last=True))

    def _put(self, turn: _Turn) -> None:
        self._line.append(turn)
        self._is_busy = True
        if self._task is None:
            self._task = self._loop.create_task(self._serve())
        elif self._wake is not None and not self._wake.done():
            self._wake.set_result(None)
        if len(self._line) > IN_LINE and not self._is_held:
            self._is_held = True
            self._transport.pause_reading()

    # -- answers out -----------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        """Answers one request after the other, as long as the connection is there."""
        while not self._is_gone:
            if self._line:
                await self._answer(self._line.popleft())
            elif self._ending:
                self._close()
                return
            else:
                self._is_busy = False
                self._since = self._listener.clock.now()
                if self._is_held:
                    self._is_held = False
                    self._transport.resume_reading()
                self._tell_to_go_on()
                self._wake = self._loop.create_future()
                await self._wake
                self._wake = None

    async def _answer(self, turn: _Turn) -> None:
        answer = turn.reply if turn.reply is not None else await self._ask(turn)
        if turn.octets:
            self._give_room(turn.octets)
        if self._is_gone:
            if isinstance(answer, HttpStream):
                await _end(answer)
            return
        if isinstance(answer, HttpStream):
            await self._stream(answer, turn)
            return
        closes = turn.is_last or self._listener.stopping or (self._ending and not self._line)
        is_head = turn.call is not None and turn.call.method == "HEAD"
        self._transport.write(self._octets(answer, is_head=is_head, is_old=turn.is_old, closes=closes))
        if self._drained is not None:
            await self._drained
        if closes:
            self._ending = True
            self._line.clear()
            self._close()

    async def _ask(self, turn: _Turn) -> HttpReply | HttpStream:
        assert turn.call is not None and turn.app is not None
        wait = self._listener.turns.take()
        if wait is not None:
            await wait
        try:
            return await turn.app(turn.call)
        except Exception as error:
            self._listener.fault(error)
            return _FAULT

    def _octets(self, reply: HttpReply, *, is_head: bool, is_old: bool, closes: bool) -> bytes:
        listener = self._listener
        date = listener.dates.line(listener.clock.now_ms())
        try:
            return reply_octets(reply, date, is_head=is_head, is_old=is_old, closes=closes)
        except (ValueError, KeyError) as error:
            listener.fault(error)
            return reply_octets(_FAULT, date, is_head=is_head, is_old=is_old, closes=closes)

    async def _stream(self, stream: HttpStream, turn: _Turn) -> None:
        """Sends what comes until it ends or the client goes, and closes."""
        is_old, listener = turn.is_old, self._listener
        self._streams = True
        try:
            self._transport.write(
                stream_head(stream, listener.dates.line(listener.clock.now_ms()), is_old=is_old)
            )
            if turn.call is None or turn.call.method != "HEAD":
                async for chunk in stream.chunks:
                    self._transport.write(chunk_octets(chunk, is_old=is_old))
                    if self._drained is not None:
                        await self._drained
                if not is_old:
                    self._transport.write(LAST_CHUNK)
        except asyncio.CancelledError:
            pass  # the client has gone, or the gateway stops
        except Exception as error:
            listener.fault(error)
        finally:
            self._streams = False
            await _end(stream)
        self._ending = True
        self._line.clear()
        self._close()

    def _close(self) -> None:
        """Sends what waits, and ends the connection: a moment later where there may be something unread."""
        if self._is_gone or self._closes_at:
            return
        now = self._listener.clock.now()
        if not self._deaf or self._heard_all:
            self._closes_at = now + self._listener.config.request_timeout_s
            self._transport.close()
            return
        self._closes_at = now + LINGER_S
        if self._is_held:
            self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def _give_room(self, octets: int) -> None:
        octets = min(octets, self._taken)  # nothing is left to be given when the connection is gone
        self._taken -= octets
        self._listener.give_room(octets)

    # -- the listener's side ---------------------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """Whether a request waits for its answer, or is coming."""
        return self._is_busy or self._coming is not None or bool(self._head_octets)

    @property
    def waiting(self) -> int:
        """Requests that wait for their turn."""
        return len(self._line)

    def tick(self, now: float, timeout_s: float) -> None:
        """Ends what takes too long."""
        if self._closes_at:
            if now >= self._closes_at:
                self._transport.abort()
        elif self._drained is not None:
            if now - self._since >= timeout_s:
                self._transport.abort()
        elif not self._is_busy and now - self._since >= timeout_s:
            if self._coming is not None or self._head_octets:
                self._refuse(plain(408, "the request did not come whole in time"))
            else:
                self._transport.close()

    def finish(self) -> None:
        """The gateway stops: the last answers, and no more."""
        if self._streams and self._task is not None:
            self._task.cancel()
        elif not self.is_busy:
            self._transport.close()

    def abort(self) -> None:
        """At once."""
        self._transport.abort()


async def _end(stream: HttpStream) -> None:
    """Whoever makes the chunks hears that nobody wants more."""
    close = getattr(stream.chunks, "aclose", None)
    if close is not None:
        with contextlib.suppress(Exception):
            await close()


def _too_large(mount: Mount) -> HttpReply:
    return plain(413, f"at most {mount.body_max} octets are taken")


_FAULT = plain(500, "something went wrong here; it is in the log")
