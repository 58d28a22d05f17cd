"""What came with a request: bounded, decoded, and nothing else."""

from __future__ import annotations

from urllib.parse import parse_qsl

from aiohttp import web

from gateway.ops.web.page import Asked, PageError
from gateway.ops.web.security import client_of
from gateway.ops.web.settings import WebSettings
from gateway.ops.web.words import N_

BODY_MAX = 64 << 10
FIELDS_MAX = 1000
QUERY_MAX = 4096
FORM = "application/x-www-form-urlencoded"
_CONTROL = frozenset(map(chr, (*range(9), 11, 12, *range(14, 32), 127)))


async def read(request: web.Request, settings: WebSettings) -> Asked:
    """PageError when it is too much, or no form."""
    address, is_secure = client_of(request, settings)
    query = _pairs(request.rel_url.raw_query_string, QUERY_MAX)
    form: list[tuple[str, str]] = []
    if request.method == "POST":
        if request.content_type != FORM:
            raise PageError(415, N_("Only forms are taken here."))
        body = await request.read()
        form = _pairs(body.decode("ascii", "replace"), BODY_MAX)
    lists: dict[str, list[str]] = {}
    for name, value in form:
        lists.setdefault(name, []).append(value)
    match = {name: _plain(value) for name, value in request.match_info.items()}
    path = _plain(request.path)
    return Asked(path, match, _firsts(query), _firsts(form), lists, address, is_secure)


def _pairs(text: str, most: int) -> list[tuple[str, str]]:
    if len(text) > most:
        raise PageError(414, N_("The address is too long."))
    try:
        found = parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="replace")
    except ValueError:
        raise PageError(400, N_("The request has too many fields.")) from None
    return [(_plain(name), _plain(value)) for name, value in found]


def _firsts(pairs: list[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        found.setdefault(name, value)
    return found


def _plain(text: str) -> str:
    if not _CONTROL.isdisjoint(text):
        raise PageError(400, N_("The request has characters that no text has."))
    return text
