"""What an SMSC service says of a number, for programs and for people.

The store keeps it with the receipt, as " imsi:… msc:…" with URL-encoded values, without empty fields.
"""

from __future__ import annotations

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


def _fields(info: str) -> dict[str, str]:
    pairs = (word.partition(":") for word in info.split())
    return {name: value for name, _, value in pairs}


def receipt_words(info: str) -> str:
    """All fields in the service's order, for the text of a receipt; empty ones too."""
    fields = _fields(info)
    return " ".join(f"{name}:{fields.get(name, '')}" for name in HLR_FIELDS)


def readable(info: str) -> list[tuple[str, str]]:
    """A label and a value for each field that says something."""
    fields = _fields(info)
    said = ((_LABELS[name], fields.get(name, "")) for name in HLR_FIELDS)
    return [(label, _decoded(value)) for label, value in said if value]


def _decoded(value: str) -> str:
    return charsets.decode(charsets.percent_decode(value.encode("utf-8")), "utf-8")
