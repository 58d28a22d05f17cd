"""smpplib, an SMPP implementation in Python that shares no code with ours."""

import sys

import pytest
from interop_peers import PEERS, Smsc, check_delivered, run_peer

pytestmark = pytest.mark.interop


def test_smpplib_sends_four_texts_and_gets_every_receipt(gateway: Smsc) -> None:
    results = run_peer([sys.executable, str(PEERS / "smpplib_peer.py")], gateway)
    check_delivered(results, long_ids=5)
