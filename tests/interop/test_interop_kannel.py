"""Debian's Kannel, bearerbox and smsbox, as a client of ours."""

import sys
from pathlib import Path

import pytest
from interop_gateway import running_gateway
from interop_peers import PEERS, Smsc, check_delivered, need, run_peer

pytestmark = pytest.mark.interop


@pytest.fixture
def kannel(tmp_path: Path) -> list[str]:
    """The command that starts Kannel's peer."""
    need("bearerbox", "kannel")
    need("smsbox", "kannel")
    folder = tmp_path / "kannel"
    folder.mkdir()
    return [sys.executable, str(PEERS / "kannel_peer.py"), "--work-dir", str(folder)]


@pytest.mark.parametrize("options", [[], ["--pair"]], ids=["transceiver", "pair"])
def test_kannel_sends_four_texts_and_gets_every_receipt(
    options: list[str], kannel: list[str], gateway: Smsc
) -> None:
    check_delivered(run_peer([*kannel, *options], gateway), long_ids=1)


def test_kannel_gets_every_receipt_when_the_smsc_sends_them_first(kannel: list[str], tmp_path: Path) -> None:
    """Bound to such an SMSC itself, Kannel would drop them."""
    with running_gateway(tmp_path, None, "--receipt-before-response") as gateway:
        check_delivered(run_peer(kannel, gateway), long_ids=1)
