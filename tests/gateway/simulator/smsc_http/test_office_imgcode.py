"""imgcode.php of the simulated service: a picture of a code."""

from __future__ import annotations

import struct
import zlib

import pytest
from office_support import NOON, Desk

from gateway.simulator.smsc_http import imgcode
from gateway.simulator.smsc_http.imgcode import png_of
from gateway.simulator.smsc_http.model import PEER_IP

HERE = {PEER_IP: "192.0.2.1"}


def rows_of(png: bytes) -> list[str]:
    """The picture as text; checks all lengths and sums on the way."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = {}, 8
    while at < len(png):
        size, name = struct.unpack(">I4s", png[at : at + 8])
        data, [crc] = png[at + 8 : at + 8 + size], struct.unpack(">I", png[at + 8 + size : at + 12 + size])
        assert zlib.crc32(name + data) == crc
        chunks[name] = data
        at += 12 + size
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    assert chunks[b"IHDR"] == struct.pack(">IIBBBBB", 50, 18, 1, 0, 0, 0, 0)
    lines = zlib.decompress(chunks[b"IDAT"])
    assert len(lines) == 18 * 8
    bits = [f"{int.from_bytes(lines[8 * y + 1 : 8 * y + 8], 'big'):056b}"[:50] for y in range(18)]
    return ["".join(" #"[bit == "0"] for bit in line) for line in bits]


def test_the_picture_is_a_png_of_50_by_18_that_shows_the_digits() -> None:
    rows = rows_of(png_of("10000"))
    assert [row[5:11] for row in rows[4:14]] == [
        *("  ##  ", "  ##  ", "####  ", "####  ", "  ##  ", "  ##  ", "  ##  ", "  ##  ", "######", "######")
    ]
    assert [row[14:20] for row in rows[4:14:2]] == ["######", "##  ##", "##  ##", "##  ##", "######"]
    assert "#" not in "".join(rows[:4] + rows[14:])


def test_each_digit_looks_different() -> None:
    assert len({png_of(str(digit) * 5) for digit in range(10)}) == 10


def test_the_last_code_of_an_address_is_good_for_one_try(desk: Desk) -> None:
    answer = desk.ask("imgcode", HERE)
    code = desk.office.imgcodes.last("192.0.2.1")
    assert code is not None
    assert answer == (png_of(code), "image/png")
    assert not desk.office.captcha_is("192.0.2.2", code)
    assert desk.office.captcha_is("192.0.2.1", code)
    assert not desk.office.captcha_is("192.0.2.1", code)


def test_a_wrong_try_uses_the_code_up(desk: Desk) -> None:
    desk.ask("imgcode", HERE)
    code = desk.office.imgcodes.last("192.0.2.1")
    assert code is not None
    assert not desk.office.captcha_is("192.0.2.1", "x")
    assert not desk.office.captcha_is("192.0.2.1", code)


def test_a_new_picture_has_a_new_code(desk: Desk) -> None:
    codes = set()
    for _ in range(5):
        desk.ask("imgcode", HERE)
        codes.add(desk.office.imgcodes.last("192.0.2.1"))
    assert len(codes) == 5


def test_the_oldest_address_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imgcode, "MAX_ADDRESSES", 1)
    codes = imgcode.ImgCodes("seed")
    for ip in ("192.0.2.1", "192.0.2.2"):
        codes.handlers()["imgcode"]({PEER_IP: ip}, NOON)
    assert codes.last("192.0.2.1") is None
    assert codes.last("192.0.2.2")
