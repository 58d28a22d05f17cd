"""Traces: which PDUs are seen, what of them, and that nobody waits for who looks."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from gateway_fakes import NOW_MS, ManualClock
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.taps import End, Tap
from gateway.ops import trace as module
from gateway.ops.trace import TRACES_MAX, SessionTap, TraceError, Tracing, Wanted
from gateway.ops.trace_pdus import Cutter, same_number, shown, without_secrets
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.codec import encode
from protocols.smpp.pdu import (
    BindTransceiver,
    BindTransceiverResp,
    DataSm,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    Outbind,
    Pdu,
    QuerySm,
    SmeAddress,
    SubmitMulti,
    SubmitSm,
    SubmitSmResp,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/smpp/pdus.json").read_text())
NUMBER = "79161234567"
FRAMES = [bytes.fromhex(vector["hex"]) for vector in VECTORS]


class Session:
    """A session that is there."""

    def __init__(self, side: str = "client", name: str = "", half_read: bytes = b"") -> None:
        self.tap: Tap | None = None
        self.side = side
        self.traced_as = name
        self.half_read = half_read
        self.ends: tuple[End, End] = (("192.0.2.1", 2775), ("192.0.2.7", 51234))


class House:
    def __init__(self, *sessions: Session) -> None:
        self.sessions = list(sessions)
        self.tracing = Tracing(ManualClock(), lambda: self.sessions)

    def begin(self, *, texts: bool = True, **wanted: str) -> module.Trace:
        return self.tracing.begin(Wanted(**wanted), texts=texts)


def tap_of(session: Session) -> SessionTap:
    assert isinstance(session.tap, SessionTap)
    return session.tap


def commands(trace: module.Trace) -> list[str]:
    return [row["command"] for row in trace.take()]


# -- cutting ----------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(FRAMES), max_size=8), st.lists(st.integers(1, 60), min_size=1))
def test_any_chunks_give_the_same_pdus(frames: list[bytes], sizes: list[int]) -> None:
    stream, found, pos, turn = b"".join(frames), [], 0, 0
    cutter = Cutter()
    while pos < len(stream):
        size = sizes[turn % len(sizes)]
        found += cutter.cut(stream[pos : pos + size])
        pos, turn = pos + size, turn + 1
    assert found == frames


@given(st.binary(max_size=200))
def test_any_octets_can_be_cut_and_shown(data: bytes) -> None:
    for frame in Cutter().cut(data):
        shown(frame, texts=True)


def test_a_length_without_sense_is_the_end_of_it() -> None:
    cutter = Cutter()
    frame = encode(EnquireLink(sequence_number=1))
    assert list(cutter.cut(frame + b"GET / HTTP/1.1\r\n")) == [frame]
    assert list(cutter.cut(frame)) == []


def test_what_had_begun_before_the_trace_is_not_lost() -> None:
    frame = encode(EnquireLink(sequence_number=1))
    assert list(Cutter(frame[:7]).cut(frame[7:])) == [frame]


# -- what is shown ----------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", FRAMES, ids=[vector["name"] for vector in VECTORS])
@pytest.mark.parametrize("texts", [True, False])
def test_every_pdu_can_be_shown(frame: bytes, texts: bool) -> None:
    row = json.loads(json.dumps(shown(frame, texts=texts)))
    assert "error" not in row
    assert len(bytes.fromhex(row["frame"])) == len(frame)


@pytest.mark.parametrize("kind", [BindTransceiver, Outbind])
def test_a_password_is_nowhere(kind: Any) -> None:
    frame = encode(kind(sequence_number=1, system_id="app", password="secret08"))
    row = shown(frame, texts=True)
    assert row["fields"]["password"] == "***"
    assert bytes.fromhex(row["frame"]) == frame.replace(b"secret08", b"********")
    assert "secret08" not in json.dumps(row) and b"secret08".hex() not in json.dumps(row)


SYSTEM_IDS = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=40)


@given(SYSTEM_IDS, st.integers(0, 100), st.binary(max_size=30))
def test_no_bind_however_broken_shows_a_password(system_id: str, cut: int, tail: bytes) -> None:
    body = system_id.encode("latin-1") + b"\0Tr0ub4dor&3\0" + tail
    body = body[: max(0, len(body) - cut)]
    head = (16 + len(body)).to_bytes(4, "big") + c.BIND_TRANSCEIVER.to_bytes(4, "big") + bytes(8)
    row = shown(head + body, texts=True)
    kept = bytes.fromhex(row["frame"])
    assert len(kept) == 16 + len(body)
    assert b"Tr0ub4dor" not in kept.replace(system_id.encode("latin-1"), b"")
    assert "Tr0ub4dor" not in json.dumps(row.get("fields", {}))


def test_without_texts_there_is_none_in_any_place() -> None:
    text = b"my code is 1234"
    for pdu in (
        SubmitSm(destination_addr=NUMBER, short_message=text),
        DeliverSm(source_addr=NUMBER, short_message=text),
        SubmitSm(destination_addr=NUMBER, tlvs=((tlv.MESSAGE_PAYLOAD, text),)),
        DataSm(destination_addr=NUMBER, tlvs=((0x0204, b"\0\1"), (tlv.MESSAGE_PAYLOAD, text))),
        SubmitMulti(dest_addresses=(SmeAddress(1, 1, NUMBER),), short_message=text),
    ):
        frame = encode(pdu)
        row = shown(frame, texts=False)
        assert bytes.fromhex(row["frame"]) == frame.replace(text, b"*" * len(text))
        said = json.dumps(row)
        assert text.decode() not in said and text.hex() not in said
        assert NUMBER in said
        broken = frame[:3] + bytes((frame[3] - 1,)) + frame[4:-1]  # cut within the text
        assert text[:-1] not in without_secrets(broken, texts=False)


@pytest.mark.parametrize("sm_length", range(16))
def test_no_request_however_broken_shows_a_text(sm_length: int) -> None:
    text = b"my code is 1234"
    frame = encode(SubmitSm(destination_addr=NUMBER, short_message=text)).replace(
        bytes((len(text),)) + text, bytes((sm_length,)) + text
    )
    row = shown(frame, texts=False)
    assert b"s 1234" not in bytes.fromhex(row["frame"]) and b"s 1234".hex() not in json.dumps(row)


def test_a_vendors_tlv_may_hold_a_text_too() -> None:
    frame = encode(SubmitSm(destination_addr=NUMBER, tlvs=((0x1400, b"my code"), (0x0204, b"\0\1"))))
    row = shown(frame, texts=False)
    assert row["tlvs"] == {"0x1400": "<7 octets>", "user_message_reference": 1}
    assert bytes.fromhex(row["frame"]) == frame.replace(b"my code", b"*" * 7)
    assert shown(frame, texts=True)["frame"] == frame.hex()


@pytest.mark.parametrize(
    ("data_coding", "esm_class", "data", "text"),
    [
        (0, 0, b"h\x00llo", "h@llo"),
        (8, 0, "Привет".encode("utf-16-be"), "Привет"),
        (3, 0, b"caf\xe9", "café"),
        (0, 0x40, b"\x05\x00\x03\x01\x02\x01part", "part"),
        (4, 0, b"\x00\x01", None),
        (0, 0x40, b"\xff", None),
    ],
)
def test_a_text_is_shown_as_a_phone_would(
    data_coding: int, esm_class: int, data: bytes, text: str | None
) -> None:
    pdu = SubmitSm(data_coding=data_coding, esm_class=esm_class, short_message=data)
    assert shown(encode(pdu), texts=True)["fields"].get("text") == text


def test_an_answer_says_its_status_and_a_request_does_not() -> None:
    answer = SubmitSmResp(sequence_number=7, command_status=c.ESME_RINVDSTADR)
    row = shown(encode(answer), texts=True)
    assert (row["command"], row["sequence"], row["status"]) == ("submit_sm_resp", 7, "ESME_RINVDSTADR")
    assert "status" not in shown(encode(EnquireLink(sequence_number=1)), texts=True)


# -- which are seen ---------------------------------------------------------------------------------


def test_nobody_listens_before_and_after() -> None:
    there, late = Session(name="app"), Session(name="app")
    house = House(there)
    assert there.tap is None
    assert house.tracing.taps.of(late) is None
    one, two = house.begin(account="app"), house.begin(account="app")
    assert there.tap is not None
    assert house.tracing.taps.of(late) is not None
    house.tracing.end(one)
    assert there.tap is not None
    house.tracing.end(two)
    assert there.tap is None
    assert house.tracing.taps.of(late) is None


def test_an_account_is_traced_from_its_bind_on_and_no_other() -> None:
    house = House()
    trace = house.begin(account="app")
    session, other = Session(), Session()
    for one, name in ((session, "app"), (other, "shop")):
        one.tap = house.tracing.taps.of(one)
        tap_of(one).sent(encode(EnquireLink(sequence_number=1)))
        tap_of(one).received(encode(BindTransceiver(sequence_number=1, system_id=name, password="x")))
        tap_of(one).sent(encode(BindTransceiverResp(sequence_number=1, system_id="smsc")))
        one.traced_as = name
        tap_of(one).received(encode(SubmitSm(sequence_number=2, destination_addr=NUMBER)))
    rows = trace.take()
    assert [row["command"] for row in rows] == ["bind_transceiver", "bind_transceiver_resp", "submit_sm"]
    assert [row["way"] for row in rows] == ["received", "sent", "received"]
    assert {(row["name"], row["side"], row["at_ms"]) for row in rows} == {("app", "client", NOW_MS)}
    assert rows[0]["ours"] == ("192.0.2.1", 2775)
    assert rows[0]["theirs"] == ("192.0.2.7", 51234)


def test_a_connector_is_not_an_account_of_the_same_name() -> None:
    client, link = Session("client", "one"), Session("smsc", "one")
    house = House(client, link)
    by_connector, by_account = house.begin(connector="one"), house.begin(account="one")
    tap_of(client).received(encode(EnquireLink(sequence_number=1)))
    tap_of(link).sent(encode(SubmitSm(sequence_number=2)))
    assert commands(by_connector) == ["submit_sm"]
    assert commands(by_account) == ["enquire_link"]


@pytest.mark.parametrize(
    "request_",
    [
        SubmitSm(destination_addr=NUMBER),
        SubmitSm(source_addr="+" + NUMBER),
        DeliverSm(source_addr="8" + NUMBER[1:]),
        DataSm(destination_addr="00" + NUMBER),
        QuerySm(message_id="77", source_addr=NUMBER),
        SubmitMulti(dest_addresses=(SmeAddress(1, 1, "79990000000"), SmeAddress(1, 1, NUMBER))),
    ],
    ids=lambda pdu: type(pdu).__name__,
)
def test_a_number_is_found_with_its_answer(request_: Pdu) -> None:
    session = Session()
    house = House(session)
    trace = house.begin(number=NUMBER)
    request_.sequence_number = 5
    tap_of(session).received(encode(SubmitSm(sequence_number=4, destination_addr="79990000001")))
    tap_of(session).received(encode(request_))
    tap_of(session).received(encode(DeliverSmResp(sequence_number=5)))  # to another request of that number
    tap_of(session).sent(encode(SubmitSmResp(sequence_number=4, message_id="1")))
    tap_of(session).sent(encode(SubmitSmResp(sequence_number=5, message_id="2")))
    tap_of(session).sent(encode(SubmitSmResp(sequence_number=5, message_id="3")))
    rows = trace.take()
    assert [row["sequence"] for row in rows] == [5, 5]
    assert rows[1]["fields"]["message_id"] == "2"


def test_a_number_in_a_text_is_no_address() -> None:
    session = Session()
    house = House(session)
    trace = house.begin(number=NUMBER)
    text = f"call {NUMBER}".encode()
    tap_of(session).received(encode(SubmitSm(destination_addr="79990000001", short_message=text)))
    assert commands(trace) == []


@pytest.mark.parametrize("written", ["1234", "+1234", "001234", "+79161234567", "0079161234567"])
def test_a_number_is_found_however_it_is_asked_for(written: str) -> None:
    session = Session()
    house = House(session)
    trace = house.begin(number=written)
    number = "1234" if len(written) < 8 else NUMBER
    tap_of(session).received(encode(SubmitSm(destination_addr=number)))
    assert commands(trace) == ["submit_sm"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("79161234567", "+79161234567", True),
        ("79161234567", "0079161234567", True),
        ("79161234567", "89161234567", True),
        ("79161234567", "79161234568", False),
        ("1234", "1234", True),
        ("1234", "91234", False),
        ("1234", "79161231234", False),
        ("", "", False),
        ("Example", "Example", True),
    ],
)
def test_what_is_one_number(one: str, other: str, same: bool) -> None:
    assert same_number(one, other) is same
    assert same_number(other, one) is same


def test_answers_that_never_come_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWERS_MAX", 3)
    session = Session()
    house = House(session)
    trace = house.begin(number=NUMBER)
    for number in range(10):
        tap_of(session).received(encode(SubmitSm(sequence_number=number, destination_addr=NUMBER)))
    trace.take()
    for number in range(10):
        tap_of(session).sent(encode(SubmitSmResp(sequence_number=number, message_id="1")))
    assert [row["sequence"] for row in trace.take()] == [7, 8, 9]


# -- bounds -----------------------------------------------------------------------------------------


def test_a_slow_reader_loses_pdus_and_hears_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_MAX", 3)
    session = Session("smsc", "one")
    house = House(session)
    trace = house.begin(connector="one")
    for number in range(10):
        tap_of(session).sent(encode(SubmitSm(sequence_number=number)))
    assert [row["sequence"] for row in trace.take()] == [0, 1, 2]
    assert (trace.seen, trace.dropped) == (10, 7)
    tap_of(session).sent(encode(SubmitSm(sequence_number=10)))
    (row,) = trace.take()
    assert (row["sequence"], row["dropped"]) == (10, 7)


def test_large_pdus_are_bounded_by_their_octets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_OCTETS", 1000)
    session = Session("smsc", "one")
    house = House(session)
    trace = house.begin(connector="one")
    frame = encode(DataSm(tlvs=((tlv.MESSAGE_PAYLOAD, b"x" * 400),)))
    for _ in range(5):
        tap_of(session).sent(frame)
    assert (len(trace.take()), trace.dropped) == (2, 3)
    tap_of(session).sent(frame)
    assert len(trace.take()) == 1


def test_there_are_not_too_many_at_once() -> None:
    house = House()
    traces = [house.begin(account="app") for _ in range(TRACES_MAX)]
    with pytest.raises(TraceError, match="end one of them"):
        house.begin(account="app")
    house.tracing.end(traces[0])
    house.begin(account="app")


def test_news_wake_who_waits() -> None:
    async def run() -> None:
        session = Session("smsc", "one")
        house = House(session)
        trace = house.begin(connector="one")
        waits = asyncio.ensure_future(trace.news(60))
        await asyncio.sleep(0)
        tap_of(session).sent(encode(SubmitSm(sequence_number=1)))
        await asyncio.wait_for(waits, 60)
        trace.take()
        await trace.news(0.001)  # nothing new: it returns all the same

    asyncio.run(run())
