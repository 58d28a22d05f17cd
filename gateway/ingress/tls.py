"""TLS of the listeners that clients come to."""

from __future__ import annotations

import ssl

from gateway.config.model import TlsServer


def server_context(tls: TlsServer | None) -> ssl.SSLContext | None:
    """TLS 1.2 or later with the listener's certificate; None without TLS.  OSError when it cannot be read."""
    if tls is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(tls.certificate, tls.key)
    return context


def renew(context: ssl.SSLContext | None, tls: TlsServer | None) -> None:
    """Takes a certificate from its files anew, for connections that come from now on; OSError as above."""
    if context is not None and tls is not None:
        context.load_cert_chain(tls.certificate, tls.key)
