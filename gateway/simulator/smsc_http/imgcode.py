"""imgcode.php: a picture of a code, so that programs do not send from a form on somebody's site."""

from __future__ import annotations

import hashlib
import struct
import zlib

from gateway.simulator.smsc_http.model import PEER_IP, Handler

WIDTH, HEIGHT = 50, 18
DIGITS = 5
MAX_ADDRESSES = 10_000

_SCALE_Y = 2
_STEP_X = 9
_LEFT, _TOP = 5, 4
_FONT = (
    ("111", "101", "101", "101", "111"),
    ("010", "110", "010", "010", "111"),
    ("111", "001", "111", "100", "111"),
    ("111", "001", "111", "001", "111"),
    ("101", "101", "111", "001", "001"),
    ("111", "100", "111", "001", "111"),
    ("111", "100", "111", "101", "111"),
    ("111", "001", "010", "010", "010"),
    ("111", "101", "111", "101", "111"),
    ("111", "101", "111", "001", "111"),
)
"""Digits of 3 by 5 dots; a dot is two pixels high and wide."""


class ImgCodes:
    """The code of the last picture for each address of an end user."""

    def __init__(self, seed: str) -> None:
        """The same seed and order of requests give the same codes."""
        self._seed = seed
        self._shown = 0
        self._codes: dict[str, str] = {}

    def handlers(self) -> dict[str, Handler]:
        """By the name of the operation."""
        return {"imgcode": self._picture}

    def is_code(self, ip: str, code: str) -> bool:
        """Whether this was on the last picture for this address; a code is good for one try."""
        return self._codes.pop(ip, None) == code

    def last(self, ip: str) -> str | None:
        """The code that a person at this address would read."""
        return self._codes.get(ip)

    def _picture(self, params: dict[str, str], now: float) -> object:
        ip = params.get(PEER_IP, "")
        self._shown += 1
        digest = hashlib.sha256(f"{self._seed}:{ip}:{self._shown}".encode()).digest()
        code = "".join(str(octet % 10) for octet in digest[:DIGITS])
        self._codes.pop(ip, None)
        if len(self._codes) >= MAX_ADDRESSES:
            del self._codes[next(iter(self._codes))]
        self._codes[ip] = code
        return png_of(code), "image/png"


def png_of(code: str) -> bytes:
    """The digits as a black and white PNG."""
    dots = [[1] * WIDTH for _ in range(HEIGHT)]
    for place, digit in enumerate(code):
        for y, row in enumerate(_FONT[int(digit)]):
            for x, dot in enumerate(row):
                if dot == "1":
                    _blacken(dots, _LEFT + place * _STEP_X + x * 2, _TOP + y * _SCALE_Y)
    lines = b"".join(b"\x00" + _packed(row) for row in dots)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 1, 0, 0, 0, 0)  # 1 bit, grey
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _blacken(dots: list[list[int]], x: int, y: int) -> None:
    for below in range(_SCALE_Y):
        dots[y + below][x : x + 2] = [0, 0]


def _packed(row: list[int]) -> bytes:
    padded = row + [0] * (-len(row) % 8)
    return int("".join(map(str, padded)), 2).to_bytes(len(padded) // 8, "big")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
