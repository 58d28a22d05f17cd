"""Debian's Kannel, bearerbox and smsbox, as a client of ours."""

import sys
from pathlib import Path

import pytest
from interop_peers import PEERS, Smsc, check_delivered, need, run_peer

pytestmark = pytest.mark.interop


def test_kannel_sends_four_texts_and_gets_every_receipt(gateway: Smsc, tmp_path: Path) -> None:
    need("bearerbox", "kannel")
    need("smsbox", "kannel")
    peer = [sys.executable, str(PEERS / "kannel_peer.py"), "--work-dir", str(tmp_path)]
    check_delivered(run_peer(peer, gateway), long_ids=1)
