"""TLS and login towards the smarthost: nothing goes over a connection that is not as it is configured."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from postman_support import HOST, Office, Server, changed, run, serving

from gateway.config.basics import Address, TlsClient
from gateway.config.secret import Secret
from gateway.egress.mail import FIRST_RETRY_S
from gateway.egress.mail_connection import _reason

NAME = "smarthost.example.org"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Self-signed certificates: `good` for NAME and 127.0.0.1, `named` for NAME alone."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("pki")
    for name, alternatives in (("good", f"DNS:{NAME},IP:{HOST}"), ("named", f"DNS:{NAME}")):
        command = f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
        names = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName={alternatives}"]
        files = ["-out", f"{name}.pem", "-keyout", f"{name}.key"]
        subprocess.run([*command.split(), *names, *files], cwd=folder, check=True, capture_output=True)
    return folder


def with_tls(pki: Path, name: str = "good", **options: Any) -> Server:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / f"{name}.pem", pki / f"{name}.key")
    return Server(tls=context, **options)


def trusting(pki: Path, name: str = "good", server_name: str | None = None) -> TlsClient:
    return TlsClient(ca=pki / f"{name}.pem", server_name=server_name)


def goes(server: Callable[[], Server], section: dict[str, Any], *, tls: bool, login: str = "") -> Server:
    """A letter is taken, over TLS or not; the smarthost."""
    found = []

    async def test() -> None:
        async with serving(server(), connections=1, **section) as (office, smarthost):
            found.append(smarthost)
            await office.send(2)
            assert [(mail.tls, mail.login) for mail in smarthost.handler.mails] == [(tls, login)] * 2
            assert not office.events_named("smarthost_down")

    run(test)
    return found[0]


def waits(
    server: Callable[[], Server], section: dict[str, Any], *, reason: str, fix: str, level: str = "error"
) -> Server:
    """Nothing is sent, the letter waits, and a line says why and what to do; the smarthost."""
    found = []

    async def test() -> None:
        async with serving(server(), connections=1, **section) as (office, smarthost):
            found.append(smarthost)
            await waits_in(office, reason, fix, level)
            assert smarthost.handler.mails == []

    run(test)
    return found[0]


async def waits_in(office: Office, reason: str, fix: str, level: str = "error") -> None:
    [row] = await office.put_off(*office.write())
    assert reason in row.reason
    assert not office.store.dead
    [line] = office.events_named("smarthost_down")
    assert line.startswith(level)
    assert fix in line.partition("fix=")[2]


# -- TLS -------------------------------------------------------------------------------------------------


def test_starttls_is_verified_when_it_is_required(pki: Path) -> None:
    goes(lambda: with_tls(pki), {"tls": "required", "certificates": trusting(pki)}, tls=True)


def test_security_41_without_starttls_nothing_is_sent_when_it_is_required(pki: Path) -> None:
    section = {"tls": "required", "certificates": trusting(pki)}
    waits(Server, section, reason="does not offer STARTTLS", fix="tls and certificates of mail.smarthost")


@pytest.mark.parametrize("tls", ["required", "implicit"])
def test_security_39_a_certificate_that_nobody_vouches_for_stops_the_mail(pki: Path, tls: str) -> None:
    section = {"tls": tls, "certificates": trusting(pki, "named")}
    server = lambda: with_tls(pki, implicit=tls == "implicit")  # noqa: E731
    waits(server, section, reason="its certificate is not valid", fix="mend TLS")


@pytest.mark.parametrize("tls", ["required", "implicit"])
def test_security_39_a_certificate_of_another_name_stops_the_mail(pki: Path, tls: str) -> None:
    server = lambda: with_tls(pki, "named", implicit=tls == "implicit")  # noqa: E731
    section: dict[str, Any] = {"tls": tls, "certificates": trusting(pki, "named")}
    waits(server, section, reason="its certificate is not valid", fix="mend TLS")
    section["certificates"] = trusting(pki, "named", "other.example.org")
    waits(server, section, reason="its certificate is not valid", fix="mend TLS")
    section["certificates"] = trusting(pki, "named", NAME)
    goes(server, section, tls=True)


def test_tls_from_the_first_octet(pki: Path) -> None:
    section = {"tls": "implicit", "certificates": trusting(pki)}
    goes(lambda: with_tls(pki, implicit=True), section, tls=True)


def test_a_server_without_tls_where_it_is_expected_from_the_first_octet(pki: Path) -> None:
    section = {"tls": "implicit", "certificates": trusting(pki, server_name=NAME)}
    waits(Server, section, reason="SSL", fix="mend TLS")


@pytest.mark.parametrize("offered", [True, False])
def test_opportunistic_tls_takes_what_there_is_and_asks_no_questions(pki: Path, offered: bool) -> None:
    goes((lambda: with_tls(pki, "named")) if offered else Server, {"tls": "opportunistic"}, tls=offered)


def test_without_tls_starttls_is_not_used(pki: Path) -> None:
    goes(lambda: with_tls(pki), {"tls": "none"}, tls=False)


def test_starttls_that_fails_for_now_is_waited_for(pki: Path) -> None:
    async def test() -> None:
        server = with_tls(pki)
        async with serving(server, tls="required", certificates=trusting(pki)) as (office, smarthost):
            smarthost.handler.always["STARTTLS"] = "454 4.7.0 not now"
            await waits_in(office, "454 4.7.0 not now", "-", "warning")

    run(test)


def test_our_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    section = {"tls": "required", "certificates": TlsClient(ca=tmp_path / "missing.pem")}
    waits(Server, section, reason="our certificates: No such file", fix="correct certificates")


def test_a_client_certificate_is_shown(pki: Path) -> None:
    def server() -> Server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki / "good.pem", pki / "good.key")
        context.load_verify_locations(pki / "named.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        return Server(tls=context, implicit=True)

    ours = TlsClient(ca=pki / "good.pem", certificate=pki / "named.pem", key=pki / "named.key")
    section = {"tls": "implicit", "certificates": ours}
    goes(server, section, tls=True)


# -- login -----------------------------------------------------------------------------------------------

LOGIN = {"username": "gateway", "password": Secret("open sesame")}


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_a_login_over_tls(pki: Path, mechanism: str) -> None:
    section = {"tls": "required", "certificates": trusting(pki), **LOGIN}
    other = {"PLAIN", "LOGIN"} - {mechanism}
    server = goes(
        lambda: with_tls(pki, auth_required=True, auth_exclude_mechanism=other),
        section,
        tls=True,
        login="gateway",
    )
    assert set(server.handler.logins) == {mechanism}


def test_a_wrong_password_is_said_and_a_reload_mends_it(pki: Path) -> None:
    async def test() -> None:
        section = {"tls": "required", "certificates": trusting(pki), **LOGIN, "password": Secret("sesame")}
        async with serving(with_tls(pki, auth_required=True), connections=1, **section) as (office, server):
            await waits_in(office, "535", "correct username and password")
            assert "sesame" not in "".join(office.written)
            changed(office, password=Secret("open sesame"))
            office.advance(FIRST_RETRY_S)
            await office.store.until(lambda: office.store.sent)
            assert server.handler.mails[0].login == "gateway"

    run(test)


def test_a_login_that_is_not_offered_is_not_tried(pki: Path) -> None:
    section = {"tls": "required", "certificates": trusting(pki), **LOGIN}
    server = waits(
        lambda: with_tls(pki, auth_exclude_mechanism=["PLAIN", "LOGIN"]),
        section,
        reason="offers no AUTH",
        fix="remove username",
    )
    assert server.handler.logins == []


def test_security_42_a_password_goes_nowhere_without_tls_except_on_this_machine() -> None:
    def server() -> Server:
        return Server(auth_require_tls=False)

    # "127.1" is this machine too, only that nobody can see it by the name
    async def test() -> None:
        async with serving(server(), connections=1, tls="opportunistic", **LOGIN) as (office, smarthost):
            changed(office, address=Address("127.1", smarthost.port))
            await waits_in(office, "a password is not sent without TLS", "mend TLS")
            assert smarthost.opened == 1 and smarthost.handler.logins == []

    run(test)
    goes(server, {"tls": "opportunistic", **LOGIN}, tls=False, login="gateway")


def test_a_name_without_an_address_is_said_in_the_systems_words() -> None:
    assert _reason(socket.gaierror(-2, "Name or service not known")) == "Name or service not known"


@pytest.mark.parametrize(
    ("reply", "level"), [("554 5.7.1 not you", "error"), ("421 4.3.2 too busy", "warning")]
)
def test_an_ehlo_that_is_refused(reply: str, level: str) -> None:
    async def test() -> None:
        async with serving(connections=1) as (office, server):
            server.handler.ehlo = reply
            await waits_in(office, reply, "-" if level == "warning" else "take mail from this machine", level)

    run(test)
