"""What Prometheus and supervisors read."""

from __future__ import annotations

import asyncio
import json
from ipaddress import ip_network
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain
from web_pages import pages

from gateway.ops.web.pages import monitor

METRICS: dict[str, Any] = {
    "smsc_gateway_ready": [[[], 1]],
    "smsc_gateway_messages_accepted_total": [[["shop"], 3], [['a "b"\\\n'], 4]],
    "smsc_gateway_accept_seconds": [[["[::1]:2775"], {"counts": [2, 1, *[0] * 11, 1, 5], "sum": 700.5}]],
    "of_a_newer_gateway": [[[], 1]],
}
ANSWERS: dict[str, Any] = {
    "metrics": {"now_ms": 0, "metrics": METRICS},
    "ready": {"ready": True, "reasons": [], "up_s": 61},
}


@pytest.mark.parametrize(
    ("accept", "content_type", "parser"),
    [
        ("", "text/plain; version=0.0.4", plain),
        (
            "application/openmetrics-text;version=1.0.0,text/plain",
            "application/openmetrics-text",
            open_metrics,
        ),
    ],
)
def test_metrics_are_written_in_the_form_that_is_asked_for(
    accept: str, content_type: str, parser: Any
) -> None:
    async def check() -> None:
        async with pages(ANSWERS, role=None) as client:
            page = await client.get("/metrics", Accept=accept)
            assert page.status == 200
            assert page.headers["Content-Type"].startswith(content_type)
            samples = {
                (one.name, *sorted(one.labels.values())): one.value
                for family in parser(page.text)
                for one in family.samples
            }
            assert samples["smsc_gateway_messages_accepted_total", 'a "b"\\\n'] == 4
            listener = "[::1]:2775"
            assert samples["smsc_gateway_accept_seconds_bucket", *sorted(("0.001", listener))] == 2
            assert samples["smsc_gateway_accept_seconds_bucket", *sorted(("0.005", listener))] == 3
            assert samples["smsc_gateway_accept_seconds_bucket", *sorted(("30.0", listener))] == 4
            assert samples["smsc_gateway_accept_seconds_bucket", *sorted(("+Inf", listener))] == 9
            assert samples["smsc_gateway_accept_seconds_count", listener] == 9
            assert samples["smsc_gateway_accept_seconds_sum", listener] == 700.5
            assert "of_a_newer_gateway" not in page.text

    asyncio.run(check())


def test_a_gateway_that_is_ready_says_so() -> None:
    async def check() -> None:
        async with pages(ANSWERS, role=None) as client:
            health, ready = await client.get("/health"), await client.get("/ready")
            assert (health.status, json.loads(health.text)) == (200, {"healthy": True, "up_s": 61})
            assert (ready.status, json.loads(ready.text)) == (200, {"ready": True, "reasons": []})

    asyncio.run(check())


def test_a_gateway_that_accepts_nothing_is_healthy_and_not_ready_and_says_why() -> None:
    reasons = ["the store cannot write: disk full"]

    async def check() -> None:
        async with pages({"ready": {"ready": False, "reasons": reasons, "up_s": 5}}, role=None) as client:
            ready = await client.get("/ready")
            assert (ready.status, json.loads(ready.text)) == (503, {"ready": False, "reasons": reasons})
            assert (await client.get("/health")).status == 200

    asyncio.run(check())


def test_without_an_answer_of_the_gateway_all_three_are_503_with_the_reason() -> None:
    def nothing(request: dict[str, Any]) -> dict[str, Any]:
        return {"error": "the gateway stops"}

    async def check() -> None:
        async with pages({"metrics": nothing, "ready": nothing}, role=None) as client:
            for path in ("/metrics", "/health", "/ready"):
                page = await client.get(path)
                assert page.status == 503, path
                assert "the gateway stops" in page.text

    asyncio.run(check())


def test_a_loop_that_does_not_answer_is_not_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor, "PATIENCE_S", 0.0)

    async def check() -> None:
        async with pages(ANSWERS, role=None) as client:
            page = await client.get("/health")
            assert page.status == 503
            assert json.loads(page.text)["healthy"] is False

    asyncio.run(check())


def test_behind_a_proxy_it_is_the_browsers_address_that_counts() -> None:
    proxies = (ip_network("127.0.0.0/8"),)  # and so is monitoring, without a proxy

    async def check() -> None:
        async with pages(ANSWERS, role=None, proxies=proxies) as client:
            assert (await client.get("/ready")).status == 200
            assert (await client.get("/ready", X_Forwarded_For="192.0.2.7")).status == 403
            # what the browser wrote itself stands before what the proxy adds
            assert (await client.get("/ready", X_Forwarded_For="127.0.0.1, 192.0.2.7")).status == 403

    asyncio.run(check())


def test_strangers_read_nothing_of_it() -> None:
    async def check() -> None:
        async with pages(ANSWERS, role=None, monitor_networks=(ip_network("10.9.0.0/16"),)) as client:
            for path in ("/metrics", "/health", "/ready"):
                assert (await client.get(path)).status == 403, path
            client.log_in("vera")
            assert (await client.get("/ready")).status == 200

    asyncio.run(check())
