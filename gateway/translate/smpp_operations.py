"""What clients ask for beside submit_sm: other ways to send, and questions about what they sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from gateway.core.batch import Row
from gateway.core.errors import Refusal
from gateway.core.model import FINAL_STATES, Draft, Message, MessageState, Progress
from gateway.core.sent_as import parse
from gateway.translate.smpp_reading import Reading
from gateway.translate.smpp_submit import draft_of
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import (
    CancelSm,
    DataSm,
    Pdu,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    SmeAddress,
    SubmitMulti,
    SubmitSm,
    UnsuccessSme,
)
from protocols.smpp.times import format_absolute, parse_time
from protocols.sms.addresses import TON_INTERNATIONAL, digits_of

DESTINATIONS_MAX = 254
"""Of one submit_multi (SMPP v3.4 §4.5.1); SMPP v5.0 §4.2.3.1 counts to 255."""
NUMBERS_MAX = 10_000
"""Of one submit_multi, with those of its lists: what one PDU can cost."""

_SHARED = (
    "service_type",
    "source_addr_ton",
    "source_addr_npi",
    "source_addr",
    "esm_class",
    "protocol_id",
    "priority_flag",
    "schedule_delivery_time",
    "validity_period",
    "registered_delivery",
    "replace_if_present_flag",
    "data_coding",
    "sm_default_msg_id",
    "short_message",
    "tlvs",
)


# -- other ways to send --------------------------------------------------------------------------------


def submit_sm_of(pdu: DataSm) -> SubmitSm:
    """The same message as a submit_sm (SMPP v3.4 §4.7)."""
    return SubmitSm(
        service_type=pdu.service_type,
        source_addr_ton=pdu.source_addr_ton,
        source_addr_npi=pdu.source_addr_npi,
        source_addr=pdu.source_addr,
        dest_addr_ton=pdu.dest_addr_ton,
        dest_addr_npi=pdu.dest_addr_npi,
        destination_addr=pdu.destination_addr,
        esm_class=pdu.esm_class,
        registered_delivery=pdu.registered_delivery,
        data_coding=pdu.data_coding,
        tlvs=pdu.tlvs,
    )


def count_of(pdu: SubmitMulti, lists: Mapping[str, Sequence[str]]) -> int:
    """To how many numbers a submit_multi goes, with those of the lists."""
    return sum(
        1 if isinstance(one, SmeAddress) else len(lists.get(one.dl_name, ())) for one in pdu.dest_addresses
    )


def submits_of(
    pdu: SubmitMulti, lists: Mapping[str, Sequence[str]]
) -> tuple[list[SubmitSm], list[UnsuccessSme]]:
    """A submit_sm for each destination, and the lists that the account does not have.

    `lists` are the numbers of each distribution list. An unknown list has its dl_name in the place of a
    number (SMPP v3.4 §4.5.2.1 has no other).
    """
    shared = {name: getattr(pdu, name) for name in _SHARED}
    submits: list[SubmitSm] = []
    unknown: list[UnsuccessSme] = []
    for address in pdu.dest_addresses:
        if isinstance(address, SmeAddress):
            submits.append(
                SubmitSm(
                    **shared,
                    dest_addr_ton=address.dest_addr_ton,
                    dest_addr_npi=address.dest_addr_npi,
                    destination_addr=address.destination_addr,
                )
            )
        elif address.dl_name not in lists:
            unknown.append(UnsuccessSme(0, 0, address.dl_name, c.ESME_RINVDLNAME))
        else:
            submits.extend(
                SubmitSm(**shared, dest_addr_ton=1, dest_addr_npi=1, destination_addr=number)
                for number in lists[address.dl_name]
            )
    return submits, unknown


def failed(pdu: SubmitSm, status: int) -> UnsuccessSme:
    """A destination that got nothing."""
    return UnsuccessSme(pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr, status)


def failed_message(message: Message, status: int) -> UnsuccessSme:
    """The same of a message that was taken, and not kept."""
    return UnsuccessSme(message.destination_ton, message.destination_npi, message.destination, status)


def status_of_all(unsuccess: Iterable[UnsuccessSme]) -> int:
    """The command_status when no destination was taken: theirs, when they agree."""
    statuses = {one.error_status_code for one in unsuccess}
    return statuses.pop() if len(statuses) == 1 else c.ESME_RSUBMITFAIL


# -- questions -----------------------------------------------------------------------------------------


class Found(NamedTuple):
    """What the store knows of a message, live or ended (`Answer.queried`)."""

    state: int
    progress: int
    """Progress, or -1: it has ended."""
    done_ms: int
    """When it ended; of one that waits for its time, when that is."""
    error: str
    source: str
    destination: str
    esm_class: int
    data_coding: int
    connector: str
    upstream_ids: list[str]
    """Of each segment that was taken."""
    segments: int
    service_type: str
    sent_as: str = ""
    """`Message.sent_as`."""

    @property
    def ended(self) -> bool:
        return self.progress < 0

    @property
    def at_smsc(self) -> bool:
        """The SMSC has all of it."""
        return self.progress == Progress.SENT and len(self.upstream_ids) >= self.segments > 0


def found_in(row: Row) -> Found | None:
    """What the store has answered; None: the account has no such message."""
    return Found(*row) if row else None


class Source(NamedTuple):
    """Whom a request says its message is of, as the account's configuration reads it."""

    ton: int
    npi: int
    number: str


