"""One connection to an SMSC: the thin shell around `protocols.smpp.session`, ESME side.

Results of submits go to the connector's `Upstream`, receipts to its `ReceiptBook`; a receipt is answered when
the batch that holds it is committed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from gateway.core.model import Message
from gateway.core.service import needs_service
from gateway.core.taps import Open
from gateway.egress.link_error import LinkError
from gateway.egress.smpp_incoming import take_incoming
from gateway.translate.smpp_status import SUBMIT_FAILED, Verdict, submit_verdict
from gateway.translate.smpp_upstream import receipt_of
from gateway.translate.smpp_upward import submits_of
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.codec import HEADER
from protocols.smpp.errors import EncodeError, InvalidState, WindowFull
from protocols.smpp.events import Answered, Closed, Event, Refused, TimedOut
from protocols.smpp.pdu import (
    RESPONSES,
    AlertNotification,
    Bind,
    BindResp,
    DataSm,
    DeliverSm,
    DeliverSmResp,
    Outbind,
    Pdu,
    SubmitSmResp,
)
from protocols.smpp.session import Session
from protocols.smpp.state import Role
from protocols.smpp.versions import COMMANDS

if TYPE_CHECKING:
    from gateway.egress.smpp_link import SmppLink

TIMEOUTS_TO_REBIND = 3
ASKS_MAX = 100
"""Questions about messages that one connection may have unanswered, and never more than half of its window:
whoever asks all the time leaves room for those who send."""
UNREAD_MAX = 1 << 24
"""Octets of ours that an SMSC may leave unread: it could send for ever and never hear our answers."""
CLOSE_TIMEOUT_S = 5.0
"""An SMSC that does not read keeps its connection, and the slots of what it has not answered, so long."""


@dataclass(slots=True, eq=False)
class _Question:
    """The context of a request that is about a message and is none."""

    then: Callable[[object | None], None]


def _sequence_numbers(octets: bytes) -> set[int]:
    """Those of the requests in octets that we have made."""
    found = set()
    while octets:
        length, command_id, _, number = HEADER.unpack_from(octets)
        if not command_id & c.RESPONSE_BIT:
            found.add(number)
        octets = octets[length:]
    return found


class UpstreamConnection(Open, asyncio.Protocol):
    """One connection to the SMSC."""

    side = "smsc"

    def __init__(self, link: SmppLink) -> None:
        connector = link.connector
        self.link = link
        self.connector = connector
        self.clock = connector.clock
        self.session = Session(Role.ESME, connector.settings, connector.clock.now())
        self._loop = asyncio.get_running_loop()
        self._bound: asyncio.Future[None] = self._loop.create_future()
        self._transport: asyncio.Transport
        self._flush_due = False
        self.stuck = False
        self._gone = False
        self._timeouts_in_row = 0
        self._answered_until = 0.0
        self._reason = "the SMSC closed the connection"
        self._name = str(link.host)
        """The link for people: the SMSC's address, and our port, by which its own log knows it."""
        self._unwritten = b""
        self._acks: list[Pdu] = []
        self._answered_of: list[float] = []
        """When each submit that this read has answered was sent."""
        self._asks = 0
        self._asks_max = min(ASKS_MAX, max(1, connector.config.window // 2))

    # -- connection ------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if own := transport.get_extra_info("sockname"):  # not of a peer that has left already
            self._name += f" from port {own[1]}"
        self.connector.connections.add(self)
        self.tap = self.connector.taps.of(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone = True
        self.connector.connections.discard(self)
        if exc is not None:
            self._reason = f"connection lost: {exc}"
        if not self._bound.done():
            self._bound.set_exception(LinkError(self._reason))
            self._bound.exception()  # nobody may be waiting for it
        self.link.end(self._reason)
        self._give_up_unanswered()

    def _give_up_unanswered(self) -> None:
        """What was sent is in doubt; what is still here was not sent, and waits for another link."""
        evidence = f"no response: {self.link.ended.result()}"
        now_ms = self.clock.now_ms()
        upstream = self.connector.upstream
        here = _sequence_numbers(self._unwritten + self.session.data_to_send())
        unanswered = 0
        for number, context, sent_at in self.session.abandon():
            if isinstance(context, _Question):
                self._told(context, None)
            elif isinstance(context, tuple):
                if number in here:
                    upstream.unsent(context[0], (context[1],))
                else:
                    unanswered += 1
                    self._doubt(context, sent_at, evidence, now_ms)
        if unanswered:
            self.connector.tell("warning", "ambiguous", submits=unanswered, evidence=evidence)
        upstream.results_end()

    def _doubt(self, context: tuple[Message, int], sent_at: float, evidence: str, now_ms: int) -> None:
        sent_ms = now_ms - round(1000 * (self.clock.now() - sent_at))
        self.connector.upstream.in_doubt(*context, evidence, now_ms, link=self._name, sent_ms=sent_ms)

    def pause_writing(self) -> None:
        self.stuck = True

    def resume_writing(self) -> None:
        self.stuck = False
        self.connector.upstream.pump()

    def close(self) -> None:
        """Ends the connection; what is buffered is still sent, if the SMSC reads it."""
        if not self._gone and not self._transport.is_closing():
            unread = self._transport.get_write_buffer_size()  # a closed TLS transport has no answer
            self._transport.close()
            if unread:
                self._loop.call_later(CLOSE_TIMEOUT_S, self._transport.abort)

    async def bind(self, kind: type[Bind]) -> None:
        """Binds; LinkError when the SMSC refuses or leaves."""
        config = self.connector.config
        request = kind(
            system_id=config.system_id,
            password=config.password.reveal(),
            system_type=config.system_type,
            interface_version=self.connector.dialect.version,
        )
        self.session.send_request(request, self.clock.now())
        self._write()
        await self._bound

    def unbind(self) -> None:
        if not self._gone:
            self.session.unbind(self.clock.now())
            self._write()

    # -- writing ---------------------------------------------------------------------------------------

    @property
    def room(self) -> int:
        """Submits that may be sent now."""
        return 0 if self.stuck or self._gone or self._transport.is_closing() else self.session.room

    def submit(self, message: Message, segments: Sequence[int]) -> None:
        """Sends segments of a message."""
        now, now_ms = self.clock.now(), self.clock.now_ms()
        if (message.tlvs or message.service_type) and self._is_for_service(message):
            self._refuse(message, len(segments), "needs_smsc_service", now_ms)
            return
        dialect = self.connector.dialect
        sent = 0
        try:
            for number, pdu in zip(segments, submits_of(message, segments, now_ms, dialect), strict=True):
                self.session.send_request(pdu, now, (message, number))
                sent += 1
        except ValueError as error:
            # One message that cannot be written must not stop the others, now and after each restart.
            self.connector.say("error", "unsendable", message_id=message.message_id, reason=error)
            self._refuse(message, len(segments) - sent, "unsendable", now_ms)
        if not self._flush_due:
            self._flush_due = True
            self._loop.call_soon(self._write)

    def _is_for_service(self, message: Message) -> bool:
        """Whether it would be another message here: where a service is, its options go nowhere else."""
        upstreams = self.connector.upstream.all.values()
        return needs_service(message.service_type, message.tlvs) and any(one.service for one in upstreams)

    def _refuse(self, message: Message, segments: int, reason: str, now_ms: int) -> None:
        """Ends a message of which this many segments cannot be sent."""
        for _ in range(segments):
            self.connector.upstream.refused_for_good(message, reason, now_ms)
        self.connector.upstream.results_end()

    def ask(self, request: Pdu, then: Callable[[object | None], None]) -> bool:
        """Sends a question about a message; it takes a slot, but need not wait for one."""
        if self._asks >= self._asks_max or self._gone or self.stuck:
            return False
        if request.command_id not in COMMANDS[self.session.version]:
            return False
        try:
            self.session.send_request(request, self.clock.now(), _Question(then))
        except (InvalidState, WindowFull, EncodeError):
            return False
        self._asks += 1
        self.connector.upstream.questions += 1
        self.connector.upstream.adopt(1)
        self._write()
        return True

    def _told(self, question: _Question, response: Pdu | None) -> None:
        """A question has its answer, or gets none."""
        self._asks -= 1
        self.connector.upstream.questions -= 1
        self.connector.upstream.release(1)
        question.then(response)

    def _write(self) -> None:
        self._flush_due = False
        data = self.session.data_to_send()
        if self._gone or self._transport.is_closing():
            self._unwritten += data  # asyncio would drop it without a word
        elif data:
            if self.connector.guard is not None:
                self.connector.guard()
            if self.tap is not None:
                self.tap.sent(data)
            self._transport.write(data)

    @property
    def traced_as(self) -> str:
        """The connector."""
        return self.connector.config.name

    # -- reading ---------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        now = self.clock.now()
        if self.tap is not None:
            self.tap.received(data)
        self._handle(self.session.receive_data(data, now))
        if self.session.unbinding:
            self.connector.upstream.link_down(self.link)  # it still gets its answers, and no submit
        self._write()

    def tick(self, now: float) -> None:
        """The session's timers; a few times each second."""
        if self.stuck and not self._gone and self._transport.get_write_buffer_size() > UNREAD_MAX:
            self._reason = "the SMSC does not read"
            self.link.end(self._reason)
            self._transport.abort()
            return
        due = self.session.next_timeout()
        if due is not None and due <= now:
            self._handle(self.session.handle_timeout(now))
            self._write()

    def _handle(self, events: list[Event]) -> None:
        now_ms = self.clock.now_ms()
        timed_out = 0
        for event in events:
            if isinstance(event, Answered):
                self._answered(event, now_ms)
            elif isinstance(event, DeliverSm | DataSm):
                self._delivered(event, now_ms)
            elif isinstance(event, TimedOut):
                timed_out += self._timed_out(event, now_ms)
            else:
                self._handle_rare(event)
        upstream = self.connector.upstream
        upstream.results_end()
        if self._answered_of:
            upstream.response_s.observe_since(self._answered_of, self.clock.now())
            self._answered_of.clear()
        if self._acks:
            acks, self._acks = self._acks, []
            self.connector.journal.then(lambda ok: self._acknowledge(acks, ok))
        if timed_out:
            self.connector.tell("warning", "ambiguous", submits=timed_out, evidence="no response in time")
            if self._timeouts_in_row >= TIMEOUTS_TO_REBIND:
                self._reason = f"{self._timeouts_in_row} submits in a row without a response"
                self.link.end(self._reason)
        if self.link.retiring:
            self.link.settled()

    def _handle_rare(self, event: Event) -> None:
        if isinstance(event, Closed):
            self._reason = event.reason
            self._write()
            self.link.end(event.reason)  # at once: until the socket is closed it must get no submit
            self._transport.close()
        elif isinstance(event, Refused):
            self.connector.bad_input(event)
        elif isinstance(event, AlertNotification):
            self.connector.alert(event)
        elif isinstance(event, Outbind):
            self.link.called(self, event)
        elif isinstance(event, Pdu) and event.command_id in RESPONSES:
            response = RESPONSES[event.command_id]
            self.session.respond(
                response(sequence_number=event.sequence_number, command_status=c.ESME_RINVCMDID)
            )

    # -- submits ---------------------------------------------------------------------------------------

    def _answered(self, event: Answered, now_ms: int) -> None:
        response, context = event.response, event.context
        status = response.command_status
        if not isinstance(context, tuple):
            if context is None:
                self._bind_answered(response)
            elif isinstance(context, _Question) and not event.late:
                self._told(context, response)
            return
        message, segment = context
        self._answered_of.append(event.sent_at)
        self._timeouts_in_row = 0
        self._answered_until = max(self._answered_until, event.sent_at)
        upstream = self.connector.upstream
        upstream.heard = True
        if response.tlvs and not event.late:
            state = tlv.get(response.tlvs, tlv.CONGESTION_STATE)
            if state:
                upstream.congestion(state[0], event.sent_at)
        if status == c.ESME_ROK and isinstance(response, SubmitSmResp):
            if event.late:
                upstream.taken_late(message, segment, response.message_id, now_ms)
            else:
                upstream.taken(message, segment, response.message_id, now_ms)
            return
        if event.late:
            return  # in doubt and refused after all: the policy's second try or its end stands
        too_fast = self.connector.too_fast
        if status == c.ESME_RSUBMITFAIL and status not in too_fast and upstream.submit_failed(event.sent_at):
            verdict = submit_verdict(status, SUBMIT_FAILED, message.retries)
        else:
            verdict = submit_verdict(status, too_fast, message.retries)
        if verdict is Verdict.NEVER:
            upstream.refused_here(message, segment, c.status_name(status), now_ms)
        else:
            full = verdict is Verdict.FULL
            if full and status in too_fast:
                upstream.too_fast(event.sent_at)
            upstream.refused_for_now(message, segment, c.status_name(status), full=full, now_ms=now_ms)

    def _bind_answered(self, response: Pdu) -> None:
        if self._bound.done():
            return
        status = response.command_status
        if isinstance(response, BindResp) and status == c.ESME_ROK:
            self._bound.set_result(None)
            return
        text = f"the SMSC refused the bind: {c.status_name(status)}"
        self._bound.set_exception(LinkError(text, status))

    def _timed_out(self, event: TimedOut, now_ms: int) -> int:
        if not isinstance(event.context, tuple):
            if isinstance(event.context, _Question):
                self._told(event.context, None)
            return 0
        timeout_s = self.connector.config.response_timeout_s
        if event.sent_at >= self._answered_until:  # else it answers, but not this one: no reason to go
            self._timeouts_in_row += 1
        self._doubt(event.context, event.sent_at, f"no response within {timeout_s:g} s", now_ms)
        return 1

    # -- receipts and incoming SMS ---------------------------------------------------------------------

    def _delivered(self, pdu: DeliverSm | DataSm, now_ms: int) -> None:
        config = self.connector.config
        receipt = receipt_of(pdu, by_text=config.receipts_by_text)
        answer = DeliverSmResp if pdu.__class__ is DeliverSm else RESPONSES[pdu.command_id]
        if receipt is not None:
            upstream_id, state, final, error, info = receipt
            self.connector.receipts.take(upstream_id, pdu.source_addr, state, final, error, now_ms, info)
        elif not take_incoming(self.connector, pdu, now_ms):
            reason = "no rule fits, and the connector has no incoming_account"
            now, name = self.clock.now(), config.name
            self.connector.events.seldom("warning", "incoming_refused", now, connector=name, reason=reason)
            self.session.respond(answer(sequence_number=pdu.sequence_number, command_status=c.ESME_RX_R_APPN))
            return
        self._acks.append(answer(sequence_number=pdu.sequence_number))

    def _acknowledge(self, acks: list[Pdu], ok: bool) -> None:
        if self._gone:
            return
        for ack in acks:
            if not ok:
                ack.command_status = c.ESME_RX_T_APPN
            self.session.respond(ack)
        self._write()
        if self.session.over:
            self.link.end("unbind by peer")
