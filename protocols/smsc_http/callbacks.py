"""Calls of the SMSC service to its client's handler: a status, an incoming SMS, a confirmation call.

The handler's URL has options in its query, and one of them a secret. In a call the option of the secret holds
a digest instead, over some of the call's values as they are transmitted and the secret: only who knows it can
have made the call (SMSC HTTP API, callbacks).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

from protocols.smsc_http import charsets, flat, forms

MAX_BODY: Final = 64 * 1024
"""Octets of a call; 1000 characters percent-encoded are 6000."""
HASHES: Final[tuple[str, ...]] = ("md5", "sha1", "crc32")
HLR_FIELDS: Final = ("imsi", "msc", "mcc", "mnc", "cn", "net", "rcn", "rnet")
VOICE_FIELDS: Final = ("dtmf", "calltime", "callmenu", "ringtime")
"""What a status says of a call and its voice menu."""

_STATUS_TEXTS = ("time", "syserr", "cost", "sender", "dtmf", "cmt", "calltime", "callmenu", "ringtime")
_STATUS_FIELDS = ("id", "phone", "status", "ts", "err", "cnt", "type", "flag", *_STATUS_TEXTS, *HLR_FIELDS)
_INCOMING_FIELDS = ("id", "phone", "mes", "to", "sms_id", "smsc", "sent", "time")
_SIGNED_STATUS = ("id", "phone", "status")
_SIGNED_INCOMING = ("phone", "mes", "to")
_SIGNED_WAIT = ("phone", "ts")
_OPTIONS = frozenset({"charset", "fmt", *HASHES})
_is_number = re.compile("-?[0-9]{1,18}", re.ASCII).fullmatch


class CallbackError(ValueError):
    """What came is no call of the service; the text never repeats what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    own: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the client's own, from the handler's URL."""
    hashes: Mapping[str, str] = field(default_factory=dict)
    """By kind, as they came."""
    signed: bytes = field(default=b"", repr=False, compare=False)
    """What the hash is over, as transmitted, without the secret; of a call that was parsed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusCall(_Call):
    """What became of a message."""

    id: str
    phone: str
    status: int
    time: str = ""  # DD.MM.YY hh:mm:ss in the account's zone
    ts: int = 0  # the same as a Unix timestamp
    err: int = 0
    syserr: str = ""
    cnt: int = 0  # parts, or seconds of a call
    type: int | None = None
    cost: str = ""
    flag: int = 0
    sender: str = ""
    dtmf: str = ""  # keys pressed in a call
    cmt: str = ""
    calltime: str = ""
    callmenu: str = ""
    ringtime: str = ""
    hlr: Mapping[str, str] = field(default_factory=dict)  # HLR_FIELDS, those that came


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingCall(_Call):
    """An SMS of a subscriber."""

    id: str
    phone: str
    mes: str
    to: str = ""  # the number that received it
    sms_id: str = ""  # of the message that it answers
    smsc: str = ""
    sent: int = 0  # Unix timestamp
    time: int = 0  # Unix timestamp of when the service had it


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitCall(_Call):
    """A subscriber called the number that he was told to."""

    phone: str
    ts: int


Call = StatusCall | IncomingCall | WaitCall


class _Values(NamedTuple):
    """A call's parameters, as text and as transmitted."""

    texts: dict[str, str]
    octets: dict[str, bytes]


def parse_callback(content_type: str, body: bytes, query: str = "", charset: str = "") -> Call:
    """The call in a request to the handler; `query` is what its URL has after "?".

    `charset` is the one the URL asks for, if the call itself does not say it; without either it is
    windows-1251, as the service's rule is. Whether the body is a form, XML or JSON shows from its first
    octet. CallbackError for anything else.
    """
    if len(body) > MAX_BODY or len(query) > MAX_BODY:
        raise CallbackError(f"a call has at most {MAX_BODY} octets")
    try:
        values = _values(content_type, body, query, charset)
    except ValueError as error:
        raise CallbackError(str(error)) from None
    if "mes" in values.texts:
        return _incoming(values)
    return _wait(values) if "waitcall" in values.texts else _status(values)


def _status(values: _Values) -> StatusCall:
    texts = values.texts
    return StatusCall(
        id=_needed(texts, "id"),
        phone=_needed(texts, "phone"),
        status=_number(texts, "status"),
        ts=_number(texts, "ts", 0),
        err=_number(texts, "err", 0),
        cnt=_number(texts, "cnt", 0),
        type=_number(texts, "type") if texts.get("type") else None,
        flag=_number(texts, "flag", 0),
        hlr={name: texts[name] for name in HLR_FIELDS if name in texts},
        own=_own(texts, _STATUS_FIELDS),
        hashes=_hashes(texts),
        signed=_signed(values.octets, _SIGNED_STATUS),
        **{name: texts.get(name, "") for name in _STATUS_TEXTS},
    )


