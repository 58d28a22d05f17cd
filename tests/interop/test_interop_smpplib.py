"""smpplib, an SMPP implementation in Python that shares no code with ours."""

from pathlib import Path

import pytest
from interop_peers import Smsc, check_delivered, run_peer, smpplib_peer

pytestmark = pytest.mark.interop


def test_smpplib_sends_four_texts_and_gets_every_receipt(gateway: Smsc, tmp_path: Path) -> None:
    check_delivered(run_peer(smpplib_peer(tmp_path), gateway), long_ids=5)
