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
from datetime import UTC, datetime, timedelta

from gateway.simulator.connection import Connection
from gateway.simulator.counters import Counters
from gateway.simulator.delays import Delays
from gateway.simulator.deliveries import Deliveries
from gateway.simulator.message import Message, user_data_of
from gateway.simulator.message_ids import id_maker
from gateway.simulator.outcomes import DROPPED, Answer, Outcome, Outcomes
from gateway.simulator.receipts import receipt, reply
from gateway.simulator.settings import SimulatorSettings
from protocols.smpp import constants as c
from protocols.smpp import times
from protocols.smpp.events import Answered, Closed, Event, Refused, TimedOut
from protocols.smpp.pdu import (
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    CancelSm,
    CancelSmResp,
    DataSm,
    DataSmResp,
    GenericNack,
    Pdu,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    ReplaceSmResp,
    SubmitSm,
    SubmitSmResp,
)
from protocols.smpp.state import State

_SYSTEM_ID = "simulator"
_DROP_LINGER_S = 1.0
# Receipts that must overtake the response on another connection get this head start.
_HEAD_START_S = 0.005
_RECEIVING = (State.BOUND_RX, State.BOUND_TRX)
_Bind = BindReceiver | BindTransmitter | BindTransceiver


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
        self._resp_delay_s = settings.resp_delay_ms / 1000
        self._receipt_delay_s = settings.receipt_delay_ms / 1000
        self._handlers: dict[type, Callable[..., None]] = {
            SubmitSm: self._submit,
            DataSm: self._submit,
            Answered: self.deliveries.answered,
            TimedOut: self.deliveries.timed_out,
            BindReceiver: self._bind,
            BindTransmitter: self._bind,
            BindTransceiver: self._bind,
            QuerySm: self._query,
            CancelSm: self._cancel,
            ReplaceSm: self._replace,
            Refused: self._refused,
            Closed: self._closed,
        }

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

    # -- binds ---------------------------------------------------------------------------------------

    def _bind(self, connection: Connection, request: _Bind, now: float) -> None:
        settings = self.settings
        session = connection.session
        if settings.system_id is not None and request.system_id != settings.system_id:
            self._refuse_bind(connection, request, c.ESME_RINVSYSID)
        elif settings.password is not None and request.password != settings.password:
            self._refuse_bind(connection, request, c.ESME_RINVPASWD)
        else:
            self.counters.binds += 1
            session.accept_bind(request, system_id=_SYSTEM_ID)
            if session.state in _RECEIVING:
                self.deliveries.bound(connection)

    def _refuse_bind(self, connection: Connection, request: _Bind, status: int) -> None:
        self.counters.binds_refused += 1
        connection.session.refuse_bind(request, status)

    # -- submits -------------------------------------------------------------------------------------

    def _submit(self, connection: Connection, pdu: SubmitSm | DataSm, now: float) -> None:
        self.counters.submitted += 1
        connection.submits += 1
        message = Message(pdu, user_data_of(pdu), connection.session.system_id, time.time())
        every = self.settings.drop_every
        if every and connection.submits % every == 0:
            outcome = DROPPED
        else:
            outcome = self._outcomes.choose(message.source, message.destination, message.user_data)
        if outcome.answer is Answer.RESPONSE:
            if outcome.status == c.ESME_ROK:
                self._take(connection, message, outcome, now)
            else:
                self.counters.refused += 1
                message.status = outcome.status
                self._respond_at(now + self._resp_delay_s, connection, message, now)
        else:
            self.counters.unanswered += 1
            if outcome.answer is Answer.DROP:
                self._drop(connection, now)
        self._remember(message)

    def _take(self, connection: Connection, message: Message, outcome: Outcome, now: float) -> None:
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
        message.final_at = answer_at + self._receipt_delay_s
        if outcome.late:
            message.final_at += self.settings.late_receipt_ms / 1000
        if message.final_at > now:
            self.delays.push(message.final_at, self._finish, connection, message, outcome)
        else:
            self._finish(connection, message, outcome)

    def _receipt_first(self, connection: Connection, message: Message, outcome: Outcome, now: float) -> None:
        message.final_at = now
        head_start = 0.0 if self.deliveries.goes_at_once(connection) else _HEAD_START_S
        self._finish(connection, message, outcome)
        self._respond_at(now + max(self._resp_delay_s, head_start), connection, message, now)

    def _respond_at(self, due: float, connection: Connection, message: Message, now: float) -> None:
        if due > now:
            self.delays.push(due, self._respond, connection, message)
        else:
            self._respond(connection, message)

    def _respond(self, connection: Connection, message: Message) -> None:
        if not connection.alive or connection.dropped:
            return
        response = (SubmitSmResp if type(message.pdu) is SubmitSm else DataSmResp)(
            sequence_number=message.pdu.sequence_number,
            command_status=message.status or c.ESME_ROK,
            message_id=message.message_id,
        )
        connection.session.respond(response)
        self._touched[connection] = None

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

    # -- receipts and replies ------------------------------------------------------------------------

    def _finish(self, connection: Connection, message: Message, outcome: Outcome) -> None:
        """The message reached its final state: send what that brings."""
        registered = message.pdu.registered_delivery & c.REGISTERED_DELIVERY_RECEIPT_MASK
        state = message.final_state
        if _wanted(registered, state):
            content = outcome.receipt_from or self.settings.receipts_from
            done_at = time.time()
            if outcome.accepted_first:
                self.deliveries.deliver(
                    receipt(message, c.ACCEPTED, done_at, content=content), message.system_id, connection
                )
            for _ in range(outcome.copies):
                pdu = receipt(
                    message,
                    state,
                    done_at,
                    content=content,
                    word=outcome.word if state == outcome.state else None,
                    by_data_sm=outcome.by_data_sm,
                )
                self.deliveries.deliver(pdu, message.system_id, connection)
        if outcome.reply:
            self.deliveries.deliver(reply(message), message.system_id, connection)

    # -- query_sm, cancel_sm, replace_sm -------------------------------------------------------------

    def _own(self, connection: Connection, request: QuerySm | CancelSm | ReplaceSm) -> Message | None:
        """The message that a request names, if this system_id submitted it from this source."""
        message = self._messages.get(request.message_id)
        if message is None or message.system_id != connection.session.system_id:
            return None
        return message if message.source == request.source_addr else None

    def _query(self, connection: Connection, request: QuerySm, now: float) -> None:
        message = self._own(connection, request)
        response = QuerySmResp(sequence_number=request.sequence_number)
        if message is None:
            response.command_status = c.ESME_RQUERYFAIL
        else:
            response.message_id = message.message_id
            response.message_state = message.state(now)
            if response.message_state != c.ENROUTE:
                final_at = datetime.now(UTC) - timedelta(seconds=now - message.final_at)
                response.final_date = times.format_absolute(final_at)
        connection.session.respond(response)

    def _cancel(self, connection: Connection, request: CancelSm, now: float) -> None:
        message = self._own(connection, request)
        response = CancelSmResp(sequence_number=request.sequence_number)
        if message is None or message.state(now) != c.ENROUTE:
            response.command_status = c.ESME_RCANCELFAIL
        else:
            message.final_state = c.DELETED
        connection.session.respond(response)

    def _replace(self, connection: Connection, request: ReplaceSm, now: float) -> None:
        message = self._own(connection, request)
        response = ReplaceSmResp(sequence_number=request.sequence_number)
        if message is None or message.state(now) != c.ENROUTE:
            response.command_status = c.ESME_RREPLACEFAIL
        else:
            message.user_data = request.short_message
        connection.session.respond(response)


def _wanted(registered: int, state: int) -> bool:
    """Whether registered_delivery asks for a receipt of this final state (SMPP v5.0 §4.7.21)."""
    if registered == c.REGISTERED_DELIVERY_RECEIPT_FINAL:
        return True
    delivered = state == c.DELIVERED
    if registered == c.REGISTERED_DELIVERY_RECEIPT_FAILURE:
        return not delivered
    return registered == c.REGISTERED_DELIVERY_RECEIPT_SUCCESS and delivered
