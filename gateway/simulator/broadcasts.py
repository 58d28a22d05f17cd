"""broadcast_sm, query_broadcast_sm and cancel_broadcast_sm (SMPP v5.0 §4.4, §4.6): taken, and remembered."""

from __future__ import annotations

from collections.abc import Callable

from gateway.simulator.connection import Connection
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import (
    BroadcastSm,
    BroadcastSmResp,
    CancelBroadcastSm,
    CancelBroadcastSmResp,
    QueryBroadcastSm,
    QueryBroadcastSmResp,
)

MAX_KEPT = 1000
_MANDATORY = (
    tlv.BROADCAST_AREA_IDENTIFIER,
    tlv.BROADCAST_CONTENT_TYPE,
    tlv.BROADCAST_REP_NUM,
    tlv.BROADCAST_FREQUENCY_INTERVAL,
)
_ALL_OF_IT = b"\x64"  # broadcast_area_success, %


class Broadcast:
    """One that was taken; it is over at `final_at`, seconds of the loop's clock."""

    __slots__ = ("final_at", "pdu", "state", "system_id")

    def __init__(self, pdu: BroadcastSm, system_id: str, final_at: float) -> None:
        self.pdu = pdu
        self.system_id = system_id
        self.final_at = final_at
        self.state = c.DELIVERED

    def state_at(self, now: float) -> int:
        return self.state if now >= self.final_at else c.ENROUTE


class Broadcasts:
    """The last MAX_KEPT broadcasts; `next_id` makes their ids, each lasts `lasts_s`."""

    def __init__(self, next_id: Callable[[], str], lasts_s: float) -> None:
        self.kept: dict[str, Broadcast] = {}
        self._next_id = next_id
        self._lasts_s = lasts_s

    def submit(self, connection: Connection, request: BroadcastSm, now: float) -> None:
        response = BroadcastSmResp(sequence_number=request.sequence_number)
        tags = {tag for tag, _ in request.tlvs}
        old = self._own(connection, request.message_id, request.source_addr)
        if not tags.issuperset(_MANDATORY):
            response.command_status = c.ESME_RMISSINGTLV
        elif request.replace_if_present_flag and request.message_id and (old is None or now >= old.final_at):
            response.command_status = c.ESME_RBCASTFAIL
        else:
            if old is not None and request.replace_if_present_flag:
                response.message_id = request.message_id
            else:
                response.message_id = self._next_id()
            system_id = connection.session.system_id
            self.kept[response.message_id] = Broadcast(request, system_id, now + self._lasts_s)
            if len(self.kept) > MAX_KEPT:
                del self.kept[next(iter(self.kept))]
        connection.session.respond(response)

    def query(self, connection: Connection, request: QueryBroadcastSm, now: float) -> None:
        response = QueryBroadcastSmResp(sequence_number=request.sequence_number)
        found = self._own(connection, request.message_id, request.source_addr)
        if found is None:
            response.command_status = c.ESME_RBCASTQUERYFAIL
        else:
            response.message_id = request.message_id
            areas = [pair for pair in found.pdu.tlvs if pair[0] == tlv.BROADCAST_AREA_IDENTIFIER]
            state = found.state_at(now)
            success = _ALL_OF_IT if state == c.DELIVERED else b"\0"
            response.tlvs = (
                (tlv.MESSAGE_STATE, bytes((state,))),
                *(pair for area in areas for pair in (area, (tlv.BROADCAST_AREA_SUCCESS, success))),
            )
        connection.session.respond(response)

    def cancel(self, connection: Connection, request: CancelBroadcastSm, now: float) -> None:
        response = CancelBroadcastSmResp(sequence_number=request.sequence_number)
        if request.message_id:
            found = self._own(connection, request.message_id, request.source_addr)
            meant = [] if found is None else [found]
        else:
            wanted = connection.session.system_id, request.source_addr, request.service_type
            meant = [
                broadcast
                for broadcast in self.kept.values()
                if (broadcast.system_id, broadcast.pdu.source_addr, broadcast.pdu.service_type) == wanted
            ]
        pending = [broadcast for broadcast in meant if now < broadcast.final_at]
        for broadcast in pending:
            broadcast.state, broadcast.final_at = c.DELETED, now
        if not pending:
            response.command_status = c.ESME_RBCASTCANCELFAIL
        connection.session.respond(response)

    def _own(self, connection: Connection, message_id: str, source: str) -> Broadcast | None:
        found = self.kept.get(message_id)
        if found is None or found.system_id != connection.session.system_id:
            return None
        return found if found.pdu.source_addr == source else None
