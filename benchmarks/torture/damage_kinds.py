"""How files go bad: what a disk, a memory, a power failure or a wrong copy does to a store."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

PAGE = 4096
FRAME = PAGE + 24


class Files(NamedTuple):
    """A store's file and its log; None: it is not there."""

    file: bytes | None
    log: bytes | None


class Kind(NamedTuple):
    """A kind of damage."""

    name: str
    damage: Callable[[bytes, bytes, Random], tuple[Files, int]]
    """The damaged files, and how many rows at the most may look right and are not: one for each octet that
    was changed for another, two for each swap, which may give two long texts each other's end."""


def _flipped(data: bytes, random: Random, low: int = 0) -> tuple[bytes, int]:
    spoilt = bytearray(data)
    count = random.choice((1, 3, 20))
    for _ in range(count):
        spoilt[random.randrange(low, len(spoilt))] ^= 1 << random.randrange(8)
    return bytes(spoilt), count


def _zeroed(data: bytes, random: Random, size: int, first: int = 0) -> bytes:
    spoilt = bytearray(data)
    for _ in range(random.choice((1, 2, 8))):
        at = first + random.randrange((len(data) - first) // size) * size
        spoilt[at : at + size] = bytes(size)
    return bytes(spoilt)


def _flip_file(file: bytes, log: bytes, random: Random) -> tuple[Files, int]:
    spoilt, count = _flipped(file, random, PAGE)
    return Files(spoilt, log), count


def _flip_log(file: bytes, log: bytes, random: Random) -> tuple[Files, int]:
    spoilt, count = _flipped(log, random)
    return Files(file, spoilt), count


def _zero_pages(file: bytes, log: bytes, random: Random) -> tuple[Files, int]:
    return Files(_zeroed(file, random, PAGE), log), 0


def _zero_frames(file: bytes, log: bytes, random: Random) -> tuple[Files, int]:
    return Files(file, _zeroed(log, random, FRAME, 32)), 0


def _truncate(file: bytes, log: bytes, random: Random) -> tuple[Files, int]:
    return Files(file[: random.randrange(len(file))], random.choice((log, None))), 0


def _tear_log(file: bytes, log: bytes, random: Random) -> tuple[Files, int]:
    return Files(file, log[: random.randrange(len(log))]), 0


def _swap_pages(file: bytes, log: bytes, random: Random) -> tuple[Files, int]:
    spoilt = bytearray(file)
    swaps = random.choice((1, 3))
    for _ in range(swaps):
        a, b = (random.randrange(1, len(file) // PAGE) * PAGE for _ in range(2))
        spoilt[a : a + PAGE], spoilt[b : b + PAGE] = spoilt[b : b + PAGE], spoilt[a : a + PAGE]
    return Files(bytes(spoilt), log), 2 * swaps


def _header(file: bytes, log: bytes, random: Random) -> tuple[Files, int]:
    spoilt = bytearray(file)
    if random.random() < 0.4:
        spoilt[:100] = bytes(100)
    else:
        for _ in range(random.choice((1, 4))):
            spoilt[random.randrange(100)] = random.randrange(256)
    return Files(bytes(spoilt), random.choice((log, None))), 0


def _garbage(file: bytes, log: bytes, random: Random) -> tuple[Files, int]:
    at, size = random.randrange(len(file)), random.randint(1, 3 * PAGE)
    noise = random.randbytes(size)
    return Files(file[:at] + noise[: len(file) - at] + file[at + size :], log), size


def _log_header(file: bytes, log: bytes, random: Random) -> tuple[Files, int]:
    return Files(file, random.randbytes(32) + log[32:]), 0


def _lost(file: bytes, log: bytes, random: Random) -> tuple[Files, int]:
    return random.choice((Files(b"", log), Files(b"", None), Files(None, log))), 0


KINDS = (
    Kind("flipped bits", _flip_file),
    Kind("zeroed pages", _zero_pages),
    Kind("truncated file", _truncate),
    Kind("flipped bits in the log", _flip_log),
    Kind("swapped pages", _swap_pages),
    Kind("broken header", _header),
    Kind("torn log", _tear_log),
    Kind("garbage over pages", _garbage),
    Kind("zeroed frames of the log", _zero_frames),
    Kind("broken header of the log", _log_header),
    Kind("empty or missing file", _lost),
)
