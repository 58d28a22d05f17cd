"""Certificates that are renewed under the same names, and files of a connector that changed."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from journey_support import HOST, UPSTREAM, Client, Gateway, account, config, connector, journey, running

from gateway.config.basics import Address
from gateway.config.files import prints_of
from gateway.config.model import AccountHttp, Config, HttpListener, Listeners, TlsClient, TlsServer
from gateway.reloading import Loaded, ReloadError
from protocols.smpp import constants as c


def make(folder: Path, name: str) -> TlsServer:
    """A certificate and its key, in place of those that are there."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.fail("needs openssl")
    command = f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    files = ["-subj", "/CN=localhost", "-out", f"{name}.pem", "-keyout", f"{name}.key"]
    subprocess.run([*command.split(), *files], cwd=folder, check=True, capture_output=True)
    return TlsServer(certificate=folder / f"{name}.pem", key=folder / f"{name}.key")


async def connected(gateway: Gateway) -> tuple[Client, bytes]:
    """A client, and the certificate that it was shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = await gateway.connect(tls=context)
    shown = client.transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
    assert isinstance(shown, bytes)
    return client, shown


def written(tls: TlsServer) -> bytes:
    return ssl.PEM_cert_to_DER_cert(tls.certificate.read_text())


async def reload(gateway: Gateway, new: Config | None = None) -> list[str]:
    """Takes over what the files hold now; what changed."""
    made = new or gateway.daemon.config
    plan = await gateway.daemon.reloading.take_over(Loaded(made, prints_of(made)))
    return [str(change) for change in plan.changes]


@journey
async def test_a_renewed_certificate_is_shown_to_new_connections(tmp_path: Path) -> None:
    tls = make(tmp_path, "tls")
    async with running(config(connector(1), listener={"tls": tls}), tmp_path / "state") as gateway:
        first, shown = await connected(gateway)
        assert shown == written(tls)
        assert await first.bind() == c.ESME_ROK
        make(tmp_path, "tls")
        assert await reload(gateway) == [
            f"listeners.smpp[{HOST}:0].tls.certificate: its content changed",
            f"listeners.smpp[{HOST}:0].tls.key: its content changed",
        ]
        _, shown = await connected(gateway)
        assert shown == written(tls)
        await first.submit()
        assert await reload(gateway) == []
        assert not gateway.lines_with("restart_needed")


@journey
async def test_security_43_a_certificate_that_is_gone_again_ends_the_reload_unchanged(
    tmp_path: Path,
) -> None:
    tls = make(tmp_path, "tls")
    async with running(config(connector(1), listener={"tls": tls}), tmp_path / "state") as gateway:
        old = gateway.daemon.config
        _, shown = await connected(gateway)
        tls.certificate.unlink()  # after it was checked
        with pytest.raises(ReloadError, match="a certificate cannot be read any more"):
            await reload(gateway, replace(old, denied_destinations=["7"]))
        assert gateway.daemon.config is old
        _, again = await connected(gateway)
        assert again == shown


@journey
async def test_a_connector_with_other_authorities_gets_new_links(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make(tmp_path, name)
    ca = tmp_path / "ca.pem"
    ca.write_text((tmp_path / "one.pem").read_text())
    links = [connector(1, tls=TlsClient(ca=ca)), connector(2, "other")]
    async with running(config(*links), tmp_path / "state") as gateway:
        before = dict(gateway.daemon.connectors)
        ca.write_text((tmp_path / "two.pem").read_text())
        assert await reload(gateway) == [f"connectors[{UPSTREAM}].tls.ca: its content changed"]
        after = gateway.daemon.connectors
        assert after[UPSTREAM] is not before[UPSTREAM]
        assert after["other"] is before["other"]
        ca.unlink()
        changed = replace(links[0], tls=TlsClient(ca=ca, server_name="other"))
        with pytest.raises(ReloadError, match="a certificate cannot be read any more"):
            await reload(gateway, replace(gateway.daemon.config, connectors=[changed, links[1]]))
        assert after == gateway.daemon.connectors


@journey
async def test_the_listener_for_http_shows_a_renewed_certificate(tmp_path: Path) -> None:
    tls = make(tmp_path, "tls")
    accounts = [account(http=AccountHttp())]
    listeners = Listeners(http=[HttpListener(address=Address(HOST, 0), tls=tls)])
    made = replace(config(connector(1), accounts=accounts), listeners=listeners)
    async with running(made, tmp_path / "state") as gateway:
        port = gateway.daemon.http.listeners[0].port
        assert (
            await asyncio.to_thread(ssl.get_server_certificate, (HOST, port)) == tls.certificate.read_text()
        )
        make(tmp_path, "tls")
        assert await reload(gateway) == [
            f"listeners.http[{HOST}:0].tls.certificate: its content changed",
            f"listeners.http[{HOST}:0].tls.key: its content changed",
        ]
        assert (
            await asyncio.to_thread(ssl.get_server_certificate, (HOST, port)) == tls.certificate.read_text()
        )
        assert not gateway.lines_with("restart_needed")
