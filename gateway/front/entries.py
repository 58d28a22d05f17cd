"""What address books and blacklists hold: numbers of subscribers, or mail addresses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from gateway.front.fields import bad, items
from protocols.smsc_http.recipients import MAX_RECIPIENT, canonical_number, is_mail, is_number

ENTRIES_MAX: Final = 100
"""Numbers or addresses of one contact."""
_LONGEST: Final = ENTRIES_MAX * (MAX_RECIPIENT + 2)
"""Characters of a list of them: each is looked at, and nobody else has a turn meanwhile."""


class Entries(NamedTuple):
    """One of the two kinds, as phones.php or mails.php has it."""

    word: str
    """How the script's parameters name an entry."""
    is_mail: bool
    read_one: Callable[[str], str]
    """An entry in the form in which it is kept; ApiProblem when it is none."""

    def read_all(self, value: str) -> list[str]:
        """A list of them, with any separators, from one to ENTRIES_MAX, each once."""
        if len(value) > _LONGEST:
            raise bad()
        found = list(dict.fromkeys(map(self.read_one, items(value))))
        if not 0 < len(found) <= ENTRIES_MAX:
            raise bad()
        return found


def _phone(value: str) -> str:
    digits = canonical_number(value.strip())
    if not is_number(digits):
        raise bad()
    return digits


def _mail(value: str) -> str:
    address = value.strip().lower()
    if not is_mail(address) or address.split() != [address]:  # entries are kept with spaces between them
        raise bad()
    return address


PHONE: Final = Entries("phone", False, _phone)
MAIL: Final = Entries("mail", True, _mail)
