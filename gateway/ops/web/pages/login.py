"""Log in, log out, and the language."""

from __future__ import annotations

from aiohttp import web

from gateway.ops.web.page import PageError, Route, Visit
from gateway.ops.web.security import drop_session_cookie, session_cookie, set_session_cookie
from gateway.ops.web.words import LANGUAGES

PASSWORD_MAX = 1024
YEAR_S = 365 * 86_400
WAIT_S = 90.0
"""Over the longest line of those whose passwords were wrong (gateway.core.logins)."""


async def ask_login(visit: Visit) -> web.StreamResponse:
    if visit.user is not None:
        return visit.redirect("/")
    return visit.page("login.html", problem="", name="")


async def log_in(visit: Visit) -> web.StreamResponse:
    shell = visit.shell
    name, password = visit.form.get("name", "")[:64], visit.form.get("password", "")[:PASSWORD_MAX]
    before = shell.settings.user(name)
    good = await shell.logins.verify(shell.users.find(name), name, password, visit.address)
    user = shell.settings.user(name)
    if good is None:
        raise PageError(429, visit._("Too many attempts. Try again in a minute."))
    if not good or user is None or before is None or user.password_hash != before.password_hash:
        # a name that is not known may be a password in the wrong field
        shell.say("warning", "web_login_failed", user=name if user else "-", address=visit.address)
        visit.note("login_refused", name)
        problem = visit._("The name or the password is wrong.")
        return visit.page("login.html", status=403, problem=problem, name=name)
    old = session_cookie(visit.request, shell.settings)
    shell.sessions.end(old)
    shell.say("info", "web_login", user=name, role=user.role, address=visit.address)
    visit.note("login", name)
    shell.warm()
    response = visit.redirect("/")
    set_session_cookie(response, shell.sessions.begin(user), visit.asked.is_secure)
    return response


async def log_out(visit: Visit) -> web.StreamResponse:
    visit.shell.sessions.end(session_cookie(visit.request, visit.shell.settings))
    visit.note("logout", visit.user or "")
    response = visit.redirect("/login")
    drop_session_cookie(response, visit.asked.is_secure)
    return response


async def choose_language(visit: Visit) -> web.StreamResponse:
    response = visit.redirect(visit.form.get("back", "/"))
    language = visit.form.get("language", "")
    if language in LANGUAGES:
        response.set_cookie(
            "language",
            language,
            max_age=YEAR_S,
            path="/",
            httponly=True,
            samesite="Strict",
            secure=visit.asked.is_secure,
        )
    return response


ROUTES = (
    Route("GET", "/login", ask_login, "open"),
    Route("POST", "/login", log_in, "open", WAIT_S),
    Route("POST", "/logout", log_out),
    Route("POST", "/language", choose_language, "open"),
)
