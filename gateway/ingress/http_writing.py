"""How an answer of HTTP/1.1 looks on the wire (RFC 9112)."""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus

from gateway.core.http import HttpReply, HttpStream

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"

_FIRST_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
_NO_BODY = (204, 304)
_OURS = "Server: smsc-gateway\r\nX-Content-Type-Options: nosniff\r\n"
_CONNECTION = {
    (False, False): "",
    (False, True): "Connection: close\r\n",
    (True, False): "Connection: keep-alive\r\n",
    (True, True): "Connection: close\r\n",
}
_BREAKS = frozenset("\r\n\0")


class Dates:
    """The Date header, made once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._line = ""

    def line(self, now_ms: int) -> str:
        """The header, with its line's end."""
        second = now_ms // 1000
        if second != self._second:
            self._second = second
            self._line = f"Date: {formatdate(second, usegmt=True)}\r\n"
        return self._line


def plain(status: int, text: str, *headers: tuple[str, str]) -> HttpReply:
    """An answer of the listener itself."""
    return HttpReply(status, "text/plain; charset=utf-8", f"{text}\n".encode(), headers)


def reply_octets(reply: HttpReply, date: str, *, is_head: bool, is_old: bool, closes: bool) -> bytes:
    """An answer as a whole.

    `is_old`: the client speaks HTTP/1.0, which has to be told that a connection stays open. ValueError for a
    header that would break out of its line.
    """
    status, content_type, body, headers = reply
    head = (
        f"{_FIRST_LINES[status]}{date}{_OURS}Content-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n{_lines(headers)}{_CONNECTION[is_old, closes]}\r\n"
    )
    octets = head.encode("latin-1")
    return octets if is_head or status in _NO_BODY else octets + body


def stream_head(stream: HttpStream, date: str, *, is_old: bool) -> bytes:
    """The head of an answer that goes on; it ends with its connection. ValueError as above."""
    chunked = "" if is_old else "Transfer-Encoding: chunked\r\n"
    head = (
        f"{_FIRST_LINES[200]}{date}{_OURS}Content-Type: {stream.content_type}\r\n"
        f"{_lines(stream.headers)}{chunked}Connection: close\r\n\r\n"
    )
    return head.encode("latin-1")


def chunk_octets(chunk: bytes, *, is_old: bool) -> bytes:
    """A part of an answer that goes on (RFC 9112 §7.1)."""
    return chunk if is_old else b"%x\r\n%b\r\n" % (len(chunk), chunk)


def _lines(headers: tuple[tuple[str, str], ...]) -> str:
    if not headers:
        return "Cache-Control: no-store\r\n"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    for name, value in headers:
        if not _BREAKS.isdisjoint(name) or not _BREAKS.isdisjoint(value):
            raise ValueError("a header has a line's end in it")
    if any(name.lower() == "cache-control" for name, _ in headers):
        return lines
    return lines + "Cache-Control: no-store\r\n"
