"""WAP push: service indication and service loading, in the octets of an SMS.

User data behind ports 2948 (destination) and 9200 is a push of connectionless WSP (WAP-230 §8.2.4.1), whose
body is WBXML (WAP-192): `<si>` (WAP-167) shows a text with a link, `<sl>` (WAP-168) has the handset load one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from protocols.sms.udh import Element
from protocols.sms.udh_values import Ports, ports_of

PUSH_PORT = 2948
PUSH_PORT_SECURE = 2949
SOURCE_PORT = 9200
_WAP_PORTS = frozenset((PUSH_PORT, PUSH_PORT_SECURE, *range(9200, 9208)))
PORTS = Ports(PUSH_PORT, SOURCE_PORT)

_PUSH = 0x06
_UTF_8 = 106  # IANA's MIBenum, as charsets are told here
_CHARSETS = {3: "ascii", 4: "latin-1", _UTF_8: "utf-8"}
_END, _STR_I, _STR_T, _OPAQUE = 0x01, 0x03, 0x83, 0xC3
_HAS_CONTENT, _HAS_ATTRIBUTES = 0x40, 0x80
MAX_CHARACTERS = 8192
"""Of all values together: a few octets can name a string of the document's table again and again."""

SI_TYPE, SL_TYPE = "application/vnd.wap.sic", "application/vnd.wap.slc"
_TYPE_CODES = {0x2E: SI_TYPE, 0x30: SL_TYPE}
_TLDS = {0x85: ".com/", 0x86: ".edu/", 0x87: ".net/", 0x88: ".org/"}
_LINKS = ("", "http://", "http://www.", "https://", "https://www.")
# Attribute tokens: what they begin, and the beginning of its value.
_SI_ATTRIBUTES = {
    0x05: ("action", "signal-none"),
    0x06: ("action", "signal-low"),
    0x07: ("action", "signal-medium"),
    0x08: ("action", "signal-high"),
    0x09: ("action", "delete"),
    0x0A: ("created", ""),
    **{0x0B + place: ("href", start) for place, start in enumerate(_LINKS)},
    0x10: ("si-expires", ""),
    0x11: ("si-id", ""),
    0x12: ("class", ""),
}
_SL_ATTRIBUTES = {
    0x05: ("action", "execute-low"),
    0x06: ("action", "execute-high"),
    0x07: ("action", "cache"),
    **{0x08 + place: ("href", start) for place, start in enumerate(_LINKS)},
}
_SI_ACTIONS = {value: token for token, (name, value) in _SI_ATTRIBUTES.items() if name == "action"}
_SL_ACTIONS = {value: token for token, (name, value) in _SL_ATTRIBUTES.items() if name == "action"}


class WapPushError(ValueError):
    """Not a push, or not one that can be made."""


class Push(NamedTuple):
    """What a push says; `attributes` are those of `<indication>` or `<sl>`, `text` is that of the first."""

    content_type: str
    """In words where it is one of the two, else as it came: a name, or "0x" and its number."""
    headers: bytes
    """Those after the content type, unread."""
    body: bytes
    attributes: dict[str, str]
    """Empty when the body is of another type; times as YYYYMMDDhhmmss, shorter where the rest is 0."""
    text: str


def is_wap_push(elements: Iterable[Element], destination_port: int | None = None) -> bool:
    """Whether a header, or SMPP's destination_port, leads to a handset's WAP push or WAP browser."""
    ports = ports_of(elements)
    return destination_port in _WAP_PORTS or (ports is not None and ports.destination in _WAP_PORTS)


# -- making ----------------------------------------------------------------------------------------


def service_indication(
    href: str,
    text: str,
    *,
    action: str = "signal-medium",
    si_id: str = "",
    created: datetime | None = None,
    expires: datetime | None = None,
    transaction: int = 1,
) -> bytes:
    """User data of a push that shows `text` with a link; times are UTC.

    Raises WapPushError for an unknown `action` or a NUL in a text.
    """
    attributes = _link(href, 0x0B)
    if si_id:
        attributes += b"\x11" + _string(si_id)
    for token, moment in ((0x0A, created), (0x10, expires)):
        if moment is not None:
            digits = bytes.fromhex(f"{moment.year:04}{moment:%m%d%H%M%S}").rstrip(b"\0")
            attributes += bytes((token, _OPAQUE, len(digits))) + digits
    attributes += _action(action, _SI_ACTIONS, "signal-medium")
    indication = b"\xc6" + attributes + b"\x01" + (_string(text) if text else b"") + b"\x01"
    return _push(0x2E, b"\x02\x05" + bytes((_UTF_8, 0)) + b"\x45" + indication + b"\x01", transaction)


def service_loading(href: str, *, action: str = "execute-low", transaction: int = 1) -> bytes:
    """User data of a push that has the handset load a link.

    Raises WapPushError for an unknown `action` or a NUL in the link.
    """
    attributes = _link(href, 0x08) + _action(action, _SL_ACTIONS, "execute-low")
    return _push(0x30, b"\x02\x06" + bytes((_UTF_8, 0)) + b"\x85" + attributes + b"\x01", transaction)


def _push(content_type: int, body: bytes, transaction: int) -> bytes:
    # Content type with a charset, in the form that has its own length.
    header = bytes((3, 0x80 | content_type, 0x81, 0x80 | _UTF_8))
    return bytes((transaction & 0xFF, _PUSH, len(header))) + header + body


def _action(action: str, tokens: dict[str, int], default: str) -> bytes:
    if action not in tokens:
        raise WapPushError(f"action {action!r}: one of {', '.join(tokens)}")
    return b"" if action == default else bytes((tokens[action],))


