"""One command's conversation with the service: its connector of the configuration, its client, its errors."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

from gateway.cli import EXIT_CONFIG, EXIT_USAGE, CommandError
from gateway.cli.smsc.output import visible
from protocols.smsc_http.answers import AnswerError, Failure, parse
from protocols.smsc_http.errors import MEANINGS, NO_MONEY
from protocols.smsc_http.operations import OPERATIONS
from protocols.smsc_http.requests import File, RequestError

_T = TypeVar("_T")
_AT_ONCE = 2  # requests in flight; the daemon has the rest of what the service allows a login

_ADVICE: Mapping[int, str] = {
    1: "check the options; --help explains them",
    2: "check the connector's login and secret, and that the account allows the address of this machine",
    4: "wait some minutes before the next try",
    9: "wait a minute before the next try",
}
_PAY = "pay in; smsc-gateway smsc balance shows what there is"
_FMT = 3


class Client(Protocol):
    """What a command needs of gateway.egress.smsc_http.client.SmscClient."""

    async def call(
        self,
        operation: str,
        params: Mapping[str, str],
        *,
        files: Sequence[File] = (),
        timeout_s: float | None = None,
    ) -> object: ...

    async def fetch(
        self,
        operation: str,
        params: Mapping[str, str],
        *,
        files: Sequence[File] = (),
        timeout_s: float | None = None,
    ) -> tuple[bytes, str]: ...

    def due_s(self, operation: str, params: Mapping[str, str]) -> float: ...

    async def close(self) -> None: ...


class Refused(CommandError):
    """The service answered with an error number."""

    def __init__(self, operation: str, failure: Failure) -> None:
        self.number = failure.number
        self.id = failure.id
        super().__init__(_words(operation, failure))


class Unanswered(CommandError):
    """The request may have reached the service; nobody knows what became of it."""


def _words(operation: str, failure: Failure) -> str:
    script = OPERATIONS[operation].script
    meaning = MEANINGS.get(script, {}).get(failure.number) or f"the service says: {visible(failure.text)}"
    advice = _PAY if script == "send.php" and failure.number == NO_MONEY else _ADVICE.get(failure.number, "")
    text = f"{meaning} (error {failure.number} of {script})"
    return f"{text}: {advice}" if advice else text


class ServiceSession:
    """Asks the service as one login; `sleep` and `now` (monotonic seconds) are the waiting commands'."""

    def __init__(
        self,
        client: Client,
        name: str = "",
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self.name = name
        self.sleep = sleep
        self.now = now

    def due_s(self, operation: str, params: Mapping[str, str]) -> float:
        """Seconds that the next request has to wait for the service's limits."""
        return self._client.due_s(operation, params)

    async def ask(self, operation: str, params: Mapping[str, str], files: Sequence[File] = ()) -> Any:
        """The answer in its canonical form; CommandError says why there is none."""
        answer = await self._told(self._client.call(operation, params, files=files))
        if isinstance(answer, Failure):
            raise Refused(operation, answer)
        return answer

    async def fetch(self, operation: str, params: Mapping[str, str]) -> tuple[bytes, str]:
        """An answer that is no text, and its Content-Type."""
        octets, content_type = await self._told(self._client.fetch(operation, params))
        if octets.lstrip().startswith(b"{"):
            try:
                answer = parse(operation, _FMT, octets.decode("utf-8", "replace"))
            except AnswerError:
                answer = None
            if isinstance(answer, Failure):
                raise Refused(operation, answer)
        return octets, content_type

    async def _told(self, asked: Awaitable[_T]) -> _T:
        from gateway.egress.smsc_http.client import NoAnswer, NotSent

        try:
            return await asked
        except NotSent as error:
            raise CommandError(
                f"the service cannot be reached, so nothing was sent ({error}); "
                f"check url and backup_urls of connector {self.name}"
            ) from None
        except NoAnswer as error:
            raise Unanswered(
                f"the service did not answer ({error}); the request may have been carried out"
            ) from None
        except RequestError as error:
            raise CommandError(str(error), EXIT_USAGE) from None


def connector_of(args: argparse.Namespace) -> Any:
    """The smsc_connector that --connector names, or the only one."""
    from gateway.config.load import load

    connectors = {connector.name: connector for connector in load(args.config).smsc_connectors}
    if not connectors:
        raise CommandError(
            f"{args.config} has no smsc_connectors; smsc-gateway describe-config explains them", EXIT_CONFIG
        )
    if args.connector is None:
        if len(connectors) > 1:
            raise CommandError(f"name the account: --connector {' or '.join(connectors)}", EXIT_USAGE)
        return next(iter(connectors.values()))
    if args.connector not in connectors:
        raise CommandError(
            f"there is no smsc_connector {args.connector}; there is {', '.join(connectors)}", EXIT_USAGE
        )
    return connectors[args.connector]


@asynccontextmanager
async def opened(connector: Any) -> AsyncIterator[ServiceSession]:
    """A session with the account of a connector."""
    from gateway.core.clock import SystemClock
    from gateway.egress.smsc_http.client import SmscClient

    client = SmscClient(connector, SystemClock(), most=_AT_ONCE)
    try:
        yield ServiceSession(client, connector.name)
    finally:
        await client.close()
