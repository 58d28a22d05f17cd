"""Octets as a PDU, and as what comes to a session."""

from __future__ import annotations

from collections.abc import Iterator

from protocols.smpp import codec
from protocols.smpp import constants as c
from protocols.smpp.errors import DecodeError, SmppError
from protocols.smpp.events import Answered, Closed
from protocols.smpp.pdu import Bind, BindTransceiver, Pdu, SubmitSm, response_to
from protocols.smpp.session import Session
from protocols.smpp.settings import SessionSettings
from protocols.smpp.state import APPLICATION_ANSWERS, Role

SETTINGS = SessionSettings(window=3, peer_window=3, bad_state_limit=20)
_SIZES = (1, 7, 16, 64, 4096)


def decoder(frame: bytes) -> None:
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


def sessions(data: bytes) -> None:
    """The first octet says at which end we are, and in which pieces the rest comes."""
    how, stream = data[:1] or b"\0", data[1:]
    size = _SIZES[how[0] // 2 % len(_SIZES)]
    role = Role.ESME if how[0] & 1 else Role.SMSC
    drive(started(role), [stream[at : at + size] for at in range(0, len(stream), size)])


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
        for pdu in _frames_in(session.data_to_send()):
            assert pdu.command_id & c.RESPONSE_BIT or 1 <= pdu.sequence_number <= c.MAX_SEQUENCE_NUMBER
    session.abandon()


def started(role: Role) -> Session:
    """A session that waits for a bind, or one that is bound and has sent two messages."""
    session = Session(role, SETTINGS, 0.0)
    if role is Role.ESME:
        session.send_request(BindTransceiver(system_id="a"), 0.0)
        session.receive_data(codec.encode_header(c.BIND_TRANSCEIVER_RESP, 0, 1), 0.0)
        session.send_request(SubmitSm(), 0.0, "a")
        session.send_request(SubmitSm(), 0.0, "b")
    return session


def _frames_in(data: bytes) -> Iterator[Pdu]:
    while data:
        length = int.from_bytes(data[:4], "big")
        assert 16 <= length <= len(data), "the session sent half a PDU"
        yield codec.decode(data[:length])
        data = data[length:]
