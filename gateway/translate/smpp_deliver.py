"""A delivery to the deliver_sm or data_sm that goes down to an SMPP client."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from gateway.config.smpp_model import AccountSmpp
from gateway.core.message_ids import format_id
from gateway.core.model import INCOMING, Delivery
from gateway.translate.smpp_submit import SHORT_MESSAGE_MAX
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.errors import FieldFault
from protocols.smpp.pdu import DataSm, DeliverSm, Tlvs
from protocols.smpp.versions import TLVS_OF_50
from protocols.sms import alphabet, receipts, segments, udh

_GSM_NETWORK = 3  # first octet of network_error_code, SMPP v3.4 §5.3.2.31
_RECEIPT = c.ESM_CLASS_TYPE_SMSC_DELIVERY_RECEIPT
_ACKNOWLEDGEMENT = c.ESM_CLASS_TYPE_SME_DELIVERY_ACKNOWLEDGEMENT | c.ESM_CLASS_TYPE_SME_MANUAL_ACKNOWLEDGEMENT
_SAR = (tlv.SAR_MSG_REF_NUM, tlv.SAR_TOTAL_SEGMENTS, tlv.SAR_SEGMENT_SEQNUM)
_ERR_OCTETS = 5  # three by the specification; some SMSCs have more
_STATUSES = {name: status for status, name in c.STATUS_NAMES.items()}
_FURTHER_TLVS = b"tlv:"
"""What else an SMSC's receipt said begins so when it is TLVs, in hexadecimal (Batch.receipts)."""
_OF_A_CALL = b"call:"
"""The same of a call and its voice menu, which no receipt tells."""


@dataclass(frozen=True, slots=True)
class Style:
    """How what goes down is written: the account's wishes, and what the session's version knows."""

    text: bool = True
    """Receipts have their text,"""
    tlvs: bool = True
    """and their TLVs."""
    esm_class: int = _RECEIPT
    data_sm: bool = False
    """Receipts come by data_sm."""
    old: bool = False
    """SMPP 3.3 and earlier: neither TLVs nor data_sm (SMPP v3.4 §3.4)."""
    new: bool = False
    """SMPP 5.0: the TLVs that it has added as well."""


USUAL = Style()
USUAL_50 = Style(new=True)


def style_of(smpp: AccountSmpp, interface_version: int) -> Style:
    """The style of a session; the very USUAL or USUAL_50 where nothing is out of the ordinary."""
    old = interface_version < c.INTERFACE_VERSION_34
    style = Style(
        text=old or smpp.receipt_style != "tlv",
        tlvs=smpp.receipt_style != "text",
        esm_class=smpp.receipt_esm_class,
        data_sm=smpp.receipt_pdu == "data_sm" and not old,
        old=old,
        new=interface_version >= c.INTERFACE_VERSION_50,
    )
    return USUAL if style == USUAL else USUAL_50 if style == USUAL_50 else style


@lru_cache(maxsize=4096)
def _date(minute: int) -> str:
    return receipts.format_date(datetime.fromtimestamp(minute * 60, UTC))


@lru_cache(maxsize=1024)
def _end_tlvs(state: int, error: str) -> Tlvs:
    """How a message ended; an error that is a number of two octets, in a TLV of its own."""
    tlvs = ((tlv.MESSAGE_STATE, bytes((state,))),)
    number = int(error) if error.isascii() and error.isdecimal() and len(error) <= 5 else 0
    if not 0 < number <= 0xFFFF:
        return tlvs
    return (*tlvs, (tlv.NETWORK_ERROR_CODE, bytes((_GSM_NETWORK, number >> 8, number & 0xFF))))


@lru_cache(maxsize=1024)
def _err(error: str) -> str:
    """An error as `err:` has it (SMPP v3.4 Appendix B), where clients take it for a number.

    What an SMSC has put there stays. Of an answer that ended a message it is the command_status, or the SMSC
    service's number; all else that ends one here is no error of the network.
    """
    if len(error) <= _ERR_OCTETS and error.isascii() and error.isalnum():
        return error
    if number := _STATUSES.get(error, 0):
        return f"{number:03}"
    with suppress(ValueError):
        if error.startswith("0x"):
            return str(int(error, 16))
        return f"{int(error.removeprefix('smsc_error_')):03}"
    return "000"


