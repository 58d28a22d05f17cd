"""What a message brings when it has its final state: receipts, acknowledgements, replies, alerts."""

from __future__ import annotations

import time

from gateway.simulator.connection import Connection
from gateway.simulator.deliveries import Deliveries
from gateway.simulator.incoming import answer_in
from gateway.simulator.message import Message
from gateway.simulator.outcomes import DELIVERED, Outcome
from gateway.simulator.receipt_forms import receipt_in
from gateway.simulator.receipts import acknowledgements, alert, intermediate, receipt, reply
from gateway.simulator.settings import SimulatorSettings
from gateway.simulator.texts import Texts
from protocols.smpp import constants as c
from protocols.sms import alphabet

_RECEIPT = c.REGISTERED_DELIVERY_RECEIPT_MASK
_WITH_TLVS = c.INTERFACE_VERSION_34
_PACKED = "gsm7_packed"


class Aftermath:
    """Sends it all down to the session that submitted, or another of its system_id."""

    def __init__(self, settings: SimulatorSettings, deliveries: Deliveries) -> None:
        self._deliveries = deliveries
        self._texts = Texts(settings.data_coding_0)
        self._contents = settings.receipts_from
        self._form = settings.receipt_form
        self._is_packed = settings.data_coding_0 == _PACKED
        self._is_plain = settings.receipt_form == "plain" and not self._is_packed

    def notify(self, connection: Connection, message: Message) -> None:
        """The message is on its way: the intermediate notification says so."""
        old = connection.session.version < _WITH_TLVS
        pdu = intermediate(message, "text" if old else self._contents)
        self._deliveries.deliver(pdu, message.system_id, connection)

    def finish(self, connection: Connection, message: Message, outcome: Outcome) -> None:
        """The message reached its final state: send what that brings."""
        registered = message.pdu.registered_delivery
        state = message.final_state
        if _wanted(registered & _RECEIPT, state):
            content = outcome.receipt_from or self._contents
            if connection.session.version < _WITH_TLVS:
                content = "text"  # a session of version 3.3 knows no TLVs
            done_at = time.time()
            if outcome.accepted_first:
                self._deliveries.deliver(
                    receipt(message, c.ACCEPTED, done_at, content=content), message.system_id, connection
                )
            word = outcome.word if state == outcome.state else None
            for _ in range(outcome.copies):
                by_data_sm = outcome.by_data_sm
                quotes_octets = self._is_plain and (by_data_sm or not message.data_coding)
                if quotes_octets and outcome.receipt_form is None:
                    pdu = receipt(message, state, done_at, content=content, word=word, by_data_sm=by_data_sm)
                else:
                    form = outcome.receipt_form or self._form
                    quoted = self._quoted(message)
                    pdu = receipt_in(form, message, state, done_at, content=content, quoted=quoted, word=word)
                self._deliveries.deliver(pdu, message.system_id, connection)
        if outcome is not DELIVERED or registered > _RECEIPT:
            self._subscriber(connection, message, outcome)

    def _quoted(self, message: Message) -> bytes:
        """What a receipt tells of the text: in the SMSC's own alphabet, but packed septets as characters."""
        coding = message.data_coding
        if not coding and not self._is_packed:
            return message.text
        if coding and alphabet.for_data_coding(coding) is not alphabet.Alphabet.UCS2:
            return b""
        text = self._texts.decode(message.text, coding, len(message.udh))
        return text.encode("latin-1", "replace") if self._is_packed else self._texts.encode(text, 0)

    def _subscriber(self, connection: Connection, message: Message, outcome: Outcome) -> None:
        """What the subscriber's telephone sends, and what the network says of it."""
        if message.final_state != c.DELIVERED:
            return
        down, system_id = self._deliveries, message.system_id
        for pdu in acknowledgements(message):
            down.deliver(pdu, system_id, connection)
        if outcome.reply:
            down.deliver(reply(message), system_id, connection)
        if outcome.alert or (outcome.absent and message.more is not None and message.more.tlvs):
            down.write(alert(message), system_id)
        if outcome.incoming is not None:
            for made in answer_in(outcome.incoming, message, self._texts):
                if isinstance(made, bytes):
                    down.write(made, system_id)
                else:
                    down.deliver(made, system_id, connection)


def _wanted(registered: int, state: int) -> bool:
    """Whether registered_delivery asks for a receipt of this final state (SMPP v5.0 §4.7.21)."""
    if registered == c.REGISTERED_DELIVERY_RECEIPT_FINAL:
        return True
    delivered = state == c.DELIVERED
    if registered == c.REGISTERED_DELIVERY_RECEIPT_FAILURE:
        return not delivered
    return registered == c.REGISTERED_DELIVERY_RECEIPT_SUCCESS and delivered
