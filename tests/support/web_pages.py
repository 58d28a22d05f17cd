"""The pages over a gateway whose answers a test gives.

    async with pages({"queue": {"rows": []}}, role="operator") as client:
        page = await client.get("/queue")
        assert page.status == 200 and "…" in page.text
        page = await client.post("/queue/drop", {"id": "7"})      # with token and origin, as a browser
        assert page.location == "/queue"
        assert client.asked[-1] == {"command": "queue_drop", "id": 7}     # without "by"

An answer is a dict, a list of dicts (many), or a function from the request to one of these; {"error": text}
is a refusal. The control socket is the real one. Nobody is logged in with role=None.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
from aiohttp import web
from gateway_fakes import ManualClock

from gateway.core.passwords import hash_password
from gateway.ops.control import SOCKET_NAME, ControlSocket, Handler
from gateway.ops.web.app import SHELL, make_app
from gateway.ops.web.gateway_client import GatewayClient
from gateway.ops.web.security import cookie_name
from gateway.ops.web.settings import User, WebSettings
from gateway.ops.web.shell import Shell

PASSWORD = "correct horse"
HASH = hash_password(PASSWORD, bytes(16))
USERS = (User("vera", HASH, "viewer"), User("olga", HASH, "operator"))
ORIGIN = "http://localhost"
Answer = dict[str, Any] | list[dict[str, Any]]
Answers = Mapping[str, Answer | Callable[[dict[str, Any]], Answer]]


class Page(NamedTuple):
    """What came."""

    status: int
    text: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def location(self) -> str:
        """Where a redirect leads; "" if it is none."""
        return self.headers.get("Location", "")


class PagesClient:
    """A browser without scripts."""

    def __init__(self, session: aiohttp.ClientSession, shell: Shell, asked: list[dict[str, Any]]) -> None:
        self.http = session
        self.shell = shell
        self.asked = asked
        """What the gateway was asked, without `by`."""
        self.by: list[dict[str, str]] = []
        self.said: list[tuple[str, str, dict[str, object]]] = []
        """Lines of the log: level, name, fields."""
        self.cookies: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        """With each request."""

    @property
    def csrf(self) -> str:
        """The token of the session, "" without one."""
        token = next((v for k, v in self.cookies.items() if k in map(cookie_name, (False, True))), "")
        found = self.shell.sessions.find(token, self.shell.settings)
        return found[0].csrf if found is not None else ""

    def log_in(self, name: str) -> None:
        """A session without the form (which costs a hash)."""
        user = self.shell.settings.user(name)
        assert user is not None
        self.cookies[cookie_name(self.shell.settings.is_tls)] = self.shell.sessions.begin(user)

    async def get(self, path: str, **headers: str) -> Page:
        return await self.send("GET", path, headers)

    async def post(
        self, path: str, form: Mapping[str, str] | Sequence[tuple[str, str]] = (), **headers: str
    ) -> Page:
        """As a form of the pages does it."""
        fields = list(form.items()) if isinstance(form, Mapping) else list(form)
        if not any(name == "csrf" for name, _ in fields):
            fields = [("csrf", self.csrf), *fields]
        return await self.send("POST", path, {"Origin": ORIGIN, **headers}, aiohttp.FormData(fields)())

    async def send(self, method: str, path: str, headers: Mapping[str, str], body: Any = None) -> Page:
        """Any request; header names with _ for -."""
        named = {name.replace("_", "-"): value for name, value in {**self.headers, **headers}.items()}
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if cookie:
            named.setdefault("Cookie", cookie)
        async with self.http.request(
            method, f"{ORIGIN}{path}", headers=named, data=body, allow_redirects=False
        ) as answer:
            for name, morsel in answer.cookies.items():
                if morsel.value and morsel["max-age"] != "0":
                    self.cookies[name] = morsel.value
                else:
                    self.cookies.pop(name, None)
            octets = await answer.read()
            return Page(answer.status, octets.decode("utf-8", "replace"), answer.headers, octets)


def _handler(answer: Answer | Callable[[dict[str, Any]], Answer], client: list[PagesClient]) -> Handler:
    async def many(rows: list[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
        for row in rows:
            yield row

    async def one(row: dict[str, Any]) -> dict[str, Any]:
        return row

    def handle(request: dict[str, Any]) -> Any:
        client[0].by.append(request.pop("by", {}))
        client[0].asked.append(request)
        found = answer(request) if callable(answer) else answer
        return many(found) if isinstance(found, list) else one(found)

    return handle


@asynccontextmanager
async def pages(
    handlers: Answers | None = None,
    *,
    role: str | None = "operator",
    language: str = "en",
    clock: ManualClock | None = None,
    of: Path | None = None,
    **settings: Any,
) -> AsyncIterator[PagesClient]:
    """Pages, logged in as `vera` (viewer) or `olga` (operator).

    `of`: the state directory of a daemon that runs; then it is asked, and nobody listens in between.
    """
    with tempfile.TemporaryDirectory(prefix="pages") as folder:
        known: list[PagesClient] = []
        control = ControlSocket(
            Path(folder), {name: _handler(it, known) for name, it in (handlers or {}).items()}
        )
        await control.start()
        gateway = GatewayClient((of or Path(folder)) / SOCKET_NAME)
        said: list[tuple[str, str, dict[str, object]]] = []
        app = make_app(
            WebSettings(**{"users": USERS, **settings}),
            gateway,
            clock or ManualClock(),
            lambda level, name, **fields: said.append((level, name, fields)),
        )
        runner = web.AppRunner(app)
        await runner.setup()
        path = os.path.join(folder, "pages.sock")
        await web.UnixSite(runner, path).start()
        jar = aiohttp.DummyCookieJar()
        try:
            async with aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(path, force_close=True), cookie_jar=jar
            ) as session:
                client = PagesClient(session, app[SHELL], [])
                client.said = said
                client.cookies["language"] = language
                known.append(client)
                if role is not None:
                    client.log_in({"viewer": "vera", "operator": "olga"}[role])
                yield client
        finally:  # or the next test fails too
            await runner.cleanup()
            await control.stop()
            await asyncio.sleep(0)  # the closed connections of the control socket end
