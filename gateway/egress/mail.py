"""Brings our letters to the smarthost.

Theory of operation.  A letter is a row of the store until the smarthost's 250 is committed.  The postman
claims some at a time, oldest due first, and gives them to a few workers, each with one connection that it
keeps.  What becomes of a letter is one row of the next batch: sent, put off, or refused for good.  One that
was sent while the gateway was killed is sent again, with the same Message-ID.

A letter can fail by itself (its recipient is refused), or because nothing gets through: then the smarthost is
*down*.  All letters in memory are put off to one moment, nothing is claimed until then, and then one letter,
which shows whether it is up again.  What a person has to mend (a login, a certificate) is the same, only said
louder and tried less often.
"""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path
from random import Random

from gateway.config.mail_model import Mail, Smarthost
from gateway.core import retry
from gateway.core.batch import Journal, Row
from gateway.core.clock import Clock
from gateway.core.events import Events
from gateway.core.model import Letter, LetterKind
from gateway.egress.mail_connection import Failure, MailConnection, Unreachable
from gateway.translate.mail_letter import mail_of

CLAIM = 100
"""Letters that are claimed at once, when fewer than half as many are left."""
IDLE_S = 20.0
"""A connection that had nothing to do for so long is closed."""
FIRST_RETRY_S = 60.0
LONGEST_RETRY_S = 3600.0
LONGEST_DOWN_S = 600.0
"""The longest wait between two looks whether the smarthost is up again, when nobody has to mend anything."""
_KINDS = {kind.value: kind.name.lower() for kind in LetterKind}


