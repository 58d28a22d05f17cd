"""One SMPP session, either end, without I/O and without a clock.

The shell that owns the connection does three things: it feeds what it reads to `receive_data` and
handles the events, it writes what `data_to_send` gives, and it calls `handle_timeout` when the time
that `next_timeout` names has come. All times are seconds of one monotonic clock, passed in as `now`.

The session answers by itself: enquire_link, unbind, and everything that is wrong. The application
answers binds (`accept_bind`, `refuse_bind`) and the operations in `state.APPLICATION_ANSWERS`
(`respond`); each of those is counted until then, and a peer that has more than `peer_window` of them
unanswered is told ESME_RTHROTTLED without the application seeing it.
"""

from __future__ import annotations

from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.codec import HEADER, decode_frame, encode, encode_header, foreign_protocol
from protocols.smpp.constants import command_name
from protocols.smpp.errors import DecodeError, InvalidState, WindowFull
from protocols.smpp.events import Abandoned, Closed, Event, Refused
from protocols.smpp.pdu import PDU_BY_COMMAND, RESPONSES, Bind, BindResp, Pdu
from protocols.smpp.settings import SessionSettings
from protocols.smpp.state import (
    ALLOWED,
    APPLICATION_ANSWERS,
    BOUND,
    MESSAGE_OPERATIONS,
    OPERATIONS,
    STATE_AFTER_BIND,
    Role,
    State,
)
from protocols.smpp.versions import COMMANDS, negotiated
from protocols.smpp.window import Window

_STATE_AFTER_BIND_RESP = {command | c.RESPONSE_BIT: state for command, state in STATE_AFTER_BIND.items()}
_NONE = -1  # no sequence_number reads so, not even a peer's 0
_ANY_COMMAND = frozenset(OPERATIONS)
_NO_RESPONSE = frozenset({c.OUTBIND, c.ALERT_NOTIFICATION})
_unpack_header = HEADER.unpack_from


