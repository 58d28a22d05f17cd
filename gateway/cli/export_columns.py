"""The columns of an export: what the store has of a message, as people and programs read it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from gateway.core.model import MessageState, Origin
from gateway.core.prices import amount_text
from gateway.translate.stored_text import readable

COLUMNS = (
    "message_id", "account", "accepted", "from", "to", "segments", "connector", "route", "submitted",
    "upstream_id", "state", "error", "done", "retries", "origin", "client_id", "amount",
)  # fmt: skip
TEXT = "text"
_ORIGINS = {int(Origin.SESSION): "smpp", int(Origin.MAIL): "mail", int(Origin.HTTP): "http"}
_STATES = {int(state): state.name for state in MessageState}


def record_of(row: dict[str, Any]) -> dict[str, Any]:
    """A row of gateway.store.reader_history by the names of COLUMNS."""
    record = {
        "message_id": row["message_id"],
        "account": row["account"],
        "accepted": _time(row["accepted_ms"]),
        "from": row["source"],
        "to": row["destination"],
        "segments": row["segments"],
        "connector": row["connector"],
        "route": row["route"],
        "submitted": _time(row["submitted_ms"]),
        "upstream_id": row["upstream_id"],
        "state": _STATES[row["state"]],
        "error": row["error"],
        "done": _time(row["done_ms"]),
        "retries": row["retries"],
        "origin": _ORIGINS.get(row["origin"], str(row["origin"])),
        "client_id": row["client_id"],
        "amount": None if row["amount"] is None else amount_text(row["amount"]),
    }
    if row.get("user_data") is not None:
        record[TEXT] = readable(row["esm_class"], row["data_coding"], bytes.fromhex(row["user_data"]))
    else:
        record[TEXT] = None
    return record


def _time(ms: int | None) -> str | None:
    if not ms:
        return None
    return f"{_second(ms // 1000)}.{ms % 1000:03}Z"


@lru_cache(4096)
def _second(seconds: int) -> str:
    """Rows come in the order of their times, so most have the second of one before."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00")
