"""What one SMSC wants otherwise than the specification has it, and so than we have it.

Messages are kept in standard form: data_coding 0 is GSM 7 bit with an octet for each character, 8 is
UTF-16BE. A dialect writes the PDUs of such a message as its SMSC wants them, and reads what comes from
there into standard form.
"""

from __future__ import annotations

from gateway.config.connector_model import Connector
from gateway.translate.address_rules import AS_IT_CAME, by_rule
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import CancelSm, DataSm, DeliverSm, QuerySm, ReplaceSm, SubmitSm
from protocols.sms import alphabet, national, udh
from protocols.sms.alphabet import Alphabet

SHORT_MESSAGE_MAX = 254
VERSIONS = {"3.3": 0x33, "3.4": 0x34, "5.0": 0x50}
_CODECS = {"latin1": "latin-1", "ascii": "ascii", "utf8": "utf-8", "ucs2": "utf-16-be"}
_UCS2 = 8
_ONE_SMS = 140
_SAR = (tlv.SAR_MSG_REF_NUM, tlv.SAR_TOTAL_SEGMENTS, tlv.SAR_SEGMENT_SEQNUM)


class Dialect:
    """How one SMSC wants messages, worked out once for each connector."""

    def __init__(self, config: Connector | None = None) -> None:
        self.version = c.INTERFACE_VERSION_34
        """interface_version of the bind."""
        self.sar = False
        """Parts of long texts are joined by TLVs instead of UDH."""
        self.whole = False
        """Long texts go up in one PDU."""
        self.wide_reference = False
        """Of 16 bits."""
        self.writes = False
        """Whether PDUs are changed before they go up."""
        self.reads = False
        """Whether user data is changed when it comes down."""
        self.approximated = 0
        """Parts in which characters became "?" because this SMSC's alphabet has not got them."""
        self._tlvs, self._coding, self._swaps = True, "gsm7", False
        self._source = self._destination = AS_IT_CAME
        if config is not None:
            self._configure(config)

    def _configure(self, config: Connector) -> None:
        self.version = VERSIONS[config.interface_version]
        self._tlvs = config.tlvs and config.interface_version != "3.3"  # which has none
        self.sar = config.long_messages == "sar" and self._tlvs
        self.whole = config.long_messages == "payload" and self._tlvs
        self.wide_reference = config.reference_bits == "16"
        self._coding, self._swaps = config.data_coding_0, config.ucs2_order == "little"
        self._source, self._destination = config.source, config.destination
        self.reads = self._coding != "gsm7" or self._swaps
        self.writes = (
            self.reads or not self._tlvs or (self._source, self._destination) != (AS_IT_CAME, AS_IT_CAME)
        )

    # -- up --------------------------------------------------------------------------------------------

    def write(self, pdu: SubmitSm, *, is_whole: bool) -> None:
        """Changes a PDU in standard form into this SMSC's; `is_whole`: it is no part of a long text.

        Raises ValueError when that cannot be done without losing a part of the text.
        """
        pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr = by_rule(
            self._source, pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr
        )
        pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr = by_rule(
            self._destination, pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr
        )
        if self.reads:
            self._write_text(pdu, is_whole)
        if not self._tlvs and pdu.tlvs:
            _strip(pdu)

    def write_request(self, pdu: QuerySm | CancelSm | ReplaceSm) -> None:
        """Changes the numbers of a request about a message into those that this SMSC has of it."""
        pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr = by_rule(
            self._source, pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr
        )
        if isinstance(pdu, CancelSm):
            pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr = by_rule(
                self._destination, pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr
            )

    def _write_text(self, pdu: SubmitSm, is_whole: bool) -> None:
        header, text = _split(pdu)
        kind = alphabet.for_data_coding(pdu.data_coding)
        if kind is Alphabet.UCS2:
            if not self._swaps:
                return
            text = _swapped(text)
        elif kind is not Alphabet.GSM7:
            return
        elif self._coding == "gsm7_packed":
            text = alphabet.pack_padded(text, alphabet.fill_bits(len(header)) if header else 0)
        elif pdu.data_coding or self._coding == "gsm7":
            return  # a message class with its own alphabet, which is GSM 7 bit everywhere
        else:
            header, tables = _without_tables(header)
            if not header:
                pdu.esm_class &= ~c.ESM_CLASS_UDHI
            text = self._in_its_alphabet(pdu, header, national.decode(text, *tables), is_whole)
        _put(pdu, header + text)

    def _in_its_alphabet(self, pdu: SubmitSm, header: bytes, characters: str, is_whole: bool) -> bytes:
        """A text of GSM 7 bit in what this SMSC means by data_coding 0."""
        codec = _CODECS[self._coding]
        try:
            octets = characters.encode(codec)
        except UnicodeEncodeError:
            octets = alphabet.encode(characters, Alphabet.UCS2)
            if is_whole and len(header) + len(octets) <= _ONE_SMS:
                pdu.data_coding = _UCS2
            else:
                self.approximated += 1
                return characters.encode(codec, "replace")
        is_ucs2 = pdu.data_coding == _UCS2 or self._coding == "ucs2"
        return _swapped(octets) if is_ucs2 and self._swaps else octets

    # -- down ------------------------------------------------------------------------------------------

    def read(self, pdu: DeliverSm | DataSm) -> None:
        """Changes the user data of an incoming SMS into standard form; its header stays."""
        header, text = _split(pdu)
        kind = alphabet.for_data_coding(pdu.data_coding)
        if kind is Alphabet.UCS2:
            if not self._swaps:
                return
            text = _swapped(text)
        elif kind is not Alphabet.GSM7:
            return
        elif self._coding == "gsm7_packed":
            text = alphabet.unpack_padded(text, alphabet.fill_bits(len(header)) if header else 0, zeros=True)
        elif pdu.data_coding or self._coding == "gsm7" or _without_tables(header)[1] != (0, 0):
            return  # national tables are of GSM 7 bit alone
        else:
            if self._coding == "ucs2" and self._swaps:
                text = _swapped(text)
            characters = text.decode(_CODECS[self._coding], "replace")
            chosen = alphabet.choose(characters)
            text = alphabet.encode(characters, chosen)
            pdu.data_coding = 0 if chosen is Alphabet.GSM7 else _UCS2
        _put(pdu, header + text)


