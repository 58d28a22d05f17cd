"""The body of every PDU as a table of fields, and the reader and writer that walk it.

This is the plain form of the wire format: `codec` uses it for all PDUs but the few of the hot path, and
falls back to it for those too when anything in them is out of the ordinary. The sizes are the
specification's and count the NUL of a C-octet string.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, Final, NamedTuple

from protocols.smpp import constants as c
from protocols.smpp.errors import EncodeError, FieldFault
from protocols.smpp.pdu import DistributionList, SmeAddress, UnsuccessSme

# a message_id of 65 octets is the specification's limit; SMSCs were seen to send longer ones in responses
TOLERATED_RESPONSE_STRING: Final = 256

_SME_ADDRESS = 1
_DISTRIBUTION_LIST = 2


class FieldKind(Enum):
    """How a field stands on the wire."""

    INTEGER = "integer"
    C_STRING = "C-octet string"
    SHORT_MESSAGE = "sm_length and short_message"
    DEST_ADDRESSES = "number_of_dests and dest_address(es)"
    UNSUCCESS_SMES = "no_unsuccess and unsuccess_sme(s)"


class Field(NamedTuple):
    """One field: `size` is the octets of an integer or the limit of a C-octet string."""

    name: str
    kind: FieldKind = FieldKind.INTEGER
    size: int = 1


def _string(name: str, size: int) -> Field:
    return Field(name, FieldKind.C_STRING, size)


def _address(prefix: str, name: str, size: int = 21) -> tuple[Field, ...]:
    return Field(f"{prefix}_ton"), Field(f"{prefix}_npi"), _string(name, size)


_SERVICE_TYPE = _string("service_type", 6)
_MESSAGE_ID = _string("message_id", 65)
_SOURCE = _address("source_addr", "source_addr")
_DESTINATION = _address("dest_addr", "destination_addr")
_TIMES = (_string("schedule_delivery_time", 17), _string("validity_period", 17))
_SHORT_MESSAGE = Field("short_message", FieldKind.SHORT_MESSAGE, 255)
_SUBMIT_TAIL = (
    Field("esm_class"),
    Field("protocol_id"),
    Field("priority_flag"),
    *_TIMES,
    Field("registered_delivery"),
    Field("replace_if_present_flag"),
    Field("data_coding"),
    Field("sm_default_msg_id"),
    _SHORT_MESSAGE,
)
# SMPP v3.4 §5.2.2 allows 8 characters; clients whose users chose more send more, and refusing them for it
# would only look like a broken link
_PASSWORD = _string("password", 33)
_BIND = (
    _string("system_id", 16),
    _PASSWORD,
    _string("system_type", 13),
    Field("interface_version"),
    *_address("addr", "address_range", 41),
)
_BIND_RESP = (_string("system_id", 16),)
_SHORT_MESSAGE_PDU = (_SERVICE_TYPE, *_SOURCE, *_DESTINATION, *_SUBMIT_TAIL)

LAYOUTS: Final[dict[int, tuple[Field, ...]]] = {
    c.BIND_RECEIVER: _BIND,
    c.BIND_TRANSMITTER: _BIND,
    c.BIND_TRANSCEIVER: _BIND,
    c.BIND_RECEIVER_RESP: _BIND_RESP,
    c.BIND_TRANSMITTER_RESP: _BIND_RESP,
    c.BIND_TRANSCEIVER_RESP: _BIND_RESP,
    c.OUTBIND: (_string("system_id", 16), _PASSWORD),
    c.UNBIND: (),
    c.UNBIND_RESP: (),
    c.SUBMIT_SM: _SHORT_MESSAGE_PDU,
    c.SUBMIT_SM_RESP: (_MESSAGE_ID,),
    c.DELIVER_SM: _SHORT_MESSAGE_PDU,
    c.DELIVER_SM_RESP: (_MESSAGE_ID,),
    c.SUBMIT_MULTI: (
        _SERVICE_TYPE,
        *_SOURCE,
        Field("dest_addresses", FieldKind.DEST_ADDRESSES),
        *_SUBMIT_TAIL,
    ),
    c.SUBMIT_MULTI_RESP: (_MESSAGE_ID, Field("unsuccess_smes", FieldKind.UNSUCCESS_SMES)),
    c.DATA_SM: (
        _SERVICE_TYPE,
        *_address("source_addr", "source_addr", 65),
        *_address("dest_addr", "destination_addr", 65),
        Field("esm_class"),
        Field("registered_delivery"),
        Field("data_coding"),
    ),
    c.DATA_SM_RESP: (_MESSAGE_ID,),
    c.QUERY_SM: (_MESSAGE_ID, *_SOURCE),
    c.QUERY_SM_RESP: (_MESSAGE_ID, _string("final_date", 17), Field("message_state"), Field("error_code")),
    c.CANCEL_SM: (_SERVICE_TYPE, _MESSAGE_ID, *_SOURCE, *_DESTINATION),
    c.CANCEL_SM_RESP: (),
    c.REPLACE_SM: (
        _MESSAGE_ID,
        *_SOURCE,
        *_TIMES,
        Field("registered_delivery"),
        Field("sm_default_msg_id"),
        _SHORT_MESSAGE,
    ),
    c.REPLACE_SM_RESP: (),
    c.ENQUIRE_LINK: (),
    c.ENQUIRE_LINK_RESP: (),
    c.ALERT_NOTIFICATION: (
        *_address("source_addr", "source_addr", 65),
        *_address("esme_addr", "esme_addr", 65),
    ),
    c.GENERIC_NACK: (),
    c.BROADCAST_SM: (
        _SERVICE_TYPE,
        *_SOURCE,
        _MESSAGE_ID,
        Field("priority_flag"),
        *_TIMES,
        Field("replace_if_present_flag"),
        Field("data_coding"),
        Field("sm_default_msg_id"),
    ),
    c.BROADCAST_SM_RESP: (_MESSAGE_ID,),
    c.QUERY_BROADCAST_SM: (_MESSAGE_ID, *_SOURCE),
    c.QUERY_BROADCAST_SM_RESP: (_MESSAGE_ID,),
    c.CANCEL_BROADCAST_SM: (_SERVICE_TYPE, _MESSAGE_ID, *_SOURCE),
    c.CANCEL_BROADCAST_SM_RESP: (),
}


def read_fields(frame: bytes, layout: tuple[Field, ...]) -> tuple[dict[str, Any], int]:
    """The values of a request's body, and the offset after them. FieldFault when one cannot be read."""
    values: dict[str, Any] = {}
    pos = c.HEADER_LENGTH
    for field in layout:
        values[field.name], pos = _READERS[field.kind](frame, pos, field)
    return values, pos


