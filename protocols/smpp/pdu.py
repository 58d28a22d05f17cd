"""Every PDU of SMPP 3.4 and 5.0 as a plain object with the specification's field names.

C-octet strings are `str` (Latin-1, so any octet survives), octet strings are `bytes`, integers `int`.
`tlvs` keeps every TLV raw, in order and with repeats, so that what we do not know is passed on unchanged.
The wire layouts are in `layouts` and `codec`; the meaning of a field is the specification's.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar, NamedTuple

from protocols.smpp import constants as c
from protocols.smpp import tlv

Tlvs = tuple[tuple[int, bytes], ...]

# secrets and texts: a repr ends in logs, so these show their length only
_HIDDEN_FIELDS = frozenset({"password", "short_message"})
_HIDDEN_TLVS = frozenset({tlv.MESSAGE_PAYLOAD})


class SmeAddress(NamedTuple):
    """One destination of submit_multi that is an SME address (SMPP v3.4 §4.5.1.1)."""

    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""


class DistributionList(NamedTuple):
    """One destination of submit_multi that is a distribution list (SMPP v3.4 §4.5.1.2)."""

    dl_name: str


class UnsuccessSme(NamedTuple):
    """One destination that submit_multi_resp reports as failed (SMPP v3.4 §4.5.2.1)."""

    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    error_status_code: int = 0


@dataclass(slots=True, kw_only=True, repr=False)
class Pdu:
    """What all PDUs share. Two PDUs are equal when class and every field are."""

    command_id: ClassVar[int]

    sequence_number: int = 0
    command_status: int = 0
    tlvs: Tlvs = ()

    def __repr__(self) -> str:
        shown = [
            f"{field.name}={_shown(field.name, value)}"
            for field in fields(self)
            if (value := getattr(self, field.name)) != field.default or field.name == "sequence_number"
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


def _shown(name: str, value: object) -> str:
    if name == "tlvs" and isinstance(value, tuple):
        return "(" + ", ".join(f"{tlv.name(tag)}={_shown_tlv(tag, raw)}" for tag, raw in value) + ")"
    if name in _HIDDEN_FIELDS and isinstance(value, str | bytes):
        return f"<{len(value)} octets>"
    return repr(value)


def _shown_tlv(tag: int, raw: bytes) -> str:
    return f"<{len(raw)} octets>" if tag in _HIDDEN_TLVS else raw.hex()


@dataclass(slots=True, kw_only=True, repr=False)
class Bind(Pdu):
    """The three bind requests share one body (SMPP v3.4 §4.1)."""

    system_id: str = ""
    password: str = ""
    system_type: str = ""
    interface_version: int = c.INTERFACE_VERSION_34
    addr_ton: int = 0
    addr_npi: int = 0
    address_range: str = ""


@dataclass(slots=True, kw_only=True, repr=False)
class BindReceiver(Bind):
    """bind_receiver, SMPP v3.4 §4.1.3."""

    command_id = c.BIND_RECEIVER


@dataclass(slots=True, kw_only=True, repr=False)
class BindTransmitter(Bind):
    """bind_transmitter, SMPP v3.4 §4.1.1."""

    command_id = c.BIND_TRANSMITTER


@dataclass(slots=True, kw_only=True, repr=False)
class BindTransceiver(Bind):
    """bind_transceiver, SMPP v3.4 §4.1.5."""

    command_id = c.BIND_TRANSCEIVER


@dataclass(slots=True, kw_only=True, repr=False)
class BindResp(Pdu):
    """The three bind responses share one body; `sc_interface_version` is a TLV."""

    system_id: str = ""


@dataclass(slots=True, kw_only=True, repr=False)
class BindReceiverResp(BindResp):
    """bind_receiver_resp, SMPP v3.4 §4.1.4."""

    command_id = c.BIND_RECEIVER_RESP


@dataclass(slots=True, kw_only=True, repr=False)
class BindTransmitterResp(BindResp):
    """bind_transmitter_resp, SMPP v3.4 §4.1.2."""

    command_id = c.BIND_TRANSMITTER_RESP


@dataclass(slots=True, kw_only=True, repr=False)
class BindTransceiverResp(BindResp):
    """bind_transceiver_resp, SMPP v3.4 §4.1.6."""

    command_id = c.BIND_TRANSCEIVER_RESP


@dataclass(slots=True, kw_only=True, repr=False)
class Outbind(Pdu):
    """outbind, SMPP v3.4 §4.1.7."""

    command_id = c.OUTBIND

    system_id: str = ""
    password: str = ""


@dataclass(slots=True, kw_only=True, repr=False)
class Unbind(Pdu):
    """unbind, SMPP v3.4 §4.2.1."""

    command_id = c.UNBIND


@dataclass(slots=True, kw_only=True, repr=False)
class UnbindResp(Pdu):
    """unbind_resp, SMPP v3.4 §4.2.2."""

    command_id = c.UNBIND_RESP


@dataclass(slots=True, kw_only=True, repr=False)
class ShortMessagePdu(Pdu):
    """submit_sm and deliver_sm share one body (SMPP v3.4 §4.4.1, §4.6.1)."""

    service_type: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    esm_class: int = 0
    protocol_id: int = 0
    priority_flag: int = 0
    schedule_delivery_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    replace_if_present_flag: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""


@dataclass(slots=True, kw_only=True, repr=False)
class SubmitSm(ShortMessagePdu):
    """submit_sm, SMPP v3.4 §4.4.1."""

    command_id = c.SUBMIT_SM


@dataclass(slots=True, kw_only=True, repr=False)
class DeliverSm(ShortMessagePdu):
    """deliver_sm, SMPP v3.4 §4.6.1."""

    command_id = c.DELIVER_SM


@dataclass(slots=True, kw_only=True, repr=False)
class MessageIdResp(Pdu):
    """The responses whose whole body is a message_id."""

    message_id: str = ""


@dataclass(slots=True, kw_only=True, repr=False)
class SubmitSmResp(MessageIdResp):
    """submit_sm_resp, SMPP v3.4 §4.4.2."""

    command_id = c.SUBMIT_SM_RESP


@dataclass(slots=True, kw_only=True, repr=False)
class DeliverSmResp(MessageIdResp):
    """deliver_sm_resp, SMPP v3.4 §4.6.2; its message_id is unused, some peers fill it."""

    command_id = c.DELIVER_SM_RESP


@dataclass(slots=True, kw_only=True, repr=False)
class DataSm(Pdu):
    """data_sm, SMPP v3.4 §4.7.1; the text is in the message_payload TLV."""

    command_id = c.DATA_SM

    service_type: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    esm_class: int = 0
    registered_delivery: int = 0
    data_coding: int = 0


@dataclass(slots=True, kw_only=True, repr=False)
class DataSmResp(MessageIdResp):
    """data_sm_resp, SMPP v3.4 §4.7.2."""

    command_id = c.DATA_SM_RESP


@dataclass(slots=True, kw_only=True, repr=False)
class SubmitMulti(Pdu):
    """submit_multi, SMPP v3.4 §4.5.1; number_of_dests is the length of `dest_addresses`."""

    command_id = c.SUBMIT_MULTI

    service_type: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addresses: tuple[SmeAddress | DistributionList, ...] = ()
    esm_class: int = 0
    protocol_id: int = 0
    priority_flag: int = 0
    schedule_delivery_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    replace_if_present_flag: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""


@dataclass(slots=True, kw_only=True, repr=False)
class SubmitMultiResp(MessageIdResp):
    """submit_multi_resp, SMPP v3.4 §4.5.2; no_unsuccess is the length of `unsuccess_smes`."""

    command_id = c.SUBMIT_MULTI_RESP

    unsuccess_smes: tuple[UnsuccessSme, ...] = ()


@dataclass(slots=True, kw_only=True, repr=False)
class QuerySm(Pdu):
    """query_sm, SMPP v3.4 §4.8.1."""

    command_id = c.QUERY_SM

    message_id: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""


@dataclass(slots=True, kw_only=True, repr=False)
class QuerySmResp(Pdu):
    """query_sm_resp, SMPP v3.4 §4.8.2."""

    command_id = c.QUERY_SM_RESP

    message_id: str = ""
    final_date: str = ""
    message_state: int = 0
    error_code: int = 0


@dataclass(slots=True, kw_only=True, repr=False)
class CancelSm(Pdu):
    """cancel_sm, SMPP v3.4 §4.9.1."""

    command_id = c.CANCEL_SM

    service_type: str = ""
    message_id: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""


@dataclass(slots=True, kw_only=True, repr=False)
class CancelSmResp(Pdu):
    """cancel_sm_resp, SMPP v3.4 §4.9.2."""

    command_id = c.CANCEL_SM_RESP


@dataclass(slots=True, kw_only=True, repr=False)
class ReplaceSm(Pdu):
    """replace_sm, SMPP v3.4 §4.10.1."""

    command_id = c.REPLACE_SM

    message_id: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    schedule_delivery_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""


@dataclass(slots=True, kw_only=True, repr=False)
class ReplaceSmResp(Pdu):
    """replace_sm_resp, SMPP v3.4 §4.10.2."""

    command_id = c.REPLACE_SM_RESP


@dataclass(slots=True, kw_only=True, repr=False)
class EnquireLink(Pdu):
    """enquire_link, SMPP v3.4 §4.11.1."""

    command_id = c.ENQUIRE_LINK


@dataclass(slots=True, kw_only=True, repr=False)
class EnquireLinkResp(Pdu):
    """enquire_link_resp, SMPP v3.4 §4.11.2."""

    command_id = c.ENQUIRE_LINK_RESP


@dataclass(slots=True, kw_only=True, repr=False)
class AlertNotification(Pdu):
    """alert_notification, SMPP v3.4 §4.12.1; it has no response."""

    command_id = c.ALERT_NOTIFICATION

    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    esme_addr_ton: int = 0
    esme_addr_npi: int = 0
    esme_addr: str = ""


@dataclass(slots=True, kw_only=True, repr=False)
class GenericNack(Pdu):
    """generic_nack, SMPP v3.4 §4.3.1."""

    command_id = c.GENERIC_NACK


@dataclass(slots=True, kw_only=True, repr=False)
class BroadcastSm(Pdu):
    """broadcast_sm, SMPP v5.0 §4.4.1; areas, content type and repetitions are TLVs."""

    command_id = c.BROADCAST_SM

    service_type: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    message_id: str = ""
    priority_flag: int = 0
    schedule_delivery_time: str = ""
    validity_period: str = ""
    replace_if_present_flag: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0


@dataclass(slots=True, kw_only=True, repr=False)
class BroadcastSmResp(MessageIdResp):
    """broadcast_sm_resp, SMPP v5.0 §4.4.2."""

    command_id = c.BROADCAST_SM_RESP


@dataclass(slots=True, kw_only=True, repr=False)
class QueryBroadcastSm(Pdu):
    """query_broadcast_sm, SMPP v5.0 §4.6."""

    command_id = c.QUERY_BROADCAST_SM

    message_id: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""


@dataclass(slots=True, kw_only=True, repr=False)
class QueryBroadcastSmResp(MessageIdResp):
    """query_broadcast_sm_resp, SMPP v5.0 §4.6."""

    command_id = c.QUERY_BROADCAST_SM_RESP


@dataclass(slots=True, kw_only=True, repr=False)
class CancelBroadcastSm(Pdu):
    """cancel_broadcast_sm, SMPP v5.0 §4.6."""

    command_id = c.CANCEL_BROADCAST_SM

    service_type: str = ""
    message_id: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""


@dataclass(slots=True, kw_only=True, repr=False)
class CancelBroadcastSmResp(Pdu):
    """cancel_broadcast_sm_resp, SMPP v5.0 §4.6."""

    command_id = c.CANCEL_BROADCAST_SM_RESP


PDU_CLASSES: tuple[type[Pdu], ...] = (
    BindReceiver,
    BindReceiverResp,
    BindTransmitter,
    BindTransmitterResp,
    BindTransceiver,
    BindTransceiverResp,
    Outbind,
    Unbind,
    UnbindResp,
    SubmitSm,
    SubmitSmResp,
    SubmitMulti,
    SubmitMultiResp,
    DataSm,
    DataSmResp,
    DeliverSm,
    DeliverSmResp,
    QuerySm,
    QuerySmResp,
    CancelSm,
    CancelSmResp,
    ReplaceSm,
    ReplaceSmResp,
    EnquireLink,
    EnquireLinkResp,
    AlertNotification,
    GenericNack,
    BroadcastSm,
    BroadcastSmResp,
    QueryBroadcastSm,
    QueryBroadcastSmResp,
    CancelBroadcastSm,
    CancelBroadcastSmResp,
)
"""Every class that stands for one command_id."""

PDU_BY_COMMAND: dict[int, type[Pdu]] = {cls.command_id: cls for cls in PDU_CLASSES}
RESPONSES: dict[int, type[Pdu]] = {
    cls.command_id: PDU_BY_COMMAND[cls.command_id | c.RESPONSE_BIT]
    for cls in PDU_CLASSES
    if cls.command_id < c.RESPONSE_BIT and cls.command_id | c.RESPONSE_BIT in PDU_BY_COMMAND
}
"""command_id of a request → class of its response; outbind and alert_notification have none."""


def response_to(request: Pdu, status: int = c.ESME_ROK) -> Pdu:
    """An otherwise empty response of the class and sequence_number that `request` calls for.

    A request that has no response of its own (outbind, alert_notification) gets a GenericNack.
    """
    cls = RESPONSES.get(request.command_id, GenericNack)
    return cls(sequence_number=request.sequence_number, command_status=status)
