"""info.php: whose a number is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from front_desk import FrontDesk, asked, config_of
from front_messages import answer_of
from gateway_fakes import account_config
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.model import AccountHttp, Config
from gateway.front.desk import ApiProblem, Asked, Unavailable
from gateway.front.info import handlers, plans_say
from protocols.smsc_http.rendering import render

MakeDesk = Callable[[Config], FrontDesk]
NOW = datetime(2026, 1, 15, tzinfo=UTC)
RUSSIA = {"country": "Russia", "operator": "Beeline", "region": "", "mcc": "250", "mnc": "", "tz": "0"}


def test_one_number() -> None:
    found = plans_say("+7 903 123-45-67".replace(" ", ""), NOW)
    assert found == RUSSIA
    assert render("operator", found, 1, params={"phone": "79031234567"}) == "Russia,Beeline,,250,,0"


def test_several_numbers_have_the_number_first() -> None:
    params = {"phone": "79031234567,447400123456,89990000001"}
    found = plans_say(params["phone"], NOW)
    assert render("operator", found, 1, params=params).split("\n") == [
        "79031234567,Russia,Beeline,,250,,0",
        "447400123456,United Kingdom,Three,,234,,-3",
        "79990000001,Russia,MegaFon,,250,,0",
    ]


@pytest.mark.parametrize(
    ("phones", "number"),
    [("", 1), (",", 1), ("12", 1), ("abc", 1), ("79031234567,abc", 1), ("9990000000001", 3)],
)
def test_what_is_no_number_and_what_nobody_knows(phones: str, number: int) -> None:
    with pytest.raises(ApiProblem) as caught:
        plans_say(phones, NOW)
    assert caught.value.number == number


@given(st.text(max_size=40) | st.text("0123456789+,; ", max_size=40))
def test_any_text_has_an_answer(phones: str) -> None:
    try:
        found = plans_say(phones, NOW)
    except ApiProblem as problem:
        assert problem.number in (1, 3)
    else:
        for fmt in range(4):
            assert render("operator", found, fmt, params={"phone": phones})


class Told:
    """A relay that says how often it was asked."""

    def __init__(self) -> None:
        self.times = 0
        self.problem: Exception | None = None

    async def __call__(self, request: Asked) -> dict[str, Any]:
        self.times += 1
        if self.problem is not None:
            raise self.problem
        return {"country": "by the service", "operator": str(self.times)}


@pytest.fixture
def relayed(make_desk: MakeDesk) -> tuple[Callable[[], Any], Told, FrontDesk]:
    desk = make_desk(config_of(account_config(http=AccountHttp(relay="centre"))))
    desk.relay = told = Told()  # type: ignore[assignment]
    handler = handlers(desk)["operator"]
    return lambda: answer_of(handler, asked(desk, "app", "operator", {"phone": "79031234567"})), told, desk


def test_the_service_is_asked_once_an_hour(relayed: tuple[Callable[[], Any], Told, FrontDesk]) -> None:
    """It allows three such requests a minute, for all of our clients together."""
    ask, _, desk = relayed
    assert [ask()["operator"] for _ in range(5)] == ["1"] * 5
    desk.clock.advance(3_601)
    assert ask()["operator"] == "2"


@pytest.mark.parametrize("problem", [ApiProblem(9), Unavailable()])
def test_what_the_service_cannot_say_now_the_plans_say(
    relayed: tuple[Callable[[], Any], Told, FrontDesk], problem: Exception
) -> None:
    ask, told, _ = relayed
    told.problem = problem
    assert ask() == RUSSIA
    told.problem = None
    assert ask()["country"] == "by the service"


def test_a_list_without_end_is_asked_of_nobody(make_desk: MakeDesk) -> None:
    desk = make_desk(config_of(account_config(http=AccountHttp(relay="centre"))))
    desk.relay = told = Told()  # type: ignore[assignment]
    request = asked(desk, "app", "operator", {"phone": "79031234567," * 2_000})
    with pytest.raises(ApiProblem) as caught:
        answer_of(handlers(desk)["operator"], request)
    assert (caught.value.number, told.times) == (1, 0)


def test_what_the_service_does_not_know_is_error_3(
    relayed: tuple[Callable[[], Any], Told, FrontDesk],
) -> None:
    ask, told, _ = relayed
    told.problem = ApiProblem(3)
    with pytest.raises(ApiProblem) as caught:
        ask()
    assert caught.value.number == 3


@pytest.mark.parametrize(("relay", "answer"), [("centre", {"country": "by the service"}), ("", RUSSIA)])
def test_an_account_with_a_relay_hears_what_the_service_knows(
    make_desk: MakeDesk, relay: str, answer: dict[str, Any]
) -> None:
    desk = make_desk(config_of(account_config(http=AccountHttp(relay=relay))))

    async def told(request: Asked) -> dict[str, Any]:
        return {"country": "by the service"}

    desk.relay = told  # type: ignore[assignment]
    request = asked(desk, "app", "operator", {"phone": "79031234567"})
    assert answer_of(handlers(desk)["operator"], request) == answer
