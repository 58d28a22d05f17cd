"""Short links: made for the texts of messages, and opened by those who got them.

A link leads to what was stored when it was made and nowhere else, so it is no way to send people to any
address. Its code is a random number: who has one cannot guess another one.
"""

from __future__ import annotations

import re
import secrets
from urllib.parse import quote, urlsplit, urlunsplit

from gateway.core.accounts import Account
from gateway.core.batch import Row
from gateway.core.clock import Clock
from gateway.core.hours import day_at, zone_of
from gateway.core.http import App, HttpCall, HttpReply
from gateway.front.desk import BAD_PARAMETERS, ApiProblem, Desk

PATH = "/l/"
URL_MAX = 2000
"""Characters of a link that is shortened; longer ones not every program opens."""
CLICKS_OF_A_LINK = 600
"""So many clicks of a link are counted in a minute."""
CLICKS_OF_AN_ADDRESS = 600
"""So many from one IP address, behind which there may be all the subscribers of an operator."""
BAD_CODES_OF_AN_ADDRESS = 60
"""After so many links in a minute that are none nothing more is looked up for an address."""
KEYS_MAX = 50_000
"""So many links and addresses are counted in a minute; with more it begins anew."""

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_BITS = 48
_is_code = re.compile("[1-9A-Za-z][0-9A-Za-z]{0,8}", re.ASCII).fullmatch
_is_host = re.compile("[a-z0-9_-][a-z0-9._-]{0,252}|[0-9a-f:.]{2,45}", re.ASCII).fullmatch
_BAD_CHARACTER = re.compile(r"[\x00-\x20\x7f-\x9f\s\\\ud800-\udfff]")
_MACHINES = ("bot", "crawl", "spider", "preview", "facebookexternalhit", "whatsapp/")
"""What the User-Agent of programs that look at a link before a person does has in it, in small letters."""
_HEADERS = (
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Robots-Tag", "noindex, nofollow"),
)


def shorten(desk: Desk, account: str, url: str, message_id: int = 0) -> str:
    """The short link that stands for this one, stored with the gathering batch.

    A short link of ours stands for itself. ApiProblem 1, with a text, for what is no link, or where no links
    are shortened.
    """
    short, row = made_short(desk, account, url, message_id)
    if row is not None:
        desk.journal.batch.short_links.append(row)
    return short


def made_short(desk: Desk, account: str, url: str, message_id: int = 0) -> tuple[str, Row | None]:
    """The same, and its row of Batch.short_links in the caller's hands; None: it was short already."""
    base = link_base(desk)
    if link_id_in(desk, url):
        return url, None
    target = stored_form(url)
    link_id = secrets.randbits(_ID_BITS) or 1
    return base + code_of(link_id), (link_id, account, target, desk.clock.now_ms(), message_id)


def link_base(desk: Desk) -> str:
    """What short links begin with; ApiProblem 1 where no links are shortened."""
    if desk.config.http.links is None:
        raise ApiProblem(BAD_PARAMETERS, "short links are not set up here (http.links)")
    return str(desk.config.http.links) + PATH


def stored_form(url: str) -> str:
    """A link as it is kept and stands in Location, in ASCII alone; ApiProblem 1 if it is none.

    Only http and https, with a host and without a login: what a subscriber's browser shows as a page.
    """
    try:
        parts = urlsplit(url)
        name = parts.hostname or ""
        host = name if name.isascii() else name.encode("idna").decode("ascii")
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        raise _no_link() from None
    if _BAD_CHARACTER.search(url) or parts.scheme not in ("http", "https") or "@" in parts.netloc:
        raise _no_link()
    if not _is_host(host):
        raise _no_link()
    where = (f"[{host}]" if ":" in host else host) + port
    rest = (quote(part, safe="/?#%:@!$&'()*+,;=~") for part in (parts.path, parts.query, parts.fragment))
    found = urlunsplit((parts.scheme, where, *rest))
    if len(found) > URL_MAX:
        raise _no_link()
    return found


