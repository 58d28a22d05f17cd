"""The web application: every request goes through the checks here before it reaches a page."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from gateway.core.clock import Clock
from gateway.ops.web.gateway_client import GatewayClient, GatewayDown, GatewayError
from gateway.ops.web.listening import WRITE_S, Connection
from gateway.ops.web.page import Asked, PageError, Route, Visit, language_of
from gateway.ops.web.pages import routes
from gateway.ops.web.reading import BODY_MAX, read
from gateway.ops.web.security import check_host, check_origin, check_token, is_within, secured, session_cookie
from gateway.ops.web.sessions import Session
from gateway.ops.web.settings import User, WebSettings
from gateway.ops.web.shell import Say, Shell
from gateway.ops.web.words import N_

SHELL = web.AppKey("shell", Shell)


def make_app(settings: WebSettings, gateway: GatewayClient, clock: Clock, say: Say) -> web.Application:
    """The pages. `say` writes a line of the log: (level, name, **fields)."""
    shell = Shell(settings, gateway, clock, say)
    app = web.Application(middlewares=[_guard], client_max_size=BODY_MAX)
    app[SHELL] = shell
    app.on_response_prepare.append(_prepare)
    app.on_cleanup.append(lambda _: shell.stop())
    for route in routes():
        handler = _handler(shell, route)
        if route.method == "GET":
            app.router.add_get(route.path, handler)
        else:
            app.router.add_post(route.path, handler)
    return app


def _handler(shell: Shell, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A route's handler behind the checks of who asks."""

    async def handle(request: web.Request) -> web.StreamResponse:
        connection = request.protocol
        if isinstance(connection, Connection):
            connection.extend(route.timeout_s + WRITE_S)
        async with asyncio.timeout(route.timeout_s):
            asked = await read(request, shell.settings)
            if shell.settings.only_secure and not asked.is_secure and route.role != "monitor":
                raise PageError(403, N_("These pages are to be had over HTTPS only."))
            found = _session_of(shell, request, is_use=not route.quiet)
            session, user = found if found is not None else (None, None)
            visit = Visit(shell, request, asked, session, user.role if user is not None else None)
            if route.method == "POST":
                check_origin(visit)
            if not _may(shell, route, visit):
                return _turned_away(route, visit)
            if isinstance(connection, Connection) and (session is not None or route.role == "monitor"):
                connection.recognise()
            if route.method == "POST" and session is not None:
                check_token(visit)
            return await route.handler(visit)

    return handle


def _session_of(shell: Shell, request: web.Request, *, is_use: bool) -> tuple[Session, User] | None:
    token = session_cookie(request, shell.settings)
    return shell.sessions.find(token, shell.settings, is_use=is_use) if token else None


def _may(shell: Shell, route: Route, visit: Visit) -> bool:
    if route.role == "open":
        return True
    if route.role == "monitor":
        return visit.user is not None or is_within(visit.address, shell.settings.monitor_networks)
    if route.role == "viewer":
        return visit.user is not None
    return visit.role == "operator"


def _turned_away(route: Route, visit: Visit) -> web.Response:
    if route.role == "monitor":
        raise PageError(403, visit._("Not from your address."))
    if visit.user is not None:
        visit.note("forbidden", visit.user)
        raise PageError(403, visit._("Only operators may do this."))
    if route.method == "GET" and visit.request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate":
        raise PageError(401, visit._("Please log in."))  # a script's, which a redirect would confuse
    return visit.redirect("/login")


@web.middleware
async def _guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Whatever happens: an answer with all headers, and nothing of the inside in it."""
    shell = request.app[SHELL]
    words = shell.words[language_of(request)]
    try:
        check_host(request, shell.settings)
        response = await handler(request)
    except PageError as error:
        response = _error(shell, request, error.status, words.text(error.text))
    except GatewayDown:
        text = words.text("The gateway does not answer. Is it starting or stopping? Try again in a moment.")
        response = _error(shell, request, 502, text)
    except GatewayError as error:
        response = _error(shell, request, 400, str(error))
    except TimeoutError:
        response = _error(shell, request, 503, words.text("This took too long. Try again in a moment."))
    except (web.RequestPayloadError, ConnectionError):  # a body that is broken, or a visitor who is gone
        response = _error(shell, request, 400, _meaning(400, words.text))
    except web.HTTPException as error:
        response = _error(shell, request, error.status, _meaning(error.status, words.text))
    except Exception as error:
        shell.say("error", "web_fault", reason=_where(error))
        text = words.text("Something went wrong here. The log of the gateway has more.")
        response = _error(shell, request, 500, text)
    return response


async def _prepare(request: web.Request, response: web.StreamResponse) -> None:
    secured(response, request, request.app[SHELL].settings)


def _meaning(status: int, _: Callable[..., str]) -> str:
    return {
        404: _("There is no such page."),
        405: _("This page cannot be used like that."),
        413: _("That is too much at once."),
    }.get(status, _("The request makes no sense."))


def _error(shell: Shell, request: web.Request, status: int, text: str) -> web.Response:
    found = _session_of(shell, request, is_use=False)
    session, user = found if found is not None else (None, None)
    asked = Asked(request.path, {}, {}, {}, {}, "", False)
    visit = Visit(shell, request, asked, session, user.role if user is not None else None)
    return visit.page("error.html", status=status, code=status, text=text)


def _where(error: Exception) -> str:
    """The kind and the line, for its words might hold something of the request."""
    place = traceback.extract_tb(error.__traceback__)[-1:]
    return type(error).__name__ + "".join(f" in {Path(line.filename).name}:{line.lineno}" for line in place)
