"""Octets as what comes over HTTP, from clients and from an SMSC service, and at the control socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote

from gateway.api import drafts
from gateway.api.json_reading import BadJson, load
from gateway.core.http import HttpCall, HttpReply
from gateway.core.model import Draft
from gateway.ingress.http_listener import HttpListener
from gateway.ingress.http_reader import RequestReader
from gateway.ingress.http_requests import Mount
from gateway.ops.control import ControlSocket
from gateway.translate import api_submit
from protocols import webhooks as signatures
from protocols.sms import segments
from protocols.smsc_http import callbacks as calls
from protocols.smsc_http import sending, times
from protocols.smsc_http.answers import AnswerError, Failure, parse
from protocols.smsc_http.operations import OPERATIONS
from protocols.smsc_http.rendering import render
from protocols.smsc_http.requests import RequestError, decode_request

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
BODY_MAX = 1000
ROOM = 5000
_OPERATIONS = sorted(OPERATIONS)
_SECRET = "secret of the fuzzer"
"""Of nothing in the vectors."""


def answers(data: bytes) -> None:
    """Two octets: the operation and the format; then the answer. What is written again reads as itself."""
    operation = _OPERATIONS[data[0] % len(_OPERATIONS)] if data else _OPERATIONS[0]
    fmt = data[1] % 4 if len(data) > 1 else 3
    try:
        value = parse(operation, fmt, data[2:].decode("utf-8", "replace"))
    except AnswerError:
        return
    if isinstance(value, Failure):
        assert isinstance(value.number, int)
        return
    if isinstance(value, list) != OPERATIONS[operation].answer.is_list({}):
        return  # of some it is the request that says whether it is a list
    written = render(operation, value, 3)
    again = parse(operation, 3, written)
    assert not isinstance(again, Failure)
    assert render(operation, again, 3) == written


def callbacks(data: bytes) -> None:
    """A line with the content type, one with the query, and the body. A call can be made again, signed."""
    kind, _, rest = data.partition(b"\n")
    query, _, body = rest.partition(b"\n")
    try:
        call = calls.parse_callback(kind.decode("latin-1"), body, query.decode("utf-8", "replace"))
    except calls.CallbackError:
        return
    repr(call)
    for hash_kind in calls.HASHES:
        assert not calls.check_hash(call, _SECRET, hash_kind), "signed without the secret"
    for fmt in ("", "2", "3"):
        url = f"https://example.org/sms?charset=utf-8&fmt={fmt}&md5={quote(_SECRET)}"
        with contextlib.suppress(calls.CallbackError):  # too long when it is written out
            request = calls.format_callback(call, url)
            again = calls.parse_callback(request.content_type, request.body, charset="utf-8")
            assert calls.check_hash(again, _SECRET, "md5")


def requests(data: bytes) -> None:
    """Three lines: method and target, content type, what is behind; then what the parameters mean."""
    head, _, rest = data.partition(b"\n")
    kind, _, body = rest.partition(b"\n")
    method, _, target = head.decode("utf-8", "replace").partition(" ")
    path, _, query = target.partition("?")
    try:
        request = decode_request(method, path, query, kind.decode("latin-1"), body)
    except RequestError as error:
        assert 400 <= error.status < 500 and str(error).isprintable()
        return
    repr(request)
    check_parameters(request.params)


def check_parameters(params: dict[str, str]) -> None:
    """What send.php makes of them before it asks anybody."""
    with contextlib.suppress(sending.SendingError):
        lines = sending.parse_list(params.get("list", ""), params.get("nl") == "1")
        assert all(line.phones and all(line.phones) for line in lines)
        if params.get("nl") != "1":
            written = sending.format_list(lines)
            assert sending.parse_list(written) == lines
    assert all(sending.split_phones(params.get("phones", "")))
    mes = params.get("mes", "")
    text, comment = sending.split_comment(mes)
    sending.split_prefix(text)
    sending.call_param(params.get("param", ""))
    sending.is_client_id(params.get("id", ""))
    for read in (times.parse_zone, times.parse_valid, times.parse_date, times.parse_date_time):
        with contextlib.suppress(ValueError):
            read(params.get("time", ""))
    with contextlib.suppress(ValueError):
        times.parse_time(params.get("time", ""), times.parse_zone(params.get("tz", "")), NOW)
    with contextlib.suppress(api_submit.SubmitError):
        kind = api_submit.kind_of(params)
        if kind is api_submit.BINARY_SMS:
            content = api_submit.binary_of(mes, params["bin"])
        else:
            content = api_submit.content_of(text, comment, kind, params)
        assert content.parts == content.coded.segments >= 1
    api_submit.source_of(params.get("sender", ""))


class _Room:
    """What a listener has for its readers."""

    def __init__(self) -> None:
        self.mounts = (Mount("/a/", _nobody, BODY_MAX),)
        self.config = SimpleNamespace(proxies=())
        self.bad_inputs = 0
        self.left = ROOM

    def take_room(self, octets: int) -> bool:
        if octets > self.left:
            return False
        self.left -= octets
        return True

    def give_room(self, octets: int) -> None:
        self.left += octets


async def _nobody(call: HttpCall) -> HttpReply:
    raise AssertionError("nothing is answered here")


def http_requests(data: bytes) -> None:
    """The first octet says where it is cut: however it comes, the apps get the same; all room is given back.

    But of requests that come in one piece with octets that are none, only the refusal is known.
    """
    step, octets = 1 + (data[0] if data else 0), data[1:]
    places = [*range(0, len(octets), step), len(octets)] if step < 200 else [0, len(octets)]
    taken, _ = asyncio.run(_read([octets[start:end] for start, end in pairwise(places)]))
    at_once, is_refused = asyncio.run(_read([octets]))
    assert at_once == taken[: len(at_once)]
    assert is_refused or len(at_once) == len(taken)


async def _read(pieces: list[bytes]) -> tuple[list[Any], bool]:
    """What apps get, and whether something was refused."""
    room, is_refused = _Room(), False
    reader = RequestReader(cast(HttpListener, room), "192.0.2.7", is_tls=False, is_proxy=False)
    found: list[Any] = []
    for piece in pieces:
        if reader.is_deaf:
            break
        for one in reader.feed(piece):
            if one.reply is not None:
                assert one.reply.status >= 400
                is_refused = True
            elif one.call is not None:
                assert len(one.call.body) <= BODY_MAX
                found.append((one.call.method, one.call.path, one.call.query, one.call.body))
            reader.give_room(one.octets)
    assert room.left >= ROOM - BODY_MAX
    reader.end()
    assert room.left == ROOM
    return found, is_refused


def json_bodies(data: bytes) -> None:
    """A body of /v1: BadJson, or a value; of a value that is a message a draft, or what is wrong with it."""
    try:
        value = load(data)
    except BadJson as error:
        assert str(error)
        return
    json.dumps(value)
    for item in value if isinstance(value, list) else [value]:
        draft = drafts.draft_of(item, NOW_MS, "192.0.2.7")
        if not isinstance(draft, Draft):
            assert draft
            for error in draft:
                json.dumps(error)
                assert error.detail and len(error.field) <= 40
            continue
        assert 1 <= draft.segments <= segments.MAX_SEGMENTS
        assert draft.destination.isdecimal() and draft.client_id.isprintable()
        assert 0 <= draft.due_ms <= NOW_MS + drafts.SCHEDULE_MAX_MS
        drafts.kind_of(draft)


def webhooks(data: bytes) -> None:
    """A line with the header, and the body: nobody signs without the secret, and whoever has it does."""
    header, _, body = data.partition(b"\n")
    now_s = NOW.timestamp()
    assert not signatures.is_genuine(header.decode("latin-1"), body, ["", _SECRET], now_s)
    made = signatures.sign(body, _SECRET, int(now_s))
    assert signatures.is_genuine(made, body, ["other", _SECRET], now_s)
    assert not signatures.is_genuine(made, body + b" ", [_SECRET], now_s)
    assert not signatures.is_genuine(made, body, [_SECRET], now_s + signatures.TOLERANCE_S + 1)


async def _one(request: dict[str, Any]) -> dict[str, Any]:
    return {"limit": min(100, int(request["limit"])), "since": int(request.get("since") or 0) / 1000}


async def _many(request: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    for word in request["words"][:3]:
        yield {"word": word + ""}


def control(data: bytes) -> None:
    """A line at the control socket: at least one answer, each a line of JSON."""

    async def ask() -> list[Any]:
        socket = ControlSocket(Path("/nowhere"), {"one": _one, "many": _many})
        return [reply async for reply in socket._replies(data)]

    replies = asyncio.run(ask())
    assert replies
    for reply in replies:
        assert b"\n" not in json.dumps(reply).encode()
