"""Looks at the gateway every few seconds, for the plots: one task, for as long as the pages run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gateway.core.clock import Clock
from gateway.ops.metric_catalogue import PREFIX
from gateway.ops.web.gateway_client import GatewayClient, GatewayError
from gateway.ops.web.samples import FINE_S, Reading, Samples

IDLE_S = 10.0
"""Between two looks while nobody sees the plots."""
WATCHED_S = 15.0
"""Somebody who has asked for the plots within this time is there still."""
AGAIN_S = 30.0
"""After a fault of ours."""

ACCEPTED, SENT, DELIVERED, REFUSED = "accepted", "sent", "delivered", "refused"
OPEN = "open"
WAITING, OLDEST, WINDOW = "waiting:", "oldest:", "window:"
ANSWER_SUM, ANSWER_COUNT = "answer_sum:", "answer_count:"
"""Names of figures; those with a colon are followed by a connector's name."""

_SUMS = {
    "messages_accepted_total": ACCEPTED,
    "connector_submitted_total": SENT,
    "deliveries_total": DELIVERED,
    "messages_refused_total": REFUSED,
    "messages_open": OPEN,
}
_BY_CONNECTOR = {
    "queue_messages": WAITING,
    "queue_oldest_age_seconds": OLDEST,
    "connector_window_used": WINDOW,
}


class Sampler:
    """What was seen of the gateway, and whether it answers."""

    def __init__(self, gateway: GatewayClient, clock: Clock, say: Callable[..., None]) -> None:
        self.samples = Samples()
        self.problem = ""
        """Why the last look failed; "" when it did not."""
        self.last: Reading | None = None
        """What was seen last."""
        self._gateway, self._clock, self._say = gateway, clock, say
        self._watched = float("-inf")
        self._next = float("-inf")
        self._turn = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._again: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begins to look."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="sampler of the pages")
        self._task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Looks no more."""
        if self._again is not None:
            self._again.cancel()
        if self._task is not None:
            self._task.remove_done_callback(self._ended)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def watch(self) -> None:
        """Somebody sees the plots: until WATCHED_S from now they are kept fresh."""
        self._watched = self._clock.now()
        if self._next > self._watched + FINE_S:
            self._turn.set()

    def pause_s(self) -> float:
        """Until the next look."""
        return FINE_S if self._clock.now() - self._watched < WATCHED_S else IDLE_S

    async def look(self) -> None:
        """One look; a gateway without an answer is a gap in the plots."""
        try:
            answer = await self._gateway.ask("metrics")
        except GatewayError as error:
            self.problem = str(error)
            return
        self.last = reading_of(answer["metrics"], self._clock.now())
        self.samples.take(self.last)
        self.problem = ""

    async def _run(self) -> None:
        while True:
            await self.look()
            pause_s = self.pause_s()
            self._next = self._clock.now() + pause_s
            self._turn.clear()
            try:
                async with asyncio.timeout(pause_s):
                    await self._turn.wait()
            except TimeoutError:
                pass

    def _ended(self, task: asyncio.Task[None]) -> None:
        """It never ends by itself: what ended it is a fault of ours, and it is begun again."""
        error = None if task.cancelled() else task.exception()
        self.problem = "the plots' figures could not be read; the log has more"
        self._say("error", "web_fault", reason=f"sampler: {type(error).__name__}")
        self._again = asyncio.get_running_loop().call_later(AGAIN_S, self.start)


def reading_of(metrics: Mapping[str, list[list[Any]]], now_s: float) -> Reading:
    """What the plots need of the answer to "metrics"."""
    counters: dict[str, float] = {}
    gauges: dict[str, float] = {}
    for metric, name in _SUMS.items():
        into = counters if metric.endswith("_total") else gauges
        into[name] = sum(value for _, value in _rows(metrics, metric))
    for metric, prefix in _BY_CONNECTOR.items():
        for labels, value in _rows(metrics, metric):
            gauges[f"{prefix}{labels[0]}"] = value
    for labels, value in _rows(metrics, "connector_response_seconds"):
        counters[f"{ANSWER_SUM}{labels[0]}"] = value["sum"]
        counters[f"{ANSWER_COUNT}{labels[0]}"] = sum(value["counts"])
    boot = next((value for _, value in _rows(metrics, "starts_total")), 0)
    return Reading(now_s, boot, counters, gauges)


def _rows(metrics: Mapping[str, list[list[Any]]], name: str) -> Iterator[tuple[list[str], Any]]:
    yield from ((labels, value) for labels, value in metrics.get(PREFIX + name, ()))
