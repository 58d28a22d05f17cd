"""curl as a client of the gateway's HTTP front: the same script as against the simulated service."""

import subprocess
from pathlib import Path

import pytest
from interop_front import running_front
from interop_peers import PEERS
from interop_service import ENVIRONMENT
from peer_programs import need

pytestmark = pytest.mark.interop

SCRIPT_TIMEOUT_S = 120


def test_the_script_written_for_the_service_passes_unchanged_against_the_gateway(tmp_path: Path) -> None:
    need("curl", "curl")
    with running_front(tmp_path) as front:
        done = subprocess.run(
            [str(PEERS / "smsc_http.sh"), front.url],
            capture_output=True,
            text=True,
            env=ENVIRONMENT,
            timeout=SCRIPT_TIMEOUT_S,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    checked = [line for line in done.stdout.splitlines() if line.startswith("ok ")]
    assert len(checked) > 350, done.stdout
    assert done.stderr == ""
