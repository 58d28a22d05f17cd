"""What an SMSC service says of a number, for programs and for people.

The store keeps it with the receipt, as " imsi:… msc:…" with URL-encoded values, without empty fields.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from protocols.smsc_http import charsets
from protocols.smsc_http.callbacks import HLR_FIELDS

_LABELS = {
    "imsi": "IMSI",
    "msc": "MSC",
    "mcc": "MCC",
    "mnc": "MNC",
    "cn": "Country",
    "net": "Operator",
    "rcn": "Roaming in",
    "rnet": "Roaming at",
}

_MAX_VALUE = 64  # octets
_receipt = re.compile(r"id:\S{1,65} stat:[A-Z]{1,16} err:[0-9]{1,5} (imsi:.*)", re.DOTALL).fullmatch


def found_in(text: bytes) -> str:
    """What the service's receipt over SMPP says of a number that was looked up; "" for any other receipt."""
    match = _receipt(text.decode("latin-1"))
    fields = _fields(match[1]) if match is not None else {}
    said = ((name, fields.get(name, "")[:_MAX_VALUE]) for name in HLR_FIELDS)
    return "".join(
        f" {name}:{value}" for name, value in said if value.isascii() and value.isprintable() and value
    )


def _fields(info: str) -> dict[str, str]:
    pairs = (word.partition(":") for word in info.split())
    return {name: value for name, _, value in pairs}


def receipt_words(info: str) -> str:
    """All fields in the service's order, for the text of a receipt; empty ones too."""
    fields = _fields(info)
    return " ".join(f"{name}:{fields.get(name, '')}" for name in HLR_FIELDS)


def values_of(info: str, names: Sequence[str] = HLR_FIELDS) -> dict[str, str]:
    """What it says by these names; nothing of a receipt that is about something else."""
    fields = _fields(info)
    return {name: _decoded(fields[name]) for name in names if fields.get(name)}


def readable(info: str) -> list[tuple[str, str]]:
    """A label and a value for each field that says something."""
    fields = _fields(info)
    said = ((_LABELS[name], fields.get(name, "")) for name in HLR_FIELDS)
    return [(label, _decoded(value)) for label, value in said if value]


def _decoded(value: str) -> str:
    return charsets.decode(charsets.percent_decode(value.encode("utf-8")), "utf-8")
