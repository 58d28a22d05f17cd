"""SMPP clients from PyPI that share no code with smpplib, as peers/python/requirements.lock has them."""

from pathlib import Path

import pytest
from interop_peers import Smsc, aiosmpplib_peer, check_delivered, run_peer, rusmppyc_peer

pytestmark = pytest.mark.interop


def test_aiosmpplib_sends_four_texts_and_gets_every_receipt(gateway: Smsc, tmp_path: Path) -> None:
    check_delivered(run_peer(aiosmpplib_peer(tmp_path), gateway), long_ids=5)


def test_rusmppyc_binds_with_5_0_sends_four_texts_and_gets_every_receipt(
    gateway: Smsc, tmp_path: Path
) -> None:
    check_delivered(run_peer(rusmppyc_peer(tmp_path), gateway), long_ids=5)
