"""The local socket by which the command line talks to the daemon: one JSON line asks, one answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from gateway.core.batch import Journal, Row
from gateway.core.clock import Clock
from gateway.core.events import Events

SOCKET_NAME = "control.sock"
LINE_LIMIT = 1 << 16
TIMEOUT_S = 30.0
_UNKNOWN_MESSAGE = {"error": "no such message; history is kept for queue.history_days"}


class Inspector(Protocol):
    """Reads the store beside the writer."""

    def timeline(self, message_id: int) -> dict[str, Any] | None: ...

    def mail(self, mail_id: int) -> dict[str, Any] | None: ...

    def listing(self, kind: str, limit: int) -> list[dict[str, Any]]: ...

    def summary(self) -> dict[str, Any]: ...


class ControlSocket:
    """Answers the command line; who may connect is a matter of the file's mode."""

    def __init__(
        self,
        state_dir: Path,
        inspector: Inspector,
        journal: Journal,
        events: Events,
        clock: Clock,
        *,
        status: Callable[[], dict[str, Any]],
    ) -> None:
        self._path = state_dir / SOCKET_NAME
        self._inspector = inspector
        self._journal = journal
        self._events = events
        self._clock = clock
        self._status = status
        self._outcomes: dict[int, bool] = {}
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
            async with asyncio.timeout(TIMEOUT_S):
                answer = await self._answer(await reader.readline())
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (TimeoutError, OSError, ValueError):
            pass  # the other end has left, or does not speak this
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            command = request["command"]
        except (ValueError, KeyError, TypeError):
            return {"error": "not a request"}
        if command == "status":
            return self._status()
        if command == "message":
            number = int(request["message_id"])
            found = await asyncio.to_thread(self._inspector.timeline, number)
            return found or await asyncio.to_thread(self._inspector.mail, number) or _UNKNOWN_MESSAGE
        if command == "queue":
            return {"summary": await asyncio.to_thread(self._inspector.summary)}
        if command == "list":
            rows = await asyncio.to_thread(
                self._inspector.listing, str(request["kind"]), int(request["limit"])
            )
            return {"rows": rows}
        if command == "decide":
            return await self._decide(int(request["message_id"]), str(request["word"]))
        return {"error": f"unknown command {command!r}"}

    def decided(self, decisions: Iterable[Row], outcomes: Iterable[bool]) -> None:
        """Whether each decision of a batch found its message waiting."""
        self._outcomes = {row[0]: outcome for row, outcome in zip(decisions, outcomes, strict=True)}

    def _settle(self, done: asyncio.Future[bool | None], ok: bool, message_id: int) -> None:
        if not done.done():  # whoever asked may have left meanwhile
            done.set_result(self._outcomes.get(message_id, False) if ok else None)

    async def _decide(self, message_id: int, word: str) -> dict[str, Any]:
        """A person's word on a message that is held or waits: "resend" or "drop"."""
        if word not in ("resend", "drop"):
            return {"error": "decide resend or drop"}
        found = await asyncio.to_thread(self._inspector.timeline, message_id)
        if found is None:
            return _UNKNOWN_MESSAGE
        state = found["state"]
        if state not in ("HELD", "QUEUED") or (word == "resend" and state == "QUEUED"):
            return {"error": f"the message is {state}, so there is nothing to {word}"}
        done: asyncio.Future[bool | None] = asyncio.get_running_loop().create_future()
        self._journal.batch.decisions.append((message_id, word, self._clock.now_ms()))
        self._journal.then(lambda ok: self._settle(done, ok, message_id))
        outcome = await done
        if outcome is None:
            return {"error": "the store cannot write just now"}
        if not outcome:
            return {"error": "the message went on in the same moment; ask for it again"}
        self._events.say("info", "decided", message_id=message_id, word=word)
        return {"done": True}
