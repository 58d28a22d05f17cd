"""tinyurls.php: which link is meant, and what is counted of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from front_desk import FrontDesk, asked, config_of
from gateway_fakes import NOW_MS, account_config

from gateway.config.model import Config, Http
from gateway.front.desk import ApiProblem
from gateway.front.links import shorten
from gateway.front.tinyurls import handlers
from protocols.smsc_http.rendering import render

MakeDesk = Callable[[Config], FrontDesk]
TODAY = NOW_MS // 86_400_000  # 15 June 2025
JUNE_1, MAY_31, MAY_1 = TODAY - 14, TODAY - 15, TODAY - 45
LONG = "https://example.org/sale"


@pytest.fixture
def desk(make_desk: MakeDesk) -> FrontDesk:
    return make_desk(config_of(account_config(), account_config(system_id="other")))


def made(desk: FrontDesk, *days: int, account: str = "app", url: str = LONG) -> tuple[int, str]:
    """A link that was opened on these days: its id, and what it is called."""
    short = shorten(desk, account, url)
    link_id: int = desk.journal.batch.short_links[-1][0]
    desk.journal.flush()
    desk.journal.batch.clicks.extend((link_id, day * 86_400_000, day) for day in days)
    desk.journal.flush()
    return link_id, short


def get(desk: FrontDesk, account: str = "app", **params: str) -> dict[str, Any]:
    async def run() -> Any:
        return await handlers(desk)["tinyurl"](asked(desk, account, "tinyurl", params))

    value: dict[str, Any] = asyncio.run(run())
    return value


def test_clicks_are_counted_by_day_and_month(desk: FrontDesk) -> None:
    link_id, short = made(desk, TODAY, TODAY, TODAY - 1, JUNE_1, MAY_31, MAY_1, MAY_1 - 1)
    found = get(desk, id=str(link_id))
    assert found == {
        "id": str(link_id),
        "cnt": "7",
        "cnt_mon": "4",
        "cnt_day": "2",
        "cnt_yes": "1",
        "cnt_pmon": "2",
        "link": short,
    }
    assert render("tinyurl", found, 1) == f"{link_id},7,4,2,1,2,{short}"


def test_a_day_is_one_of_the_account(make_desk: MakeDesk) -> None:
    # 15:06 UTC on the 15th: in Tokyo it is the 16th
    desk = make_desk(config_of(account_config(time_zone="Asia/Tokyo")))
    link_id, _ = made(desk, TODAY, TODAY + 1, TODAY + 1)
    found = get(desk, id=str(link_id))
    assert (found["cnt_day"], found["cnt_yes"]) == ("2", "1")


def test_a_short_link_is_asked_for_by_itself(desk: FrontDesk) -> None:
    link_id, short = made(desk, TODAY)
    made(desk, TODAY)
    assert (get(desk, link=short)["id"], get(desk, link=short)["cnt"]) == (str(link_id), "1")


def test_a_long_link_is_all_that_stand_for_it(desk: FrontDesk) -> None:
    made(desk, TODAY)
    desk.clock.advance(1)
    newest, short = made(desk, TODAY, TODAY - 1)
    made(desk, TODAY, account="other")
    made(desk, TODAY, url="https://example.org/other")
    found = get(desk, link=LONG)
    assert (found["id"], found["link"]) == (str(newest), short)
    assert (found["cnt"], found["cnt_day"], found["cnt_yes"]) == ("3", "2", "1")


def test_the_links_of_others_are_not_found(desk: FrontDesk) -> None:
    link_id, short = made(desk, TODAY)
    for params in ({"id": str(link_id)}, {"link": short}, {"link": LONG}, {"id": "145142"}):
        with pytest.raises(ApiProblem) as problem:
            get(desk, "other", **params)
        assert problem.value.number == 3


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"id": "x"},
        {"id": "-1"},
        {"id": "1" * 16},
        {"id": "٣"},
        {"link": "javascript:1"},
        {"link": "\x00"},
    ],
)
def test_what_is_neither_id_nor_link_is_error_1(desk: FrontDesk, params: dict[str, str]) -> None:
    with pytest.raises(ApiProblem) as problem:
        get(desk, **params)
    assert problem.value.number == 1


def test_without_an_address_for_links_there_are_none(make_desk: MakeDesk) -> None:
    desk = make_desk(config_of(http=Http()))
    for params, number in (({"id": "145142"}, 3), ({"link": LONG}, 3)):
        with pytest.raises(ApiProblem) as problem:
            get(desk, **params)
        assert problem.value.number == number
