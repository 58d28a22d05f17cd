"""The simulated SMSC itself: what it does with each event of its sessions.

A submit gets an outcome (outcomes.py). If it is taken, its response is queued and its receipts follow,
at once or through the delay heap, by deliveries.py. Nothing is written before `flush`: one write per session
and turn.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import fields

from gateway.simulator.aftermath import Aftermath
from gateway.simulator.answers import response_of
from gateway.simulator.binds import BIND_CLASSES, Binds
from gateway.simulator.broadcasts import Broadcasts
from gateway.simulator.connection import Connection
from gateway.simulator.counters import Counters
from gateway.simulator.delays import Delays
from gateway.simulator.deliveries import Deliveries
from gateway.simulator.load import Load
from gateway.simulator.management import Management, due
from gateway.simulator.message import Message, user_data_of
from gateway.simulator.message_ids import id_maker
from gateway.simulator.outcomes import DELIVERED, DROPPED, Answer, Outcome, Outcomes
from gateway.simulator.settings import SimulatorSettings, parse_without
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.events import Answered, Closed, Event, Refused, TimedOut
from protocols.smpp.pdu import (
    PDU_BY_COMMAND,
    BroadcastSm,
    CancelBroadcastSm,
    CancelSm,
    DataSm,
    DataSmResp,
    GenericNack,
    Pdu,
    QueryBroadcastSm,
    QuerySm,
    ReplaceSm,
    SmeAddress,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
    SubmitSmResp,
    Tlvs,
    UnsuccessSme,
)

_DROP_LINGER_S = 1.0
# Receipts that must overtake the response on another connection get this head start.
_HEAD_START_S = 0.005
# A message that is due this much later has got another time, and is in the heap a second time.
_MOVED_S = 0.001
_INTERMEDIATE = c.REGISTERED_DELIVERY_INTERMEDIATE
# What each message of a submit_multi has of it.
_OF_ALL = tuple(
    field.name for field in fields(SubmitMulti) if field.name not in ("dest_addresses", "command_status")
)


class Smsc:
    """All sessions, messages and mailboxes of one simulated SMSC."""

    def __init__(
        self,
        settings: SimulatorSettings,
        loop: asyncio.AbstractEventLoop,
        arrived: Callable[[Message], None],
        turn_over: Callable[[], None],
    ) -> None:
        self.settings = settings
        self.counters = Counters()
        self.received: deque[Message] = deque()
        self.connections: dict[Connection, None] = {}
        self.delays = Delays(loop, self.flush)
        self.deliveries = Deliveries(
            self.counters, self.delays, loop.time, self.touch, settings.receipt_retry_ms / 1000
        )
        self._arrived = arrived
        self._turn_over = turn_over
        self._touched: dict[Connection, None] = {}
        self._messages: dict[str, Message] = {}
        self._outcomes = Outcomes(settings)
        self._make_ids = id_maker(settings.id_format)
        # Ids start at the clock so that a restarted simulator does not give the same ids again.
        self._last_number = int(time.time()) * 1_000_000
        self._load = Load(settings.rate, settings.congestion, loop.time()) if _is_limited(settings) else None
        self._has_limits = bool(settings.drop_every or self._load is not None)
        self._over_rate = Outcome("over the rate", status=settings.rate_status)
        self._aftermath = Aftermath(settings, self.deliveries)
        self._finish = self._aftermath.finish
        self._clock = loop.time
        self.binds = Binds(settings, self.counters, self.deliveries.bound)
        management = Management(self._messages, self._end_early, self._move)
        self._same = management.same
        broadcasts = Broadcasts(self._next_id, settings.receipt_delay_ms / 1000)
        self._resp_delay_s = settings.resp_delay_ms / 1000
        self._receipt_delay_s = settings.receipt_delay_ms / 1000
        self._handlers: dict[type, Callable[..., None]] = {
            SubmitSm: self._submit,
            DataSm: self._submit,
            Answered: self.deliveries.answered,
            TimedOut: self.deliveries.timed_out,
            SubmitMulti: self._submit_multi,
            QuerySm: management.query,
            CancelSm: management.cancel,
            ReplaceSm: management.replace,
            BroadcastSm: broadcasts.submit,
            QueryBroadcastSm: broadcasts.query,
            CancelBroadcastSm: broadcasts.cancel,
            Refused: self._refused,
            Closed: self._closed,
            **dict.fromkeys(BIND_CLASSES, self.binds.bind),
        }
        for command in parse_without(settings.without):
            del self._handlers[PDU_BY_COMMAND[command]]

    # -- connections ---------------------------------------------------------------------------------

    def opened(self, connection: Connection) -> None:
        self.counters.connections += 1
        self.connections[connection] = None

    def handle(self, connection: Connection, event: Event, now: float) -> None:
        """Dispatch one event; requests that this SMSC does not serve get a generic_nack."""
        if connection.dropped and type(event) not in (Answered, Closed):
            return
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(connection, event, now)
        elif isinstance(event, Pdu):
            nack = GenericNack(sequence_number=event.sequence_number, command_status=c.ESME_RINVCMDID)
            connection.session.respond(nack)

    def lost(self, connection: Connection) -> None:
        """Forget a connection that is gone."""
        self.connections.pop(connection, None)
        self._touched.pop(connection, None)
        self.deliveries.lost(connection)
        self.binds.ended(connection.session.system_id, self._clock())

    def flush(self) -> None:
        """Write what this turn has queued, once per session."""
        touched = self._touched
        while touched:
            touched.popitem()[0].write()
        self._turn_over()

    def touch(self, connection: Connection) -> None:
        """Let the next flush write this connection's output."""
        self._touched[connection] = None

    def _closed(self, connection: Connection, event: Closed, now: float) -> None:
        self.deliveries.forget(connection)
        connection.close()

    def _refused(self, connection: Connection, event: Refused, now: float) -> None:
        self.counters.bad_input += 1

    # -- submits -------------------------------------------------------------------------------------

    def _submit(self, connection: Connection, pdu: SubmitSm | DataSm, now: float) -> None:
        self.counters.submitted += 1
        connection.submits += 1
        message = Message(pdu, user_data_of(pdu), connection.session.system_id, time.time())
        if self._has_limits:
            outcome = self._outcome(connection, message, now)
        else:
            outcome = self._outcomes.choose(pdu.source_addr, pdu.destination_addr, message.user_data)
        if outcome.answer is Answer.RESPONSE:
            if outcome.status == c.ESME_ROK:
                self._take(connection, message, outcome, now)
            else:
                self._refuse(connection, message, outcome, now)
        else:
            self.counters.unanswered += 1
            if outcome.answer is Answer.DROP:
                self._drop(connection, now)
        self._remember(message)

    def _outcome(self, connection: Connection, message: Message, now: float) -> Outcome:
        every = self.settings.drop_every
        if every and connection.submits % every == 0:
            return DROPPED
        if self._load is not None and self._load.over(now):
            return self._over_rate
        return self._outcomes.choose(message.source, message.destination, message.user_data)

    def _refuse(self, connection: Connection, message: Message, outcome: Outcome, now: float) -> None:
        self.counters.refused += 1
        message.status = outcome.status
        message.special().form = outcome.form or self.settings.error_form
        self._respond_at(now + self._resp_delay_s, connection, message, now)

    def _take(self, connection: Connection, message: Message, outcome: Outcome, now: float) -> None:
        pdu = message.pdu
        ready_at = 0.0
        if (
            outcome is not DELIVERED
            or pdu.tlvs
            or (type(pdu) is SubmitSm and (pdu.schedule_delivery_time or pdu.replace_if_present_flag))
        ):
            ready_at = self._heed(connection, message, outcome, now)
            if message.status:
                return
        self.counters.accepted += 1
        self._last_number += 1
        message.status = c.ESME_ROK
        message.message_id, message.receipt_id = self._make_ids(self._last_number)
        message.final_state = outcome.state
        self._messages[message.message_id] = message
        if outcome.receipt_first or self.settings.receipt_before_response:
            self._receipt_first(connection, message, outcome, now)
            return
        answer_at = now + self._resp_delay_s
        self._respond_at(answer_at, connection, message, now)
        if pdu.registered_delivery & _INTERMEDIATE:
            if answer_at > now:
                self.delays.push(answer_at, self._aftermath.notify, connection, message)
            else:
                self._aftermath.notify(connection, message)
        message.final_at = (ready_at if ready_at > answer_at else answer_at) + self._receipt_delay_s
        if outcome.late:
            message.final_at += self.settings.late_receipt_ms / 1000
        if message.final_at > now:
            self._keep_for_later(connection, message, outcome, now)
        else:
            self._finish(connection, message, outcome)

    def _heed(self, connection: Connection, message: Message, outcome: Outcome, now: float) -> float:
        """What a submit asks for, or its destination forces, beside delivery; when it may be delivered.

        A submit that cannot be taken is refused, and has its status then.
        """
        pdu, ready_at = message.pdu, now
        if outcome.form:
            message.special().form = outcome.form
        if type(pdu) is SubmitSm:
            scheduled_at = due(pdu.schedule_delivery_time, now)
            if scheduled_at is None:
                self._refuse(connection, message, Outcome("no time", status=c.ESME_RINVSCHED), now)
                return now
            if scheduled_at > now:
                message.special().scheduled_at = ready_at = scheduled_at
            if pdu.replace_if_present_flag:
                for old in self._same(connection, message, now):
                    self._end_early(connection, old, c.DELETED, now)
        if outcome.absent:
            ready_at += self.settings.late_receipt_ms / 1000
        if tlv.get(pdu.tlvs, tlv.SET_DPF) == b"\1":
            message.special().tlvs = ((tlv.DPF_RESULT, b"\1" if outcome.absent else b"\0"),)
        return ready_at

    def _keep_for_later(self, connection: Connection, message: Message, outcome: Outcome, now: float) -> None:
        pdu = message.pdu
        if type(pdu) is SubmitSm and pdu.validity_period:
            expires_at = due(pdu.validity_period, now)
            if expires_at is not None and expires_at < message.final_at:
                message.final_at, message.final_state = expires_at, c.EXPIRED
        self.delays.push(message.final_at, self._come_due, connection, message, outcome)

    def _receipt_first(self, connection: Connection, message: Message, outcome: Outcome, now: float) -> None:
        message.final_at = now
        head_start = 0.0 if self.deliveries.goes_at_once(connection) else _HEAD_START_S
        self._finish(connection, message, outcome)
        self._respond_at(now + max(self._resp_delay_s, head_start), connection, message, now)

    def _respond_at(self, due_at: float, connection: Connection, message: Message, now: float) -> None:
        if due_at > now:
            self.delays.push(due_at, self._respond, connection, message)
        else:
            self._respond(connection, message)

    def _respond(self, connection: Connection, message: Message) -> None:
        if not connection.alive or connection.dropped:
            return
        response: Pdu
        if message.more is not None or self._load is not None:
            response = response_of(message, self._congestion(connection))
        else:
            response = (SubmitSmResp if type(message.pdu) is SubmitSm else DataSmResp)(
                sequence_number=message.pdu.sequence_number,
                command_status=message.status or c.ESME_ROK,
                message_id=message.message_id,
            )
        connection.session.respond(response)
        self._touched[connection] = None

    def _congestion(self, connection: Connection) -> Tlvs:
        if self._load is None or connection.session.version < c.INTERFACE_VERSION_50:
            return ()
        return self._load.tlvs(self._clock())

    def _submit_multi(self, connection: Connection, request: SubmitMulti, now: float) -> None:
        """A message for each destination, under one id; the response names those that are refused."""
        self.counters.submitted += 1
        connection.submits += 1
        response = SubmitMultiResp(sequence_number=request.sequence_number)
        common = {name: getattr(request, name) for name in _OF_ALL}
        failed: list[UnsuccessSme] = []
        taken: list[tuple[Message, Outcome]] = []
        for address in request.dest_addresses:
            if not isinstance(address, SmeAddress):
                failed.append(UnsuccessSme(0, 0, address.dl_name, c.ESME_RINVDLNAME))
                continue
            pdu = SubmitSm(**common, **address._asdict())
            message = Message(pdu, user_data_of(pdu), connection.session.system_id, time.time())
            outcome = self._outcome(connection, message, now)
            if outcome.answer is not Answer.RESPONSE:
                self.counters.unanswered += 1
                if outcome.answer is Answer.DROP:
                    self._drop(connection, now)
                return
            message.status = outcome.status
            if outcome.status:
                failed.append(UnsuccessSme(*address, outcome.status))
                self._remember(message)
            else:
                taken.append((message, outcome))
        if due(request.schedule_delivery_time, now) is None:
            self.counters.refused += 1
            response.command_status = c.ESME_RINVSCHED
            taken.clear()
        elif taken:
            response.message_id = self._take_together(taken, now)
            self.counters.accepted += 1
        else:
            self.counters.refused += 1
            response.command_status = c.ESME_RSUBMITFAIL if failed else c.ESME_RINVNUMDESTS
        response.unsuccess_smes = tuple(failed)
        response.tlvs = self._congestion(connection)
        connection.session.respond(response)
        for message, outcome in taken:
            self._remember(message)
            self._keep_for_later(connection, message, outcome, now)

    def _take_together(self, taken: list[tuple[Message, Outcome]], now: float) -> str:
        """Give the messages one id; when they are due is theirs."""
        message_id = self._next_id()
        first = taken[0][0]
        receipt_id = self._make_ids(self._last_number)[1]
        for message, outcome in taken:
            message.message_id, message.receipt_id = message_id, receipt_id
            message.final_state = outcome.state
            pause = self.settings.late_receipt_ms / 1000 if outcome.late or outcome.absent else 0.0
            scheduled = due(message.pdu.schedule_delivery_time, now) if type(message.pdu) is SubmitSm else now
            message.final_at = (scheduled or now) + pause + self._receipt_delay_s
        self._messages[message_id] = first
        first.special().siblings = [message for message, _ in taken[1:]]
        return message_id

    def _next_id(self) -> str:
        self._last_number += 1
        return self._make_ids(self._last_number)[0]

    def _drop(self, connection: Connection, now: float) -> None:
        self.counters.drops += 1
        self.deliveries.forget(connection)
        connection.drop()
        self.delays.push(now + _DROP_LINGER_S, connection.close)

    def _remember(self, message: Message) -> None:
        self.received.append(message)
        if len(self.received) > self.settings.keep:
            self._messages.pop(self.received.popleft().message_id, None)
        self._arrived(message)

    # -- the end of a message ------------------------------------------------------------------------

    def _come_due(self, connection: Connection, message: Message, outcome: Outcome) -> None:
        """The message's time has come, unless it ended before or has got another time."""
        more = message.more
        if more is not None:
            if more.done or message.final_at > self._clock() + _MOVED_S:
                return
            more.done = True
        self._finish(connection, message, outcome)

    def _end_early(self, connection: Connection, message: Message, state: int, now: float) -> None:
        message.final_state, message.final_at = state, now
        message.special().done = True
        self._finish(connection, message, DELIVERED)

    def _move(self, connection: Connection, message: Message, now: float) -> None:
        """A message has got another schedule, or another end of its validity."""
        scheduled_at = message.special().scheduled_at
        if scheduled_at > now:
            message.final_at = scheduled_at + self._receipt_delay_s
        self._keep_for_later(connection, message, DELIVERED, now)


def _is_limited(settings: SimulatorSettings) -> bool:
    return bool(settings.rate or settings.congestion)
