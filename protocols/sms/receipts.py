"""Delivery receipts as text (SMPP v3.4 Appendix B), and the ids they speak of.

Appendix B calls its format an example and every SMSC writes its own, so parsing is in two steps: one regular
expression for the form nearly all receipts have, then, for the rest, a search for the field names wherever
they stand. Only the first `MAX_OCTETS` are looked at and every field has a bound, so the cost of a receipt
does not depend on who wrote it.

Message states are numbered as SMPP v3.4 §5.2.28 does.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

ENROUTE = 1
DELIVERED = 2
EXPIRED = 3
DELETED = 4
UNDELIVERABLE = 5
ACCEPTED = 6
UNKNOWN = 7
REJECTED = 8

MAX_OCTETS = 1024
MAX_ID = 65  # SMPP v3.4 §4.4.2: message_id, 65 octets

STATE_WORDS = {
    ENROUTE: "ENROUTE",
    DELIVERED: "DELIVRD",
    EXPIRED: "EXPIRED",
    DELETED: "DELETED",
    UNDELIVERABLE: "UNDELIV",
    ACCEPTED: "ACCEPTD",
    UNKNOWN: "UNKNOWN",
    REJECTED: "REJECTD",
}

# The words of Appendix B, and what SMSCs have been seen to write in their place.
WORD_STATES = {word: state for state, word in STATE_WORDS.items()} | {
    "DELIVERED": DELIVERED,
    "0": DELIVERED,
    "UNDELIVERABLE": UNDELIVERABLE,
    "UNDELIVERED": UNDELIVERABLE,
    "FAILED": UNDELIVERABLE,
    "ACCEPTED": ACCEPTED,
    "ACKED": ACCEPTED,
    "BUFFRED": ENROUTE,
    "BUFFERD": ENROUTE,
    "BUFFERED": ENROUTE,
    "REJECTED": REJECTED,
}


@dataclass(slots=True)
class Receipt:
    """What a receipt's text says; a field it does not have is "" (or None for a number)."""

    id: str
    state: int  # UNKNOWN as well when `stat` is missing or a word nobody knows
    stat: str  # the word as given, at most 16 characters
    error: str  # as given, at most 16 characters, not always a number
    submit_date: str  # as given, for `parse_date`
    done_date: str
    sub: int | None
    dlvrd: int | None
    text: str


_normal_form = re.compile(
    r"id:(\S{1,65})(?: sub:([0-9]{1,3}) dlvrd:([0-9]{1,3}))?"
    r" submit date:([0-9]{10,14}) done date:([0-9]{10,14})"
    r" stat:([A-Z]{1,16}) err:([0-9A-Za-z]{1,16})(?: [Tt]ext:(.*))?",
    re.DOTALL,
).fullmatch

_FIELD = re.compile(
    r"(?<![a-z0-9])(?:(id|sub|dlvrd|stat|err|text)|(submit|done)[ _]?date)\s?:", re.IGNORECASE | re.ASCII
)


def parse_text(data: bytes, *, utf16: bool = False) -> Receipt | None:
    """The receipt that a short message's octets hold, or None if they have neither an id nor a stat field.

    `utf16` says that data_coding was UCS-2. Octets that plainly are the other thing than it says are read
    as what they are. Never raises.

    The id is "" when longer than `MAX_ID`; of a repeated field the first counts; what follows "text:" is the
    message's own and never read as fields. A subscriber can write such a text too: whoever takes a message
    for a receipt by its text alone should ask for both `id` and `stat`.
    """
    if not utf16:
        text = data[:MAX_OCTETS].decode("latin-1")
        match = _normal_form(text)
        if match is not None:
            id_, sub, dlvrd, submit_date, done_date, stat, error, rest = match.groups()
            return Receipt(
                id_,
                WORD_STATES.get(stat, UNKNOWN),
                stat,
                error,
                submit_date,
                done_date,
                int(sub) if sub else None,
                int(dlvrd) if dlvrd else None,
                rest.rstrip("\0") if rest else "",
            )
    return _parse_fields(_readable(data, utf16))


def _readable(data: bytes, utf16: bool) -> str:
    # A receipt begins with ASCII, so in UTF-16 one octet of the first two is 0, and it says which order.
    head = data[:4]
    if head[:2] in (b"\xfe\xff", b"\xff\xfe"):
        return data[: 2 * MAX_OCTETS].decode("utf-16", "replace")
    if head[1:4:2] == b"\0\0":
        return data[: 2 * MAX_OCTETS].decode("utf-16-le", "replace")
    if head[0:4:2] == b"\0\0" or (utf16 and b"\0" in head):
        return data[: 2 * MAX_OCTETS].decode("utf-16-be", "replace")
    return data[:MAX_OCTETS].decode("latin-1")


def _parse_fields(text: str) -> Receipt | None:
    values: dict[str, str] = {}
    name, start = "", 0
    for match in _FIELD.finditer(text):
        if name:
            values.setdefault(name, text[start : match.start()])
        name, start = (match[1] or match[2]).lower(), match.end()
        if name == "text":
            break
    if name:
        values.setdefault(name, text[start:])
    if "id" not in values and "stat" not in values:
        return None
    stat = _word(values.get("stat", ""))[:16]
    id_ = _word(values.get("id", ""))
    return Receipt(
        id=id_ if len(id_) <= MAX_ID else "",
        state=WORD_STATES.get(stat.upper(), UNKNOWN),
        stat=stat,
        error=_word(values.get("err", ""))[:16],
        submit_date=values.get("submit", "").strip()[:32],
        done_date=values.get("done", "").strip()[:32],
        sub=_number(values.get("sub", "")),
        dlvrd=_number(values.get("dlvrd", "")),
        text=values.get("text", "").rstrip("\0"),
    )


