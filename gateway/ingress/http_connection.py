"""One connection of HTTP/1.1: octets in, requests to the apps in their order, answers out.

Theory of operation.  The reader says what is a request; it waits in line, and one task for the whole
connection answers one after the other.  So a request costs no task and no timer, and a client that sends on
before it has its answers is read only as far as its line is short.  Time limits are looked at by `tick`.
What cannot be gone on with is answered once and read on for a moment, so that the answer arrives before the
connection breaks.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING, cast

from gateway.core.http import HttpReply, HttpStream
from gateway.core.peers import is_allowed, plain_address
from gateway.ingress.http_reader import Queued, RequestReader
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
PIECE = 16 * 1024
"""Octets that are read in one go; what came beside them stays as it is until the line is short again. A
request that is read takes twenty times the memory that it took on the wire."""
UNSENT_MAX = 64 * 1024
"""Octets that wait for a slow client; with more it gets the next ones when it has taken these."""


class HttpConnection(asyncio.Protocol):
    """A client's connection."""

    def __init__(self, listener: HttpListener) -> None:
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._reader: RequestReader
        self._is_tls = False
        self._line: deque[Queued] = deque()
        self._unread = bytearray()
        self._task: asyncio.Task[None] | None = None
        self._wake: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        """Is there while the client does not read what it has been sent."""
        self._since = 0.0
        """When that began which is waited for just now."""
        self._is_busy = False
        self._is_held = False
        """Nothing is read, because enough waits."""
        self._streams = False
        self._heard_all = False
        """Nothing more comes."""
        self._ending = False
        """Nothing new is answered behind what waits."""
        self._closes_at = 0.0
        self._is_gone = False

    # -- the transport's side ------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        listener = self._listener
        self._transport = cast(asyncio.Transport, transport)
        self._since = listener.clock.now()
        self._is_tls = transport.get_extra_info("sslcontext") is not None
        name, proxies = transport.get_extra_info("peername"), listener.config.proxies
        peer = plain_address(name[0]) if name else ""
        is_proxy = bool(proxies and peer) and is_allowed(peer, proxies)
        self._reader = RequestReader(listener, peer, is_tls=self._is_tls, is_proxy=is_proxy)
        if not listener.admits(self) or not peer:
            self._is_gone = self._reader.is_deaf = True
            self._transport.abort()
            return
        self._transport.set_write_buffer_limits(UNSENT_MAX)

    def connection_lost(self, error: Exception | None) -> None:
        self._is_gone = True
        self._listener.forget(self)
        self._reader.end()
        self._drop_line()
        for wait in (self._wake, self._drained):
            if wait is not None and not wait.done():
                wait.set_result(None)
        if self._streams and self._task is not None:
            self._task.cancel()

    def eof_received(self) -> bool:
        """The client sends nothing more; what it has asked is still answered."""
        if not self._is_busy or self._streams or self._closes_at:
            return False
        self._ending = self._heard_all = True
        self._reader.is_deaf = not self._unread
        return not self._is_tls

    def pause_writing(self) -> None:
        self._since = self._listener.clock.now()
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    # -- requests in -----------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._reader.is_deaf:
            return
        if self._unread or len(data) > PIECE:
            self._unread += data
            self._read_on()
        else:
            self._read(data)

    def _read_on(self) -> None:
        """Reads what came, as long as the line is short."""
        unread = self._unread
        while unread and len(self._line) <= IN_LINE:
            piece = bytes(unread[:PIECE])
            del unread[:PIECE]
            self._read(piece)
            if self._reader.is_deaf:
                unread.clear()

    def _drop_line(self) -> None:
        """Nothing of what waits is answered."""
        self._line.clear()
        self._unread.clear()

    def _read(self, data: bytes) -> None:
        reader = self._reader
        if not reader.is_amid:
            self._since = self._listener.clock.now()
        for queued in reader.feed(data):
            self._put(queued)
        if reader.owes_continue:
            self._tell_to_go_on()

    def _tell_to_go_on(self) -> None:
        """The client waits for a word before it sends its body; it comes behind the answers before it."""
        if self._reader.owes_continue and not self._is_busy:
            self._reader.owes_continue = False
            self._transport.write(CONTINUE)

    def _put(self, queued: Queued) -> None:
        self._line.append(queued)
        self._is_busy = True
        if self._task is None:
            self._listener.recognise(self)
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
            elif self._unread:
                self._read_on()
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

    async def _answer(self, queued: Queued) -> None:
        answer = queued.reply if queued.reply is not None else await self._ask(queued)
        if queued.octets:
            self._reader.give_room(queued.octets)
        if self._is_gone:
            if isinstance(answer, HttpStream):
                await _end(answer)
            return
        if isinstance(answer, HttpStream):
            await self._stream(answer, queued)
            return
        closes = (
            queued.is_last
            or self._listener.stopping
            or (self._ending and not self._line and not self._unread)
        )
        is_head = queued.call is not None and queued.call.method == "HEAD"
        self._transport.write(self._octets(answer, is_head=is_head, is_old=queued.is_old, closes=closes))
        if self._drained is not None:
            await self._drained
        if closes:
            self._ending = True
            self._drop_line()
            self._close()

    async def _ask(self, queued: Queued) -> HttpReply | HttpStream:
        assert queued.call is not None and queued.app is not None
        wait = self._listener.turns.take()
        if wait is not None:
            await wait
        try:
            return await queued.app(queued.call)
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

    async def _stream(self, stream: HttpStream, queued: Queued) -> None:
        """Sends what comes until it ends or the client goes, and closes."""
        is_old, listener = queued.is_old, self._listener
        self._streams = True
        self._hear_no_more()
        try:
            self._transport.write(
                stream_head(stream, listener.dates.line(listener.clock.now_ms()), is_old=is_old)
            )
            if queued.call is None or queued.call.method != "HEAD":
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
        self._close()

    def _hear_no_more(self) -> None:
        """What follows a request for a stream is never answered, so nothing of it is kept."""
        self._drop_line()
        self._reader.end()
        self._heard_all = self._is_tls  # which cannot say that an answer has ended but by closing
        if self._is_held:  # or nobody would see the client go
            self._is_held = False
            self._transport.resume_reading()

    def _close(self) -> None:
        """Sends what waits, and ends the connection: a moment later where there may be something unread."""
        if self._is_gone or self._closes_at:
            return
        now = self._listener.clock.now()
        if not self._reader.is_deaf or self._heard_all:
            self._closes_at = now + self._listener.config.request_timeout_s
            self._transport.close()
            return
        self._closes_at = now + LINGER_S
        if self._is_held:
            self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()

    # -- the listener's side ---------------------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """Whether a request waits for its answer, or is coming."""
        return self._is_busy or self._reader.is_amid

    @property
    def is_idle(self) -> bool:
        """No whole request waits for its answer, and none is being answered."""
        return not self._is_busy

    def give_way(self) -> None:
        """Ends at once: another one needs its place."""
        self.abort()

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
            if self._reader.is_amid:
                self._put(self._reader.refuse(plain(408, "the request did not come whole in time")))
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


_FAULT = plain(500, "something went wrong here; it is in the log")