def _incoming(values: _Values) -> IncomingCall:
    texts = values.texts
    return IncomingCall(
        id=_needed(texts, "id"),
        phone=_needed(texts, "phone"),
        mes=texts["mes"],
        to=texts.get("to", ""),
        sms_id=texts.get("sms_id", ""),
        smsc=texts.get("smsc", ""),
        sent=_number(texts, "sent", 0),
        time=_number(texts, "time", 0),
        own=_own(texts, _INCOMING_FIELDS),
        hashes=_hashes(texts),
        signed=_signed(values.octets, _SIGNED_INCOMING),
    )


def _wait(values: _Values) -> WaitCall:
    texts = values.texts
    return WaitCall(
        phone=_needed(texts, "phone"),
        ts=_number(texts, "ts"),
        own=_own(texts, ("waitcall", "phone", "ts")),
        hashes=_hashes(texts),
        signed=_signed(values.octets, _SIGNED_WAIT),
    )


def _values(content_type: str, body: bytes, query: str, charset: str) -> _Values:
    fields = forms.parse_form(query.encode("utf-8", "replace"))
    start = body.lstrip()[:1]
    if start in (b"{", b"<"):
        charset = charsets.canonical(_last(fields, b"charset")) or charsets.charset_of(content_type, charset)
        text = charsets.decode(body, charset or _guess(body))
        members = flat.parse_json(text) if start == b"{" else flat.parse_xml(text)
        encoded = {name: charsets.encode(value, charset or _guess(body)) for name, value in members.items()}
        named = _named(fields)
        return _Values(_decoded(named, charset) | members, named | encoded)
    if forms.media_type(content_type) == forms.MULTIPART:
        fields += [(part.name, part.content) for part in forms.parse_multipart(content_type, body)]
    else:
        fields += forms.parse_form(body.strip())
    charset = charsets.canonical(_last(fields, b"charset")) or charset
    named = _named(fields)
    return _Values(_decoded(named, charset), named)


def _guess(body: bytes) -> str:
    """JSON and XML are UTF-8 unless they cannot be."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return charsets.DEFAULT
    return "utf-8"


def _last(fields: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    found = b""
    for each, value in fields:
        if each == name:
            found = value
    return found.decode("latin-1")


def _named(fields: Iterable[tuple[bytes, bytes]]) -> dict[str, bytes]:
    return {name.decode("utf-8", "replace"): value for name, value in fields}


def _decoded(named: Mapping[str, bytes], charset: str) -> dict[str, str]:
    return {name: charsets.decode(value, charset) for name, value in named.items()}


def _own(texts: Mapping[str, str], known: Iterable[str]) -> dict[str, str]:
    left_out = _OPTIONS.union(known)
    return {name: value for name, value in texts.items() if name not in left_out}


def _needed(texts: Mapping[str, str], name: str) -> str:
    if not texts.get(name):
        raise CallbackError(f"{name} is missing")
    return texts[name]


def _number(texts: Mapping[str, str], name: str, default: int | None = None) -> int:
    text = texts.get(name, "").strip()
    if not text and default is not None:
        return default
    if _is_number(text) is None:
        raise CallbackError(f"{name} is no number")
    return int(text)


def _hashes(texts: Mapping[str, str]) -> dict[str, str]:
    return {kind: texts[kind] for kind in HASHES if kind in texts}


def _signed(octets: Mapping[str, bytes], names: Iterable[str]) -> bytes:
    return b"".join([octets.get(name, b"") + b":" for name in names])


def hash_of(kind: str, signed: bytes, secret: str) -> str:
    """The digest of a call: `signed` is its values, each with a colon behind it, as they are transmitted.

    md5 and sha1 in small hex digits, crc32 as a decimal number. ValueError for any other kind.
    """
    octets = signed + secret.encode()
    if kind == "md5":
        return hashlib.md5(octets, usedforsecurity=False).hexdigest()
    if kind == "sha1":
        return hashlib.sha1(octets, usedforsecurity=False).hexdigest()
    if kind == "crc32":
        return str(zlib.crc32(octets))
    raise ValueError(f"{kind} is none of {', '.join(HASHES)}")


def check_hash(call: Call, secret: str, kind: str) -> bool:
    """Whether a call that was parsed has the digest of this kind, in either notation of crc32.

    Takes as long for a wrong one as for the right one. An empty secret is never right.
    """
    given = call.hashes.get(kind, "").strip().lower().encode("utf-8", "replace")
    expected = hash_of(kind, call.signed, secret)
    same = hmac.compare_digest(given, expected.encode())
    if kind == "crc32":
        same |= hmac.compare_digest(given, f"{int(expected):08x}".encode())
    return same and bool(secret)


class CallbackRequest(NamedTuple):
    """A POST to the handler."""

    url: str
    content_type: str
    body: bytes


class _Target(NamedTuple):
    """A handler's URL taken apart."""

    url: str
    query: list[tuple[str, bytes]]  # parameters between "/!" and "?"
    posted: list[tuple[str, bytes]]  # those after "?"
    charset: str
    fmt: str
    secrets: dict[str, str]


