"""Recipients of a sending as they are understood (SMSC HTTP API, send.php, `phones`)."""

from __future__ import annotations

import re
from typing import Final

from protocols.sms.addresses import is_e164

MAX_RECIPIENT: Final = 254
"""Characters of a mail address, the longest of what can be a recipient."""

_REMOVED: Final = str.maketrans("", "", " -()\t")
_is_mail = re.compile(r"[^\s\x00-\x1f\x7f,;:|<>\"@]+@[^\s\x00-\x1f\x7f,;:|<>\"@]+", re.ASCII).fullmatch
_is_bot_user = re.compile("#[0-9]{1,20}|[A-Za-z][A-Za-z0-9_]{2,63}", re.ASCII).fullmatch


def canonical_number(phone: str) -> str:
    """The digits of a number; without a plus the national prefixes of Russia, and 00, are corrected."""
    plain = phone.translate(_REMOVED)
    if plain.startswith("+"):
        return plain[1:]
    if len(plain) == 11 and plain[0] == "8":
        return "7" + plain[1:]
    if len(plain) == 10 and plain[0] == "9":
        return "7" + plain
    return plain.removeprefix("00")


def is_number(digits: str) -> bool:
    """Whether a canonical number can be a subscriber's: an international one, with 11 digits if with a 7."""
    return is_e164(digits) and (digits[0] != "7" or len(digits) == 11)


def is_mail(address: str) -> bool:
    """Whether mail can go there."""
    if len(address) > MAX_RECIPIENT or _is_mail(address) is None:
        return False
    return "." in address.partition("@")[2].strip(".")


def is_bot_user(name: str) -> bool:
    """Whether it is a nickname of Telegram, or `#` and an id."""
    return _is_bot_user(name) is not None