def source_of(pdu: QuerySm | CancelSm | ReplaceSm, reading: Reading) -> Source:
    """The source address of a request, read like that of its message."""
    ton, npi, number = pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr
    return Source(*reading.source_of(ton, npi, number)) if reading.has_rules else Source(ton, npi, number)


def destination_of(pdu: CancelSm, reading: Reading) -> str:
    """The destination of a cancel_sm as messages have it: digits."""
    ton, number = pdu.dest_addr_ton, pdu.destination_addr
    if reading.has_rules:
        ton, _, number = reading.destination_of(ton, pdu.dest_addr_npi, number)
    return digits_of(number, ton)


def query_sm_resp(pdu: QuerySm, found: Found, now_ms: int, interface_version: int) -> QuerySmResp:
    """The answer from what we know (SMPP v3.4 §4.8.2); final_date is UTC."""
    state = found.state
    if not found.ended and found.done_ms > now_ms:
        state = MessageState.SCHEDULED.value
    error = int(found.error) if found.error.isascii() and found.error.isdecimal() else 0
    return QuerySmResp(
        sequence_number=pdu.sequence_number,
        message_id=pdu.message_id,
        message_state=_state_for(state, interface_version),
        final_date=format_absolute(datetime.fromtimestamp(found.done_ms / 1000, UTC)) if found.ended else "",
        error_code=error if error < 256 else 0,
    )


def query_sm_resp_from(
    pdu: QuerySm, answers: Sequence[object], now_ms: int, interface_version: int
) -> QuerySmResp:
    """The answer from those of the SMSC, one for each segment (None: it has not said).

    The first segment that failed says how the message ended; else it is at its end when all are.
    """
    good = [one for one in answers if isinstance(one, QuerySmResp) and one.command_status == c.ESME_ROK]
    state, final_date, error = MessageState.ENROUTE.value, "", 0
    failures = [one for one in good if one.message_state in _FAILED]
    if failures:
        one = failures[0]
        state, final_date, error = one.message_state, _date(one.final_date, now_ms), one.error_code
    elif good and len(good) == len(answers):
        states = {one.message_state for one in good}
        if len(states) == 1:
            state = states.pop()
            final_date = max(_date(one.final_date, now_ms) for one in good)
            error = good[0].error_code
    return QuerySmResp(
        sequence_number=pdu.sequence_number,
        message_id=pdu.message_id,
        message_state=_state_for(state, interface_version),
        final_date=final_date,
        error_code=error,
    )


_FAILED = FINAL_STATES - {MessageState.DELIVERED}
_STATES = frozenset(int(state) for state in MessageState)
_NOT_IN_34 = {0: MessageState.ENROUTE.value, 9: MessageState.UNKNOWN.value}


def _state_for(state: int, interface_version: int) -> int:
    """SCHEDULED and SKIPPED are states of SMPP 5.0 alone; others may be an SMSC's own."""
    if state not in _STATES:
        return MessageState.UNKNOWN.value
    return state if interface_version >= c.INTERFACE_VERSION_50 else _NOT_IN_34.get(state, state)


def _date(text: str, now_ms: int) -> str:
    """A date of the SMSC in the absolute form, in UTC; "" when it is none."""
    try:
        moment = parse_time(text, datetime.fromtimestamp(now_ms / 1000, UTC))
        return format_absolute(moment.astimezone(UTC)) if moment else ""
    except ValueError:
        return ""


# -- another text --------------------------------------------------------------------------------------


def replacement_of(pdu: ReplaceSm, found: Found, now_ms: int, reading: Reading) -> Draft | Refusal:
    """The message as it would be with the new text; what a replace_sm cannot say is as it was.

    Times that it leaves out are 0 and "" in the draft (SMPP v3.4 §4.10.1: as they were).
    """
    return draft_of(
        SubmitSm(
            service_type=found.service_type,
            source_addr=found.source,
            dest_addr_ton=TON_INTERNATIONAL,
            destination_addr=found.destination,
            esm_class=found.esm_class,
            data_coding=found.data_coding,
            schedule_delivery_time=pdu.schedule_delivery_time,
            validity_period=pdu.validity_period,
            registered_delivery=pdu.registered_delivery,
            short_message=pdu.short_message,
            tlvs=tuple(pair for pair in pdu.tlvs if pair[0] == tlv.MESSAGE_PAYLOAD),
        ),
        now_ms,
        reading,
    )


# -- to the SMSC ---------------------------------------------------------------------------------------


def upward(pdu: QuerySm | CancelSm | ReplaceSm, found: Found, source: Source, upstream_id: str) -> Pdu:
    """The same request about one segment, under the SMSC's id."""
    if isinstance(pdu, QuerySm):
        asked: QuerySm | CancelSm | ReplaceSm = QuerySm(message_id=upstream_id)
    elif isinstance(pdu, CancelSm):
        asked = CancelSm(
            service_type=found.service_type,
            message_id=upstream_id,
            dest_addr_ton=pdu.dest_addr_ton or TON_INTERNATIONAL,
            dest_addr_npi=pdu.dest_addr_npi or c.NPI_ISDN,
            destination_addr=found.destination,
        )
    else:
        asked = replace(pdu, message_id=upstream_id)
    asked.source_addr_ton, asked.source_addr_npi, asked.source_addr = source.ton, source.npi, found.source
    if found.sent_as:  # the SMSC knows it by the addresses that it went up with
        sent = parse(found.sent_as)
        asked.source_addr_ton, asked.source_addr_npi, asked.source_addr = sent[:3]
        if isinstance(asked, CancelSm):
            asked.dest_addr_ton, asked.dest_addr_npi, asked.destination_addr = sent[3:]
    return asked
