"""Connections that are opened to see whether they can be, and say nothing; and TLS on them."""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import Any

from gateway.config.basics import TlsClient
from gateway.core.errors import system_reason
from gateway.egress.tls import client_context

CONNECT_S = 4.0
_ALERT_S = 0.3
"""So long a refusal of our certificate is waited for: TLS 1.3 says it behind the handshake."""
NO_CHECK_TIME = ssl.VerifyFlags(0x200000)
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which the ssl module has no name for."""


def connect(host: str, port: int, seconds: float = CONNECT_S) -> socket.socket:
    """A TCP connection; OSError."""
    return socket.create_connection((host, port), seconds)


def reason_of(error: OSError) -> str:
    """What went wrong, in a few words without secrets."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return (error.reason or "the handshake failed").lower().replace("_", " ")
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return system_reason(error) or "the connection was lost"


def handshake(
    host: str, port: int, tls: TlsClient | None, seconds: float = CONNECT_S
) -> tuple[str, dict[str, Any]]:
    """TLS as a connector does it: the version, and the peer's certificate as the ssl module reads it.

    Raises OSError: one of the connection's before the handshake, ssl.SSLError in it.
    """
    name = (tls.server_name if tls is not None else None) or host
    context = client_context(tls)
    with connect(host, port, seconds) as plain, context.wrap_socket(plain, server_hostname=name) as link:
        if tls is not None and tls.certificate is not None:
            _hear_refusal(link)
        return link.version() or "TLS", dict(link.getpeercert() or {})


def _hear_refusal(link: ssl.SSLSocket) -> None:
    link.settimeout(_ALERT_S)
    with contextlib.suppress(TimeoutError):  # nothing is said: it took our certificate
        link.recv(1)


def own_context(certificate: str) -> ssl.SSLContext:
    """For a listener of ours, which is believed by the certificate in its file, whatever name and dates."""
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | NO_CHECK_TIME
    return context


def near(host: str) -> str:
    """Where a listener on this address answers for this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - nothing listens there
