"""What a listener's TLS is made of; that it works is shown over sockets elsewhere."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from gateway.config.model import TlsServer
from gateway.ingress.tls import server_context


def test_there_is_none_unless_configured() -> None:
    assert server_context(None) is None


def test_old_tls_is_refused(pki: Path) -> None:
    context = server_context(TlsServer(certificate=pki / "good.pem", key=pki / "good.key"))
    assert context is not None
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        server_context(TlsServer(certificate=tmp_path / "missing.pem", key=tmp_path / "missing.key"))
