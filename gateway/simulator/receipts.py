"""The PDUs that the simulated SMSC sends down: receipts and mobile-originated replies."""

from __future__ import annotations

import time
from typing import Any

from gateway.simulator.message import Message
from protocols.smpp import constants, tlv
from protocols.smpp.pdu import DataSm, DeliverSm
from protocols.sms.receipts import STATE_WORDS, format_text

_ERRORS = {constants.DELIVERED: "000", constants.ACCEPTED: "000"}
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


def _way_back(message: Message) -> dict[str, Any]:
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
    error = _ERRORS.get(state, _OTHER_ERROR)
    text = b""
    if content != "tlv":
        quoted = message.text if message.data_coding == 0 else b""
        text = format_text(
            message.receipt_id,
            state,
            _date(message.at),
            _date(done_at),
            error,
            quoted,
        )
        if word is not None:
            text = text.replace(b"stat:" + STATE_WORDS[state].encode(), b"stat:" + word.encode(), 1)
    tlvs: tuple[tuple[int, bytes], ...] = ()
    if content != "text":
        tlvs = (
            (tlv.RECEIPTED_MESSAGE_ID, message.receipt_id.encode("latin-1") + b"\0"),
            (tlv.MESSAGE_STATE, bytes((state,))),
        )
        if state != constants.DELIVERED:
            tlvs += ((tlv.NETWORK_ERROR_CODE, bytes((_GSM_NETWORK, 0, int(error)))),)
    back = _way_back(message)
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


def reply(message: Message) -> DeliverSm:
    """A mobile-originated message from the destination back to the sender, with the same user data."""
    back, submitted = _way_back(message), message.pdu
    fits = len(message.user_data) <= _MAX_SHORT_MESSAGE
    return DeliverSm(
        **back,
        esm_class=submitted.esm_class & constants.ESM_CLASS_UDHI,
        data_coding=submitted.data_coding,
        short_message=message.user_data if fits else b"",
        tlvs=() if fits else ((tlv.MESSAGE_PAYLOAD, message.user_data),),
    )
