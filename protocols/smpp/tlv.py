"""TLVs: tags, the table of those that SMPP 3.4 (§5.3.2) and 5.0 (§4.8.4) define, values, streams.

A PDU carries its TLVs raw as ``((tag, value), …)``; this module gives one of them its meaning when
somebody asks for it. Reading is tolerant, as peers are careless with lengths and terminators: a value
that does not fit its definition comes back as the raw octets, never as an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from struct import Struct
from struct import error as StructError
from typing import Final, NamedTuple

from protocols.smpp.constants import ESME_RINVOPTPARSTREAM, ESME_ROPTPARNOTALLWD
from protocols.smpp.errors import EncodeError, FieldFault

DEST_ADDR_SUBUNIT: Final = 0x0005
DEST_NETWORK_TYPE: Final = 0x0006
DEST_BEARER_TYPE: Final = 0x0007
DEST_TELEMATICS_ID: Final = 0x0008
SOURCE_ADDR_SUBUNIT: Final = 0x000D
SOURCE_NETWORK_TYPE: Final = 0x000E
SOURCE_BEARER_TYPE: Final = 0x000F
SOURCE_TELEMATICS_ID: Final = 0x0010
QOS_TIME_TO_LIVE: Final = 0x0017
PAYLOAD_TYPE: Final = 0x0019
ADDITIONAL_STATUS_INFO_TEXT: Final = 0x001D
RECEIPTED_MESSAGE_ID: Final = 0x001E
MS_MSG_WAIT_FACILITIES: Final = 0x0030
PRIVACY_INDICATOR: Final = 0x0201
SOURCE_SUBADDRESS: Final = 0x0202
DEST_SUBADDRESS: Final = 0x0203
USER_MESSAGE_REFERENCE: Final = 0x0204
USER_RESPONSE_CODE: Final = 0x0205
SOURCE_PORT: Final = 0x020A
DESTINATION_PORT: Final = 0x020B
SAR_MSG_REF_NUM: Final = 0x020C
LANGUAGE_INDICATOR: Final = 0x020D
SAR_TOTAL_SEGMENTS: Final = 0x020E
SAR_SEGMENT_SEQNUM: Final = 0x020F
SC_INTERFACE_VERSION: Final = 0x0210
CALLBACK_NUM_PRES_IND: Final = 0x0302
CALLBACK_NUM_ATAG: Final = 0x0303
NUMBER_OF_MESSAGES: Final = 0x0304
CALLBACK_NUM: Final = 0x0381
DPF_RESULT: Final = 0x0420
SET_DPF: Final = 0x0421
MS_AVAILABILITY_STATUS: Final = 0x0422
NETWORK_ERROR_CODE: Final = 0x0423
MESSAGE_PAYLOAD: Final = 0x0424
DELIVERY_FAILURE_REASON: Final = 0x0425
MORE_MESSAGES_TO_SEND: Final = 0x0426
MESSAGE_STATE: Final = 0x0427
CONGESTION_STATE: Final = 0x0428
USSD_SERVICE_OP: Final = 0x0501
BROADCAST_CHANNEL_INDICATOR: Final = 0x0600
BROADCAST_CONTENT_TYPE: Final = 0x0601
BROADCAST_CONTENT_TYPE_INFO: Final = 0x0602
BROADCAST_MESSAGE_CLASS: Final = 0x0603
BROADCAST_REP_NUM: Final = 0x0604
BROADCAST_FREQUENCY_INTERVAL: Final = 0x0605
BROADCAST_AREA_IDENTIFIER: Final = 0x0606
BROADCAST_ERROR_STATUS: Final = 0x0607
BROADCAST_AREA_SUCCESS: Final = 0x0608
BROADCAST_END_TIME: Final = 0x0609
BROADCAST_SERVICE_GROUP: Final = 0x060A
BILLING_IDENTIFICATION: Final = 0x060B
SOURCE_NETWORK_ID: Final = 0x060D
DEST_NETWORK_ID: Final = 0x060E
SOURCE_NODE_ID: Final = 0x060F
DEST_NODE_ID: Final = 0x0610
DEST_ADDR_NP_RESOLUTION: Final = 0x0611
DEST_ADDR_NP_INFORMATION: Final = 0x0612
DEST_ADDR_NP_COUNTRY: Final = 0x0613
DISPLAY_TIME: Final = 0x1201
SMS_SIGNAL: Final = 0x1203
MS_VALIDITY: Final = 0x1204
ALERT_ON_MESSAGE_DELIVERY: Final = 0x130C
ITS_REPLY_TYPE: Final = 0x1380
ITS_SESSION_INFO: Final = 0x1383

# query_broadcast_sm_resp names the failed areas by the same tag
FAILED_BROADCAST_AREA_IDENTIFIER: Final = BROADCAST_AREA_IDENTIFIER


class Kind(Enum):
    """How the octets of a value read."""

    INTEGER = "integer"
    C_STRING = "C-octet string"
    OCTETS = "octet string"


class TlvSpec(NamedTuple):
    """One row of the table; lengths are in octets and count the NUL of a C-octet string."""

    name: str
    kind: Kind
    min_length: int
    max_length: int
    repeatable: bool = False


_INT, _CSTR, _OCTETS = Kind.INTEGER, Kind.C_STRING, Kind.OCTETS

TABLE: Final[dict[int, TlvSpec]] = {
    DEST_ADDR_SUBUNIT: TlvSpec("dest_addr_subunit", _INT, 1, 1),
    DEST_NETWORK_TYPE: TlvSpec("dest_network_type", _INT, 1, 1),
    DEST_BEARER_TYPE: TlvSpec("dest_bearer_type", _INT, 1, 1),
    DEST_TELEMATICS_ID: TlvSpec("dest_telematics_id", _INT, 2, 2),
    SOURCE_ADDR_SUBUNIT: TlvSpec("source_addr_subunit", _INT, 1, 1),
    SOURCE_NETWORK_TYPE: TlvSpec("source_network_type", _INT, 1, 1),
    SOURCE_BEARER_TYPE: TlvSpec("source_bearer_type", _INT, 1, 1),
    SOURCE_TELEMATICS_ID: TlvSpec("source_telematics_id", _INT, 1, 1),
    QOS_TIME_TO_LIVE: TlvSpec("qos_time_to_live", _INT, 4, 4),
    PAYLOAD_TYPE: TlvSpec("payload_type", _INT, 1, 1),
    ADDITIONAL_STATUS_INFO_TEXT: TlvSpec("additional_status_info_text", _CSTR, 1, 256),
    RECEIPTED_MESSAGE_ID: TlvSpec("receipted_message_id", _CSTR, 1, 65),
    MS_MSG_WAIT_FACILITIES: TlvSpec("ms_msg_wait_facilities", _INT, 1, 1),
    PRIVACY_INDICATOR: TlvSpec("privacy_indicator", _INT, 1, 1),
    SOURCE_SUBADDRESS: TlvSpec("source_subaddress", _OCTETS, 2, 23),
    DEST_SUBADDRESS: TlvSpec("dest_subaddress", _OCTETS, 2, 23),
    USER_MESSAGE_REFERENCE: TlvSpec("user_message_reference", _INT, 2, 2),
    USER_RESPONSE_CODE: TlvSpec("user_response_code", _INT, 1, 1),
    SOURCE_PORT: TlvSpec("source_port", _INT, 2, 2),
    DESTINATION_PORT: TlvSpec("destination_port", _INT, 2, 2),
    SAR_MSG_REF_NUM: TlvSpec("sar_msg_ref_num", _INT, 2, 2),
    LANGUAGE_INDICATOR: TlvSpec("language_indicator", _INT, 1, 1),
    SAR_TOTAL_SEGMENTS: TlvSpec("sar_total_segments", _INT, 1, 1),
    SAR_SEGMENT_SEQNUM: TlvSpec("sar_segment_seqnum", _INT, 1, 1),
    SC_INTERFACE_VERSION: TlvSpec("sc_interface_version", _INT, 1, 1),
    CALLBACK_NUM_PRES_IND: TlvSpec("callback_num_pres_ind", _INT, 1, 1, repeatable=True),
    CALLBACK_NUM_ATAG: TlvSpec("callback_num_atag", _OCTETS, 0, 65, repeatable=True),
    NUMBER_OF_MESSAGES: TlvSpec("number_of_messages", _INT, 1, 1),
    CALLBACK_NUM: TlvSpec("callback_num", _OCTETS, 4, 19, repeatable=True),
    DPF_RESULT: TlvSpec("dpf_result", _INT, 1, 1),
    SET_DPF: TlvSpec("set_dpf", _INT, 1, 1),
    MS_AVAILABILITY_STATUS: TlvSpec("ms_availability_status", _INT, 1, 1),
    NETWORK_ERROR_CODE: TlvSpec("network_error_code", _OCTETS, 3, 3),
    MESSAGE_PAYLOAD: TlvSpec("message_payload", _OCTETS, 0, 65535),
    DELIVERY_FAILURE_REASON: TlvSpec("delivery_failure_reason", _INT, 1, 1),
    MORE_MESSAGES_TO_SEND: TlvSpec("more_messages_to_send", _INT, 1, 1),
    MESSAGE_STATE: TlvSpec("message_state", _INT, 1, 1),
    CONGESTION_STATE: TlvSpec("congestion_state", _INT, 1, 1),
    USSD_SERVICE_OP: TlvSpec("ussd_service_op", _OCTETS, 1, 1),
    BROADCAST_CHANNEL_INDICATOR: TlvSpec("broadcast_channel_indicator", _INT, 1, 1),
    BROADCAST_CONTENT_TYPE: TlvSpec("broadcast_content_type", _OCTETS, 3, 3),
    BROADCAST_CONTENT_TYPE_INFO: TlvSpec("broadcast_content_type_info", _OCTETS, 1, 255),
    BROADCAST_MESSAGE_CLASS: TlvSpec("broadcast_message_class", _INT, 1, 1),
    BROADCAST_REP_NUM: TlvSpec("broadcast_rep_num", _INT, 2, 2),
    BROADCAST_FREQUENCY_INTERVAL: TlvSpec("broadcast_frequency_interval", _OCTETS, 3, 3),
    BROADCAST_AREA_IDENTIFIER: TlvSpec("broadcast_area_identifier", _OCTETS, 0, 65535, repeatable=True),
    BROADCAST_ERROR_STATUS: TlvSpec("broadcast_error_status", _INT, 4, 4, repeatable=True),
    BROADCAST_AREA_SUCCESS: TlvSpec("broadcast_area_success", _INT, 1, 1, repeatable=True),
    BROADCAST_END_TIME: TlvSpec("broadcast_end_time", _CSTR, 1, 17),
    BROADCAST_SERVICE_GROUP: TlvSpec("broadcast_service_group", _OCTETS, 1, 255),
    BILLING_IDENTIFICATION: TlvSpec("billing_identification", _OCTETS, 1, 1024),
    SOURCE_NETWORK_ID: TlvSpec("source_network_id", _CSTR, 7, 65),
    DEST_NETWORK_ID: TlvSpec("dest_network_id", _CSTR, 7, 65),
    SOURCE_NODE_ID: TlvSpec("source_node_id", _OCTETS, 6, 6),
    DEST_NODE_ID: TlvSpec("dest_node_id", _OCTETS, 6, 6),
    DEST_ADDR_NP_RESOLUTION: TlvSpec("dest_addr_np_resolution", _INT, 1, 1),
    DEST_ADDR_NP_INFORMATION: TlvSpec("dest_addr_np_information", _OCTETS, 10, 10),
    DEST_ADDR_NP_COUNTRY: TlvSpec("dest_addr_np_country", _OCTETS, 1, 5),
    DISPLAY_TIME: TlvSpec("display_time", _INT, 1, 1),
    SMS_SIGNAL: TlvSpec("sms_signal", _INT, 2, 2),
    # one octet in 3.4; 5.0 adds a form with a unit and a 16-bit count
    MS_VALIDITY: TlvSpec("ms_validity", _OCTETS, 1, 4),
    # empty in 3.4, one octet in 5.0
    ALERT_ON_MESSAGE_DELIVERY: TlvSpec("alert_on_message_delivery", _INT, 0, 1),
    ITS_REPLY_TYPE: TlvSpec("its_reply_type", _INT, 1, 1),
    ITS_SESSION_INFO: TlvSpec("its_session_info", _OCTETS, 2, 2),
}

_REPEATABLE = frozenset(tag for tag, spec in TABLE.items() if spec.repeatable)
_TAGS = {spec.name: tag for tag, spec in TABLE.items()}
_VENDORS = (0x1400, 0x3FFF)
_HEADER = Struct(">HH")
_pack_header = _HEADER.pack
_unpack_header = _HEADER.unpack_from


def name(tag: int) -> str:
    """``message_payload`` and so on; a tag outside the specification as ``0x1400``."""
    spec = TABLE.get(tag)
    return spec.name if spec else f"0x{tag:04X}"


def tag_of(text: str) -> int:
    """The tag that a name stands for: ``message_payload``, or its number as ``0x1400`` or ``5120``.

    ValueError when it is neither, or does not fit 16 bits.
    """
    tag = _TAGS.get(text.strip().lower())
    if tag is not None:
        return tag
    try:
        tag = int(text, 0)
    except ValueError:
        raise ValueError(
            f"{text!r} is no TLV of the specification: give a name of it or a tag as 0x1400"
        ) from None
    if not 0 <= tag <= 0xFFFF:
        raise ValueError(f"{text!r} is no tag: give 0x0000 to 0xFFFF")
    return tag


def is_vendors(tag: int) -> bool:
    """Whether the tag is of the range that SMSC vendors may use (SMPP v3.4 §5.3.1)."""
    return _VENDORS[0] <= tag <= _VENDORS[1]


def get(tlvs: Iterable[tuple[int, bytes]], tag: int) -> bytes | None:
    """The raw value of the first TLV with this tag, or None."""
    for found, value in tlvs:
        if found == tag:
            return value
    return None


def decode_value(tag: int, raw: bytes) -> int | str | bytes:
    """The value as its definition reads it.

    An integer of another length and any TLV we do not know come back as the raw octets; a C-octet
    string may lack its NUL or exceed its length.
    """
    spec = TABLE.get(tag)
    return raw if spec is None else decode_as(spec, raw)


def decode_as(spec: TlvSpec, raw: bytes) -> int | str | bytes:
    """The same by a definition that is not in the table, a vendor's."""
    if spec.kind is Kind.OCTETS:
        return raw
    if spec.kind is Kind.INTEGER:
        return int.from_bytes(raw, "big") if spec.min_length <= len(raw) <= spec.max_length else raw
    end = raw.find(0)
    return (raw if end < 0 else raw[:end]).decode("latin-1")


