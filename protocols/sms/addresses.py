"""Numbers and names of the two ends of a short message."""

import re

from protocols.sms.alphabet import Alphabet, choose, encode

# SMPP v3.4 §5.2.5
TON_UNKNOWN = 0
TON_INTERNATIONAL = 1
TON_NATIONAL = 2
TON_NETWORK_SPECIFIC = 3
TON_SUBSCRIBER_NUMBER = 4
TON_ALPHANUMERIC = 5
TON_ABBREVIATED = 6

# SMPP v3.4 §5.2.6
NPI_UNKNOWN = 0
NPI_ISDN = 1  # E.163, E.164
NPI_DATA = 3
NPI_TELEX = 4
NPI_LAND_MOBILE = 6
NPI_NATIONAL = 8
NPI_PRIVATE = 9
NPI_ERMES = 10
NPI_INTERNET = 14
NPI_WAP_CLIENT_ID = 18

# Country codes have no leading zero; no country's full numbers are shorter than 7 digits.
_is_e164 = re.compile("[1-9][0-9]{6,14}", re.ASCII).fullmatch
_is_number = re.compile("[+]?[0-9]+", re.ASCII).fullmatch
_has_control = re.compile("[\x00-\x1f\x7f]").search

_ALPHANUMERIC_SEPTETS = 11  # the 10 octets of an address value, 3GPP TS 23.040 §9.1.2.5
_SHORTEST_SUBSCRIBER_NUMBER = 7


def is_e164(digits: str) -> bool:
    """Whether this is an international number in digits alone: 7–15 of them, the first not 0 (ITU-T E.164).

    Short codes are not; whether an account may write to them is the account's matter.
    """
    return _is_e164(digits) is not None


def digits_of(address: str, ton: int) -> str:
    """The address without the "+" or "00" that some put before an international number.

    Only when `ton` leaves room for it (unknown or international): 00 may well begin a national number. The
    rest is returned as it is, digits or not.
    """
    if ton > TON_INTERNATIONAL:
        return address
    if address.startswith("+"):
        return address[1:]
    if address.startswith("00"):
        return address[2:]
    return address


def is_alphanumeric_sender(text: str) -> bool:
    """Whether `text` can stand as an alphanumeric sender: 1–11 septets of GSM 7 bit, no control characters.

    A character of the extension table counts as two.
    """
    return (
        0 < len(text) <= _ALPHANUMERIC_SEPTETS
        and _has_control(text) is None
        and choose(text) is Alphabet.GSM7
        and len(encode(text, Alphabet.GSM7)) <= _ALPHANUMERIC_SEPTETS
    )


def guess_source_ton_npi(text: str) -> tuple[int, int]:
    """TON and NPI for a sender given without them.

    Digits of a subscriber number's length, or any after "+", are international ISDN; fewer digits are a
    short code, network specific; everything else is alphanumeric.
    """
    if _is_number(text) is None:
        return TON_ALPHANUMERIC, NPI_UNKNOWN
    if text.startswith("+") or len(text) >= _SHORTEST_SUBSCRIBER_NUMBER:
        return TON_INTERNATIONAL, NPI_ISDN
    return TON_NETWORK_SPECIFIC, NPI_UNKNOWN


def mask(number: str) -> str:
    """A number as logs may show it: "7999***4567".

    11 characters and more keep the first and last 4, from 8 on the first 4 and last 2, fewer the first 2.
    """
    length = len(number)
    if length >= 11:
        return f"{number[:4]}{'*' * (length - 8)}{number[-4:]}"
    if length >= 8:
        return f"{number[:4]}{'*' * (length - 6)}{number[-2:]}"
    return number[:2] + "*" * (length - 2)