def _no_link() -> ApiProblem:
    return ApiProblem(BAD_PARAMETERS, f"a link is http:// or https:// and at most {URL_MAX} characters")


def code_of(link_id: int) -> str:
    """How a link is called in its address."""
    digits = ""
    while link_id:
        link_id, digit = divmod(link_id, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits


def link_id_of(code: str) -> int:
    """The other way round; 0: no link has such a code."""
    if not _is_code(code):
        return 0
    number = 0
    for digit in code:
        number = number * len(_DIGITS) + _DIGITS.index(digit)
    return number if number < 1 << _ID_BITS else 0


def link_id_in(desk: Desk, url: str) -> int:
    """The link that a short one of ours stands for; 0: it is none."""
    if desk.config.http.links is None:
        return 0
    base = str(desk.config.http.links) + PATH
    return link_id_of(url.removeprefix(base)) if url.startswith(base) else 0


# -- opened -----------------------------------------------------------------------------------------


def links_app(desk: Desk) -> App:
    """Answers /l/CODE.

    A visitor does not wait for its click to be counted: that goes with the gathering batch. The links of an
    account that is blocked, or gone, lead nowhere.
    """
    clicks, bad = _Clicks(desk), _Minute(desk.clock)

    async def links(call: HttpCall) -> HttpReply:
        if call.method not in ("GET", "HEAD"):
            return _plain(405, "only GET", ("Allow", "GET, HEAD"))
        if bad.of(call.peer) >= BAD_CODES_OF_AN_ADDRESS:
            return _plain(429, "too many links that are none", ("Retry-After", "60"))
        link_id = link_id_of(call.path.removeprefix(PATH))
        rows = await desk.rows("link_by_id", (link_id,)) if link_id else []
        account = desk.accounts.get(rows[0]["account"]) if rows else None
        if account is None or account.blocked:
            # who got the link of an account that is blocked now has not guessed it
            if not rows:
                bad.add(call.peer)
            return _plain(404, "there is no such link")
        if call.method == "GET" and not _is_machine(call):
            clicks.count(link_id, account, call.peer)
        return _reply(302, b"", ("Location", rows[0]["url"]))

    return links


def _is_machine(call: HttpCall) -> bool:
    """Whether it is a look ahead: a browser's, or that of a messenger that shows what is behind a link."""
    if "prefetch" in f"{call.headers.get('Sec-Purpose', '')}{call.headers.get('Purpose', '')}".lower():
        return True
    program = call.headers.get("User-Agent", "")[:300].lower()
    return any(word in program for word in _MACHINES)


def _plain(status: int, text: str, *headers: tuple[str, str]) -> HttpReply:
    return _reply(status, f"{text}\n".encode(), *headers)


def _reply(status: int, body: bytes, *headers: tuple[str, str]) -> HttpReply:
    return HttpReply(status, "text/plain; charset=utf-8", body, (*headers, *_HEADERS))


class _Minute:
    """How often something was there in the minute that it is now."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.now()
        self._counts: dict[object, int] = {}

    def of(self, key: object) -> int:
        """So often."""
        if self._clock.now() - self._began >= 60 or len(self._counts) >= KEYS_MAX:
            self._began = self._clock.now()
            self._counts = {}
        return self._counts.get(key, 0)

    def add(self, key: object) -> int:
        """Once more; how often that makes."""
        self._counts[key] = count = self.of(key) + 1
        return count


class _Clicks:
    """Counts clicks, of one link and from one address only so many: a flood costs the store little."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._links, self._addresses = _Minute(desk.clock), _Minute(desk.clock)

    def count(self, link_id: int, account: Account, peer: str) -> None:
        """A link of this account was opened."""
        if self._addresses.add(peer) > CLICKS_OF_AN_ADDRESS or self._links.add(link_id) > CLICKS_OF_A_LINK:
            return
        now_ms, journal = self._desk.clock.now_ms(), self._desk.journal
        day, _ = day_at(now_ms, zone_of(account.config.time_zone))
        journal.batch.clicks.append((link_id, now_ms, day))
        journal.wake()
