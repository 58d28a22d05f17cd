"""What clients ask for beside sending: what became of a message, to cancel it, another text; and broadcasts.

Questions go to the store first.  What the SMSC has is asked for there, if it can be, and its answer goes
back; nothing here waits for any answer longer than the connector's response_timeout_s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from gateway.core.accounts import Account
from gateway.core.conditions import ask_for_replacement
from gateway.core.errors import Refusal
from gateway.core.message_ids import parse_id
from gateway.core.model import Draft, MessageState, Origin, Progress
from gateway.core.upstream import Upstream
from gateway.ingress.smpp_messages import Messages
from gateway.translate import smpp_operations as translate
from gateway.translate.smpp_operations import Found
from gateway.translate.smpp_status import REFUSAL_STATUS
from protocols.smpp import constants as c
from protocols.smpp.pdu import (
    BroadcastSm,
    BroadcastSmResp,
    CancelBroadcastSm,
    CancelSm,
    CancelSmResp,
    DataSm,
    Pdu,
    QueryBroadcastSm,
    QuerySm,
    ReplaceSm,
    ReplaceSmResp,
    SubmitMulti,
    response_to,
)

if TYPE_CHECKING:
    from gateway.ingress.smpp import SmppConnection
    from gateway.ingress.smpp_listener import SmppListener

_STORE_FAILED = REFUSAL_STATUS[Refusal.STORE]
BROADCASTS_MAX = 10_000
"""Broadcasts of a connector of which is known whose they are."""
_Question = QuerySm | ReplaceSm | CancelSm
_Broadcast = BroadcastSm | QueryBroadcastSm | CancelBroadcastSm


class Operations:
    """The rarer operations of all sessions of a listener."""

    def __init__(self, listener: SmppListener) -> None:
        self._listener = listener
        self._submission = listener.submission
        self._journal = listener.journal
        self._events = listener.events
        self._clock = listener.clock
        messages = Messages(listener)
        self._handlers: dict[type[Pdu], Callable[[SmppConnection, Any], None]] = {
            DataSm: messages.data,
            SubmitMulti: messages.multi,
            QuerySm: self._query,
            CancelSm: self._cancel,
            ReplaceSm: self._replace,
            BroadcastSm: self._broadcast,
            QueryBroadcastSm: self._broadcast,
            CancelBroadcastSm: self._broadcast,
        }

    def handle(self, connection: SmppConnection, pdu: Pdu) -> None:
        """Answers a request, now or later; one that is not served costs the client nothing but that."""
        handler = self._handlers.get(pdu.__class__)
        if handler is None:
            connection.refuse(pdu, c.ESME_RINVCMDID)
        else:
            handler(connection, pdu)

    # -- the store's word ------------------------------------------------------------------------------

    def _find(
        self, connection: SmppConnection, pdu: _Question, then: Callable[[int, Found], None], otherwise: int
    ) -> None:
        """Looks for the message that a request names; `then` gets it if it is of the source that it says.

        An id that names no message of the account is ESME_RINVMSGID; `otherwise` is the operation's own
        status for a message from another source.
        """
        assert connection.account is not None
        try:
            message_id = parse_id(pdu.message_id)
        except ValueError:
            connection.refuse(pdu, c.ESME_RINVMSGID)
            return
        queries = self._journal.batch.queries
        place = len(queries)
        queries.append((connection.account.name, message_id))

        def committed(ok: bool) -> None:
            if not ok:
                connection.refuse(pdu, _STORE_FAILED)
                return
            found = translate.found_in(self._journal.answer.queried[place])
            if found is None:
                connection.refuse(pdu, c.ESME_RINVMSGID)
            elif found.source != _source_of(connection, pdu, found.source).number:
                connection.refuse(pdu, otherwise)
            else:
                then(message_id, found)

        self._journal.then(committed)

    # -- the SMSC's word -------------------------------------------------------------------------------

    def _asked_for(self, operation: str, connector: str) -> Upstream | None:
        """The connector's upstream, if its SMSC can do this."""
        upstream = self._submission.router.upstreams.get(connector)
        return upstream if upstream is not None and operation in upstream.operations else None

    @staticmethod
    def _ask(upstream: Upstream, requests: Sequence[Pdu], then: Callable[[list[object]], None]) -> None:
        """Puts requests to the SMSC, one after the other's answer, so that a long text takes no more room
        than a short one; `then` gets an answer for each, None for those that do not come."""
        answers: list[object] = []

        def go_on() -> None:
            if len(answers) == len(requests):
                then(answers)
            elif not upstream.ask(requests[len(answers)], got):
                got(None)

        def got(answer: object) -> None:
            answers.append(answer)
            if answer is None:  # nor will the others, and nobody should wait so long for each
                answers.extend([None] * (len(requests) - len(answers)))
            go_on()

        go_on()

    # -- query_sm --------------------------------------------------------------------------------------

    def _query(self, connection: SmppConnection, pdu: QuerySm) -> None:
        self._find(connection, pdu, partial(self._queried, connection, pdu), c.ESME_RQUERYFAIL)

    def _queried(self, connection: SmppConnection, pdu: QuerySm, message_id: int, found: Found) -> None:
        version = connection.session.version
        upstream = self._asked_for("query_sm", found.connector)
        if upstream is None or found.progress != Progress.SENT or not found.upstream_ids:
            connection.answer(translate.query_sm_resp(pdu, found, self._clock.now_ms(), version))
            return
        source = _source_of(connection, pdu, found.source)
        requests = [translate.upward(pdu, found, source, id) for id in found.upstream_ids]

        def told(answers: list[object]) -> None:
            answers += [None] * (found.segments - len(answers))  # of segments that are not there yet
            now_ms = self._clock.now_ms()
            connection.answer(translate.query_sm_resp_from(pdu, answers, now_ms, version))

        self._ask(upstream, requests, told)

    # -- cancel_sm -------------------------------------------------------------------------------------

    def _cancel(self, connection: SmppConnection, pdu: CancelSm) -> None:
        if pdu.message_id:
            self._find(connection, pdu, partial(self._cancel_one, connection, pdu), c.ESME_RCANCELFAIL)
            return
        source = _source_of(connection, pdu).number
        destination = translate.destination_of(pdu, connection.reading)
        if not destination:
            connection.refuse(pdu, c.ESME_RINVDSTADR)
        else:
            self._cancel_here(connection, pdu, 0, source, destination, pdu.service_type)

    def _cancel_one(self, connection: SmppConnection, pdu: CancelSm, message_id: int, found: Found) -> None:
        if found.ended:
            connection.refuse(pdu, c.ESME_RCANCELFAIL)
        else:
            self._cancel_here(connection, pdu, message_id, found.source, found.destination, "", found)

    def _cancel_here(
        self,
        connection: SmppConnection,
        pdu: CancelSm,
        message_id: int,
        source: str,
        destination: str,
        service_type: str,
        found: Found | None = None,
    ) -> None:
        """Ends what waits here; `found` is the one message that is meant."""
        assert connection.account is not None
        cancels = self._journal.batch.cancels
        place = len(cancels)
        cancels.append(
            (connection.account.name, message_id, source, destination, service_type, self._clock.now_ms())
        )

        def committed(ok: bool) -> None:
            if not ok:
                connection.refuse(pdu, _STORE_FAILED)
                return
            ended, at_smsc, _ = self._journal.answer.cancelled[place]
            if not at_smsc:
                connection.refuse(pdu, c.ESME_ROK if ended else c.ESME_RCANCELFAIL)
                return
            whole = Found(1, 1, 0, "", source, destination, 0, 0, "", [], 1, service_type)
            self._cancel_at_smsc(connection, pdu, at_smsc, found or whole)

        self._journal.then(committed)

    def _cancel_at_smsc(
        self, connection: SmppConnection, pdu: CancelSm, rows: Sequence[Any], found: Found
    ) -> None:
        """Asks the SMSCs to cancel what they have; ESME_ROK when all of it is."""
        source = _source_of(connection, pdu, found.source)
        missing = len(rows)
        failed = False

        def told(message_id: int, answers: list[object]) -> None:
            nonlocal missing, failed
            missing -= 1
            if answers and all(
                isinstance(one, CancelSmResp) and one.command_status == c.ESME_ROK for one in answers
            ):
                self._end_cancelled(message_id)
            else:
                failed = True
            if not missing:
                done = c.ESME_RCANCELFAIL if failed else c.ESME_ROK
                self._journal.then(lambda ok: connection.refuse(pdu, done if ok else _STORE_FAILED))

        for message_id, connector, upstream_ids, sent_as in rows:
            upstream = self._asked_for("cancel_sm", connector)
            known_as = found._replace(sent_as=sent_as)
            requests = [translate.upward(pdu, known_as, source, id) for id in upstream_ids]
            if upstream is None or len(requests) < found.segments:
                told(message_id, [])
            else:
                self._ask(upstream, requests, partial(told, message_id))

    def _end_cancelled(self, message_id: int) -> None:
        """Ends what the SMSC has cancelled at once, by its answer.

        A receipt that it sends as well then finds the message ended; one that came before ended it.
        """
        now_ms = self._clock.now_ms()
        self._journal.batch.failed.append((message_id, MessageState.DELETED.value, "", now_ms))
        if self._events.messages:
            self._events.ended(message_id, MessageState.DELETED, "cancelled", now_ms)

    # -- replace_sm ------------------------------------------------------------------------------------

    def _replace(self, connection: SmppConnection, pdu: ReplaceSm) -> None:
        self._find(connection, pdu, partial(self._replace_one, connection, pdu), c.ESME_RREPLACEFAIL)

    def _replace_one(self, connection: SmppConnection, pdu: ReplaceSm, message_id: int, found: Found) -> None:
        assert connection.account is not None
        now_ms = self._clock.now_ms()
        draft = translate.replacement_of(pdu, found, now_ms, connection.reading)
        router = self._submission.router
        if isinstance(draft, Draft) and found.at_smsc:  # its SMSC writes the text
            written = router.in_best_form(connection.account, draft, Origin.SESSION.value, now_ms)
            draft = written if written is Refusal.ROUTE else draft
        elif isinstance(draft, Draft):
            if not (draft.due_ms or found.ended) and found.done_ms > now_ms:
                draft = draft._replace(due_ms=found.done_ms)  # when it is due, from where its validity counts
            draft = router.in_best_form(connection.account, draft, Origin.SESSION.value, now_ms)
            rules = connection.account.rules
            if rules is not None and isinstance(draft, Draft):
                draft = rules.replaced(draft, now_ms)
        if isinstance(draft, Refusal):
            connection.refuse(pdu, REFUSAL_STATUS[draft])
        elif draft.segments > connection.account.config.max_segments:
            connection.refuse(pdu, c.ESME_RINVMSGLEN)
        elif pdu.sm_default_msg_id and not found.at_smsc:
            connection.refuse(pdu, c.ESME_RINVDFTMSGID)  # a message keeps the one it came with
        elif found.at_smsc:
            self._replace_at_smsc(connection, pdu, found, draft)
        elif found.ended:
            connection.refuse(pdu, c.ESME_RREPLACEFAIL)
        else:
            self._replace_here(connection, pdu, message_id, found, draft, now_ms)

    def _replace_here(
        self,
        connection: SmppConnection,
        pdu: ReplaceSm,
        message_id: int,
        found: Found,
        draft: Draft,
        now_ms: int,
    ) -> None:
        assert connection.account is not None
        upstream = self._submission.router.upstreams.get(found.connector)
        takes_whole = upstream is not None and upstream.whole
        # what it had to be paid for is not known of one that goes up whole: then it is asked for anew
        charge = None
        if takes_whole or found.segments != draft.segments:
            charge = self._submission.charge(connection.account, draft)
        if isinstance(charge, Refusal):
            connection.refuse(pdu, REFUSAL_STATUS[charge])
            return
        batch = self._journal.batch
        place = len(batch.replacements)
        batch.replacements.append(
            (
                connection.account.name,
                message_id,
                draft.user_data,
                # a service gets it whole by its claim
                1 if takes_whole and not (upstream and upstream.service) else draft.segments,
                draft.esm_class,
                draft.data_coding,
                draft.due_ms if pdu.schedule_delivery_time else -1,
                draft.expires_ms,
                draft.validity_period,
                draft.registered_delivery,
                now_ms,
            )
        )
        if charge is not None:
            batch.recharges.append((place, message_id, charge.purse.name, charge.amount))
            ask_for_replacement(self._submission, batch, charge, place, now_ms)

        def committed(ok: bool) -> None:
            done = ok and self._journal.answer.replaced[place]
            failed = c.ESME_RREPLACEFAIL if ok else _STORE_FAILED
            if not ok and charge is not None:
                charge.take_back()
            connection.refuse(pdu, c.ESME_ROK if done else failed)

        self._journal.then(committed)

    def _replace_at_smsc(
        self, connection: SmppConnection, pdu: ReplaceSm, found: Found, draft: Draft
    ) -> None:
        """Only a text that is one SMS before and after, in one alphabet, can be replaced there."""
        upstream = self._asked_for("replace_sm", found.connector)
        fits = found.segments == draft.segments == 1 and draft.data_coding == found.data_coding
        if upstream is None or not fits:
            connection.refuse(pdu, c.ESME_RREPLACEFAIL)
            return
        asked = replace(pdu, short_message=draft.user_data, tlvs=())
        source = _source_of(connection, pdu, found.source)

        def told(answers: list[object]) -> None:
            (answer,) = answers
            done = isinstance(answer, ReplaceSmResp) and answer.command_status == c.ESME_ROK
            connection.refuse(pdu, c.ESME_ROK if done else c.ESME_RREPLACEFAIL)

        self._ask(upstream, [translate.upward(asked, found, source, found.upstream_ids[0])], told)

    # -- broadcast -------------------------------------------------------------------------------------

    def _is_of(self, account: Account, upstream: Upstream, message_id: str) -> bool:
        """Whether a broadcast may be asked for and changed: where accounts share a connector, only by the one
        that sent it, in this run and by its id."""
        using = [
            one.name
            for one in self._listener.accounts.values()
            if one.config.smpp.broadcast_connector == upstream.name
        ]
        return using == [account.name] or upstream.broadcasts.get(message_id) == account.name

    @staticmethod
    def _remember(broadcasts: dict[str, str], message_id: str, account: str) -> None:
        broadcasts.pop(message_id, None)
        while len(broadcasts) >= BROADCASTS_MAX:
            del broadcasts[next(iter(broadcasts))]
        broadcasts[message_id] = account

    def _broadcast(self, connection: SmppConnection, pdu: _Broadcast) -> None:
        """Passes a broadcast operation on, and its answer back; we keep nothing of it (SMPP v5.0 §4.4)."""
        account = connection.account
        assert account is not None
        upstream = self._submission.router.upstreams.get(account.config.smpp.broadcast_connector)
        sender = account.rules.sender_for(pdu.source_addr) if account.rules is not None else None
        if sender is not None:
            pdu.source_addr_ton, pdu.source_addr_npi = sender["source_ton"], sender["source_npi"]
            pdu.source_addr = sender["source"]
        if upstream is None or connection.session.version < c.INTERFACE_VERSION_50:
            connection.refuse(pdu, c.ESME_RINVCMDID)
        elif account.sources and pdu.source_addr not in account.sources:
            connection.refuse(pdu, c.ESME_RINVSRCADR)
        elif not (_is_new(pdu) or self._is_of(account, upstream, pdu.message_id)):
            connection.refuse(pdu, c.ESME_RINVMSGID)
        elif isinstance(pdu, BroadcastSm) and upstream.paused is not None:
            connection.refuse(pdu, c.ESME_RSYSERR)
        elif isinstance(pdu, BroadcastSm) and not account.bucket.take(1, self._clock.now()):
            connection.refuse(pdu, c.ESME_RTHROTTLED)
        else:

            def told(answers: list[object]) -> None:
                (answer,) = answers
                expected = response_to(pdu)
                if isinstance(answer, BroadcastSmResp) and answer.message_id:
                    self._remember(upstream.broadcasts, answer.message_id, account.name)
                if isinstance(answer, type(expected)):
                    connection.answer(replace(answer, sequence_number=pdu.sequence_number))
                elif isinstance(answer, Pdu) and answer.command_status:
                    connection.refuse(pdu, answer.command_status)
                else:
                    connection.refuse(pdu, c.ESME_RSYSERR)

            self._ask(upstream, [replace(pdu)], told)


def _source_of(connection: SmppConnection, pdu: _Question, stored: str | None = None) -> translate.Source:
    """Whom a request says its message is of: the account may have had another sender for it.

    `stored`: the sender that the message has, which may be older than the account's rule.
    """
    assert connection.account is not None
    source, rules = translate.source_of(pdu, connection.reading), connection.account.rules
    sender = rules.sender_for(source.number) if rules is not None else None
    if sender is None or source.number == stored:
        return source
    return translate.Source(sender["source_ton"], sender["source_npi"], sender["source"])


def _is_new(pdu: _Broadcast) -> bool:
    """Whether it is about no broadcast that was sent before."""
    return isinstance(pdu, BroadcastSm) and not (pdu.message_id or pdu.replace_if_present_flag)
