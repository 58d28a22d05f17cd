"""Calls with defaults."""

from __future__ import annotations

from typing import Any

from gateway_fakes import NOW_MS

from gateway.core.api import Call, CallKind, CallTarget


def call(call_id: int = 1, **fields: Any) -> Call:
    """A message of the account app was delivered; `text` is an incoming SMS's in UCS-2."""
    text = fields.pop("text", None)
    values: dict[str, Any] = {
        "call_id": call_id,
        "target": CallTarget.HANDLER.value,
        "tries": 0,
        "account": "app",
        "kind": CallKind.STATUS.value,
        "created_ms": NOW_MS,
        "message_id": 0,
        "api_id": "",
        "phone": "79990000001",
        "own_number": "Example",
        "state": 2,
        "error": "",
        "done_ms": NOW_MS,
        "sms_type": 0,
        "parts": 1,
        "cost": 0,
        "comment": "",
        "esm_class": 0,
        "data_coding": 0,
        "user_data": b"" if text is None else text.encode("utf-16-be"),
        "info": "",
    }
    return Call(**{**values, **fields})
