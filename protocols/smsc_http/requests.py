"""Requests to the SMSC service: written by its client, read by whoever answers in its place.

A parameter is text. Of a binary message with `bin=1`, whose octets are in no charset, each character of
`mes` and `list` stands for one octet, here and there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from protocols.smsc_http import charsets, flat
from protocols.smsc_http.forms import (
    FORM,
    MAX_NAME,
    MULTIPART,
    Part,
    format_form,
    format_multipart,
    media_type,
    parse_form,
    parse_multipart,
)
from protocols.smsc_http.forms import File as File
from protocols.smsc_http.operations import (
    COMMON,
    OPERATIONS,
    REST_SEND,
    SCRIPT_PATH,
    Operation,
    find,
    missing,
    unknown,
)

JSON: Final = "application/json"
MAX_QUERY: Final = 64 * 1024
MAX_FORM: Final = 8 * 1024 * 1024
"""Octets of a form without files: a list of a thousand lines has six million."""
MAX_BODY: Final = 24 * 1024 * 1024
"""Octets of a form with files: those of a letter are 15 MB in all, more go as links."""

_OCTET_VALUES = frozenset({"mes", "list"})
_is_script = re.compile(rf"{re.escape(SCRIPT_PATH)}([a-z_]{{1,32}}\.php)", re.ASCII).fullmatch


class RequestError(ValueError):
    """A request that cannot be written, or that is none; the text names parameters, never their values.

    `status` is the HTTP status that says so.
    """

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


class Credentials(NamedTuple):
    """Login and password, or a key in their place."""

    login: str = ""
    password: str = ""
    api_key: str = ""

    def __repr__(self) -> str:
        """Without what is secret."""
        return f"Credentials(login={self.login!r})"


class HttpRequest(NamedTuple):
    """A POST to the service."""

    path: str
    content_type: str
    body: bytes

    def __repr__(self) -> str:
        """Without the body, in which the password is."""
        return f"HttpRequest(path={self.path!r}, octets={len(self.body)})"


def encode_request(
    operation: str,
    params: Mapping[str, str],
    credentials: Credentials | None,
    *,
    charset: str = "utf-8",
    fmt: int = 3,
    files: Sequence[File] = (),
) -> HttpRequest:
    """The request for an operation of OPERATIONS; what selects it need not be among `params`.

    With files it is a multipart form. RequestError names the parameters that are missing or not taken, and
    those that ask for another operation.
    """
    row = OPERATIONS.get(operation)
    if row is None:
        raise RequestError(f"there is no operation {operation}")
    if charsets.canonical(charset) is None:
        raise RequestError(f"there is no charset {charset}")
    _check(row, params, files)
    octets_only = params.get("bin") == "1"
    values = {**_secrets(credentials), **dict(row.command), **params, "fmt": str(fmt), "charset": charset}
    fields = [
        (name, _encoded(value, "latin-1" if octets_only and name in _OCTET_VALUES else charset))
        for name, value in values.items()
    ]
    content_type, body = format_multipart(fields, files) if files else (FORM, format_form(fields))
    return HttpRequest(SCRIPT_PATH + row.script, content_type, body)


def encode_rest(params: Mapping[str, str], credentials: Credentials | None) -> HttpRequest:
    """The operation "send" as JSON to /rest/send/, which takes no files. RequestError as `encode_request`."""
    _check(OPERATIONS["send"], params, ())
    text = flat.format_json({**_secrets(credentials), **params}.items())
    return HttpRequest(REST_SEND, JSON, _encoded(text, "utf-8"))


def _check(row: Operation, params: Mapping[str, str], files: Sequence[File]) -> None:
    common = sorted(COMMON & params.keys())
    if common:
        raise RequestError(f"{row.name} gets {', '.join(common)} by itself")
    surplus = unknown(row, params)
    if surplus:
        raise RequestError(f"{row.name} does not take {', '.join(surplus)}")
    lacking = missing(row, params)
    if lacking:
        raise RequestError(f"{row.name} needs {', '.join(lacking)}")
    if len(files) > row.uploads:
        raise RequestError(f"{row.name} takes at most {row.uploads} files")
    asked = find(row.script, {**dict(row.command), **params})
    if asked is not row:
        raise RequestError(f"the parameters of {row.name} ask for {asked.name if asked else 'nothing'}")


def _secrets(credentials: Credentials | None) -> dict[str, str]:
    if credentials is None:
        return {}
    if credentials.api_key:
        return {"apikey": credentials.api_key}
    return {"login": credentials.login, "psw": credentials.password}


def _encoded(text: str, charset: str) -> bytes:
    return text.encode("latin-1", "replace") if charset == "latin-1" else charsets.encode(text, charset)


class Request(NamedTuple):
    """A request that came."""

    script: str  # "send.php", or REST_SEND; as `find` of operations takes it
    params: dict[str, str]  # all of them, the secrets too
    files: tuple[File, ...]
    charset: str  # that it was read in, for the answer

    def __repr__(self) -> str:
        """Without what the parameters say."""
        return f"Request(script={self.script!r}, params={sorted(self.params)}, files={len(self.files)})"


def decode_request(method: str, path: str, query: str, content_type: str, body: bytes) -> Request:
    """The request in an HTTP request; `query` is what stands after "?", as it came.

    Of a parameter that stands twice the last counts, and one of the body before one of the query. A charset
    that the service does not have is taken for its default. RequestError, with its HTTP status, for what is
    no request: another path or method, a body that is no form, anything out of bounds.
    """
    found = _is_script(path)
    is_rest = path.rstrip("/") == REST_SEND.rstrip("/")
    if found is None and not is_rest:
        raise RequestError(f"the paths are {SCRIPT_PATH}SCRIPT.php and {REST_SEND}", 404)
    if method not in ("GET", "POST") or (is_rest and method != "POST"):
        raise RequestError(f"{path} takes {'POST' if is_rest else 'GET and POST'} alone", 405)
    if method == "GET":
        body = b""
    kind = media_type(content_type)
    if len(query) > MAX_QUERY or len(body) > (MAX_BODY if kind == MULTIPART else MAX_FORM):
        raise RequestError("the request is too large", 413)
    try:
        fields = parse_form(_octets(query))
        if found is None:
            return Request(REST_SEND, {**_texts(fields, "utf-8"), **_members(body)}, (), "utf-8")
        parts = parse_multipart(content_type, body) if kind == MULTIPART and body else []
        if kind in (FORM, "") and body:
            fields += parse_form(body.strip(b"\r\n"))
    except ValueError as error:
        raise RequestError(str(error)) from None
    fields += [(part.name, part.content) for part in parts if part.filename is None]
    named = b""
    for name, value in fields:
        if name == b"charset":
            named = value[:MAX_NAME]
    charset = charsets.canonical(named.decode("latin-1")) or charsets.DEFAULT
    return Request(found[1], _texts(fields, charset), _files(parts), charset)


def _octets(query: str) -> bytes:
    """What came: a URL is ASCII, and a server reads other octets as UTF-8 or as surrogates."""
    try:
        return query.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return query.encode("utf-8", "replace")


def _texts(fields: Iterable[tuple[bytes, bytes]], charset: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    octets: dict[str, bytes] = {}
    for name_octets, value in fields:
        # a request waits for this: ASCII is the same in all charsets
        name = name_octets.decode("ascii") if name_octets.isascii() else charsets.decode(name_octets, charset)
        texts[name] = value.decode("ascii") if value.isascii() else charsets.decode(value, charset)
        if name in _OCTET_VALUES:
            octets[name] = value
    if texts.get("bin") == "1":
        texts.update({name: value.decode("latin-1") for name, value in octets.items()})
    return texts


def _members(body: bytes) -> dict[str, str]:
    """The parameters in a body of JSON; numbers of `phones` may be an array."""
    members = flat.parse_json(body.decode("utf-8-sig"), lists=True)
    if any(len(name) > MAX_NAME for name in members):
        raise RequestError(f"a parameter's name has at most {MAX_NAME} characters")
    return members


def _files(parts: Sequence[Part]) -> tuple[File, ...]:
    return tuple(
        File(
            part.filename.decode("utf-8", "replace"),
            part.content,
            part.content_type,
            part.name.decode("latin-1"),
        )
        for part in parts
        if part.filename is not None
    )
