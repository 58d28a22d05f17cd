"""SMPP clients from PyPI that share no code with smpplib, as peers/python/requirements.lock has them."""

import json
from pathlib import Path

import pytest
from interop_peers import Smsc, aiosmpplib_peer, check_delivered, run_peer, rusmppyc_peer

pytestmark = pytest.mark.interop

REFUSED = "46701999011"  # for good, by the simulated SMSC


def test_aiosmpplib_sends_four_texts_and_gets_every_receipt(gateway: Smsc, tmp_path: Path) -> None:
    check_delivered(run_peer(aiosmpplib_peer(tmp_path), gateway), long_ids=5)


def test_aiosmpplib_reads_the_receipt_of_a_message_that_the_smsc_refuses(
    gateway: Smsc, tmp_path: Path
) -> None:
    """It takes the receipt's error for a number; at words it would drop the link, for ever."""
    messages = tmp_path / "messages.json"
    messages.write_text(json.dumps([{"name": "refused", "to": REFUSED, "text": "hello", "segments": 1}]))
    [result] = run_peer([*aiosmpplib_peer(tmp_path), "--messages", str(messages)], gateway)
    [message_id] = result["message_ids"]
    assert result["receipts"] == [{"id": message_id, "stat": "REJECTD"}]


def test_rusmppyc_binds_with_5_0_sends_four_texts_and_gets_every_receipt(
    gateway: Smsc, tmp_path: Path
) -> None:
    check_delivered(run_peer(rusmppyc_peer(tmp_path), gateway), long_ids=5)
