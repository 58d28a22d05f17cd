"""A desk whose account app has a relay, and a service behind it that answers what it is told to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from front_desk import FrontDesk, asked, config_of
from front_messages import answer_of
from gateway_fakes import account_config

from gateway.config.model import AccountHttp, Config, Price, PriceList
from gateway.front import status
from gateway.front.desk import ApiProblem
from gateway.front.relay import Relay
from protocols.smsc_http.requests import File

MakeDesk = Callable[[Config], FrontDesk]
PHONE, OTHER = "79990000001", "79990000002"
PICTURE = File("cat.jpg", b"\xff\xd8\xff" + b"\x00" * 100, "image/jpeg")
PRICES = PriceList(name="retail", currency="RUR", prices=(Price(prefix="7", price=1.4),))


class FakeService:
    """Answers with what it is given, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answer: object = {"result": "OK"}
        self.asked: list[tuple[str, dict[str, str], Sequence[File]]] = []
        self.watched: list[str] = []
        self.due = 0.0
        self.places = 3

    async def ask(self, operation: str, params: Mapping[str, str], files: Sequence[File]) -> object:
        self.asked.append((operation, dict(params), files))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def due_s(self, operation: str, params: Mapping[str, str]) -> float:
        return self.due

    def watch(self, upstream_id: str) -> None:
        self.watched.append(upstream_id)


class Setting:
    """A desk with a relay."""

    def __init__(self, desk: FrontDesk) -> None:
        self.desk = desk
        self.service = FakeService()
        self.relay = desk.relay = Relay(desk, {"centre": self.service})

    def ask(self, operation: str, account: str = "app", files: Sequence[File] = (), **params: str) -> Any:
        return answer_of(self.relay, asked(self.desk, account, operation, params, files))

    def problem(
        self, operation: str, account: str = "app", files: Sequence[File] = (), **params: str
    ) -> ApiProblem:
        with pytest.raises(ApiProblem) as caught:
            self.ask(operation, account, files, **params)
        return caught.value

    def status(self, api_id: str, phone: str = PHONE, account: str = "app") -> Any:
        params = {"id": api_id, "phone": phone}
        return answer_of(status.handlers(self.desk)["status"], asked(self.desk, account, "status", params))

    def taken(self, **answer: object) -> None:
        self.service.answer = {"id": "r1", "cnt": 1, **answer}


def setting_of(make_desk: MakeDesk) -> Setting:
    """The account app has 10.00, and others."""
    http = AccountHttp(relay="centre", handler="https://example.org/sms?md5=change-me")
    paying = {"balance": "own", "prices": "retail"}
    config = config_of(
        account_config(http=http, service_messages=True, max_open=8, **paying),
        account_config(system_id="plain", http=AccountHttp()),
        account_config(system_id="texts", http=http, allowed_sources=("Shop",)),
        account_config(system_id="shop", http=http, service_messages=True, allowed_sources=("Shop",)),
        price_lists=[PRICES],
    )
    setting = Setting(make_desk(config))
    setting.desk.ledger().purse("app").balance = 10_000_000
    return setting
