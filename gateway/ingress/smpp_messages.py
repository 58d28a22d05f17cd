"""Messages that clients send otherwise than by submit_sm: data_sm and submit_multi."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gateway.core.errors import Refusal
from gateway.core.message_ids import format_id
from gateway.core.model import Message, Wish
from gateway.translate import smpp_operations as translate
from gateway.translate.smpp_status import REFUSAL_STATUS
from protocols.smpp import constants as c
from protocols.smpp.pdu import DataSm, DataSmResp, Pdu, SubmitMulti, SubmitMultiResp

if TYPE_CHECKING:
    from gateway.ingress.smpp import SmppConnection
    from gateway.ingress.smpp_listener import SmppListener

UNSUCCESS_MAX = 255
"""Their number is an octet."""


class Messages:
    """The messages of all sessions of a listener; each is answered after its commit."""

    def __init__(self, listener: SmppListener) -> None:
        self._submission = listener.submission
        self._journal = listener.journal
        self._clock = listener.clock

    def data(self, connection: SmppConnection, pdu: DataSm) -> None:
        """A data_sm: a message like that of a submit_sm (SMPP v3.4 §4.7)."""
        now, now_ms = self._clock.now(), self._clock.now_ms()
        result = connection.take(translate.submit_sm_of(pdu), now, now_ms)
        if isinstance(result, Refusal):
            connection.refuse(pdu, REFUSAL_STATUS[result])
            return
        response = DataSmResp(
            sequence_number=pdu.sequence_number,
            message_id=format_id(result.message_id, connection.id_format),
            tlvs=connection.congestion,
        )
        self._after_commit(connection, pdu, response, [result])

    def multi(self, connection: SmppConnection, pdu: SubmitMulti) -> None:
        """A submit_multi: a message for each destination (SMPP v3.4 §4.5).

        The one message_id of the answer is that of the first one taken, and the receipts of all bear it, from
        the number that each is about.
        """
        assert connection.account is not None
        most = translate.DESTINATIONS_MAX + (connection.session.version >= c.INTERFACE_VERSION_50)
        if not 0 < len(pdu.dest_addresses) <= most:
            connection.refuse(pdu, c.ESME_RINVNUMDESTS)
            return
        lists = {one.name: one.numbers for one in connection.account.config.smpp.lists}
        if translate.count_of(pdu, lists) > translate.NUMBERS_MAX:
            connection.refuse(pdu, c.ESME_RINVNUMDESTS)
            return
        submits, unsuccess = translate.submits_of(pdu, lists)
        now, now_ms = self._clock.now(), self._clock.now_ms()
        self._submission.ids.together(len(submits), now_ms)
        taken: list[Message] = []
        for submit in submits:
            result = connection.take(submit, now, now_ms, Wish.behind(len(taken)))
            if isinstance(result, Refusal):
                unsuccess.append(translate.failed(submit, REFUSAL_STATUS[result]))
            else:
                taken.append(result)
        response = SubmitMultiResp(
            sequence_number=pdu.sequence_number, unsuccess_smes=tuple(unsuccess[:UNSUCCESS_MAX])
        )
        if not taken:
            response.command_status = translate.status_of_all(unsuccess)
            connection.answer(response)
            return
        response.message_id = format_id(taken[0].message_id, connection.id_format)
        self._after_commit(connection, pdu, response, taken)

    def _after_commit(
        self,
        connection: SmppConnection,
        pdu: Pdu,
        response: DataSmResp | SubmitMultiResp,
        messages: list[Message],
    ) -> None:
        self._journal.then(partial(self._committed, connection, pdu, response, messages))
        self._submission.flush()

    def _committed(
        self,
        connection: SmppConnection,
        pdu: Pdu,
        response: DataSmResp | SubmitMultiResp,
        messages: list[Message],
        ok: bool,
    ) -> None:
        if not ok:
            connection.refuse(pdu, REFUSAL_STATUS[Refusal.STORE])
            return
        count = len(messages)
        if self._submission.refused_late:
            count -= self._refused_late(response, messages)
        connection.submitted += count
        connection.answer(response)

    def _refused_late(self, response: DataSmResp | SubmitMultiResp, messages: list[Message]) -> int:
        """How many of them the store has refused; `response` says which, and if none is left why."""
        late = self._submission.refused_late
        refused = [
            translate.failed_message(message, REFUSAL_STATUS[late[message.message_id]])
            for message in messages
            if message.message_id in late
        ]
        if isinstance(response, SubmitMultiResp):
            refused = [*response.unsuccess_smes, *refused]
            response.unsuccess_smes = tuple(refused[:UNSUCCESS_MAX])
        count = sum(message.message_id in late for message in messages)
        if count == len(messages):
            response.message_id = ""
            response.command_status = translate.status_of_all(refused)
        return count
