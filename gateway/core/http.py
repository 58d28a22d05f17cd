"""A request and its answer, as the listener and what is behind it hand them to each other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import NamedTuple


class HttpCall(NamedTuple):
    """A request, whole and within the listener's limits."""

    method: str
    path: str
    """As sent, percent-encoding and all, without the query."""
    query: str
    """What stands behind the question mark, as sent; ""."""
    headers: Mapping[str, str]
    """Looked up in any case."""
    body: bytes
    peer: str
    """The client's IP address, behind trusted proxies too."""
    is_tls: bool


class HttpReply(NamedTuple):
    """An answer."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class HttpStream(NamedTuple):
    """An answer that goes on: its chunks are sent as they come, until they end or the client goes."""

    content_type: str
    chunks: AsyncIterator[bytes]
    headers: tuple[tuple[str, str], ...] = ()


App = Callable[[HttpCall], Awaitable[HttpReply | HttpStream]]
"""Answers every request for the paths that are its own."""
