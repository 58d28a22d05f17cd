"""Who asks: HTTP Basic (RFC 7617) with login and password, or Bearer (RFC 6750 §2.1) with an API key."""

from __future__ import annotations

import base64
import binascii

from gateway.api.problems import Problem
from gateway.core.accounts import Account
from gateway.core.http import HttpCall
from gateway.front.desk import BLOCKED, DENIED, ApiProblem
from gateway.front.gate import Credentials, Gate

CHALLENGE = (
    ("WWW-Authenticate", 'Basic realm="smsc-gateway", charset="UTF-8"'),
    ("WWW-Authenticate", 'Bearer realm="smsc-gateway"'),
)
_HEADER_MAX = 1024
_AGAIN_S = 1


async def who(gate: Gate, call: HttpCall) -> Account:
    """The account that asks; raises Problem 401, 403, or 429. Does not wait for one that was known before."""
    credentials = credentials_of(call)
    try:
        account = gate.known(credentials, call.peer)
        return account if account is not None else await gate.account(credentials, call.peer)
    except ApiProblem as problem:
        raise _told(problem) from None


def enter(gate: Gate, account: Account) -> None:
    """One more request is under way, until the gate's `leave`; raises Problem 429 when there are too many."""
    try:
        gate.enter(account)
    except ApiProblem as problem:
        raise _told(problem) from None


def _told(problem: ApiProblem) -> Problem:
    if problem.number == DENIED:
        return _unauthorized("no account has these credentials, or it may not ask from this address")
    if problem.number == BLOCKED:
        return Problem(403, "blocked", "too many bad logins came from this address: wait some minutes")
    detail = (
        "the account has too many requests at the same time: wait for answers, send several messages in one"
    )
    return Problem(429, "too_many_requests", detail, retry_s=_AGAIN_S)


def _unauthorized(detail: str) -> Problem:
    return Problem(401, "unauthorized", detail, headers=CHALLENGE)


def credentials_of(call: HttpCall) -> Credentials:
    """What the request says; raises Problem 401 when it says nothing that makes sense."""
    header = call.headers.get("Authorization", "")
    scheme, _, rest = header.partition(" ")
    scheme, rest = scheme.lower(), rest.strip()
    if len(header) <= _HEADER_MAX and rest:
        if scheme == "bearer":
            return Credentials(key=rest)
        if scheme == "basic":
            login, colon, password = _decoded(rest).partition(":")
            if colon:
                return Credentials(login, password)
    raise _unauthorized("name the account: Authorization: Bearer <API key>, or Basic with login and password")


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return ""
