"""How an account's messages are read: its alphabet, its numbers, and what it may send."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from gateway.config.model import Account
from gateway.config.smpp_model import AddressRule
from gateway.core import numbers
from gateway.core.errors import Refusal
from gateway.core.model import Wish
from gateway.translate.address_rules import AS_IT_CAME, by_rule
from gateway.translate.vendor_tlvs import VendorTlvs
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.pdu import SubmitSm
from protocols.sms import alphabet, udh
from protocols.sms.addresses import NPI_ISDN, TON_INTERNATIONAL, TON_NATIONAL, TON_UNKNOWN
from protocols.sms.data_coding import is_class_2
from protocols.sms.transliteration import latin
from protocols.sms.udh_values import ports_of
from protocols.sms.wap_push import is_wap_push

_CODECS = {"latin1": "latin-1", "ascii": "ascii", "utf8": "utf-8"}
_SILENT = 0x40  # 3GPP TS 23.040 §9.2.3.9: short message type 0
_REPLACE = range(0x41, 0x48)
_TO_THE_SIM = frozenset({0x7C, 0x7D, 0x7F})  # ANSI-136 R-DATA, ME and (U)SIM data download
_SETTINGS_PORTS = frozenset({49996, 49999})
"""Where handsets take settings over the air, as they do by WAP push."""
_ONE_SMS = 140


@dataclass(frozen=True, slots=True)
class Reading:
    """What the configuration says of an account's messages, worked out once for each bind."""

    to_text: Callable[[bytes], str] | None = None
    """Reads data_coding 0; None: it is GSM 7 bit, an octet for each character."""
    packed: bool = False
    has_rules: bool = False
    source: AddressRule = AS_IT_CAME
    destination: AddressRule = AS_IT_CAME
    national: Callable[[str], str | None] | None = None
    """Reads the national numbers of the account's region."""
    tags: frozenset[int] | None = None
    vendor: VendorTlvs | None = None
    allow: frozenset[str] = frozenset()
    flags: int = 0

    def refusal_of(self, tlvs: Iterable[tuple[int, bytes]]) -> Refusal | None:
        """Why the account may not send these TLVs; None: it may."""
        if self.tags is not None and any(tag not in self.tags for tag, _ in tlvs):
            return Refusal.TLV
        if self.vendor and not all(self.vendor.fits(tag, value) for tag, value in tlvs):
            return Refusal.OPTION_VALUE
        return None

    def source_of(self, ton: int, npi: int, number: str) -> tuple[int, int, str]:
        """TON, NPI and sender as the account means them, if it `has_rules`.

        Without a TON that says so, a sender is not taken for a national number: it may be a short code.
        """
        return self._read(self.source, (TON_NATIONAL,), ton, npi, number)

    def destination_of(self, ton: int, npi: int, number: str) -> tuple[int, int, str]:
        """The same of a destination."""
        return self._read(self.destination, (TON_UNKNOWN, TON_NATIONAL), ton, npi, number)

    def _read(
        self, rule: AddressRule, national_tons: Collection[int], ton: int, npi: int, number: str
    ) -> tuple[int, int, str]:
        said = ton if rule.ton is None else rule.ton
        if self.national is not None and said in national_tons and number.isdecimal():
            found = self.national(number)
            if found is not None:
                return TON_INTERNATIONAL, NPI_ISDN, found
        return by_rule(rule, ton, npi, number)


AS_SENT = Reading()


def reading_of(account: Account, vendor: VendorTlvs) -> Reading:
    """The reading of an account."""
    smpp, coding = account.smpp, account.data_coding_0
    rules = (smpp.source, smpp.destination)
    return Reading(
        to_text=_reader(coding),
        packed=coding == "gsm7_packed",
        has_rules=rules != (AS_IT_CAME, AS_IT_CAME) or account.default_region != "",
        source=smpp.source,
        destination=smpp.destination,
        national=numbers.reader_of(account.default_region),
        tags=vendor.tags_of(smpp.allowed_tlvs) if smpp.allowed_tlvs else None,
        vendor=vendor or None,
        allow=frozenset(smpp.allow),
        flags=Wish.PER_PART.value if smpp.receipts == "per_part" else 0,
    )


def _reader(coding: str) -> Callable[[bytes], str] | None:
    """What reads data_coding 0; what is not of its alphabet becomes "?"."""
    if coding == "gsm7":
        return None
    if coding == "gsm7_packed":
        return lambda data: alphabet.decode(data, alphabet.Alphabet.GSM7)
    codec = _CODECS[coding]
    return lambda data: data.decode(codec, "replace").replace("\ufffd", "?")


def from_other_alphabet(
    reading: Reading, user_data: bytes, esm_class: int, *, is_part: bool
) -> tuple[bytes, int]:
    """User data of data_coding 0 in GSM 7 bit or UCS-2, and its data_coding; a header stays as it is.

    Of a segment that the sender made itself, what GSM 7 bit has not is written otherwise, or "?", where
    UCS-2 would make two SMS of it.
    """
    header = b""
    if esm_class & c.ESM_CLASS_UDHI and user_data:
        header, user_data = user_data[: user_data[0] + 1], user_data[user_data[0] + 1 :]
    if reading.packed:
        fill = alphabet.fill_bits(len(header)) if header else 0
        return header + alphabet.unpack_padded(user_data, fill, zeros=True), 0
    assert reading.to_text is not None
    text = reading.to_text(user_data)
    chosen = alphabet.choose(text)
    encoded = alphabet.encode(text, chosen)
    if chosen is not alphabet.Alphabet.GSM7 and (header or is_part) and len(header + encoded) > _ONE_SMS:
        chosen = alphabet.Alphabet.GSM7
        encoded = alphabet.encode(latin(text), chosen)
    return header + encoded, 0 if chosen is alphabet.Alphabet.GSM7 else 8


def well_formed(data: bytes) -> bytes:
    """UCS-2 in which each half of a pair that has lost the other, and an odd octet, is U+FFFD."""
    try:
        data.decode("utf-16-be")
    except UnicodeDecodeError:
        return data.decode("utf-16-be", "replace").encode("utf-16-be")
    return data


def special_message(pdu: SubmitSm, user_data: bytes, esm_class: int) -> str:
    """The name of what a handset obeys without asking its user, or "" (see AccountSmpp.allow).

    3GPP TS 23.040 §9.2.3.9 (TP-PID), 3GPP TS 23.038 §4 (class 2).
    """
    pid = pdu.protocol_id
    if pid == _SILENT:
        return "silent"
    if pid in _REPLACE:
        return "replace_types"
    if pid in _TO_THE_SIM or is_class_2(pdu.data_coding):
        return "class2"
    if _is_push(pdu, user_data, esm_class):
        return "wap_push"
    return ""


def _is_push(pdu: SubmitSm, user_data: bytes, esm_class: int) -> bool:
    by_tlv = tlv.get(pdu.tlvs, tlv.DESTINATION_PORT)
    port = int.from_bytes(by_tlv, "big") if by_tlv else None
    elements = udh.parse(user_data)[0] if esm_class & c.ESM_CLASS_UDHI else ()
    ports = ports_of(elements)
    if port in _SETTINGS_PORTS or (ports is not None and ports.destination in _SETTINGS_PORTS):
        return True
    return is_wap_push(elements, port)
