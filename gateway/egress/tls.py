"""TLS towards SMSCs and the smarthost."""

from __future__ import annotations

import ssl

from gateway.config.model import TlsClient


def client_context(tls: TlsClient | None) -> ssl.SSLContext:
    """TLS 1.2 or later that verifies the other end, by the system's authorities unless `tls` names some.

    OSError when a file cannot be read.
    """
    context = ssl.create_default_context(cafile=str(tls.ca) if tls is not None and tls.ca else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls is not None and tls.certificate is not None:
        context.load_cert_chain(tls.certificate, tls.key)
    return context
