"""A gateway that is asked over HTTP, for journeys: real sockets, simulated SMSC, a client.

    async with asked_over_http(tmp_path) as it:
        answer = await it.ask("send", phones=DESTINATION, mes="Hello")      # fmt 3, JSON → dict
        await it.gateway.until(lambda: it.smsc.received)
        text = await it.text("status.php?phone=…&id=…&fmt=1")               # as it stands, with the login
        reply = await it.http("GET", "/v1/account", auth=BASIC)             # any request: Reply

The account is LOGIN with PASSWORD ("alex", "123"); its `http` section is `http=AccountHttp(…)`, more of
it are `**fields`.  `others` are more accounts, `settings` is the configuration's `http` section (no limits by
default), `relayed=True` puts a simulated SMSC service behind (`it.service`) which is the account's `relay`.
The SMSC is `it.smsc` (gateway.simulator); time stands still unless `it.gateway.clock` is moved.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
from journey_support import HOST, Gateway, account, config, connector, hashed, running, simulated_smsc
from service_support import SERVICE, service, simulated_service

from gateway.config.basics import Address
from gateway.config.model import (
    Account,
    AccountHttp,
    Config,
    Http,
    HttpListener,
    Listeners,
    Route,
    SmppListener,
)
from gateway.simulator import Simulator
from gateway.simulator.smsc_http.server import HttpSimulator

LOGIN, PASSWORD = "alex", "123"
BASIC = "Basic " + base64.b64encode(f"{LOGIN}:{PASSWORD}".encode()).decode()
NO_LIMITS = Http(limits=0, max_requests=1000, max_status_requests=1000, block_after=0)


class Reply(NamedTuple):
    """An answer over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class AskedGateway:
    """A gateway, what is behind it, and a client in front."""

    gateway: Gateway
    smsc: Simulator
    service: HttpSimulator | None
    session: aiohttp.ClientSession
    listener: int = 0

    @property
    def port(self) -> int:
        return self.gateway.daemon.http.listeners[self.listener].port

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def http(
        self,
        method: str,
        path: str,
        *,
        auth: str = "",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Reply:
        """Any request; `json=`, `data=` and what else aiohttp takes; no redirect is followed."""
        sent = {**({"Authorization": auth} if auth else {}), **(headers or {})}
        if body is not None:
            more["data"] = body
        async with self.session.request(
            method, self.url + path, headers=sent, allow_redirects=False, **more
        ) as answer:
            return Reply(answer.status, answer.headers, await answer.read())

    async def ask(self, script: str, *, login: str = LOGIN, psw: str = PASSWORD, **params: object) -> Any:
        """A script of the service by POST, in fmt 3 and UTF-8 unless said otherwise; its answer."""
        values = {"login": login, "psw": psw, "fmt": 3, "charset": "utf-8", **params}
        form = {name: str(value) for name, value in values.items()}
        reply = await self.http("POST", f"/sys/{script}.php", data=form)
        assert reply.status == 200, reply
        return reply.json if form["fmt"] == "3" else reply.text

    async def text(self, script_and_query: str, *, login: str = LOGIN, psw: str = PASSWORD) -> str:
        """A script by GET with the query as it stands, and the login before it."""
        script, _, query = script_and_query.partition("?")
        url = aiohttp.client.URL(f"{self.url}/sys/{script}?login={login}&psw={psw}&{query}", encoded=True)
        async with self.session.get(url) as answer:
            assert answer.status == 200, answer
            return await answer.text()

    async def v1(self, method: str, path: str, value: object = None, **more: Any) -> Reply:
        """A request to /v1 with the account's login; `value` is its body in JSON."""
        if value is not None:
            more["json"] = value
        return await self.http(method, f"/v1/{path}", auth=BASIC, **more)

    def texts(self) -> list[bytes]:
        """What the SMSC has got, in its order."""
        return [message.user_data for message in self.smsc.received]


def http_account(login: str = LOGIN, http: AccountHttp | None = None, **fields: Any) -> Account:
    """An account that may ask over HTTP."""
    values = {"password_hash": hashed(PASSWORD), "http": http or AccountHttp(), **fields}
    return account(login, **values)


def http_config(made: Config, accounts: Sequence[Account], settings: Http, **listener: Any) -> Config:
    """The same configuration with these accounts and a listener for HTTP."""
    section = HttpListener(**{"address": Address(HOST, 0), **listener})
    listeners = Listeners(smpp=[SmppListener(address=Address(HOST, 0))], http=[section])
    return replace(made, listeners=listeners, accounts=accounts, http=settings)


@asynccontextmanager
async def asked_over_http(
    state_dir: Path,
    *,
    http: AccountHttp | None = None,
    settings: Http = NO_LIMITS,
    others: Sequence[Account] = (),
    relayed: bool = False,
    listener: Mapping[str, Any] | None = None,
    smsc: Mapping[str, Any] | None = None,
    routes: Sequence[Route] | None = None,
    configured: Mapping[str, Any] | None = None,
    **fields: Any,
) -> AsyncIterator[AskedGateway]:
    """See the module. `configured`: more of the configuration, such as price_lists."""
    async with AsyncExitStack() as stack:
        behind = await stack.enter_async_context(simulated_service()) if relayed else None
        simulator = await stack.enter_async_context(simulated_smsc(**(smsc or {})))
        made = config(connector(simulator.port), routes=routes)
        section = http or AccountHttp()
        if behind is not None:
            made = replace(made, smsc_connectors=[service(behind.port)])
            section = replace(section, relay=SERVICE)
        accounts = (http_account(http=section, **fields), *others)
        made = http_config(replace(made, **(configured or {})), accounts, settings, **(listener or {}))
        gateway = await stack.enter_async_context(running(made, state_dir))
        await gateway.linked()
        session = await stack.enter_async_context(
            aiohttp.ClientSession(
                # a kept connection may be closed, as too old, just when the next request goes out
                connector=aiohttp.TCPConnector(force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(20),
            )
        )
        yield AskedGateway(gateway, simulator, behind, session)


async def raw(port: int, octets: bytes, *, ends: bool = True) -> bytes:
    """Everything that is answered to these octets until the connection ends; `ends`: nothing more is sent."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(octets)
        if ends:
            writer.write_eof()
        return await reader.read()
    finally:
        writer.close()
