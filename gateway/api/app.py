"""The JSON API /v1: which path is whose, who asks, and what a body may be.

There are no cookies and no forms. A browser that was once told a password may add it by itself to what a
stranger's page makes it send; but such a page can send no application/json, no DELETE, and no request of its
own Origin, for no other origin is let in, and it can read no answer.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

from gateway.api import account as accounts
from gateway.api import events, messages
from gateway.api.auth import enter, who
from gateway.api.json_reading import BadJson, load
from gateway.api.preview import preview
from gateway.api.problems import Problem, not_found, unavailable
from gateway.api.queries import Query
from gateway.api.sending import JSON, Sending
from gateway.core.accounts import Account
from gateway.core.errors import StoreReadError
from gateway.core.http import HttpCall, HttpReply, HttpStream
from gateway.core.hub import Hub
from gateway.front.desk import Desk, Unavailable
from gateway.front.gate import Gate

PREFIX = "/v1"
BODY_MAX = 4 * 1024 * 1024
OPENAPI = Path(__file__).with_name("openapi.json")
_ID_DIGITS = 19

Answer = HttpReply | HttpStream
_Handler = Callable[["JsonApi", "Asked"], Awaitable[Answer]]


class Asked(NamedTuple):
    """A request of an account."""

    call: HttpCall
    account: Account
    message_id: int
    """0: its path names none."""


class JsonApi:
    """Answers for /v1."""

    def __init__(self, desk: Desk, gate: Gate, hub: Hub) -> None:
        self.desk = desk
        self.hub = hub
        self._gate = gate
        self._sending = Sending(desk)
        self._openapi = b""
        self.requests = 0
        """Requests that were let in, and answers that were a problem."""
        self.errors = 0
        self.refused = 0
        """Requests of nobody who may ask: answered 401 or 403."""

    async def __call__(self, call: HttpCall) -> Answer:
        """The answer to a request, whatever it is."""
        try:
            return await self._answer(call)
        except Problem as problem:
            if problem.status in (401, 403):
                self.refused += 1
            else:
                self.errors += 1
            return problem.reply()
        except Unavailable:
            pass
        except StoreReadError as error:  # the disk, and none of its words is a stranger's
            self.desk.events.seldom("error", "http_fault", self.desk.clock.now(), reason=f"store: {error}")
        self.errors += 1
        return unavailable().reply()

    async def _answer(self, call: HttpCall) -> Answer:
        path = call.path.removeprefix(PREFIX + "/")
        if path == "openapi.json":
            return self._document(call.method)
        message_id, pattern = _path(path)
        methods = ROUTES.get(pattern)
        if methods is None:
            raise not_found(f"there is no {PREFIX}/{path[:60]}: see {PREFIX}/openapi.json")
        handler = methods.get(call.method)
        if handler is None:
            raise _not_allowed(", ".join(methods))
        if "Origin" in call.headers:
            _check_origin(call)
        gate = self._gate
        account = await who(gate, call)
        self.requests += 1
        enter(gate, account)
        try:
            return await handler(self, Asked(call, account, message_id))
        finally:
            gate.leave(account)

    def _document(self, method: str) -> HttpReply:
        if method != "GET":
            raise _not_allowed("GET")
        if not self._openapi:
            self._openapi = OPENAPI.read_bytes()
        return HttpReply(200, JSON, self._openapi, (("Cache-Control", "max-age=300"),))

    # -- handlers ------------------------------------------------------------------------------------------

    async def send(self, asked: Asked) -> Answer:
        call = asked.call
        value = _body(call)
        key = call.headers.get("Idempotency-Key", "")
        if "Idempotency-Key" in call.headers and not key:
            raise Problem(
                400, "malformed_request", "an Idempotency-Key is not empty: leave it out, or name one"
            )
        return await self._sending.post(asked.account, value, call.peer, key, call.body)

    async def list_messages(self, asked: Asked) -> Answer:
        return _reply(await messages.page(self.desk, asked.account, Query(asked.call.query)))

    async def show(self, asked: Asked) -> Answer:
        return _reply(await messages.one(self.desk, asked.account, asked.message_id))

    async def cancel(self, asked: Asked) -> Answer:
        return _reply(await messages.cancel(self.desk, asked.account, asked.message_id))

    async def incoming(self, asked: Asked) -> Answer:
        return _reply(await accounts.incoming(self.desk, asked.account, Query(asked.call.query)))

    async def overview(self, asked: Asked) -> Answer:
        return _reply(await accounts.overview(self.desk, asked.account))

    async def preview(self, asked: Asked) -> Answer:
        return _reply(await preview(self.desk, asked.account, _body(asked.call)))

    async def events(self, asked: Asked) -> Answer:
        last = asked.call.headers.get("Last-Event-ID", "")
        return events.account_stream(self.hub, asked.account, last, self.desk.clock.now())

    async def message_events(self, asked: Asked) -> Answer:
        return await events.message_stream(self.desk, self.hub, asked.account, asked.message_id)


ROUTES: dict[str, dict[str, _Handler]] = {
    "messages": {"POST": JsonApi.send, "GET": JsonApi.list_messages},
    "messages/{id}": {"GET": JsonApi.show, "DELETE": JsonApi.cancel},
    "messages/{id}/events": {"GET": JsonApi.message_events},
    "incoming": {"GET": JsonApi.incoming},
    "account": {"GET": JsonApi.overview},
    "preview": {"POST": JsonApi.preview},
    "events": {"GET": JsonApi.events},
}


def _not_allowed(methods: str) -> Problem:
    return Problem(405, "method_not_allowed", f"this path has {methods}", headers=(("Allow", methods),))


def _check_origin(call: HttpCall) -> None:
    """Raises Problem 403 for what the page of another host lets a browser send (RFC 6454 §7)."""
    _, _, host = call.headers["Origin"].partition("://")
    if call.method != "GET" and host.lower() != call.headers.get("Host", "").lower():
        raise Problem(403, "foreign_origin", "pages of other hosts may not ask: ask from your server")


def _path(path: str) -> tuple[int, str]:
    """The message_id that a path names (0: none), and the path without it."""
    first, _, rest = path.partition("/")
    if first != "messages" or not rest:
        return 0, path
    digits, slash, more = rest.partition("/")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= _ID_DIGITS) or int(digits) >= 1 << 63:
        raise not_found("a message's id is the number that was answered when it was sent")
    return int(digits), f"messages/{{id}}{slash}{more}"


def _body(call: HttpCall) -> Any:
    media, _, options = call.headers.get("Content-Type", "").partition(";")
    if media.strip().lower() != JSON:
        raise Problem(
            415,
            "media_type",
            f"send JSON, with Content-Type: {JSON}",
            headers=(("Accept-Post", JSON),),
        )
    charset = options.strip().lower().removeprefix("charset=").strip('"')
    if charset not in ("", "utf-8", "utf8") or call.headers.get("Content-Encoding", "identity") != "identity":
        raise Problem(415, "media_type", "send JSON in UTF-8, as it is")
    if len(call.body) > BODY_MAX:
        raise Problem(413, "too_large", f"send at most {BODY_MAX} octets: split the messages")
    try:
        return load(call.body)
    except BadJson as error:
        raise Problem(400, "malformed_request", str(error)) from error


def _reply(value: Any) -> HttpReply:
    body = json.dumps(value, separators=(",", ":")).encode()
    return HttpReply(200, JSON, body, (("Cache-Control", "no-store"),))
