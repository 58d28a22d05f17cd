"""TLS: dates, chains and keys of our certificates, and handshakes with those that we connect to."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from gateway.cli.doctor.connecting import NO_CHECK_TIME, handshake, reason_of
from gateway.cli.doctor.look import Look, listeners_of
from gateway.cli.doctor.results import Finding, Job, failed, passed, said, skipped, warned
from gateway.config.basics import TlsClient, TlsServer
from gateway.config.model import Config
from gateway.core.certificates import decoded
from gateway.egress.tls import client_context
from gateway.ingress.tls import server_context

SOON_DAYS = 14
DAY_S = 86_400
_RENEW = "renew it, then smsc-gateway reload"
_LEAF_ALONE, _CHAIN_ENDS_PRIVATELY = 18, 19
"""X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN"""
_NO_ISSUER = (20, 21)
"""X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE"""


def jobs(look: Look) -> Iterator[Job]:
    config = look.config
    assert config is not None
    found = [
        *_ours(look),
        *(
            _theirs(
                f"connector {connector.name} ({address})", address.host, address.port, connector.tls, look
            )
            for connector in config.connectors
            if connector.tls is not None
            for address in (connector.address, *connector.backup_addresses)
        ),
        *(
            _theirs(f"connector {service.name} ({url})", url.host, url.port, service.tls, look)
            for service in config.smsc_connectors
            for url in (service.url, *service.backup_urls)
            if url.scheme == "https"
        ),
    ]
    yield from found or [said(skipped("certificates", "the configuration has no TLS"))]


# -- ours --------------------------------------------------------------------------------------------


def _ours(look: Look) -> Iterator[Job]:
    assert look.config is not None
    of_files: dict[TlsServer, list[str]] = {}  # one certificate may be all listeners'
    for protocol, key, address, tls, _ in listeners_of(look.config):
        if tls is not None:
            subject = f"{protocol} {address}"
            of_files.setdefault(tls, []).append(subject)
            if name := _own_name(look, key):
                yield Job(subject, partial(_names, subject, tls, name))
    for tls, subjects in of_files.items():
        subject = ", ".join(subjects)
        yield Job(subject, partial(_listener, subject, tls, look))
    for name, client in _clients(look.config):
        if client is not None and client.certificate is not None:
            subject, file = f"our certificate for {name}", client.certificate
            yield Job(subject, partial(_dates, subject, file, look))


def _clients(config: Config) -> Iterator[tuple[str, TlsClient | None]]:
    """Where we are the client."""
    yield from ((connector.name, connector.tls) for connector in config.connectors)
    yield from ((service.name, service.tls) for service in config.smsc_connectors)
    if config.mail is not None and config.mail.smarthost is not None:
        yield "the smarthost", config.mail.smarthost.certificates


def _own_name(look: Look, key: str) -> str:
    """The name that clients of a listener expect, where the configuration tells it."""
    assert look.config is not None
    for number, smtp in enumerate(look.config.listeners.smtp):
        if key == f"listeners.smtp[{number}]":
            return smtp.hostname
    links = look.config.http.links
    for number, http in enumerate(look.config.listeners.http):
        if key == f"listeners.http[{number}]" and "links" in http.serves and links is not None:
            return links.host
    return ""


def _listener(subject: str, tls: TlsServer, look: Look) -> Iterator[Finding]:
    try:
        server = server_context(tls)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or "it is unreadable"
        text = f"certificate and key cannot be used together: {reason}"
        yield failed(subject, text, "give PEM files of one pair, the key without a passphrase")
        return
    assert server is not None
    yield _dates(subject, tls.certificate, look)
    yield _chain(f"chain of {tls.certificate}", server)


def _dates(subject: str, path: Path, look: Look) -> Finding:
    try:
        certificate = decoded(path)
    except (OSError, ValueError):
        return failed(subject, f"{path} is no certificate in PEM", "give a PEM file")
    return _days_left(f"{_common_name(certificate)}", subject, certificate, look, _RENEW)


def _days_left(
    what: str, subject: str, certificate: Mapping[str, Any], look: Look, what_next: str
) -> Finding:
    now = look.machine.now_s()
    begins, ends = (ssl.cert_time_to_seconds(certificate[name]) for name in ("notBefore", "notAfter"))
    days = int((ends - now) // DAY_S)
    if now > ends:
        return failed(subject, f"{what} expired on {certificate['notAfter']}", what_next)
    if now < begins:
        text = f"{what} is not valid before {certificate['notBefore']}"
        return failed(subject, text, "look at this machine's clock; else give one that is valid")
    text = f"{what}, {days} days left"
    return warned(subject, text, what_next) if days < SOON_DAYS else passed(subject, text)


def _chain(subject: str, server: ssl.SSLContext) -> Finding:
    """Whether clients with the usual authorities can follow it, apart from the leaf's dates."""
    code, text = _verified(server, timeless=True)
    if code in _NO_ISSUER:
        return warned(
            subject,
            f"{text}: a client that does not know its issuer refuses it",
            "put the issuer's certificates behind it in the file, unless clients are given a private one",
        )
    if code in (_LEAF_ALONE, _CHAIN_ENDS_PRIVATELY):
        which = "self-signed" if code == _LEAF_ALONE else "of a private authority"
        return passed(subject, f"complete, {which}: clients have to be given it")
    if code:
        return failed(subject, text, "give a certificate for a server, with its chain")
    code, text = _verified(server, timeless=False)
    if code:
        return failed(subject, f"{text}, here or in the chain behind it", _RENEW)
    return passed(subject, "complete, and trusted by this machine")


