"""What a message would cost, or why it would be refused, with nothing counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from front_sending import PHONE, SendDesk, sender

from gateway.config.route_model import Rewrite
from gateway.core.errors import Refusal
from gateway.core.model import Origin
from gateway.core.quoting import Quote, quote
from gateway.core.rewriting import rewriting_of
from gateway.core.routing import NOTHING, Prefixes, Route


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SendDesk]:
    accounts = (
        sender(),
        sender("rich", balance="own", prices="retail"),
        sender("picky", destinations=("49",)),
        sender("named", allowed_sources=("Example",)),
        sender("short", max_segments=1),
        sender("filled", allowed_sources=("Example",), default_source="Example"),
    )
    made = SendDesk(tmp_path, *accounts, routes=(Route("7", ("one",)), Route("49", ("one",), refuse=True)))
    yield made
    made.close()


def quoted(desk: SendDesk, account: str, **fields: Any) -> Quote | Refusal:
    draft = NOTHING._replace(destination=PHONE, destination_ton=1)._replace(**fields)
    found = desk.desk.accounts[account]
    return quote(desk.desk.submission, found, draft, desk.clock.now_ms(), Origin.HTTP.value)


@pytest.mark.parametrize(
    ("account", "fields", "found"),
    [
        ("app", {}, Quote(1, 0)),
        ("rich", {"segments": 3}, Quote(3, 1_500_000)),
        ("app", {"destination": "4915112345678"}, Refusal.ROUTE),
        ("app", {"destination": "380990000001"}, Refusal.NO_ROUTE),
        ("picky", {}, Refusal.DENIED),
        ("named", {"source": "Other"}, Refusal.SOURCE),
        ("named", {}, Refusal.SOURCE),
        ("filled", {}, Quote(1, 0)),
        ("short", {"segments": 2}, Refusal.TOO_LONG),
    ],
)
def test_the_price_or_why_not(
    desk: SendDesk, account: str, fields: dict[str, Any], found: Quote | Refusal
) -> None:
    assert quoted(desk, account, **fields) == found
    assert desk.desk.submission.open_messages == 0 and not len(desk.journal.batch)


def test_numbers_that_nobody_may_write_to(desk: SendDesk) -> None:
    desk.desk.submission.denied = Prefixes(("7999",))
    assert quoted(desk, "app") is Refusal.DENIED


@pytest.mark.parametrize("number", ["89001234567", "89021234567"])
def test_a_route_that_rewrites_numbers_quotes_nothing_for_denied_ones(tmp_path: Path, number: str) -> None:
    rewriting = rewriting_of([Rewrite(what="destination", match="8(.*)", replace=r"7\1")])
    desk = SendDesk(tmp_path, sender(), routes=(Route("", ("one",), rewriting=rewriting),))
    desk.desk.submission.denied = Prefixes(("7900", "8902"))
    assert quoted(desk, "app", destination=number) is Refusal.DENIED
    desk.close()


def test_a_number_without_a_price(tmp_path: Path) -> None:
    from front_sending import PRICES

    from gateway.core.prices import tables_of

    desk = SendDesk(tmp_path, sender("rich", balance="own", prices="retail"))
    only = replace(PRICES, prices=(PRICES.prices[0],))
    desk.desk.ledger().configure(desk.desk.config.accounts, tables_of([only]))
    assert quoted(desk, "rich", destination="4915112345678") is Refusal.NO_PRICE
    desk.close()
