"""submit_sm to a draft of a message."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.core.errors import Refusal
from gateway.core.model import Draft
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import SubmitSm
from protocols.smpp.times import parse_time
from protocols.sms import alphabet, segments, udh
from protocols.sms.addresses import TON_ALPHANUMERIC, digits_of

ONE_SMS = 140
"""Octets that fit into one SMS in any alphabet."""
SHORT_MESSAGE_MAX = 254
LONGEST_VALIDITY_MS = 10 * 365 * 86_400_000
"""Nobody means more, and what SMPP can write ends at 99 years."""

_RECEIPT_BITS = c.ESM_CLASS_TYPE_SMSC_DELIVERY_RECEIPT | c.ESM_CLASS_TYPE_INTERMEDIATE_NOTIFICATION


def draft_of(pdu: SubmitSm, now_ms: int, *, latin1: bool = False) -> Draft | Refusal:
    """The message a client's submit_sm asks for; `latin1`: the client's data_coding 0 is Latin-1."""
    if pdu.esm_class & _RECEIPT_BITS:
        return Refusal.RECEIPT_CLASS
    destination = digits_of(pdu.destination_addr, pdu.dest_addr_ton)
    if not (3 <= len(destination) <= 15 and destination.isdecimal()):
        return Refusal.DESTINATION
    source = pdu.source_addr
    if not source.isprintable() or (pdu.source_addr_ton == TON_ALPHANUMERIC and len(source) > 11):
        return Refusal.SOURCE
    user_data, data_coding, tlvs = pdu.short_message, pdu.data_coding, b""
    if pdu.tlvs:
        user_data = tlv.get(pdu.tlvs, tlv.MESSAGE_PAYLOAD) or user_data
        tlvs = tlv.write_stream(pair for pair in pdu.tlvs if pair[0] != tlv.MESSAGE_PAYLOAD)
    if latin1 and data_coding == 0:
        user_data, data_coding = _from_latin1(user_data, pdu.esm_class)
    count = 1
    # With SAR TLVs the client has segmented: this is one SMS, whatever its length.
    is_segment = bool(pdu.tlvs) and tlv.get(pdu.tlvs, tlv.SAR_TOTAL_SEGMENTS) is not None
    if pdu.esm_class & c.ESM_CLASS_UDHI or (len(user_data) > ONE_SMS and not is_segment):
        counted = _count_segments(user_data, data_coding, pdu.esm_class)
        if counted is None:
            return Refusal.MALFORMED_TEXT
        count = counted
    due_ms = expires_ms = 0
    if pdu.schedule_delivery_time or pdu.validity_period:
        times = _times(pdu, now_ms)
        if isinstance(times, Refusal):
            return times
        due_ms, expires_ms = times
    return Draft(
        pdu.service_type,
        pdu.source_addr_ton,
        pdu.source_addr_npi,
        source,
        pdu.dest_addr_ton,
        pdu.dest_addr_npi,
        destination,
        pdu.esm_class,
        pdu.protocol_id,
        pdu.priority_flag,
        pdu.registered_delivery,
        data_coding,
        user_data,
        tlvs,
        count,
        due_ms,
        expires_ms,
        pdu.validity_period,
    )


def _count_segments(user_data: bytes, data_coding: int, esm_class: int) -> int | None:
    """Segments of the text; None when its header is broken or it cannot be sent in 255."""
    if esm_class & c.ESM_CLASS_UDHI:
        # The client has segmented: the text stays one SMS with its own header.
        try:
            udh.concatenation(udh.parse(user_data)[0])
        except udh.UdhError:
            return None
        return 1 if len(user_data) <= SHORT_MESSAGE_MAX else None
    try:
        return segments.count(user_data, alphabet.for_data_coding(data_coding))
    except segments.TooManySegments:
        return None


def _from_latin1(user_data: bytes, esm_class: int) -> tuple[bytes, int]:
    header = b""
    if esm_class & c.ESM_CLASS_UDHI and user_data:
        header, user_data = user_data[: user_data[0] + 1], user_data[user_data[0] + 1 :]
    text = user_data.decode("latin-1")
    chosen = alphabet.choose(text)
    return header + alphabet.encode(text, chosen), 0 if chosen is alphabet.Alphabet.GSM7 else 8


def _times(pdu: SubmitSm, now_ms: int) -> tuple[int, int] | Refusal:
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    try:
        due = parse_time(pdu.schedule_delivery_time, now)
    except ValueError:
        return Refusal.SCHEDULE
    try:
        expires = parse_time(pdu.validity_period, now)
    except ValueError:
        return Refusal.VALIDITY
    due_ms = int(due.timestamp() * 1000) if due else 0
    expires_ms = int(expires.timestamp() * 1000) if expires else 0
    if expires_ms and not max(now_ms, due_ms) < expires_ms < now_ms + LONGEST_VALIDITY_MS:
        return Refusal.VALIDITY
    return due_ms, expires_ms
