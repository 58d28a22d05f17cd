"""PDUs for a person who traces: cut out of the stream, decoded, and without what is nobody's business.

Passwords never leave this file: neither decoded nor in the octets of the PDU.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.codec import decode
from protocols.smpp.errors import DecodeError, FieldFault
from protocols.smpp.layouts import LAYOUTS, FieldKind, read_fields
from protocols.smpp.pdu import Pdu, SmeAddress
from protocols.sms import alphabet, udh

LONGEST_PDU = 1 << 18
"""What says that it is longer is no PDU."""
TLVS_MAX = 256
_WITH_PASSWORD = frozenset({c.BIND_RECEIVER, c.BIND_TRANSMITTER, c.BIND_TRANSCEIVER, c.OUTBIND})
_SYSTEM_ID_MAX = 15
_HEAD = frozenset({"sequence_number", "command_status", "tlvs", "password"})
_TEXTS = frozenset({"short_message"})
_TEXT_TLVS = frozenset({tlv.MESSAGE_PAYLOAD})
_UDHI = 0x40
_RESPONSE = 0x80000000
_ADDRESSES = ("source_addr", "destination_addr")


class Cutter:
    """Cuts one direction of a stream into PDUs."""

    def __init__(self, begun: bytes = b"") -> None:
        """`begun`: what had come of a PDU before somebody looked."""
        self._rest = begun
        self._lost = False

    def cut(self, data: bytes) -> Iterator[bytes]:
        """The PDUs that are whole now; none any more after a length that makes no sense."""
        if self._lost:
            return
        data = self._rest + data if self._rest else data
        pos = 0
        while len(data) - pos >= 4:
            length = int.from_bytes(data[pos : pos + 4], "big")
            if not c.HEADER_LENGTH <= length <= LONGEST_PDU:
                self._lost, self._rest = True, b""
                return
            if len(data) - pos < length:
                break
            yield data[pos : pos + length]
            pos += length
        self._rest = data[pos:]


def head_of(frame: bytes) -> tuple[int, int, int]:
    """command_id, command_status and sequence_number."""
    command_id, status, number = (int.from_bytes(frame[at : at + 4], "big") for at in (4, 8, 12))
    return command_id, status, number


def bound_as(frame: bytes) -> str | None:
    """The system_id of a bind; None: it is another PDU."""
    if head_of(frame)[0] not in _WITH_PASSWORD:
        return None
    return frame[c.HEADER_LENGTH :].partition(b"\0")[0][:_SYSTEM_ID_MAX].decode("latin-1")


def numbers_of(frame: bytes) -> Iterator[str]:
    """The addresses in a PDU, as they stand there; none of one that cannot be read."""
    pdu = _decoded(frame)
    for name in _ADDRESSES if pdu is not None else ():
        if address := getattr(pdu, name, ""):
            yield address
    for address in getattr(pdu, "dest_addresses", ()):
        if isinstance(address, SmeAddress):
            yield address.destination_addr


def plain_number(text: str) -> str:
    """A number without what says that it is international."""
    return text.removeprefix("+").removeprefix("00")


def same_number(one: str, other: str) -> bool:
    """Whether two ways to write a number mean one: the last nine digits of long ones count."""
    one, other = plain_number(one), plain_number(other)
    if min(len(one), len(other)) >= 10:
        return one[-9:] == other[-9:]
    return bool(one) and one == other


def shown(frame: bytes, *, texts: bool) -> dict[str, Any]:
    """A PDU as plain values: command, sequence, status (of responses), fields, TLVs, frame (hexadecimal)."""
    command_id, status, number = head_of(frame)
    found: dict[str, Any] = {"command": c.command_name(command_id), "sequence": number}
    if command_id & _RESPONSE or status:
        found["status"] = c.status_name(status)
    pdu = _decoded(frame)
    if pdu is None:
        found["error"] = "it cannot be read"
    else:
        found["fields"] = _fields(pdu, texts)
        found["tlvs"] = {
            tlv.name(tag): _value(tag, raw) if texts or not _may_be_text(tag) else _count(raw)
            for tag, raw in pdu.tlvs
        }
    found["frame"] = without_secrets(frame, texts=texts).hex()
    return found


def without_secrets(frame: bytes, *, texts: bool) -> bytes:
    """The PDU with asterisks for its password, and for its text unless `texts`."""
    if head_of(frame)[0] in _WITH_PASSWORD:
        return _starred(frame, _password_at(frame))
    return frame if texts else _without_text(frame)


def _password_at(frame: bytes) -> tuple[int, int]:
    """Where the password is; in a body that is not as it should be, it may be anywhere."""
    begin = frame.find(0, c.HEADER_LENGTH)
    end = frame.find(0, begin + 1)
    if not 0 <= begin - c.HEADER_LENGTH <= _SYSTEM_ID_MAX or end < 0:
        return c.HEADER_LENGTH, len(frame)
    return begin + 1, end


def _may_be_text(tag: int) -> bool:
    """Whether a TLV's value is a text, or may be: a vendor's is whatever the vendor likes."""
    return tag in _TEXT_TLVS or tag not in tlv.TABLE


def _without_text(frame: bytes) -> bytes:
    command_id = head_of(frame)[0]
    layout = LAYOUTS.get(command_id)
    # of a request that cannot be read (an sm_length too small, say) any octet may be its text's
    if layout is None or (not command_id & _RESPONSE and _decoded(frame) is None):
        return _starred(frame, (c.HEADER_LENGTH, len(frame)))
    try:
        for place, field in enumerate(layout):
            if field.kind is FieldKind.SHORT_MESSAGE:
                at = read_fields(frame, layout[:place])[1]
                frame = _starred(frame, (at + 1, at + 1 + frame[at]))
        at = read_fields(frame, layout)[1]
    except (FieldFault, IndexError):
        return frame  # a response that is cut short
    while at + 4 <= len(frame):
        tag, size = (int.from_bytes(frame[pos : pos + 2], "big") for pos in (at, at + 2))
        if _may_be_text(tag):
            frame = _starred(frame, (at + 4, at + 4 + size))
        at += 4 + size
    return frame


def _starred(frame: bytes, place: tuple[int, int]) -> bytes:
    begin, end = place[0], min(place[1], len(frame))
    return frame[:begin] + b"*" * (end - begin) + frame[end:]


def _decoded(frame: bytes) -> Pdu | None:
    try:
        return decode(frame, TLVS_MAX)
    except DecodeError:
        return None


def _fields(pdu: Pdu, texts: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in fields(pdu):
        value = getattr(pdu, field.name)
        if field.name in _HEAD or value == field.default:
            continue
        if field.name in _TEXTS:
            found[field.name] = value.hex() if texts else _count(value)
        elif isinstance(value, tuple):
            found[field.name] = [list(item) for item in value]
        else:
            found[field.name] = value
    if hasattr(pdu, "password"):
        found["password"] = "***"  # noqa: S105
    text = _text(pdu) if texts else ""
    if text:
        found["text"] = text
    return found


def _text(pdu: Pdu) -> str:
    """What a phone would show, in the specification's alphabets; empty: nothing that can be read."""
    data = getattr(pdu, "short_message", b"") or tlv.get(pdu.tlvs, tlv.MESSAGE_PAYLOAD) or b""
    if getattr(pdu, "esm_class", 0) & _UDHI:
        try:
            data = udh.parse(data)[1]
        except ValueError:
            return ""
    kind = alphabet.for_data_coding(getattr(pdu, "data_coding", 0))
    return "" if kind is alphabet.Alphabet.BINARY else alphabet.decode(data, kind)


def _value(tag: int, raw: bytes) -> int | str:
    try:
        value = tlv.decode_value(tag, raw)
    except ValueError:
        return raw.hex()
    return value.hex() if isinstance(value, bytes) else value


def _count(value: bytes) -> str:
    return f"<{len(value)} octets>"
