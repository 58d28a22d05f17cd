"""A delivery to the deliver_sm that goes down to an SMPP client."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from gateway.core.message_ids import format_id
from gateway.core.model import INCOMING, Delivery
from gateway.translate.smpp_submit import SHORT_MESSAGE_MAX
from protocols.smpp import tlv
from protocols.smpp.pdu import DeliverSm
from protocols.sms import receipts

_GSM_NETWORK = 3  # first octet of network_error_code, SMPP v3.4 §5.3.2.31


@lru_cache(maxsize=4096)
def _date(minute: int) -> str:
    return receipts.format_date(datetime.fromtimestamp(minute * 60, UTC))


@lru_cache(maxsize=1024)
def _end_tlvs(state: int, error: str) -> tuple[tuple[int, bytes], ...]:
    """How a message ended; an error that is a number of two octets, in a TLV of its own."""
    tlvs = ((tlv.MESSAGE_STATE, bytes((state,))),)
    number = int(error) if error.isascii() and error.isdecimal() and len(error) <= 5 else 0
    if not 0 < number <= 0xFFFF:
        return tlvs
    return (*tlvs, (tlv.NETWORK_ERROR_CODE, bytes((_GSM_NETWORK, number >> 8, number & 0xFF))))


def _info_text(delivery: Delivery, message_id: str) -> bytes:
    """The text of a receipt that says something of its number, as the SMSC service writes it over SMPP."""
    from gateway.translate.hlr import receipt_words  # nobody else needs it

    words = receipt_words(delivery.tlvs.decode("utf-8", "replace"))
    stat = receipts.STATE_WORDS.get(delivery.state, "UNKNOWN")
    return f"id:{message_id} stat:{stat} err:{delivery.error or '000'} {words}".encode("latin-1", "replace")


def deliver_sm_of(delivery: Delivery, id_format: str) -> DeliverSm:
    """What goes down to an SMPP client; dates in receipts are UTC."""
    tlvs: tuple[tuple[int, bytes], ...]
    if delivery.state == INCOMING:
        user_data, data_coding = delivery.user_data, delivery.data_coding
        tlvs = tlv.read_stream(delivery.tlvs, 0, 64) if delivery.tlvs else ()
    else:
        message_id = format_id(delivery.message_id, id_format)
        if delivery.tlvs:
            user_data = _info_text(delivery, message_id)
        else:
            user_data = receipts.format_text(
                message_id,
                delivery.state,
                _date(delivery.accepted_ms // 60_000),
                _date(delivery.done_ms // 60_000),
                delivery.error or "000",
                delivery.user_data,
                sub=delivery.segments,
            )
        data_coding = 0
        tlvs = (
            (tlv.RECEIPTED_MESSAGE_ID, message_id.encode("ascii") + b"\0"),
            *_end_tlvs(delivery.state, delivery.error),
        )
    if len(user_data) > SHORT_MESSAGE_MAX:
        tlvs, user_data = (*tlvs, (tlv.MESSAGE_PAYLOAD, user_data)), b""
    return DeliverSm(
        source_addr_ton=delivery.source_ton,
        source_addr_npi=delivery.source_npi,
        source_addr=delivery.source,
        dest_addr_ton=delivery.destination_ton,
        dest_addr_npi=delivery.destination_npi,
        destination_addr=delivery.destination,
        esm_class=delivery.esm_class,
        protocol_id=delivery.protocol_id,
        data_coding=data_coding,
        short_message=user_data,
        tlvs=tlvs,
    )
