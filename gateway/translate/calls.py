"""What an account is told, as its handler and its webhook get it.

A handler is called exactly as the SMSC service calls it (SMSC HTTP API, callbacks). A webhook gets JSON:
there may be more members some day, but while `version` stays none goes away or means something else.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from gateway.core.api import Call, CallKind
from gateway.core.message_ids import format_id
from gateway.core.prices import amount_text
from gateway.translate import hlr
from gateway.translate.api_status import CLICKED, Shown, status_of
from gateway.translate.stored_text import readable
from protocols.smsc_http.callbacks import (
    VOICE_FIELDS,
    CallbackRequest,
    IncomingCall,
    StatusCall,
    WaitCall,
    format_callback,
)
from protocols.smsc_http.callbacks import Call as ServiceCall

VERSION: Final = 1
_TYPES: Final = {
    CallKind.STATUS.value: "message.ended",
    CallKind.INCOMING.value: "incoming",
    CallKind.CLICK.value: "message.clicked",
    CallKind.WAITCALL.value: "call.received",
}
STATES: Final = {
    2: "delivered",
    3: "expired",
    4: "cancelled",
    5: "undeliverable",
    6: "handed_over",
    7: "unknown",
    8: "rejected",
    9: "skipped",
}
"""The words of /v1 for MessageState."""
KINDS: Final = {
    0: "sms",
    1: "flash",
    2: "binary",
    3: "push",
    4: "hlr",
    5: "ping",
    6: "mms",
    7: "call",
    8: "mail",
    10: "viber",
    12: "soc",
}
"""By the service's code of a message's type, SMSC HTTP API §3.3."""


# -- the handler ----------------------------------------------------------------------------------------


def handler_request(call: Call, url: str, zone: tzinfo, id_form: str) -> CallbackRequest:
    """The request to the handler at `url`; CallbackError for a URL whose parameters are out of bounds.

    `zone` is the account's; `id_form` how it knows ids that are ours.
    """
    return format_callback(_service_call(call, zone, id_form), url)


def _service_call(call: Call, zone: tzinfo, id_form: str) -> ServiceCall:
    done_s = call.done_ms // 1000
    if call.kind == CallKind.WAITCALL:
        return WaitCall(phone=call.phone, ts=done_s)
    if call.kind == CallKind.INCOMING:
        return IncomingCall(
            id=str(call.message_id),
            phone=call.phone,
            mes=_text_of(call),
            to=call.own_number,
            sms_id=call.api_id,
            sent=done_s,
            time=done_s,
        )
    status, err = _outcome(call)
    voice = hlr.values_of(call.info, (*VOICE_FIELDS, "overtime"))
    overtime = voice.get("overtime")
    return StatusCall(
        id=call.api_id or format_id(call.message_id, id_form),
        phone=call.phone,
        status=status,
        time=f"{datetime.fromtimestamp(done_s, zone):%d.%m.%y %H:%M:%S}",
        ts=done_s,
        err=err,
        cnt=call.parts,
        type=call.sms_type,
        cost=amount_text(call.cost),
        flag=call.sms_type,
        sender=call.own_number,
        cmt=call.comment if overtime is None else f"{call.comment}\novertime: {overtime}".strip(),
        hlr=hlr.values_of(call.info),
        dtmf=voice.get("dtmf", ""),
        calltime=voice.get("calltime", ""),
        callmenu=voice.get("callmenu", ""),
        ringtime=voice.get("ringtime", ""),
    )


# -- the webhook ----------------------------------------------------------------------------------------


def event_id_of(call: Call) -> str:
    """The same for each try of a call, and for each call that tells the same.

    The messages of one submit_multi share an id, so it is the number that makes them different.
    """
    if call.kind == CallKind.INCOMING:
        return f"incoming-{call.message_id}"
    if call.kind == CallKind.WAITCALL:
        return f"call-{call.done_ms}-{call.phone}"
    return f"{'clicked' if call.kind == CallKind.CLICK else 'ended'}-{call.message_id}-{call.phone}"


def type_of(call: Call) -> str:
    """What kind of event it is."""
    return _TYPES.get(call.kind, "unknown")


def webhook_body(call: Call) -> bytes:
    """JSON in UTF-8."""
    event: dict[str, Any] = {
        "version": VERSION,
        "id": event_id_of(call),
        "type": type_of(call),
        "at": time_text(call.created_ms),
        "account": call.account,
    }
    if call.kind == CallKind.INCOMING:
        event["incoming"] = _incoming(call)
    elif call.kind == CallKind.WAITCALL:
        event["call"] = {"from": call.phone, "received_at": time_text(call.done_ms)}
    else:
        event["message"] = _message(call)
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _incoming(call: Call) -> dict[str, Any]:
    return {
        "id": str(call.message_id),
        "from": call.phone,
        "to": call.own_number,
        "text": _text_of(call),
        "received_at": time_text(call.done_ms),
        "answers": call.api_id or None,
    }


def _message(call: Call) -> dict[str, Any]:
    status, err = _outcome(call)
    message: dict[str, Any] = {
        "id": str(call.message_id),
        "reference": call.api_id,
        "to": call.phone,
        "from": call.own_number,
        "kind": KINDS.get(call.sms_type, "sms"),
        "parts": call.parts,
        "cost": amount_text(call.cost),
        "comment": call.comment,
        "status": status,
        "err": err,
    }
    if call.kind == CallKind.CLICK:
        return {**message, "clicked_at": time_text(call.done_ms)}
    message |= {
        "state": STATES.get(call.state, "unknown"),
        "error": call.error,
        "done_at": time_text(call.done_ms),
    }
    for name, said in (
        ("number", hlr.values_of(call.info)),
        ("call", hlr.values_of(call.info, VOICE_FIELDS)),
    ):
        if said:
            message[name] = said
    return message


def time_text(moment_ms: int) -> str:
    """RFC 3339 in UTC, with milliseconds."""
    moment = datetime.fromtimestamp(moment_ms / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment_ms % 1000:03d}Z"


# -- both -----------------------------------------------------------------------------------------------


def _outcome(call: Call) -> Shown:
    """The service's status and err; a link is opened by whoever has the message, whatever else was said."""
    return Shown(CLICKED, 0) if call.kind == CallKind.CLICK else status_of(call.state, call.error)


def _text_of(call: Call) -> str:
    return readable(call.esm_class, call.data_coding, call.user_data)
