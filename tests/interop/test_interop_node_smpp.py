"""The npm package smpp, in the exact version of peers/node/package-lock.json."""

import subprocess

import pytest
from interop_peers import PEERS, Smsc, check_delivered, missing, need, run_peer

pytestmark = pytest.mark.interop

PACKAGE = PEERS / "node"
INSTALL_TIMEOUT_S = 120


def install_package() -> None:
    """Install what the lock file says, unless that was done since the lock file changed."""
    installed = PACKAGE / "node_modules" / ".package-lock.json"
    lock_file = PACKAGE / "package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock_file.stat().st_mtime:
        return
    npm = need("npm", "npm")
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    result = subprocess.run(
        command, cwd=PACKAGE, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False
    )
    if result.returncode != 0:
        missing(f"npm ci in {PACKAGE} failed: {result.stderr}")


def test_node_smpp_sends_four_texts_and_gets_every_receipt(gateway: Smsc) -> None:
    node = need("node", "nodejs")
    install_package()
    results = run_peer([node, str(PACKAGE / "peer.js")], gateway)
    check_delivered(results, long_ids=1)
