"""What kind of message a request asks for, and what becomes of its text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gateway.simulator.smsc_http import fields
from gateway.simulator.smsc_http.model import ApiProblem, Params
from gateway.simulator.smsc_http.translit import transliterate
from protocols.smsc_http.sending import (
    MAX_TEXT,
    PREFIXES,
    SendingError,
    call_param,
    parse_binary,
    parts_of,
    split_comment,
    split_prefix,
)

BAD_PARAMETERS = 1
_LETTERS_A_SECOND = 15
_SECONDS_OF_A_FILE = 30
_LINK = re.compile(r"https?://[^\s<>{},]+")
_MIB = 1 << 20


class Kind(NamedTuple):
    """A kind of message: the parameter that asks for it, its code, and how it is charged."""

    name: str
    type: int
    charge: str
    """`sms` for each part, else the column of the tariff."""


SMS = Kind("sms", 0, "sms")
KINDS = {
    kind.name: kind
    for kind in (
        Kind("flash", 1, "sms"),
        Kind("bin", 2, "sms"),
        Kind("push", 3, "sms"),
        Kind("hlr", 4, "hlr"),
        Kind("ping", 5, "sms"),
        Kind("mms", 6, "mms"),
        Kind("call", 7, "call"),
        Kind("mail", 8, "mail"),
        Kind("viber", 10, "messenger"),
        Kind("soc", 12, "messenger"),
        # these two have no code of their own
        Kind("whatsapp", 0, "messenger"),
        Kind("bot", 0, "messenger"),
    )
}
_WITHOUT_TEXT = frozenset({"hlr", "ping"})


class FileSize(NamedTuple):
    """A file in the body of the request."""

    name: str
    size: int


class Content(NamedTuple):
    """What one text becomes."""

    kind: Kind
    text: str
    comment: str
    parts: int
    """SMS, or seconds of a call."""
    extra: dict[str, object] | None = None


def kind_of(params: Params) -> Kind:
    """The kind that the flags ask for. Raises ApiProblem for two kinds at once, or a flag that is none."""
    asked = []
    for name, kind in KINDS.items():
        value = params.get(name, "")
        if not value or (value == "0" and name != "bot"):
            continue
        if name != "bot" and value not in (("1", "2") if name == "bin" else ("1",)):
            raise ApiProblem(BAD_PARAMETERS)
        asked.append(kind)
    if len(asked) > 1:
        raise ApiProblem(BAD_PARAMETERS)
    return asked[0] if asked else SMS


def content_of(
    mes: str, kind: Kind, params: Params, files: Sequence[FileSize], shorten: Callable[[str], str]
) -> Content:
    """What becomes of this text. Raises ApiProblem for what the kind cannot be made of."""
    if kind is SMS:
        prefix, rest = split_prefix(mes)
        if prefix:
            kind, mes = KINDS[PREFIXES[prefix][0]], rest
    if kind.name in _WITHOUT_TEXT:
        return Content(kind, "", "", 1)
    if kind.name == "bin":
        return _binary(mes, kind, params)
    text, comment = split_comment(mes)
    if len(text) > MAX_TEXT and kind.name != "mail":
        raise ApiProblem(BAD_PARAMETERS)
    text = transliterate(text, params.get("translit", "0"))
    links: list[str] = []
    if params.get("tinyurl") == "1":
        text = _LINK.sub(lambda found: _remembered(links, shorten(found[0])), text)
    extra = _extra(kind, params, files, comment)
    if links:
        extra["links"] = links
    _check(kind, text, params, files)
    if kind.charge == "sms":
        text, parts = _cut(text, fields.optional_integer(params, "maxsms", 0, 255) or 0)
    else:
        parts = _seconds(text, extra) if kind.name == "call" else 1
    return Content(kind, text, "" if kind.name == "call" else comment, parts, extra or None)


def _remembered(links: list[str], link: str) -> str:
    links.append(link)
    return link


def _binary(mes: str, kind: Kind, params: Params) -> Content:
    try:
        binary = parse_binary(mes, int(params["bin"]))
    except SendingError:
        raise ApiProblem(BAD_PARAMETERS) from None
    size = len(binary.user_data)
    parts = 1 if size <= 140 else -(-size // 134)
    extra: dict[str, object] = {"octets": binary.octets.hex().upper(), "pid": binary.pid, "dcs": binary.dcs}
    return Content(kind, split_comment(mes)[0], "", parts, extra)


def _cut(text: str, most: int) -> tuple[str, int]:
    """The text and its parts, cut where more parts than `most` (0: any number) would begin."""
    parts = parts_of(text)
    if not most or parts <= most:
        return text, parts
    low, high = 0, len(text)  # parts_of grows with the length: the longest beginning that is short enough
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if parts_of(text[:middle]) <= most else (low, middle - 1)
    return text[:low], parts_of(text[:low])


def _seconds(text: str, extra: dict[str, object]) -> int:
    files = extra.get("files")
    spoken = -(-len(text) // _LETTERS_A_SECOND)
    return max(1, spoken + _SECONDS_OF_A_FILE * (len(files) if isinstance(files, list) else 0))


def _extra(kind: Kind, params: Params, files: Sequence[FileSize], comment: str) -> dict[str, object]:
    """What is remembered of parameters that change nothing else here."""
    names = ("subj", "bot", "smsreq", "pp", "userip")
    extra: dict[str, object] = {name: params[name] for name in names if params.get(name)}
    if kind is not SMS:
        extra["kind"] = kind.name
    attached = [file.name for file in files[:4]] if kind.name == "call" else [file.name for file in files]
    if params.get("fileurl"):
        attached.append(params["fileurl"])
    if attached:
        extra["files"] = attached
    if kind.name == "call":
        wait_s, interval_s, attempts = call_param(comment or params.get("param", ""))
        extra.update(
            voice=params.get("voice") or "m3", wait_s=wait_s, interval_s=interval_s, attempts=attempts
        )
    return extra


def _check(kind: Kind, text: str, params: Params, files: Sequence[FileSize]) -> None:
    has_file = bool(files or params.get("fileurl"))
    if kind.name == "mail":
        bad = not (text and params.get("subj") and params.get("sender"))
        bad = bad or len(files) > 20 or any(file.size > 10 * _MIB for file in files)
    elif kind.name == "mms":
        bad = not (text or params.get("subj")) or len(files) > 20
    elif kind.name == "call":
        bad = not (text or has_file) or any(file.size > 5 * _MIB for file in files)
    elif kind.name == "viber":
        bad = not (text or has_file) or any(file.size > _MIB for file in files)
    else:
        bad = not text
    if bad:
        raise ApiProblem(BAD_PARAMETERS)
