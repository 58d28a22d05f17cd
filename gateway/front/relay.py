"""What the gateway cannot do itself, asked of an SMSC service in its clients' place.

An account's `http.relay` names the connector; it is asked with the gateway's credentials and within the
limits of its login, never with the client's. Answers are written anew for the client. What a service says of
our login is no answer for a client: he is told to come again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from gateway.core.accounts import Account
from gateway.core.errors import Refusal
from gateway.front.blacklist import forbids
from gateway.front.desk import (
    BAD_PARAMETERS,
    FORBIDDEN,
    TOO_OFTEN,
    ApiProblem,
    Asked,
    Desk,
    Octets,
    Unavailable,
    Value,
    committed,
)
from gateway.front.fields import spellings
from gateway.front.keeping import to_its_end
from gateway.front.waiting_calls import WaitingCalls
from protocols.smsc_http import errors
from protocols.smsc_http.answers import Failure
from protocols.smsc_http.operations import OPERATIONS
from protocols.smsc_http.recipients import is_number
from protocols.smsc_http.requests import File

if TYPE_CHECKING:
    from gateway.front.relayed_sending import Sendings

WAIT_MAX_S = 5.0
"""A turn that the service's limits give so late is not waited for: error 9."""
SENDING = frozenset({"send", "cost"})
RELAYED = frozenset(
    {"operator", "waitcall", "rcv_get", "rcv_buy", "rcv_chg", "optpl_add", "optpl_get", "imgcode"}
)
"""What clients may have asked: nothing that tells of messages, contacts or sub-clients of the login there,
which are of all of our accounts."""
BLACKLISTED = 5
"""An error of wait_call.php."""
_OUR_LOGIN = frozenset({errors.AUTHORISE, errors.BLOCKED})
_ERROR_TEXT_MAX = 200
_PICTURES = {b"\x89PNG": "image/png", b"GIF8": "image/gif", b"\xff\xd8\xff": "image/jpeg"}
"""What a picture begins with: nothing else is handed to a client's browser."""

Params = Mapping[str, str]


class NoService(Exception):
    """The service cannot be reached."""


class NoAnswer(NoService):
    """It was reached, and nobody knows whether it did what it was asked."""


class Doubt(Unavailable):
    """The same, where a client is answered."""


class Service(Protocol):
    """A connector, as it is asked here."""

    async def ask(self, operation: str, params: Params, files: Sequence[File]) -> object:
        """The answer as fmt 3 has it, a Failure, or octets; raises NoService, and ValueError for parameters
        that the operation has not. Waits for the login's turn."""
        ...

    def due_s(self, operation: str, params: Params) -> float:
        """Seconds until the service wants to be asked this; 0: now."""
        ...

    def watch(self, upstream_id: str) -> None:
        """The service took a message just now: its status is asked for soon."""
        ...

    @property
    def places(self) -> int:
        """So many questions of clients it may have at once; the others are for messages."""
        ...


