"""The local socket by which the command line talks to the daemon: one JSON line asks, one or more answer.

What can be asked is not known here: `handlers` are given by name. A handler gets the request, and gives an
answer, or an iterator of answers of which each becomes a line; {"error": text} says why there is none, or
why there are no more.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from gateway.core.errors import StoreReadError

SOCKET_NAME = "control.sock"
LINE_LIMIT = 1 << 20
TIMEOUT_S = 30.0
"""For a question, for an answer, and for each line of an answer of many."""

END = {"end": True}
"""The line after an answer of many: without it something is missing."""
STILL_HERE: dict[str, Any] = {}
"""An answer that says nothing, from a handler that has nothing to say for long (TIMEOUT_S is the limit)."""

QUESTION_S = 10.0
"""So long whoever connects may take for its question."""
UNREAD_S = 10.0
"""And so long for reading the rest of an answer, once it is closed."""
CONNECTIONS_MAX = 64
"""So many at once; one more ends another one, see `ControlSocket._make_room`."""
ENDED = {"error": "ended, because too many ask at once: see who, and end what is stuck"}

ROWS_AT_ONCE = 1000
"""So many rows of a long answer are made JSON at once: all of them would hold up every session."""

Request = dict[str, Any]
Reply = dict[str, Any]
Handler = Callable[[Request], Awaitable[Reply] | AsyncIterator[Reply]]


class Peer(NamedTuple):
    """The process that asks, as the kernel knows it."""

    pid: int
    uid: int


NOBODY = Peer(0, -1)
_CREDENTIALS = struct.Struct("3i")


class Entry(Protocol):
    """A request that was written down."""

    def end(self, last: Reply | None, error: BaseException | None) -> None:
        """It is over: its last answer, and what ended it before it had told everything."""
        ...


class Unrecorded(Exception):
    """A request cannot be written down now, so it is not done; the text is for whoever asks."""


Record = Callable[[Request, Peer], Awaitable[Entry | None]]
"""Writes a request down before it is answered; None: that is not needed. May raise Unrecorded."""


async def _nothing_recorded(request: Request, peer: Peer) -> Entry | None:
    return None


def _pieces(reply: Reply) -> Iterator[bytes]:
    """An answer's line; a long list of rows comes in pieces."""
    rows = reply.get("rows")
    if not isinstance(rows, list) or len(rows) <= ROWS_AT_ONCE:
        yield json.dumps(reply).encode() + b"\n"
        return
    rest = {name: value for name, value in reply.items() if name != "rows"}
    yield (json.dumps(rest)[:-1] + (", " if rest else "") + '"rows": [').encode()
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = json.dumps(rows[start : start + ROWS_AT_ONCE])[1:-1]
        yield (f", {some}" if start else some).encode()
    yield b"]}\n"


class ControlSocket:
    """Answers the command line and the pages; who may connect is a matter of the file's mode."""

    def __init__(
        self, state_dir: Path, handlers: Mapping[str, Handler], record: Record = _nothing_recorded
    ) -> None:
        self._path = state_dir / SOCKET_NAME
        self._handlers = handlers
        self._record = record
        self._server: asyncio.Server
        self._connections: dict[asyncio.Task[None], int] = {}
        """By age: each with the pid of its other end."""
        self._going_on: set[asyncio.Future[Reply]] = set()

    async def start(self) -> None:
        """Listens; OSError when the socket cannot be made."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self._path), limit=LINE_LIMIT)
        self._path.chmod(0o600)

    async def stop(self) -> None:
        self._server.close()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = _peer_of(writer)
        task = asyncio.current_task()
        assert task is not None
        self._make_room()
        self._connections[task] = peer.pid
        try:
            async with asyncio.timeout(QUESTION_S) as timeout:
                question = await reader.readline()
                timeout.reschedule(asyncio.get_running_loop().time() + TIMEOUT_S)
                async with aclosing(self._replies(question, peer)) as replies:
                    async for reply in replies:
                        for piece in _pieces(reply):
                            writer.write(piece)
                            await writer.drain()
                            await asyncio.sleep(0)  # drain() alone lets nobody else run
                        timeout.reschedule(asyncio.get_running_loop().time() + TIMEOUT_S)
        except (TimeoutError, OSError, ValueError):
            pass  # the other end has left, or does not speak this
        except asyncio.CancelledError:
            # not raised again: the stream's callback would call the end of the gateway a fault of its own
            if task not in self._connections:
                writer.write(json.dumps(ENDED).encode() + b"\n")
        finally:
            self._connections.pop(task, None)
            _close(writer)

    def _make_room(self) -> None:
        """Ends the oldest connection of the process that has most: whatever is stuck, a person gets in."""
        if len(self._connections) < CONNECTIONS_MAX:
            return
        [(greedy, _)] = Counter(self._connections.values()).most_common(1)
        oldest = next(task for task, pid in self._connections.items() if pid == greedy)
        del self._connections[oldest]
        oldest.cancel()

    async def _replies(self, line: bytes, peer: Peer = NOBODY) -> AsyncGenerator[Reply, None]:
        try:
            request = json.loads(line)
            handler = self._handlers.get(request["command"])
        except (ValueError, KeyError, TypeError, RecursionError):  # the last one: a thousand brackets
            yield {"error": "not a request"}
            return
        if handler is None:
            yield {"error": f"unknown command {request['command']!r}; is the command line of this version?"}
            return
        try:
            entry = await self._record(request, peer)
            answer = handler(request)
            if isinstance(answer, AsyncIterator):
                async with aclosing(_watched(answer, entry)) as watched:
                    async for reply in watched:
                        yield reply
                yield END
            else:
                yield await self._answer(answer, entry)
        except Unrecorded as error:
            yield {"error": str(error)}
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            yield {"error": f"the request makes no sense: {error}"}
        except StoreReadError as error:  # a damaged page of the history, for example
            yield {"error": f"the store cannot be read ({error}): smsc-gateway doctor --only store says more"}

    async def _answer(self, answer: Awaitable[Reply], entry: Entry | None) -> Reply:
        """What was written down is done also when whoever asked does not wait for it."""
        if entry is None:
            return await answer
        going_on = asyncio.ensure_future(answer)
        self._going_on.add(going_on)

        def ended(done: asyncio.Future[Reply]) -> None:
            self._going_on.discard(done)
            if done.cancelled():
                entry.end(None, asyncio.CancelledError())
            else:
                error = done.exception()
                entry.end(None if error else done.result(), error)

        going_on.add_done_callback(ended)
        return await asyncio.shield(going_on)


async def _watched(answer: AsyncIterator[Reply], entry: Entry | None) -> AsyncGenerator[Reply, None]:
    """The same answers; what was written down is over with the last one."""
    last: Reply | None = None
    ended_by: BaseException | None = None
    try:
        async for last in answer:
            yield last
    except BaseException as error:
        ended_by = error
        raise
    finally:
        if ended_by is not None and isinstance(answer, AsyncGenerator):
            await answer.aclose()
        if entry is not None:
            entry.end(last, ended_by)


def _close(writer: asyncio.StreamWriter) -> None:
    """Closes it; whoever does not read what is still on its way holds the descriptor only so long."""
    unread = writer.transport.get_write_buffer_size()
    writer.close()
    if unread:
        asyncio.get_running_loop().call_later(UNREAD_S, writer.transport.abort)


def _peer_of(writer: asyncio.StreamWriter) -> Peer:
    channel: socket.socket = writer.get_extra_info("socket")
    with suppress(OSError):
        octets = channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        pid, uid, _ = _CREDENTIALS.unpack(octets)
        return Peer(pid, uid)
    return NOBODY
