"""Octets from anyone: only DecodeError leaves the decoder, nothing leaves a session but whole PDUs.

A short run by default, beside a small one of benchmarks/fuzz.py; `FUZZ_SMPP_SECONDS=600` runs the seeded
mutator that long, `FUZZ_SMPP_SEED` sets where it begins. A failure names its seed.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.smpp import codec
from protocols.smpp import constants as c
from protocols.smpp.errors import DecodeError, SmppError
from protocols.smpp.events import Answered, Closed
from protocols.smpp.pdu import Bind, BindTransceiver, Pdu, SubmitSm, response_to
from protocols.smpp.session import Session
from protocols.smpp.settings import SessionSettings
from protocols.smpp.state import APPLICATION_ANSWERS, Role

SECONDS = float(os.environ.get("FUZZ_SMPP_SECONDS", "0"))
SEED = int(os.environ.get("FUZZ_SMPP_SEED", "1"))
ROUNDS = 2_000

VECTORS = Path(__file__).parents[1] / "vectors" / "smpp"
FRAMES = [
    bytes.fromhex(row["hex"])
    for name in ("pdus", "malformed")
    for row in json.loads((VECTORS / f"{name}.json").read_text())
]
SETTINGS = SessionSettings(window=3, peer_window=3, bad_state_limit=20)


def decode_is_safe(frame: bytes) -> None:
    """DecodeError or a PDU; a PDU that we can also send comes back as itself."""
    try:
        pdu = codec.decode(frame)
    except DecodeError as error:
        assert str(error) and error.status
        return
    repr(pdu)
    try:
        again = codec.encode(pdu)
    except SmppError:
        return
    assert codec.decode(again) == pdu


def frames_in(data: bytes) -> Iterator[Pdu]:
    while data:
        length = int.from_bytes(data[:4], "big")
        assert 16 <= length <= len(data), "the session sent half a PDU"
        yield codec.decode(data[:length])
        data = data[length:]


def drive(session: Session, chunks: list[bytes]) -> None:
    """What a shell does, with an application that answers everything; time passes with each chunk."""
    now = 0.0
    for chunk in chunks:
        now += 3.0
        for event in [*session.receive_data(chunk, now), *session.handle_timeout(now)]:
            if isinstance(event, Bind):
                session.accept_bind(event, system_id="smsc")
            elif isinstance(event, Pdu) and event.command_id in APPLICATION_ANSWERS:
                session.respond(response_to(event))
            elif isinstance(event, Answered):
                assert event.response.command_id & c.RESPONSE_BIT
            elif isinstance(event, Closed):
                assert session.receive_data(b"more", now) == []
                assert session.next_timeout() is None
        assert 0 <= session.room <= 3 and 0 <= session.unanswered <= 3
        due = session.next_timeout()
        assert due is None or due > now
        for pdu in frames_in(session.data_to_send()):
            assert pdu.command_id & c.RESPONSE_BIT or 1 <= pdu.sequence_number <= c.MAX_SEQUENCE_NUMBER
    session.abandon()


def started(role: Role) -> Session:
    session = Session(role, SETTINGS, 0.0)
    if role is Role.ESME:
        session.send_request(BindTransceiver(system_id="a"), 0.0)
        session.receive_data(codec.encode_header(c.BIND_TRANSCEIVER_RESP, 0, 1), 0.0)
        session.send_request(SubmitSm(), 0.0, "a")
        session.send_request(SubmitSm(), 0.0, "b")
    return session


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
        decode_is_safe(frame)
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
    decode_is_safe(codec.HEADER.pack(16 + len(body), command_id, 0, number) + body)


@given(st.lists(st.binary(max_size=40), max_size=8), st.sampled_from(Role))
@settings(max_examples=100, deadline=None)
def test_any_stream_at_either_end(chunks: list[bytes], role: Role) -> None:
    drive(started(role), chunks)


def test_a_small_run_of_the_big_one_harms_nobody(tmp_path: Path) -> None:
    """benchmarks/fuzz.py: the decoder, and a whole gateway while others send."""
    program, report = Path(__file__).parents[2] / "benchmarks" / "fuzz.py", tmp_path / "fuzz.json"
    sizes = ("--decoder", "20000", "--live", "500", "--seed", "3")
    done = subprocess.run(
        [sys.executable, str(program), *sizes, "--json", str(report)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(report.read_text())
    decoder, live = figures["decoder"], figures["live"]
    assert decoder["pdus"] == 20_000
    assert min(decoder["decoded"], decoder["refused"]) > 4_000  # else the mutator is too rough or too mild
    assert (decoder["crashes"], decoder["hangs"], decoder["differing"]) == (0, 0, 0)
    assert live["client_pdus"] + live["smsc_pdus"] == 500
    assert live["good_sent"] == live["good_answered"] == live["good_receipts"] > 100
    assert (live["crashes"], live["hangs"], live["good_lost"]) == (0, 0, 0)
    assert live["answers"] > 100  # the gateway spoke to the attackers
