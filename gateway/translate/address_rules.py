"""How a number is written: an account's rules for what it sends, a connector's for what its SMSC wants."""

from __future__ import annotations

from gateway.config.smpp_model import AddressRule
from protocols.sms.addresses import TON_ALPHANUMERIC, TON_INTERNATIONAL, digits_of, is_e164

_PREFIXES = {"none": "", "plus": "+", "00": "00"}
AS_IT_CAME = AddressRule()


def by_rule(rule: AddressRule, ton: int, npi: int, number: str) -> tuple[int, int, str]:
    """TON, NPI and number as the rule has them; a name, and what is no number, stays as it is.

    The prefix is that of whole international numbers: a short code or a national number gets none, and
    loses none.
    """
    if ton == TON_ALPHANUMERIC or not number.removeprefix("+").isdecimal():
        return ton, npi, number
    if rule.prefix != "keep":
        digits = digits_of(number, ton)
        if ton <= TON_INTERNATIONAL and is_e164(digits):
            number = _PREFIXES[rule.prefix] + digits
    return (
        ton if rule.ton is None else rule.ton,
        npi if rule.npi is None else rule.npi,
        number,
    )
