"""submit_sm to a draft of a message."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gateway.core.errors import Refusal
from gateway.core.model import Draft, Wish
from gateway.translate.smpp_reading import AS_SENT, from_other_alphabet, special_message, well_formed
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.times import parse_time
from protocols.sms import alphabet, segments, udh
from protocols.sms.addresses import TON_ALPHANUMERIC, digits_of

if TYPE_CHECKING:
    from gateway.translate.smpp_reading import Reading
    from protocols.smpp.pdu import SubmitSm

ONE_SMS = 140
"""Octets that fit into one SMS in any alphabet."""
SHORT_MESSAGE_MAX = 254
LONGEST_VALIDITY_MS = 10 * 365 * 86_400_000
"""Nobody means more, and what SMPP can write ends at 99 years."""

_RECEIPT_BITS = c.ESM_CLASS_TYPE_SMSC_DELIVERY_RECEIPT | c.ESM_CLASS_TYPE_INTERMEDIATE_NOTIFICATION
_UCS2 = 8
_WIDE = 1 << 16
_BY_TLVS = 1 << 17
_SAR = (tlv.SAR_MSG_REF_NUM, tlv.SAR_TOTAL_SEGMENTS, tlv.SAR_SEGMENT_SEQNUM)
Part = tuple[int, int, int]


def draft_of(pdu: SubmitSm, now_ms: int, reading: Reading = AS_SENT, address: str = "") -> Draft | Refusal:
    """The message a client's submit_sm asks for, read as its account's configuration says.

    `address`: the IP address that it came from.
    """
    esm_class, data_coding, user_data = pdu.esm_class, pdu.data_coding, pdu.short_message
    if esm_class & _RECEIPT_BITS:
        return Refusal.RECEIPT_CLASS
    source_ton, source_npi, source = pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr
    ton, npi, destination = pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr
    if reading.has_rules:
        source_ton, source_npi, source = reading.source_of(source_ton, source_npi, source)
        ton, npi, destination = reading.destination_of(ton, npi, destination)
    destination = digits_of(destination, ton)
    if not (3 <= len(destination) <= 15 and destination.isdecimal()):
        return Refusal.DESTINATION
    if not source.isprintable() or (source_ton == TON_ALPHANUMERIC and len(source) > 11):
        return Refusal.SOURCE
    tlvs, count, part = b"", 1, None
    if pdu.tlvs or esm_class & c.ESM_CLASS_UDHI or reading.to_text is not None:
        text = _text(pdu, reading)
        if isinstance(text, Refusal):
            return text
        user_data, data_coding, esm_class, tlvs, count, part = text
    elif data_coding == _UCS2 or len(user_data) > ONE_SMS:
        user_data, count = _whole(user_data, data_coding)
    if pdu.protocol_id or data_coding > _UCS2 or tlvs or esm_class & c.ESM_CLASS_UDHI:
        kind = special_message(pdu, user_data, esm_class)
        if kind and kind not in reading.allow:
            return Refusal.SPECIAL
    due_ms = expires_ms = flags = 0
    if pdu.schedule_delivery_time or pdu.validity_period:
        times = times_of(pdu.schedule_delivery_time, pdu.validity_period, now_ms)
        if isinstance(times, Refusal):
            return times
        due_ms, expires_ms = times
    if pdu.replace_if_present_flag or pdu.sm_default_msg_id or reading.flags:
        flags = _flags(pdu, reading)
    return Draft(
        pdu.service_type,
        source_ton,
        source_npi,
        source,
        ton,
        npi,
        destination,
        esm_class,
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
        flags,
        part,
        _client_id(pdu) if pdu.tlvs else "",
        address,
    )


def _client_id(pdu: SubmitSm) -> str:
    """What its sender calls it: user_message_reference (SMPP v3.4 §5.3.2.17), in decimal."""
    value = tlv.get(pdu.tlvs, tlv.USER_MESSAGE_REFERENCE)
    return str(int.from_bytes(value[:2], "big")) if value else ""


def _whole(user_data: bytes, data_coding: int) -> tuple[bytes, int]:
    """A text without a header, and its segments."""
    if data_coding == _UCS2:
        user_data = well_formed(user_data)
    return user_data, segments.count(user_data, alphabet.for_data_coding(data_coding))


def _text(pdu: SubmitSm, reading: Reading) -> tuple[bytes, int, int, bytes, int, Part | None] | Refusal:
    """Of a text with TLVs, a header or an alphabet of its own what a draft has to say of it.

    In this order: user_data, data_coding, esm_class, the other TLVs, segments, and which part it is.
    """
    user_data, data_coding, esm_class = pdu.short_message, pdu.data_coding, pdu.esm_class
    tlvs, count, part = b"", 1, None
    if pdu.tlvs:
        refusal = reading.refusal_of(pdu.tlvs)
        if refusal is not None:
            return refusal
        user_data = tlv.get(pdu.tlvs, tlv.MESSAGE_PAYLOAD) or user_data
        tlvs = tlv.write_stream(pair for pair in pdu.tlvs if pair[0] != tlv.MESSAGE_PAYLOAD)
        try:
            part = _part_by_tlvs(pdu.tlvs)
        except ValueError:
            return Refusal.MALFORMED_TEXT
    if esm_class & c.ESM_CLASS_UDHI and user_data[:1] == b"\0":
        user_data, esm_class = user_data[1:], esm_class & ~c.ESM_CLASS_UDHI  # a header that says nothing
    if reading.to_text is not None and data_coding == 0:
        user_data, data_coding = from_other_alphabet(reading, user_data, esm_class, is_part=part is not None)
    if esm_class & c.ESM_CLASS_UDHI:
        try:
            count, part = _with_header(user_data, data_coding, part)
        except udh.UdhError:
            return Refusal.MALFORMED_TEXT
    elif part is None:  # with SAR TLVs the client has segmented: this is one SMS, whatever its length
        user_data, count = _whole(user_data, data_coding)
    return user_data, data_coding, esm_class, tlvs, count, part


def _with_header(user_data: bytes, data_coding: int, by_tlvs: Part | None) -> tuple[int, Part | None]:
    """Segments of a text with a header, and which part of which long text it is.

    Raises UdhError for a header that is broken, and for a part that does not go into one SMS.
    """
    elements, text = udh.parse(user_data)
    found = udh.concatenation(elements)
    if found is None and by_tlvs is None:
        # the header is for the whole text, however long: ports, a national table
        return segments.count(text, alphabet.for_data_coding(data_coding), header=elements), None
    if len(user_data) > SHORT_MESSAGE_MAX:
        raise udh.UdhError(f"a part of {len(user_data)} octets")
    if found is None or found.total == 1:
        return 1, by_tlvs
    return 1, (found.reference + (_WIDE if found.wide else 0), found.total, found.sequence)


def _part_by_tlvs(tlvs: tuple[tuple[int, bytes], ...]) -> Part | None:
    """Reference, total and number of a part by its SAR TLVs (SMPP v3.4 §5.3.2.22-24).

    Raises ValueError when they contradict themselves. A single one of them says nothing.
    """
    values = [tlv.get(tlvs, tag) for tag in _SAR]
    if None in values:
        return None
    reference, total, number = (int.from_bytes(value or b"", "big") for value in values)
    if not 1 <= number <= total <= segments.MAX_SEGMENTS:
        raise ValueError(f"part {number} of {total}")
    return (reference & 0xFFFF | _BY_TLVS, total, number) if total > 1 else None


def _flags(pdu: SubmitSm, reading: Reading) -> int:
    flags = Wish.default_message(pdu.sm_default_msg_id)
    if pdu.replace_if_present_flag == 1:
        flags |= Wish.REPLACE
    if pdu.registered_delivery & 3:
        flags |= reading.flags
    return int(flags)


def times_of(schedule_delivery_time: str, validity_period: str, now_ms: int) -> tuple[int, int] | Refusal:
    """When a message is due and when it expires, in milliseconds since 1970; 0: not said."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    try:
        due = parse_time(schedule_delivery_time, now)
    except ValueError:
        return Refusal.SCHEDULE
    try:
        expires = parse_time(validity_period, now)
    except ValueError:
        return Refusal.VALIDITY
    due_ms = int(due.timestamp() * 1000) if due else 0
    expires_ms = int(expires.timestamp() * 1000) if expires else 0
    if expires_ms and not max(now_ms, due_ms) < expires_ms < now_ms + LONGEST_VALIDITY_MS:
        return Refusal.VALIDITY
    return due_ms, expires_ms
