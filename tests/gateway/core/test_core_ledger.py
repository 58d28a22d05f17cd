"""Who pays, and whether there is money for it."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_fakes import account_config, recorded_events

from gateway.core.errors import Refusal
from gateway.core.ledger import Charge, Ledger, payer_of
from gateway.core.prices import PriceTable

TABLES = {
    "list": PriceTable({"7": 40, "49": 0}, currency="EUR"),
    "half": PriceTable({"7": 20}, currency="EUR"),
}


def ledger(*accounts: Any, balances: Any = (), tables: Any = TABLES) -> tuple[Ledger, list[str]]:
    events, written = recorded_events()
    made = Ledger(events, balances)
    made.configure(accounts, tables)
    return made, written


def paying(system_id: str = "app", **fields: Any) -> Any:
    return account_config(**{"system_id": system_id, "balance": "own", "prices": "list", **fields})


def charged(book: Ledger, name: str = "app", digits: str = "79161234567", segments: int = 1) -> Charge:
    charge = book.charge(name, digits, segments)
    assert isinstance(charge, Charge)
    return charge


def test_segments_times_price_until_it_is_used_up() -> None:
    book, _ = ledger(paying(), balances=[("app", 160)])
    assert charged(book, segments=3).amount == 120
    assert charged(book).amount == 40
    assert book.charge("app", "79161234567", 1) is Refusal.BALANCE
    assert book.purse("app").balance == 0


def test_what_is_free_has_no_price_or_nobody_pays() -> None:
    book, _ = ledger(paying(), paying("none", balance="none"), paying("test", test_mode=True))
    assert book.charge("app", "49151234567", 3) is None
    assert book.charge("app", "33612345678", 1) is Refusal.NO_PRICE
    assert book.charge("none", "33612345678", 1) is None
    assert book.charge("test", "79161234567", 1) is None
    assert book.charge("gone", "79161234567", 1) is None


def test_credit_is_how_far_it_goes_below_zero() -> None:
    book, _ = ledger(paying(credit=0.00005), balances=[("app", 40)])
    assert [charged(book).purse.balance for _ in range(2)] == [0, -40]
    assert book.charge("app", "7", 1) is Refusal.BALANCE
    assert (book.purse("app").balance, book.purse("app").left) == (-40, 10)


def test_credit_can_be_used_up_at_once() -> None:
    book, _ = ledger(paying(credit=0.00008))
    assert charged(book, segments=2).purse.left == 0
    assert book.charge("app", "7", 1) is Refusal.BALANCE


def test_the_nearest_account_above_with_a_balance_pays_by_the_prices_of_who_sends() -> None:
    family = (
        paying("head"),
        paying("part", balance="parent", parent="head"),
        paying("piece", balance="parent", parent="part", prices="half", refund="never"),
        paying("own", parent="head"),
    )
    book, _ = ledger(*family, balances=[("head", 100), ("own", 50)])
    assert charged(book, "piece") == Charge(book.purse("head"), 20, 0)
    assert charged(book, "part") == Charge(book.purse("head"), 40, 1)
    assert charged(book, "own").purse.name == "own"
    assert (book.purse("head").balance, book.purse("own").balance) == (40, 10)


@pytest.mark.parametrize(
    ("accounts", "payer"),
    [
        ([paying("a")], "a"),
        ([paying("a", balance="none")], ""),
        ([paying("a", balance="parent")], ""),
        ([paying("a", balance="parent", parent="gone")], ""),
        ([paying("a", balance="parent", parent="a")], ""),
        ([paying("a", balance="parent", parent="b"), paying("b", balance="none", parent="c")], ""),
        ([paying("a", balance="parent", parent="b"), paying("b", balance="parent", parent="a")], ""),
        ([paying("a", balance="parent", parent="b"), paying("b")], "b"),
    ],
)
def test_who_pays(accounts: list[Any], payer: str) -> None:
    assert payer_of("a", {one.system_id: one for one in accounts}) == payer


def test_what_is_not_stored_costs_nothing() -> None:
    book, _ = ledger(paying(), balances=[("app", 100)])
    first, second = charged(book), charged(book)
    assert book.accepted(1, first) == (1, "app", 40, 1)
    book.accepted(2, second)
    book.stored([1])
    book.not_stored(2)
    book.not_stored(1)  # it is
    book.not_stored(3)  # cost nothing
    assert book.purse("app").balance == 60


def test_a_balance_outlives_its_configuration() -> None:
    book, _ = ledger(paying("app", credit=1), balances=[("app", 70), ("left", 30)])
    charge = charged(book)
    book.configure([paying("other")], TABLES)
    charge.take_back()
    book.given_back("left", 5)
    assert book.charge("app", "7", 1) is None
    assert book.charge("other", "7", 1) is Refusal.BALANCE
    book.configure([paying("app"), paying("left")], {"list": TABLES["half"]})
    assert [charged(book, name).purse.balance for name in ("app", "left")] == [50, 15]
    assert book.purse("app").credit == 0


def test_a_balance_that_is_used_up_is_told_once_until_money_comes() -> None:
    book, written = ledger(paying(credit=0.00004), balances=[("app", 40)])
    told = []
    for _ in range(2):
        for _ in range(5):
            book.charge("app", "79161234567", 1)
        told.append([line.split()[2:6] for line in written])
        written.clear()
        book.credited("app", 80)
    below, empty = told[0]
    assert below == ["balance_below_zero", "account=app", "balance=-0.00004", "currency=EUR"]
    assert empty == ["balance_empty", "account=app", "balance=-0.00004", "currency=EUR"]
    assert told[1] == told[0]
    assert book.purse("app").balance == 40
