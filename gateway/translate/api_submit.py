"""The text of a request to send, and what it asks for beside it, to drafts (SMSC HTTP API, send.php).

A text is read once for all its recipients (`content_of`), and each recipient's draft is made of that
(`draft_of`). Texts, flash SMS, binary ones and WAP push any connector can carry; what else there is
(`gateway.translate.api_kinds`) only an SMSC service does.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from gateway.core.model import UNTIL_EXPIRY, Draft
from gateway.translate.smpp_reading import special_message
from protocols.smpp.pdu import SubmitSm
from protocols.sms import segments, udh
from protocols.sms.addresses import (
    NPI_ISDN,
    NPI_UNKNOWN,
    TON_INTERNATIONAL,
    TON_UNKNOWN,
    guess_source_ton_npi,
    is_alphanumeric_sender,
)
from protocols.sms.alphabet import Alphabet, as_gsm7, decode, encode, first_beyond, for_data_coding
from protocols.sms.transliteration_service import look_alikes, sounds
from protocols.sms.udh_values import ports_element
from protocols.sms.wap_push import PORTS, WapPushError, service_indication
from protocols.smsc_http.sending import MAX_TEXT, SendingError, parse_binary, split_comment

FLASH = 0x10
"""data_coding: message class 0, to the display (3GPP TS 23.038 §4)."""
UCS2, BINARY, UDHI = 8, 4, 0x40
MAX_SENDER_DIGITS = 15


class SubmitError(ValueError):
    """A request that nothing can be made of: error 1 of the service. Its text says what is wrong, without
    repeating what came."""


class Kind(NamedTuple):
    """A kind of message: the parameter that asks for it, and its code (SMSC HTTP API, `type`)."""

    name: str
    type: int


SMS = Kind("sms", 0)
FLASH_SMS, BINARY_SMS, PUSH = Kind("flash", 1), Kind("bin", 2), Kind("push", 3)
KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        *(FLASH_SMS, BINARY_SMS, PUSH, Kind("hlr", 4), Kind("ping", 5), Kind("mms", 6), Kind("call", 7)),
        *(Kind("mail", 8), Kind("viber", 10), Kind("soc", 12)),
        # these two have no code of their own
        *(Kind("whatsapp", 0), Kind("bot", 0)),
    )
}
"""Every kind but a plain text."""
_KIND_NAMES = frozenset(KINDS)
OWN_KINDS = frozenset({"sms", "flash", "bin", "push"})
"""Those that need no SMSC service."""


class Coded(NamedTuple):
    """User data as it goes up, and what SMPP says of it."""

    esm_class: int
    protocol_id: int
    data_coding: int
    user_data: bytes
    segments: int


class Content(NamedTuple):
    """What one text becomes."""

    kind: Kind
    text: str
    """As it is shown: without comment and prefix, transliterated and cut."""
    comment: str
    parts: int
    """SMS; of a call the seconds that it may take."""
    coded: Coded
    special: str = ""
    """What handsets obey without asking, see AccountSmpp.allow; "": nothing such."""
    options: tuple[tuple[str, str], ...] = ()
    """Of a kind that is not one of OWN_KINDS: parameters for an SMSC service, without the recipient."""


def kind_of(params: Mapping[str, str]) -> Kind:
    """The kind that the flags ask for; SubmitError for two at once, or a flag that is none."""
    if _KIND_NAMES.isdisjoint(params):
        return SMS
    asked = []
    for name in _KIND_NAMES & params.keys():
        value = params[name]
        if not value or (value == "0" and name != "bot"):
            continue
        if name != "bot" and value not in (("1", "2") if name == "bin" else ("1",)):
            raise SubmitError(f"{name} is 1 or 0")
        asked.append(KINDS[name])
    if len(asked) > 1:
        raise SubmitError("a message is of one kind")
    return asked[0] if asked else SMS


def content_of(text: str, comment: str, kind: Kind, params: Mapping[str, str]) -> Content:
    """A text, a flash SMS or a push; the comment is off it already. SubmitError for what cannot be sent."""
    if len(text) > MAX_TEXT:
        raise SubmitError(f"a text has at most {MAX_TEXT} characters")
    if not text.strip():
        raise SubmitError("there is no text")
    if kind is PUSH:
        return _push(text, comment)
    if "translit" in params:
        text = transliterated(text, params["translit"])
    coded = coded_text(text, flash=kind is FLASH_SMS)
    most = params.get("maxsms")
    if most and (limit := max_parts(most)) and coded.segments > limit:
        text = cut(text, limit)
        coded = coded_text(text, flash=kind is FLASH_SMS)
    return Content(kind, text, comment, coded.segments, coded)


def transliterated(text: str, how: str) -> str:
    """The text in Latin letters: `how` is 1 for their sound, 2 for look-alikes, 0 or "" for as it is."""
    match how:
        case "" | "0":
            return text
        case "1":
            return sounds(text)
        case "2":
            return look_alikes(text)
    raise SubmitError("translit is 0, 1 or 2")


def coded_text(text: str, *, flash: bool = False) -> Coded:
    """A text in the alphabet that it needs; half of a surrogate pair becomes U+FFFD."""
    data = as_gsm7(text)
    if data is not None:
        count = 1 if len(data) <= 160 else segments.count(data, Alphabet.GSM7)
        return Coded(0, 0, FLASH if flash else 0, data, count)
    data = encode(text, Alphabet.UCS2)
    count = 1 if len(data) <= 140 else segments.count(data, Alphabet.UCS2)
    return Coded(0, 0, FLASH | UCS2 if flash else UCS2, data, count)


def max_parts(value: str) -> int:
    """`maxsms`; 0: any number of parts."""
    if not (
        value.isascii() and value.isdecimal() and len(value) <= 3 and int(value) <= segments.MAX_SEGMENTS
    ):
        raise SubmitError(f"maxsms is 1 to {segments.MAX_SEGMENTS}")
    return int(value)


def cut(text: str, most: int) -> str:
    """The longest beginning of a text that is so many SMS."""
    data = as_gsm7(text)
    alphabet = Alphabet.UCS2 if data is None else Alphabet.GSM7
    data = encode(text, alphabet) if data is None else data
    short = decode(data[: segments.room(data, alphabet, most)], alphabet)
    if alphabet is Alphabet.UCS2 and as_gsm7(short) is not None:
        # what needed UCS-2 is cut off, so more of what stands before it fits
        head = text[: first_beyond(text)]
        septets = encode(head, Alphabet.GSM7)
        short = decode(septets[: segments.room(septets, Alphabet.GSM7, most)], Alphabet.GSM7)
    return short


# -- octets ---------------------------------------------------------------------------------------------


def binary_of(mes: str, how: str) -> Content:
    """A binary SMS; `how` is the value of `bin`: 1 a character for each octet, 2 hexadecimal digits."""
    try:
        binary = parse_binary(mes, int(how))
    except SendingError as error:
        raise SubmitError(str(error)) from None
    data_coding = BINARY if binary.dcs is None else binary.dcs
    coded = coded_octets(binary.user_data, data_coding, binary.pid or 0, has_udh=binary.has_udh)
    shown = split_comment(mes)[0] if how == "2" else binary.octets.hex().upper()
    return Content(BINARY_SMS, shown, "", coded.segments, coded, special_of(coded))


def coded_octets(user_data: bytes, data_coding: int, protocol_id: int = 0, *, has_udh: bool) -> Coded:
    """Octets as they are; those that do not fit into one SMS are split, each part with the header."""
    alphabet = for_data_coding(data_coding)
    if not user_data:
        raise SubmitError("a binary message has octets behind its header's length")
    if not has_udh:
        return Coded(0, protocol_id, data_coding, user_data, segments.count(user_data, alphabet))
    try:
        elements, content = udh.parse(user_data)
        count = segments.count(content, alphabet, header=elements)
        if count > 1 and udh.concatenation(elements) is not None:
            raise udh.UdhError("a part of a longer message is more than one SMS")
    except udh.UdhError as error:
        raise SubmitError(f"the header: {error}") from None
    return Coded(UDHI, protocol_id, data_coding, user_data, count)


def special_of(coded: Coded) -> str:
    """The name of what a handset obeys without asking its user, or "" (see AccountSmpp.allow)."""
    pdu = SubmitSm(data_coding=coded.data_coding, protocol_id=coded.protocol_id)
    return special_message(pdu, coded.user_data, coded.esm_class)


def _push(text: str, comment: str) -> Content:
    """WAP push: a link, and behind a line feed its title."""
    link, _, title = text.partition("\n")
    link = link.strip()
    if not link or any(sign.isspace() for sign in link):
        raise SubmitError("a push begins with its link")
    try:
        body = service_indication(link, title.strip())
    except WapPushError as error:
        raise SubmitError(str(error)) from None
    header = udh.build([ports_element(*PORTS)])
    coded = coded_octets(header + body, BINARY, has_udh=True)
    return Content(PUSH, text, comment, coded.segments, coded, special_of(coded))


# -- ends -----------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def source_of(sender: str) -> tuple[int, int, str] | None:
    """TON, NPI and sender; "" leaves the choice to the account and the SMSC. None: it can be no sender."""
    if not sender:
        return TON_UNKNOWN, NPI_UNKNOWN, ""
    digits = sender.removeprefix("+")
    if digits.isascii() and digits.isdecimal():
        return (*guess_source_ton_npi(sender), digits) if len(digits) <= MAX_SENDER_DIGITS else None
    return (*guess_source_ton_npi(sender), sender) if is_alphanumeric_sender(sender) else None


class Wanted(NamedTuple):
    """What all messages of a request have in common."""

    client_id: str
    address: str
    """The IP address that it came from."""
    lifetime_ms: int
    """From when it is sent on; 0: not said."""


def draft_of(
    content: Content, source: tuple[int, int, str], digits: str, due_ms: int, now_ms: int, wanted: Wanted
) -> Draft:
    """The message to one number (digits); `due_ms` 0: at once."""
    esm_class, protocol_id, data_coding, user_data, count = content.coded
    ton, npi, sender = source
    lifetime_ms = wanted.lifetime_ms
    return Draft(
        "",
        ton,
        npi,
        sender,
        TON_INTERNATIONAL,
        NPI_ISDN,
        digits,
        esm_class,
        protocol_id,
        0,
        1,
        data_coding,
        user_data,
        b"",
        count,
        due_ms,
        (due_ms or now_ms) + lifetime_ms if lifetime_ms else 0,
        UNTIL_EXPIRY if lifetime_ms else "",
        0,
        None,
        wanted.client_id,
        wanted.address,
    )
