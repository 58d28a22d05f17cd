"""Server-sent events: what happens to an account's messages, as it happens.

The format is that of the HTML standard, §9.2 "Server-sent events"; a browser's EventSource and any reader of
lines take it. Numbers (`id:`) let a client go on where it was.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any

from gateway.api.messages import row_of, shown_of
from gateway.api.problems import Problem
from gateway.api.states import ENDED, time_text
from gateway.core.accounts import Account
from gateway.core.batch import Batch, Row
from gateway.core.http import HttpStream
from gateway.core.hub import HEARTBEAT, STREAMS, Event, Hub, Stream, TooManyStreams
from gateway.core.message_ids import moment_of_id
from gateway.core.prices import amount_text
from gateway.front.desk import Desk

CONTENT_TYPE = "text/event-stream"
ACCEPTED, ENDED_NAME, INCOMING, GAP = "message.accepted", "message.ended", "incoming", "gap"
RETRY_MS = 3000
_HEADERS = (("Cache-Control", "no-store"), ("X-Accel-Buffering", "no"))


# -- what is published ----------------------------------------------------------------------------------


def accepted(hub: Hub, batch: Batch, not_kept: frozenset[int] = frozenset()) -> None:
    """Messages over HTTP of a batch that is committed; those that were only registered end at once."""
    if batch.registered:
        not_kept |= {row[0] for row in batch.registered}
    for message_id, account, api_id, phone, sender, _, parts, cost, *_ in batch.api_messages:
        if hub.wants(account) and message_id not in not_kept:
            shown = {
                "id": str(message_id),
                "to": phone,
                "from": sender,
                "reference": api_id,
                "parts": parts,
                "cost": amount_text(cost),
                "at": time_text(moment_of_id(message_id)),
            }
            hub.publish(account, ACCEPTED, message_id, _line(shown))


def ended(hub: Hub, rows: Iterable[Row]) -> None:
    """Messages that have ended: the rows of Answer.api_ended."""
    for account, message_id, api_id, phone, state, error, done_ms in rows:
        if hub.wants(account):
            shown = {
                "id": str(message_id),
                "to": phone,
                "reference": api_id,
                "state": ENDED.get(state, "unknown"),
                "error": error,
                "at": time_text(done_ms),
            }
            hub.publish(account, ENDED_NAME, message_id, _line(shown))


def incoming(hub: Hub, rows: Iterable[Row]) -> None:
    """SMS that have come: the rows of Answer.inbox. What they say is to be asked for."""
    for account, inbox_id, phone, own_number, received_ms in rows:
        if hub.wants(account):
            shown = {"id": str(inbox_id), "from": phone, "to": own_number, "at": time_text(received_ms)}
            hub.publish(account, INCOMING, 0, _line(shown))


def tick(hub: Hub, accounts: Mapping[str, Account], now: float) -> None:
    """Heartbeats, and the end of streams of accounts that may not listen any more; about once a second."""
    for name in hub.accounts():
        account = accounts.get(name)
        if account is None or account.blocked or account.config.http is None:
            hub.drop(name)
    hub.tick(now)


def _line(shown: Mapping[str, Any]) -> bytes:
    return json.dumps(shown, separators=(",", ":")).encode()


# -- who listens ----------------------------------------------------------------------------------------


def account_stream(hub: Hub, account: Account, last: str, now: float) -> HttpStream:
    """All events of an account; `last`: the Last-Event-ID, "": from now on."""
    stream = _open(hub, account.name, now)
    missed = _missed(hub, account.name, last)
    # who leaves before the first event can say from where he missed some
    start = b"" if missed else b"id: %d\n" % hub.newest
    return HttpStream(CONTENT_TYPE, _Chunks(stream, _chunks(stream, missed, start=start)), _HEADERS)


async def message_stream(desk: Desk, hub: Hub, account: Account, message_id: int) -> HttpStream:
    """Those of one message: where it stands now, and what follows, up to its end; raises Problem 404."""
    stream = _open(
        hub, account.name, desk.clock.now(), message_id
    )  # first, so that nothing is missed in between
    try:
        row = await row_of(desk, account, message_id)
    except BaseException:
        stream.close()
        raise
    shown = shown_of(row, desk.clock.now_ms())
    is_over = row["state"] is not None
    now = Event(hub.newest, ENDED_NAME if is_over else "message.state", message_id, _line(shown))
    if is_over:
        stream.close()
    return HttpStream(CONTENT_TYPE, _Chunks(stream, _chunks(stream, [now], until=ENDED_NAME)), _HEADERS)


def _open(hub: Hub, account: str, now: float, message_id: int = 0) -> Stream:
    try:
        return hub.open(account, now, message_id)
    except TooManyStreams:
        raise Problem(
            429, "too_many_streams", f"close one of the account's {STREAMS} streams first", retry_s=15
        ) from None


def _missed(hub: Hub, account: str, last: str) -> list[Event]:
    if not last:
        return []
    number = int(last) if last.isascii() and last.isdecimal() and len(last) < 20 else 0
    found = hub.since(account, number)
    return [Event(hub.newest, GAP, 0, b'{"see":"/v1/messages"}')] if found is None else found


class _Chunks:
    """What a stream says; its end is the listener's end, also when nothing of it was asked for."""

    def __init__(self, stream: Stream, chunks: AsyncGenerator[bytes, None]) -> None:
        self._stream = stream
        self._chunks = chunks

    def __aiter__(self) -> _Chunks:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._chunks)

    async def aclose(self) -> None:
        """Nobody wants more. A generator that never began would not hear of it."""
        self._stream.close()
        await self._chunks.aclose()


async def _chunks(
    stream: Stream, first: Iterable[Event], *, start: bytes = b"", until: str | None = None
) -> AsyncGenerator[bytes, None]:
    """`start`: lines before all events; `until`: after such an event there will be none."""
    try:
        yield b"retry: %d\n%b\n" % (RETRY_MS, start)
        for event in first:
            yield frame_of(event)
            if event.name == until:
                return
        async for some in stream:
            yield b"".join(map(frame_of, some))
            if until is not None and any(event.name == until for event in some):
                return
    finally:
        stream.close()


def frame_of(event: Event) -> bytes:
    """An event as it stands in a stream."""
    if event is HEARTBEAT or not event.name:
        return b": \n\n"
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.number, event.name.encode(), event.data)
