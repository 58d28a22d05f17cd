"""What a page is: a route, and the visit that its handler gets.

A handler asks the gateway, arranges, and renders:

    async def show(visit: Visit) -> web.StreamResponse:
        answer = await visit.ask("queue")
        return visit.page("queue.html", rows=answer["rows"])

    ROUTES = (Route("GET", "/queue", show),)
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from aiohttp import web

from gateway.ops.web.listening import Connection
from gateway.ops.web.sessions import Session
from gateway.ops.web.settings import UserRole
from gateway.ops.web.words import LANGUAGES, N_, choose

if TYPE_CHECKING:
    from gateway.ops.web.shell import Shell

Role = Literal["open", "monitor", "viewer", "operator"]
"""Who may: anybody, monitoring's networks or whoever is logged in, whoever is logged in, operators."""
Handler = Callable[["Visit"], Awaitable[web.StreamResponse]]
ANSWER_S = 30.0
"""A page that is not there by then is given up."""
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Route:
    """One address. `path` may have variables: "/messages/{id}"."""

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    role: Role = "viewer"
    timeout_s: float = ANSWER_S
    quiet: bool = False
    """Asked by a script again and again: it does not keep a session alive."""


class PageError(Exception):
    """The request cannot be done: an error page with this status and text, in the visitor's language."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(slots=True)
class Asked:
    """What came with a request, within the limits of `reading`."""

    path: str
    match: dict[str, str]
    query: dict[str, str]
    form: dict[str, str]
    lists: dict[str, list[str]]
    """All values of the form's fields."""
    address: str
    """The browser's IP address; behind trusted proxies too."""
    is_secure: bool
    """Whether it came over TLS."""


class Visit:
    """One request of somebody."""

    def __init__(
        self, shell: Shell, request: web.Request, asked: Asked, session: Session | None, role: UserRole | None
    ) -> None:
        self.shell = shell
        self.request = request
        self.asked = asked
        self.session = session
        self.role = role
        self.user = session.user if session is not None else None
        self.path = asked.path
        self.match = asked.match
        self.query = asked.query
        self.form = asked.form
        self.address = asked.address
        self.language = language_of(request)
        self.words = shell.words[self.language]

    @property
    def csrf(self) -> str:
        """What each form sends back; "" without a login."""
        return self.session.csrf if self.session is not None else ""

    @property
    def role_name(self) -> str:
        """The role in the visitor's language; "" without a login."""
        return self._({"viewer": N_("viewer"), "operator": N_("operator")}[self.role]) if self.role else ""

    @property
    def may_act(self) -> bool:
        """Whether buttons that change something are of use."""
        return self.role == "operator"

    def values(self, name: str) -> list[str]:
        """All values of a field of the form, such as ticked boxes."""
        return self.asked.lists.get(name, [])

    def _(self, english: str, **values: object) -> str:
        """A text in the visitor's language, see `words`."""
        return self.words.text(english, **values)

    def count(self, one: str, many: str, count: int, **values: object) -> str:
        """A text with a number in it: count("{count} message", "{count} messages", 3)."""
        return self.words.count(one, many, count, **values)

    # -- the gateway -----------------------------------------------------------------------------------

    async def ask(self, command: str, **arguments: object) -> dict[str, Any]:
        """The daemon's answer; GatewayError when it has none (unless handled it becomes a page)."""
        return await self.shell.gateway.ask(command, **self._who(), **arguments)

    def ask_many(self, command: str, **arguments: object) -> AsyncIterator[dict[str, Any]]:
        """The daemon's answers of a command that gives many."""
        return self.shell.gateway.ask_many(command, **self._who(), **arguments)

    def note(self, what: str, user: str) -> None:
        """Has the daemon record a login or what was refused; nobody waits for that."""
        by = {"user": user, "address": self.address}
        self.shell.in_background(self.shell.gateway.ask("audit_note", what=what, by=by))

    def _who(self) -> dict[str, object]:
        return {"by": {"user": self.user or "", "address": self.address}}

    # -- answers ---------------------------------------------------------------------------------------

    def page(self, template: str, *, status: int = 200, **values: object) -> web.Response:
        """A page from templates/, with the notices that wait for one."""
        notices: list[tuple[str, str]] = []
        if self.session is not None:
            notices, self.session.notices = self.session.notices, []
        return self.answer(self.render(template, notices=notices, **values).encode(), HTML, status=status)

    def render(self, template: str, **values: object) -> str:
        """The same as text, for a part of a page."""
        from gateway.ops.web.pages import NAVIGATION  # the pages import this module

        common: dict[str, object] = {
            "visit": self,
            "_": self._,
            "_n": self.count,
            "number": self.words.number,
            "moment": self.words.moment,
            "navigation": NAVIGATION,
            "notices": [],
            "version": self.shell.version,
        }
        return self.shell.templates.get_template(template).render({**common, **values})

    def answer(
        self, body: bytes, content_type: str, *, status: int = 200, headers: dict[str, str] | None = None
    ) -> web.Response:
        """An answer that is no page."""
        return web.Response(
            body=body, status=status, headers={"Content-Type": content_type, **(headers or {})}
        )

    def redirect(self, path: str, *, notice: str = "", problem: str = "") -> web.Response:
        """Leads to a page of ours after a POST; notice (good) or problem (bad) is shown there once."""
        if self.session is not None:
            if notice:
                self.session.note("ok", notice)
            if problem:
                self.session.note("bad", problem)
        return web.Response(status=303, headers={"Location": local_path(path)})

    async def download(
        self, name: str, content_type: str, chunks: AsyncIterator[bytes]
    ) -> web.StreamResponse:
        """A file that is sent as it comes; what goes wrong on the way cuts it off."""
        disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
        response = web.StreamResponse(
            headers={"Content-Type": content_type, "Content-Disposition": disposition}
        )
        await response.prepare(self.request)
        connection = self.request.protocol
        try:
            async for chunk in chunks:
                if isinstance(connection, Connection):
                    connection.extend()
                await response.write(chunk)
            await response.write_eof()
        except BaseException:
            if self.request.transport is not None:
                self.request.transport.abort()  # or what came would look like the whole
            raise
        return response


def local_path(text: str) -> str:
    """An address of this site, percent-encoded where it must be; "/" for one that leads elsewhere."""
    if not text.startswith("/") or text.startswith(("//", "/\\")):
        return "/"
    return quote(text, safe="/?&=%#:,;+@!$'()*~-._")


def language_of(request: web.Request) -> str:
    """The language that was chosen, or that the browser asks for."""
    chosen = request.cookies.get("language", "")
    return chosen if chosen in LANGUAGES else choose(request.headers.get("Accept-Language", ""))
