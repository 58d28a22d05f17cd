"""The forms in which SMSCs answer: bind responses and those to submits, plain and odd ones."""

from __future__ import annotations

from gateway.simulator.message import Message
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.codec import encode, encode_header
from protocols.smpp.pdu import (
    Bind,
    BindResp,
    DataSm,
    DataSmResp,
    GenericNack,
    Pdu,
    SubmitSm,
    SubmitSmResp,
    Tlvs,
    response_to,
)

BIND_RESPONSES = ("full", "no_version", "header")
ERROR_FORMS = ("header", "body", "tlvs", "nack")
VENDOR_STATUS = 0x0401
_VENDOR_TAG = 0x1401


class _Nul(str):
    """An empty message_id that is to be written, NUL and all, where the codec leaves an empty body away."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return True


_NUL = _Nul()


def response_of(message: Message, tlvs: Tlvs = ()) -> Pdu:
    """The answer to a submit in the form that the message has, with these TLVs behind its own."""
    request, more = message.pdu, message.more
    status = message.status or c.ESME_ROK
    form = more.form if more is not None else ""
    if form == "nack":
        return GenericNack(sequence_number=request.sequence_number, command_status=status)
    cls = SubmitSmResp if type(request) is SubmitSm else DataSmResp
    response = cls(
        sequence_number=request.sequence_number,
        command_status=status,
        message_id=message.message_id,
        tlvs=(more.tlvs if more is not None else ()) + tlvs,
    )
    if form == "tlvs":
        response.tlvs = _odd_tlvs(request, status) + response.tlvs
    if status and (form in ("body", "tlvs") or response.tlvs):
        response.message_id = _NUL
    return response


def _odd_tlvs(request: SubmitSm | DataSm, status: int) -> Tlvs:
    told = f"status {c.status_name(status)}".encode()
    odd: Tlvs = ((tlv.ADDITIONAL_STATUS_INFO_TEXT, told + b"\0"), (_VENDOR_TAG, b"\1\2"))
    if status and isinstance(request, DataSm):
        odd += ((tlv.DELIVERY_FAILURE_REASON, b"\1"),)  # permanent network error
    return odd


def bind_response_frame(request: Bind, system_id: str, form: str) -> bytes:
    """A good bind response without sc_interface_version, or without any body ("header")."""
    response = response_to(request)
    if form == "header":
        return encode_header(response.command_id, c.ESME_ROK, request.sequence_number)
    assert isinstance(response, BindResp)
    response.system_id = system_id
    return encode(response)
