"""What a message is, as the conditions of routes ask for it: worked out when it is asked for, and once."""

from __future__ import annotations

from datetime import datetime, tzinfo
from functools import lru_cache

from gateway.core import numbers
from gateway.core.model import Draft
from gateway.core.patterns import LONGEST_TEXT
from protocols.sms import national, udh
from protocols.sms.addresses import digits_of
from protocols.sms.alphabet import Alphabet, decode
from protocols.sms.data_coding import DataCoding, parse
from protocols.sms.encoding import DEFAULT_TABLES

_UDHI = 0x40  # esm_class: the user data begins with a header (SMPP v3.4 §5.2.12)
ALPHABETS = {
    Alphabet.GSM7: "gsm7",
    Alphabet.LATIN1: "latin1",
    Alphabet.UCS2: "ucs2",
    Alphabet.BINARY: "binary",
}
"""As the configuration names them."""

_OCTETS_MAX = 4  # of one character: a surrogate pair

# A data_coding is one octet.
_coding = lru_cache(maxsize=256)(parse)


@lru_cache(maxsize=256)
def _alphabet(data_coding: int) -> str:
    return ALPHABETS[parse(data_coding).alphabet]


@lru_cache(maxsize=256)
def _class(data_coding: int) -> str:
    found = parse(data_coding).message_class
    return "none" if found is None else str(found)


class Facts:
    """One message as it came, before any route has changed it."""

    __slots__ = ("_country", "_local", "_text", "account", "digits", "draft", "now_ms", "origin")

    def __init__(self, account: str, draft: Draft, origin: int, now_ms: int, digits: str) -> None:
        self.account = account
        """Its name; empty: nobody's, in an explanation."""
        self.draft = draft
        self.origin = origin
        self.now_ms = now_ms
        self.digits = digits
        """The destination's."""
        self._country: str | None = None
        self._text: str | None = None
        self._local: dict[tzinfo, datetime] | None = None

    @property
    def source(self) -> str:
        """The sender: digits of a number, or a name."""
        return digits_of(self.draft.source, self.draft.source_ton)

    @property
    def country(self) -> str:
        """The destination's (ISO 3166); empty: it is of none."""
        if self._country is None:
            self._country = numbers.country_of(self.digits)
        return self._country

    @property
    def coding(self) -> DataCoding:
        """What the data_coding says."""
        return _coding(self.draft.data_coding)

    @property
    def alphabet(self) -> str:
        """As `Route.alphabets` names it."""
        return _alphabet(self.draft.data_coding)

    @property
    def message_class(self) -> str:
        """As `Route.classes` names it."""
        return _class(self.draft.data_coding)

    @property
    def segments(self) -> int:
        """How many SMS it is; a segment that its sender made is as many as it says there are."""
        part = self.draft.part
        return self.draft.segments if part is None else part[1]

    @property
    def text(self) -> str:
        """The beginning of its text, see `text_of`."""
        if self._text is None:
            self._text = text_of(self.draft, self.coding)
        return self._text

    def local(self, zone: tzinfo) -> datetime:
        """Now by the clock there."""
        known = self._local
        if known is None:
            known = self._local = {}
        found = known.get(zone)
        if found is None:
            found = known[zone] = datetime.fromtimestamp(self.now_ms / 1000, zone)
        return found


def text_of(draft: Draft, coding: DataCoding) -> str:
    """The first LONGEST_TEXT characters of a message, or of the segment that it is, without its header; empty
    of data."""
    if coding.alphabet is Alphabet.BINARY or coding.compressed:
        return ""
    data = draft.user_data
    tables = DEFAULT_TABLES
    if draft.esm_class & _UDHI:
        try:
            elements, data = udh.parse(data)
            tables = national.tables_of(elements)
        except ValueError:
            return ""
    data = data[: LONGEST_TEXT * _OCTETS_MAX]
    if coding.alphabet is Alphabet.GSM7 and tables != DEFAULT_TABLES:
        return national.decode(data, *tables)[:LONGEST_TEXT]
    return decode(data, coding.alphabet)[:LONGEST_TEXT]


def facts_of(account: str, draft: Draft, origin: int, now_ms: int) -> Facts:
    """The facts of a message of this account; empty: of nobody's."""
    return Facts(account, draft, origin, now_ms, digits_of(draft.destination, draft.destination_ton))
