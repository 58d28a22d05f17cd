"""query_sm, cancel_sm and replace_sm: what an ESME asks of a message, or does to it, after the submit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from gateway.simulator.connection import Connection
from gateway.simulator.message import Message
from gateway.simulator.receipts import error_of
from protocols.smpp import constants as c
from protocols.smpp import times, tlv
from protocols.smpp.pdu import (
    CancelSm,
    CancelSmResp,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    ReplaceSmResp,
    SubmitSm,
)


class Management:
    """Over all messages that the SMSC keeps. `finish` tells a final state, `move` changes when it comes."""

    def __init__(
        self,
        messages: dict[str, Message],
        finish: Callable[[Connection, Message, int, float], None],
        move: Callable[[Connection, Message, float], None],
    ) -> None:
        self._messages = messages
        self._finish = finish
        self._move = move

    def query(self, connection: Connection, request: QuerySm, now: float) -> None:
        message = self._own(connection, request.message_id, request.source_addr)
        response = QuerySmResp(sequence_number=request.sequence_number)
        if message is None:
            response.command_status = _missing(request.message_id, c.ESME_RQUERYFAIL)
        else:
            response.message_id = message.message_id
            state = message.state(now)
            if state == c.SCHEDULED and connection.session.version < c.INTERFACE_VERSION_50:
                state = c.ENROUTE
            response.message_state = state
            if state not in (c.ENROUTE, c.SCHEDULED):
                final_at = datetime.now(UTC) - timedelta(seconds=now - message.final_at)
                response.final_date = times.format_absolute(final_at)
                response.error_code = int(error_of(state))
        connection.session.respond(response)

    def cancel(self, connection: Connection, request: CancelSm, now: float) -> None:
        response = CancelSmResp(sequence_number=request.sequence_number)
        if request.message_id:
            found = self._own(connection, request.message_id, request.source_addr)
            wrong = found is not None and request.destination_addr not in ("", found.destination)
            meant = [] if found is None or wrong else [found, *_siblings(found)]
        else:
            meant = self._alike(connection, request)
        pending = [message for message in meant if now < message.final_at]
        if not pending:
            response.command_status = c.ESME_RCANCELFAIL
        connection.session.respond(response)
        for message in pending:
            self._finish(connection, message, c.DELETED, now)

    def replace(self, connection: Connection, request: ReplaceSm, now: float) -> None:
        message = self._own(connection, request.message_id, request.source_addr)
        response = ReplaceSmResp(sequence_number=request.sequence_number)
        if message is None or now >= message.final_at:
            response.command_status = _missing(request.message_id, c.ESME_RREPLACEFAIL)
        else:
            response.command_status = self._replaced(connection, message, request, now)
        connection.session.respond(response)

    def _replaced(self, connection: Connection, message: Message, request: ReplaceSm, now: float) -> int:
        scheduled_at = due(request.schedule_delivery_time, now)
        if scheduled_at is None:
            return c.ESME_RINVSCHED
        if due(request.validity_period, now) is None:
            return c.ESME_RINVEXPIRY
        payload = tlv.get(request.tlvs, tlv.MESSAGE_PAYLOAD)
        message.user_data = request.short_message or payload or b""
        message.pdu.registered_delivery = request.registered_delivery
        message.special().scheduled_at = scheduled_at
        if type(message.pdu) is SubmitSm and request.validity_period:
            message.pdu.validity_period = request.validity_period
        self._move(connection, message, now)
        return c.ESME_ROK

    def same(self, connection: Connection, message: Message, now: float) -> list[Message]:
        """Pending messages that a submit with replace_if_present_flag takes the place of (v3.4 §5.2.18)."""
        return [
            other
            for other in self._messages.values()
            if now < other.final_at
            and other.system_id == message.system_id
            and (other.source, other.destination) == (message.source, message.destination)
            and other.pdu.service_type == message.pdu.service_type
        ]

    def _own(self, connection: Connection, message_id: str, source: str) -> Message | None:
        """The message of that id, if this system_id submitted it from this source."""
        message = self._messages.get(message_id)
        if message is None or message.system_id != connection.session.system_id:
            return None
        return message if message.source == source else None

    def _alike(self, connection: Connection, request: CancelSm) -> list[Message]:
        """Those that an empty message_id means: of one source, destination and service_type (§4.9.1)."""
        mine = connection.session.system_id
        named = request.source_addr, request.destination_addr
        return [
            message
            for first in self._messages.values()
            for message in (first, *_siblings(first))
            if message.system_id == mine
            and (message.source, message.destination) == named
            and message.pdu.service_type == request.service_type
        ]


def due(text: str, now: float) -> float | None:
    """When such a field of a submit is, in seconds of the loop's clock; None: it is no time.

    An empty one is `now`.
    """
    today = datetime.now(UTC)
    try:
        moment = times.parse_time(text, today)
    except ValueError:
        return None
    return now if moment is None else now + (moment - today).total_seconds()


def _missing(message_id: str, status: int) -> int:
    """An id is needed; one that nobody has is only not found."""
    return status if message_id else c.ESME_RINVMSGID


def _siblings(message: Message) -> list[Message]:
    return [] if message.more is None else message.more.siblings
