"""Perl's Net::SMPP, as Debian packages it."""

import subprocess

import pytest
from interop_peers import PEERS, Smsc, check_delivered, missing, need, run_peer

pytestmark = pytest.mark.interop


def test_net_smpp_sends_four_texts_and_gets_every_receipt(gateway: Smsc) -> None:
    perl = need("perl", "perl")
    if subprocess.run([perl, "-MNet::SMPP", "-e", "1"], capture_output=True, check=False).returncode != 0:
        missing("Net::SMPP is not installed (Debian package libnet-smpp-perl)")
    results = run_peer([perl, str(PEERS / "net_smpp.pl")], gateway)
    check_delivered(results, long_ids=5)