def _word(value: str) -> str:
    words = value.split(None, 1)
    return words[0].rstrip(",;\0") if words else ""


def _number(value: str) -> int | None:
    word = _word(value)
    return int(word) if len(word) <= 9 and word.isascii() and word.isdigit() else None


def parse_date(text: str) -> datetime | None:
    """A receipt's date as UTC, or None if it is none (empty, zeros, nonsense).

    Reads YYMMDDhhmm (Appendix B) and YYMMDDhhmmss, YYYYMMDDhhmm and YYYYMMDDhhmmss, SMPP's absolute time
    (SMPP v3.4 §7.1.1), and seconds or milliseconds since 1970 where the digits are no calendar date;
    separators are skipped. Only the absolute time names its zone: the others are taken for UTC, and a
    caller that knows the SMSC's zone replaces it.
    """
    if len(text) == 16 and text[15] in "+-" and text.isascii() and text[:15].isdigit():
        moment = _calendar(text[:12], "%y%m%d%H%M%S")
        if moment is None:
            return None
        offset = timedelta(minutes=15 * int(text[13:15]))
        return moment - offset if text[15] == "+" else moment + offset
    digits = "".join([c for c in text[:32] if c in "0123456789"])
    if not digits.strip("0"):
        return None
    for pattern in _DATE_PATTERNS.get(len(digits), ()):
        moment = _calendar(digits, pattern)
        if moment is not None:
            return moment
    if len(digits) in (10, 13):
        return datetime.fromtimestamp(int(digits[:10]), UTC)
    return None


_DATE_PATTERNS = {
    10: ("%y%m%d%H%M",),
    12: ("%y%m%d%H%M%S", "%Y%m%d%H%M"),
    14: ("%Y%m%d%H%M%S",),
}


def _calendar(digits: str, pattern: str) -> datetime | None:
    try:
        return datetime.strptime(digits, pattern).replace(tzinfo=UTC)
    except ValueError:
        return None


def format_date(moment: datetime) -> str:
    """YYMMDDhhmm, the form of Appendix B; the same for a whole minute, so callers can keep it."""
    return moment.strftime("%y%m%d%H%M")


def format_text(
    id: str,
    state: int,
    submit_date: str,
    done_date: str,
    error: str | int = 0,
    text: bytes = b"",
    sub: int = 1,
    dlvrd: int | None = None,
) -> bytes:
    """A receipt's short message in the form of SMPP v3.4 Appendix B.

    The dates are what `format_date` gives. `text` is cut to the 20 octets the form has for it. `dlvrd`
    defaults to all of `sub` for DELIVERED and none for any other state.
    """
    if dlvrd is None:
        dlvrd = sub if state == DELIVERED else 0
    if isinstance(error, int):
        error = f"{error:03d}"
    head = (
        f"id:{id} sub:{sub:03d} dlvrd:{dlvrd:03d} submit date:{submit_date} done date:{done_date}"
        f" stat:{STATE_WORDS.get(state, 'UNKNOWN')} err:{error} text:"
    )
    return head.encode("latin-1", "replace") + text[:20]


# --- ids -----------------------------------------------------------------------------------------------

FORMS = ("same", "hex_to_dec", "dec_to_hex")
"""How an SMSC may write the id of its response in its receipts, the usual one first."""

_is_hex = re.compile("[0-9a-f]+").fullmatch
_is_decimal = re.compile("[0-9]+").fullmatch


def response_key(id: str) -> str:
    """What to remember a submit_sm_resp's message_id by, for `convert` to meet.

    Case and leading zeros are dropped, since SMSCs change both between response and receipt. An id with a
    dash is not a number but a name (a UUID, or parts put together): there zeros count and no conversion
    makes sense, so it only loses its case. "" (no id in the response) stays "".
    """
    key = id.casefold()
    if not key or "-" in key:
        return key
    return key.lstrip("0") or "0"


def convert(form: str, receipt_id: str) -> str | None:
    """The `response_key` of the message that a receipt with this id means, if the SMSC uses `form`.

    "same": the same id; "hex_to_dec": hexadecimal in the receipt, decimal in the response; "dec_to_hex": the
    reverse. None when the id cannot be of that form, is empty, or is longer than `MAX_ID`. Ids are numbers
    of any size here: some are longer than 64 bits.
    """
    if not receipt_id or len(receipt_id) > MAX_ID:
        return None
    key = response_key(receipt_id)
    if form == "same":
        return key
    if form == "hex_to_dec":
        return str(int(key, 16)) if _is_hex(key) else None
    if form == "dec_to_hex":
        return f"{int(key):x}" if _is_decimal(key) else None
    raise ValueError(f"no such form: {form}")


def id_forms(receipt_id: str) -> list[tuple[str, str]]:
    """Every (form, response key) that a receipt's id may stand for, in the order of `FORMS`."""
    return [(form, key) for form in FORMS if (key := convert(form, receipt_id)) is not None]
