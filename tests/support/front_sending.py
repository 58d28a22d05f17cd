"""send.php above a desk with a store in this process, a connector for SMS, and an SMSC service."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from front_desk import LINKS, asked, config_of, desk_of
from gateway_fakes import account_config

from gateway.config.http_model import AccountHttp, Http
from gateway.config.model import Account as AccountConfig
from gateway.config.price_model import Price, PriceList
from gateway.config.smpp_model import AccountSmpp
from gateway.core.model import Message, OnAmbiguous
from gateway.core.router import Router
from gateway.core.routing import Route, RouteTable
from gateway.core.upstream import Upstream
from gateway.front.desk import ApiProblem
from gateway.front.sending import handlers
from protocols.smsc_http.requests import File

PHONE, OTHER = "79990000001", "79990000002"
PRICES = PriceList(
    name="retail", currency="EUR", prices=(Price(prefix="7", price=0.5), Price(prefix="", price=1.25))
)
PURSE = 10_000_000
"""What an account has that pays, in millionths."""


def sender(name: str = "app", **fields: Any) -> AccountConfig:
    return account_config(**{"system_id": name, "http": AccountHttp(), **fields})


ACCOUNTS = (
    sender(),
    sender("rich", balance="own", prices="retail"),
    sender("full", service_messages=True, smpp=AccountSmpp(allow=("wap_push",))),
    sender("told", http=AccountHttp(handler="https://example.org/sms")),
    sender("named", allowed_sources=("Example",), default_source="Example"),
    sender("here", time_zone="Asia/Yekaterinburg"),
)


class SendDesk:
    """What the tests of send.php ask."""

    def __init__(
        self, folder: Path, *accounts: AccountConfig, links: bool = True, routes: Sequence[Route] = ()
    ) -> None:
        config = config_of(
            *(accounts or ACCOUNTS), http=Http(links=LINKS if links else None), price_lists=(PRICES,)
        )
        self.desk = desk_of(folder, config)
        self.journal, self.clock = self.desk.journal, self.desk.clock
        self.upstreams = {name: self._upstream(name, service=name == "svc") for name in ("one", "svc")}
        for upstream in self.upstreams.values():
            upstream.all = self.upstreams
        table = RouteTable(routes or (Route("", ("one", "svc"), OnAmbiguous.HOLD),))
        self.desk.submission.router = Router(table, self.upstreams)
        self.desk.ledger().credited("rich", PURSE)
        self.handlers = handlers(self.desk)

    def _upstream(self, name: str, *, service: bool) -> Upstream:
        return Upstream(
            name,
            window=1000,
            whole=service,
            rate=0,
            service=service,
            journal=self.journal,
            events=self.desk.events,
            clock=self.clock,
            random=Random(1),
        )

    async def call(
        self, params: Mapping[str, str], account: str = "app", files: Sequence[File] = ()
    ) -> dict[str, Any]:
        """The answer to a request."""
        operation = "cost" if params.get("cost") == "1" else "send"
        answer = await self.handlers[operation](asked(self.desk, account, operation, params, files))
        assert isinstance(answer, dict)
        return answer

    def ask(self, account: str = "app", /, **params: str) -> dict[str, Any]:
        """The same for one request; one text to one number is what it says nothing else of."""
        given = {"mes": "hello", **params} if "list" not in params else params
        if "list" not in params:
            given.setdefault("phones", PHONE)
        return asyncio.run(self.call(given, account))

    def refused(self, account: str = "app", /, **params: str) -> tuple[int, int | str | None]:
        """The error number of a request, and the id of what was registered."""
        try:
            answer = self.ask(account, **params)
        except ApiProblem as problem:
            return problem.number, problem.id
        raise AssertionError(f"it was taken: {answer}")

    def messages(self) -> list[Message]:
        """What was taken, in order."""
        return [Message(*row[:-1]) for batch in self.journal.batches for row in batch.accepted]

    def message(self) -> Message:
        """The one message."""
        (message,) = self.messages()
        return message

    def notes(self) -> list[tuple[Any, ...]]:
        """Rows of api_messages without the message_id."""
        return [row[1:] for batch in self.journal.batches for row in batch.api_messages]

    def registered(self) -> list[tuple[Any, ...]]:
        """Destination, state and error of what was refused and kept."""
        return [(row[4], row[6], row[7]) for batch in self.journal.batches for row in batch.registered]

    def close(self) -> None:
        self.journal.close()