def read_fields_tolerant(frame: bytes, layout: tuple[Field, ...]) -> tuple[dict[str, Any], int]:
    """As `read_fields`, for a response: its body may be missing, cut short or lack its last NUL.

    Fields that are not there are left out (interop quirks 21, 34). The offset may be past the end.
    """
    values: dict[str, Any] = {}
    pos = c.HEADER_LENGTH
    for field in layout:
        if pos >= len(frame):
            break
        if field.kind is FieldKind.C_STRING:
            end = frame.find(0, pos)
            end = len(frame) if end < 0 else end
            if end - pos >= TOLERATED_RESPONSE_STRING:
                raise FieldFault(c.ESME_RINVPARLEN, f"{field.name} has {end - pos} octets")
            values[field.name] = frame[pos:end].decode("latin-1")
            pos = end + 1
        else:
            values[field.name], pos = _READERS[field.kind](frame, pos, field)
    return values, pos


def write_fields(pdu: object, layout: tuple[Field, ...]) -> bytes:
    """The body of a PDU without its TLVs. EncodeError when a value does not fit its field."""
    return b"".join([_WRITERS[field.kind](getattr(pdu, field.name), field) for field in layout])


def _read_integer(frame: bytes, pos: int, field: Field) -> tuple[int, int]:
    stop = pos + field.size
    if stop > len(frame):
        raise FieldFault(c.ESME_RINVCMDLEN, f"the PDU ends before {field.name}")
    return int.from_bytes(frame[pos:stop], "big"), stop


def _read_string(frame: bytes, pos: int, field: Field) -> tuple[str, int]:
    end = frame.find(0, pos, pos + field.size)
    if end < 0:
        raise FieldFault(c.ESME_RINVPARLEN, f"{field.name} has no NUL within its {field.size} octets")
    return frame[pos:end].decode("latin-1"), end + 1


def _read_short_message(frame: bytes, pos: int, field: Field) -> tuple[bytes, int]:
    length, pos = _read_integer(frame, pos, Field("sm_length"))
    stop = pos + length
    if stop > len(frame):
        raise FieldFault(
            c.ESME_RINVMSGLEN, f"sm_length is {length} but the PDU has {len(frame) - pos} octets left"
        )
    return frame[pos:stop], stop


