"""Octets to PDU objects and back (SMPP v3.4 §3.2, §4).

`decode` and `encode` are exact inverses for every PDU within the specification. submit_sm, deliver_sm
and their responses are the traffic, and have hand-written readers and writers; everything else, and
whatever in those four is out of the ordinary, goes through the field tables of `layouts`. So a fast
reader only has to be right about the usual case: on any surprise it gives up, and the table decides
whether the PDU is odd or wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from struct import error as StructError
from typing import Any, Final

from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.errors import Action, DecodeError, EncodeError, FieldFault
from protocols.smpp.layouts import LAYOUTS, Field, read_fields, read_fields_tolerant, write_fields
from protocols.smpp.pdu import (
    PDU_BY_COMMAND,
    DeliverSm,
    DeliverSmResp,
    MessageIdResp,
    Pdu,
    ShortMessagePdu,
    SubmitSm,
    SubmitSmResp,
)

DEFAULT_MAX_TLVS: Final = 64

HEADER: Final = Struct(">IIII")
_pack_header = HEADER.pack
_unpack_header = HEADER.unpack_from
_unpack_ten = Struct(">10B").unpack_from
_unpack_five = Struct(">5B").unpack_from
_unpack_tlv_header = Struct(">HH").unpack_from
_new = object.__new__

# tags from here on are reserved (SMPP v3.4 §5.3.1); two letters of text read as one of them
_RESERVED_TAGS = 0x4000

# SMSCs put the text of a receipt into both fields and repeat TLVs; a receipt is worth more than the rule
_STRICT_TLVS = frozenset(LAYOUTS) - {c.DELIVER_SM}

_FOREIGN = {
    **dict.fromkeys(
        (b"GET ", b"POST", b"PUT ", b"HEAD", b"DELE", b"OPTI", b"PATC", b"CONN", b"TRAC"), "HTTP"
    ),
    b"PRI ": "HTTP/2",
}


def decode(frame: bytes, max_tlvs: int = DEFAULT_MAX_TLVS) -> Pdu:
    """The PDU of one whole frame (header and body, nothing after it).

    DecodeError when the frame is wrong; its `action` says what the peer is owed.
    """
    if len(frame) < c.HEADER_LENGTH:
        raise DecodeError(c.ESME_RINVCMDLEN, Action.CLOSE, f"{len(frame)} octets are no PDU header")
    length, command_id, status, sequence_number = _unpack_header(frame)
    if length != len(frame):
        raise DecodeError(
            c.ESME_RINVCMDLEN,
            Action.CLOSE,
            f"command_length is {length}, the frame has {len(frame)} octets",
            command_id=command_id,
            sequence_number=sequence_number,
        )
    return decode_frame(frame, command_id, status, sequence_number, max_tlvs)


def decode_frame(frame: bytes, command_id: int, status: int, sequence_number: int, max_tlvs: int) -> Pdu:
    """`decode` for a caller that has read and checked the header already."""
    reader = _FAST_READERS.get(command_id)
    if reader is not None:
        try:
            return reader(frame, status, sequence_number, max_tlvs)
        except (ValueError, IndexError, StructError):
            pass
    return decode_by_layout(frame, command_id, status, sequence_number, max_tlvs)


def decode_by_layout(
    frame: bytes, command_id: int, status: int, sequence_number: int, max_tlvs: int = DEFAULT_MAX_TLVS
) -> Pdu:
    """Any PDU by its field table: slow, complete, and precise about what is wrong."""
    layout = LAYOUTS.get(command_id)
    if layout is None:
        raise DecodeError(
            c.ESME_RINVCMDID,
            Action.NACK,
            "unknown command_id",
            command_id=command_id,
            sequence_number=sequence_number,
        )
    try:
        if command_id & c.RESPONSE_BIT or not layout:
            values, pos = read_fields_tolerant(frame, layout)
            tlvs = tlv.read_stream_tolerant(frame, pos, max_tlvs)
        else:
            values, pos = read_fields(frame, layout)
            tlvs = _request_tlvs(frame, pos, command_id, values, max_tlvs)
    except FieldFault as fault:
        raise DecodeError(
            fault.status,
            Action.ANSWER,
            fault.reason,
            command_id=command_id,
            sequence_number=sequence_number,
        ) from None
    return PDU_BY_COMMAND[command_id](
        sequence_number=sequence_number, command_status=status, tlvs=tlvs, **values
    )


def _request_tlvs(
    frame: bytes, pos: int, command_id: int, values: dict[str, Any], max_tlvs: int
) -> tuple[tuple[int, bytes], ...]:
    rest = len(frame) - pos
    if rest == 0:
        return ()
    short_message = values.get("short_message")
    if short_message is not None:
        if rest == 1 and frame[pos] == 0:
            return ()  # a NUL after the text, not counted in sm_length (interop quirk 24)
        _check_sm_length(frame, pos)
    tlvs = tlv.read_stream(frame, pos, max_tlvs)
    if command_id in _STRICT_TLVS:
        tlv.check_unique(tlvs)
        if short_message and tlv.get(tlvs, tlv.MESSAGE_PAYLOAD) is not None:
            raise FieldFault(c.ESME_ROPTPARNOTALLWD, "short_message and message_payload in one PDU")
    return tlvs


def _check_sm_length(frame: bytes, pos: int) -> None:
    """FieldFault when what follows the text is rather more text than TLVs: sm_length was too small."""
    rest = len(frame) - pos
    tag, length = int.from_bytes(frame[pos : pos + 2], "big"), int.from_bytes(frame[pos + 2 : pos + 4], "big")
    if rest < 4 or (length > rest - 4 and tag >= _RESERVED_TAGS):
        raise FieldFault(c.ESME_RINVMSGLEN, f"sm_length leaves {rest} octets that are no TLV")


def _read_short_message_pdu(
    cls: type[ShortMessagePdu], frame: bytes, status: int, sequence_number: int, max_tlvs: int
) -> ShortMessagePdu:
    # one Latin-1 copy of the frame: its slices are the strings, without a decode for each
    text = frame.decode("latin-1")
    index = text.index
    pdu = _new(cls)
    pdu.sequence_number = sequence_number
    pdu.command_status = status
    if frame[16] == 0:
        pdu.service_type = ""
        pos = 17
    else:
        end = index("\0", 16, 22)
        pdu.service_type = text[16:end]
        pos = end + 1
    pdu.source_addr_ton = frame[pos]
    pdu.source_addr_npi = frame[pos + 1]
    pos += 2
    end = index("\0", pos, pos + 21)
    pdu.source_addr = text[pos:end]
    pdu.dest_addr_ton = frame[end + 1]
    pdu.dest_addr_npi = frame[end + 2]
    pos = end + 3
    end = index("\0", pos, pos + 21)
    pdu.destination_addr = text[pos:end]
    (
        pdu.esm_class,
        pdu.protocol_id,
        pdu.priority_flag,
        schedule,
        validity,
        registered_delivery,
        replace_if_present_flag,
        data_coding,
        sm_default_msg_id,
        sm_length,
    ) = _unpack_ten(frame, end + 1)
    if schedule or validity:
        pos = end + 4
        end = index("\0", pos, pos + 17)
        pdu.schedule_delivery_time = text[pos:end]
        pos = end + 1
        end = index("\0", pos, pos + 17)
        pdu.validity_period = text[pos:end]
        registered_delivery, replace_if_present_flag, data_coding, sm_default_msg_id, sm_length = (
            _unpack_five(frame, end + 1)
        )
        pos = end + 6
    else:
        pdu.schedule_delivery_time = pdu.validity_period = ""
        pos = end + 11
    pdu.registered_delivery = registered_delivery
    pdu.replace_if_present_flag = replace_if_present_flag
    pdu.data_coding = data_coding
    pdu.sm_default_msg_id = sm_default_msg_id
    end = pos + sm_length
    pdu.short_message = frame[pos:end]
    pdu.tlvs = () if end == len(frame) else _read_usual_tlvs(frame, end, sm_length > 0, max_tlvs)
    return pdu


def _read_usual_tlvs(frame: bytes, pos: int, has_text: bool, max_tlvs: int) -> tuple[tuple[int, bytes], ...]:
    """TLVs of which each stands once, no payload beside a text; ValueError sends the PDU to the table."""
    size = len(frame)
    tlvs: list[tuple[int, bytes]] = []
    while pos < size:
        tag, length = _unpack_tlv_header(frame, pos)
        start = pos + 4
        pos = start + length
        tlvs.append((tag, frame[start:pos]))
    by_tag = dict(tlvs)
    if pos != size or len(by_tag) != len(tlvs) or len(tlvs) > max_tlvs:
        raise ValueError
    if has_text and tlv.MESSAGE_PAYLOAD in by_tag:
        raise ValueError
    return tuple(tlvs)


def _read_submit_sm(frame: bytes, status: int, sequence_number: int, max_tlvs: int) -> Pdu:
    return _read_short_message_pdu(SubmitSm, frame, status, sequence_number, max_tlvs)


def _read_deliver_sm(frame: bytes, status: int, sequence_number: int, max_tlvs: int) -> Pdu:
    return _read_short_message_pdu(DeliverSm, frame, status, sequence_number, max_tlvs)


def _read_submit_sm_resp(frame: bytes, status: int, sequence_number: int, max_tlvs: int) -> Pdu:
    pdu = _new(SubmitSmResp)
    pdu.sequence_number = sequence_number
    pdu.command_status = status
    pdu.message_id = _whole_body_string(frame)
    pdu.tlvs = ()
    return pdu


def _read_deliver_sm_resp(frame: bytes, status: int, sequence_number: int, max_tlvs: int) -> Pdu:
    pdu = _new(DeliverSmResp)
    pdu.sequence_number = sequence_number
    pdu.command_status = status
    pdu.message_id = _whole_body_string(frame)
    pdu.tlvs = ()
    return pdu


def _whole_body_string(frame: bytes) -> str:
    size = len(frame)
    if size <= 17:
        if size == 16 or not frame[16]:
            return ""
        raise ValueError
    if size > 81 or frame.index(0, 16) != size - 1:
        raise ValueError
    return frame[16:-1].decode("latin-1")


_FAST_READERS: dict[int, Callable[[bytes, int, int, int], Pdu]] = {
    c.SUBMIT_SM: _read_submit_sm,
    c.SUBMIT_SM_RESP: _read_submit_sm_resp,
    c.DELIVER_SM: _read_deliver_sm,
    c.DELIVER_SM_RESP: _read_deliver_sm_resp,
}


def encode(pdu: Pdu) -> bytes:
    """The frame of a PDU. EncodeError when a field does not fit; nothing is ever cut.

    A response with an error status and an otherwise empty body is its header alone (SMPP v3.4 §4.4.2).
    """
    writer = _FAST_WRITERS.get(pdu.command_id)
    if writer is not None:
        try:
            return writer(pdu)
        except (ValueError, OverflowError, StructError):
            pass  # the table below names the field, or writes what the fast writer would not
    try:
        return _write_by_layout(pdu)
    except StructError as error:
        raise EncodeError(f"{c.command_name(pdu.command_id)} header: {error}") from error


def encode_header(command_id: int, status: int, sequence_number: int) -> bytes:
    """A PDU without a body."""
    return _pack_header(16, command_id, status, sequence_number)


def _write_by_layout(pdu: Pdu) -> bytes:
    command_id = pdu.command_id
    layout = LAYOUTS[command_id]
    if command_id & c.RESPONSE_BIT and pdu.command_status and not pdu.tlvs and _is_empty(pdu, layout):
        return encode_header(command_id, pdu.command_status, pdu.sequence_number)
    body = write_fields(pdu, layout) + tlv.write_stream(pdu.tlvs)
    return _pack_header(16 + len(body), command_id, pdu.command_status, pdu.sequence_number) + body


def _is_empty(pdu: Pdu, layout: tuple[Field, ...]) -> bool:
    return not any(getattr(pdu, field.name) for field in layout)


def _write_short_message_pdu(pdu: ShortMessagePdu) -> bytes:
    source, destination, text = pdu.source_addr, pdu.destination_addr, pdu.short_message
    if len(source) > 20 or len(destination) > 20 or "\0" in source or "\0" in destination:
        raise ValueError
    schedule, validity = pdu.schedule_delivery_time, pdu.validity_period
    body = b"%b\0%c%c%b\0%c%c%b\0%c%c%c%b%c%c%c%c%c%b" % (
        _octets(pdu.service_type, 5) if pdu.service_type else b"",
        pdu.source_addr_ton,
        pdu.source_addr_npi,
        source.encode("latin-1"),
        pdu.dest_addr_ton,
        pdu.dest_addr_npi,
        destination.encode("latin-1"),
        pdu.esm_class,
        pdu.protocol_id,
        pdu.priority_flag,
        b"%b\0%b\0" % (_octets(schedule, 16), _octets(validity, 16)) if schedule or validity else b"\0\0",
        pdu.registered_delivery,
        pdu.replace_if_present_flag,
        pdu.data_coding,
        pdu.sm_default_msg_id,
        len(text),
        text,
    )
    if pdu.tlvs:
        body += tlv.write_stream(pdu.tlvs)
    return _pack_header(16 + len(body), pdu.command_id, pdu.command_status, pdu.sequence_number) + body


def _octets(value: str, limit: int) -> bytes:
    if len(value) > limit or "\0" in value:
        raise ValueError
    return value.encode("latin-1")


def _write_message_id_resp(pdu: MessageIdResp) -> bytes:
    message_id = pdu.message_id
    if pdu.tlvs or (pdu.command_status and not message_id) or len(message_id) > 64 or "\0" in message_id:
        raise ValueError
    return (
        _pack_header(17 + len(message_id), pdu.command_id, pdu.command_status, pdu.sequence_number)
        + message_id.encode("latin-1")
        + b"\0"
    )


_FAST_WRITERS: dict[int, Callable[[Any], bytes]] = {
    c.SUBMIT_SM: _write_short_message_pdu,
    c.SUBMIT_SM_RESP: _write_message_id_resp,
    c.DELIVER_SM: _write_short_message_pdu,
    c.DELIVER_SM_RESP: _write_message_id_resp,
}


def foreign_protocol(data: bytes) -> str | None:
    """The name of another protocol that a connection's first octets belong to, if they do.

    Four octets of HTTP or TLS read as a command_length of hundreds of megabytes.
    """
    if data[:2] == b"\x16\x03":
        return "TLS"
    return _FOREIGN.get(data[:4])