def _verified(server: ssl.SSLContext, *, timeless: bool) -> tuple[int, str]:
    client = client_context(None)
    client.check_hostname = False
    if timeless:
        client.verify_flags |= NO_CHECK_TIME
    return _met(server, client, None)


def _names(subject: str, tls: TlsServer, name: str) -> Iterator[Finding]:
    try:
        server = server_context(tls)
    except (OSError, ValueError):
        return  # which is told of the listener itself
    assert server is not None
    client = ssl.create_default_context(cafile=str(tls.certificate))
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | NO_CHECK_TIME
    code, _ = _met(server, client, name)
    if code:
        yield warned(subject, f"its certificate is not for {name}", f"get one with {name} among its names")
    else:
        yield passed(subject, f"its certificate is for {name}")


def _met(server: ssl.SSLContext, client: ssl.SSLContext, name: str | None) -> tuple[int, str]:
    """A handshake in memory: OpenSSL's code and words when the client does not believe the server."""
    upward, downward = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(upward, downward, server_side=True)
    theirs = client.wrap_bio(downward, upward, server_hostname=name)
    for side in (theirs, ours, theirs):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLCertVerificationError as error:
            return error.verify_code, error.verify_message
    return 0, ""


# -- theirs ------------------------------------------------------------------------------------------


def _theirs(subject: str, host: str, port: int, tls: TlsClient | None, look: Look) -> Job:
    def shake() -> Iterator[Finding]:
        try:
            version, certificate = handshake(host, port, tls)
        except ssl.SSLCertVerificationError as error:
            text = "correct tls.server_name and tls.ca; expired: the other side has to renew it"
            yield failed(subject, reason_of(error), text)
        except ssl.SSLError as error:
            text = "compare tls and port with what the other side says; it may want a certificate of ours"
            yield failed(subject, f"no TLS: {reason_of(error)}", text)
        except OSError as error:
            yield skipped(subject, f"no connection ({reason_of(error)}); see binds")
        else:
            what = f"{version}, chain verified, {_common_name(certificate)}"
            yield _days_left(what, subject, certificate, look, "remind the other side to renew it")

    return Job(subject, shake, 10.0)


def _common_name(certificate: Mapping[str, Any]) -> str:
    names = [value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"]
    names += [v for part in certificate.get("subject", ()) for key, v in part if key == "commonName"]
    return f"certificate of {names[0]}" if names else "certificate"
