"""What is asked in the head of a request: which app, by whom, and whether its body may come.

Framing is llhttp's, in its strict form: a request with two lengths, with a length and chunks, or with a line
that a bare line feed ends is none (RFC 9112 §6.3, §11.2), and nothing that follows it is read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from aiohttp.http import HttpVersion10, HttpVersion11, RawRequestMessage
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from gateway.core.http import App, HttpReply
from gateway.ingress.http_writing import plain

LINE_MAX = 65 * 1024
"""Octets of a request's first line: a query of protocols.smsc_http.requests.MAX_QUERY, and its path."""
FIELD_MAX = 8 * 1024
FIELDS_MAX = 64
HEAD_MAX = LINE_MAX + 32 * 1024
"""Octets of a request's head in all."""
_is_host = re.compile(r"[A-Za-z0-9._~%!$&'()*+;=:\[\]-]*", re.ASCII).fullmatch


class Mount(NamedTuple):
    """An app and the paths that are its own: those that begin so."""

    prefix: str
    app: App
    body_max: int


def bad_request(error: Exception) -> HttpReply:
    """The answer to what is no request."""
    if isinstance(error, LineTooLong):
        is_first_line = LINE_MAX in error.args
        return plain(414, "the URL is too long: POST it") if is_first_line else too_much()
    if isinstance(error, HttpProcessingError) and "Too many headers" in error.message:
        return too_much()
    return plain(400, "this is no HTTP request")


def too_much() -> HttpReply:
    """The answer to a head that does not end."""
    return plain(431, "the headers are too long")


def unspoken_of(message: RawRequestMessage) -> HttpReply | None:
    """The answer to what llhttp lets pass and is not spoken here: HTTP/0.9, a coding other than chunks.

    Also to a Transfer-Encoding that says nothing, or in HTTP/1.0, which has none (RFC 9112 §6.1): whoever
    stands before us may have found another end of the body; and to a Host that is none (§3.2).
    """
    if message.version not in (HttpVersion10, HttpVersion11) or not _is_host(message.headers.get("Host", "")):
        return plain(400, "this is no HTTP request")
    coding = message.headers.get("Transfer-Encoding")
    if coding is None:
        return None
    if not message.chunked or message.version == HttpVersion10:
        return plain(400, "this is no HTTP request")
    if coding.lower() != "chunked":
        return plain(501, "of transfer codings only chunked is taken")
    return None


def mount_of(mounts: Sequence[Mount], path: str) -> Mount | None:
    """Whose a path is; None: nobody's."""
    for mount in mounts:
        if path.startswith(mount.prefix):
            return mount
    return None


def split_target(target: str) -> tuple[str, str]:
    """Path and query, as sent; of a target with a host, as proxies are told it, without the host (RFC 9112
    §3.2.2)."""
    path, _, query = target.partition("?")
    if path[:1] != "/":
        scheme, _, rest = path.partition("://")
        if scheme.lower() in ("http", "https"):
            path = "/" + rest.partition("/")[2]
    return path, query


def length_of(message: RawRequestMessage) -> int:
    """How many octets a body says that it has; 0 also when it does not say."""
    text = message.headers.get("Content-Length", "0")
    return int(text) if text.isascii() and text.isdecimal() else 0
