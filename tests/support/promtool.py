"""Prometheus' own checker, from Debian's package `prometheus`; the server itself is never started."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

TIMEOUT_S = 120


def promtool(*arguments: str, stdin: str = "", cwd: Path | None = None) -> str:
    """What it says of good input; the test fails with its words when it finds fault."""
    program = shutil.which("promtool")
    if program is None:
        reason = "promtool is not installed (Debian package prometheus)"
        if os.environ.get("REQUIRE_PEERS") == "1":
            pytest.fail(f"{reason}, and REQUIRE_PEERS=1")
        pytest.skip(reason)
    done = subprocess.run(
        [program, *arguments], input=stdin, capture_output=True, text=True, timeout=TIMEOUT_S, cwd=cwd
    )
    said = (done.stdout + done.stderr).strip()
    assert done.returncode == 0, said
    return said
