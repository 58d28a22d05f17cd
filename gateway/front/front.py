"""The service's API at its front: a request is read, let in, handed to its script, and answered.

The scripts' modules are imported at the start, because an import holds up everybody else for a moment, and
only where a listener serves them.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Mapping
from typing import Final

from gateway.core.accounts import Account
from gateway.core.errors import StoreReadError
from gateway.core.http import HttpCall, HttpReply
from gateway.front.desk import (
    BAD_PARAMETERS,
    TOO_OFTEN,
    ApiProblem,
    Asked,
    Desk,
    Handler,
    Octets,
    Unavailable,
    Value,
)
from gateway.front.gate import Gate, credentials_in
from protocols.smsc_http import charsets
from protocols.smsc_http.errors import error_text
from protocols.smsc_http.limits import SlidingWindow
from protocols.smsc_http.operations import REST_SEND, SCRIPT_PATH, Operation, answer_fmt, find, missing
from protocols.smsc_http.rendering import render, render_failure
from protocols.smsc_http.requests import MAX_BODY, Request, RequestError, decode_request

PATHS: Final = (SCRIPT_PATH, REST_SEND)
"""What begins so is for us."""
BODY_MAX: Final = MAX_BODY
RETRY_AFTER_S: Final = 5
PICTURES_A_MINUTE: Final = 60
"""So many captcha pictures an IP address may ask for, which needs no login."""

SCRIPTS: Final[Mapping[str, tuple[str, ...]]] = {
    "sending": ("send", "cost"),
    "status": ("status", "status_delete"),
    "balance": ("balance",),
    "history": ("messages", "answers", "stat", "price"),
    "info": ("operator",),
    "downloads": ("dl_list", "dl_file"),
    "contacts": (
        *(f"{of}_{what}" for of in ("phone", "mail") for what in ("add", "chg", "del", "get")),
        *(f"{of}_{what}" for of in ("phone", "mail") for what in ("move", "join", "leave")),
        *(f"{of}_group_{what}" for of in ("phone", "mail") for what in ("add", "chg", "del", "get")),
    ),
    "blacklist": tuple(f"{of}_black_{what}" for of in ("phone", "mail") for what in ("add", "del", "get")),
    "templates": ("tpl_add", "tpl_chg", "tpl_del", "tpl_get"),
    "senders": ("sender_get", "sender_add", "sender_chg", "sender_code", "sender_check", "sender_del"),
    "jobs": ("job_add", "job_del", "job_cancel", "job_get", "job_list"),
    "ping": ("ping",),
    "users": ("user_add", "user_chg", "user_pay", "user_stat", "user_stat_all"),
    "documents": ("doc_add_account", "doc_get_account", "doc_get_act"),
    "tinyurls": ("tinyurl",),
}
"""Which module of this package answers what; everything else is the relay's."""
_MODULES: Final = {operation: module for module, names in SCRIPTS.items() for operation in names}

_SECRETS = frozenset({"login", "psw", "apikey"})
_MANY = 200
"""Records, which take some milliseconds to write."""
_LARGE = frozenset({"price"})
"""Operations with one record that may be as large: thousands of zones."""
_TYPES = {2: "text/xml", 3: "application/json"}
_WITHOUT_LOGIN = "imgcode"


