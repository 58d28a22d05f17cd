"""TLS on both sides: who is trusted, which versions, what plain peers get."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from journey_support import (
    HOST,
    config,
    connector,
    gateway_and_smsc,
    journey,
    running,
    simulated_smsc,
)

from gateway.config.model import TlsClient, TlsServer
from protocols.smpp import constants as c
from protocols.smpp.codec import encode
from protocols.smpp.pdu import BindTransceiver

NAME = "smsc.example.net"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for NAME and 127.0.0.1 (good), and one that nobody trusts (other)."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("pki")
    for name in ("good", "other"):
        command = f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
        names = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},IP:{HOST}"]
        files = ["-out", f"{name}.pem", "-keyout", f"{name}.key"]
        subprocess.run([*command.split(), *names, *files], cwd=folder, check=True, capture_output=True)
    return folder


def served(pki: Path, name: str = "good") -> TlsServer:
    return TlsServer(certificate=pki / f"{name}.pem", key=pki / f"{name}.key")


def trusting(pki: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(pki / "good.pem"))


def test_client_over_tls(tmp_path: Path, pki: Path) -> None:
    @journey
    async def run() -> None:
        async with gateway_and_smsc(tmp_path, listener={"tls": served(pki)}) as (gateway, _):
            client = await gateway.connect(tls=trusting(pki))
            assert await client.bind() == c.ESME_ROK
            message_ids = {await client.submit(text=b"%d" % n) for n in range(20)}
            assert {(await client.receipt()).message_id for _ in range(20)} == message_ids
            await client.unbind()
            await gateway.emptied()

    run()


@pytest.mark.parametrize(
    ("version", "works"),
    [(ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True), (0x0302, False)],
    ids=["1.2", "1.3", "1.1"],
)
def test_security_39_tls_versions(tmp_path: Path, pki: Path, version: ssl.TLSVersion, works: bool) -> None:
    @journey
    async def run() -> None:
        async with running(config(connector(1), listener={"tls": served(pki)}), tmp_path) as gateway:
            context = trusting(pki)
            context.set_ciphers("ALL:@SECLEVEL=0")  # so that it is the gateway that refuses old ones
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = context.maximum_version = ssl.TLSVersion(version)
            if works:
                client = await gateway.connect(tls=context)
                assert await client.bind() == c.ESME_ROK
            else:
                with pytest.raises((ssl.SSLError, ConnectionError)) as caught:
                    await gateway.connect(tls=context)
                assert "ALERT" in str(caught.value).upper() or isinstance(caught.value, ConnectionError)

    run()


def test_plain_client_on_a_tls_port_is_closed(tmp_path: Path, pki: Path) -> None:
    @journey
    async def run() -> None:
        async with running(config(connector(1), listener={"tls": served(pki)}), tmp_path) as gateway:
            reader, writer = await asyncio.open_connection(HOST, gateway.port)
            writer.write(encode(BindTransceiver(sequence_number=1, system_id="app", password="pw")))
            async with asyncio.timeout(5):
                assert b"app" not in await reader.read()
            writer.close()
            client = await gateway.connect(tls=trusting(pki))
            assert await client.bind() == c.ESME_ROK

    run()


@asynccontextmanager
async def tls_in_front(
    port: int, pki: Path, certificate: str, clients: str | None = None
) -> AsyncIterator[int]:
    """A port that speaks TLS and passes on to a plain one; `clients` is the certificate they need."""
    tasks: set[asyncio.Task[None]] = set()

    async def pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65_536):
                sink.write(data)
        except ConnectionError:
            pass
        finally:
            sink.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_smsc = await asyncio.open_connection(HOST, port)
        for source, sink in ((reader, to_smsc[1]), (to_smsc[0], writer)):
            task = asyncio.create_task(pass_on(source, sink))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / f"{certificate}.pem", pki / f"{certificate}.key")
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(pki / f"{clients}.pem")
    server = await asyncio.start_server(serve, HOST, 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        if tasks:
            await asyncio.wait(tasks, timeout=5)


@pytest.mark.parametrize(
    ("certificate", "server_name", "trusted"),
    [
        ("good", NAME, True),
        ("good", None, True),  # the host of the address, which is in the certificate too
        ("good", "other.example.net", False),
        ("other", NAME, False),
    ],
)
def test_security_39_a_connector_verifies_chain_and_name(
    tmp_path: Path, pki: Path, certificate: str, server_name: str | None, trusted: bool
) -> None:
    @journey
    async def run() -> None:
        tls = TlsClient(ca=pki / "good.pem", server_name=server_name)
        async with (
            simulated_smsc() as smsc,
            tls_in_front(smsc.port, pki, certificate) as port,
            running(config(connector(port, tls=tls)), tmp_path) as gateway,
        ):
            client = await gateway.client()
            message_id = await client.submit()
            if trusted:
                assert (await client.receipt()).message_id == message_id
            else:
                await gateway.said("link_lost", "certificate verify failed", times=3)
                assert smsc.counters.binds == 0
                assert gateway.states(message_id) == ["QUEUED"]

    run()


def test_connector_with_tls_does_not_speak_plainly(tmp_path: Path, pki: Path) -> None:
    @journey
    async def run() -> None:
        async with simulated_smsc() as smsc:
            made = config(connector(smsc.port, tls=TlsClient(ca=pki / "good.pem")))
            async with running(made, tmp_path) as gateway:
                await gateway.said("link_lost", times=3)
                assert smsc.counters.binds == smsc.counters.binds_refused == 0

    run()


def test_reload_turns_tls_on_for_a_connector(tmp_path: Path, pki: Path) -> None:
    @journey
    async def run() -> None:
        async with (
            simulated_smsc() as smsc,
            tls_in_front(smsc.port, pki, "good") as port,
            running(config(connector(port)), tmp_path) as gateway,
        ):
            await gateway.said("link_lost")
            client = await gateway.client()
            message_id = await client.submit()
            made = connector(port, tls=TlsClient(ca=pki / "good.pem"))
            await gateway.daemon.reload(replace(gateway.daemon.config, connectors=[made]))
            assert (await client.receipt()).message_id == message_id

    run()


@pytest.mark.parametrize("shown", [True, False])
def test_connector_shows_its_own_certificate(tmp_path: Path, pki: Path, shown: bool) -> None:
    @journey
    async def run() -> None:
        tls = TlsClient(ca=pki / "good.pem")
        if shown:
            tls = replace(tls, certificate=pki / "other.pem", key=pki / "other.key")
        async with (
            simulated_smsc() as smsc,
            tls_in_front(smsc.port, pki, "good", clients="other") as port,
            running(config(connector(port, tls=tls)), tmp_path) as gateway,
        ):
            if shown:
                client = await gateway.client()
                message_id = await client.submit()
                assert (await client.receipt()).message_id == message_id
            else:
                await gateway.said("link_lost", times=3)
                assert smsc.counters.binds == 0

    run()
