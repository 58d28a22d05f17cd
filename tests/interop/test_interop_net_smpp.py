"""Perl's Net::SMPP, as Debian packages it."""

from pathlib import Path

import pytest
from interop_peers import Smsc, check_delivered, net_smpp_peer, run_peer

pytestmark = pytest.mark.interop


def test_net_smpp_sends_four_texts_and_gets_every_receipt(gateway: Smsc, tmp_path: Path) -> None:
    check_delivered(run_peer(net_smpp_peer(tmp_path), gateway), long_ids=5)
