"""Takes a node out of service without losing or repeating anything, and back.

A node that is drained listens to no client, takes nothing new, finishes what is under way, and gives all else
to the others: deliveries that wait in its memory, its leases, what it would have claimed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any

from gateway.connectors import start_connector
from gateway.core.cluster import DRAINED
from gateway.core.errors import Refusal
from gateway.core.shared_outlet import SharedOutlet
from gateway.egress.smpp_connector import STANDBY, SmppConnector

if TYPE_CHECKING:
    from gateway.daemon import Daemon
    from gateway.ingress.smpp import SmppConnection

FINISH_S = 60.0
"""What the SMSC has not answered by then is in doubt, as it is when its time is over."""
SESSIONS_S = 30.0
"""A client that leaves receipts unanswered for so long gets them again, from another node."""
UNBIND_S = 1.0


class Drain:
    """Whether this node is drained, or on the way there."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._task: asyncio.Task[None] | None = None
        self.begun = False
        self.done = False
        """Nothing is under way any more."""

    def want(self, drained: bool) -> None:
        """What somebody wants of this node, as the store has it with each look.

        A node that is still starting goes on with that: what it opens next has to be closed again.
        """
        daemon = self._daemon
        if drained == self.begun or daemon.is_stopping or not daemon.is_ready:
            return
        before = self._task
        if before is not None:
            before.cancel()
        self.begun, self.done = drained, False
        work = self._go(before, self._drain() if drained else self._resume())
        self._task = asyncio.get_running_loop().create_task(work, name="drain" if drained else "resume")
        self._task.add_done_callback(daemon.task_ended)

    @staticmethod
    async def _go(before: asyncio.Task[None] | None, work: Coroutine[Any, Any, None]) -> None:
        """One after the other: a link that was being unbound is gone before it is bound again."""
        if before is not None:
            await asyncio.wait([before])
        await work

    def stop(self) -> None:
        """The gateway ends, drained or not."""
        if self._task is not None:
            self._task.cancel()

    # -- out of service ----------------------------------------------------------------------------------

    async def _drain(self) -> None:
        daemon = self._daemon
        daemon.events.say("info", "draining")
        daemon.submission.closed_because = Refusal.STOPPING
        for listener in daemon.smpp.listeners:
            listener.stop_listening()
        if daemon.mail is not None:
            daemon.mail.stop_listening()
        daemon.http.stop_listening()
        self._rest(True)
        for outlet in daemon.outlets.values():
            if isinstance(outlet, SharedOutlet):
                outlet.close()
        for upstream in daemon.upstreams.values():
            upstream.hold(DRAINED)
        await asyncio.gather(self._sessions(), self._connectors())
        await self._until(lambda: not self._is_busy())
        self.done = True
        daemon.events.say("info", "drained")

    def _rest(self, rests: bool) -> None:
        """Mails and calls to clients are claimed by the other nodes."""
        daemon = self._daemon
        if daemon.mail is not None and daemon.mail.postman is not None:
            daemon.mail.postman.rests = rests
            daemon.mail.postman.wake()
        if daemon.http.desk is not None:
            daemon.http.caller.rests = rests
            daemon.http.caller.wake()

    def _is_busy(self) -> bool:
        daemon = self._daemon
        postman = daemon.mail.postman if daemon.mail is not None else None
        if postman is not None and postman.in_memory:
            return True
        return daemon.http.desk is not None and daemon.http.caller.is_busy

    async def _connectors(self) -> None:
        """Waits for answers to what was sent, and unbinds."""
        upstreams = self._daemon.upstreams
        await self._until(lambda: not any(one.in_flight for one in upstreams.values()), FINISH_S)
        await asyncio.gather(*(one.stand_by(UNBIND_S) for one in self._smpp()))

    def _smpp(self) -> Iterator[SmppConnector]:
        return (one for one in self._daemon.connectors.values() if isinstance(one, SmppConnector))

    async def _sessions(self) -> None:
        """Unbinds each client when nothing of it is under way."""
        clock = self._daemon.clock
        deadline = clock.now() + SESSIONS_S
        while connections := self._clients():
            for one in connections:
                if clock.now() >= deadline or not (one.session.outstanding or one.session.unanswered):
                    one.unbind()
            if clock.now() >= deadline + UNBIND_S:
                for one in connections:
                    one.close()
            await asyncio.sleep(0.02)

    def _clients(self) -> list[SmppConnection]:
        listeners = self._daemon.smpp.listeners
        return [one for listener in listeners for one in listener.connections if not one.gone]

    async def _until(self, is_done: Callable[[], bool], timeout_s: float = float("inf")) -> None:
        await self._daemon.until(is_done, timeout_s)

    # -- back --------------------------------------------------------------------------------------------

    async def _resume(self) -> None:
        daemon = self._daemon
        daemon.events.say("info", "node_resumed")
        for upstream in daemon.upstreams.values():
            upstream.let_go()
        for connector in self._smpp():
            if connector.state == STANDBY and not connector.config.one_bind_only:
                start_connector(daemon, connector)
        for outlet in daemon.outlets.values():
            if isinstance(outlet, SharedOutlet):
                outlet.reopen()
        self._rest(False)
        if daemon.submission.closed_because is Refusal.STOPPING:
            daemon.submission.closed_because = None
        try:
            await self._listen()
        except OSError as error:
            fix = f"restart this node: its listeners cannot be opened again ({error.strerror})"
            daemon.events.say("error", "resume_failed", reason=error, fix=fix)

    async def _listen(self) -> None:
        daemon = self._daemon
        mail = daemon.mail.listeners if daemon.mail is not None else ()
        for listener in (*daemon.smpp.listeners, *mail, *daemon.http.listeners):
            await listener.start(daemon.inherited.take)
            listener.stopping = False