class Relay:
    """Asks the services; `services` are the connectors by name, others after a reload."""

    def __init__(self, desk: Desk, services: Mapping[str, Service]) -> None:
        self._desk = desk
        self._services = services
        self._sendings: Sendings | None = None
        self._places: dict[str, Places] = {}
        self.waiting = WaitingCalls(desk.clock, desk.records)

    async def __call__(self, asked: Asked) -> Value:
        """The answer to a client's request; ApiProblem, Unavailable."""
        if asked.operation in SENDING:
            return await self.send(asked)
        if asked.operation not in RELAYED:
            raise ApiProblem(BAD_PARAMETERS, f"{asked.operation} is not asked of a service")
        if asked.operation == "waitcall":
            self._check_caller(asked)
        params = own_parameters(asked.operation, asked.params)
        answer = await self.ask(asked.account, asked.operation, params, asked.files)
        if asked.operation == "waitcall":
            self.waiting.add(asked.params["phone"], asked.account.name)
            await committed(self._desk.journal)
        return answer

    def _check_caller(self, asked: Asked) -> None:
        """ApiProblem 1 for what is no number, 5 for a subscriber who wants nothing of the account."""
        number, account = spellings(asked.params["phone"])[0], asked.account
        if not is_number(number):
            raise ApiProblem(BAD_PARAMETERS)
        rules = account.rules
        is_listed = rules is not None and rules.forbids(number) is Refusal.BLACKLIST
        if is_listed or forbids(self._desk, account.name, number, False):
            raise ApiProblem(BLACKLISTED)

    async def send(self, asked: Asked) -> Value:
        """A message that goes to the service as a whole, with its files; it is one of the gateway's then."""
        if self._sendings is None:
            from gateway.front.relayed_sending import Sendings

            self._sendings = Sendings(self._desk, self)
        return await to_its_end(self._sendings.send(asked))

    async def ask(
        self, account: Account, operation: str, params: Params, files: Sequence[File] = ()
    ) -> Value:
        """Asks the service of an account; ApiProblem with its error, Unavailable when it has no answer."""
        service = self.service_of(account, operation)
        try:
            # anybody may ask for a picture, and takes no account's place for it
            who = "" if operation == "imgcode" else account.name
            async with self._places_at(account, service).taken(who):
                if service.due_s(operation, params) > WAIT_MAX_S:
                    raise ApiProblem(TOO_OFTEN)
                answer = await service.ask(operation, params, files)
        except NoAnswer:
            raise Doubt from None
        except NoService:
            raise Unavailable from None
        except ValueError:
            raise ApiProblem(BAD_PARAMETERS) from None
        if isinstance(answer, Failure):
            raise problem_of(answer)
        if isinstance(answer, bytes):
            return _picture(answer)
        if not isinstance(answer, Mapping | Sequence):
            raise Unavailable
        return answer

    def _places_at(self, account: Account, service: Service) -> Places:
        name = account.config.http.relay if account.config.http is not None else ""
        places = self._places.get(name)
        if places is None or places.most != service.places:
            places = self._places[name] = Places(service.places)
        return places

    def service_of(self, account: Account, operation: str) -> Service:
        """The service of an account; ApiProblem 1 or 6 when it has none, or may not use it."""
        http = account.config.http
        name = http.relay if http is not None else ""
        service = self._services.get(name)
        if service is None:
            raise ApiProblem(BAD_PARAMETERS, needs_relay(operation))
        if operation in SENDING and not account.config.service_messages:
            raise ApiProblem(FORBIDDEN, "this kind of message is not set up: it needs service_messages")
        return service


class Places:
    """What clients have under way at one service: it has room for messages beside it, and no client takes
    all of it."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._all = asyncio.Semaphore(most)
        self._own: dict[str, tuple[asyncio.Semaphore, int]] = {}
        """By accounts that ask just now, and how many questions of theirs there are."""

    @asynccontextmanager
    async def taken(self, account: str) -> AsyncIterator[None]:
        """A place, waited for; Unavailable when none is free in time."""
        own, users = self._own.get(account, (asyncio.Semaphore(max(1, self.most - 1)), 0))
        self._own[account] = own, users + 1
        try:
            await self._take(own)
            try:
                yield
            finally:
                self._all.release()
                own.release()
        finally:
            users = self._own[account][1] - 1
            self._own[account] = own, users
            if not users:
                del self._own[account]

    async def _take(self, own: asyncio.Semaphore) -> None:
        try:
            async with asyncio.timeout(WAIT_MAX_S):
                await own.acquire()
                try:
                    await self._all.acquire()
                except BaseException:
                    own.release()
                    raise
        except TimeoutError:
            raise Unavailable from None


def needs_relay(operation: str) -> str:
    """What is missing for an operation that only a service has."""
    return f"{operation} is not set up: it needs http.relay, a connector to a service that does it"


def own_parameters(operation: str, params: Params) -> dict[str, str]:
    """What an operation takes, and nothing else that a client may have sent along."""
    found = OPERATIONS[operation]
    return {name: value for name, value in params.items() if name in found.parameters and value}


def problem_of(failure: Failure) -> Exception:
    """What a client is told of the service's error."""
    if failure.number in _OUR_LOGIN:
        return Unavailable()
    return ApiProblem(failure.number, failure.text[:_ERROR_TEXT_MAX])


def _picture(octets: bytes) -> Octets:
    for start, content_type in _PICTURES.items():
        if octets.startswith(start):
            return Octets(content_type, octets)
    raise Unavailable
