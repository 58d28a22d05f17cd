"""A message to the submit_sm of its segments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from gateway.core.model import UNTIL_EXPIRY, Message, Wish
from gateway.translate.smpp_dialect import STANDARD, Dialect
from gateway.translate.smpp_submit import SHORT_MESSAGE_MAX
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import SubmitSm
from protocols.smpp.times import format_relative
from protocols.sms import alphabet, segments, udh

NOTHING: Sequence[udh.Element] = ()
_CALLED = Wish.CALLED.value


def submits_of(
    message: Message, numbers: Sequence[int], now_ms: int, dialect: Dialect = STANDARD
) -> list[SubmitSm]:
    """The submit_sm of a message's segments (numbers from 1), as an SMSC of this dialect wants them.

    ValueError when it cannot be written: a text in other parts than were counted, or too long for this SMSC.
    """
    if message.segments == 1:
        pdus = [_submit(message, message.user_data, message.esm_class, _tlvs(message), now_ms)]
    else:
        pdus = _parts(message, numbers, now_ms, dialect)
    if message.flags:
        _write_wishes(pdus, message)
    if dialect.writes:
        for pdu in pdus:
            dialect.write(pdu, is_whole=message.segments == 1)
    return pdus


def _parts(message: Message, numbers: Sequence[int], now_ms: int, dialect: Dialect) -> list[SubmitSm]:
    text, elements, kind = message.user_data, NOTHING, alphabet.for_data_coding(message.data_coding)
    if message.esm_class & c.ESM_CLASS_UDHI:  # shift tables, ports: they stand in each part
        elements, text = udh.parse(text)
    # unless the octet more would be an SMS more than was counted
    wide = (
        dialect.wide_reference
        and not dialect.sar
        and segments.count(text, kind, wide_reference=True, header=elements) == message.segments
    )
    parts = segments.split(text, kind, wide_reference=wide, header=elements)
    total = len(parts)
    if total != message.segments:
        raise ValueError(f"{total} parts of a text that was counted as {message.segments}")
    # Of the milliseconds and of the count within one: either alone repeats from message to message.
    reference = (message.message_id >> 22) + message.message_id & 0xFFFF
    tlvs = _tlvs(message)
    if dialect.sar:
        header = udh.build(elements) if elements else b""
        return [
            _submit(
                message, header + parts[n - 1], message.esm_class, tlvs + _sar(reference, total, n), now_ms
            )
            for n in numbers
        ]
    with_header = segments.with_udh(parts, reference, wide, elements)
    esm_class = message.esm_class | c.ESM_CLASS_UDHI
    return [_submit(message, with_header[n - 1], esm_class, tlvs, now_ms) for n in numbers]


def _write_wishes(pdus: list[SubmitSm], message: Message) -> None:
    for pdu in pdus:
        pdu.sm_default_msg_id = message.flags >> 8 & 0xFF
        # of a long text each part would replace the one before
        pdu.replace_if_present_flag = int(message.flags & Wish.REPLACE != 0 and message.segments == 1)


def segment_of(message: Message, number: int) -> Message:
    """One segment (from 1) of a message as a message of its own, with its header."""
    [pdu] = submits_of(message, (number,), message.accepted_ms)
    return message._replace(user_data=pdu.short_message, esm_class=pdu.esm_class, segments=1)


def _tlvs(message: Message) -> tuple[tuple[int, bytes], ...]:
    return tlv.read_stream(message.tlvs, 0, 64) if message.tlvs else ()


def _sar(reference: int, total: int, number: int) -> tuple[tuple[int, bytes], ...]:
    return (
        (tlv.SAR_MSG_REF_NUM, reference.to_bytes(2, "big")),
        (tlv.SAR_TOTAL_SEGMENTS, bytes((total,))),
        (tlv.SAR_SEGMENT_SEQNUM, bytes((number,))),
    )


def _submit(
    message: Message, user_data: bytes, esm_class: int, tlvs: tuple[tuple[int, bytes], ...], now_ms: int
) -> SubmitSm:
    if len(user_data) > SHORT_MESSAGE_MAX:
        tlvs = (*tlvs, (tlv.MESSAGE_PAYLOAD, user_data))
        user_data = b""
    asked = message.registered_delivery
    return SubmitSm(
        service_type=message.service_type,
        source_addr_ton=message.source_ton,
        source_addr_npi=message.source_npi,
        source_addr=message.source,
        dest_addr_ton=message.destination_ton,
        dest_addr_npi=message.destination_npi,
        destination_addr=message.destination,
        esm_class=esm_class,
        protocol_id=message.protocol_id,
        priority_flag=message.priority,
        validity_period=_validity(message, now_ms) if message.validity_period else "",
        # Whatever the client wants to hear, and by which way, we want to know how it ends.
        registered_delivery=(asked & 0xFC) | 1 if asked & 3 or message.flags & _CALLED else asked & 0xFF,
        data_coding=message.data_coding,
        short_message=user_data,
        tlvs=tlvs,
    )


def _validity(message: Message, now_ms: int) -> str:
    """The client's validity as it stands; a relative one that waited here is shortened by the wait."""
    given = message.validity_period
    if given != UNTIL_EXPIRY and (not given.endswith("R") or now_ms - message.accepted_ms < 60_000):
        return given
    return format_relative(timedelta(milliseconds=max(60_000, message.expires_ms - now_ms)))
