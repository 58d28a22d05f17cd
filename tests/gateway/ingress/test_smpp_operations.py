"""What clients hear when the store fails, when they have gone, and when an answer does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from gateway_fakes import NOW, FakeJournal, ManualClock, account, quiet_events

from gateway.core.accounts import Account
from gateway.core.batch import Answer
from gateway.core.message_ids import MessageIds
from gateway.core.model import Message, Progress
from gateway.core.router import Router
from gateway.core.routing import RouteTable
from gateway.core.submission import Submission
from gateway.ingress.smpp_operations import Operations
from gateway.translate.smpp_reading import AS_SENT
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import (
    CancelSm,
    DataSm,
    DistributionList,
    GenericNack,
    Pdu,
    QuerySm,
    ReplaceSm,
    SmeAddress,
    SubmitMulti,
    response_to,
)

MESSAGE_ID = "722104798412800001"
LIVE = (1, 0, 0, "", "12345", "79161234567", 0, 0, "one", [], 1, "")


class Session:
    version = 0x34


class Connection:
    """A session that remembers what it was told to answer."""

    def __init__(self) -> None:
        self.account: Account = account()
        self.session = Session()
        self.reading = AS_SENT
        self.id_format = "decimal"
        self.congestion = ()
        self.submitted = 0
        self.answers: list[Pdu] = []

    def take(self, pdu: Pdu, now: float, now_ms: int, flags: int = 0) -> Message:
        from gateway_fakes import message

        return message(1 + (flags >> 16))

    def answer(self, response: Pdu) -> None:
        self.answers.append(response)

    def refuse(self, pdu: Pdu, status: int) -> None:
        self.answers.append(response_to(pdu, status))

    @property
    def status(self) -> str:
        (answer,) = self.answers
        return c.status_name(answer.command_status)


class Listener:
    def __init__(self) -> None:
        self.journal = FakeJournal()
        self.events = quiet_events()
        self.clock = ManualClock()
        self.submission = Submission(
            self.journal,
            MessageIds(),
            Router(RouteTable(()), {}),
            self.events,
            max_messages=100,
            default_validity_ms=1000,
        )


class Asked:
    def __init__(self) -> None:
        self.listener = Listener()
        self.journal = self.listener.journal
        self.operations = Operations(self.listener)  # type: ignore[arg-type]
        self.connection = Connection()

    def ask(self, pdu: Pdu) -> None:
        self.operations.handle(self.connection, pdu)  # type: ignore[arg-type]


@pytest.fixture
def asked() -> Iterator[Asked]:
    it = Asked()
    yield it
    assert not it.journal.is_due, "somebody waits for ever"


REQUESTS: list[Pdu] = [
    QuerySm(message_id=MESSAGE_ID, source_addr="12345"),
    CancelSm(message_id=MESSAGE_ID, source_addr="12345"),
    CancelSm(source_addr="12345", destination_addr="79161234567"),
    ReplaceSm(message_id=MESSAGE_ID, source_addr="12345", short_message=b"x"),
    DataSm(source_addr="12345", destination_addr="79161234567", tlvs=((tlv.MESSAGE_PAYLOAD, b"x"),)),
    SubmitMulti(source_addr="12345", dest_addresses=(SmeAddress(1, 1, "79161234567"),)),
]


@pytest.mark.parametrize("pdu", REQUESTS, ids=lambda pdu: type(pdu).__name__)
def test_a_store_that_cannot_write_is_a_system_error(asked: Asked, pdu: Pdu) -> None:
    asked.ask(pdu)
    assert asked.connection.answers == [], "nothing is answered before the commit"
    asked.journal.commit(ok=False)
    assert asked.connection.status == "ESME_RSYSERR"
    assert asked.connection.submitted == 0


@pytest.mark.parametrize("pdu", [REQUESTS[1], REQUESTS[3]], ids=["cancel", "replace"])
def test_the_store_may_fail_between_the_question_and_the_change(asked: Asked, pdu: Pdu) -> None:
    asked.ask(pdu)
    asked.journal.commit(answer=Answer(queried=[LIVE]))
    assert asked.connection.answers == []
    asked.journal.commit(ok=False)
    assert asked.connection.status == "ESME_RSYSERR"


def test_a_message_that_went_up_meanwhile_is_not_replaced(asked: Asked) -> None:
    asked.ask(REQUESTS[3])
    asked.journal.commit(answer=Answer(queried=[LIVE]))
    asked.journal.commit(answer=Answer(replaced=[0]))
    assert asked.connection.status == "ESME_RREPLACEFAIL"


def test_questions_of_one_batch_get_their_own_answers(asked: Asked) -> None:
    for _ in range(3):
        asked.ask(REQUESTS[0])
    ended = (5, -1, 1_800_000_000_000, "007", *LIVE[4:])
    asked.journal.commit(answer=Answer(queried=[LIVE, (), ended]))
    first, second, third = asked.connection.answers
    told: list[Any] = [first, third]
    assert [one.message_state for one in told] == [1, 5]
    assert second.command_status == c.ESME_RINVMSGID


def test_what_nobody_serves_is_refused(asked: Asked) -> None:
    asked.ask(GenericNack())
    assert asked.connection.status == "ESME_RINVCMDID"
    assert asked.connection.account.shares.join(0, NOW)


class Smsc:
    """The upstream of an SMSC that agrees to everything."""

    operations = frozenset({"cancel_sm", "query_sm"})

    def ask(self, request: Pdu, then: Any) -> bool:
        response: Any = response_to(request)
        if isinstance(request, QuerySm):
            response.message_state = c.DELIVERED
        then(response)
        return True


@pytest.mark.parametrize(("ok", "status"), [(True, "ESME_ROK"), (False, "ESME_RSYSERR")])
def test_that_the_smsc_has_cancelled_it_is_said_when_that_is_kept(
    asked: Asked, ok: bool, status: str
) -> None:
    asked.listener.submission.router.upstreams = {"one": Smsc()}  # type: ignore[dict-item]
    asked.ask(REQUESTS[1])
    asked.journal.commit(answer=Answer(queried=[LIVE]))
    asked.journal.commit(answer=Answer(cancelled=[(0, [(1, "one", ["A"], "")], 0)]))
    assert asked.connection.answers == []
    asked.journal.commit(ok=ok)
    assert asked.connection.status == status


def test_a_list_that_is_named_often_does_not_make_millions_of_messages(asked: Asked) -> None:
    from dataclasses import replace

    from gateway.config.smpp_model import AccountSmpp, NumberList

    numbers = [f"7916{n:07}" for n in range(100)]
    config = asked.connection.account.config
    listed = AccountSmpp(lists=[NumberList(name="staff", numbers=numbers)])
    asked.connection.account.config = replace(config, smpp=listed)
    for times, status in ((101, "ESME_RINVNUMDESTS"), (100, "ESME_ROK")):
        asked.connection.answers.clear()
        asked.ask(SubmitMulti(source_addr="12345", dest_addresses=(DistributionList("staff"),) * times))
        if not asked.connection.answers:
            asked.journal.commit()
        assert asked.connection.status == status


def test_a_message_whose_parts_are_not_all_known_at_the_smsc_is_not_cancelled(asked: Asked) -> None:
    asked.listener.submission.router.upstreams = {"one": Smsc()}  # type: ignore[dict-item]
    asked.ask(REQUESTS[1])
    asked.journal.commit(answer=Answer(queried=[(*LIVE[:10], 2, "")]))
    asked.journal.commit(answer=Answer(cancelled=[(0, [(1, "one", ["A"], "")], 0)]))
    asked.journal.commit()
    assert asked.connection.status == "ESME_RCANCELFAIL"


@pytest.mark.parametrize(("ids", "state"), [(["A"], c.ENROUTE), (["A", "B"], c.DELIVERED)])
def test_a_message_of_which_a_part_is_not_at_the_smsc_is_under_way(
    asked: Asked, ids: list[str], state: int
) -> None:
    asked.listener.submission.router.upstreams = {"one": Smsc()}  # type: ignore[dict-item]
    asked.ask(REQUESTS[0])
    asked.journal.commit(answer=Answer(queried=[(1, Progress.SENT, *LIVE[2:9], ids, 2, "")]))
    answer: Any = asked.connection.answers[0]
    assert answer.message_state == state


def test_an_smsc_that_is_silent_is_not_asked_for_each_part(asked: Asked) -> None:
    requests: list[Pdu] = []

    class Silent(Smsc):
        def ask(self, request: Pdu, then: Any) -> bool:
            requests.append(request)
            then(None)
            return True

    asked.listener.submission.router.upstreams = {"one": Silent()}  # type: ignore[dict-item]
    asked.ask(REQUESTS[0])
    asked.journal.commit(answer=Answer(queried=[(1, Progress.SENT, *LIVE[2:9], ["A", "B", "C"], 3, "")]))
    assert asked.connection.status == "ESME_ROK"
    assert len(requests) == 1