def encode_value(tag: int, value: int | str | bytes) -> bytes:
    """The raw octets of a value; EncodeError when it does not fit the TLV's definition.

    `bytes` are taken as they are for every tag, so that what `decode_value` gave back raw can be sent.
    """
    if isinstance(value, bytes):
        return value
    spec = TABLE.get(tag)
    if spec is None:
        raise EncodeError(f"TLV {name(tag)} is not in the specification: pass its octets")
    return encode_as(spec, value)


def encode_as(spec: TlvSpec, value: int | str | bytes) -> bytes:
    """The same by a definition that is not in the table, a vendor's. An integer takes `max_length` octets."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, int) and spec.kind is Kind.INTEGER:
        if not 0 <= value < 1 << 8 * spec.max_length:
            raise EncodeError(f"TLV {spec.name}: {value} does not fit {spec.max_length} octets")
        return value.to_bytes(spec.max_length, "big")
    if isinstance(value, str) and spec.kind is Kind.C_STRING:
        raw = _c_string(spec, value)
        if not spec.min_length <= len(raw) <= spec.max_length:
            raise EncodeError(
                f"TLV {spec.name}: {len(raw)} octets, allowed {spec.min_length} to {spec.max_length}"
            )
        return raw
    raise EncodeError(f"TLV {spec.name} is of kind {spec.kind.value}, not {type(value).__name__}")


def fits(spec: TlvSpec | int, raw: bytes) -> bool:
    """Whether octets that are to be sent are what a definition, or that of a tag, allows.

    An integer and an octet string need a length within it; a C-octet string the NUL at its end and nowhere
    else too. Every value fits a tag that is not in the table.
    """
    if isinstance(spec, int):
        known = TABLE.get(spec)
        if known is None:
            return True
        spec = known
    if not spec.min_length <= len(raw) <= spec.max_length:
        return False
    return spec.kind is not Kind.C_STRING or raw.find(0) == len(raw) - 1


def _c_string(spec: TlvSpec, value: str) -> bytes:
    if "\0" in value:
        raise EncodeError(f"TLV {spec.name}: a C-octet string cannot hold a NUL")
    try:
        return value.encode("latin-1") + b"\0"
    except UnicodeEncodeError:
        raise EncodeError(f"TLV {spec.name}: characters outside Latin-1") from None


def read_stream(frame: bytes, pos: int, limit: int) -> tuple[tuple[int, bytes], ...]:
    """All TLVs from `pos` to the end of `frame`, at most `limit` of them; FieldFault otherwise."""
    tlvs: list[tuple[int, bytes]] = []
    end = len(frame)
    while pos < end:
        if end - pos < 4:
            raise FieldFault(ESME_RINVOPTPARSTREAM, f"{end - pos} octets left where a TLV should begin")
        tag, length = _unpack_header(frame, pos)
        stop = pos + 4 + length
        if stop > end:
            raise FieldFault(
                ESME_RINVOPTPARSTREAM, f"TLV {name(tag)} of {length} octets ends {stop - end} past the PDU"
            )
        if len(tlvs) == limit:
            raise FieldFault(ESME_RINVOPTPARSTREAM, f"more than {limit} TLVs")
        tlvs.append((tag, frame[pos + 4 : stop]))
        pos = stop
    return tuple(tlvs)


def read_stream_tolerant(frame: bytes, pos: int, limit: int) -> tuple[tuple[int, bytes], ...]:
    """The TLVs that can be read; what follows the first bad one is dropped.

    For responses: their status and message_id matter more than a broken tail (interop quirks 21, 22).
    """
    tlvs: list[tuple[int, bytes]] = []
    end = len(frame)
    while end - pos >= 4 and len(tlvs) < limit:
        tag, length = _unpack_header(frame, pos)
        stop = pos + 4 + length
        if stop > end:
            break
        tlvs.append((tag, frame[pos + 4 : stop]))
        pos = stop
    return tuple(tlvs)


def check_unique(tlvs: tuple[tuple[int, bytes], ...]) -> None:
    """FieldFault when a defined TLV that may stand once stands twice; unknown ones may repeat."""
    seen: set[int] = set()
    for tag, _ in tlvs:
        if tag in seen and tag in TABLE and tag not in _REPEATABLE:
            # neither version has a status for this; "not allowed" is the nearest
            raise FieldFault(ESME_ROPTPARNOTALLWD, f"TLV {name(tag)} stands twice")
        seen.add(tag)


def write_stream(tlvs: Iterable[tuple[int, bytes]]) -> bytes:
    """The octets of the TLVs, in order; EncodeError when one is longer than 65,535 octets."""
    try:
        return b"".join([_pack_header(tag, len(value)) + value for tag, value in tlvs])
    except StructError:
        raise EncodeError("a TLV's tag and length have 16 bits each") from None
