"""Posts to URLs that clients named: only to addresses that may be called, and without trusting the answer.

The host is looked up here, each address is checked, and the connection goes to an address that was checked,
never to the name: a name that leads elsewhere a moment later changes nothing.  TLS is verified against the
name.  Redirects are not followed, cookies not kept, proxies not used; of the answer only its status counts.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp

from gateway.config.basics import Network
from gateway.core.call_urls import CallUrl, CallUrlError, parse_call_url
from gateway.core.clock import Clock
from gateway.core.errors import system_reason
from gateway.egress.call_addresses import refusal_of
from gateway.egress.call_names import Names, Resolve, UnknownHost
from gateway.egress.tls import client_context

DEADLINE_S = 30.0
CONNECT_S = 5.0
KEEP_S = 4.0
"""A connection that is idle for longer is not used again: common servers close it after 5 s."""
MAX_ANSWER = 64 * 1024
"""Octets of an answer's body that are read, so that the connection can be used again."""
BODY_S = 5.0
"""The same: so long its body is waited for."""
MOST_ADDRESSES = 3
"""Addresses of a host that are tried."""


class CallFailed(Exception):
    """There was no answer; the text says why, and never what the URL holds."""


class _Stale(Exception):
    """A connection that was kept had been closed by the other end."""


class CallClient:
    """One pool of connections; `networks` may be called although they are not public."""

    def __init__(
        self,
        networks: Sequence[Network],
        clock: Clock,
        *,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self.networks = networks
        self._names = Names(clock, resolve)
        self._deadline_s = deadline_s
        reused = aiohttp.TraceConfig()
        reused.on_connection_reuseconn.append(_note_reuse)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,  # whoever calls has a limit
                ssl=tls or client_context(None),
                keepalive_timeout=KEEP_S,
                use_dns_cache=False,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=("User-Agent",),
            headers={"User-Agent": "smsc-gateway", "Accept-Encoding": "identity"},
            trace_configs=[reused],
        )

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, by_operator: bool = True
    ) -> int:
        """The HTTP status of the answer; CallFailed without one.

        `by_operator`: the URL is from the configuration; others lead to public addresses alone.
        """
        try:
            async with asyncio.timeout(self._deadline_s):
                target = parse_call_url(url)
                return await self._post(target, await self._addresses(target, by_operator), body, headers)
        except CallUrlError as error:
            raise CallFailed(f"its URL cannot be called: {error}") from None
        except UnknownHost as error:
            raise CallFailed(str(error)) from None
        except TimeoutError:
            raise CallFailed(f"no answer within {self._deadline_s:g} s") from None

    async def close(self) -> None:
        """Ends all connections."""
        self._names.close()
        await self._session.close()

    async def _addresses(self, target: CallUrl, by_operator: bool) -> list[str]:
        found = await self._names.addresses(target.host)
        networks = self.networks if by_operator else ()
        refusals = {address: refusal_of(address, networks) for address in found}
        good = [address for address, refusal in refusals.items() if not refusal]
        if not good:
            address, why = next(iter(refusals.items()), ("-", "its host has no address"))
            if why and not by_operator:
                why = "a URL that a sub-client has is called at public addresses only"
            raise CallFailed(f"its address {address} is not called: {why}")
        return good[:MOST_ADDRESSES]

    async def _post(
        self, target: CallUrl, addresses: Sequence[str], body: bytes, headers: Mapping[str, str]
    ) -> int:
        reason = ""
        for address in addresses:
            try:
                try:
                    return await self._ask(target, address, body, headers)
                except _Stale:
                    return await self._ask(target, address, body, headers)
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
                reason = _reason(error)
            except (aiohttp.ClientError, OSError, ValueError, _Stale) as error:
                if isinstance(error, TimeoutError):
                    raise
                raise CallFailed(f"the answer broke off ({type(error).__name__.strip('_')})") from None
        raise CallFailed(reason)

    async def _ask(self, target: CallUrl, address: str, body: bytes, headers: Mapping[str, str]) -> int:
        place = f"[{address}]" if ":" in address else address
        seen: dict[str, bool] = {}
        try:
            async with self._session.post(
                f"{target.scheme}://{place}:{target.port}{target.rest}",
                data=body,
                headers={"Host": target.place, **headers},
                timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_S),
                allow_redirects=False,
                server_hostname=target.host.rstrip(".") if target.scheme == "https" else None,
                trace_request_ctx=seen,
            ) as response:
                await _read(response)
                return response.status
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            if seen.get("reused"):
                raise _Stale from None
            raise


async def _note_reuse(session: object, context: Any, params: object) -> None:
    context.trace_request_ctx["reused"] = True


async def _read(response: aiohttp.ClientResponse) -> None:
    """Takes the body off the connection; whatever is wrong with it costs the connection and nothing else."""
    left = MAX_ANSWER
    try:
        async with asyncio.timeout(BODY_S):
            async for piece in response.content.iter_any():
                left -= len(piece)
                if left < 0:
                    break
            else:
                return
    except (aiohttp.ClientError, OSError, ValueError):
        pass
    response.close()


def _reason(error: Exception) -> str:
    """Without aiohttp's words around it, which name addresses and options."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return (
            f"its certificate is not valid ({getattr(error.certificate_error, 'verify_message', 'unknown')})"
        )
    if isinstance(error, aiohttp.ClientConnectorError):
        return system_reason(error.os_error) or type(error.os_error).__name__
    return f"no connection within {CONNECT_S:g} s"
