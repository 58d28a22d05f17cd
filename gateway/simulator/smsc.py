"""The simulated SMSC itself: what it does with each event of its sessions.

A submit gets an outcome (outcomes.py). If it is taken, its response is queued and its receipts follow,
at once or through the delay heap. Receipts go through the mailbox of their system_id, so they outlive the
session that submitted. Nothing is written before `flush`: one write per session and turn.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.simulator.connection import Connection
from gateway.simulator.delays import Delays
from gateway.simulator.mailbox import Delivery, Mailbox
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
    DeliverSm,
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
_TEMPORARY = frozenset((c.ESME_RX_T_APPN, c.ESME_RTHROTTLED, c.ESME_RMSGQFUL, c.ESME_RSYSERR))
_Bind = BindReceiver | BindTransmitter | BindTransceiver


@dataclass(slots=True)
class Counters:
    """What happened since the start."""

    connections: int = 0
    binds: int = 0
    binds_refused: int = 0
    submitted: int = 0  # submit_sm and data_sm that arrived
    accepted: int = 0  # of them answered ESME_ROK
    refused: int = 0  # of them answered with another status
    unanswered: int = 0  # of them never answered
    drops: int = 0  # connections closed on purpose
    receipts_sent: int = 0  # receipts and replies written, each time
    receipts_acknowledged: int = 0
    receipts_retried: int = 0  # temporary refusals, timeouts and lost connections
    receipts_refused: int = 0  # refused for good by the ESME
    receipts_discarded: int = 0  # nobody bound and too many waited
    bad_input: int = 0  # PDUs that the session refused by itself


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
        self.clock = loop.time
        self._arrived = arrived
        self._turn_over = turn_over
        self._touched: dict[Connection, None] = {}
        self._mailboxes: dict[str, Mailbox] = {}
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
            Answered: self._answered,
            TimedOut: self._timed_out,
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
        """Unanswered deliveries of a lost connection go to the next session of its system_id."""
        self.connections.pop(connection, None)
        self._touched.pop(connection, None)
        box = self._mailboxes.get(connection.session.system_id)
        if box is None:
            return
        box.receivers.pop(connection, None)
        abandoned = connection.session.abandon()
        deliveries = [entry.context for entry in abandoned if isinstance(entry.context, Delivery)]
        self.counters.receipts_retried += len(deliveries)
        box.put_back(deliveries)
        self._pump(box)
        if not box.waiting and not box.receivers:
            del self._mailboxes[connection.session.system_id]

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
                box = self._mailbox(request.system_id)
                box.receivers[connection] = None
                self._pump(box)

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
        box = self._mailbox(message.system_id)
        same_way = connection in box.receivers and connection.session.room > 0 and not box.waiting
        head_start = 0.0 if same_way else _HEAD_START_S
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
                self.deliver(
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
                self.deliver(pdu, message.system_id, connection)
        if outcome.reply:
            self.deliver(reply(message), message.system_id, connection)

    def deliver(self, pdu: DeliverSm | DataSm, system_id: str, preferred: Connection | None = None) -> None:
        """Send a PDU down to the system_id, over `preferred` if it can, as soon as a session can take it."""
        self._queue(Delivery(pdu, system_id, preferred))

    def _queue(self, delivery: Delivery) -> None:
        box = self._mailbox(delivery.system_id)
        self.counters.receipts_discarded += box.add(delivery)
        self._pump(box)

    def _mailbox(self, system_id: str) -> Mailbox:
        box = self._mailboxes.get(system_id)
        if box is None:
            box = self._mailboxes[system_id] = Mailbox()
        return box

    def _pump(self, box: Mailbox) -> None:
        if box.waiting and box.receivers:
            box.pump(self._send)

    def _send(self, connection: Connection, delivery: Delivery) -> None:
        connection.session.send_request(delivery.pdu, self.clock(), delivery)
        self.counters.receipts_sent += 1
        self._touched[connection] = None

    def _answered(self, connection: Connection, event: Answered, now: float) -> None:
        delivery = event.context
        # A late answer is to a delivery that is under way again already.
        if not isinstance(delivery, Delivery) or event.late:
            return
        status = event.response.command_status
        if status == c.ESME_ROK:
            self.counters.receipts_acknowledged += 1
        elif status in _TEMPORARY:
            self.counters.receipts_retried += 1
            self.delays.push(now + self.settings.receipt_retry_ms / 1000, self._queue, delivery)
        else:
            self.counters.receipts_refused += 1
        self._pump(self._mailbox(delivery.system_id))

    def _timed_out(self, connection: Connection, event: TimedOut, now: float) -> None:
        if isinstance(event.context, Delivery):
            self.counters.receipts_retried += 1
            self._queue(event.context)

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
