"""schemathesis asks the JSON API of a running gateway whatever its OpenAPI document leaves open."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from free_ports import free_ports
from interop_gateway import EXECUTABLE, HOST, hashed_password, listens, running
from interop_peers import python_environment
from interop_service import ENVIRONMENT

from gateway.core.api_keys import hash_key, new_key

pytestmark = pytest.mark.interop

EXAMPLES = 8
"""Of each operation, beside those that the document shows and those at the edges of its schemas."""
CHECKED_AT_LEAST = 500
RUN_TIMEOUT_S = 240
CONFIG = """\
listeners:
  http:
    - address: "{host}:{port}"
http:
  limits: 0
  max_requests: 1000
  block_after: 0
accounts:
  - system_id: app
    password_hash: "{password_hash}"
    api_keys: ["{key_hash}"]
    test_mode: true
    http: {{}}
connectors:
  - name: nobody
    address: "{host}:{nobody}"
    system_id: gateway
    password: upstream
routes:
  - connectors: [nobody]
"""


def test_the_api_is_what_its_document_says(tmp_path: Path) -> None:
    schemathesis = python_environment().with_name("schemathesis")
    port, nobody = free_ports(2)
    key = new_key()
    config = tmp_path / "gateway.yaml"
    config.write_text(
        CONFIG.format(
            host=HOST, port=port, nobody=nobody, password_hash=hashed_password(), key_hash=hash_key(key)
        )
    )
    config.chmod(0o600)
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    gateway = [str(EXECUTABLE), "run", "--config", str(config), "--state-dir", str(state)]
    url = f"http://{HOST}:{port}/v1"
    with running(gateway, tmp_path / "gateway.log", lambda: listens(port)):
        done = subprocess.run(
            [
                str(schemathesis),
                "run",
                f"{url}/openapi.json",
                f"--url={url}",
                f"--header=Authorization: Bearer {key}",
                f"--max-examples={EXAMPLES}",
                "--phases=examples,coverage,fuzzing",
                # a text may need more SMS, or a name other characters, than a schema can say
                "--exclude-checks=positive_data_acceptance",
                # it does not end
                "--exclude-path=/events",
                "--continue-on-failure",
                "--request-timeout=20",
                "--warnings=off",
                "--seed=1",
            ],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**ENVIRONMENT, "NO_COLOR": "1"},
            timeout=RUN_TIMEOUT_S,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    cases = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert cases, done.stdout
    assert int(cases[2]) >= CHECKED_AT_LEAST, done.stdout
    assert "8 selected / 9 total" in done.stdout, done.stdout
