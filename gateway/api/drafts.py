"""A message as JSON has it to a draft, or to what is wrong with each of its fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, get_args

from gateway.api.problems import FieldError
from gateway.config.connector_model import Transliteration
from gateway.core.model import UNTIL_EXPIRY, Draft
from gateway.core.texts import rewrite
from gateway.translate.api_submit import BINARY, UDHI, Coded, coded_text
from gateway.translate.smpp_reading import special_message
from protocols.smpp.pdu import SubmitSm
from protocols.sms import segments, udh
from protocols.sms.addresses import (
    NPI_ISDN,
    TON_INTERNATIONAL,
    TON_UNKNOWN,
    guess_source_ton_npi,
    is_alphanumeric_sender,
    is_e164,
)
from protocols.sms.alphabet import Alphabet

FIELDS = frozenset(
    (
        *("to", "text", "data_hex", "udh_hex", "from", "flash", "send_at", "validity_s", "max_parts"),
        *("transliterate", "priority", "reference"),
    )
)
POLICIES: tuple[str, ...] = get_args(Transliteration)
TEXT_MAX = segments.MAX_SEGMENTS * 153
REFERENCE_MAX = 64
VALIDITY_MAX_S = 30 * 86_400
SCHEDULE_MAX_MS = 366 * 86_400_000
_OCTETS_MAX = segments.MAX_SEGMENTS * 134

_is_number = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{3,15}", re.ASCII).fullmatch
_is_hex = re.compile(r"(?:[0-9A-Fa-f]{2})*", re.ASCII).fullmatch
_is_time = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
).fullmatch
_has_half_pair = re.compile("[\ud800-\udfff]").search
Errors = list[FieldError]


def draft_of(item: Any, now_ms: int, address: str, flags: int = 0) -> Draft | Errors:
    """The message that an object asks for.

    `address`: the IP address it came from; `flags`: see Wish.
    """
    if type(item) is not dict:
        return [FieldError("", "type", "a message is an object with the members to and text")]
    errors: Errors = []
    if not item.keys() <= FIELDS:
        errors += _unknown(item)
    to = item.get("to")
    if type(to) is not str or _is_number(to) is None:
        errors.append(_error("to", "write an international number in digits, for example +79990000001"))
        to = ""
    digits = to[1:] if to.startswith("+") else to
    sender = _sender(item.get("from", ""), errors)
    coded = _content(item, errors)
    due_ms, expires_ms = _times(item, now_ms, errors) if "send_at" in item or "validity_s" in item else (0, 0)
    priority, reference = item.get("priority", 0), item.get("reference", "")
    if type(priority) is not int or not 0 <= priority <= 3:
        errors.append(_error("priority", "write 0 to 3; 3 goes first"))
    if reference != "" and not _is_reference(reference):
        errors.append(_error("reference", f"write 1 to {REFERENCE_MAX} printable characters"))
    if errors or sender is None or coded is None:
        return errors
    source_ton, source_npi, source = sender
    esm_class, protocol_id, data_coding, user_data, count = coded
    return Draft(
        "",
        source_ton,
        source_npi,
        source,
        TON_INTERNATIONAL if is_e164(digits) else TON_UNKNOWN,
        NPI_ISDN,
        digits,
        esm_class,
        protocol_id,
        priority,
        1,
        data_coding,
        user_data,
        b"",
        count,
        due_ms,
        expires_ms,
        UNTIL_EXPIRY if expires_ms else "",
        flags,
        None,
        reference,
        address,
    )


def _error(field: str, detail: str, code: str = "invalid") -> FieldError:
    return FieldError(field, code, detail)


def _unknown(item: Mapping[str, Any]) -> Errors:
    names = sorted(item.keys() - FIELDS)
    known = ", ".join(sorted(FIELDS))
    return [_error(name[:40], f"there is no such member; there are {known}", "unknown") for name in names[:5]]


def _is_reference(reference: Any) -> bool:
    return type(reference) is str and 0 < len(reference) <= REFERENCE_MAX and reference.isprintable()


# -- sender ---------------------------------------------------------------------------------------------


def _sender(source: Any, errors: Errors) -> tuple[int, int, str] | None:
    found = sender_of(source) if type(source) is str else None
    if found is None:
        errors.append(_error("from", "write a number of up to 15 digits, or a name of up to 11 characters"))
    return found


@lru_cache(maxsize=4096)
def sender_of(text: str) -> tuple[int, int, str] | None:
    """TON, NPI and sender; "" leaves the choice to account, route and SMSC. None: it can be no sender."""
    if not text:
        return 0, 0, ""
    digits = text.removeprefix("+")
    if digits.isascii() and digits.isdecimal():
        return (*guess_source_ton_npi(text), digits) if len(digits) <= 15 else None
    return (*guess_source_ton_npi(text), text) if is_alphanumeric_sender(text) else None


# -- text and octets ------------------------------------------------------------------------------------


def _content(item: Mapping[str, Any], errors: Errors) -> Coded | None:
    flash, most = item.get("flash", False), item.get("max_parts", 0)
    if type(flash) is not bool:
        errors.append(_error("flash", "write true or false"))
    if type(most) is not int or not 0 <= most <= segments.MAX_SEGMENTS:
        errors.append(_error("max_parts", f"write 1 to {segments.MAX_SEGMENTS}"))
        most = 0
    text = item.get("text")
    if "data_hex" in item or "udh_hex" in item:
        coded = _octets(item, errors)
    elif type(text) is not str or not 0 < len(text) <= TEXT_MAX:
        errors.append(_error("text", f"write a text of 1 to {TEXT_MAX} characters, or data_hex"))
        return None
    else:
        policy = item.get("transliterate", "none")
        if policy not in POLICIES:
            errors.append(_error("transliterate", f"write one of {', '.join(POLICIES)}"))
            policy = "none"
        coded = text_of(text, policy, flash=flash is True)
        if coded is None:
            errors.append(_error("text", "it has half of a surrogate pair: write the whole character"))
    if coded is not None and coded.segments > (most or segments.MAX_SEGMENTS):
        limit = most or segments.MAX_SEGMENTS
        errors.append(_error("text", f"it takes {coded.segments} SMS, and {limit} is the most", "too_long"))
    return coded


def text_of(text: str, policy: str, *, flash: bool) -> Coded | None:
    """A text as it goes up; None: it is not well-formed Unicode."""
    if not text.isascii() and _has_half_pair(text) is not None:
        return None
    return coded_text(text if policy == "none" else rewrite(text, policy, ()).text, flash=flash)


def _octets(item: Mapping[str, Any], errors: Errors) -> Coded | None:
    """8-bit data, with a header if there is one; data that does not fit into one SMS is split."""
    for name in ("text", "transliterate", "flash"):
        if item.get(name):
            errors.append(_error(name, "it goes with a text, and not with data_hex"))
    parts = []
    for name in ("udh_hex", "data_hex"):
        digits = item.get(name, "")
        if type(digits) is not str or len(digits) > 2 * _OCTETS_MAX or _is_hex(digits) is None:
            errors.append(_error(name, f"write up to {_OCTETS_MAX} octets, two hexadecimal digits each"))
            return None
        parts.append(bytes.fromhex(digits))
    header, data = parts
    if not header and not data:
        errors.append(_error("data_hex", "it is empty: write the octets to send, or a text"))
        return None
    if not header:
        return Coded(0, 0, BINARY, data, segments.count(data, Alphabet.BINARY))
    return _with_header(header, data, errors)


def _with_header(header: bytes, data: bytes, errors: Errors) -> Coded | None:
    try:
        elements, rest = udh.parse(header)
        if rest:
            raise udh.UdhError(f"{len(rest)} octets behind the header")
        if udh.concatenation(elements) is not None:
            raise udh.UdhError("the gateway joins parts itself: send the data whole, without that element")
        count = segments.count(data, Alphabet.BINARY, header=elements)
    except udh.UdhError as error:
        errors.append(_error("udh_hex", f"it is no header: {error}"))
        return None
    return Coded(UDHI, 0, BINARY, header + data, count)


def kind_of(draft: Draft) -> str:
    """The name of what a handset obeys without asking its user, or "" (see AccountSmpp.allow)."""
    if not draft.esm_class & UDHI:
        return ""
    return special_message(SubmitSm(data_coding=draft.data_coding), draft.user_data, draft.esm_class)


# -- times ----------------------------------------------------------------------------------------------


def _times(item: Mapping[str, Any], now_ms: int, errors: Errors) -> tuple[int, int]:
    """When it is due and when it expires; 0: not said. A time that is over is due at once."""
    due_ms = 0
    if "send_at" in item:
        moment = moment_of(item["send_at"])
        if moment is None or moment > now_ms + SCHEDULE_MAX_MS:
            errors.append(
                _error("send_at", "write a time within a year as RFC 3339 has it, 2026-12-31T09:30:00+03:00")
            )
        else:
            due_ms = moment if moment > now_ms else 0
    validity = item.get("validity_s", 0)
    if validity == 0 and type(validity) is int and "validity_s" not in item:
        return due_ms, 0
    if type(validity) is not int or not 1 <= validity <= VALIDITY_MAX_S:
        errors.append(_error("validity_s", f"write 1 to {VALIDITY_MAX_S} seconds"))
        return due_ms, 0
    return due_ms, (due_ms or now_ms) + validity * 1000


def moment_of(text: Any) -> int | None:
    """A time of RFC 3339 in milliseconds since 1970; None: it is none, or before."""
    if type(text) is not str or len(text) > 40 or _is_time(text) is None:
        return None
    try:
        moment = int(datetime.fromisoformat(text.upper().replace(" ", "T")).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
    return moment if moment >= 0 else None
