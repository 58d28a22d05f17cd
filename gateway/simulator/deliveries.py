"""The way down: receipts and messages to the receiving sessions of their system_id, until answered."""

from __future__ import annotations

from collections.abc import Callable

from gateway.simulator.connection import Connection
from gateway.simulator.counters import Counters
from gateway.simulator.delays import Delays
from gateway.simulator.mailbox import Delivery, Mailbox
from protocols.smpp import constants as c
from protocols.smpp.events import Answered, TimedOut
from protocols.smpp.pdu import DataSm, DeliverSm, Pdu

_TEMPORARY = frozenset((c.ESME_RX_T_APPN, c.ESME_RTHROTTLED, c.ESME_RMSGQFUL, c.ESME_RSYSERR))


class Deliveries:
    """The mailboxes of all system_ids. A delivery outlives the session it was meant for."""

    def __init__(
        self,
        counters: Counters,
        delays: Delays,
        clock: Callable[[], float],
        touch: Callable[[Connection], None],
        retry_s: float,
    ) -> None:
        self._counters = counters
        self._delays = delays
        self._clock = clock
        self._touch = touch
        self._retry_s = retry_s
        self._mailboxes: dict[str, Mailbox] = {}

    def deliver(self, pdu: DeliverSm | DataSm, system_id: str, preferred: Connection | None = None) -> None:
        """Send a PDU down to the system_id, over `preferred` if it can, as soon as a session can take it."""
        self._queue(Delivery(pdu, system_id, preferred))

    def write(self, pdu: Pdu | bytes, system_id: str) -> bool:
        """Send an alert_notification, or a frame as it is. False: nobody can take it now.

        The answer to a frame is one that the session does not expect.
        """
        for connection in self._mailbox(system_id).receivers:
            if isinstance(pdu, bytes):
                connection.write_raw(pdu)
            else:
                connection.session.send_request(pdu, self._clock())
                self._touch(connection)
            return True
        return False

    def goes_at_once(self, connection: Connection) -> bool:
        """Whether the next delivery for this connection's system_id would go over it, now."""
        box = self._mailbox(connection.session.system_id)
        return connection in box.receivers and connection.session.room > 0 and not box.waiting

    def bound(self, connection: Connection) -> None:
        """A receiver or transceiver is bound: what waits for it can go."""
        box = self._mailbox(connection.session.system_id)
        box.receivers[connection] = None
        self._pump(box)

    def forget(self, connection: Connection) -> None:
        """Nothing more can be sent over this connection."""
        box = self._mailboxes.get(connection.session.system_id)
        if box is not None:
            box.receivers.pop(connection, None)

    def lost(self, connection: Connection) -> None:
        """What a lost connection left unanswered goes to the next session of its system_id."""
        abandoned = connection.session.abandon()
        system_id = connection.session.system_id
        box = self._mailboxes.get(system_id)
        if box is None:
            return
        box.receivers.pop(connection, None)
        deliveries = [entry.context for entry in abandoned if isinstance(entry.context, Delivery)]
        self._counters.receipts_retried += len(deliveries)
        box.put_back(deliveries)
        self._pump(box)
        if not box.waiting and not box.receivers:
            del self._mailboxes[system_id]

    def answered(self, connection: Connection, event: Answered, now: float) -> None:
        """A delivery has its answer; temporary refusals bring it again."""
        delivery = event.context
        # A late answer is to a delivery that is under way again already.
        if not isinstance(delivery, Delivery) or event.late:
            return
        status = event.response.command_status
        if status == c.ESME_ROK:
            self._counters.receipts_acknowledged += 1
        elif status in _TEMPORARY:
            self._counters.receipts_retried += 1
            self._delays.push(now + self._retry_s, self._queue, delivery)
        else:
            self._counters.receipts_refused += 1
        self._pump(self._mailbox(delivery.system_id))

    def timed_out(self, connection: Connection, event: TimedOut, now: float) -> None:
        """Nobody answered a delivery: it goes again."""
        if isinstance(event.context, Delivery):
            self._counters.receipts_retried += 1
            self._queue(event.context)

    def _mailbox(self, system_id: str) -> Mailbox:
        box = self._mailboxes.get(system_id)
        if box is None:
            box = self._mailboxes[system_id] = Mailbox()
        return box

    def _queue(self, delivery: Delivery) -> None:
        box = self._mailbox(delivery.system_id)
        self._counters.receipts_discarded += box.add(delivery)
        self._pump(box)

    def _pump(self, box: Mailbox) -> None:
        if box.waiting and box.receivers:
            box.pump(self._send)

    def _send(self, connection: Connection, delivery: Delivery) -> None:
        connection.session.send_request(delivery.pdu, self._clock(), delivery)
        self._counters.receipts_sent += 1
        self._touch(connection)