def _info_text(delivery: Delivery, message_id: str) -> bytes:
    """The text of a receipt that says something of its number, as the SMSC service writes it over SMPP."""
    from gateway.translate.hlr import receipt_words  # nobody else needs it

    words = receipt_words(delivery.tlvs.decode("utf-8", "replace"))
    stat, error = receipts.STATE_WORDS.get(delivery.state, "UNKNOWN"), _err(delivery.error or "000")
    return f"id:{message_id} stat:{stat} err:{error} {words}".encode("latin-1", "replace")


def _receipt_text(delivery: Delivery, message_id: str) -> bytes:
    return receipts.format_text(
        message_id,
        delivery.state,
        _date(delivery.accepted_ms // 60_000),
        _date(delivery.done_ms // 60_000),
        _err(delivery.error) if delivery.error else "000",
        delivery.user_data,
        sub=delivery.segments,
    )


def _with_info(delivery: Delivery, message_id: str) -> tuple[bytes, Tlvs]:
    """Text and further TLVs of a receipt that says more than how its message ended."""
    info = delivery.tlvs
    further: Tlvs = ()
    if info.startswith(_FURTHER_TLVS):
        with suppress(ValueError, FieldFault):  # a receipt without what it also said is better than none
            further = tlv.read_stream(bytes.fromhex(info[len(_FURTHER_TLVS) :].decode("ascii")), 0, 64)
        info = b""
    if info and not info.startswith(_OF_A_CALL):
        return _info_text(delivery, message_id), ()
    return _receipt_text(delivery, message_id), further


def _acknowledgement(delivery: Delivery, message_id: str) -> tuple[bytes, int, Tlvs]:
    """Text, data_coding and TLVs of what the handset or its user says of a message."""
    text = delivery.user_data.decode("utf-8", "replace")
    kind = alphabet.choose(text)
    named = (tlv.RECEIPTED_MESSAGE_ID, message_id.encode("ascii") + b"\0")
    return alphabet.encode(text, kind), 0 if kind is alphabet.Alphabet.GSM7 else 8, (named,)


def deliver_sm_of(delivery: Delivery, id_format: str, style: Style = USUAL) -> DeliverSm:
    """What goes down to an SMPP client; dates in receipts are UTC."""
    tlvs: Tlvs
    further: Tlvs = ()
    esm_class = delivery.esm_class
    if delivery.state == INCOMING:
        user_data, data_coding = delivery.user_data, delivery.data_coding
        tlvs = tlv.read_stream(delivery.tlvs, 0, 64) if delivery.tlvs else ()
        if tlvs and not style.new:
            tlvs = tuple(pair for pair in tlvs if pair[0] not in TLVS_OF_50)
    else:
        message_id = format_id(delivery.message_id, id_format)
        if esm_class & _ACKNOWLEDGEMENT:
            user_data, data_coding, tlvs = _acknowledgement(delivery, message_id)
        else:
            data_coding = 0
            if delivery.tlvs:
                user_data, further = _with_info(delivery, message_id)
            else:
                user_data = _receipt_text(delivery, message_id)
            if delivery.part:
                further = ((tlv.SAR_SEGMENT_SEQNUM, bytes((delivery.part,))), *further)
            tlvs = (
                (tlv.RECEIPTED_MESSAGE_ID, message_id.encode("ascii") + b"\0"),
                *_end_tlvs(delivery.state, delivery.error),
                *further,
            )
        if style is not USUAL and style is not USUAL_50:
            user_data, tlvs, esm_class = _in_style(style, user_data, tlvs, esm_class)
    if len(user_data) > SHORT_MESSAGE_MAX:
        tlvs, user_data = (*tlvs, (tlv.MESSAGE_PAYLOAD, user_data)), b""
    return DeliverSm(
        source_addr_ton=delivery.source_ton,
        source_addr_npi=delivery.source_npi,
        source_addr=delivery.source,
        dest_addr_ton=delivery.destination_ton,
        dest_addr_npi=delivery.destination_npi,
        destination_addr=delivery.destination,
        esm_class=esm_class,
        protocol_id=delivery.protocol_id,
        data_coding=data_coding,
        short_message=user_data,
        tlvs=tlvs,
    )


def _in_style(style: Style, text: bytes, tlvs: Tlvs, esm_class: int) -> tuple[bytes, Tlvs, int]:
    """Text, TLVs and esm_class of a receipt; the text of an acknowledgement is its user's, and stays."""
    if not style.tlvs or style.old:
        tlvs = ()
    if not (style.text or esm_class & _ACKNOWLEDGEMENT):
        text = b""
    if style.old:
        text = text[:SHORT_MESSAGE_MAX]
    return text, tlvs, style.esm_class if esm_class == _RECEIPT else esm_class


def pdus_of(delivery: Delivery, id_format: str, style: Style) -> Sequence[DeliverSm | DataSm]:
    """What goes down in a style that is not the usual one: several PDUs where an old session needs parts."""
    pdu = deliver_sm_of(delivery, id_format, style)
    if style.old:
        return _without_tlvs(pdu, delivery.delivery_id)
    if style.data_sm and delivery.state != INCOMING:
        return (_data_sm_of(pdu),)
    return (pdu,)


def _data_sm_of(pdu: DeliverSm) -> DataSm:
    tlvs = pdu.tlvs
    if pdu.short_message:
        tlvs = (*tlvs, (tlv.MESSAGE_PAYLOAD, pdu.short_message))
    return DataSm(
        source_addr_ton=pdu.source_addr_ton,
        source_addr_npi=pdu.source_addr_npi,
        source_addr=pdu.source_addr,
        dest_addr_ton=pdu.dest_addr_ton,
        dest_addr_npi=pdu.dest_addr_npi,
        destination_addr=pdu.destination_addr,
        esm_class=pdu.esm_class,
        data_coding=pdu.data_coding,
        tlvs=tlvs,
    )


def _without_tlvs(pdu: DeliverSm, reference: int) -> list[DeliverSm]:
    """The same for a session that knows no TLVs: what they say of parts is said by a header.

    `reference` tells this long text from the others of its sender.
    """
    tlvs, data = pdu.tlvs, pdu.short_message
    pdu.tlvs = ()
    payload = tlv.get(tlvs, tlv.MESSAGE_PAYLOAD)
    sar = [tlv.get(tlvs, tag) for tag in _SAR]
    if payload is None and None in sar:
        return [pdu]
    elements: list[udh.Element] = []
    text = data if payload is None else payload
    try:
        if pdu.esm_class & c.ESM_CLASS_UDHI:
            elements, text = udh.parse(text)
        is_part = udh.concatenation(elements) is not None
    except udh.UdhError:
        pdu.short_message = (data or text)[:SHORT_MESSAGE_MAX]  # nobody else can read it either
        return [pdu]
    if not is_part and None not in sar:
        number, total, place = (int.from_bytes(value or b"", "big") for value in sar)
        is_part = 1 <= place <= total <= segments.MAX_SEGMENTS
        if is_part:
            elements.insert(0, udh.concatenation_element(number, total, place, number > 0xFF))
    parts = [text]
    if not is_part:
        parts = segments.split(text, alphabet.for_data_coding(pdu.data_coding), header=elements or 0)
    if elements or len(parts) > 1:
        pdu.esm_class |= c.ESM_CLASS_UDHI
    bodies = segments.with_udh(parts, reference, elements=elements)
    return [_with_text(pdu, body[:SHORT_MESSAGE_MAX]) for body in bodies]


def _with_text(pdu: DeliverSm, text: bytes) -> DeliverSm:
    copied = {name: getattr(pdu, name) for name in _FIELDS}
    return DeliverSm(**copied, short_message=text)


_FIELDS = (
    "source_addr_ton",
    "source_addr_npi",
    "source_addr",
    "dest_addr_ton",
    "dest_addr_npi",
    "destination_addr",
    "esm_class",
    "protocol_id",
    "data_coding",
)
