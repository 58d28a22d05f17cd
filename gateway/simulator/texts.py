"""What data_coding 0 means to this SMSC: texts to octets and back."""

from __future__ import annotations

from protocols.sms import alphabet

DATA_CODING_0 = ("gsm7", "latin1", "ascii", "utf8", "gsm7_packed")
_CODECS = {"latin1": "latin-1", "ascii": "ascii", "utf8": "utf-8"}


class Texts:
    """Reads and writes texts as an SMSC does whose default alphabet is `data_coding_0`."""

    def __init__(self, data_coding_0: str) -> None:
        self._default = data_coding_0

    def decode(self, octets: bytes, data_coding: int, udh_octets: int = 0) -> str:
        """The text of octets behind a header of so many octets; what cannot be read is U+FFFD."""
        if data_coding == 0 and self._default != "gsm7":
            codec = _CODECS.get(self._default)
            if codec is not None:
                return octets.decode(codec, "replace")
            octets = alphabet.unpack_padded(octets, alphabet.fill_bits(udh_octets))
        return alphabet.decode(octets, alphabet.for_data_coding(data_coding))

    def encode(self, text: str, data_coding: int, udh_octets: int = 0) -> bytes:
        """The octets of a text; what the alphabet does not have is a question mark."""
        if data_coding == 0 and self._default in _CODECS:
            return text.encode(_CODECS[self._default], "replace")
        octets = alphabet.encode(text, alphabet.for_data_coding(data_coding))
        if data_coding == 0 and self._default == "gsm7_packed":
            return alphabet.pack_padded(octets, alphabet.fill_bits(udh_octets))
        return octets
