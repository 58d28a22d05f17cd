"""The local socket by which the command line talks to the daemon: one JSON line asks, one or more answer.

What can be asked is not known here: `handlers` are given by name. A handler gets the request, and gives an
answer, or an iterator of answers of which each becomes a line; {"error": text} says why there is none, or
why there are no more.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

SOCKET_NAME = "control.sock"
LINE_LIMIT = 1 << 20
TIMEOUT_S = 30.0
"""For a question, for an answer, and for each line of an answer of many."""

END = {"end": True}
"""The line after an answer of many: without it something is missing."""
STILL_HERE: dict[str, Any] = {}
"""An answer that says nothing, from a handler that has nothing to say for long (TIMEOUT_S is the limit)."""

ROWS_AT_ONCE = 1000
"""So many rows of a long answer are made JSON at once: all of them would hold up every session."""

Request = dict[str, Any]
Reply = dict[str, Any]
Handler = Callable[[Request], Awaitable[Reply] | AsyncIterator[Reply]]


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
    """Answers the command line; who may connect is a matter of the file's mode."""

    def __init__(self, state_dir: Path, handlers: Mapping[str, Handler]) -> None:
        self._path = state_dir / SOCKET_NAME
        self._handlers = handlers
        self._server: asyncio.Server

    async def start(self) -> None:
        """Listens; OSError when the socket cannot be made."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self._path), limit=LINE_LIMIT)
        self._path.chmod(0o600)

    async def stop(self) -> None:
        self._server.close()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_S) as timeout:
                async with aclosing(self._replies(await reader.readline())) as replies:
                    async for reply in replies:
                        for piece in _pieces(reply):
                            writer.write(piece)
                            await writer.drain()
                            await asyncio.sleep(0)  # drain() alone lets nobody else run
                        timeout.reschedule(asyncio.get_running_loop().time() + TIMEOUT_S)
        except (TimeoutError, OSError, ValueError):
            pass  # the other end has left, or does not speak this
        finally:
            writer.close()

    async def _replies(self, line: bytes) -> AsyncGenerator[Reply, None]:
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
            answer = handler(request)
            if isinstance(answer, AsyncIterator):
                async for reply in answer:
                    yield reply
                yield END
            else:
                yield await answer
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            yield {"error": f"the request makes no sense: {error}"}
        except sqlite3.Error as error:  # a damaged page of the history, for example
            yield {"error": f"the store cannot be read ({error}); see `A damaged store` in the manual"}
