"""Asks the daemon over its control socket, as the command line does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.ops.control import END, STILL_HERE

ANSWER_S = 10.0
"""Patience for an answer, and for each line of an answer of many."""
LINE_MAX = 16 << 20
"""Octets of one line of an answer."""
AT_ONCE = 16
"""Questions at the same time; more wait."""


class GatewayError(Exception):
    """The daemon said no; the text is its own, for people."""


class GatewayDown(GatewayError):
    """The daemon gave no answer, or one that makes no sense."""


class GatewayClient:
    """One connection for each question."""

    def __init__(self, socket_path: Path, *, patience_s: float = ANSWER_S) -> None:
        self._path = str(socket_path)
        self._patience_s = patience_s
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def ask(self, command: str, **arguments: object) -> dict[str, Any]:
        """The answer; GatewayError with the reason when there is none."""
        async with self._asked(command, arguments) as reader:
            return await self._line(reader)

    async def ask_many(self, command: str, **arguments: object) -> AsyncIterator[dict[str, Any]]:
        """The answers of a command that gives many; GatewayError also when the last one is missing."""
        async with self._asked(command, arguments) as reader:
            while (answer := await self._line(reader)) != END:
                if answer != STILL_HERE:
                    yield answer

    @asynccontextmanager
    async def _asked(self, command: str, arguments: dict[str, object]) -> AsyncIterator[asyncio.StreamReader]:
        request = json.dumps({"command": command, **arguments}).encode() + b"\n"
        async with self._turns:
            try:
                async with asyncio.timeout(self._patience_s):
                    reader, writer = await asyncio.open_unix_connection(self._path, limit=LINE_MAX)
            except (OSError, TimeoutError) as error:
                raise GatewayDown("the gateway does not answer") from error
            try:
                writer.write(request)
                yield reader
            finally:
                writer.close()

    async def _line(self, reader: asyncio.StreamReader) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self._patience_s):
                answer = json.loads(await reader.readline())
        except (OSError, TimeoutError, ValueError) as error:  # also: the line was too long, or cut off
            raise GatewayDown("the gateway did not answer in time, or not wholly") from error
        if not isinstance(answer, dict):
            raise GatewayDown("the gateway's answer makes no sense")
        if "error" in answer:
            raise GatewayError(str(answer["error"]))
        return answer
