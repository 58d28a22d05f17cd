"""URLs that clients want to be called at: taken apart strictly, so that nobody reads them in another way."""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_URL = 2000
"""Characters."""
_USUAL_PORTS = {"http": 80, "https": 443}

_whole = re.compile(r"(https?)://([^/?#]*)([^#]*)(?:#.*)?", re.ASCII | re.IGNORECASE | re.DOTALL).fullmatch
_place = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::([0-9]{1,5}))?", re.ASCII).fullmatch
_has_odd = re.compile(r"[\x00-\x20\x7f-\xa0\\]").search
_beyond_ascii = re.compile(r"[^\x00-\x7f]+")


class CallUrlError(ValueError):
    """It cannot be called; the text does not repeat the URL, which may hold secrets."""


class CallUrl(NamedTuple):
    """Where to call."""

    scheme: str
    host: str
    """In ASCII, without brackets."""
    port: int
    rest: str
    """Path and query, as they are sent."""

    @property
    def place(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _USUAL_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def shown(self) -> str:
        """For people: without the path and the query, which may be secret."""
        return f"{self.scheme}://{self.place}"


def parse_call_url(text: str) -> CallUrl:
    """CallUrlError for another scheme, a login in it, or whatever two programs might read differently."""
    if len(text) > MAX_URL:
        raise CallUrlError(f"it has more than {MAX_URL} characters")
    if _has_odd(text):
        raise CallUrlError("it has spaces, control characters or backslashes in it")
    found = _whole(text)
    if found is None:
        raise CallUrlError("it does not begin with http:// or https://")
    scheme, authority, rest = found[1].lower(), found[2], found[3]
    if "@" in authority:
        raise CallUrlError("it has a login in it")
    try:
        parts = _place(authority.encode("idna").decode() if not authority.isascii() else authority)
    except UnicodeError:
        parts = None
    if parts is None:
        raise CallUrlError("it has no plain host and port")
    port = int(parts[2] or _USUAL_PORTS[scheme])
    if not 1 <= port <= 65_535:
        raise CallUrlError("there is no such port")
    if not rest.startswith("/"):
        rest = f"/{rest}"
    try:
        rest = _beyond_ascii.sub(lambda match: "".join(f"%{octet:02X}" for octet in match[0].encode()), rest)
    except UnicodeEncodeError:
        raise CallUrlError("it has characters that no URL has") from None
    return CallUrl(scheme, parts[1].strip("[]").lower(), port, rest)
