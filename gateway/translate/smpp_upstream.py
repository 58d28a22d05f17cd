"""deliver_sm and data_sm from an SMSC to a receipt or an incoming SMS."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from gateway.core.batch import Row
from gateway.core.model import FINAL_STATES, INCOMING, MessageState
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import DataSm, DeliverSm
from protocols.sms import alphabet, national, receipts, udh
from protocols.sms.addresses import digits_of

_RECEIPT = c.ESM_CLASS_TYPE_SMSC_DELIVERY_RECEIPT
_INTERMEDIATE = c.ESM_CLASS_TYPE_INTERMEDIATE_NOTIFICATION
_ACKNOWLEDGEMENT = c.ESM_CLASS_TYPE_SME_DELIVERY_ACKNOWLEDGEMENT
_DELIVERED, _LAST_STATE = MessageState.DELIVERED.value, MessageState.SKIPPED.value
_BY_HAND = c.ESM_CLASS_TYPE_SME_MANUAL_ACKNOWLEDGEMENT
_RECEIPT_KINDS = frozenset({_RECEIPT, _INTERMEDIATE, _ACKNOWLEDGEMENT})
_PASSED = frozenset({tlv.DPF_RESULT, tlv.MS_AVAILABILITY_STATUS})
"""TLVs of the specification that go down with a receipt, as those do that it has not."""
FURTHER_TLVS = "tlv:"
_INFO_OCTETS = 512
_WORDS_MAX = 1000
_WIDE = 1 << 16
_BY_TLVS = 1 << 17
_SAR = (tlv.SAR_MSG_REF_NUM, tlv.SAR_TOTAL_SEGMENTS, tlv.SAR_SEGMENT_SEQNUM)
_CHARSETS = {6: "iso8859_5", 7: "iso8859_8"}  # Cyrillic and Hebrew, SMPP v3.4 §5.2.19


class UpstreamReceipt(NamedTuple):
    """What an SMSC says of one of our segments."""

    upstream_id: str
    state: int
    final: int
    """1: it ends the segment. 0: it does not. Above 1: a notice, of this esm_class (Batch.receipts)."""
    error: str
    info: str = ""
    """What else it says, see Batch.receipts."""


def receipt_of(pdu: DeliverSm | DataSm, *, by_text: bool = False) -> UpstreamReceipt | None:
    """The receipt in a PDU from the SMSC; None: it is an incoming SMS.

    TLVs are believed before the text.  A PDU whose esm_class does not say "receipt" is one only if it names
    a receipted_message_id, or if `by_text` and its text reads like one: subscribers can write such texts.
    """
    kind = pdu.esm_class & c.ESM_CLASS_TYPE_MASK
    upstream_id, state, error = "", -1, ""
    more: list[tuple[int, bytes]] | None = None
    text = pdu.short_message if pdu.__class__ is DeliverSm else b""
    for tag, value in pdu.tlvs:
        if tag == tlv.RECEIPTED_MESSAGE_ID:
            upstream_id = value.rstrip(b"\0").decode("latin-1")
        elif tag == tlv.MESSAGE_STATE and len(value) == 1:
            state = value[0]
        elif tag == tlv.NETWORK_ERROR_CODE:
            error = _network_error(value)
        elif tag == tlv.MESSAGE_PAYLOAD:
            text = text or value
        elif tag in _PASSED or tag not in tlv.TABLE:
            more = [*(more or ()), (tag, value)]
    if not (upstream_id or by_text or kind in _RECEIPT_KINDS):
        return None
    if kind == _BY_HAND:
        return _acknowledgement(pdu, upstream_id, kind, text) if upstream_id else None
    if not upstream_id or state != _DELIVERED:
        parsed = receipts.parse_text(_without_header(pdu, text), utf16=pdu.data_coding == 8)
        if parsed is not None and (kind or upstream_id or (parsed.id and parsed.stat)):
            upstream_id = upstream_id or parsed.id
            state = parsed.state if state < 0 else state
            error = parsed.error or error
        elif kind == _ACKNOWLEDGEMENT and state < 0 and upstream_id:
            return _acknowledgement(pdu, upstream_id, kind, text)
        elif not upstream_id and kind not in (_RECEIPT, _INTERMEDIATE):
            return None
    if kind == _INTERMEDIATE and state < 0:
        state = MessageState.ENROUTE.value
    elif not 0 <= state <= _LAST_STATE:
        state = MessageState.UNKNOWN.value
    final = _INTERMEDIATE if kind == _INTERMEDIATE else int(state in FINAL_STATES)
    # what was looked up comes first: the service's TLVs are in that receipt, too, and there is room for one
    info = _found_in(text) if b" imsi:" in text else ""
    if more and not info:
        info = _as_info(more)
    return UpstreamReceipt(upstream_id, state, final, error or "000", info)


def _acknowledgement(pdu: DeliverSm | DataSm, upstream_id: str, kind: int, text: bytes) -> UpstreamReceipt:
    """The handset, or whoever holds it, confirms a message; its text may be anything."""
    words = _readable(_without_header(pdu, text), pdu.data_coding).lstrip()[:_WORDS_MAX]
    if words.startswith(FURTHER_TLVS):  # it must not be read as ours
        words = "." + words
    return UpstreamReceipt(upstream_id, MessageState.DELIVERED.value, kind, "000", words)


def _without_header(pdu: DeliverSm | DataSm, text: bytes) -> bytes:
    if pdu.esm_class & c.ESM_CLASS_UDHI:
        with suppress(udh.UdhError):
            return udh.parse(text)[1]
    return text


def _as_info(tlvs: Iterable[tuple[int, bytes]]) -> str:
    """TLVs for Batch.receipts, as many as there is room for."""
    kept, room = [], _INFO_OCTETS
    for pair in tlvs:
        room -= 4 + len(pair[1])
        if room < 0:
            break
        kept.append(pair)
    return FURTHER_TLVS + tlv.write_stream(kept).hex() if kept else ""


def _found_in(text: bytes) -> str:
    """What a receipt says of a number that was looked up, and "" if it is of a message."""
    from gateway.translate.hlr import found_in  # nobody else needs it

    return found_in(text)


def _network_error(value: bytes) -> str:
    """Network type and 16-bit code, or three digits in ASCII as some SMSCs send."""
    if len(value) != 3:
        return ""
    return value.decode("ascii") if value.isdigit() else f"{int.from_bytes(value[1:], 'big'):03d}"


class IncomingSms(NamedTuple):
    """What an incoming SMS says, or a part of a long one."""

    number: str
    """The subscriber's, in digits; a name stays as it is."""
    own_number: str
    text: str
    reference: int
    """References of 8 bits, of 16 bits (from 1 << 16) and of TLVs (from 1 << 17) are different ones."""
    total: int
    part: int
    """From 1; 1 of 1 with reference 0 when it is whole."""


