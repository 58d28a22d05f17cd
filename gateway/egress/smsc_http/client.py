"""Requests to the SMSC service over HTTP: one pool of connections for one login.

The service refuses who asks too often or too much at once (error 9); here is waited instead, so callers need
not count.  A request that went out and has no answer is another matter than one that never went out: the
first may have been carried out.  What the caller does about it is not decided here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Protocol

import aiohttp

from gateway.config.basics import TlsClient, Url
from gateway.config.secret import Secret
from gateway.core.clock import Clock
from gateway.core.errors import system_reason
from gateway.egress.tls import client_context
from protocols.smsc_http.answers import AnswerError, Failure, Value, parse
from protocols.smsc_http.charsets import charset_of, decode
from protocols.smsc_http.limits import MAX_CONCURRENT_STATUS, Claim, Limit, SlidingWindow, claims
from protocols.smsc_http.operations import OPERATIONS
from protocols.smsc_http.requests import Credentials, File, HttpRequest, encode_request

CONNECT_TIMEOUT_S = 5.0
KEEP_S = 4.0
"""A connection that is idle for longer is not used again: common servers close it after 5 s."""
BACKUP_S = 60.0
"""A host that could not be reached is left alone so long, if there is another one."""
MARGIN_S = 1.0
"""Our minute is longer than the service's."""
MAX_ANSWER = 64 << 20
_STATUS = ("status", "status_delete")
_FMT = 3


class NotSent(Exception):
    """No part of the request went out."""


class NoAnswer(Exception):
    """The request went out, and nobody knows whether it was carried out."""


class Service(Protocol):
    """What is needed of a connector's configuration."""

    @property
    def url(self) -> Url: ...
    @property
    def backup_urls(self) -> Sequence[Url]: ...
    @property
    def login(self) -> str: ...
    @property
    def password(self) -> Secret | None: ...
    @property
    def api_key(self) -> Secret | None: ...
    @property
    def tls(self) -> TlsClient | None: ...
    @property
    def max_requests(self) -> int: ...
    @property
    def timeout_s(self) -> float: ...


