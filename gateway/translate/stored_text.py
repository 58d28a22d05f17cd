"""What a message that is kept said, for whoever may read it."""

from __future__ import annotations

from protocols.smpp.constants import ESM_CLASS_UDHI
from protocols.sms import national, udh
from protocols.sms.alphabet import Alphabet, decode, for_data_coding

_CHARSETS = {6: "iso8859_5", 7: "iso8859_8"}  # Cyrillic and Hebrew, SMPP v3.4 §5.2.19


def readable(esm_class: int, data_coding: int, user_data: bytes) -> str:
    """The text without its header; of one that is no text, or is malformed, its octets in hexadecimal."""
    octets, tables = user_data, (0, 0)
    if esm_class & ESM_CLASS_UDHI:
        try:
            elements, octets = udh.parse(user_data)
            tables = national.tables_of(elements)
        except ValueError:
            return user_data.hex()
    if data_coding in _CHARSETS:
        return octets.decode(_CHARSETS[data_coding], "replace")
    alphabet = for_data_coding(data_coding)
    if alphabet is Alphabet.BINARY:
        return user_data.hex()
    if alphabet is Alphabet.GSM7 and tables != (0, 0):
        return national.decode(octets, *tables)
    return decode(octets, alphabet)
