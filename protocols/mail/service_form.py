r"""The form in which the SMSC service takes a mail: who sends, when, how, to whom and what, in its body.

::

    login:psw:id:time,tz:translit,format,sender,test:phones:mes
    login:psw:id:time,tz:translit,format,sender,test::list

The list has a line `[sender[,tz]|]phones:text` for each text, in which `\n` is a line feed. Where a mail
program adds to what was written, only what stands between `[text]` and `[/text]` counts; these may enclose
the whole form or its text. In what follows, a phone may also be `G<n>`, a group, or `#<id>`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

from protocols.mail.errors import MailError

FORMAT_NAMES = {
    0: "SMS",
    1: "flash SMS",
    2: "WAP push",
    3: "HLR",
    4: "binary",
    5: "binary in hex digits",
    6: "ping",
    7: "MMS",
    8: "e-mail",
    9: "call",
    10: "Viber",
    11: "social networks",
}
"""What the numbers of `format` mean."""
SMS, FLASH, PUSH, HLR, BINARY, BINARY_HEX, PING, MMS, MAIL, CALL, VIBER, SOC = FORMAT_NAMES
BOT = 12
"""A message by a bot of Telegram; no number of `format`, only a prefix says it."""
_WITHOUT_TEXT = (HLR, PING)
_BINARY = (BINARY, BINARY_HEX)
_PREFIXES = {
    "__CALL__": 9,
    "__VIBER__": 10,
    "__SOC__": 11,
    "__MAIL__": 8,
    "__PING__": 6,
    "__HLR__": 3,
    "__BOT__": BOT,
}
"""Beginnings of a text that stand for a format."""

MAX_FORM = 100 * 1024
"""Characters of a form; the service takes as many octets."""
MAX_TEXT = 1000
_COLONS = 6
_COMMENT = "\n~~~\n"
_BAD_FORM = "550 5.5.4"

_MOSCOW_OFFSET_H = 3
_is_id = re.compile("[A-Za-z0-9._-]{1,40}", re.ASCII).fullmatch
_is_zone = re.compile("[+-]?[0-9]{1,2}", re.ASCII).fullmatch
_is_minutes = re.compile(r"\+[0-9]{1,6}", re.ASCII).fullmatch
_is_window = re.compile("([0-9]{1,2})-([0-9]{1,2})", re.ASCII).fullmatch
_is_timestamp = re.compile("0[0-9]{10}", re.ASCII).fullmatch
_is_moment = re.compile(
    r"([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})"
    r"|([0-9]{2})\.([0-9]{2})\.([0-9]{2}) ([0-9]{2}):([0-9]{2})",
    re.ASCII,
).fullmatch
_find_text = re.compile(r"\[text\]", re.IGNORECASE).search
_find_text_end = re.compile(r"\[/text\]", re.IGNORECASE).search
_unwanted = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]").sub


class ServiceText(NamedTuple):
    """A text of a form, and whom it goes to."""

    phones: tuple[str, ...]  # as given
    text: str  # with its prefix; with its comment where that could matter: not of an SMS
    source: str  # of this line of the list; "": the form's
    format: int = SMS  # of FORMAT_NAMES, or BOT: the form's, unless the text's prefix says another one


class ServiceMail(NamedTuple):
    """What a form says; "" where it says nothing."""

    login: str
    password: str  # an API key when `login` is ""
    client_id: str  # the sender's own id of the message
    time: str  # as parse_time reads it
    zone: str  # offset to Moscow in hours
    translit: str  # "0", "1" or "2"
    source: str  # sender of the SMS; ".": none, not even the account's
    test: bool
    texts: tuple[ServiceText, ...]

    def __repr__(self) -> str:
        """Without the password, and without the texts."""
        return f"ServiceMail(login={self.login!r}, client_id={self.client_id!r}, texts={len(self.texts)})"


def parse_service_form(text: str) -> ServiceMail:
    """The form in a mail's body.

    Comments, after a line of three tildes, are left out of SMS; binary ones keep them, as pid and dcs stand
    there, and so do the kinds that only the service sends. MailError, 552 for more than MAX_FORM and else
    550, for what is no form; its text never repeats what the mail says, for that may be the password.
    """
    if len(text) > MAX_FORM:
        raise MailError("552 5.3.4", f"the form has more than {MAX_FORM} characters")
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    fields, message = _split(text)
    login, password, client_id, when, how, phones = fields
    time, _, zone = (part.strip() for part in when.partition(","))
    options = [option.strip() for option in how.split(",")]
    if len(options) > 4:
        raise _bad("the fifth field is translit,format,sender,test")
    translit, number, source, test = options + [""] * (4 - len(options))
    number = number or "0"
    if translit not in ("", "0", "1", "2") or test not in ("", "0", "1"):
        raise _bad("translit is 0, 1 or 2, and test 0 or 1")
    if number not in map(str, FORMAT_NAMES):
        raise _bad(f"format is a number from 0 to {max(FORMAT_NAMES)}")
    if client_id and _is_id(client_id) is None:
        raise _bad("id is up to 40 Latin letters, digits and . - _")
    if phones:
        texts = [ServiceText(_phones(phones.replace(";", ",")), message, "")]
    else:
        texts, zone = _list(message, time, zone)
    return ServiceMail(
        login=login,
        password=password,
        client_id="" if client_id == "0" else client_id,
        time=time,
        zone=zone,
        translit=translit,
        source=source,
        test=test == "1",
        texts=tuple(_checked(said, int(number)) for said in texts),
    )


def parse_time(time: str, zone: str, now: datetime) -> datetime | None:
    """When to send, in UTC; None: at once. `now` is aware.

    `time` is `DDMMYYhhmm` or `DD.MM.YY hh:mm` in the zone; `h1-h2`, hours of the day in the zone within
    which it may be sent (22-6 goes over midnight); `0` and a Unix timestamp; `+m`, minutes from now; "" or
    `0`. `zone` is an offset to Moscow time in hours, "" is 0. A moment that is past means at once.
    ValueError for anything else.
    """
    place = timezone(timedelta(hours=_MOSCOW_OFFSET_H + _zone_h(zone)))
    if time in ("", "0"):
        return None
    if _is_minutes(time):
        due = now + timedelta(minutes=int(time))
    elif (window := _is_window(time)) is not None:
        return _opening(int(window[1]), int(window[2]), now.astimezone(place))
    elif _is_timestamp(time):
        due = datetime.fromtimestamp(int(time), UTC)
    elif (moment := _is_moment(time)) is not None:
        day, month, year, hour, minute = (int(part) for part in moment.groups() if part is not None)
        due = datetime(2000 + year, month, day, hour, minute, tzinfo=place)
    else:
        raise ValueError("it is none of the forms of a time")
    return due.astimezone(UTC) if due > now else None


def _zone_h(zone: str) -> int:
    if not zone:
        return 0
    # From UTC-12 to UTC+14.
    if _is_zone(zone) is None or not -15 <= int(zone) <= 11:
        raise ValueError("a zone is an offset to Moscow of -15 to 11 hours")
    return int(zone)


def _opening(first: int, last: int, local: datetime) -> datetime | None:
    """The next moment in the hours from `first` until `last`; None: now is one."""
    if first == last or first > 23 or last > 24:
        raise ValueError("a window is two hours of a day")
    inside = first <= local.hour < last if first < last else local.hour >= first or local.hour < last
    if inside:
        return None
    opening = local.replace(hour=first, minute=0, second=0, microsecond=0)
    return (opening if opening > local else opening + timedelta(days=1)).astimezone(UTC)


def _bad(text: str) -> MailError:
    return MailError(_BAD_FORM, text)


def _split(text: str) -> tuple[list[str], str]:
    """The six fields and what follows them, of the whole or of what [text] encloses."""
    tag = _find_text(text)
    if tag is not None:
        end = _find_text_end(text, tag.end())
        if end is None:
            raise _bad("[/text] is missing after [text]")
        enclosed = text[tag.end() : end.start()]
        before = text[: tag.start()]
        text = before + enclosed if before.count(":") >= _COLONS else enclosed
    parts = text.split(":", _COLONS)
    if len(parts) <= _COLONS:
        raise _bad("the form is login:psw:id:time,tz:translit,format,sender,test:phones:mes")
    fields = [_unwanted("", part).strip() for part in parts[:_COLONS]]
    if not all(field.isprintable() for field in fields):
        raise _bad("only the message or the list may have several lines")
    return fields, parts[_COLONS]


def _phones(text: str) -> tuple[str, ...]:
    found = tuple(phone.strip() for phone in text.split(",") if phone.strip())
    if not found:
        raise _bad("the phones are missing")
    return found


def _list(message: str, time: str, zone: str) -> tuple[list[ServiceText], str]:
    """The texts of a list, and the zone of all of them.

    A line's zone changes nothing but a moment, and a message has one, so lines may not differ in it then.
    """
    texts = []
    zones = set()
    for number, line in enumerate(message.split("\n"), 1):
        if not line.strip():
            continue
        parts = re.split("[:;]", line, maxsplit=1)
        if len(parts) < 2:
            raise _bad(f"line {number} of the list is not phones:text")
        head, _, phones = _unwanted("", parts[0]).rpartition("|")
        source, _, own_zone = (part.strip() for part in head.partition(","))
        if not (source + own_zone).isprintable():
            raise _bad(f"line {number} of the list has characters that cannot be seen")
        zones.add(own_zone or zone)
        texts.append(ServiceText(_phones(phones), parts[1].replace("\\n", "\n"), source))
    if not texts:
        raise _bad("neither phones nor a list are given")
    if _is_moment(time) is None:
        return texts, zone
    if len(zones) > 1:
        raise _bad("the lines of a list may not have different time zones: send one mail for each")
    return texts, zones.pop()


def _checked(said: ServiceText, number: int) -> ServiceText:
    """With its format: `number`, unless its prefix says another one."""
    text, comment = _unwanted("", said.text), ""
    start = text.lstrip()
    kind = next((kind for prefix, kind in _PREFIXES.items() if start.startswith(prefix)), number)
    if kind == BINARY:
        text = said.text  # its octets may be anything
    if kind not in _BINARY:
        text, tildes, comment = f"\n{text}".partition(_COMMENT)
        comment = tildes + comment.strip("\n") if kind not in (SMS, FLASH) else ""
    if kind != BINARY:
        text = text.strip("\n")
    if not text.strip() and kind not in _WITHOUT_TEXT:
        raise _bad("a text is missing")
    if len(text) > MAX_TEXT or len(comment) > MAX_TEXT:
        raise _bad(f"a text has more than {MAX_TEXT} characters")
    return said._replace(text=text + comment, format=kind)
