"""What handlers and webhooks are told: bodies by hand, hashes of the reference, and our own parser."""

from __future__ import annotations

import json
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from call_rows import call
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.states import ENDED
from gateway.api.states import time_text as v1_time_text
from gateway.core.api import Call, CallKind
from gateway.core.hours import zone_of
from gateway.core.model import MessageState
from gateway.translate.calls import (
    STATES,
    event_id_of,
    handler_request,
    time_text,
    type_of,
    webhook_body,
)
from protocols.smsc_http.callbacks import (
    HASHES,
    CallbackError,
    IncomingCall,
    StatusCall,
    WaitCall,
    check_hash,
    parse_callback,
)

VECTORS = Path(__file__).parents[2] / "vectors"
BODIES = json.loads((VECTORS / "smsc_http" / "handler_bodies.json").read_text("utf-8"))
EVENTS = json.loads((VECTORS / "webhooks" / "events.json").read_text("utf-8"))
SECRET = "my-secret_1"


def told(row: Call, url: str) -> Any:
    """What our own receiver reads of the request."""
    request = handler_request(row, url, UTC, "decimal")
    return parse_callback(request.content_type, request.body, request.url.partition("?")[2], "utf-8")


@pytest.mark.parametrize("vector", BODIES, ids=lambda vector: vector["what"])
def test_bodies_for_handlers(vector: dict[str, Any]) -> None:
    request = handler_request(call(**vector["call"]), vector["url"], zone_of(vector["zone"]), "decimal")
    assert request.url == vector["called"]
    assert request.content_type == vector["type"]
    if "body" in vector:
        assert request.body.decode() == vector["body"]
    else:
        assert vector["hash"].encode() in request.body
    assert SECRET not in request.url and SECRET.encode() not in request.body


@pytest.mark.parametrize("kind", HASHES)
@pytest.mark.parametrize("fmt", ["", "&fmt=2", "&fmt=3"])
@pytest.mark.parametrize("charset", ["utf-8", "windows-1251", "koi8-r"])
@pytest.mark.parametrize(
    "row",
    [
        call(api_id="a.1", state=5, error="6"),
        call(kind=2, message_id=77, text="Привет, <мир> & 100%", data_coding=8),
        call(kind=4),
        call(kind=3, api_id="a.1"),
    ],
    ids=["status", "incoming", "waitcall", "click"],
)
def test_our_own_receiver_reads_them_and_finds_the_hash_right(
    row: Call, charset: str, fmt: str, kind: str
) -> None:
    read = told(row, f"https://example.org/sms?charset={charset}{fmt}&{kind}={SECRET}&shop=7")
    assert check_hash(read, SECRET, kind)
    assert not check_hash(read, "other", kind)
    assert read.phone == row.phone
    assert read.own == {"shop": "7"}
    match read:
        case StatusCall():
            assert (read.id, read.status) == ("a.1", 4 if row.kind == 3 else 20)
        case IncomingCall():
            assert read.mes == "Привет, <мир> & 100%"
        case WaitCall():
            assert read.ts == row.done_ms // 1000


@pytest.mark.parametrize(
    ("state", "error", "status", "err"),
    [
        (MessageState.DELIVERED, "000", 1, 0),
        (MessageState.EXPIRED, "006", 3, 6),
        (MessageState.UNDELIVERABLE, "11", 20, 11),
        (MessageState.REJECTED, "253", 23, 253),
        (MessageState.REJECTED, "249", 22, 249),
        (MessageState.UNDELIVERABLE, "no_route", 25, 248),
        (MessageState.ACCEPTED, "", 0, 0),
    ],
)
def test_states_become_the_service_s_numbers(state: int, error: str, status: int, err: int) -> None:
    row = call(state=int(state), error=error, message_id=9)
    read = told(row, "https://example.org/sms")
    assert (read.status, read.err) == (status, err)
    message = json.loads(webhook_body(row))["message"]
    assert (message["status"], message["err"]) == (status, err)


@pytest.mark.parametrize(("form", "shown"), [("decimal", "255"), ("hex", "00000000000000ff")])
def test_an_id_of_ours_is_written_as_the_account_knows_it(form: str, shown: str) -> None:
    request = handler_request(call(message_id=255), "https://example.org/sms", UTC, form)
    assert parse_callback(request.content_type, request.body).id == shown  # type: ignore[union-attr]


def test_a_url_with_too_many_parameters_is_told() -> None:
    with pytest.raises(CallbackError):
        handler_request(call(), "https://example.org/?" + "a=1&" * 100_000, UTC, "decimal")


@pytest.mark.parametrize("vector", EVENTS, ids=lambda vector: vector["what"])
def test_events_for_webhooks(vector: dict[str, Any]) -> None:
    row = call(**vector["call"])
    assert json.loads(webhook_body(row)) == vector["event"]
    assert event_id_of(row) == vector["event"]["id"]
    assert type_of(row) == vector["event"]["type"]


def test_an_event_keeps_its_id_over_tries_and_replays() -> None:
    row = call(message_id=5)
    assert event_id_of(row) == event_id_of(row._replace(call_id=9, tries=3, created_ms=1))
    ids = {event_id_of(row._replace(kind=kind.value)) for kind in CallKind}
    assert len(ids) == len(CallKind)
    assert event_id_of(row) != event_id_of(row._replace(phone="79990000002")), "of one submit_multi"


def test_words_and_times_are_those_of_the_json_api() -> None:
    assert STATES == ENDED
    for moment_ms in (1, 999, 1_750_000_000_001, 4_102_444_800_000):
        assert time_text(moment_ms) == v1_time_text(moment_ms)


@given(
    st.sampled_from(list(CallKind)),
    st.text(max_size=40),
    st.binary(max_size=60),
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 4_000_000_000_000),
    st.sampled_from(["", "&fmt=2", "&fmt=3"]),
)
def test_whatever_came_can_be_told(
    kind: CallKind, text: str, data: bytes, esm_class: int, data_coding: int, done_ms: int, fmt: str
) -> None:
    row = call(
        kind=kind.value,
        phone=text,
        own_number=text,
        comment=text,
        error=text,
        info=f" imsi:{text}",
        esm_class=esm_class,
        data_coding=data_coding,
        user_data=data,
        done_ms=done_ms,
        state=done_ms % 10,
    )
    request = handler_request(row, f"https://example.org/!md5=x?sha1=y{fmt}", UTC, "decimal")
    assert request.url.isascii()
    assert json.loads(webhook_body(row))["version"] == 1
