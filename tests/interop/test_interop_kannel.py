"""Debian's Kannel, bearerbox and smsbox, as a client of ours."""

from pathlib import Path

import pytest
from interop_gateway import running_gateway
from interop_peers import Smsc, check_delivered, kannel_peer, run_peer

pytestmark = pytest.mark.interop


@pytest.mark.parametrize("options", [[], ["--pair"]], ids=["transceiver", "pair"])
def test_kannel_sends_four_texts_and_gets_every_receipt(
    options: list[str], gateway: Smsc, tmp_path: Path
) -> None:
    check_delivered(run_peer([*kannel_peer(tmp_path), *options], gateway), long_ids=1)


def test_kannel_gets_every_receipt_when_the_smsc_sends_them_first(tmp_path: Path) -> None:
    """Bound to such an SMSC itself, Kannel would drop them."""
    peer = kannel_peer(tmp_path)
    with running_gateway(tmp_path, None, "--receipt-before-response") as gateway:
        check_delivered(run_peer(peer, gateway), long_ids=1)
