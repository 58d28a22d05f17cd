"""What a link's TLS demands of the other end."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from gateway.config.model import TlsClient
from gateway.egress.tls import client_context


@pytest.mark.parametrize("tls", [None, TlsClient()])
def test_the_other_end_is_verified_and_old_tls_refused(tls: TlsClient | None) -> None:
    context = client_context(tls)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("name", ["ca", "certificate"])
def test_a_file_that_is_not_there_is_an_error(tmp_path: Path, name: str) -> None:
    missing = tmp_path / "missing.pem"
    with pytest.raises(OSError, match="No such file"):
        client_context(TlsClient(**{name: missing}))
