"""Octets from anyone: only DecodeError leaves the decoder, nothing leaves a session but whole PDUs.

A short run by default, beside a small one of benchmarks/fuzz.py; `FUZZ_SMPP_SECONDS=600` runs the seeded
mutator that long, `FUZZ_SMPP_SEED` sets where it begins. A failure names its seed.
"""

import json
import os
import random
import time
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from targets_smpp import decoder, drive, started

from protocols.smpp import codec
from protocols.smpp import constants as c
from protocols.smpp.pdu import BindTransceiver
from protocols.smpp.state import Role

SECONDS = float(os.environ.get("FUZZ_SMPP_SECONDS", "0"))
SEED = int(os.environ.get("FUZZ_SMPP_SEED", "1"))
ROUNDS = 2_000

VECTORS = Path(__file__).parents[1] / "vectors" / "smpp"
FRAMES = [
    bytes.fromhex(row["hex"])
    for name in ("pdus", "malformed")
    for row in json.loads((VECTORS / f"{name}.json").read_text())
]


def mutated(rng: random.Random) -> bytes:
    """A frame from the vectors with a few octets changed, cut or doubled; its length is usually right."""
    frame = bytearray(rng.choice(FRAMES))
    for _ in range(rng.choice((0, 0, 1, 1, 2, 5))):
        at = rng.randrange(len(frame))
        what = rng.randrange(4)
        if what == 0:
            frame[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif what == 1:
            del frame[at : at + rng.randrange(1, 9)]
        elif what == 2:
            frame[at:at] = frame[at : at + rng.randrange(1, 33)]
        else:
            frame[at:at] = rng.randbytes(rng.randrange(1, 9))
        frame = frame or bytearray(16)
    if rng.random() < 0.9:
        frame[:4] = len(frame).to_bytes(4, "big")
    if rng.random() < 0.3 and len(frame) >= 16:
        frame[12:16] = rng.choice((0, 1, 2, 3, 0x7FFFFFFF, 0xFFFFFFFF)).to_bytes(4, "big")
    return bytes(frame)


def one_round(seed: int) -> None:
    rng = random.Random(seed)
    frames = [mutated(rng) for _ in range(rng.randrange(1, 12))]
    for frame in frames:
        decoder(frame)
    stream = b"".join(frames)
    if rng.random() < 0.5:
        bind = BindTransceiver(system_id="a", sequence_number=1)
        stream = codec.encode(bind) + stream
    chunks = []
    while stream:
        size = rng.choice((1, 7, 16, 64, 4096))
        chunks.append(stream[:size])
        stream = stream[size:]
    drive(started(rng.choice((Role.SMSC, Role.ESME))), chunks)


def test_mutated_pdus_break_neither_decoder_nor_session() -> None:
    deadline = time.monotonic() + SECONDS
    seed = SEED
    while seed < SEED + ROUNDS or time.monotonic() < deadline:
        try:
            one_round(seed)
        except Exception as error:
            raise AssertionError(f"FUZZ_SMPP_SEED={seed} fails: {error!r}") from error
        seed += 1


@given(st.sampled_from(sorted(c.COMMAND_NAMES)), st.binary(max_size=120), st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_any_body_under_any_command(command_id: int, body: bytes, number: int) -> None:
    decoder(codec.HEADER.pack(16 + len(body), command_id, 0, number) + body)


@given(st.lists(st.binary(max_size=40), max_size=8), st.sampled_from(Role))
@settings(max_examples=100, deadline=None)
def test_any_stream_at_either_end(chunks: list[bytes], role: Role) -> None:
    drive(started(role), chunks)
