"""The columns of an export: what the store has of a message, as people and programs read it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from gateway.core.model import MessageState, Origin
from gateway.core.prices import amount_text
from protocols.smpp.constants import ESM_CLASS_UDHI
from protocols.sms import national, udh
from protocols.sms.alphabet import Alphabet, decode, for_data_coding
from protocols.sms.encoding import DEFAULT_TABLES

COLUMNS = (
    "message_id", "account", "accepted", "from", "to", "segments", "connector", "route", "submitted",
    "upstream_id", "state", "error", "done", "retries", "origin", "client_id", "amount",
)  # fmt: skip
TEXT = "text"
_ORIGINS = {int(Origin.SESSION): "smpp", int(Origin.MAIL): "mail"}
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
        record[TEXT] = text_of(row["esm_class"], row["data_coding"], bytes.fromhex(row["user_data"]))
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


def text_of(esm_class: int, data_coding: int, data: bytes) -> str:
    """What a message said; of one that is no text its octets, in hexadecimal."""
    alphabet = for_data_coding(data_coding)
    if alphabet is Alphabet.BINARY:
        return data.hex()
    tables = DEFAULT_TABLES
    if esm_class & ESM_CLASS_UDHI:
        try:
            elements, text = udh.parse(data)
            tables = national.tables_of(elements)
        except ValueError:
            return data.hex()
        data = text
    if alphabet is Alphabet.GSM7 and tables != DEFAULT_TABLES:
        return national.decode(data, *tables)
    return decode(data, alphabet)