class Session:
    """The state of one link.

    To be read: `role`, `state`, `system_id` (the one in the bind request), `interface_version` (the
    peer's), `version` (what both ends speak: 0x33, 0x34 or 0x50) and `throttled` (how many requests of the
    peer were over its window).
    """

    state: State
    _sendable: frozenset[int]
    _acceptable: frozenset[int]
    _answerable: frozenset[int]
    _known: frozenset[int]

    def __init__(self, role: Role, settings: SessionSettings, now: float) -> None:
        self.role = role
        self.use_settings(settings)
        self.system_id = ""
        self.interface_version = c.INTERFACE_VERSION_34
        self.version = c.INTERFACE_VERSION_34
        self._our_version = c.INTERFACE_VERSION_34
        self.throttled = 0
        self._out: list[bytes] = []
        self._partial = bytearray()
        self._partial_needs = 0
        self._partial_since = 0.0
        self._requests = Window(settings.response_timeout_s)
        self._unanswered: set[int] = set()
        self._unanswered_zeros = 0
        self._heard_at = now
        self._enquired_at: float | None = None
        self._enquire_sequence = _NONE
        self._unbind_sent_at: float | None = None
        self._peer_unbind: int | None = None
        self._peer_unbind_at = 0.0
        self._unbind_sequence = _NONE
        self._bind_by = now + settings.bind_timeout_s
        self._pending_bind: Bind | None = None
        self._bad_states = 0
        self._unknown_since = now
        self._unknown_responses = 0
        self._pdus_seen = False
        self._is_over = False
        self._enter(State.OPEN)

    # --- what the shell calls ---

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Takes a chunk of the stream; the events of every PDU that is now whole, in order.

        After `Closed` the stream is not read any more.
        """
        events: list[Event] = []
        if self._is_over:
            return events
        if self._partial:
            self._partial += data
            if len(self._partial) < self._partial_needs:
                return events
            data = bytes(self._partial)
            self._partial.clear()
        pos, size, max_length = 0, len(data), self._max_length
        while size - pos >= 16:
            length, command_id, status, sequence_number = _unpack_header(data, pos)
            if not 16 <= length <= max_length or length > size - pos:
                break
            stop = pos + length
            self._take(data[pos:stop], command_id, status, sequence_number, now, events)
            if self._is_over:
                return events
            pos = stop
        if pos:
            self._heard_at = now
            self._enquired_at = None
            self._pdus_seen = True
        if pos < size:
            self._keep_rest(data, pos, now, events)
        else:
            self._partial_needs = 0
        return events

    @property
    def half_read(self) -> bytes:
        """The beginning of a PDU whose rest has not come yet."""
        return bytes(self._partial)

    def use_settings(self, settings: SessionSettings) -> None:
        """Other limits and timers from now on: those of the account that has bound, say."""
        self.settings = settings
        self._max_length = settings.max_pdu_length
        self._max_tlvs = settings.max_tlvs
        self._peer_window = settings.peer_window

    def data_to_send(self) -> bytes:
        """Everything queued since the last call, as one piece; empty when there is nothing."""
        out = self._out
        if not out:
            return b""
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        return data

    def send_request(self, pdu: Pdu, now: float, context: object = None) -> int:
        """Numbers and queues a request of ours; `context` comes back with its answer.

        WindowFull when a message finds the window full, InvalidState when this end may not send the
        operation now, EncodeError when the PDU does not fit the wire.
        """
        command_id = pdu.command_id
        if command_id not in self._sendable:
            raise InvalidState(
                f"{command_name(command_id)} cannot be sent by {self.role.value} in {self.state}"
            )
        if command_id in MESSAGE_OPERATIONS and self.room == 0:
            raise WindowFull(f"{self.outstanding} requests are unanswered")
        pdu.sequence_number = number = self._requests.number()
        self._out.append(encode(pdu))
        if command_id not in _NO_RESPONSE:
            self._requests.add(number, command_id | c.RESPONSE_BIT, context, now)
            if isinstance(pdu, Bind):
                self.system_id = pdu.system_id
                self._our_version = pdu.interface_version
        elif command_id == c.OUTBIND:
            self._enter(State.OUTBOUND)
        return number

    def respond(self, response: Pdu) -> None:
        """Queues the answer to a request of the peer; it bears that request's sequence_number.

        Answers that come after the end are dropped. Binds are answered by `accept_bind` and
        `refuse_bind`. EncodeError when the PDU does not fit the wire.
        """
        if self._is_over:
            return
        self._out.append(encode(response))
        number = response.sequence_number
        self._unanswered.discard(number)
        if self._unanswered_zeros and not number:
            self._unanswered_zeros -= 1
            self._unanswered.add(0)
        if self._peer_unbind is not None and not self.unanswered:
            self._out.append(encode_header(c.UNBIND_RESP, c.ESME_ROK, self._peer_unbind))
            self._end(State.UNBOUND)

    @property
    def unbinding(self) -> bool:
        """Whether the peer has unbound; what is still owed to it comes before the answer."""
        return self._peer_unbind is not None

    @property
    def over(self) -> bool:
        """Whether nothing more will come of the session; what `data_to_send` holds is still to be sent."""
        return self._is_over

    def accept_bind(
        self, request: Bind, *, system_id: str, sc_interface_version: int = c.INTERFACE_VERSION_34
    ) -> None:
        """Answers a bind with ESME_ROK and enters its bound state; `system_id` is ours."""
        response = self._bind_response(request, c.ESME_ROK)
        if response is None:
            return
        response.system_id = system_id
        # a peer of version 3.3 does not know TLVs (SMPP v3.4 §3.4)
        if request.interface_version >= c.INTERFACE_VERSION_34:
            version = tlv.encode_value(tlv.SC_INTERFACE_VERSION, sc_interface_version)
            response.tlvs = ((tlv.SC_INTERFACE_VERSION, version),)
        self._out.append(encode(response))
        self.system_id = request.system_id
        self.interface_version = request.interface_version
        self.version = negotiated(sc_interface_version, request.interface_version)
        self._enter(STATE_AFTER_BIND[request.command_id])

    def refuse_bind(self, request: Bind, status: int) -> None:
        """Answers a bind with an error; the peer may try again until bind_timeout_s after its request."""
        response = self._bind_response(request, status)
        if response is not None:
            self._out.append(encode(response))

    def unbind(self, now: float) -> None:
        """Queues unbind, the last request of ours; its answer or its timeout brings `Closed`."""
        if self._is_over or self._unbind_sent_at is not None:
            return
        if self.state not in BOUND:
            raise InvalidState(f"unbind cannot be sent in state {self.state.value}")
        self._unbind_sent_at = now
        self._unbind_sequence = self._send_own(c.UNBIND)
        self._sendable = frozenset()

    @property
    def room(self) -> int:
        """Messages that `send_request` takes before the window is full; none once either end has unbound."""
        if self._is_over or not self._sendable:
            return 0
        return max(0, self.settings.window - len(self._requests.outstanding))

    @property
    def outstanding(self) -> int:
        """Requests of ours that are unanswered and have not timed out."""
        return len(self._requests.outstanding)

    @property
    def unanswered(self) -> int:
        """Requests of the peer that wait for `respond`."""
        return len(self._unanswered) + self._unanswered_zeros

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due, None if nothing is timed."""
        if self._is_over:
            return None
        settings = self.settings
        deadline = self._requests.next_deadline()
        times = [] if deadline is None else [deadline]
        if self._partial:
            times.append(self._partial_since + settings.pdu_timeout_s)
        if self._unbind_sent_at is not None:
            times.append(self._unbind_sent_at + settings.response_timeout_s)
        if self._peer_unbind is not None:
            times.append(self._peer_unbind_at + settings.response_timeout_s)
        if self._awaits_bind:
            times.append(self._bind_by)
        if self._enquired_at is not None:
            times.append(self._enquired_at + settings.response_timeout_s)
        elif self._probes:
            times.append(self._heard_at + settings.enquire_link_s)
        return min(times, default=None)

    def handle_timeout(self, now: float) -> list[Event]:
        """Does what is due: expires requests, probes a silent peer, ends a session that went wrong."""
        events: list[Event] = []
        if self._is_over:
            return events
        settings = self.settings
        self._expire_requests(now, events)
        if self._partial and self._partial_since + settings.pdu_timeout_s <= now:
            self._close(f"a PDU is incomplete after {settings.pdu_timeout_s:g} s", c.ESME_RINVCMDLEN, events)
        elif self._awaits_bind and self._bind_by <= now:
            self._close(f"no bind within {settings.bind_timeout_s:g} s", c.ESME_RINVBNDSTS, events)
        elif self._unbind_sent_at is not None and self._unbind_sent_at + settings.response_timeout_s <= now:
            self._close("unbind is not answered", None, events)
        elif self._peer_unbind is not None:
            if self._peer_unbind_at + settings.response_timeout_s <= now:
                self._close("unbind by peer", None, events)
        elif self._enquired_at is not None:
            if self._enquired_at + settings.response_timeout_s <= now:
                self._close(f"peer silent for {now - self._heard_at:.0f} s", None, events)
        elif self._probes and self._heard_at + settings.enquire_link_s <= now:
            self._enquired_at = now
            self._enquire_sequence = self._send_own(c.ENQUIRE_LINK)
        return events

    def abandon(self) -> list[Abandoned]:
        """Ends the session when the connection is lost; our unanswered requests, oldest first."""
        self._end(State.CLOSED)
        self._unanswered.clear()
        self._unanswered_zeros = 0
        return self._requests.abandon()

    # --- one PDU ---

    def _take(
        self, frame: bytes, command_id: int, status: int, number: int, now: float, events: list[Event]
    ) -> None:
        if command_id & c.RESPONSE_BIT:
            self._take_response(frame, command_id, status, number, now, events)
        elif command_id in self._answerable:
            self._take_operation(frame, command_id, status, number, events)
        else:
            self._take_other(frame, command_id, status, number, now, events)

    def _take_operation(
        self, frame: bytes, command_id: int, status: int, number: int, events: list[Event]
    ) -> None:
        unanswered = self._unanswered
        if len(unanswered) + self._unanswered_zeros >= self._peer_window:
            self.throttled += 1
            self._out.append(encode_header(command_id | c.RESPONSE_BIT, c.ESME_RTHROTTLED, number))
            return
        # peers that do not count send 0 for all (interop quirk 40); any other number must be free
        if number and number in unanswered:
            self._refuse(
                command_id, c.ESME_RUNKNOWNERR, number, "sequence_number is of an unanswered request", events
            )
            return
        try:
            pdu = decode_frame(frame, command_id, status, number, self._max_tlvs)
        except DecodeError as error:
            self._refuse_frame(error, events)
            return
        if number in unanswered:
            self._unanswered_zeros += 1
        unanswered.add(number)
        events.append(pdu)

    def _take_response(
        self, frame: bytes, command_id: int, status: int, number: int, now: float, events: list[Event]
    ) -> None:
        entry = self._requests.settle(number, command_id)
        if entry is None:
            self._take_unmatched_response(command_id, status, number, now, events)
            return
        try:
            response = decode_frame(frame, command_id, status, number, self._max_tlvs)
        except DecodeError as error:
            # the header says what became of the request; a body that cannot be read does not change it
            response = PDU_BY_COMMAND[command_id](sequence_number=number, command_status=status)
            events.append(Refused(command_id, 0, error.reason))
        entry.response = response
        events.append(entry)
        if isinstance(response, BindResp) and status == c.ESME_ROK:
            version = tlv.get(response.tlvs, tlv.SC_INTERFACE_VERSION)
            if version:
                self.interface_version = version[0]
            self.version = negotiated(self._our_version, self.interface_version)
            self._enter(_STATE_AFTER_BIND_RESP[command_id])

    def _take_unmatched_response(
        self, command_id: int, status: int, number: int, now: float, events: list[Event]
    ) -> None:
        """The answer to enquire_link or unbind; else counted and otherwise ignored (interop quirk 42)."""
        if number == self._enquire_sequence and command_id in (c.ENQUIRE_LINK_RESP, c.GENERIC_NACK):
            self._enquire_sequence = _NONE
            return
        if number == self._unbind_sequence and command_id in (c.UNBIND_RESP, c.GENERIC_NACK):
            self._end(State.UNBOUND)
            events.append(Closed("unbound"))
            return
        events.append(Refused(command_id, 0, "answers no request of ours"))
        if now - self._unknown_since >= 60:
            self._unknown_since = now
            self._unknown_responses = 0
        self._unknown_responses += 1
        limit = self.settings.unknown_responses_per_min
        if self._unknown_responses > limit:
            self._close(f"more than {limit} responses a minute answer nothing", status, events)

    def _take_other(
        self, frame: bytes, command_id: int, status: int, number: int, now: float, events: list[Event]
    ) -> None:
        if command_id == c.ENQUIRE_LINK:
            self._out.append(encode_header(c.ENQUIRE_LINK_RESP, c.ESME_ROK, number))
        elif command_id not in PDU_BY_COMMAND:
            self._refuse(command_id, c.ESME_RINVCMDID, number, "unknown command_id", events)
        elif command_id not in self._known:
            self._out.append(encode_header(c.GENERIC_NACK, c.ESME_RINVCMDID, number))
            events.append(Refused(command_id, c.ESME_RINVCMDID, "no command of this version"))
        elif command_id not in self._acceptable or (command_id in STATE_AFTER_BIND and self._pending_bind):
            self._refuse_by_state(command_id, number, events)
        elif command_id == c.UNBIND:
            self._take_unbind(number, now, events)
        else:
            self._take_start(frame, command_id, status, number, now, events)

    def _take_unbind(self, number: int, now: float, events: list[Event]) -> None:
        """The peer goes; what it is still owed comes before the answer, which is then given by `respond`."""
        if self.unanswered:
            self._peer_unbind, self._peer_unbind_at = number, now
            self._sendable = self._acceptable = self._answerable = frozenset()
            return
        self._out.append(encode_header(c.UNBIND_RESP, c.ESME_ROK, number))
        self._end(State.UNBOUND)
        events.append(Closed("unbind by peer"))

    def _take_start(
        self, frame: bytes, command_id: int, status: int, number: int, now: float, events: list[Event]
    ) -> None:
        """A bind, outbind or alert_notification: the application sees it."""
        try:
            pdu = decode_frame(frame, command_id, status, number, self._max_tlvs)
        except DecodeError as error:
            self._refuse_frame(error, events)
            return
        if isinstance(pdu, Bind):
            self._pending_bind = pdu
            self._bind_by = now + self.settings.bind_timeout_s
        elif command_id == c.OUTBIND:
            self._enter(State.OUTBOUND)
        events.append(pdu)

    # --- what is wrong ---

    def _refuse_by_state(self, command_id: int, number: int, events: list[Event]) -> None:
        is_bind = command_id in STATE_AFTER_BIND and self.role is Role.SMSC
        status = c.ESME_RALYBND if is_bind else c.ESME_RINVBNDSTS
        reason = "bind is not the first" if is_bind else f"not allowed in {self.state.value}"
        self._refuse(command_id, status, number, reason, events)

    def _refuse_frame(self, error: DecodeError, events: list[Event]) -> None:
        self._refuse(error.command_id, error.status, error.sequence_number, error.reason, events)

    def _refuse(self, command_id: int, status: int, number: int, reason: str, events: list[Event]) -> None:
        answer_id = command_id | c.RESPONSE_BIT if command_id in RESPONSES else c.GENERIC_NACK
        self._out.append(encode_header(answer_id, status, number))
        events.append(Refused(command_id, status, reason))
        if self.state not in BOUND:
            self._bad_states += 1
            if self._bad_states >= self.settings.bad_state_limit:
                self._close(f"{self._bad_states} refused PDUs before the bind", status, events)

    def _keep_rest(self, data: bytes, pos: int, now: float, events: list[Event]) -> None:
        """Keeps the beginning of a PDU, or ends the session when its length is out of bounds."""
        length = 4
        if len(data) - pos >= 4:
            length = int.from_bytes(data[pos : pos + 4], "big")
            if not c.HEADER_LENGTH <= length <= self._max_length:
                self._refuse_length(data[pos : pos + 4], length, events)
                return
        if pos or not self._partial_needs:
            self._partial_since = now
        self._partial += data[pos:]
        self._partial_needs = length

    def _refuse_length(self, start: bytes, length: int, events: list[Event]) -> None:
        foreign = None if self._pdus_seen else foreign_protocol(start)
        if foreign:
            self._close(f"peer speaks {foreign}, not SMPP", c.ESME_RINVCMDLEN, events)
            return
        # the rest of the header may not have come, so its sequence_number is not known
        self._out.append(encode_header(c.GENERIC_NACK, c.ESME_RINVCMDLEN, 0))
        self._close(f"command_length is {length}", c.ESME_RINVCMDLEN, events)

    # --- state ---

    def _enter(self, state: State) -> None:
        self.state = state
        self._sendable = ALLOWED[self.role, state] - {c.UNBIND}
        acceptable = ALLOWED[self.role.peer, state]
        # An SMSC that sends what its version does not have would only lose it if we refused; before the bind
        # there is no version, and a bind_transceiver is fine with any.
        self._known = COMMANDS[self.version] if self.role is Role.SMSC and state in BOUND else _ANY_COMMAND
        self._acceptable = acceptable & self._known
        self._answerable = self._acceptable & APPLICATION_ANSWERS

    def _end(self, state: State) -> None:
        self._is_over = True
        self._partial.clear()
        self._enter(state)

    def _close(self, reason: str, status: int | None, events: list[Event]) -> None:
        self._end(State.CLOSED)
        events.append(Closed(reason, status))

    @property
    def _awaits_bind(self) -> bool:
        return self.role is Role.SMSC and self.state not in BOUND and self._pending_bind is None

    @property
    def _probes(self) -> bool:
        return self.settings.enquire_link_s > 0 and self.state in BOUND

    def _bind_response(self, request: Bind, status: int) -> BindResp | None:
        """The answer to the pending bind, which it no longer is; None when the session has ended."""
        if self._is_over:
            return None
        if request is not self._pending_bind:
            raise InvalidState("no such bind waits for its answer")
        self._pending_bind = None
        response = RESPONSES[request.command_id](
            sequence_number=request.sequence_number, command_status=status
        )
        assert isinstance(response, BindResp)
        return response

    def _send_own(self, command_id: int) -> int:
        number = self._requests.number()
        self._out.append(encode_header(command_id, c.ESME_ROK, number))
        return number

    def _expire_requests(self, now: float, events: list[Event]) -> None:
        for timed_out, response_id in self._requests.expire(now):
            events.append(timed_out)
            if response_id in _STATE_AFTER_BIND_RESP and not self._is_over:
                self._close("bind is not answered", None, events)
