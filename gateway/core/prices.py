"""What a segment costs, by the first digits of the number that it goes to.

Money is whole millionths of a currency's unit everywhere inside; only what people read is a decimal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from gateway.config.price_file import MILLIONTHS
from gateway.config.price_model import PriceList

MAX_AMOUNT = 1_000_000_000
"""Of a credit or debit, in units of its currency."""
_AMOUNT = re.compile(r"(-)?([0-9]+)(?:\.([0-9]+))?", re.ASCII).fullmatch


class PriceTable:
    """One price list; one dictionary look-up for each length of prefix that is in use."""

    def __init__(self, prices: Mapping[str, int], *, name: str = "", currency: str = "") -> None:
        self.name = name
        self.currency = currency
        self._prices = prices
        self._lengths = sorted({len(prefix) for prefix in prices}, reverse=True)

    def __len__(self) -> int:
        return len(self._prices)

    def items(self) -> Iterable[tuple[str, int]]:
        """Each prefix and its price in millionths."""
        return self._prices.items()

    def find(self, digits: str) -> int | None:
        """The price of a segment to this number (digits), in millionths; None: no prefix fits."""
        prices = self._prices
        for length in self._lengths:
            price = prices.get(digits[:length])
            if price is not None:
                return price
        return None


def table_of(config: PriceList) -> PriceTable:
    """The prices of a list, those in its file too."""
    prices: Mapping[str, int] = {
        price.prefix.removeprefix("+"): millionths(price.price) for price in config.prices
    }
    if config.file is not None:
        # a large file is held once
        prices = {**config.file.prices, **prices} if prices else config.file.prices
    return PriceTable(prices, name=config.name, currency=config.currency)


def tables_of(lists: Iterable[PriceList]) -> dict[str, PriceTable]:
    """All price lists by their names."""
    return {one.name: table_of(one) for one in lists}


def millionths(amount: float) -> int:
    """A configured amount; it has six decimals at the most, so nothing is lost."""
    return round(amount * MILLIONTHS)


def parse_amount(text: str) -> int:
    """An amount of money as people write it, in millionths; ValueError says what is wrong with it."""
    found = _AMOUNT(text)
    if found is None:
        raise ValueError("write an amount in digits, for example 100 or 12.50")
    sign, whole, rest = found.groups("")
    if len(rest) > 6:
        raise ValueError("write at most six decimals")
    if len(whole) > len(str(MAX_AMOUNT)) or int(whole) > MAX_AMOUNT:
        raise ValueError(f"write at most {MAX_AMOUNT}")
    amount = int(whole) * MILLIONTHS + int(rest.ljust(6, "0"))
    return -amount if sign else amount


def amount_text(amount: int, decimals: int = 2) -> str:
    """Millionths as people read them: at least so many decimals, and no zeros after those."""
    whole, rest = divmod(abs(amount), MILLIONTHS)
    digits = f"{rest:06d}".rstrip("0").ljust(decimals, "0")
    return f"{'-' if amount < 0 else ''}{whole}.{digits}"
