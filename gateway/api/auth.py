"""Who asks: HTTP Basic (RFC 7617) with login and password, or Bearer (RFC 6750 §2.1) with an API key."""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple, Protocol

from gateway.api.problems import Problem
from gateway.core.accounts import Account
from gateway.core.http import HttpCall

CHALLENGE = (
    ("WWW-Authenticate", 'Basic realm="smsc-gateway", charset="UTF-8"'),
    ("WWW-Authenticate", 'Bearer realm="smsc-gateway"'),
)
_HEADER_MAX = 1024


class Credentials(NamedTuple):
    """What a client says of itself; either the key or the other two."""

    login: str
    password: str
    key: str


class Gate(Protocol):
    """Lets accounts in."""

    async def admit(self, credentials: Credentials, address: str) -> Account:
        """The account that asks from this address; raises Problem 401, 403, 429 or 503."""
        ...

    def enter(self, account: Account) -> None:
        """One more request of it is under way; raises Problem 429 when there are too many."""
        ...

    def leave(self, account: Account) -> None:
        """One has its answer."""
        ...


def unauthorized(detail: str) -> Problem:
    """401, with what may be said instead."""
    return Problem(401, "unauthorized", detail, headers=CHALLENGE)


def credentials_of(call: HttpCall) -> Credentials:
    """What the request says; raises Problem 401 when it says nothing that makes sense."""
    header = call.headers.get("Authorization", "")
    scheme, _, rest = header.partition(" ")
    scheme, rest = scheme.lower(), rest.strip()
    if len(header) <= _HEADER_MAX and rest:
        if scheme == "bearer":
            return Credentials("", "", rest)
        if scheme == "basic":
            login, colon, password = _decoded(rest).partition(":")
            if colon:
                return Credentials(login, password, "")
    raise unauthorized("name the account: Authorization: Bearer <API key>, or Basic with login and password")


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return ""