def _read_dest_addresses(
    frame: bytes, pos: int, field: Field
) -> tuple[tuple[SmeAddress | DistributionList, ...], int]:
    count, pos = _read_integer(frame, pos, Field("number_of_dests"))
    addresses: list[SmeAddress | DistributionList] = []
    for _ in range(count):
        flag, pos = _read_integer(frame, pos, Field("dest_flag"))
        if flag == _SME_ADDRESS:
            values, pos = _read_group(frame, pos, _DESTINATION)
            addresses.append(SmeAddress(*values))
        elif flag == _DISTRIBUTION_LIST:
            name, pos = _read_string(frame, pos, _DL_NAME)
            addresses.append(DistributionList(name))
        else:
            raise FieldFault(c.ESME_RINVDESTFLAG, f"dest_flag is {flag}, not 1 or 2")
    return tuple(addresses), pos


def _read_unsuccess_smes(frame: bytes, pos: int, field: Field) -> tuple[tuple[UnsuccessSme, ...], int]:
    count, pos = _read_integer(frame, pos, Field("no_unsuccess"))
    failed: list[UnsuccessSme] = []
    for _ in range(count):
        values, pos = _read_group(frame, pos, _UNSUCCESS_SME)
        failed.append(UnsuccessSme(*values))
    return tuple(failed), pos


def _read_group(frame: bytes, pos: int, layout: tuple[Field, ...]) -> tuple[list[Any], int]:
    values: list[Any] = []
    for field in layout:
        value, pos = _READERS[field.kind](frame, pos, field)
        values.append(value)
    return values, pos


def _write_integer(value: int, field: Field) -> bytes:
    try:
        return value.to_bytes(field.size, "big")
    except OverflowError:
        raise EncodeError(f"{field.name} is {value}: it has {field.size} octets") from None


def _write_string(value: str, field: Field) -> bytes:
    if len(value) >= field.size:
        raise EncodeError(f"{field.name} has {len(value)} characters, at most {field.size - 1} are allowed")
    if "\0" in value:
        raise EncodeError(f"{field.name} holds a NUL, which would end it on the wire")
    try:
        return value.encode("latin-1") + b"\0"
    except UnicodeEncodeError:
        raise EncodeError(f"{field.name} holds characters outside Latin-1") from None


def _write_short_message(value: bytes, field: Field) -> bytes:
    if len(value) > field.size:
        raise EncodeError(f"short_message has {len(value)} octets: put it into a message_payload TLV")
    return bytes((len(value),)) + value


def _write_dest_addresses(value: tuple[SmeAddress | DistributionList, ...], field: Field) -> bytes:
    parts = [_write_integer(len(value), Field("number_of_dests"))]
    for address in value:
        if isinstance(address, SmeAddress):
            parts.append(bytes((_SME_ADDRESS,)) + write_fields(address, _DESTINATION))
        else:
            parts.append(bytes((_DISTRIBUTION_LIST,)) + _write_string(address.dl_name, _DL_NAME))
    return b"".join(parts)


def _write_unsuccess_smes(value: tuple[UnsuccessSme, ...], field: Field) -> bytes:
    parts = [_write_integer(len(value), Field("no_unsuccess"))]
    parts += [write_fields(failed, _UNSUCCESS_SME) for failed in value]
    return b"".join(parts)


_DL_NAME = _string("dl_name", 21)
_UNSUCCESS_SME = (*_DESTINATION, Field("error_status_code", size=4))

_READERS: dict[FieldKind, Callable[[bytes, int, Field], tuple[Any, int]]] = {
    FieldKind.INTEGER: _read_integer,
    FieldKind.C_STRING: _read_string,
    FieldKind.SHORT_MESSAGE: _read_short_message,
    FieldKind.DEST_ADDRESSES: _read_dest_addresses,
    FieldKind.UNSUCCESS_SMES: _read_unsuccess_smes,
}
_WRITERS: dict[FieldKind, Callable[[Any, Field], bytes]] = {
    FieldKind.INTEGER: _write_integer,
    FieldKind.C_STRING: _write_string,
    FieldKind.SHORT_MESSAGE: _write_short_message,
    FieldKind.DEST_ADDRESSES: _write_dest_addresses,
    FieldKind.UNSUCCESS_SMES: _write_unsuccess_smes,
}
