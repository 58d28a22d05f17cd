"""The simulated service as a plain object: requests in, answers out, and what happens in time.

The clock is handed in (`now`, Unix seconds) and randomness has a seed, so that tests need neither sockets nor
waiting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from decimal import Decimal
from enum import Enum
from typing import NamedTuple

from gateway.simulator.smsc_http.callbacks import Callbacks
from gateway.simulator.smsc_http.due import Due
from gateway.simulator.smsc_http.faults import Fault, FaultKind, Faults, parse_faults
from gateway.simulator.smsc_http.flood import Flood
from gateway.simulator.smsc_http.gate import Gate
from gateway.simulator.smsc_http.kinds import FileSize
from gateway.simulator.smsc_http.life import Life
from gateway.simulator.smsc_http.model import (
    PEER_IP,
    ApiProblem,
    IncomingMessage,
    NoDesk,
    Params,
    SentMessage,
    SimAccount,
)
from gateway.simulator.smsc_http.office import Office
from gateway.simulator.smsc_http.outcomes import REGISTERED, Outcomes
from gateway.simulator.smsc_http.sending import Refused, Sending
from gateway.simulator.smsc_http.settings import HttpSettings
from gateway.simulator.smsc_http.status import StatusScript
from gateway.simulator.smsc_http.store import Store
from protocols.smsc_http import charsets
from protocols.smsc_http.errors import error_text
from protocols.smsc_http.operations import REST_SEND, Operation, answer_fmt, find, missing
from protocols.smsc_http.rendering import render, render_failure
from protocols.smsc_http.requests import Request, RequestError, decode_request

BAD_PARAMETERS = 1
_SECRETS = frozenset({"login", "psw", "apikey"})
_TYPES = {2: "text/xml", 3: "application/json"}
_SENDING = frozenset({"send", "cost"})
_WITHOUT_LOGIN = frozenset({"imgcode"})


class Ending(Enum):
    """What the server does with a reply."""

    ANSWER = "answer"
    HANG = "hang"
    DROP = "drop"


class Reply(NamedTuple):
    """The answer to an HTTP request, and how to send it."""

    status: int
    content_type: str
    body: bytes
    delay_s: float = 0.0
    ending: Ending = Ending.ANSWER


class HttpCall(NamedTuple):
    """An HTTP request as it came; `query` is what stands behind the question mark."""

    method: str
    path: str
    query: str = ""
    content_type: str = ""
    body: bytes = b""


class _Upload(NamedTuple):
    """A file as the office takes it."""

    name: str
    data: bytes


_HANG = Reply(0, "", b"", ending=Ending.HANG)
_DROP = Reply(0, "", b"", ending=Ending.DROP)
_ERROR_500 = Reply(500, "text/html", b"<html><body><h1>500 Internal Server Error</h1></body></html>")


class SmscService:
    """One simulated service with one account."""

    def __init__(self, settings: HttpSettings | None = None) -> None:
        self.settings = settings = settings or HttpSettings()
        self.account = SimAccount(
            login=settings.login or "demo",
            password=settings.password or "",
            api_keys=(settings.api_key,) if settings.api_key else (),
            balance=Decimal(settings.balance),
            credit=Decimal(settings.credit),
            tz=settings.tz,
            virtual=settings.virtual,
            handler_url=settings.handler,
        )
        self.due = Due()
        self.store = Store(settings.keep, settings.keep_counted)
        self.callbacks = Callbacks(settings, self.account)
        self.faults = Faults(parse_faults(settings.faults), settings.seed)
        self.gate = Gate(settings)
        self.life = Life(settings, self.store, self.due, self.callbacks, self._clicked, self.account)
        self.sending = Sending(
            self.account,
            self.store,
            self.life,
            self.callbacks,
            Outcomes(settings),
            Flood(settings.flood_max, settings.flood_gap_s),
            NoDesk(),
        )
        self.office = Office(self.account, ServiceOutbox(self))
        self.sending.desk = self.office
        self.requests: Counter[str] = Counter()
        """By operation."""
        self.errors: Counter[int] = Counter()
        """By error number."""
        self.errors_by_script: Counter[tuple[str, int]] = Counter()
        self.spoiled: Counter[tuple[str, str]] = Counter()
        """Requests that were accepted and whose answer a fault has spoiled, by script and fault."""
        self._handlers = {**StatusScript(self.account, self.store).handlers(), **self.office.HANDLERS}

    def handle(self, call: HttpCall, peer_ip: str, now: float) -> Reply:
        """The reply to a request for a script."""
        try:
            request = decode_request(call.method, call.path, call.query, call.content_type, call.body)
        except RequestError as error:
            return _unreadable(error)
        script = short_name(request.script)
        fault = self.faults.choose(script)
        if fault is not None and fault.kind in _BEFORE:
            return _BEFORE[fault.kind]
        delay_s = self.settings.resp_delay_ms / 1000
        charset, fmt = request.charset, _fmt(request)
        operation = None
        try:
            self.gate.check_address(peer_ip, now)
            self.gate.check_crowd(script)
            operation = self._operation(request)
            fmt = answer_fmt(operation, fmt)
            value, fault = self._do(operation, request, peer_ip, now, fault)
            if fault is not None:
                self.spoiled[script, fault.kind.value] += 1
            reply = _reply(operation, value, request, fmt, delay_s)
        except Refused as refused:
            if refused.fault.kind is not FaultKind.ERROR:
                return _BEFORE[refused.fault.kind]
            reply = self._failure(ApiProblem(refused.fault.number), request, fmt, delay_s)
        except ApiProblem as problem:
            self.gate.was_bad(peer_ip, problem.number, now)
            reply = self._failure(problem, request, fmt, delay_s)
        return self._spoiled(reply, fault, charset)

    def run(self, now: float) -> None:
        """Let happen what is due."""
        self.due.run(now)

    def counters(self) -> dict[str, object]:
        """What happened since the start."""
        return {
            "requests": sum(self.requests.values()),
            "errors": sum(self.errors.values()),
            "accepted": self.store.accepted,
            "incoming": self.life.received,
            **{f"handler_{name}": count for name, count in asdict(self.callbacks.counters).items()},
            "handler_waiting": len(self.callbacks),
        }

    def _operation(self, request: Request) -> Operation:
        """What is asked for, by one who may ask. Raises ApiProblem."""
        operation = find(request.script, request.params)
        if operation is None or operation.name not in _WITHOUT_LOGIN:
            self.gate.check_credentials(request.params)
        if operation is None or missing(operation, request.params):
            raise ApiProblem(BAD_PARAMETERS)
        return operation

    def _do(
        self, operation: Operation, request: Request, peer_ip: str, now: float, fault: Fault | None
    ) -> tuple[object, Fault | None]:
        """The value of the answer, and the fault that spoils it."""
        claims = self.gate.claim(operation, request.params, now)
        params = {name: value for name, value in request.params.items() if name not in _SECRETS}
        params[PEER_IP] = peer_ip
        number = fault.number if fault is not None else 0
        if number and not (operation.name == "send" and number in REGISTERED):
            raise ApiProblem(number)
        self.requests[operation.name] += 1
        try:
            if operation.name in _SENDING:
                files = [FileSize(file.filename, len(file.content)) for file in request.files]
                value, by_destination = self.sending.send(params, files, now, number)
                return value, fault or by_destination
            with_files = self.office.FILE_HANDLERS.get(operation.name)
            if with_files is not None:
                uploads = [_Upload(file.filename, file.content) for file in request.files]
                return with_files(params, now, uploads), fault
            return self._handlers[operation.name](params, now), fault
        except ApiProblem:
            self.gate.count(claims, now)
            claims = []
            raise
        except Refused:
            claims = []
            raise
        finally:
            self.gate.count(claims, now)

    def _failure(self, problem: ApiProblem, request: Request, fmt: int, delay_s: float) -> Reply:
        self.errors[problem.number] += 1
        self.errors_by_script[short_name(request.script), problem.number] += 1
        script = "send.php" if request.script == REST_SEND else request.script
        text = render_failure(problem.number, error_text(script, problem.number), fmt, problem.id)
        return _text_reply(text, fmt, request.charset, delay_s)

    def _spoiled(self, reply: Reply, fault: Fault | None, charset: str) -> Reply:
        """The reply as the fault of the request leaves it."""
        kind = fault.kind if fault is not None else None
        if kind is FaultKind.TIMEOUT:
            return _HANG
        if kind is FaultKind.DROP:
            return _DROP
        if kind is FaultKind.HTTP_ERROR:
            return _ERROR_500
        if kind is FaultKind.NO_JSON:
            return reply._replace(content_type="text/html", body=b"<html><body>Welcome</body></html>")
        if kind is FaultKind.SLOW:
            return reply._replace(delay_s=reply.delay_s + self.settings.slow_ms / 1000)
        if kind is FaultKind.WRONG_CHARSET:
            return reply._replace(body=charsets.decode(reply.body, charset).encode("utf-16"))
        return reply

    def _clicked(self, message: SentMessage, now: float) -> None:
        links = message.extra.get("links") if message.extra is not None else None
        for link in links if isinstance(links, list) else ():
            self.sending.desk.clicked(link, now)


class ServiceOutbox:
    """The Outbox of a service, for its office."""

    def __init__(self, service: SmscService) -> None:
        self._service = service

    @property
    def messages(self) -> Sequence[SentMessage]:
        """Oldest first."""
        return self._service.store.messages

    @property
    def incoming(self) -> Sequence[IncomingMessage]:
        """Oldest first."""
        return self._service.store.incoming

    def send(self, params: Params, now: float) -> dict[str, object]:
        """As send.php does, whatever faults its destinations have. Raises ApiProblem."""
        try:
            return self._service.sending.send(params, (), now, spoil=False).value
        except Refused as refused:
            raise ApiProblem(refused.fault.number) from None

    def receive(
        self, phone: str, to: str, text: str, now: float, sms_id: int | str | None = None
    ) -> IncomingMessage:
        """A subscriber's message arrives."""
        return self._service.life.receive(phone, to, text, now, sms_id)

    def confirm(self, phone: str, to: str, now: float) -> IncomingMessage:
        """A subscriber calls to confirm the number."""
        return self._service.life.confirm(phone, to, now)

    def schedule(self, at: float, call: Callable[[float], None]) -> None:
        """Have `call(now)` called at this moment."""
        self._service.due.push(at, call)