class SmscFront:
    """Answers the scripts of the service's API, /sys/*.php and /rest/send/."""

    def __init__(self, desk: Desk, gate: Gate) -> None:
        self._desk = desk
        self._gate = gate
        self._handlers: dict[str, Handler] = {}
        self._pictures = SlidingWindow(PICTURES_A_MINUTE, 60)
        self.requests = 0
        """Requests that were let in, and how many of them were answered with an error of the service."""
        self.errors = 0
        self.refused = 0
        """Requests of nobody who may ask, or that were no request."""

    async def __call__(self, call: HttpCall) -> HttpReply:
        """The answer to a request, whatever it is."""
        try:
            request = decode_request(
                call.method, call.path, call.query, call.headers.get("Content-Type", ""), call.body
            )
        except RequestError as error:
            self.refused += 1
            return _unreadable(error)
        operation = find(request.script, request.params)
        fmt = _fmt(operation, request)
        try:
            return await self._answer(operation, request, fmt, call.peer)
        except ApiProblem as problem:
            return _failure(problem, request, fmt)
        except Unavailable:
            return _unavailable()
        except (OSError, StoreReadError) as error:
            # a file's name may have a number in it
            what = str(error) if isinstance(error, StoreReadError) else error.strerror
            reason = f"store: {what or type(error).__name__}"
            self._desk.events.seldom("error", "http_fault", self._desk.clock.now(), reason=reason)
            return _unavailable()

    async def _answer(self, operation: Operation | None, request: Request, fmt: int, peer: str) -> HttpReply:
        """Lets a request in and has it answered; raises ApiProblem."""
        params, gate = request.params, self._gate
        try:
            account = await self._account(operation, params, peer)
        except ApiProblem:
            self.refused += 1
            raise
        is_status = request.script == "status.php"
        try:
            gate.enter(account, is_status=is_status)
        except ApiProblem:
            self.errors += 1
            raise
        self.requests += 1
        try:
            if operation is None or missing(operation, params):
                raise ApiProblem(BAD_PARAMETERS)
            value = await self._do(account, operation, request, fmt, peer)
            if operation.name in _LARGE or (isinstance(value, list) and len(value) > _MANY):
                # beside the loop, where nobody waits for it
                return await asyncio.to_thread(_reply, operation, value, request, fmt)
            return _reply(operation, value, request, fmt)
        except ApiProblem:
            self.errors += 1
            raise
        finally:
            gate.leave(account, is_status=is_status)

    async def _account(self, operation: Operation | None, params: Mapping[str, str], peer: str) -> Account:
        credentials = credentials_in(params)
        known = self._gate.known(credentials, peer)
        if known is not None:
            return known
        has_none = not (credentials.login or credentials.key)
        if has_none and operation is not None and operation.name == _WITHOUT_LOGIN:
            return self._for_pictures(peer)
        return await self._gate.account(credentials, peer)

    def _for_pictures(self, peer: str) -> Account:
        """A browser asks for a picture and has no login: any account's relay has them, within bounds."""
        now = self._desk.clock.now()
        if self._pictures.due(peer, now) > 0:
            raise ApiProblem(TOO_OFTEN)
        self._pictures.take(peer, now)
        for account in self._desk.accounts.values():
            if account.config.http is not None and account.config.http.relay and not account.blocked:
                return account
        raise ApiProblem(BAD_PARAMETERS, _needs_relay(_WITHOUT_LOGIN))

    async def _do(
        self, account: Account, operation: Operation, request: Request, fmt: int, peer: str
    ) -> Value:
        handler = self._handlers.get(operation.name) or self._handler(operation.name)
        claims = self._gate.claim(account, operation, request.params)
        params = {name: value for name, value in request.params.items() if name not in _SECRETS}
        asked = Asked(account, operation.name, params, request.files, peer, fmt, request.charset)
        try:
            return await handler(asked)
        except Unavailable:
            self._gate.give_back(claims)
            raise

    def _handler(self, operation: str) -> Handler:
        """Who answers an operation, from now on; ApiProblem 1, with a text, if nobody does."""
        module = _MODULES.get(operation)
        if module is not None:
            self.load(module)
        handler = self._handlers.get(operation)
        if handler is not None:
            return handler
        if self._desk.relay is not None:
            return self._desk.relay
        raise ApiProblem(BAD_PARAMETERS, _needs_relay(operation))

    def load_all(self) -> None:
        """Imports all that SCRIPTS names, once."""
        for module, operations in SCRIPTS.items():
            if operations[0] not in self._handlers:
                self.load(module)

    def load(self, module: str) -> None:
        """Imports a module of SCRIPTS."""
        found = importlib.import_module(f"gateway.front.{module}")
        self._handlers.update(found.handlers(self._desk))


def _needs_relay(operation: str) -> str:
    return f"{operation} is not done here: it needs http.relay, a connector to a service that does it"


_ONLY_JSON = (REST_SEND, "documents.php")
"""Their texts are JSON, whatever is asked of them and even if that is nothing that they know."""


def _fmt(operation: Operation | None, request: Request) -> int:
    if request.script in _ONLY_JSON:
        return 3
    wanted = request.params.get("fmt", "0")
    fmt = int(wanted) if wanted in ("0", "1", "2", "3") else 0
    return fmt if operation is None else answer_fmt(operation, fmt)


def _reply(operation: Operation, value: Value, request: Request, fmt: int) -> HttpReply:
    if isinstance(value, Octets):
        return HttpReply(200, value.content_type, value.body, _disposition(value.name))
    return _text(render(operation.name, value, fmt, params=request.params), fmt, request.charset)


def _disposition(name: str) -> tuple[tuple[str, str], ...]:
    if not name:
        return ()
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name)
    return (("Content-Disposition", f'attachment; filename="{plain}"'), ("X-Content-Type-Options", "nosniff"))


def _failure(problem: ApiProblem, request: Request, fmt: int) -> HttpReply:
    script = "send.php" if request.script == REST_SEND else request.script
    text = problem.text or error_text(script, problem.number)
    return _text(render_failure(problem.number, text, fmt, problem.id), fmt, request.charset)


def _text(text: str, fmt: int, charset: str) -> HttpReply:
    content_type = f"{_TYPES.get(fmt, 'text/plain')}; charset={charset}"
    return HttpReply(200, content_type, charsets.encode(text, charset))


def _unreadable(error: RequestError) -> HttpReply:
    """Error 1 where it was meant for a script, else HTTP's own."""
    if error.status == 400:
        text = render_failure(BAD_PARAMETERS, error_text("send.php", BAD_PARAMETERS), 0)
        return _text(text, 0, charsets.DEFAULT)
    allow = (("Allow", "GET, POST"),) if error.status == 405 else ()
    return HttpReply(error.status, "text/plain; charset=utf-8", str(error).encode(), allow)


def _unavailable() -> HttpReply:
    text = b"nothing can be taken just now: come again"
    return HttpReply(503, "text/plain; charset=utf-8", text, (("Retry-After", str(RETRY_AFTER_S)),))
