"""Debian's libsmpp34, a packer and unpacker of PDUs in C, with a program of ours around it."""

from pathlib import Path

import pytest
from interop_peers import Smsc, check_delivered, libsmpp34_peer, run_peer

pytestmark = pytest.mark.interop


def test_libsmpp34_sends_four_texts_and_gets_every_receipt(gateway: Smsc, tmp_path: Path) -> None:
    check_delivered(run_peer(libsmpp34_peer(tmp_path), gateway), long_ids=5)
