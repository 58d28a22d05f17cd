"""The sampler: what it reads, how often it looks, and that nothing ends it for good."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway_fakes import ManualClock

from gateway.ops.web import sampler as module
from gateway.ops.web.gateway_client import GatewayClient, GatewayDown
from gateway.ops.web.sampler import ACCEPTED, OLDEST, WAITING, WATCHED_S, Sampler, reading_of


class Gateway(GatewayClient):
    """Counts how often it is asked; `looked` is set each time."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None
        self.looked = asyncio.Event()

    async def ask(self, command: str, **arguments: object) -> dict[str, Any]:
        self.asked += 1
        self.looked.set()
        if self.error is not None:
            raise self.error
        return {"metrics": {"smsc_gateway_messages_accepted_total": [[["a"], self.asked]]}}

    async def next_look(self) -> None:
        self.looked.clear()
        async with asyncio.timeout(60):
            await self.looked.wait()


def test_it_adds_up_accounts_and_keeps_connectors_apart() -> None:
    metrics: dict[str, list[list[Any]]] = {
        "messages_accepted_total": [[["a"], 3], [["other"], 4]],
        "queue_messages": [[["north"], 5], [["south"], 6]],
        "queue_oldest_age_seconds": [[["north"], 1.5]],
        "connector_response_seconds": [[["north"], {"counts": [1, 2, 3], "sum": 0.5}]],
        "starts_total": [[[], 9]],
    }
    reading = reading_of({f"smsc_gateway_{name}": rows for name, rows in metrics.items()}, 12.0)
    assert (reading.at_s, reading.boot) == (12.0, 9)
    assert reading.counters[ACCEPTED] == 7
    assert (reading.counters["answer_sum:north"], reading.counters["answer_count:north"]) == (0.5, 6)
    assert reading.gauges[f"{WAITING}south"] == 6
    assert reading.gauges[f"{OLDEST}north"] == 1.5


def test_it_looks_at_once_when_somebody_comes_and_often_while_they_stay() -> None:
    async def check() -> None:
        gateway, clock = Gateway(), ManualClock()
        sampler = Sampler(gateway, clock, lambda *said, **fields: None)
        assert sampler.pause_s() == module.IDLE_S
        sampler.start()
        try:
            await gateway.next_look()
            await asyncio.sleep(0)
            sampler.watch()
            await gateway.next_look()
            assert sampler.pause_s() == module.FINE_S
            clock.advance(WATCHED_S + 1)
            assert sampler.pause_s() == module.IDLE_S
        finally:
            await sampler.stop()

    asyncio.run(check())


def test_a_gateway_that_is_gone_is_said_until_it_is_back() -> None:
    async def check() -> None:
        gateway = Gateway()
        sampler = Sampler(gateway, ManualClock(), lambda *said, **fields: None)
        gateway.error = GatewayDown("the gateway does not answer")
        await sampler.look()
        assert sampler.problem == "the gateway does not answer"
        assert sampler.last is None
        gateway.error = None
        await sampler.look()
        assert sampler.problem == ""
        assert sampler.last is not None

    asyncio.run(check())


def test_a_fault_of_ours_is_logged_and_does_not_end_the_plots_for_good(monkeypatch: Any) -> None:
    async def check() -> None:
        monkeypatch.setattr(module, "AGAIN_S", 0.0)
        monkeypatch.setattr(module, "IDLE_S", 0.0)
        gateway, said = Gateway(), []
        sampler = Sampler(gateway, ManualClock(), lambda *line, **fields: said.append((*line, fields)))
        gateway.error = ValueError("something that is nobody's business")
        sampler.start()
        try:
            await gateway.next_look()
            await gateway.next_look()  # begun again by itself
            assert said[0] == ("error", "web_fault", {"reason": "sampler: ValueError"})
            assert "log" in sampler.problem
            gateway.error = None
            await gateway.next_look()
            await gateway.next_look()  # so the one before has ended
            assert sampler.problem == ""
        finally:
            await sampler.stop()

    asyncio.run(check())