def format_callback(call: Call, url: str) -> CallbackRequest:
    """The request that brings a call to the handler at `url`, with the options that stand there.

    Parameters between "/!" and "?" stay in the query, those after "?" go into the body with the call's own;
    the value of md5, sha1 or crc32 is the secret and becomes the digest. Characters that the charset lacks
    become "?". CallbackError for a URL whose parameters are out of bounds.
    """
    target = _target(url)
    fields = [(name, value) for name, value in _fields_of(call) if value is not None]
    if target.fmt == "2":  # the hash is over what arrives
        fields = [(name, flat.xml_text(value) if isinstance(value, str) else value) for name, value in fields]
    octets = {name: charsets.encode(str(value), target.charset) for name, value in fields}
    signed = _signed(octets, _signed_names(call))
    digests = {kind: hash_of(kind, signed, secret).encode() for kind, secret in target.secrets.items()}
    query = [(name, digests.get(name, value)) for name, value in target.query]
    # A parameter of the client's that is named like one of the call's would hide it.
    posted = [(name, digests.get(name, value)) for name, value in target.posted if name not in octets]
    full = f"{target.url}?{forms.format_form(query).decode()}" if query else target.url
    if target.fmt not in ("2", "3"):
        return CallbackRequest(full, forms.FORM, forms.format_form([*octets.items(), *posted]))
    members: list[tuple[str, str | int]] = [
        (name, value if isinstance(value, int) else charsets.decode(octets[name], target.charset))
        for name, value in fields
    ]
    members += [(name, charsets.decode(value, target.charset)) for name, value in dict(posted).items()]
    kind, text = (
        ("text/xml", flat.format_xml("result", members))
        if target.fmt == "2"
        else ("application/json", flat.format_json(members))
    )
    body = charsets.encode(text, target.charset)
    return CallbackRequest(full, f"{kind}; charset={target.charset}", body)


@lru_cache(maxsize=16)
def _target(url: str) -> _Target:
    address, _, after = url.partition("#")[0].partition("?")
    before = ""
    if "/!" in address:
        address, _, before = address.partition("/!")
        address += "/"
    try:
        query, posted = (
            [(name.decode(), value) for name, value in forms.parse_form(part.encode())]
            for part in (before, after)
        )
    except ValueError:
        raise CallbackError("the handler's URL has parameters out of bounds") from None
    options = {name: value.decode("latin-1") for name, value in query + posted if name in _OPTIONS}
    fmt = options.get("fmt", "")
    charset = charsets.canonical(options.get("charset", "")) or charsets.DEFAULT
    if fmt in ("2", "3") and charset == "koi8-r":
        charset = charsets.DEFAULT
    secrets: dict[str, str] = {kind: options[kind] for kind in HASHES if kind in options}
    return _Target(address, query, posted, charset, fmt, secrets)


def _signed_names(call: Call) -> tuple[str, ...]:
    if isinstance(call, StatusCall):
        return _SIGNED_STATUS
    return _SIGNED_INCOMING if isinstance(call, IncomingCall) else _SIGNED_WAIT


def _fields_of(call: Call) -> list[tuple[str, str | int | None]]:
    """What a call says, in the order of the documentation; None: left out."""
    if isinstance(call, WaitCall):
        return [("waitcall", 1), ("phone", call.phone), ("ts", call.ts)]
    if isinstance(call, IncomingCall):
        return [
            *(("id", call.id), ("sms_id", call.sms_id or None), ("phone", call.phone), ("mes", call.mes)),
            *(("to", call.to), ("smsc", call.smsc or None), ("sent", call.sent), ("time", call.time)),
        ]
    return [
        *(("id", call.id), ("phone", call.phone), ("status", call.status), ("time", call.time)),
        *(("ts", call.ts), ("err", call.err or None), ("syserr", call.syserr or None), ("cnt", call.cnt)),
        *(("type", call.type), ("cost", call.cost), ("flag", call.flag), ("sender", call.sender)),
        *(("dtmf", call.dtmf or None), ("cmt", call.cmt or None)),
        *((name, call.hlr.get(name)) for name in HLR_FIELDS),
        *((name, getattr(call, name) or None) for name in ("calltime", "callmenu", "ringtime")),
    ]
