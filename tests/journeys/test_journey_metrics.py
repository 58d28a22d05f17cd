"""What a running gateway counts, as Prometheus gets it: all that is documented, nothing else, and right."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from http_support import http_account, http_config
from journey_support import (
    HOST,
    UPSTREAM,
    Gateway,
    account,
    config,
    connector,
    journey,
    running,
    simulated_smsc,
)
from mail_journey_support import DOMAIN
from money_support import PRICES, payer
from promtool import promtool
from service_support import SERVICE, service, service_config, simulated_service

from gateway.admin import all_handlers
from gateway.admin.metrics import SAMPLE_EVERY_S, Sampler
from gateway.config.mail_model import Mail, Smarthost, SmtpListener
from gateway.config.model import Address, Http, SmppListener, TlsServer
from gateway.config.store_url import StoreUrl
from gateway.core.errors import Refusal
from gateway.ops.metric_catalogue import METRICS, OTHER, PREFIX
from gateway.ops.metrics import Names, Sample, metrics_of
from gateway.ops.web.exposition import Exposition

Found = Mapping[str, Sequence[Any]]


async def asked(gateway: Gateway, command: str) -> dict[str, Any]:
    answer = await all_handlers(gateway.daemon)[command]({})  # type: ignore[misc]
    assert isinstance(answer, dict)
    return answer


def value(found: Found, name: str, *labels: str) -> Any:
    """What is said under these labels."""
    return {tuple(them): one for them, one in found[PREFIX + name]}[labels]


def total(found: Found, name: str, *labels: str) -> int:
    """How much a histogram has counted."""
    return int(sum(value(found, name, *labels)["counts"]))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> TlsServer:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("pki")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=x"
    files = ["-out", "c.pem", "-keyout", "c.key"]
    subprocess.run([*command.split(), *files], cwd=folder, check=True, capture_output=True)
    return TlsServer(certificate=folder / "c.pem", key=folder / "c.key")


def test_what_is_counted_is_what_is_documented(tmp_path: Path, certificate: TlsServer) -> None:
    @journey
    async def check() -> None:
        async with AsyncExitStack() as stack:
            smsc = await stack.enter_async_context(simulated_smsc())
            behind = await stack.enter_async_context(simulated_service())
            made = http_config(config(connector(smsc.port)), [http_account(), payer()], Http())
            secure = SmppListener(address=Address("::1", 0), tls=certificate)
            sockets = replace(
                made.listeners,
                smpp=[*made.listeners.smpp, secure],
                smtp=[SmtpListener(address=Address(HOST, 0))],
            )
            made = replace(
                made,
                listeners=sockets,
                mail=Mail(domains=[DOMAIN], smarthost=Smarthost(address=Address(HOST, 1))),
                smsc_connectors=[service(behind.port)],
                price_lists=PRICES,
            )
            gateway = await stack.enter_async_context(running(made, tmp_path))
            await gateway.linked()
            await gateway.until(lambda: gateway.daemon.services.connectors[SERVICE].balance)
            found = (await asked(gateway, "metrics"))["metrics"]

            assert set(found) == set(METRICS)
            for name, rows in found.items():
                labels = [tuple(them) for them, _ in rows]
                assert len(set(labels)) == len(labels), name
            [(_, ends)] = found[f"{PREFIX}certificate_expires_timestamp_seconds"]
            decoded = ssl._ssl._test_decode_cert(str(certificate.certificate))  # type: ignore[attr-defined]
            assert ends == ssl.cert_time_to_seconds(decoded["notAfter"])
            for process in ("gateway", "store"):
                assert value(found, "process_resident_memory_bytes", process) > 1 << 20

            for accept in ("text/plain", "application/openmetrics-text; version=1.0.0"):
                body, _ = Exposition(found).written(accept)
                assert all(f"# HELP {name.removesuffix('_total')}" in body.decode() for name in METRICS)
            body, _ = Exposition(found).written("text/plain")
            assert promtool("check", "metrics", stdin=body.decode()) == ""

    check()


@journey
async def test_messages_are_counted_and_their_times_taken(tmp_path: Path) -> None:
    async with simulated_smsc() as smsc, running(config(connector(smsc.port)), tmp_path) as gateway:
        await gateway.linked()
        client = await gateway.client()
        for _ in range(3):
            await client.submit()
            await client.receipt()
        assert await client.status_of_submit(destination="") != "ESME_ROK"
        await gateway.until(lambda: not gateway.daemon.submission.open_messages)
        found = (await asked(gateway, "metrics"))["metrics"]

        listener = gateway.daemon.smpp.listeners[0].name
        assert value(found, "messages_accepted_total", "app") == 3
        assert sum(count for _, count in found[f"{PREFIX}messages_refused_total"]) == 1
        assert total(found, "accept_seconds", listener) == 3
        assert total(found, "connector_response_seconds", UPSTREAM) == 3
        assert total(found, "message_end_seconds") == 3
        assert value(found, "connector_submitted_total", UPSTREAM) == 3
        assert value(found, "connector_binds_total", UPSTREAM) == 1
        assert value(found, "connector_up", UPSTREAM) == 1
        assert value(found, "receipts_total", UPSTREAM, "matched") == 3
        assert value(found, "deliveries_total", "app") == 3
        assert total(found, "store_commit_seconds") == value(found, "store_commits_total") > 3
        assert total(found, "store_batch_messages") == 3
        assert total(found, "loop_lag_seconds") > 0
        assert value(found, "ready") == 1


@journey
async def test_requests_to_a_service_have_their_times_too(tmp_path: Path) -> None:
    async with (
        simulated_service() as behind,
        running(service_config(service(behind.port)), tmp_path) as gateway,
    ):
        await gateway.linked(SERVICE)
        await (await gateway.client()).submit()
        await gateway.until(lambda: gateway.daemon.upstreams[SERVICE].submitted == 1)
        found = (await asked(gateway, "metrics"))["metrics"]
        assert total(found, "connector_response_seconds", SERVICE) == 1
        assert value(found, "service_requests_total", SERVICE) == 1


@journey
async def test_what_waits_is_counted_with_its_age_and_read_again_when_it_is_old(tmp_path: Path) -> None:
    async with running(config(connector(1)), tmp_path) as gateway:  # nobody is there
        client = await gateway.client()
        await client.submit()
        gateway.clock.advance(90)
        found = (await asked(gateway, "metrics"))["metrics"]
        assert value(found, "queue_messages", UPSTREAM) == 1
        assert value(found, "queue_oldest_age_seconds", UPSTREAM) == 90
        assert value(found, "connector_up", UPSTREAM) == 0
        sampler = Sampler(gateway.daemon)
        assert (await sampler.sample()).queues == {UPSTREAM: (1, 90.0)}
        gateway.clock.advance(SAMPLE_EVERY_S - 1)
        assert (await sampler.sample()).queues == {UPSTREAM: (1, 90.0)}
        gateway.clock.advance(1)
        assert (await sampler.sample()).queues == {UPSTREAM: (1, 90.0 + SAMPLE_EVERY_S)}


@journey
async def test_a_store_on_postgresql_has_the_size_of_its_database(tmp_path: Path, postgres_url: str) -> None:
    made = replace(config(connector(1)), store=StoreUrl(postgres_url))
    async with running(made, tmp_path) as gateway:
        sample = await Sampler(gateway.daemon).sample()
        for size, rows in ((None, None), (sample.size, [[["postgresql"], sample.size]])):
            found = metrics_of(gateway.daemon, replace(sample, size=size), Names())
            assert found.get(f"{PREFIX}store_file_bytes") == rows
        assert (sample.size or 0) > 1 << 20


@journey
async def test_accounts_beyond_the_limit_are_summed_up(tmp_path: Path) -> None:
    accounts = [account(f"a{number}") for number in range(5)]
    async with running(config(connector(1), accounts=accounts), tmp_path) as gateway:
        client = await gateway.client(system_id="a3")
        await client.submit()
        client = await gateway.client(system_id="a4")
        await client.submit()
        names = Names(2)
        found = metrics_of(gateway.daemon, Sample(0, deliveries={"a2": (5, 7.0), "a4": (1, 9.0)}), names)
        rows = {labels[0]: count for labels, count in found[f"{PREFIX}messages_accepted_total"]}
        assert rows == {"a0": 0, "a1": 0, OTHER: 2}
        assert value(found, "deliveries_waiting", OTHER) == 6
        assert value(found, "deliveries_oldest_age_seconds", OTHER) == 9.0
        # one that goes makes room, and the others keep their names
        del gateway.daemon.accounts["a0"]
        found = metrics_of(gateway.daemon, Sample(0), names)
        rows = {labels[0]: count for labels, count in found[f"{PREFIX}messages_accepted_total"]}
        assert rows == {"a1": 0, "a2": 0, OTHER: 2}


@journey
async def test_a_gateway_that_accepts_nothing_says_why_it_is_not_ready(tmp_path: Path) -> None:
    async with running(config(connector(1), max_messages=1), tmp_path) as gateway:
        daemon = gateway.daemon
        assert await asked(gateway, "ready") == {"ready": True, "reasons": [], "up_s": 0}
        await (await gateway.client()).submit()
        assert (await asked(gateway, "ready"))["reasons"] == ["the queue is full: 1 messages have not ended"]
        daemon.submission.closed_because = Refusal.QUEUE_FULL
        assert (await asked(gateway, "ready"))["reasons"] == ["nothing is accepted: queue_full"]
        daemon.submission.closed_because = None
        daemon.journal.error = "disk full"
        answer = await asked(gateway, "ready")
        assert answer["ready"] is False
        assert answer["reasons"][0] == "the store cannot write: disk full"
        daemon.journal.error = ""
