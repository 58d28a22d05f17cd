"""A peer that unbinds while answers are owed to it gets them first."""

from __future__ import annotations

from smpp_support import bound_pair, submit

from protocols.smpp import constants as c
from protocols.smpp.codec import decode, encode
from protocols.smpp.events import Closed
from protocols.smpp.pdu import Pdu, SubmitSmResp, Unbind, UnbindResp
from protocols.smpp.session import Session
from protocols.smpp.settings import SessionSettings
from protocols.smpp.state import State


def sent(session: Session) -> list[Pdu]:
    data, found = session.data_to_send(), []
    while data:
        length = int.from_bytes(data[:4], "big")
        found.append(decode(data[:length]))
        data = data[length:]
    return found


def unbinding(count: int) -> tuple[Session, Session]:
    """(SMSC, ESME) where the ESME has unbound with `count` submits unanswered."""
    smsc, esme = bound_pair(esme=SessionSettings(window=20), smsc=SessionSettings(peer_window=20))
    for _ in range(count):
        esme.send_request(submit(), 1.0)
    esme.unbind(1.0)
    events = smsc.receive_data(esme.data_to_send(), 1.0)
    assert len(events) == count
    return smsc, esme


def test_what_is_owed_comes_before_the_answer_to_unbind() -> None:
    smsc, esme = unbinding(2)
    assert smsc.data_to_send() == b""
    smsc.respond(SubmitSmResp(sequence_number=2, message_id="a"))
    assert not smsc.over
    smsc.respond(SubmitSmResp(sequence_number=3, message_id="b"))
    assert smsc.over
    assert smsc.state is State.UNBOUND
    data = smsc.data_to_send()
    *answers, closed = esme.receive_data(data, 2.0)
    assert [answer.response.message_id for answer in answers] == ["a", "b"]  # type: ignore[union-attr]
    assert closed == Closed("unbound")


def test_nothing_new_is_taken_while_answers_are_owed() -> None:
    smsc, _ = unbinding(1)
    frames = [submit(90), Unbind(sequence_number=91)]
    smsc.receive_data(b"".join(encode(frame) for frame in frames), 2.0)
    assert [(pdu.sequence_number, pdu.command_status) for pdu in sent(smsc)] == [
        (90, c.ESME_RINVBNDSTS),
        (91, c.ESME_RINVBNDSTS),
    ]
    assert smsc.unanswered == 1


def test_an_answer_that_never_comes_does_not_keep_the_session() -> None:
    smsc, _ = unbinding(1)
    due = smsc.next_timeout()
    assert due == 1.0 + SessionSettings().response_timeout_s
    assert smsc.handle_timeout(due) == [Closed("unbind by peer")]
    assert smsc.over


def test_without_debts_unbind_is_answered_at_once() -> None:
    smsc, _ = bound_pair()
    assert smsc.receive_data(encode(Unbind(sequence_number=7)), 1.0) == [Closed("unbind by peer")]
    assert sent(smsc) == [UnbindResp(sequence_number=7)]
    assert smsc.room == 0, "it has gone: who looks for room finds another session"


def test_a_peer_that_unbinds_gets_no_new_request() -> None:
    smsc, esme = unbinding(1)
    assert (smsc.unbinding, smsc.room) == (True, 0)
    assert (esme.unbinding, esme.room) == (False, 0)
