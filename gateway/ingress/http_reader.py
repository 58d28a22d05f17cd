"""Octets of a connection to requests, within the listener's limits; no socket in here.

aiohttp's parser (llhttp) finds heads and bodies. What is no request, or too much of one, becomes an answer in
its place, and nothing more is read behind it: two programs that read it differently could be made to disagree
on where the next one begins.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from aiohttp.http import HttpRequestParser, HttpVersion11, RawRequestMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParserPy
from aiohttp.streams import EMPTY_PAYLOAD

from gateway.core.http import App, HttpCall, HttpReply
from gateway.core.peers import client_address
from gateway.ingress.http_requests import (
    FIELD_MAX,
    FIELDS_MAX,
    HEAD_MAX,
    LINE_MAX,
    Mount,
    bad_request,
    length_of,
    mount_of,
    split_target,
    too_much,
    unspoken_of,
)
from gateway.ingress.http_writing import plain

if TYPE_CHECKING:
    from gateway.ingress.http_listener import HttpListener

IS_STRICT = HttpRequestParser is not HttpRequestParserPy
"""Whether aiohttp has its parser in C. The one in Python, which takes its place without a word, lets other
things pass: methods that nobody knows, targets that are not ASCII, a length behind a body."""
_NEVER_PAUSE = 1 << 30  # of the parser's own flow control: bodies are taken as they come, and counted


class Queued(NamedTuple):
    """A request that waits for its answer, or what is answered in the place of one."""

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


class RequestReader:
    """What comes from one client at `peer`; `is_proxy`: who asks is in X-Forwarded-For."""

    _reading_paused = False  # the parser looks at it

    def __init__(self, listener: HttpListener, peer: str, *, is_tls: bool, is_proxy: bool) -> None:
        self.is_deaf = False
        """What comes is thrown away."""
        self.owes_continue = False
        """A client waits for a word before it sends its body."""
        self.taken = 0
        """Octets of the listener's room, also of requests that wait for their answer."""
        self._listener = listener
        self._peer = peer
        self._is_tls = is_tls
        self._is_proxy = is_proxy
        self._parser = HttpRequestParser(
            self,  # type: ignore[arg-type]
            asyncio.get_running_loop(),
            _NEVER_PAUSE,
            max_line_size=LINE_MAX,
            max_headers=FIELDS_MAX,
            max_field_size=FIELD_MAX,
            auto_decompress=False,  # a small body could become a huge one
        )
        self._coming: _Coming | None = None
        """A request that is not whole yet, and what has come of its body."""
        self._body = bytearray()
        self._head_octets = 0
        self._whole: list[Queued] = []

    def pause_reading(self) -> None:
        """The parser asks for this and the next one; with _NEVER_PAUSE neither has a meaning."""

    def resume_reading(self, resume_parser: bool = True) -> None:
        """See above."""

    @property
    def is_amid(self) -> bool:
        """Whether some of a request has come and not all."""
        return self._coming is not None or self._head_octets > 0

    def feed(self, data: bytes) -> list[Queued]:
        """What these octets make whole."""
        whole = self._whole = []
        is_body = self._coming is not None
        try:
            messages, upgraded, _ = self._parser.feed_data(data)
            if is_body:
                self._go_on()
            for message, payload in messages:
                if self.is_deaf:
                    return whole
                self._begin(message, payload, is_last=message.should_close or upgraded)
        except (HttpProcessingError, ValueError) as error:
            self.refuse(bad_request(error))
            return whole
        if upgraded:  # nobody speaks what was asked for; what follows is not HTTP
            self.is_deaf = True
        if messages or self.is_deaf:
            self._head_octets = 0
        elif not is_body:
            self._head_octets += len(data)
            if self._head_octets > HEAD_MAX:
                self.refuse(too_much())
        return whole

    def refuse(self, reply: HttpReply) -> Queued:
        """The last answer; nothing more is heard."""
        self._listener.bad_inputs += 1
        self.is_deaf = True
        self._forget()
        queued = Queued(None, None, reply, is_last=True)
        self._whole.append(queued)
        return queued

    def end(self) -> None:
        """The client has gone."""
        self.is_deaf = True
        self._forget()
        self.give_room(self.taken)

    def give_room(self, octets: int) -> None:
        """The body of a request is not needed any more."""
        octets = min(octets, self.taken)  # nothing is left to be given when the client has gone
        self.taken -= octets
        self._listener.give_room(octets)

    def _forget(self) -> None:
        self._coming = None
        self._body = bytearray()
        self._head_octets = 0
        self.owes_continue = False

    def _begin(self, message: RawRequestMessage, payload: Any, *, is_last: bool) -> None:
        """A request's head has come, and some of its body or all."""
        unspoken = unspoken_of(message)
        if unspoken is not None:
            self.refuse(unspoken)
            return
        path, query = split_target(message.path)
        mount = mount_of(self._listener.mounts, path)
        is_whole = payload.is_eof()
        is_old = message.version < HttpVersion11
        if mount is None:
            reply = plain(404, "there is nothing here")
            if is_whole:
                call = HttpCall(message.method, path, query, message.headers, b"", self._peer, self._is_tls)
                self._whole.append(Queued(call, None, reply, is_old, is_last))
            else:
                self.refuse(reply)
            return
        self._coming = _Coming(message, payload, mount, path, query, is_last)
        if not is_whole:
            if length_of(message) > mount.body_max:
                self.refuse(_too_large(mount))
                return
            # HTTP/1.0 does not know the word (RFC 9110 §10.1.1)
            self.owes_continue = not is_old and message.headers.get("Expect", "").lower() == "100-continue"
        self._go_on()

    def _go_on(self) -> None:
        """More of the body has come, or all of it."""
        assert self._coming is not None
        message, payload, mount, path, query, is_last = self._coming
        is_whole = payload.is_eof()
        body, octets = b"" if payload is EMPTY_PAYLOAD else payload.read_nowait(-1), 0
        if self._body or not is_whole:
            if not self._gather(body, mount) or not is_whole:
                return
            body, octets, self._body = bytes(self._body), len(self._body), bytearray()
        elif len(body) > mount.body_max:
            self.refuse(_too_large(mount))
            return
        self._coming = None
        self.owes_continue = False
        peer = self._peer
        if self._is_proxy:
            peer = client_address(peer, message.headers, self._listener.config.proxies)
        call = HttpCall(message.method, path, query, message.headers, body, peer, self._is_tls)
        self._whole.append(Queued(call, mount.app, None, message.version < HttpVersion11, is_last, octets))

    def _gather(self, octets: bytes, mount: Mount) -> bool:
        """Takes some of a body; False: the request is refused."""
        count = len(octets)
        if len(self._body) + count > mount.body_max:
            self.refuse(_too_large(mount))
            return False
        if not self._listener.take_room(count):
            self.refuse(plain(503, "too much is coming just now", ("Retry-After", "5")))
            return False
        self.taken += count
        self._body += octets
        return True


def _too_large(mount: Mount) -> HttpReply:
    return plain(413, f"at most {mount.body_max} octets are taken")
