"""What a segment costs, by the first digits of the number it goes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.config.basics import about
from gateway.config.price_file import PriceFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The price of numbers that begin alike."""

    prefix: str = field(
        default="",
        metadata=about("First digits; the longest match counts, empty: every number.", max_octets=20),
    )
    price: float = field(
        metadata=about("Of one segment, with at most six decimals.", example="0.045", low=0, high=1_000_000)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """Prices by prefix; a number that none fits has no price, and is not sent for money."""

    name: str = field(metadata=about("Its name in accounts and connectors.", example="retail", max_octets=64))
    currency: str = field(
        default="", metadata=about("ISO 4217, for people; nothing is converted.", example="EUR", max_octets=3)
    )
    prices: Sequence[Price] = field(default=(), metadata=about("The prices."))
    file: PriceFile | None = field(
        default=None,
        metadata=about(
            "A CSV file with more of them: prefix,price in each line, in UTF-8; # begins a comment. It is "
            "read at the start and by each reload.",
            example="/etc/smsc-gateway/retail.csv",
        ),
    )