def sms_of(pdu: DeliverSm | DataSm) -> IncomingSms:
    """An incoming SMS for people to read; a header that contradicts itself is left out of it, or ignored."""
    data = _user_data(pdu)
    joined = place = None
    tables = (0, 0)
    if pdu.esm_class & c.ESM_CLASS_UDHI:
        try:
            elements, data = udh.parse(data)
            tables = national.tables_of(elements)
            joined = udh.concatenation(elements)
        except udh.UdhError:
            pass
    if joined is not None:
        place = (joined.reference + (_WIDE if joined.wide else 0), joined.total, joined.sequence)
    else:
        place = _sar(pdu.tlvs)
    return IncomingSms(
        digits_of(pdu.source_addr, pdu.source_addr_ton),
        digits_of(pdu.destination_addr, pdu.dest_addr_ton),
        _readable(data, pdu.data_coding, tables),
        *(place if place is not None and place[1] > 1 else (0, 1, 1)),
    )


def _user_data(pdu: DeliverSm | DataSm) -> bytes:
    text = pdu.short_message if isinstance(pdu, DeliverSm) else b""
    return text or tlv.get(pdu.tlvs, tlv.MESSAGE_PAYLOAD) or b""


def _sar(tlvs: Iterable[tuple[int, bytes]]) -> tuple[int, int, int] | None:
    """Reference, total and number of a part by its TLVs (SMPP v3.4 §5.3.2.22-24)."""
    values = [tlv.get(tlvs, tag) for tag in _SAR]
    reference, total, part = (int.from_bytes(value or b"", "big") for value in values)
    reference = reference & 0xFFFF | _BY_TLVS
    return (reference, total, part) if None not in values and 1 <= part <= total <= 255 else None


def _readable(data: bytes, data_coding: int, tables: tuple[int, int] = (0, 0)) -> str:
    if data_coding in _CHARSETS:
        return data.decode(_CHARSETS[data_coding], "replace")
    kind = alphabet.for_data_coding(data_coding)
    if kind is alphabet.Alphabet.BINARY:
        return data.hex(" ")
    if kind is alphabet.Alphabet.GSM7 and tables != (0, 0):
        return national.decode(data, *tables)
    return alphabet.decode(data, kind)


def incoming_of(pdu: DeliverSm | DataSm, account: str, now_ms: int) -> Row:
    """An incoming SMS as a row for an account: Delivery's fields without the id."""
    text = _user_data(pdu)
    tlvs = tlv.write_stream(pair for pair in pdu.tlvs if pair[0] != tlv.MESSAGE_PAYLOAD)
    source = (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr)
    destination = (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr)
    protocol_id = pdu.protocol_id if isinstance(pdu, DeliverSm) else 0
    head = (account, 0, now_ms, *source, *destination, pdu.esm_class, protocol_id, pdu.data_coding)
    return (*head, text, tlvs, INCOMING, "", now_ms, now_ms, 1)
