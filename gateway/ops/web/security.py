"""The checks that each request passes, and the headers that each answer has."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.core.peers import Network, client_address, is_allowed, plain_address
from gateway.ops.web.headers import HEADERS
from gateway.ops.web.page import PageError
from gateway.ops.web.settings import WebSettings
from gateway.ops.web.words import N_

if TYPE_CHECKING:
    from gateway.ops.web.page import Visit

HSTS = "max-age=31536000"
_LOCAL_NAMES = frozenset({"localhost", "ip6-localhost", "ip6-loopback"})


def secured(response: web.StreamResponse, request: web.Request, settings: WebSettings) -> None:
    """The headers of every answer."""
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
    if client_of(request, settings)[1]:
        response.headers["Strict-Transport-Security"] = HSTS


# -- where it comes from -------------------------------------------------------------------------------


def client_of(request: web.Request, settings: WebSettings) -> tuple[str, bool]:
    """The browser's address, and whether its connection is TLS; behind proxies that are believed too."""
    peer = plain_address(request.remote or "") or "127.0.0.1"  # a Unix socket has no address
    if not is_within(peer, settings.proxies):
        return peer, settings.is_tls
    is_secure = settings.is_tls or request.headers.get("X-Forwarded-Proto", "") == "https"
    return client_address(peer, request.headers, settings.proxies), is_secure


def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Whether an IP address is in one of the networks."""
    return bool(networks) and is_allowed(address, networks)


def check_host(request: web.Request, settings: WebSettings) -> None:
    """A name that is not ours: somebody lets his name lead here, to read in the browser what we answer.

    An address cannot be made to lead elsewhere, so every address is good.
    """
    hosts = request.headers.getall("Host", ())
    name = _name_of(hosts[0]) if len(hosts) == 1 else ""
    if name in _LOCAL_NAMES or name in settings.hosts or plain_address(name):
        return
    raise PageError(421, N_("These pages do not have this name. An administrator can add it to web.hosts."))


def _name_of(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def check_origin(visit: Visit) -> None:
    """Forms come from our own pages only. Browsers send at least one of the two."""
    headers = visit.request.headers
    site, origin = headers.get("Sec-Fetch-Site"), headers.get("Origin")
    foreign = (site is not None and site != "same-origin") or (
        origin is not None and origin not in _origins(visit)
    )
    if foreign or (site is None and origin is None):
        raise PageError(403, visit._("This form was not sent from these pages."))


def _origins(visit: Visit) -> tuple[str, ...]:
    host = visit.request.headers.get("Host", "")
    if visit.asked.is_secure:
        return (f"https://{host}",)
    return (f"http://{host}", f"https://{host}")  # a proxy in front may have TLS and not say so


def check_token(visit: Visit) -> None:
    """The form is one that this session was given."""
    given = visit.form.get("csrf", "").encode()
    if not hmac.compare_digest(given, visit.csrf.encode()):
        text = visit._("This form is too old. Go back, reload the page, and send it again.")
        raise PageError(403, text)


# -- the cookie of a session ---------------------------------------------------------------------------


def cookie_name(is_secure: bool) -> str:
    """Browsers take __Host- only with Secure, for this host alone."""
    return "__Host-smsc" if is_secure else "smsc"


def session_cookie(request: web.Request, settings: WebSettings) -> str:
    """The session's id that the browser sends, "" without one."""
    return request.cookies.get(cookie_name(client_of(request, settings)[1]), "")[:100]


def set_session_cookie(response: web.StreamResponse, token: str, is_secure: bool) -> None:
    """Until the browser ends; the session itself ends sooner or later here."""
    response.set_cookie(
        cookie_name(is_secure), token, path="/", httponly=True, samesite="Strict", secure=is_secure
    )


def drop_session_cookie(response: web.StreamResponse, is_secure: bool) -> None:
    response.del_cookie(cookie_name(is_secure), path="/", httponly=True, samesite="Strict", secure=is_secure)
