"""Price lists in files: what a line may be, and what is told of one that cannot be used."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import line_file, price_file
from gateway.config.price_file import parse_prices

PATH = Path("prices.csv")


def prices(text: str) -> dict[str, int]:
    found = parse_prices(PATH, text.encode())
    assert found.bad_lines == ()
    return dict(found.prices)


def bad(text: str | bytes) -> list[tuple[int, str]]:
    octets = text if isinstance(text, bytes) else text.encode()
    return [(line.line, line.text) for line in parse_prices(PATH, octets).bad_lines]


def test_what_a_file_may_hold() -> None:
    assert prices("prefix,price\r\n# ours\r\n\r\n7,0.045\r\n+7916 , 1 # dear\r\n,2.5\r\n") == {
        "7": 45_000,
        "7916": 1_000_000,
        "": 2_500_000,
    }
    assert prices("\ufeff49,0.000001") == {"49": 1}
    assert prices("") == {}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("7;0.045", "'7;0.045' is no prefix and price"),
        ("7", "'7' is no prefix and price"),
        ("7,", "'7,' is no prefix and price"),
        ("7,-1", "'7,-1' is no prefix and price"),
        ("7,1e3", "'7,1e3' is no prefix and price"),
        ("7,.5", "'7,.5' is no prefix and price"),
        ("x7,1", "'x7,1' is no prefix and price"),
        ("7٣,1", "'7٣,1' is no prefix and price"),
        ("7,0.1234567", "'7,0.1234567' has more than six decimals"),
        ("7,0,045", "'7,0,045' has a decimal comma"),
        ("7;0,045", "'7;0,045' has a decimal comma"),
        ("7,1000001", "the price 1000001 is out of range"),
        ("prefix,price", "'prefix,price' is no prefix and price"),
        ("1" * 21 + ",1", f"'{'1' * 21},1' is no prefix and price"),
        ("9" * 500, f"'{'9' * 100}…' is no prefix and price"),
    ],
)
def test_a_bad_line_is_told_with_its_number(line: str, why: str) -> None:
    found = parse_prices(PATH, f"49,1\n{line}\n44,2\n".encode())
    assert [(one.line, one.text) for one in found.bad_lines] == [(2, why)]
    assert found.prices == {"49": 1_000_000, "44": 2_000_000}


def test_a_prefix_has_one_price() -> None:
    assert bad("7,1\n7,1\n+7,2\n,1\n,2") == [
        (2, "the prefix 7 has a price already"),
        (3, "the prefix 7 has a price already"),
        (5, "the prefix (empty) has a price already"),
    ]


def test_what_is_no_list_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bad(b"7,1\n\xff") == [(1, "is not text in UTF-8")]
    assert len(bad("x\n" * 1000)) == line_file.MAX_BAD_LINES + 1
    assert bad("x\n" * 1000)[-1] == (101, "and 900 more lines cannot be used")
    monkeypatch.setattr(price_file, "MAX_LINES", 2)
    assert bad("7,1\n8,1\n9,1") == [(1, "has 3 lines, more than 2")]
    monkeypatch.setattr(line_file, "MAX_OCTETS", 1 << 20)
    assert bad(b"#" * (1 << 20) + b"#") == [(1, "is larger than 1 MiB")]


@given(st.decimals(min_value=0, max_value=999_999, places=6), st.text("0123456789", max_size=20))
def test_prices_are_exact(price: Decimal, prefix: str) -> None:
    assert prices(f"{prefix},{price}") == {prefix: int(price * 1_000_000)}


@given(st.one_of(st.binary(max_size=200), st.text("0123456789,.;#+ \r\n\tx", max_size=200).map(str.encode)))
def test_whatever_the_file_holds(octets: bytes) -> None:
    found = parse_prices(PATH, octets)
    assert len(found.prices) + len(found.bad_lines) <= octets.count(b"\n") + 1
    assert all(prefix.isdigit() or not prefix for prefix in found.prices)