class SmscClient:
    """Asks the service. OSError from the constructor when a file of its TLS section cannot be read."""

    def __init__(
        self,
        service: Service,
        clock: Clock,
        *,
        most: int | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        most = most or service.max_requests
        self.guard: Callable[[], object] | None = None
        """Called before each request; does not return if this process must not send any more."""
        self._service = service
        self._clock = clock
        self._sleep = sleep
        self._credentials = Credentials(
            service.login,
            service.password.reveal() if service.password is not None else "",
            service.api_key.reveal() if service.api_key is not None else "",
        )
        self._urls = (service.url, *service.backup_urls)
        self._resting: dict[Url, float] = {}
        self._places = asyncio.Semaphore(most)
        # one is left for the command line
        self._status_places = asyncio.Semaphore(max(1, min(MAX_CONCURRENT_STATUS - 2, most - 1)))
        self._windows: dict[Limit, SlidingWindow] = {}
        tls = client_context(service.tls) if any(url.scheme == "https" for url in self._urls) else True
        self._server_name = service.tls.server_name if service.tls is not None else None
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=most, ssl=tls, keepalive_timeout=KEEP_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"User-Agent": "smsc-gateway", "Accept-Encoding": "identity"},
        )

    async def call(
        self,
        operation: str,
        params: Mapping[str, str],
        *,
        files: Sequence[File] = (),
        timeout_s: float | None = None,
        at_once: bool = False,
    ) -> Value | Failure | bytes:
        """Asks, and waits before it where the service wants a pause; `at_once`: takes no turn, so none is
        waited for.

        The answer in the form of fmt 3, or the service's error; octets of an operation whose answer is a
        file.  Raises NotSent, NoAnswer, and RequestError for parameters that the operation has not.
        """
        octets, content_type = await self.fetch(
            operation, params, files=files, timeout_s=timeout_s, at_once=at_once
        )
        text = decode(octets, charset_of(content_type, "utf-8"))
        is_file = OPERATIONS[operation].is_file
        if is_file and not text.lstrip().startswith("{"):
            return octets
        try:
            return parse(operation, _FMT, text, params=params)
        except AnswerError as error:
            if is_file:
                return octets
            raise NoAnswer(f"the answer is unreadable: {error}") from None

    async def fetch(
        self,
        operation: str,
        params: Mapping[str, str],
        *,
        files: Sequence[File] = (),
        timeout_s: float | None = None,
        at_once: bool = False,
    ) -> tuple[bytes, str]:
        """The same, as octets and their Content-Type."""
        request = encode_request(operation, params, self._credentials, fmt=_FMT, files=files)
        counted = () if at_once else claims(OPERATIONS[operation], params)
        while True:
            while pause_s := self._due_s(counted):
                await self._sleep(pause_s)
            async with self._status_places if operation in _STATUS else nullcontext(), self._places:
                # while this waited for a place, another one may have had the turn
                if not self._due_s(counted):
                    return await self._ask(request, counted, timeout_s or self._service.timeout_s)

    def due_s(self, operation: str, params: Mapping[str, str]) -> float:
        """Seconds until the service wants to be asked this; 0: now."""
        return self._due_s(claims(OPERATIONS[operation], params))

    def forget_failures(self) -> None:
        """Hosts that failed a moment ago are asked in their order again."""
        self._resting.clear()

    async def close(self) -> None:
        """Ends all connections."""
        await self._session.close()

    # -- turns -----------------------------------------------------------------------------------------

    def _due_s(self, counted: Sequence[Claim]) -> float:
        now = self._clock.now()
        return max((self._window(claim.limit).due(claim.key, now) for claim in counted), default=0.0)

    def _count(self, counted: Sequence[Claim]) -> None:
        now = self._clock.now()
        for claim in counted:
            self._window(claim.limit).take(claim.key, now)

    def _window(self, limit: Limit) -> SlidingWindow:
        window = self._windows.get(limit)
        if window is None:
            window = self._windows[limit] = SlidingWindow(limit.count, limit.window_s + MARGIN_S)
        return window

    # -- hosts -----------------------------------------------------------------------------------------

    async def _ask(
        self, request: HttpRequest, counted: Sequence[Claim], timeout_s: float
    ) -> tuple[bytes, str]:
        reasons = []
        for url in self._in_order():
            self._count(counted)
            if self.guard is not None:
                self.guard()
            try:
                return await self._post(url, request, timeout_s)
            except NotSent as error:
                self._resting[url] = self._clock.now() + BACKUP_S
                reasons.append(f"{url}: {error}")
            except NoAnswer:
                self._resting[url] = self._clock.now() + BACKUP_S
                raise
        raise NotSent("; ".join(reasons))

    def _in_order(self) -> list[Url]:
        """The hosts in their order, those that failed a moment ago last."""
        now = self._clock.now()
        return sorted(self._urls, key=lambda url: self._resting.get(url, 0.0) > now)

    async def _post(self, url: Url, request: HttpRequest, timeout_s: float) -> tuple[bytes, str]:
        # less than all of it, so that a host that is not there is known as such
        timeout = aiohttp.ClientTimeout(total=timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s / 2))
        try:
            async with self._session.post(
                f"{url}{request.path}",
                data=request.body,
                headers={"Content-Type": request.content_type},
                timeout=timeout,
                allow_redirects=False,
                server_hostname=self._server_name if url.scheme == "https" else None,
            ) as response:
                octets = bytearray()
                async for piece in response.content.iter_any():
                    octets += piece
                    if len(octets) > MAX_ANSWER:
                        raise NoAnswer(f"an answer of more than {MAX_ANSWER >> 20} MiB")
                status, content_type = response.status, response.headers.get("Content-Type", "")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise NotSent(_reason(error)) from None
        except TimeoutError:
            raise NoAnswer(f"no answer within {timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise NoAnswer(f"the connection was lost ({error.__class__.__name__})") from None
        if status != 200:
            raise NoAnswer(f"HTTP {status}")
        return bytes(octets), content_type


def _reason(error: Exception) -> str:
    """Without aiohttp's words around it, which name hosts and options."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return str(error.certificate_error)
    if isinstance(error, aiohttp.ClientConnectorError):
        return system_reason(error.os_error) or error.os_error.__class__.__name__
    return "it did not answer in time"
