"""A login at the SMSC service over HTTP: whether it can be used, and its parts.

It is up while the service answers.  Asking for the balance tells so: at the start, every few minutes, and
after anything that went wrong.  Down, its queue goes by other connectors of the routes, as that of any other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

from gateway.config.smsc_model import SmscConnector as ConnectorConfig
from gateway.core import retry
from gateway.core.batch import Journal, Row
from gateway.core.clock import Clock
from gateway.core.events import Events
from gateway.core.incoming import Incoming
from gateway.core.receipts import ReceiptBook
from gateway.core.smsc_inbox import SmscInbox
from gateway.core.upstream import Upstream
from gateway.egress.smsc_http.asker import Asker
from gateway.egress.smsc_http.client import NoAnswer, NotSent, SmscClient
from gateway.egress.smsc_http.sender import Sender
from gateway.egress.smsc_http.waits import Waits
from gateway.egress.smsc_http.watcher import Watcher, mark_name
from protocols.smsc_http import errors
from protocols.smsc_http.answers import Failure

BALANCE_EVERY_S = 300.0
MONEY_EVERY_S = 60.0
"""Without money the balance is looked at so often; it may have been paid."""
REFUSED_S = 900.0
"""A refused login is tried again so seldom: somebody may have allowed our address."""
BLOCKED_S = 300.0
"""The service blocks an address for some minutes after too many wrong requests."""
SILENT_MAX = 3
"""So many requests in a row without an answer, and it is down."""
_PAUSES_S = {"without money": MONEY_EVERY_S, "blocked": BLOCKED_S, "refused": REFUSED_S}
FOR_STATUS = 3
"""Places that sendings leave to other questions."""


class SmscConnector:
    """One login, as an upstream."""

    def __init__(
        self,
        config: ConnectorConfig,
        *,
        upstream: Upstream,
        receipts: ReceiptBook,
        incoming: Incoming,
        journal: Journal,
        events: Events,
        clock: Clock,
        random: Random,
        boot: int,
        marks: dict[str, int],
        may_command: Callable[[str], bool],
        on_death: Callable[[asyncio.Task[None]], None],
    ) -> None:
        self.config = config
        self.upstream = upstream
        self.receipts = receipts
        self.journal = journal
        self.clock = clock
        self.random = random
        self.may_command = may_command
        self.task_ended = on_death
        self._events = events
        self.state = "connecting"
        self.balance: str | None = None
        self.currency = ""
        self.may_ask = asyncio.Event()
        self.may_ask.set()
        self.waits = Waits(clock)
        self.client = SmscClient(config, clock, sleep=self.waits.sleep)
        self.inbox = SmscInbox(
            config, receipts=receipts, journal=journal, incoming=incoming, events=events, clock=clock
        )
        self.asker = Asker(self)
        self.sender = Sender(self, places=max(1, config.max_requests - FOR_STATUS), boot=boot)
        self.watcher = Watcher(self, marks.get(mark_name(config.name), 0))
        receipts.on_receipt = self.asker.heard_of
        upstream.on_resume = self.asker.ask_anew
        self._silent = 0
        self._look = asyncio.Event()
        self._hurry = asyncio.Event()
        """A person wants to know at once whether it can be used."""
        self.is_poor = False
        """The balance is below what the admin wants to hear of."""
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def is_up(self) -> bool:
        return self.state == "bound"

    # -- life ------------------------------------------------------------------------------------------

    def start(self) -> list[asyncio.Task[None]]:
        """Starts; the tasks end only when they are cancelled."""
        loop = asyncio.get_running_loop()
        name = self.config.name
        self.ask_for_open_sends()
        parts = {
            "life": self._keep(),
            "doubts": self.asker.keep_asking(),
            "statuses": self.watcher.keep_polling(),
            "lists": self.watcher.keep_listing(),
            "answers": self.watcher.keep_reading(),
        }
        self._tasks = [loop.create_task(part, name=f"{name} {word}") for word, part in parts.items()]
        return self._tasks

    def ask_for_open_sends(self) -> None:
        """What an earlier run, or a node that is gone, has sent; asked for until it is answered, which a
        failed commit is not."""

        def asked(ok: bool) -> None:
            if not ok and self.state != "stopped":
                self.ask_for_open_sends()

        self.journal.batch.open_sends.append((self.config.name,))
        self.journal.then(asked)

    def configure(self, config: ConnectorConfig) -> list[asyncio.Task[None]]:
        """Takes over options that change nothing of what is under way (`live_options`)."""
        self.config = self.inbox.config = config
        self.upstream.limit(config.max_requests * config.list_max, config.rate, adaptive=False)
        self.sender.compose_soon()
        return []

    def rebind(self) -> list[asyncio.Task[None]]:
        """Asks for the balance at once, of any host, whatever the state is."""
        self.client.forget_failures()
        self._hurry.set()
        self._look.set()
        return []

    @property
    def rebound(self) -> bool:
        """Whether the question of the last rebind is settled."""
        return not self._hurry.is_set()

    async def stop(self, timeout_s: float) -> None:
        """Waits so long for answers; what has none is asked for by whoever has this name next."""
        self.state = "stopped"
        self.upstream.link_down(self.sender)
        for task in self._tasks:
            task.cancel()
        await self.sender.stop(timeout_s)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.client.close()
        self.receipts.on_receipt = None

    def tick(self, now: float) -> None:
        self.waits.tick(now)
        self.sender.compose_soon()

    def open_sends(self, rows: list[Row]) -> None:
        """The store's answer: what an earlier run has sent."""
        self.asker.recover(rows)

    def say(self, level: str, name: str, **fields: object) -> None:
        """An event of this connector."""
        self._events.say(level, name, connector=self.config.name, **fields)

    # -- whether it can be used ------------------------------------------------------------------------

    def answered(self) -> None:
        """The service lives."""
        self._silent = 0

    def no_answer(self, reason: str) -> None:
        """A sending had no answer."""
        self._silent += 1
        if self._silent >= SILENT_MAX and self.is_up:
            self._down("connecting", f"{self._silent} requests in a row without an answer: {reason}")

    def unreachable(self, reason: str) -> None:
        """No host of the service can be reached."""
        if self.is_up:
            self._down("connecting", reason)

    def too_many(self) -> None:
        """Error 9: somebody else uses this login too, or our limits are not the service's."""
        self.upstream.throttled += 1
        self._events.seldom(
            "warning",
            "limits",
            self.clock.now(),
            connector=self.config.name,
            reason="the service says too many requests",
            fix="lower max_requests if other programs use this login",
        )

    def failed(self, number: int) -> None:
        """An error that says something of the login, not of a message."""
        if self.state in ("stopped", "refused"):
            return
        if number == errors.AUTHORISE:
            self._refused()
        elif number == errors.NO_MONEY and self.is_up:
            self._down("without money", "the account has no money")
        elif number == errors.BLOCKED and self.state != "blocked":
            self._down("blocked", "the service blocks this address for some time")
            self.may_ask.clear()
        elif number == errors.TOO_MANY:
            self.too_many()

    def _refused(self) -> None:
        """A password that is wrong stays wrong; trying on only gets the address blocked."""
        self._down("refused", "the service refused the login, or this address")
        self.may_ask.clear()
        self.say(
            "error",
            "login_refused",
            reason=self.upstream.last_error,
            fix="correct login and password (or api_key) of this connector and the addresses that its "
            "account allows, then reload",
        )

    def _down(self, state: str, reason: str) -> None:
        self.state = state
        self.upstream.last_error = reason
        self.upstream.link_down(self.sender)
        self.sender.give_back()
        self.say("warning", "link_lost", reason=reason)
        self._look.set()

    def _up(self) -> None:
        self._silent = 0
        if not self.is_up:
            self.state = "bound"
            self.may_ask.set()
            self.say("info", "bound", balance=self.balance)
            self.asker.ask_anew()
            self.upstream.link_up(self.sender)
            self.sender.compose_soon()

    async def _keep(self) -> None:
        """Looks at the balance: is the service there, is there money."""
        failures = 0
        while True:
            self._look.clear()
            was, is_asked_for = self.balance, self._hurry.is_set()
            failures = 0 if await self._look_at_balance() else failures + 1
            if self.state == "without money" and (is_asked_for or was not in (None, self.balance)):
                self._up()  # it was paid
            if is_asked_for:
                self._hurry.clear()
            pause_s = self._pause_s(failures)
            if await self.waits.until(self._look, pause_s):
                await self.waits.until(self._hurry, self._pause_s(max(1, failures)))
            elif self.state == "without money":
                self._up()  # once in a minute it is tried

    def _pause_s(self, failures: int) -> float:
        """How long the next look can wait."""
        if self.state in _PAUSES_S:
            return _PAUSES_S[self.state]
        if failures:
            return retry.delay_s(failures - 1, self.random, longest_s=self.config.reconnect_max_s)
        return BALANCE_EVERY_S

    async def _look_at_balance(self) -> bool:
        """Whether there was an answer."""
        try:
            answer = await self.client.call("balance", {"cur": "1"})
        except (NotSent, NoAnswer) as error:
            reason = str(error)
            if self.is_up and isinstance(error, NotSent):
                self.unreachable(reason)
            elif not self.is_up and reason != self.upstream.last_error:
                self.upstream.last_error = reason
                self.say("warning", "link_lost", reason=reason)
            return False
        # asked too often, by an earlier run or by other programs: but it lives
        if isinstance(answer, Failure) and answer.number != errors.TOO_MANY:
            self.upstream.last_error = errors.meaning("balance.php", answer.number)
            self.failed(answer.number)
            return False
        if isinstance(answer, dict):
            self._take_balance(answer)
        if self.state in ("connecting", "blocked", "refused"):
            self._up()
        return True

    def _take_balance(self, answer: dict[str, object]) -> None:
        self.balance, self.currency = (str(answer.get(name, ""))[:32] for name in ("balance", "currency"))
        try:
            balance = float(self.balance)
        except ValueError:
            return
        low = balance < self.config.balance_warning
        if low and not self.is_poor:
            self.say(
                "warning",
                "balance_low",
                balance=self.balance,
                currency=self.currency,
                fix="pay at the service: below what it costs, nothing is sent",
            )
        self.is_poor = low
