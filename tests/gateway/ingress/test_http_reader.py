"""Octets to requests, without a socket: in whatever pieces they come, the same is read."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from http_server import BODY_MAX, plainly
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ingress.http_listener import HttpListener
from gateway.ingress.http_reader import RequestReader
from gateway.ingress.http_requests import Mount

VECTORS = [
    vector["octets"].encode("latin-1")
    for vector in json.loads((Path(__file__).parents[2] / "vectors" / "http" / "framing.json").read_text())
]
GOOD = [
    b"GET /a/x?q=1 HTTP/1.1\r\nHost: h\r\n\r\n",
    b"POST /a/y HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /a/z HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nA: b\r\n\r\n",
    b"POST /nowhere HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
]


class Room:
    """What a listener has for its readers."""

    def __init__(self, room: int = 10_000) -> None:
        self.mounts = (Mount("/a/", plainly, BODY_MAX),)
        self.config = SimpleNamespace(proxies=())
        self.bad_inputs = 0
        self.left = room

    def take_room(self, octets: int) -> bool:
        self.left -= octets
        return True

    def give_room(self, octets: int) -> None:
        self.left += octets


def read(pieces: list[bytes]) -> tuple[list[Any], RequestReader, Room]:
    """What is asked and answered, in order."""

    async def run() -> tuple[list[Any], RequestReader, Room]:
        room = Room()
        reader = RequestReader(cast(HttpListener, room), "192.0.2.7", is_tls=False, is_proxy=False)
        found: list[Any] = []
        for piece in pieces:
            if reader.is_deaf:
                break
            for one in reader.feed(piece):
                if one.call is not None:
                    reader.give_room(one.octets)
                    found.append((one.call.method, one.call.path, one.call.query, one.call.body, one.is_last))
                elif one.reply is not None:
                    found.append((one.reply.status, one.is_last))
        return found, reader, room

    return asyncio.run(run())


def cut(octets: bytes, places: list[int]) -> list[bytes]:
    marks = sorted({0, len(octets), *(place % (len(octets) + 1) for place in places)})
    return [octets[start:end] for start, end in pairwise(marks)]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(GOOD), max_size=5), st.lists(st.integers(0, 1000), max_size=12))
def test_pieces_make_no_difference(requests: list[bytes], places: list[int]) -> None:
    octets = b"".join(requests)
    found, reader, room = read(cut(octets, places))
    assert found == read([octets])[0] and len(found) == len(requests)
    assert not reader.is_amid and reader.taken == 0 and room.left == 10_000


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(VECTORS), st.lists(st.integers(0, 1000), max_size=12))
def test_what_is_refused_whole_is_refused_in_pieces(octets: bytes, places: list[int]) -> None:
    whole, pieces = read([octets])[0], read(cut(octets, places))[0]
    # a head that is good is answered before what follows it is known to be bad
    assert whole == pieces or (whole == [(400, True)] and pieces[-1] == (400, True))
    assert ("GET", "/a/hidden", "", b"", False) not in pieces


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=50), st.sampled_from(GOOD)), max_size=8))
def test_whatever_comes_room_is_given_back(pieces: list[bytes]) -> None:
    found, reader, room = read(pieces)
    assert reader.is_deaf == bool(found and found[-1][-1]) or reader.is_amid or not reader.is_deaf
    assert 0 <= reader.taken <= BODY_MAX
    reader.end()
    assert room.left == 10_000 and not reader.is_amid
    assert room.bad_inputs == sum(answer[0] in (400, 413, 431) for answer in found)
