"""TLS of the listeners that clients come to."""

from __future__ import annotations

import ssl
from weakref import WeakKeyDictionary

from gateway.config.model import TlsServer
from gateway.core.certificates import ends_of


def server_context(tls: TlsServer | None) -> ssl.SSLContext | None:
    """TLS 1.2 or later with the listener's certificate; None without TLS.  OSError when it cannot be read."""
    if tls is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, tls)
    return context


def renew(context: ssl.SSLContext | None, tls: TlsServer | None) -> None:
    """Takes a certificate from its files anew, for connections that come from now on; OSError as above."""
    if context is not None and tls is not None:
        _load(context, tls)


def certificate_ends(context: ssl.SSLContext | None) -> float | None:
    """When the certificate that clients are shown ends, in seconds since 1970; None: there is none."""
    return None if context is None else _ENDS.get(context)


def _load(context: ssl.SSLContext, tls: TlsServer) -> None:
    context.load_cert_chain(tls.certificate, tls.key)
    _ENDS[context] = ends_of(tls.certificate)


_ENDS: WeakKeyDictionary[ssl.SSLContext, float] = WeakKeyDictionary()
"""Noted when a file is read: it may be another one by now, which clients do not see before a reload."""
