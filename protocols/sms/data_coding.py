"""What a data_coding octet says besides the alphabet: class, waiting indication, compression.

0–15 are SMPP's own list (SMPP v3.4 §5.2.19); the rest are the coding groups of 3GPP TS 23.038 §4.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from protocols.sms.alphabet import Alphabet, for_data_coding


class Group(Enum):
    """The coding group, which decides what the other bits mean."""

    SMPP = "SMPP's list"
    GENERAL = "general data coding"
    AUTOMATIC_DELETION = "automatic deletion"
    RESERVED = "reserved"
    WAITING_DISCARD = "message waiting, discard"
    WAITING_STORE = "message waiting, store, GSM 7 bit"
    WAITING_STORE_UCS2 = "message waiting, store, UCS-2"
    CLASS = "data coding and message class"


class Waiting(NamedTuple):
    """A message waiting indication."""

    kind: int
    """0 voicemail, 1 fax, 2 e-mail, 3 other."""
    active: bool
    store: bool
    """Whether the handset keeps the text."""


class DataCoding(NamedTuple):
    """A data_coding octet, read."""

    group: Group
    alphabet: Alphabet
    """Of the text itself, before it was compressed."""
    message_class: int | None
    """0 shown at once and not kept, 1 the handset's, 2 the SIM's, 3 the terminal equipment's."""
    compressed: bool
    waiting: Waiting | None


_ALPHABET_BITS = (Alphabet.GSM7, Alphabet.BINARY, Alphabet.UCS2, Alphabet.GSM7)
_SMPP = {Alphabet.GSM7: 0, Alphabet.LATIN1: 3, Alphabet.BINARY: 4, Alphabet.UCS2: 8}
_BITS_OF = {Alphabet.GSM7: 0x0, Alphabet.BINARY: 0x4, Alphabet.UCS2: 0x8}
_HIGH = {
    0xC: Group.WAITING_DISCARD,
    0xD: Group.WAITING_STORE,
    0xE: Group.WAITING_STORE_UCS2,
    0xF: Group.CLASS,
}


def parse(data_coding: int) -> DataCoding:
    """What the octet (0–255) says; reserved groups and alphabets are the default alphabet, as §4 has it."""
    alphabet = for_data_coding(data_coding)
    high = data_coding >> 4
    if high == 0:
        return DataCoding(Group.SMPP, alphabet, None, False, None)
    if high < 0x8:
        group = Group.AUTOMATIC_DELETION if data_coding & 0x40 else Group.GENERAL
        message_class = data_coding & 0x3 if data_coding & 0x10 else None
        written_in = _ALPHABET_BITS[data_coding >> 2 & 0x3]
        return DataCoding(group, written_in, message_class, bool(data_coding & 0x20), None)
    group = _HIGH.get(high, Group.RESERVED)
    if group is Group.CLASS:
        return DataCoding(group, alphabet, data_coding & 0x3, False, None)
    if group is Group.RESERVED:
        return DataCoding(group, alphabet, None, False, None)
    waiting = Waiting(data_coding & 0x3, bool(data_coding & 0x8), group is not Group.WAITING_DISCARD)
    return DataCoding(group, alphabet, None, False, waiting)


def with_alphabet(data_coding: int, alphabet: Alphabet) -> int | None:
    """The octet for the same message in another alphabet: class, waiting indication and compression stay.

    None when there is none: a waiting indication whose text is not kept has no UCS-2, a class no Latin-1.
    """
    read = parse(data_coding)
    if read.alphabet is alphabet:
        return data_coding
    if read.group is Group.SMPP:
        return _SMPP[alphabet]
    bits = _BITS_OF.get(alphabet)
    if bits is None:
        return None
    if read.group in (Group.GENERAL, Group.AUTOMATIC_DELETION):
        return data_coding & 0xF3 | bits
    if read.group is Group.CLASS:
        # The group has no UCS-2; the general one says the same with it.
        return 0x18 | data_coding & 0x3 if alphabet is Alphabet.UCS2 else data_coding & 0xFB | bits
    if read.group is Group.WAITING_STORE and alphabet is Alphabet.UCS2:
        return 0xE0 | data_coding & 0xF
    if read.group is Group.WAITING_STORE_UCS2 and alphabet is Alphabet.GSM7:
        return 0xD0 | data_coding & 0xF
    return None


def is_class_2(data_coding: int) -> bool:
    """Whether the message is for the SIM, which may act on it unseen."""
    return parse(data_coding).message_class == 2
