"""SMPP sessions of legacy applications: the thin shell around `protocols.smpp.session`, SMSC side.

Three steps for each chunk that is read: feed the session, handle its events, write once.  A submit_sm is
answered when the batch that holds its message is committed, all answers of a commit in one write.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from gateway.core.accounts import Account
from gateway.core.downstream import Outlet
from gateway.core.errors import Refusal
from gateway.core.fair_shares import Share
from gateway.core.message_ids import format_id, parse_id
from gateway.core.model import Delivery, Draft, Message
from gateway.core.taps import Open
from gateway.ingress.service_check import checked
from gateway.ingress.smpp_parts import Parts, delivery_in, send_first, send_next
from gateway.translate.smpp_deliver import USUAL, USUAL_50, deliver_sm_of, style_of
from gateway.translate.smpp_reading import AS_SENT
from gateway.translate.smpp_status import REFUSAL_STATUS, delivery_is_put_off
from gateway.translate.smpp_submit import draft_of
from protocols.smpp import constants as c
from protocols.smpp.errors import SessionError
from protocols.smpp.events import Answered, Closed, Event, Refused, TimedOut
from protocols.smpp.pdu import (
    AlertNotification,
    Bind,
    DataSmResp,
    DeliverSmResp,
    Pdu,
    SubmitSm,
    SubmitSmResp,
    Tlvs,
    response_to,
)
from protocols.smpp.session import Session
from protocols.smpp.state import Role, State

if TYPE_CHECKING:
    from gateway.ingress.smpp_listener import SmppListener

WRITE_BUFFER = 1 << 18
"""Octets that may wait for a slow peer before it gets nothing more."""
STUCK_AFTER_S = 30.0
"""A peer that reads nothing for so long is cut off."""

_RECEIVING = (State.BOUND_RX, State.BOUND_TRX)
_TAKEN = (DeliverSmResp, DataSmResp)
_SENDING = (State.BOUND_TX, State.BOUND_TRX)


class SmppConnection(Open, asyncio.Protocol):
    """One connection of a client; also the Receiver of its account's Outlet once it is bound."""

    side = "client"

    def __init__(self, listener: SmppListener) -> None:
        self.listener = listener
        self.session = Session(Role.SMSC, listener.settings(), listener.clock.now())
        self.account: Account | None = None
        self.outlet: Outlet | None = None
        self.peer = ""
        self.address = ""
        """Its IP address; empty: it has none."""
        self.submitted = 0
        self._transport: asyncio.Transport
        self._taken: list[tuple[int, str]] = []
        self.id_format = "decimal"
        self.reading = AS_SENT
        self.style = USUAL
        self.share: Share | None = None
        """Its part of what the account may send; None: it cannot send."""
        self.tells_congestion = False
        """Its version knows congestion_state."""
        self._reading_paused = False
        self._stuck_since: float | None = None
        self._flush_due = False
        self._cut_off = False
        self._gone = False

    # -- connection ------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER)
        name = transport.get_extra_info("peername")
        self.peer = name[0] if isinstance(name, tuple) else "local"
        self.tap = self.listener.taps.of(self)
        self.address = name[0] if isinstance(name, tuple) else ""
        self.listener.connected(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone = True
        abandoned = self.session.abandon()
        if self.outlet is not None:
            found = (delivery_in(one.context) for one in abandoned)
            self.outlet.detach(self, [delivery for delivery in found if delivery is not None])
        self.listener.disconnected(self)

    def close(self) -> None:
        """Ends the connection now."""
        self._transport.abort()

    def _leave(self) -> None:
        """Ends the connection when the peer has read what is buffered, or when that takes too long."""
        if self._transport.is_closing():
            return
        unread = self._transport.get_write_buffer_size()  # a closed TLS transport has no answer
        self._transport.close()
        if unread:
            asyncio.get_running_loop().call_later(STUCK_AFTER_S, self._transport.abort)

    def pause_writing(self) -> None:
        self._stuck_since = self.listener.clock.now()
        self._pause_reading()

    def resume_writing(self) -> None:
        self._stuck_since = None
        self._resume_reading()
        if self.outlet is not None:
            self.outlet.pump()

    def _pause_reading(self) -> None:
        if not self._reading_paused:
            self._reading_paused = True
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._reading_paused and self._stuck_since is None and not self._gone:
            self._reading_paused = False
            self._transport.resume_reading()

    # -- reading ---------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        clock = self.listener.clock
        now = clock.now()
        session = self.session
        if self.tap is not None:
            self.tap.received(data)
        self._handle(session.receive_data(data, now), now, clock.now_ms())
        self._write()
        if session.unanswered >= self.listener.window_of(self.account):
            self._pause_reading()

    def tick(self, now: float) -> None:
        """Timers of the session and of the connection; a few times each second."""
        due = self.session.next_timeout()
        if due is not None and due <= now:
            self._handle(self.session.handle_timeout(now), now, self.listener.clock.now_ms())
            self._write()
        if self._stuck_since is not None and now - self._stuck_since >= STUCK_AFTER_S:
            self.listener.say("warning", "cut_off", self, reason=f"it read nothing for {STUCK_AFTER_S:.0f} s")
            self.close()

    def _handle(self, events: list[Event], now: float, now_ms: int) -> None:
        delivered = False
        for event in events:
            if isinstance(event, SubmitSm):
                self._submit(event, now, now_ms)
            elif isinstance(event, Answered):
                self._answered(event, now_ms)
                delivered = True
            else:
                self._handle_rare(event)
        if self._taken:
            taken, self._taken = self._taken, []
            self.listener.journal.then(lambda ok: self._committed(taken, ok, now))
            self.listener.submission.flush()
        if delivered and self.outlet is not None:
            self.outlet.pump()

    def _handle_rare(self, event: Event) -> None:
        if isinstance(event, Bind):
            self.listener.authenticate(self, event)
        elif isinstance(event, TimedOut):
            # The session is not trusted any more; what it has not answered goes to the others.
            delivery = delivery_in(event.context)
            if delivery is not None and self.outlet is not None:
                self.outlet.put_back(delivery)
            if not self._cut_off:
                self._cut_off = True
                self.listener.say("warning", "cut_off", self, reason="it did not answer a deliver_sm")
                self._leave()
        elif isinstance(event, Refused):
            self.listener.bad_input(self, event)
        elif isinstance(event, Closed):
            self.listener.closed(self, event.reason)
            self._cut_off = True
            self._write()
            self._leave()
        elif isinstance(event, Pdu):
            self.listener.operations.handle(self, event)

    def _submit(self, pdu: SubmitSm, now: float, now_ms: int) -> None:
        result = self.take(pdu, now, now_ms)
        if isinstance(result, Message):
            self._taken.append((pdu.sequence_number, format_id(result.message_id, self.id_format)))
            return
        status = REFUSAL_STATUS[result]
        self.session.respond(SubmitSmResp(sequence_number=pdu.sequence_number, command_status=status))

    def take(self, pdu: SubmitSm, now: float, now_ms: int, flags: int = 0) -> Message | Refusal:
        """Takes a message into the gathering batch, or says why not; `flags` are added to its Wish."""
        account, share = self.account, self.share
        assert account is not None  # the session lets no submit through before the bind
        assert share is not None
        submission = self.listener.submission
        draft = draft_of(pdu, now_ms, self.reading, self.address)
        if isinstance(draft, Draft) and (draft.tlvs or draft.service_type) and submission.router.has_service:
            draft = checked(account, draft, now_ms)
        shared = account.shares.crowded
        if shared:
            shared = account.bucket.rate > 0
            if share.places > 0 and not shared:
                share.places -= 1
            elif isinstance(draft, Draft):
                draft = account.shares.refusal(share, account, now) or draft
        if isinstance(draft, Refusal):
            submission.refused[draft] += 1
            return draft
        if flags:
            draft = draft._replace(flags=draft.flags | flags)
        taken = submission.accept(account, draft, now, now_ms)
        if shared and isinstance(taken, Message):
            account.shares.took(share, account, taken.segments, now)
        return taken

    def _committed(self, taken: list[tuple[int, str]], ok: bool, read_at: float) -> None:
        if self._gone:
            return
        respond = self.session.respond
        if ok and self.listener.submission.refused_late:
            taken = self._without_late(taken, self.listener.submission.refused_late)
        if ok and self.tells_congestion:
            tlvs = self.congestion
            for sequence_number, message_id in taken:
                respond(SubmitSmResp(sequence_number=sequence_number, message_id=message_id, tlvs=tlvs))
        elif ok:
            for sequence_number, message_id in taken:
                respond(SubmitSmResp(sequence_number=sequence_number, message_id=message_id))
        else:
            status = REFUSAL_STATUS[Refusal.STORE]
            for sequence_number, _ in taken:
                respond(SubmitSmResp(sequence_number=sequence_number, command_status=status))
        self.submitted += len(taken) if ok else 0
        self.listener.accept_s.observe(self.listener.clock.now() - read_at, len(taken))
        self._answers_out()

    def _without_late(
        self, taken: list[tuple[int, str]], late: Mapping[int, Refusal]
    ) -> list[tuple[int, str]]:
        """Answers those that the store has refused; the others."""
        kept = []
        for sequence_number, message_id in taken:
            why = late.get(parse_id(message_id))
            if why is None:
                kept.append((sequence_number, message_id))
            else:
                status = REFUSAL_STATUS[why]
                self.session.respond(SubmitSmResp(sequence_number=sequence_number, command_status=status))
        return kept

    def answer(self, response: Pdu) -> None:
        """Answers a request that had to wait; nothing once the client has gone."""
        if self._gone:
            return
        try:
            self.session.respond(response)
        except ValueError:  # what another one has said does not fit
            failed = type(response)(sequence_number=response.sequence_number, command_status=c.ESME_RSYSERR)
            self.session.respond(failed)
        self._answers_out()

    def refuse(self, request: Pdu, status: int) -> None:
        """Answers a request with an error."""
        self.answer(response_to(request, status))

    @property
    def congestion(self) -> Tlvs:
        """The TLV that says how full we are, to a session whose version knows it (SMPP v5.0 §4.8.4.18)."""
        return self.listener.congestion_of(self.account) if self.account and self.tells_congestion else ()

    def _answers_out(self) -> None:
        self.flush_soon()
        if self._reading_paused and self.session.unanswered < self.listener.window_of(self.account):
            self._resume_reading()

    # -- login -----------------------------------------------------------------------------------------

    def accept_bind(self, request: Bind, account: Account, outlet: Outlet) -> None:
        """The login is good: the session may send, and receive if it bound for that."""
        self.account = account
        version = 0x50 if request.interface_version >= 0x50 else 0x34
        self.session.accept_bind(
            request, system_id=self.listener.config.system_id, sc_interface_version=version
        )
        self.configure()
        self.tells_congestion = self.session.version >= c.INTERFACE_VERSION_50
        if self.session.state in _SENDING:
            self.share = account.shares.join(account.open_messages, self.listener.clock.now())
        self._write()
        if self.session.state in _RECEIVING:
            self.outlet = outlet
            outlet.attach(self)

    def configure(self) -> None:
        """Takes over what its account wants: at the bind, and when a reload has changed it."""
        if self.account is not None:
            config = self.account.config
            self.id_format = config.message_id_format
            self.reading = self.listener.reading_of(self.account)
            self.style = style_of(config.smpp, self.session.version)
            self.session.use_settings(self.listener.settings(self.account))

    def refuse_bind(self, request: Bind, status: int) -> None:
        """The login is refused; the client may try again on the same connection until its time is over."""
        self.session.refuse_bind(request, status)
        self._write()

    def unbind(self) -> None:
        """Asks the client to go, at the end of our day."""
        if self.session.state in (State.BOUND_TX, State.BOUND_RX, State.BOUND_TRX):
            self.session.unbind(self.listener.clock.now())
            self._cut_off = True
            self._write()
        else:
            self._leave()

    @property
    def is_idle(self) -> bool:
        """Whether it may end because others need its place: never, once it is bound."""
        return False

    def give_way(self) -> None:
        """Ends the connection, which has not bound: another one needs its place."""
        self.close()

    @property
    def gone(self) -> bool:
        """Whether the connection has ended."""
        return self._gone

    @property
    def traced_as(self) -> str:
        """The account that is bound; empty: none yet."""
        return self.account.name if self.account is not None else ""

    # -- deliveries (Receiver) -------------------------------------------------------------------------

    @property
    def room(self) -> int:
        """deliver_sm that may be sent now."""
        return 0 if self._stuck_since is not None or self._cut_off or self._gone else self.session.room

    def deliver(self, delivery: Delivery) -> None:
        """Sends a deliver_sm, or whatever else the account's style asks for."""
        try:
            style = self.style
            if style is USUAL or style is USUAL_50:
                pdu = deliver_sm_of(delivery, self.id_format, style)
                self.session.send_request(pdu, self.listener.clock.now(), delivery)
            else:
                send_first(self, delivery)
        except ValueError as error:
            # One delivery that cannot be written must not keep the others back.
            if self.outlet is not None:
                self.outlet.refuse(delivery, f"unsendable: {error}", self.listener.clock.now_ms())
        if not self._flush_due:
            self.flush_soon()

    def alert(self, notification: object) -> None:
        """Passes on an alert_notification, to a session whose version knows it and that reads."""
        reads = self._stuck_since is None and not self._cut_off
        if isinstance(notification, AlertNotification) and reads and not self.style.old:
            with suppress(SessionError):  # it is about to go
                self.session.send_request(replace(notification), self.listener.clock.now())
            self.flush_soon()

    def _answered(self, event: Answered, now_ms: int) -> None:
        delivery, status = event.context, event.response.command_status
        if isinstance(delivery, Parts):
            if status == c.ESME_ROK and not event.late and send_next(self, delivery):
                return
            delivery = delivery.delivery
        if not isinstance(delivery, Delivery) or self.outlet is None or event.late:
            return
        if status == c.ESME_ROK and event.response.__class__ in _TAKEN:
            self.outlet.took(delivery, now_ms)
        elif delivery_is_put_off(status):
            self.outlet.put_off(delivery)
        else:
            self.outlet.refuse(delivery, c.status_name(status), now_ms)

    # -- writing ---------------------------------------------------------------------------------------

    def flush_soon(self) -> None:
        """Writes at the end of this turn of the loop, once."""
        if not self._flush_due:
            self._flush_due = True
            self.listener.soon(self._write)

    def _write(self) -> None:
        self._flush_due = False
        data = self.session.data_to_send()
        if data and not self._gone:
            if self.tap is not None:
                self.tap.sent(data)
            self._transport.write(data)
            if self.session.over:
                self._leave()
