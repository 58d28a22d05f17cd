"""Whose a number is, and what a message to it costs: a small numbering plan and tariff for all scripts.

Only what a simulation needs: a few countries, whole ranges, no ported numbers.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple


class Network(NamedTuple):
    """The operator of a number range."""

    country: str
    operator: str
    region: str
    mcc: str
    mnc: str
    tz: int
    """Hours from Moscow."""
    zone: str
    """The row of ZONES that says what it costs."""

    @property
    def mccmnc(self) -> str:
        """mcc and mnc in one, as in `op=1`."""
        return self.mcc + self.mnc


class Zone(NamedTuple):
    """A row of the tariff, in the account's currency; a call is charged for each begun half minute."""

    number: str
    name: str
    api: Decimal
    mass: Decimal
    mms: Decimal
    hlr: Decimal
    call: Decimal


UNKNOWN = Network("", "", "", "", "", 0, "5")
"""Of a number in no range."""

_RANGES: dict[str, Network] = {
    **{
        prefix: Network("Russia", "MTS", "Moscow", "250", "01", 0, "1")
        for prefix in ("7910", "7911", "7912", "7913", "7914", "7915", "7916", "7917", "7918", "7919", "798")
    },
    **{prefix: Network("Russia", "MegaFon", "Moscow", "250", "02", 0, "1") for prefix in ("792", "793")},
    **{
        prefix: Network("Russia", "Beeline", "Moscow", "250", "99", 0, "1")
        for prefix in ("7903", "7905", "7906", "7909", "796")
    },
    **{
        prefix: Network("Russia", "Tele2", "Moscow", "250", "20", 0, "1")
        for prefix in ("7900", "7901", "7902", "7904", "7908", "7950", "7951", "7952", "7953", "7977")
    },
    "79": Network("Russia", "Yota", "Moscow", "250", "11", 0, "1"),
    "78": Network("Russia", "Landline", "Moscow", "250", "00", 0, "1"),
    "77": Network("Kazakhstan", "Kcell", "Almaty", "401", "02", 2, "2"),
    "380": Network("Ukraine", "Kyivstar", "Kyiv", "255", "03", -1, "2"),
    "375": Network("Belarus", "MTS", "Minsk", "257", "02", 0, "2"),
    "49": Network("Germany", "Telekom", "", "262", "01", -2, "3"),
    "44": Network("United Kingdom", "O2", "", "234", "10", -3, "3"),
    "33": Network("France", "Orange", "", "208", "01", -2, "3"),
    "1": Network("USA", "AT&T", "", "310", "410", -8, "4"),
}
_LONGEST = max(len(prefix) for prefix in _RANGES)

ZONES: dict[str, Zone] = {
    zone.number: zone
    for zone in (
        Zone("1", "Russia", *map(Decimal, ("1.40", "1.90", "6.00", "0.20", "1.10"))),
        Zone("2", "CIS", *map(Decimal, ("3.10", "3.60", "9.00", "0.30", "2.50"))),
        Zone("3", "Europe", *map(Decimal, ("4.20", "4.80", "12.00", "0.40", "3.00"))),
        Zone("4", "America", *map(Decimal, ("2.80", "3.20", "12.00", "0.40", "2.00"))),
        Zone("5", "Others", *map(Decimal, ("5.00", "5.50", "15.00", "0.50", "4.00"))),
    )
}
MAIL_PRICE = Decimal("0.10")
MESSENGER_PRICE = Decimal("0.90")
"""Viber, WhatsApp, social networks and Telegram, whoever the recipient."""
CODE_PRICES: dict[str, Decimal] = {"25001": Decimal("1.45"), "25002": Decimal("1.50")}
"""Individual prices of a text SMS by mcc and mnc; before the zone's."""


def network_of(phone: str) -> Network:
    """The operator of this number (digits, with or without a plus); UNKNOWN of what is in no range."""
    digits = phone.removeprefix("+")
    for length in range(_LONGEST, 0, -1):
        found = _RANGES.get(digits[:length])
        if found is not None:
            return found
    return UNKNOWN
