"""How numbers and senders are written: an account's rules for what it sends, a connector's for its SMSC."""

from __future__ import annotations

from gateway.config.smpp_model import AddressRule
from protocols.sms.addresses import TON_ALPHANUMERIC, TON_INTERNATIONAL, digits_of, is_e164

_PREFIXES = {"none": "", "plus": "+", "00": "00"}
AS_IT_CAME = AddressRule()


def by_rule(rule: AddressRule, ton: int, npi: int, number: str) -> tuple[int, int, str]:
    """TON, NPI and number as the rule has them; a name, and what is no number, is written as it is.

    The prefix is that of whole international numbers: a short code or a national number gets none, and
    loses none.
    """
    if ton == TON_ALPHANUMERIC or not number.removeprefix("+").isdecimal():
        if not number:
            return ton, npi, number  # the SMSC chooses
        return (
            ton if rule.name_ton is None else rule.name_ton,
            npi if rule.name_npi is None else rule.name_npi,
            number,
        )
    if len(number) <= rule.short_digits and number[0] != "+":
        return (
            ton if rule.short_ton is None else rule.short_ton,
            npi if rule.short_npi is None else rule.short_npi,
            number,
        )
    if rule.prefix != "keep":
        digits = digits_of(number, ton)
        if ton <= TON_INTERNATIONAL and is_e164(digits):
            number = _PREFIXES[rule.prefix] + digits
    return (
        ton if rule.ton is None else rule.ton,
        npi if rule.npi is None else rule.npi,
        number,
    )
