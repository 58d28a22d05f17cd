"""PDUs that are nearly right: those of the test vectors, changed as a broken or hostile peer would.

Which PDU is the n-th depends on the seed and on n alone, so each can be made again.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from protocols.smpp.constants import COMMAND_NAMES

VECTORS = Path(__file__).resolve().parents[1] / "tests" / "vectors"
MAX_OCTETS = 70_000
_EDGES = (0, 1, 0x7F, 0x80, 0xFE, 0xFF)
_COMMANDS = sorted(COMMAND_NAMES)
_TAGS = (0x001E, 0x0424, 0x0427, 0x020C, 0x020E, 0x020F, 0x0423, 0x1400, 0x0005, 0xFFFF)
_MADE = re.compile(r"\{\w+\}")


def frames() -> list[bytes]:
    """Every whole PDU of the vectors, good and bad ones."""
    rows: list[dict[str, Any]] = []
    for path in sorted((VECTORS / "smpp").glob("*.json")):
        rows += json.loads(path.read_text("utf-8"))
    texts = [row["hex"] for row in rows]
    for path in sorted((VECTORS / "quirks").glob("*.json")):
        for row in json.loads(path.read_text("utf-8")):
            for step in row["steps"]:
                texts += [it for verb, it in step.items() if verb in ("smsc sends", "esme sends")]
    made = [bytes.fromhex(_MADE.sub("00000001", text)) for text in texts]
    return sorted({frame for frame in made if len(frame) >= 16})


class Mutator:
    """`pdu(n)` is the n-th PDU; in `keep_length` of them the command_length is right whatever was done."""

    def __init__(self, seed: int, keep_length: float = 0.9) -> None:
        self._frames = frames()
        self._seed = seed
        self._keep_length = keep_length
        self._kinds = (
            self._flip,
            self._flip,
            self._edge,
            self._cut,
            self._double,
            self._insert,
            self._length_field,
            self._tlvs,
            self._splice,
            self._header,
        )

    def pdu(self, number: int) -> bytes:
        rng = random.Random(self._seed << 32 | number)
        frame = bytearray(rng.choice(self._frames))
        for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 6))):
            rng.choice(self._kinds)(rng, frame)
            if not frame:
                frame += bytes(16)
        del frame[MAX_OCTETS:]
        if rng.random() < self._keep_length:
            frame += bytes(max(0, 16 - len(frame)))
            frame[:4] = len(frame).to_bytes(4, "big")
        return bytes(frame)

    def _flip(self, rng: random.Random, frame: bytearray) -> None:
        frame[rng.randrange(len(frame))] ^= 1 << rng.randrange(8)

    def _edge(self, rng: random.Random, frame: bytearray) -> None:
        frame[rng.randrange(len(frame))] = rng.choice(_EDGES)

    def _cut(self, rng: random.Random, frame: bytearray) -> None:
        at = rng.randrange(len(frame))
        del frame[at : at + rng.choice((1, 2, 4, 8, 10_000))]

    def _double(self, rng: random.Random, frame: bytearray) -> None:
        at = rng.randrange(len(frame))
        frame[at:at] = frame[at : at + rng.randrange(1, 65)] * rng.choice((1, 1, 1, 40))

    def _insert(self, rng: random.Random, frame: bytearray) -> None:
        at = rng.randrange(len(frame) + 1)
        frame[at:at] = rng.randbytes(rng.choice((1, 1, 2, 7, 255)))

    def _length_field(self, rng: random.Random, frame: bytearray) -> None:
        """Something that looks like a length of what follows is another one."""
        places = [at for at in range(16, len(frame)) if frame[at] and frame[at] <= len(frame) - at]
        if places:
            at = rng.choice(places)
            frame[at] = rng.choice((0, frame[at] - 1, min(255, frame[at] + 1), 255))

    def _tlvs(self, rng: random.Random, frame: bytearray) -> None:
        """A few TLVs, or a bomb of them."""
        for _ in range(rng.choice((1, 1, 2, 3, 63, 64, 65, 2000))):
            size = rng.choice((0, 1, 1, 2, 3, 9))
            said = size if rng.random() < 0.95 else rng.choice((0, size + 1, 0xFFFF))
            frame += rng.choice(_TAGS).to_bytes(2, "big") + said.to_bytes(2, "big") + rng.randbytes(size)

    def _splice(self, rng: random.Random, frame: bytearray) -> None:
        """The beginning of this one and the end of another."""
        other = rng.choice(self._frames)
        frame[rng.randrange(len(frame)) :] = other[rng.randrange(len(other)) :]

    def _header(self, rng: random.Random, frame: bytearray) -> None:
        frame += bytes(max(0, 16 - len(frame)))
        what = rng.randrange(3)
        if what == 0:
            frame[4:8] = rng.choice(_COMMANDS).to_bytes(4, "big")
        elif what == 1:
            frame[8:12] = rng.choice((0, 1, 0x58, 0x400, 0xFFFFFFFF)).to_bytes(4, "big")
        else:
            frame[12:16] = rng.choice((0, 1, 2, 3, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)).to_bytes(4, "big")


class Octets:
    """`made(n)` is the n-th of the changed `seeds`: a command, a request, a mail, or octets of any kind."""

    def __init__(
        self, seeds: Sequence[bytes], seed: int, longest: int, pieces: Sequence[bytes] = (b"\0",)
    ) -> None:
        self._seeds = list(seeds) or [b""]
        self._seed = seed
        self._longest = longest
        self._pieces = pieces

    def made(self, number: int) -> bytes:
        rng = random.Random(self._seed << 32 | number)
        octets = bytearray(rng.choice(self._seeds))
        for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 6))):
            self._change(rng, octets)
        del octets[self._longest :]
        return bytes(octets)

    def _change(self, rng: random.Random, octets: bytearray) -> None:
        at = rng.randrange(len(octets) + 1)
        match rng.randrange(6):
            case 0 if at < len(octets):
                octets[at] ^= 1 << rng.randrange(8)
            case 1 if at < len(octets):
                octets[at] = rng.choice(_EDGES)
            case 2:
                del octets[at : at + rng.choice((1, 2, 4, 16, 1_000))]
            case 3:
                octets[at:at] = octets[at : at + rng.randrange(1, 65)] * rng.choice((1, 1, 1, 40))
            case 4:
                octets[at:at] = rng.choice(self._pieces) * rng.choice((1, 1, 1, 3))
            case _:
                other = rng.choice(self._seeds)
                octets[at:] = other[rng.randrange(len(other) + 1) :]
