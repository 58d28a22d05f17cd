"""The npm package smpp, in the exact version of peers/node/package-lock.json."""

from pathlib import Path

import pytest
from interop_peers import Smsc, check_delivered, node_peer, run_peer

pytestmark = pytest.mark.interop


def test_node_smpp_sends_four_texts_and_gets_every_receipt(gateway: Smsc, tmp_path: Path) -> None:
    check_delivered(run_peer(node_peer(tmp_path), gateway), long_ids=1)
