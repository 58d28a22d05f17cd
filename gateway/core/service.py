"""What only an SMSC service can send: messages that carry options of it, and other kinds than SMS."""

from __future__ import annotations

OPTIONS_TAG = 0x2100
"""The vendor TLV of a message whose value is options of the service's send.php, form-encoded in UTF-8."""

SERVICE_TYPES = frozenset({"HLR", "PING", "VIBER", "CALL", "SOC", "MMS", "MAIL", "WHATS", "FLASH"})
"""Values of service_type that ask for a kind of message."""


def has_options(tlvs: bytes) -> bool:
    """Whether OPTIONS_TAG is among TLVs as they are on the wire; they were read before, so they are whole."""
    position, end = 0, len(tlvs)
    while position < end:
        if int.from_bytes(tlvs[position : position + 2], "big") == OPTIONS_TAG:
            return True
        position += 4 + int.from_bytes(tlvs[position + 2 : position + 4], "big")
    return False


def needs_service(service_type: str, tlvs: bytes) -> bool:
    """Whether a message means something else, or nothing, to anybody but an SMSC service.

    Both are empty in nearly all messages: look at that before you call.
    """
    return service_type in SERVICE_TYPES or has_options(tlvs)
