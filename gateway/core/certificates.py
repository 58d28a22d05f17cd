"""What a certificate's file says."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def decoded(certificate: Path) -> Mapping[str, Any]:
    """The first certificate of a PEM file, as `SSLSocket.getpeercert` has one; OSError when there is none.

    A context does not tell what it has loaded, and the one function that reads a certificate's dates is among
    the module's private ones: the alternative is a parser of our own, or a library of ten megabytes.
    """
    found: Mapping[str, Any] = ssl._ssl._test_decode_cert(str(certificate))  # type: ignore[attr-defined]
    return found


def ends_of(certificate: Path) -> float:
    """When the first certificate of a file ends, in seconds since 1970; OSError when there is none."""
    return float(ssl.cert_time_to_seconds(decoded(certificate)["notAfter"]))
