"""tshark opens what `smsc-gateway trace --out` writes."""

import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from interop_tshark import decode
from peer_programs import need

from gateway.cli.trace import Capture
from gateway.ops.trace_pdus import head_of, shown
from protocols.smpp import tlv
from protocols.smpp.codec import encode
from protocols.smpp.pdu import DataSm

pytestmark = pytest.mark.interop

PORT = 2775
VECTORS = json.loads((Path(__file__).parents[1] / "vectors/smpp/pdus.json").read_text())
SPECIFIED = [bytes.fromhex(one["hex"]) for one in VECTORS if one["reencodes"]]
LARGE = encode(DataSm(sequence_number=9, tlvs=((tlv.MESSAGE_PAYLOAD, b"x" * 60_000),)))
ENDS = {
    "ipv4": (["192.0.2.1", PORT], ["192.0.2.7", 51234]),
    "ipv6": (["2001:db8::1", PORT], ["2001:db8::7", 51234]),
}


def written(path: Path, frames: list[bytes], kind: str) -> None:
    ours, theirs = ENDS[kind]
    file = io.BytesIO()
    capture = Capture(file)
    for number, frame in enumerate(frames):
        row: dict[str, Any] = {
            "at_ms": 1_750_000_000_000 + number,
            "session": 1,
            "way": "sent" if number % 2 else "received",
            "ours": ours,
            "theirs": theirs,
            **shown(frame, texts=True),
        }
        capture.add(row)
    path.write_bytes(file.getvalue())


@pytest.mark.parametrize("kind", ENDS)
def test_every_pdu_is_decoded_as_smpp(tmp_path: Path, kind: str) -> None:
    need("tshark", "tshark")
    frames = [*SPECIFIED, LARGE]
    written(tmp_path / "trace.pcap", frames, kind)
    traffic = decode([tmp_path / "trace.pcap"], [PORT])
    assert traffic.undecoded_octets == 0
    assert sorted(pdu.command_id for pdu in traffic.pdus) == sorted(head_of(frame)[0] for frame in frames)
    passwords = {pdu.fields["password"] for pdu in traffic.pdus if pdu.fields.get("password")}
    assert all(set(password) == {"*"} for password in passwords) and passwords


@pytest.mark.parametrize("kind", ENDS)
def test_checksums_lengths_and_sequence_numbers_are_right(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "trace.pcap"
    written(path, [*SPECIFIED, LARGE, *SPECIFIED], kind)
    command = [need("tshark", "tshark"), "-n", "-r", str(path), "-T", "fields", "-e", "frame.number"]
    command += ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
    wrong = "ip.checksum.status == 0 || tcp.analysis.flags || tcp.checksum.status == 0"
    command += ["-Y", wrong]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout == ""
