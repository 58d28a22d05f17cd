"""What a segment costs, and amounts of money as people write and read them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.price_file import PriceFile
from gateway.config.price_model import Price, PriceList
from gateway.core.prices import PriceTable, amount_text, millionths, parse_amount, tables_of


def test_the_longest_prefix_says_the_price() -> None:
    table = PriceTable({"7": 1, "79": 2, "7916": 3})
    numbers = ("79161234567", "79171234567", "78001234567", "7", "49151234567", "")
    assert [table.find(number) for number in numbers] == [3, 2, 1, 1, None, None]
    assert PriceTable({"": 5, "7": 0}).find("49") == 5
    assert PriceTable({"": 5, "7": 0}).find("79") == 0


@given(
    st.dictionaries(st.text("01", max_size=5), st.integers(0, 100), max_size=20),
    st.text("01", max_size=8),
)
def test_it_is_what_a_walk_over_all_prefixes_finds(prices: dict[str, int], number: str) -> None:
    fitting = [prefix for prefix in prices if number.startswith(prefix)]
    expected = prices[max(fitting, key=len)] if fitting else None
    assert PriceTable(prices).find(number) == expected


def test_a_list_is_what_is_written_and_what_its_file_says() -> None:
    file = PriceFile(Path("retail.csv"), {"49": 70_000})
    written = (Price(price=0.1), Price(prefix="+7", price=0.000001))
    (table,) = tables_of([PriceList(name="retail", currency="EUR", prices=written, file=file)]).values()
    assert (table.name, table.currency, len(table)) == ("retail", "EUR", 3)
    assert [table.find(number) for number in ("44", "7916", "4915")] == [100_000, 1, 70_000]


@given(st.integers(0, 10**12))
def test_a_configured_amount_is_exact(amount: int) -> None:
    assert millionths(float(f"{amount // 10**6}.{amount % 10**6:06d}")) == amount


@given(st.integers(-(10**15), 10**15))
def test_an_amount_comes_back_as_it_was_written(amount: int) -> None:
    assert parse_amount(amount_text(amount)) == amount


def test_amounts_for_people() -> None:
    amounts = (0, 1, -1, 10_000, 12_500_000, -45_000)
    assert [amount_text(amount) for amount in amounts] == [
        "0.00",
        "0.000001",
        "-0.000001",
        "0.01",
        "12.50",
        "-0.045",
    ]


@pytest.mark.parametrize(
    "text",
    ["", "-", ".", "1.", ".5", "1e3", "1,5", "٣", "--1", "1.0000001", "inf", "nan", "1_0", "1000000001"],
)
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        parse_amount(text)
