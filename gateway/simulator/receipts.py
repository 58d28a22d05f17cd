"""The PDUs that the simulated SMSC sends down: receipts and mobile-originated replies."""

from __future__ import annotations

import time
from typing import Any

from gateway.simulator.message import Message
from protocols.smpp import constants, tlv
from protocols.smpp.pdu import AlertNotification, DataSm, DeliverSm, Tlvs
from protocols.sms.receipts import STATE_WORDS, format_text

_ERRORS = {constants.DELIVERED: "000", constants.ACCEPTED: "000", constants.ENROUTE: "000"}
_OTHER_ERROR = "001"
_GSM_NETWORK = 3  # first octet of network_error_code (SMPP v3.4 §5.3.2.31)
_MAX_SHORT_MESSAGE = 254  # octets, SMPP v3.4 §5.2.22

_minutes: dict[int, str] = {}


def _date(at: float) -> str:
    """YYMMDDhhmm in UTC; the last minutes are remembered because formatting one costs more than a receipt."""
    minute = int(at // 60)
    text = _minutes.get(minute)
    if text is None:
        if len(_minutes) > 60:
            _minutes.clear()
        text = _minutes[minute] = time.strftime("%y%m%d%H%M", time.gmtime(at))
    return text


def way_back(message: Message) -> dict[str, Any]:
    """The address fields of what goes down for a submit: source and destination change places."""
    submitted = message.pdu
    return {
        "source_addr_ton": submitted.dest_addr_ton,
        "source_addr_npi": submitted.dest_addr_npi,
        "source_addr": submitted.destination_addr,
        "dest_addr_ton": submitted.source_addr_ton,
        "dest_addr_npi": submitted.source_addr_npi,
        "destination_addr": submitted.source_addr,
    }


def error_of(state: int) -> str:
    """The err that a receipt of this state has, three digits."""
    return _ERRORS.get(state, _OTHER_ERROR)


def receipt_tlvs(message: Message, state: int) -> Tlvs:
    """What a receipt says in TLVs: the id, the state and, unless it is good, the network's error."""
    tlvs: Tlvs = (
        (tlv.RECEIPTED_MESSAGE_ID, message.receipt_id.encode("latin-1") + b"\0"),
        (tlv.MESSAGE_STATE, bytes((state,))),
    )
    if state != constants.DELIVERED:
        tlvs += ((tlv.NETWORK_ERROR_CODE, bytes((_GSM_NETWORK, 0, int(error_of(state))))),)
    return tlvs


def receipt(
    message: Message,
    state: int,
    done_at: float,
    *,
    content: str,
    word: str | None = None,
    by_data_sm: bool = False,
) -> DeliverSm | DataSm:
    """The receipt of a message: `content` is "tlv", "text" or "both"; `word` replaces the state's own.

    `done_at` is seconds since the epoch. SMPP v3.4 §2.11 and Appendix B.
    """
    text = b""
    if content != "tlv":
        quoted = message.text if message.data_coding == 0 else b""
        text = format_text(
            message.receipt_id,
            state,
            _date(message.at),
            _date(done_at),
            _ERRORS.get(state, _OTHER_ERROR),
            quoted,
        )
        if word is not None:
            text = text.replace(b"stat:" + STATE_WORDS[state].encode(), b"stat:" + word.encode(), 1)
    tlvs = receipt_tlvs(message, state) if content != "text" else ()
    back = way_back(message)
    if by_data_sm:
        return DataSm(
            **back,
            esm_class=constants.ESM_CLASS_TYPE_SMSC_DELIVERY_RECEIPT,
            tlvs=(*tlvs, (tlv.MESSAGE_PAYLOAD, text)) if text else tlvs,
        )
    return DeliverSm(
        **back,
        esm_class=constants.ESM_CLASS_TYPE_SMSC_DELIVERY_RECEIPT,
        short_message=text,
        tlvs=tlvs,
    )


def intermediate(message: Message, content: str) -> DeliverSm | DataSm:
    """The notification that a message is on its way (registered_delivery bit 4, SMPP v3.4 §5.2.17)."""
    pdu = receipt(message, constants.ENROUTE, time.time(), content=content)
    pdu.esm_class = constants.ESM_CLASS_TYPE_INTERMEDIATE_NOTIFICATION
    return pdu


def acknowledgements(message: Message) -> list[DeliverSm]:
    """What the subscriber's side sends back when registered_delivery bits 3–2 ask (SMPP v3.4 §2.11)."""
    wanted = message.pdu.registered_delivery
    named = (tlv.RECEIPTED_MESSAGE_ID, message.receipt_id.encode("latin-1") + b"\0")
    back = way_back(message)
    pdus = []
    if wanted & constants.REGISTERED_DELIVERY_SME_ACK_DELIVERY:
        kind = constants.ESM_CLASS_TYPE_SME_DELIVERY_ACKNOWLEDGEMENT
        pdus.append(DeliverSm(**back, esm_class=kind, short_message=b"received", tlvs=(named,)))
    if wanted & constants.REGISTERED_DELIVERY_SME_ACK_MANUAL:
        kind = constants.ESM_CLASS_TYPE_SME_MANUAL_ACKNOWLEDGEMENT
        answer = (named, (tlv.USER_RESPONSE_CODE, b"\1"))
        pdus.append(DeliverSm(**back, esm_class=kind, short_message=b"read", tlvs=answer))
    return pdus


def alert(message: Message) -> AlertNotification:
    """The subscriber that a message is for can be reached again (SMPP v3.4 §4.12)."""
    pdu = message.pdu
    return AlertNotification(
        source_addr_ton=pdu.dest_addr_ton,
        source_addr_npi=pdu.dest_addr_npi,
        source_addr=pdu.destination_addr,
        esme_addr_ton=pdu.source_addr_ton,
        esme_addr_npi=pdu.source_addr_npi,
        esme_addr=pdu.source_addr,
        tlvs=((tlv.MS_AVAILABILITY_STATUS, b"\0"),),
    )


def reply(message: Message) -> DeliverSm:
    """A mobile-originated message from the destination back to the sender, with the same user data."""
    back, submitted = way_back(message), message.pdu
    fits = len(message.user_data) <= _MAX_SHORT_MESSAGE
    return DeliverSm(
        **back,
        esm_class=submitted.esm_class & constants.ESM_CLASS_UDHI,
        data_coding=submitted.data_coding,
        short_message=message.user_data if fits else b"",
        tlvs=() if fits else ((tlv.MESSAGE_PAYLOAD, message.user_data),),
    )
