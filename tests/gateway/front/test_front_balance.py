"""balance.php and get_price: what an account has left, and what its messages cost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from front_desk import FrontDesk, asked, config_of
from front_messages import answer_of
from gateway_fakes import account_config

from gateway.config.model import Config, Price, PriceList
from gateway.core.prices import PriceTable
from gateway.front import balance, history, price_zones
from gateway.front.desk import ApiProblem
from protocols.smsc_http.rendering import render

MakeDesk = Callable[[Config], FrontDesk]


def listed(*prices: tuple[str, float], currency: str = "EUR") -> PriceList:
    found = [Price(prefix=prefix, price=price) for prefix, price in prices]
    return PriceList(name="retail", currency=currency, prices=found)


def desk_with(make_desk: MakeDesk, price_list: PriceList | None = None, **fields: Any) -> FrontDesk:
    paying = account_config(**{"balance": "own", "prices": "retail", **fields})
    part = account_config(system_id="part", parent="app", balance="parent", prices="retail")
    free = account_config(system_id="free")
    lists = [price_list or listed(("7", 1.4), ("", 5))]
    return make_desk(config_of(paying, part, free, price_lists=lists))


def ask(desk: FrontDesk, operation: str = "balance", account: str = "app", **params: str) -> Any:
    handlers = balance.handlers(desk) | history.handlers(desk)
    return answer_of(handlers[operation], asked(desk, account, operation, params))


def shown(desk: FrontDesk, fmt: int, **params: str) -> str:
    return render("balance", ask(desk, **params), fmt, params=params)


def test_what_is_left(make_desk: MakeDesk) -> None:
    desk = desk_with(make_desk)
    desk.ledger().purse("app").balance = 250_800_000
    assert [shown(desk, fmt) for fmt in (0, 1, 2)] == ["250.80", "250.80", "<balance>250.80</balance>"]
    assert ask(desk) == {"balance": "250.80"}
    assert ask(desk, cur="1") == {"balance": "250.80", "currency": "EUR"}
    assert shown(desk, 0, cur="1") == "250.80 EUR"
    assert shown(desk, 1, cur="1") == "250.80,EUR"


def test_parts_of_a_cent_are_told(make_desk: MakeDesk) -> None:
    desk = desk_with(make_desk)
    desk.ledger().purse("app").balance = -45_000
    assert ask(desk) == {"balance": "-0.045"}


def test_credit_is_told_where_there_is_one(make_desk: MakeDesk) -> None:
    desk = desk_with(make_desk, credit=10)
    assert ask(desk, cur="1") == {"balance": "0.00", "credit": "10.00", "currency": "EUR"}
    assert ask(desk, cur="0") == {"balance": "0.00"}


def test_without_a_currency_it_is_the_services(make_desk: MakeDesk) -> None:
    desk = desk_with(make_desk, listed(("", 1), currency=""))
    assert ask(desk, cur="1")["currency"] == "RUR"


def test_a_part_has_what_its_parent_has(make_desk: MakeDesk) -> None:
    desk = desk_with(make_desk)
    desk.ledger().purse("app").balance = 1_000_000
    assert ask(desk, account="part") == {"balance": "1.00"}


def test_a_virtual_account_has_its_balance_too(make_desk: MakeDesk) -> None:
    desk = desk_with(make_desk, test_mode=True)
    desk.ledger().purse("app").balance = 1_000_000
    assert ask(desk) == {"balance": "1.00"}


def test_who_pays_nothing_has_no_balance(make_desk: MakeDesk) -> None:
    desk = desk_with(make_desk)
    for operation in ("balance", "price"):
        with pytest.raises(ApiProblem) as caught:
            ask(desk, operation, "free")
        assert caught.value.number == 1 and "pays nothing" in caught.value.text


def test_a_currency_is_asked_for_by_0_or_1(make_desk: MakeDesk) -> None:
    with pytest.raises(ApiProblem) as caught:
        ask(desk_with(make_desk), cur="2")
    assert caught.value.number == 1


def test_zones_are_the_prefixes_of_the_price_list(make_desk: MakeDesk) -> None:
    desk = desk_with(make_desk, listed(("", 5), ("7", 1.4), ("7916", 1.4), ("77", 3.1), ("44", 0.045)))
    found = ask(desk, "price")
    assert [(zone["zone"], zone["name"], zone["api"]) for zone in found["zones"]] == [
        ("1", "all others", "5.00"),
        ("2", "United Kingdom +44", "0.045"),
        ("3", "Russia +7", "1.40"),
        ("4", "Kazakhstan +77", "3.10"),
    ]
    assert (found["codes"], found["mail"]) == ([], "5.00")
    assert render("price", found, 1).split("\n\n")[0].split("\n")[2] == "3,Russia +7,1.40,1.40,1.40,1.40,1.40"
    for fmt in range(4):
        assert render("price", found, fmt)


def test_prices_are_told_anew_after_a_reload(make_desk: MakeDesk) -> None:
    assert ask(desk_with(make_desk, listed(("7", 1))), "price")["zones"][0]["api"] == "1.00"
    assert ask(desk_with(make_desk, listed(("7", 2))), "price")["zones"][0]["api"] == "2.00"


def test_whose_thousands_of_prefixes_are_is_found_out_once_and_holds_nobody_up(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, zones, found_out = desk_with(make_desk), price_zones._zones, []

    def slow(table: PriceTable) -> dict[str, Any]:
        found_out.append(threading.current_thread() is threading.main_thread())
        if len(found_out) == 1:
            raise MemoryError
        return zones(table)

    monkeypatch.setattr(price_zones, "_zones", slow)
    price = history.handlers(desk)["price"]
    request = asked(desk, "app", "price", {})

    async def story() -> None:
        with pytest.raises(MemoryError):
            await price(request)
        first, second = await asyncio.gather(price(request), price(request))
        assert first == second

    asyncio.run(story())
    assert found_out == [False, False]


def test_a_price_list_of_a_whole_operator_is_told_in_part(make_desk: MakeDesk) -> None:
    many = [(f"7{n:05}", 1 + n / 100) for n in range(6_000)]
    assert len(ask(desk_with(make_desk, listed(*many)), "price")["zones"]) == 5_000
