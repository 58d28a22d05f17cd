"""One configured upstream over SMPP: keeps its links bound."""

from __future__ import annotations

import asyncio
import ssl
from random import Random

from gateway.config.model import Connector as ConnectorConfig
from gateway.core import retry
from gateway.core.batch import Journal
from gateway.core.clock import Clock
from gateway.core.errors import system_reason
from gateway.core.events import Events
from gateway.core.incoming import Incoming
from gateway.core.receipts import ReceiptBook
from gateway.core.upstream import Upstream
from gateway.egress.smpp import LinkError, SmppLink, UpstreamConnection
from gateway.egress.tls import client_context
from protocols.smpp.constants import command_name
from protocols.smpp.events import Refused
from protocols.smpp.settings import SessionSettings

RECEIPT_WINDOW = 10_000
"""deliver_sm that the SMSC may leave unanswered by us; commits answer hundreds at a time."""
FIRST_RECONNECT_S = 0.2
"""The first pause after a link that had been good."""
GOOD_AFTER_S = 5.0


class SmppConnector:
    """The links of one connector, and what they share."""

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
    ) -> None:
        self.config = config
        self.upstream = upstream
        self.receipts = receipts
        self.incoming = incoming
        self.journal = journal
        self.clock = clock
        self.connections: set[UpstreamConnection] = set()
        self.links: set[SmppLink] = set()
        self.state = "connecting"
        self.bad_inputs = 0
        self.settings = SessionSettings(
            window=config.window,
            peer_window=RECEIPT_WINDOW,
            enquire_link_s=config.enquire_link_s,
            response_timeout_s=config.response_timeout_s,
        )
        self._events = events
        self._random = random
        self._keepers: list[asyncio.Task[None]] = []
        self.tls, self.server_name = _tls(config)

    def start(self) -> list[asyncio.Task[None]]:
        """Starts to keep the links; the tasks end only when they are cancelled."""
        loop = asyncio.get_running_loop()
        self._keepers = [
            loop.create_task(self._keep(), name=f"{self.config.name} link {number}")
            for number in range(1, self.config.binds + 1)
        ]
        return self._keepers

    async def stop(self, timeout_s: float) -> None:
        """Unbinds every link and waits for the answers, so long at the most."""
        for keeper in self._keepers:
            keeper.cancel()
        links = list(self.links)
        for link in links:
            link.unbind()
        if links:
            await asyncio.wait([link.ended for link in links], timeout=timeout_s)
        for link in links:
            link.end("stopped")
        self.state = "stopped"

    def tick(self, now: float) -> None:
        for connection in tuple(self.connections):
            connection.tick(now)

    def say(self, level: str, name: str, **fields: object) -> None:
        """An event of this connector."""
        self._events.say(level, name, connector=self.config.name, **fields)

    def bad_input(self, refused: Refused) -> None:
        """The SMSC sent something malformed, and the session dealt with it."""
        self.bad_inputs += 1
        if self.bad_inputs in (1, 10, 100, 1000) or self.bad_inputs % 10_000 == 0:
            command = command_name(refused.command_id)
            self.say("warning", "bad_input", command=command, reason=refused.reason, count=self.bad_inputs)

    async def _keep(self) -> None:
        """Keeps one link bound, with growing pauses while that fails."""
        failures = 0
        while True:
            started, submitted = self.clock.now(), self.upstream.submitted
            link = SmppLink(self)
            try:
                await link.open()
                self.links.add(link)
                self.state = "bound"
                self.say("info", "bound", mode=self.config.bind_mode)
                reason = await asyncio.shield(link.ended)
            except asyncio.CancelledError:
                if link not in self.links:
                    link.end("stopped")  # half open: nobody else would ever close it
                raise
            except (LinkError, OSError, TimeoutError) as error:
                reason = str(error) if isinstance(error, LinkError) else self._why_unreachable(error)
                link.end(reason)
                if isinstance(error, LinkError) and error.is_login:
                    self._stop_on_bad_login(reason)
                    return
                failures += 1
            else:
                lasted = self.clock.now() - started >= GOOD_AFTER_S
                failures = 0 if lasted or self.upstream.submitted > submitted else failures + 1
            finally:
                self.links.discard(link)
            self.state = "bound" if self.upstream.up else "connecting"
            pause_s = self._pause_s(failures)
            self.upstream.last_error = reason
            self.say("warning", "link_lost", reason=reason, again_in=f"{pause_s:.1f}s")
            await asyncio.sleep(pause_s)

    def _why_unreachable(self, error: OSError) -> str:
        # the numbers of TLS errors are not the system's
        reason = str(error) if isinstance(error, ssl.SSLError) else system_reason(error)
        return f"{self.config.address}: {reason or 'it did not answer in time'}"

    def _pause_s(self, failures: int) -> float:
        if not failures:
            return self._random.random() * FIRST_RECONNECT_S
        return retry.delay_s(failures - 1, self._random, longest_s=self.config.reconnect_max_s)

    def _stop_on_bad_login(self, reason: str) -> None:
        """A password that is wrong stays wrong; trying on only gets the address blocked."""
        if self.state == "refused":
            return
        self.state = "refused"
        self.upstream.last_error = reason
        self.say(
            "error",
            "login_refused",
            reason=reason,
            fix="correct system_id and password of this connector, then reload",
        )


def _tls(config: ConnectorConfig) -> tuple[ssl.SSLContext | None, str | None]:
    if config.tls is None:
        return None, None
    return client_context(config.tls), config.tls.server_name or config.address.host