class Postman:
    """The letters that are under way, and the workers that send them."""

    def __init__(
        self,
        smarthost: Smarthost,
        mail: Mail,
        *,
        journal: Journal,
        events: Events,
        clock: Clock,
        random: Random,
        services: frozenset[str] = frozenset(),
    ) -> None:
        self.smarthost = smarthost
        self.services = services
        """Connectors that are SMSC services: their errors mean more."""
        self.mail = mail
        self.sent = 0
        self.put_off = 0
        self.refused = 0
        self.rests = False
        """Nothing new is claimed: that is for other nodes."""
        self.guard: Callable[[], object] = lambda: None
        """Called before a letter is sent; does not return if this process must not any more."""
        self.last_error = ""
        self._journal = journal
        self._events = events
        self._clock = clock
        self._random = random
        self._letters: deque[Letter] = deque()
        self._under_way: dict[int, Letter] = {}
        self._something = asyncio.Event()
        self._claiming = False
        self._due_ms: int | None = 0  # of the next letter to claim; None: there is none
        self._failures = 0  # in a row; 0: the smarthost is up, as far as we know
        self._down_until_ms = 0
        self._said = ""
        self._stopping = False
        self._workers: dict[int, asyncio.Task[None]] = {}

    @property
    def state(self) -> str:
        """stopped, down, sending or idle."""
        if self._stopping:
            return "stopped"
        if self._failures:
            return "down"
        return "sending" if self.in_memory else "idle"

    @property
    def in_memory(self) -> int:
        """Letters that are claimed and neither sent nor put back."""
        return len(self._letters) + len(self._under_way)

    # -- start, reload, stop ---------------------------------------------------------------------------

    def start(self) -> list[asyncio.Task[None]]:
        """Starts the workers that are missing; a worker ends when it is stopped or no longer configured."""
        loop = asyncio.get_running_loop()
        new = {
            number: loop.create_task(self._work(number), name=f"smarthost {number}")
            for number in range(1, self.smarthost.connections + 1)
            if number not in self._workers or self._workers[number].done()
        }
        self._workers |= new
        return list(new.values())

    def configure(self, smarthost: Smarthost, mail: Mail) -> list[asyncio.Task[None]]:
        """Takes over a configuration, and looks at once whether the smarthost is up; the new tasks."""
        if smarthost != self.smarthost:
            self._failures, self._said = 0, ""
        # what was mended may be at the smarthost, or in a file whose name is the same
        self._down_until_ms, self._due_ms = 0, 0
        self.smarthost, self.mail = smarthost, mail
        self._something.set()
        return self.start()

    async def stop(self, timeout_s: float) -> None:
        """Finishes what is under way, so long at the most; the rest is put back for the next run."""
        self._stopping = True
        self._put_back_waiting(self._clock.now_ms(), "the gateway stops")
        self._something.set()
        workers = [worker for worker in self._workers.values() if not worker.done()]
        if workers:
            _, late = await asyncio.wait(workers, timeout=timeout_s)
            for worker in late:
                worker.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for letter in tuple(self._under_way.values()):
            self._put_off(letter, self._clock.now_ms(), "the gateway stopped while it was being sent")
        self._journal.wake()

    # -- what there is to do ---------------------------------------------------------------------------

    def wake(self) -> None:
        """The store has written letters."""
        self._due_ms = 0
        self._claim(self._clock.now_ms())

    def tick(self, now: float, now_ms: int) -> None:
        """Claims what has become due; a few times each second."""
        self._claim(now_ms)

    def _claim(self, now_ms: int) -> None:
        if self._claiming or self._stopping or self._due_ms is None or self._due_ms > now_ms:
            return
        if self.rests:
            return
        if self._journal.error or self.in_memory >= CLAIM // 2:
            return
        if self._failures and (now_ms < self._down_until_ms or self.in_memory):
            return
        self._claiming = True
        self._due_ms = None  # what comes while the store looks is kept
        self._journal.batch.letter_claims.append((now_ms, 1 if self._failures else CLAIM))
        self._journal.then(self._claim_committed)

    def _claim_committed(self, ok: bool) -> None:
        if not ok:
            self._claiming = False
            self._due_ms = 0

    def claimed(self, rows: list[Row], next_due_ms: int | None) -> None:
        """What the store found: Letter's fields, and when the next one is due."""
        self._claiming = False
        if next_due_ms is not None:
            self._due_at(next_due_ms)
        self._letters.extend(map(Letter._make, rows))
        now_ms = self._clock.now_ms()
        if self._stopping:
            self._put_back_waiting(now_ms, "the gateway stops")
        elif self._failures and now_ms < self._down_until_ms:
            self._put_back_waiting(self._due_when_down(now_ms), self.last_error)
        elif self._letters:
            self._something.set()

    # -- workers ---------------------------------------------------------------------------------------

    async def _work(self, number: int) -> None:
        """Sends one letter after the other over one connection."""
        connection = MailConnection(self.smarthost, self.mail.domains[0])
        try:
            while not self._stopping and number <= self.smarthost.connections:
                if connection.smarthost != self.smarthost:
                    await connection.close()
                    connection = MailConnection(self.smarthost, self.mail.domains[0])
                if self._letters:
                    await self._send(self._letters.popleft(), connection)
                    self._claim(self._clock.now_ms())
                elif not await self._wait(IDLE_S if connection.is_open else None):
                    await connection.close()
            await connection.close()
        finally:
            connection.abort()

    async def _wait(self, timeout_s: float | None) -> bool:
        """Waits until there may be something to do; False when the time is over."""
        self._something.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                return await self._something.wait()
        return False

    async def _send(self, letter: Letter, connection: MailConnection) -> None:
        """Tries a letter, and notes what became of it."""
        self._under_way[letter.letter_id] = letter
        try:
            await self._try(letter, connection)
        except Unreachable as error:
            connection.abort()
            self._went_down(letter, error)
        except Failure as error:
            self._is_up()
            self._failed(letter, error)
        except ValueError as error:
            self._refuse(letter, f"it cannot be written as a mail: {error}")
        except Exception as error:  # a letter with a fault must not end the gateway, now and after each start
            connection.abort()
            self._fault(letter, error)
        else:
            self._is_up()
            self._was_sent(letter)

    async def _try(self, letter: Letter, connection: MailConnection) -> None:
        if not connection.is_open:
            await connection.open()
        self.guard()
        mail = mail_of(
            letter,
            self.mail,
            self._clock.now_ms(),
            eight_bit=connection.eight_bit,
            max_size=connection.max_size,
            services=self.services,
        )
        try:
            await connection.send(mail)
        except Unreachable as error:
            if not error.stale:
                raise
            await connection.open()  # the smarthost had enough of a connection that we kept
            await connection.send(mail)

    # -- results ---------------------------------------------------------------------------------------

    def _was_sent(self, letter: Letter) -> None:
        self.sent += 1
        del self._under_way[letter.letter_id]
        self._journal.batch.letters_sent.append((letter.letter_id,))
        self._journal.wake()
        if self._events.messages:
            kind = _KINDS.get(letter.kind, "")
            self._events.say(
                "info", "letter_sent", letter=letter.letter_id, kind=kind, mail_id=letter.mail_id
            )

    def _failed(self, letter: Letter, failure: Failure) -> None:
        """The smarthost refused this letter, for now or for good."""
        if failure.for_good:
            self._refuse(letter, failure.reason)
            return
        self._put_off_alone(letter, failure.reason)

    def _fault(self, letter: Letter, error: Exception) -> None:
        """Something that must not happen did; it may have to do with this letter, so the others go on."""
        where = traceback.extract_tb(error.__traceback__)[-1]
        reason = (
            f"a fault in the gateway: {type(error).__name__} in {Path(where.filename).name}:{where.lineno}"
        )
        self._put_off_alone(letter, reason)
        self._events.say("error", "letter_fault", letter=letter.letter_id, reason=reason)

    def _put_off_alone(self, letter: Letter, reason: str) -> None:
        delay_s = retry.delay_s(letter.tries, self._random, FIRST_RETRY_S, LONGEST_RETRY_S)
        self.last_error = reason
        self._put_off(letter, self._clock.now_ms() + int(1000 * delay_s), reason)
        self._journal.wake()

    def _refuse(self, letter: Letter, reason: str) -> None:
        self.refused += 1
        self.last_error = reason
        del self._under_way[letter.letter_id]
        self._journal.batch.letters_refused.append((letter.letter_id, reason, self._clock.now_ms()))
        self._journal.wake()
        self._events.say(
            "warning",
            "letter_refused",
            letter=letter.letter_id,
            kind=_KINDS.get(letter.kind, ""),
            mail_id=letter.mail_id,
            reason=reason,
        )

    def _put_off(self, letter: Letter, due_ms: int, reason: str) -> None:
        self.put_off += 1
        self._under_way.pop(letter.letter_id, None)
        self._journal.batch.letters_put_off.append((letter.letter_id, due_ms, reason))
        self._due_at(due_ms)

    def _due_at(self, due_ms: int) -> None:
        self._due_ms = due_ms if self._due_ms is None else min(self._due_ms, due_ms)

    def _put_back_waiting(self, due_ms: int, reason: str) -> None:
        while self._letters:
            self._put_off(self._letters.popleft(), due_ms, reason)
        self._journal.wake()

    # -- up and down -----------------------------------------------------------------------------------

    def _is_up(self) -> None:
        if self._failures:
            self._failures, self._said = 0, ""
            self._events.say("info", "smarthost_up", address=self.smarthost.address)

    def _went_down(self, letter: Letter, error: Unreachable) -> None:
        """Nothing gets through: everything waits, and the next look is later each time."""
        now_ms = self._clock.now_ms()
        if not self._failures or now_ms >= self._down_until_ms:
            longest_s = LONGEST_RETRY_S if error.fix else LONGEST_DOWN_S
            delay_s = retry.delay_s(self._failures, self._random, FIRST_RETRY_S, longest_s)
            self._failures += 1
            self._down_until_ms = now_ms + int(1000 * delay_s)
        due_ms = self._due_when_down(now_ms)
        self._put_back_waiting(due_ms, error.reason)
        if error.in_letter:  # perhaps it is this letter that breaks connections: others go before it
            delay_s = retry.delay_s(letter.tries, self._random, FIRST_RETRY_S, LONGEST_RETRY_S)
            due_ms = self._down_until_ms + int(1000 * delay_s)
        self.last_error = error.reason
        self._put_off(letter, due_ms, error.reason)
        self._journal.wake()
        if error.reason != self._said:
            self._said = error.reason
            self._events.say(
                "error" if error.fix else "warning",
                "smarthost_down",
                address=self.smarthost.address,
                reason=error.reason,
                again_in=f"{(self._down_until_ms - now_ms) / 1000:.0f}s",
                fix=error.fix or "-",
            )

    def _due_when_down(self, now_ms: int) -> int:
        """Soon: what holds the letters back is `_down_until_ms`, which a reload may end at once."""
        return min(self._down_until_ms, now_ms + int(1000 * FIRST_RETRY_S))