_BEFORE = {FaultKind.DROP_BEFORE: _DROP, FaultKind.HTTP_ERROR_BEFORE: _ERROR_500}


def short_name(script: str) -> str:
    """`send` of `send.php` and of the JSON endpoint, as rules of faults name it."""
    return "send" if script == REST_SEND else script.removesuffix(".php")


def _fmt(request: Request) -> int:
    if request.script == REST_SEND:
        return 3
    fmt = request.params.get("fmt", "0")
    return int(fmt) if fmt in ("0", "1", "2", "3") else 0


def _reply(operation: Operation, value: object, request: Request, fmt: int, delay_s: float) -> Reply:
    if isinstance(value, bytes):
        return Reply(200, "application/octet-stream", value, delay_s)
    if isinstance(value, tuple):
        body, content_type = value
        return Reply(200, content_type, body, delay_s)
    text = render(operation.name, value, fmt, params=request.params)
    return _text_reply(text, fmt, request.charset, delay_s)


def _text_reply(text: str, fmt: int, charset: str, delay_s: float) -> Reply:
    content_type = f"{_TYPES.get(fmt, 'text/plain')}; charset={charset}"
    return Reply(200, content_type, charsets.encode(text, charset), delay_s)


def _unreadable(error: RequestError) -> Reply:
    """A request of another form than the service's: error 1 where it was meant for a script, else HTTP's."""
    if error.status != 400:
        return Reply(error.status, "text/plain; charset=utf-8", str(error).encode())
    text = render_failure(BAD_PARAMETERS, error_text("send.php", BAD_PARAMETERS), 0)
    return _text_reply(text, 0, charsets.DEFAULT, 0.0)
