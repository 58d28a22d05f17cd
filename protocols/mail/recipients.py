"""Who gets the SMS: numbers as people write them, and what an address's local part asks for.

A local part is a number (`79991234567`, `"+7 (999) 123-45-67"`), a list of attributes
(`/id=79991234567/from=INFO/maxpages=2/`) or a name, whose meaning the gateway's configuration knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from protocols.mail.errors import MailError
from protocols.sms.addresses import is_e164

_BAD_RECIPIENT = "550 5.1.3"
_MAX_NUMBER = 40  # characters with all punctuation
_WHOLE_NUMBER = 10
_MAX_SOURCE = 20
_MAX_SEGMENTS = 255
_MAX_CHARACTERS = 39_015
_MAX_IGNORED = 255

# What people and web pages put between digits: blanks and dashes of several widths.
_PUNCTUATION = " .()\t\u00a0\u2009\u202f-\u2010\u2011\u2012\u2013"
_unpunctuated = str.maketrans("", "", _PUNCTUATION)
_is_number_like = re.compile(f"[0-9+{re.escape(_PUNCTUATION)}]+", re.ASCII).fullmatch
_is_list_like = re.compile(f"[0-9+,;{re.escape(_PUNCTUATION)}]+", re.ASCII).fullmatch
_is_limit = re.compile("[0-9]{1,5}", re.ASCII).fullmatch


National = Callable[[str], str | None]
"""Reads the digits of a number that is written as in its country; None for what is none of those."""
_Read = Callable[[str], str | None]
"""Reads a number in any form that is meant: `international` with what it needs to know."""


class CountryRule(NamedTuple):
    """A national way to write numbers: `prefix` of a number with `length` digits in all becomes `replace`."""

    prefix: str
    length: int
    replace: str


class Wish(NamedTuple):
    """What an address asks for; "" and 0: nothing."""

    numbers: tuple[str, ...]  # international, digits only
    name: str  # a local part that is no number, in small letters
    source: str  # sender of the SMS
    max_segments: int
    max_characters: int


def international(text: str, rules: Sequence[CountryRule], national: National | None = None) -> str | None:
    """The digits of an international number (ITU-T E.164), however it is written; None: it is none.

    After "+" it is taken as it is. Else the first rule that fits changes it, or `national` if it can read
    the digits, and without both "00" stands for the "+". Short codes are no numbers here: a mail has no way
    to say which network's they are.
    """
    if len(text) > _MAX_NUMBER:
        return None
    digits = text.translate(_unpunctuated)
    if digits.startswith("+"):
        digits = digits[1:]
        return digits if is_e164(digits) else None
    abroad = digits.startswith("00")
    for prefix, length, replace in rules:
        # A rule for the trunk prefix 0 would read 00, the way out of the country, as its own.
        if (
            len(digits) == length
            and digits.startswith(prefix)
            and not (abroad and not prefix.startswith("00"))
        ):
            digits = replace + digits[len(prefix) :]
            break
    else:
        found = national(digits) if national is not None and digits.isdecimal() else None
        if found is not None:
            digits = found
        elif abroad:
            digits = digits[2:]
    return digits if is_e164(digits) else None


def parse_local(local: str, rules: Sequence[CountryRule], national: National | None = None) -> Wish:
    """What the part before the last @ asks for; `local` as `parse_address` returns it.

    Attributes are `id` (a number; again for each further one), `from` (the SMS's sender), `maxpages`
    (segments) and `maxlen` (characters). `pagelen`, `ton` and `npi`, which other gateways know, must be
    small numbers and change nothing: what a segment holds follows from its alphabet, and the type of a
    number from the number. MailError when it is neither number nor attributes nor a possible name.
    """
    if not local or not local.isprintable():
        raise MailError(_BAD_RECIPIENT, "the recipient is empty or has characters that cannot be seen")
    read = partial(international, rules=rules, national=national)
    if local[0] == "/":
        return _parse_attributes(local, read)
    number = read(local)
    if number is not None:
        return Wish((number,), "", "", 0, 0)
    if _is_number_like(local):
        raise MailError(_BAD_RECIPIENT, "this is no international number, which has 7 to 15 digits")
    return Wish((), local.lower(), "", 0, 0)


def find_numbers(
    text: str, rules: Sequence[CountryRule], limit: int, national: National | None = None
) -> list[str]:
    """The numbers of a subject or line that consists of nothing else; [] when it does not.

    Commas, semicolons and blanks separate them, though blanks may also stand inside a number. Each comes
    once. MailError when there are more than `limit`.
    """
    if _is_list_like(text) is None:
        return []
    read = partial(international, rules=rules, national=national)
    found: dict[str, None] = {}
    for piece in re.split("[,;]", text):
        numbers = _numbers_between_separators(piece, read)
        if None in numbers:
            return []
        found.update(dict.fromkeys(filter(None, numbers)))
        if len(found) > limit:
            raise MailError("550 5.5.3", f"the mail names more than {limit} numbers")
    return list(found)


def _numbers_between_separators(text: str, read: _Read) -> list[str | None]:
    """The numbers of a text whose blanks are between them or inside; None for what is none.

    Where there is a "+", each begins a number. Else the words are numbers if all of them are long enough,
    and one number together if not.
    """
    words = text.split()
    each = [read(word) for word in words]
    if "+" not in text:
        return [_joined(words, read)] if None in each else each
    grouped: list[list[str]] = []
    for word in words:
        if "+" in word or not grouped:
            grouped.append([])
        grouped[-1].append(word)
    numbers = [_joined(group, read) for group in grouped]
    return each if None in numbers else numbers


def _joined(words: Sequence[str], read: _Read) -> str | None:
    """The number that words make together, unless the first is too long to be a beginning."""
    if len(words) > 1 and len(words[0]) >= _WHOLE_NUMBER:
        return None
    return read("".join(words))


def _parse_attributes(local: str, read: _Read) -> Wish:
    numbers: dict[str, None] = {}
    given: dict[str, str] = {}
    for attribute in local.strip("/").split("/"):
        name, _, value = attribute.partition("=")
        name = name.lower()
        if name == "id":
            number = read(value)
            if number is None:
                raise MailError(_BAD_RECIPIENT, f"id={value[:_MAX_NUMBER]!a} is no international number")
            numbers[number] = None
        elif name not in _ATTRIBUTES:
            raise MailError(_BAD_RECIPIENT, f"unknown attribute {name[:20]!a}")
        elif name in given:
            raise MailError(_BAD_RECIPIENT, f"the attribute {name} is given twice")
        elif not _ATTRIBUTES[name](value):
            raise MailError(_BAD_RECIPIENT, f"the attribute {name} has a wrong value: {value[:20]!a}")
        else:
            given[name] = value
    if not numbers:
        raise MailError(_BAD_RECIPIENT, "the attribute id, the number, is missing")
    return Wish(
        numbers=tuple(numbers),
        name="",
        source=given.get("from", ""),
        max_segments=int(given.get("maxpages", 0)),
        max_characters=int(given.get("maxlen", 0)),
    )


def _up_to(highest: int, lowest: int = 1) -> Callable[[str], bool]:
    return lambda value: _is_limit(value) is not None and lowest <= int(value) <= highest


def _is_source(value: str) -> bool:
    return 0 < len(value) <= _MAX_SOURCE and value.isascii()


_ATTRIBUTES: dict[str, Callable[[str], bool]] = {
    "from": _is_source,
    "maxpages": _up_to(_MAX_SEGMENTS),
    "maxlen": _up_to(_MAX_CHARACTERS),
    "pagelen": _up_to(_MAX_IGNORED, 0),
    "ton": _up_to(_MAX_IGNORED, 0),
    "npi": _up_to(_MAX_IGNORED, 0),
}
