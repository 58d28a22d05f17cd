"""A rewritten number at an SMSC service over HTTP: asked for after a restart, and never sent to twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from journey_support import DESTINATION, journey, running
from service_support import SERVICE, service, service_config, simulated_service

from gateway.config.model import Rewrite, Route
from gateway.simulator.smsc_http.faults import Fault, FaultKind

NEW = "4915112345678"
ROUTES = [
    Route(
        name="way",
        connectors=[SERVICE],
        rewrites=[
            Rewrite(what="destination", match=DESTINATION, replace=NEW),
            Rewrite(what="source", match="12345", replace="Example"),
        ],
    )
]


@pytest.mark.parametrize("kind", ["timeout", "drop_before"])
@journey
async def test_a_restart_asks_for_the_number_that_was_sent_to(tmp_path: Path, kind: str) -> None:
    async with simulated_service() as simulator:
        made = service_config(service(simulator.port, timeout_s=30.0), routes=ROUTES)
        simulator.service.faults.next("send", [Fault(FaultKind(kind), 0)])
        simulator.service.faults.next("status", [Fault(FaultKind("http_500_before"), 0)] * 3)
        async with running(made, tmp_path) as gateway:
            client = await gateway.client()
            await gateway.linked(SERVICE)
            message_id = await client.submit()
            await gateway.until(lambda: simulator.service.requests["send"] or gateway.lines_with("asking"))
        async with running(made, tmp_path, later_s=100) as gateway:
            gateway.clock.let_run()
            await gateway.said("asking", "messages=1")
            client = await gateway.client()
            delivery = await client.delivery()
            assert (delivery.source_addr, delivery.destination_addr) == (DESTINATION, "12345")
            assert gateway.states(message_id) == ["DELIVERED"]
        store = simulator.service.store
        assert (store.accepted, store.by_text.repeated()) == (1, [])
        (sent,) = store.messages
        assert (sent.phone, sent.sender) == (NEW, "Example")