def _link(href: str, token: int) -> bytes:
    place = max((n for n, start in enumerate(_LINKS) if href.startswith(start)), key=lambda n: len(_LINKS[n]))
    rest = href[len(_LINKS[place]) :]
    data = bytes((token + place,))
    ends = [(rest.find(end), code) for code, end in _TLDS.items() if end in rest]
    if ends:
        at, code = min(ends)
        data += _string(rest[:at]) if at else b""
        data += bytes((code,))
        rest = rest[at + len(_TLDS[code]) :]
    return data + _string(rest) if rest else data


def _string(text: str) -> bytes:
    if "\0" in text:
        raise WapPushError("a text with a NUL")
    return bytes((_STR_I,)) + text.encode("utf-8", "replace") + b"\0"


# -- reading ---------------------------------------------------------------------------------------


def read(user_data: bytes) -> Push:
    """The push in user data, without its header.

    Raises WapPushError for anything else, and for SI or SL that cannot be read to its end.
    """
    if len(user_data) < 4 or user_data[1] != _PUSH:
        raise WapPushError("not a push of WSP")
    length, start = _uintvar(user_data, 2)
    end = start + length
    if not start < end <= len(user_data):
        raise WapPushError("its headers are longer than the push")
    content_type, position = _content_type(user_data[:end], start)
    body = user_data[end:]
    attributes: dict[str, str] = {}
    text = ""
    if content_type in (SI_TYPE, SL_TYPE):
        try:
            attributes, text = _Document(body, content_type == SI_TYPE).read()
        except (IndexError, UnicodeDecodeError, LookupError):
            raise WapPushError("its content cannot be read") from None
    return Push(content_type, user_data[position:end], body, attributes, text)


def _content_type(data: bytes, position: int) -> tuple[str, int]:
    """The content type (WAP-230 §8.4.2.24) and where it ends."""
    first = data[position]
    if first < 0x20:  # with parameters, which are not needed: the body says its charset
        length, start = _uintvar(data, position + 1) if first == 0x1F else (first, position + 1)
        end = start + length
        if not start < end <= len(data):
            raise WapPushError("its content type is longer than its headers")
        return _content_type(data[:end], start)[0], end
    if first & 0x80:
        return _TYPE_CODES.get(first & 0x7F, f"0x{first & 0x7F:02X}"), position + 1
    end = data.find(b"\0", position)
    if end < 0:
        raise WapPushError("its content type has no end")
    return data[position:end].decode("latin-1"), end + 1


def _uintvar(data: bytes, position: int) -> tuple[int, int]:
    value = 0
    for place in range(position, min(position + 5, len(data))):
        value = value << 7 | data[place] & 0x7F
        if not data[place] & 0x80:
            return value, place + 1
    raise WapPushError("a number without an end")


class _Document:
    """WBXML of SI or SL; IndexError where it ends too early."""

    def __init__(self, data: bytes, is_si: bool) -> None:
        self._data = data
        self._attributes = _SI_ATTRIBUTES if is_si else _SL_ATTRIBUTES
        self._is_si = is_si
        public_id, position = _uintvar(data, 1)
        if public_id == 0:  # it is written in the table of strings
            _, position = _uintvar(data, position)
        charset, position = _uintvar(data, position)
        self._charset = _CHARSETS[charset or _UTF_8]
        length, position = _uintvar(data, position)
        self._strings = data[position : position + length]
        self._position = position + length
        self._room = MAX_CHARACTERS

    def read(self) -> tuple[dict[str, str], str]:
        """Attributes and text of the one element that has them."""
        tag = self._next()
        if self._is_si:
            if tag & 0x3F != 0x05 or not tag & _HAS_CONTENT:
                raise WapPushError("no <si>")
            if tag & _HAS_ATTRIBUTES:
                self._read_attributes()
            tag = self._next()
            if tag & 0x3F != 0x06:
                raise WapPushError("no <indication>")
        elif tag & 0x3F != 0x05:
            raise WapPushError("no <sl>")
        attributes = self._read_attributes() if tag & _HAS_ATTRIBUTES else {}
        return attributes, self._read_text() if tag & _HAS_CONTENT else ""

    def _next(self) -> int:
        self._position += 1
        return self._data[self._position - 1]

    def _read_attributes(self) -> dict[str, str]:
        found: dict[str, str] = {}
        name = ""
        while (token := self._next()) != _END:
            if token in self._attributes:
                name, start = self._attributes[token]
                found[name] = start
            elif name:
                found[name] += self._value(token)
            else:
                raise WapPushError("a value without its attribute")
        return found

    def _read_text(self) -> str:
        pieces = []
        while (token := self._next()) != _END:
            pieces.append(self._value(token))
        return "".join(pieces)

    def _value(self, token: int) -> str:
        if token in _TLDS:
            return _TLDS[token]
        if token == _STR_I:
            return self._string(self._data, self._position, moves=True)
        if token == _STR_T:
            at, self._position = _uintvar(self._data, self._position)
            return self._string(self._strings, at, moves=False)
        if token == _OPAQUE:
            length, start = _uintvar(self._data, self._position)
            self._position = start + length
            if self._position > len(self._data):
                raise IndexError
            return self._counted(self._data[start : self._position].hex())
        raise WapPushError(f"a token 0x{token:02X}")

    def _string(self, data: bytes, start: int, *, moves: bool) -> str:
        end = data.find(b"\0", start)
        if end < 0:
            raise IndexError
        if moves:
            self._position = end + 1
        return self._counted(data[start:end].decode(self._charset))

    def _counted(self, value: str) -> str:
        self._room -= len(value)
        if self._room < 0:
            raise WapPushError(f"more than {MAX_CHARACTERS} characters")
        return value
