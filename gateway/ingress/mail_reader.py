"""The gateway's end of the process that reads mails, see mail_worker.

Mails gather for one turn of the loop and go over in one write; only so many are under way, the others wait
here.  A mail can kill the worker, or make it hang until it is killed.  Which one it was is not known while
several are under way: then each of them goes again alone, and the one that brings the worker down again while
it is alone is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections import deque
from typing import cast

from gateway.core.clock import Clock
from gateway.core.events import Events
from gateway.core.frames import encode_frame, take_frames
from protocols.mail.errors import MailError
from protocols.mail.message import Reading, Style

WORKER = "gateway.ingress.mail_worker"
UNDER_WAY = 64
OCTETS_UNDER_WAY = 8 << 20
WAITING = 1000
OCTETS_WAITING = 64 << 20
PATIENCE_S = 10.0
"""A worker that has mails and answers none of them for so long is killed."""
DEATHS = 5
"""So many in REST_S, and no worker is started for REST_S."""
REST_S = 60.0
STOP_TIMEOUT_S = 2.0


class _Mail:
    """A mail that waits for its reading."""

    __slots__ = ("alone", "done", "number", "raw", "style")

    def __init__(self, number: int, raw: bytes, style: Style, done: asyncio.Future[Reading]) -> None:
        self.number = number
        self.raw = raw
        self.style = style
        self.done = done
        self.alone = False  # the worker died while it was under way among others

    def frame(self) -> bytes:
        """Made when it goes over: what waits is not kept twice."""
        return encode_frame((self.number, self.raw, tuple(self.style)))

    def refuse(self, error: MailError) -> None:
        if not self.done.done():  # its client may be gone
            self.done.set_exception(error)


class MailReader(asyncio.Protocol):
    """Reads mails in another process."""

    def __init__(self, *, events: Events, clock: Clock, patience_s: float = PATIENCE_S) -> None:
        self._events = events
        self._clock = clock
        self._patience_s = patience_s
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Mail] = deque()
        self._under_way: dict[int, _Mail] = {}
        self._octets = 0  # of what is under way
        self._octets_waiting = 0
        self._number = 0
        self._send_due = False
        self._heard_at = 0.0
        self._watch_handle: asyncio.TimerHandle | None = None
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._deaths: deque[float] = deque(maxlen=DEATHS)
        self.rests = False
        """Whether mail is told to come later, after too many deaths."""
        self._stopping = False
        self._restarting: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The worker's number; None: there is none."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Starts the worker, if the first mail shall not wait for that; OSError when it cannot be done."""
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-P", "-m", WORKER, str(theirs.fileno())]
        try:
            with theirs:
                self._process = await asyncio.to_thread(_start, command, theirs.fileno())
        except BaseException:
            ours.close()
            raise
        ours.setblocking(False)
        await self._loop.create_unix_connection(lambda: self, sock=ours)

    async def stop(self) -> None:
        """Ends the worker; mails that are still unread are to come again later."""
        self._stopping = True
        if self._restarting is not None:
            if self.rests:
                self._restarting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._restarting
        if self._transport is not None:
            self._transport.close()
        self._refuse_all()
        if self._watch_handle is not None:
            self._watch_handle.cancel()
        if self._process is not None:
            await asyncio.to_thread(_end, self._process)

    async def read(self, raw: bytes, style: Style) -> Reading:
        """What a mail says; MailError when it cannot be read, 451 when it cannot be just now."""
        if self._stopping or self.rests or not self._can_wait(len(raw)):
            raise _later()
        if self._transport is None and self._restarting is None:
            # Only now: a gateway that has no mail needs no worker's memory.
            self._restarting = self._loop.create_task(self._restart(0.0))
        self._number += 1
        mail = _Mail(self._number, raw, style, self._loop.create_future())
        self._waiting.append(mail)
        self._octets_waiting += len(raw)
        self._send_soon()
        return await mail.done

    def _can_wait(self, octets: int) -> bool:
        if not self._waiting:
            return True
        return len(self._waiting) < WAITING and self._octets_waiting + octets <= OCTETS_WAITING

    # -- to the worker ---------------------------------------------------------------------------------

    def _send_soon(self) -> None:
        if not self._send_due:
            self._send_due = True
            self._loop.call_soon(self._send)

    def _send(self) -> None:
        self._send_due = False
        if self._transport is None:
            return
        frames = []
        while self._waiting and self._has_room(self._waiting[0]):
            mail = self._waiting.popleft()
            self._octets_waiting -= len(mail.raw)
            if mail.done.done():
                continue
            if not self._under_way:
                self._heard_at = self._loop.time()
            self._under_way[mail.number] = mail
            self._octets += len(mail.raw)
            frames.append(mail.frame())
        if frames:
            self._transport.write(b"".join(frames))
            if self._watch_handle is None:
                self._watch_handle = self._loop.call_later(self._patience_s, self._watch)

    def _has_room(self, mail: _Mail) -> bool:
        if not self._under_way:
            return True
        if mail.alone or next(iter(self._under_way.values())).alone:
            return False
        return len(self._under_way) < UNDER_WAY and self._octets + len(mail.raw) <= OCTETS_UNDER_WAY

    def _watch(self) -> None:
        self._watch_handle = None
        if not self._under_way:
            return
        left = self._heard_at + self._patience_s - self._loop.time()
        if left > 0:
            self._watch_handle = self._loop.call_later(left, self._watch)
        elif self._process is not None:
            self._process.kill()  # and connection_lost goes on from there

    # -- from the worker -------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._buffer.clear()
        self._send_soon()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._heard_at = self._loop.time()
        for number, code, text, reading in take_frames(self._buffer):
            mail = self._under_way.pop(number)
            self._octets -= len(mail.raw)
            if code:
                mail.refuse(MailError(code, text))
            elif not mail.done.done():
                mail.done.set_result(Reading._make(reading))
        if self._waiting:
            self._send_soon()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if not self._stopping:
            self._died()

    # -- death -----------------------------------------------------------------------------------------

    def _died(self) -> None:
        mails = list(self._under_way.values())
        self._under_way.clear()
        self._octets = 0
        if len(mails) == 1 and mails[0].alone:
            mails.pop().refuse(MailError("554 5.6.0", "the mail cannot be read"))
        for mail in mails:
            mail.alone = True
        self._waiting.extendleft(reversed(mails))
        self._octets_waiting += sum(len(mail.raw) for mail in mails)
        now = self._clock.now()
        self._deaths.append(now)
        self.rests = len(self._deaths) == DEATHS and now - self._deaths[0] < REST_S
        self._events.say(
            "error" if self.rests else "warning", "mail_reader_died", mails=len(mails), rests=self.rests
        )
        if self.rests:
            self._refuse_all()
        self._restarting = self._loop.create_task(self._restart(REST_S if self.rests else 0.0))

    async def _restart(self, after_s: float) -> None:
        if self._process is not None:
            await asyncio.to_thread(_end, self._process)
            self._process = None
        await asyncio.sleep(after_s)
        if after_s:
            self.rests = False
            self._deaths.clear()
        try:
            await self.start()
        except Exception:  # whatever it is: a task that ends here would leave mails waiting for ever
            self._loop.call_soon(self._died)

    def _refuse_all(self) -> None:
        for mail in (*self._under_way.values(), *self._waiting):
            mail.refuse(_later())
        self._under_way.clear()
        self._waiting.clear()
        self._octets = self._octets_waiting = 0


def _later() -> MailError:
    return MailError("451 4.3.2", "too many mails at once, try again later")


def _start(command: list[str], descriptor: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, pass_fds=[descriptor], stdin=subprocess.DEVNULL)  # noqa: S603 - ours


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