STANDARD = Dialect()
"""Of an SMSC that is as the specification has it."""


def _split(pdu: SubmitSm | DeliverSm | DataSm) -> tuple[bytes, bytes]:
    """The header with its UDHL, and the text behind it; a header that contradicts itself is all there is."""
    data = b"" if isinstance(pdu, DataSm) else pdu.short_message
    data = data or tlv.get(pdu.tlvs, tlv.MESSAGE_PAYLOAD) or b""
    end = 1 + data[0] if data and pdu.esm_class & c.ESM_CLASS_UDHI else 0
    return data[:end], data[end:]


def _without_tables(header: bytes) -> tuple[bytes, national.Tables]:
    """A header without what it says of national tables, and these."""
    try:
        elements = udh.parse(header)[0] if header else []
    except udh.UdhError:
        return header, (0, 0)
    tables = national.tables_of(elements)
    kept = [element for element in elements if element[0] not in (udh.SINGLE_SHIFT, udh.LOCKING_SHIFT)]
    if len(kept) == len(elements):
        return header, tables
    return udh.build(kept) if kept else b"", tables


def _put(pdu: SubmitSm | DeliverSm | DataSm, data: bytes) -> None:
    rest = tuple(pair for pair in pdu.tlvs if pair[0] != tlv.MESSAGE_PAYLOAD)
    if isinstance(pdu, DataSm) or len(data) > SHORT_MESSAGE_MAX:
        rest, data = (*rest, (tlv.MESSAGE_PAYLOAD, data)), b""
    pdu.tlvs = rest
    if not isinstance(pdu, DataSm):
        pdu.short_message = data


def _strip(pdu: SubmitSm) -> None:
    """Takes the TLVs away; what joins the parts of a long text goes into its header."""
    if tlv.get(pdu.tlvs, tlv.MESSAGE_PAYLOAD):
        raise ValueError("the text is longer than short_message, and this SMSC takes no TLVs")
    values = [tlv.get(pdu.tlvs, tag) for tag in _SAR]
    pdu.tlvs = ()
    if None in values:
        return
    reference, total, part = (int.from_bytes(value or b"", "big") for value in values)
    elements: list[udh.Element] = []
    text = pdu.short_message
    if pdu.esm_class & c.ESM_CLASS_UDHI:
        elements, text = udh.parse(text)
    if total > 1 and udh.concatenation(elements) is None:
        pdu.short_message = udh.build([udh.concatenation_element(reference, total, part), *elements]) + text
        pdu.esm_class |= c.ESM_CLASS_UDHI


def _swapped(text: bytes) -> bytes:
    """UTF-16 with the other order of octets; an odd last one stays."""
    swapped = bytearray(text)
    even = len(text) & ~1
    swapped[0:even:2], swapped[1:even:2] = text[1:even:2], text[0:even:2]
    return bytes(swapped)
