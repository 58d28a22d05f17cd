"""The JSON API above a desk with a store in this process and one connector that takes everything."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from front_desk import FrontDesk, config_of, desk_of
from gateway_fakes import FakeLink, account_config
from multidict import CIMultiDict

from gateway.api.app import Answer, JsonApi
from gateway.config.http_model import AccountHttp, Http
from gateway.config.model import Account as AccountConfig
from gateway.config.price_model import Price, PriceList
from gateway.core.accounts import Account
from gateway.core.http import HttpCall, HttpReply, HttpStream
from gateway.core.hub import Hub
from gateway.core.logins import Logins
from gateway.core.model import OnAmbiguous
from gateway.core.router import Router
from gateway.core.routing import Route, RouteTable
from gateway.core.upstream import Upstream
from gateway.front.desk import BLOCKED, DENIED, ApiProblem
from gateway.front.gate import Credentials, Gate

TO = "79990000001"
OTHER = "79990000002"
ADDRESS = "192.0.2.7"
PRICES = PriceList(name="retail", currency="EUR", prices=[Price(prefix="+7", price=0.05)])


class FakeGate(Gate):
    """Lets in whoever says his name as an API key."""

    def __init__(self, desk: FrontDesk) -> None:
        http = Http(max_requests=4)
        super().__init__(desk.accounts, Logins(desk.clock), desk.clock, http, desk.events)
        self.asked: list[tuple[Credentials, str]] = []

    def known(self, credentials: Credentials, address: str) -> Account | None:
        self.asked.append((credentials, address))
        account = self._accounts.get(credentials.key)
        if account is None:
            raise ApiProblem(BLOCKED if credentials.key == "blocked" else DENIED)
        return account

    @property
    def under_way(self) -> list[str]:
        """Accounts with requests that have no answer yet."""
        return list(self._under_way)


class Told(NamedTuple):
    """An answer."""

    status: int
    value: Any
    headers: dict[str, str]
    body: bytes


def http_account(name: str = "app", **fields: Any) -> AccountConfig:
    return account_config(**{"system_id": name, "http": AccountHttp(), **fields})


class ApiDesk:
    """What the tests of the API ask."""

    def __init__(self, folder: Path, *accounts: AccountConfig) -> None:
        config = config_of(*(accounts or (http_account(), http_account("other"))), price_lists=(PRICES,))
        self.desk = desk_of(folder, config)
        self.journal, self.clock = self.desk.journal, self.desk.clock
        self.link = FakeLink(100_000)
        self.upstreams: dict[str, Upstream] = {}
        self.upstreams["one"] = Upstream(
            "one",
            window=1000,
            whole=False,
            rate=0,
            journal=self.journal,
            events=self.desk.events,
            clock=self.clock,
            random=Random(1),
        )
        self.upstreams["one"].all = self.upstreams
        self.desk.submission.router = Router(
            RouteTable((Route("", ("one",), OnAmbiguous.HOLD),)), self.upstreams
        )
        self.hub = Hub(self.clock.now_ms())
        self.gate = FakeGate(self.desk)
        self.api = JsonApi(self.desk, self.gate, self.hub)

    def call(
        self, method: str, path: str, value: Any = None, *, account: str = "app", **headers: str
    ) -> HttpCall:
        """A request; `value` is its body, as octets or to be written as JSON."""
        named = CIMultiDict({name.replace("_", "-"): text for name, text in headers.items()})
        if account:
            named.setdefault("Authorization", f"Bearer {account}")
        if value is not None:
            named.setdefault("Content-Type", "application/json")
        body = value if isinstance(value, bytes) else b"" if value is None else json.dumps(value).encode()
        path, _, query = path.partition("?")
        return HttpCall(method, path, query, named, body, ADDRESS, False)

    async def answer(self, *what: Any, **more: Any) -> Answer:
        return await self.api(self.call(*what, **more))

    def ask(self, *what: Any, **more: Any) -> Told:
        """One request and its answer."""
        return asyncio.run(self.asked(*what, **more))

    async def asked(self, *what: Any, **more: Any) -> Told:
        return told(await self.answer(*what, **more))

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run(work)

    def post(self, value: Any = None, **headers: Any) -> Told:
        """One message, or what `value` says."""
        return self.ask("POST", "/v1/messages", value or {"to": TO, "text": "hello"}, **headers)

    async def link_up(self) -> None:
        """What is sent from now on goes up at once."""
        self.upstreams["one"].link_up(self.link)
        self.journal.flush()
        self.upstreams["one"].claimed([], None)

    def close(self) -> None:
        self.journal.close()


def told(answer: Answer) -> Told:
    assert isinstance(answer, HttpReply), "it is a stream"
    value = json.loads(answer.body) if answer.body else None
    return Told(answer.status, value, dict(answer.headers), answer.body)


def stream_of(answer: Answer) -> HttpStream:
    assert isinstance(answer, HttpStream), answer
    return answer


MakeApi = Callable[..., ApiDesk]
