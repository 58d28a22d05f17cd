"""What the API says when it says no: problem details (RFC 9457).

`type` and `code` are stable: programs decide by them. `title` and `detail` are for people and say what to do.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway.core.errors import Refusal
from gateway.core.http import HttpReply

CONTENT_TYPE = "application/problem+json"
URN = "urn:smsc-gateway:problem:"
AGAIN_S = 5
"""Retry-After of what passes by itself: a full queue, a disk that cannot be written."""
_MINUTE_S, _HOUR_S = 60, 3600


class FieldError(NamedTuple):
    """What is wrong with one field."""

    field: str
    """Its name; of several messages a JSON pointer, /messages/3/to."""
    code: str
    detail: str

    def as_dict(self) -> dict[str, str]:
        """As it stands in an answer."""
        return self._asdict()


class Problem(Exception):
    """A request that is not done; `retry_s` above 0: it may be sent again then."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        retry_s: int = 0,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(status, code, detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = (*headers, ("Retry-After", str(retry_s))) if retry_s else headers

    def reply(self) -> HttpReply:
        """As an answer."""
        shown: dict[str, Any] = {
            "type": URN + self.code,
            "title": TITLES[self.code],
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
        if self.errors:
            shown["errors"] = [error.as_dict() for error in self.errors]
        return HttpReply(self.status, CONTENT_TYPE, json.dumps(shown).encode(), self.headers)


TITLES = {
    "malformed_request": "The request cannot be read",
    "unauthorized": "Who asks is not known",
    "blocked": "This address is locked out",
    "foreign_origin": "The page of another host asks",
    "not_found": "There is no such thing",
    "method_not_allowed": "This method is not for this path",
    "conflict": "It is too late",
    "key_reused": "The Idempotency-Key belongs to another request",
    "too_large": "The request is too large",
    "media_type": "The body is not JSON",
    "invalid": "Fields are not as they have to be",
    "too_many_requests": "Too many requests",
    "too_many_streams": "Too many streams",
    "unavailable": "Nothing can be stored now",
}
"""Of each code; those of refusals are added below."""


class _Refused(NamedTuple):
    """How a Refusal is told."""

    status: int
    title: str
    detail: str
    field: str = ""
    """The field that has to change, if it is one."""
    retry_s: int = 0


_BUSY = "send it again a moment later"
_REFUSALS: dict[Refusal, _Refused] = {
    Refusal.RATE: _Refused(
        429, "The account's rate is used up", "send fewer messages a second, and this one again", "", 1
    ),
    Refusal.QUEUE_FULL: _Refused(503, "The queue is full", _BUSY, "", AGAIN_S),
    Refusal.STORE: _Refused(503, "The queue cannot be written", _BUSY, "", AGAIN_S),
    Refusal.STOPPING: _Refused(503, "The gateway stops", _BUSY, "", AGAIN_S),
    Refusal.BALANCE: _Refused(402, "The balance does not suffice", "put money on the account's balance"),
    Refusal.SOURCE: _Refused(
        422, "The sender is not the account's", "name one that the account may use, or none", "from"
    ),
    Refusal.DESTINATION: _Refused(
        422, "No number for SMS", "write an international number in digits, for example +79990000001", "to"
    ),
    Refusal.NUMBER: _Refused(422, "No such number", "this number does not exist, or gets no SMS", "to"),
    Refusal.NO_ROUTE: _Refused(
        422, "No route", "no route leads to this number: ask who runs the gateway", "to"
    ),
    Refusal.ROUTE: _Refused(
        422, "Not sent by this gateway", "the routes refuse such a message: ask who runs the gateway", "to"
    ),
    Refusal.DENIED: _Refused(422, "Number denied", "the account may not write to this number", "to"),
    Refusal.BLACKLIST: _Refused(422, "Number wants no SMS", "take the number off your list", "to"),
    Refusal.NO_PRICE: _Refused(422, "No price", "the account has no price for this number", "to"),
    Refusal.TOO_LONG: _Refused(
        422, "The text is too long", "shorten it to the SMS that the account may send for one text", "text"
    ),
    Refusal.MALFORMED_TEXT: _Refused(
        422, "The text is malformed", "see that header and data fit into one SMS", "data_hex"
    ),
    Refusal.RECEIPT_CLASS: _Refused(422, "The text is malformed", "send a text or octets", "text"),
    Refusal.SCHEDULE: _Refused(
        422, "No time to send at", "write it as RFC 3339 has it, within a year", "send_at"
    ),
    Refusal.VALIDITY: _Refused(
        422, "The validity is over too early", "make validity_s longer, or leave it out", "validity_s"
    ),
    Refusal.SERVICE_TYPE: _Refused(
        422, "Not of this account", "the account may not ask for this kind (service_messages)"
    ),
    Refusal.SERVICE_OPTIONS: _Refused(
        422, "Not of this account", "the account may not ask for such options (service_messages)"
    ),
    Refusal.OPTION_VALUE: _Refused(422, "An option is malformed", "write it as the service takes it"),
    Refusal.TLV: _Refused(422, "An option is not the account's", "leave the option out"),
    Refusal.SPECIAL: _Refused(
        422, "Not of this account", "the account may not send this kind of message", "udh_hex"
    ),
    Refusal.HOURS: _Refused(
        422, "Not at this hour", "send it within the account's hours, or set send_at", "send_at"
    ),
    Refusal.PER_DAY: _Refused(
        429, "The limit of the day is used up", "send it tomorrow, or have it raised", "", _HOUR_S
    ),
    Refusal.PER_NUMBER: _Refused(
        429, "The number's limit of the day is used up", "send it tomorrow", "to", _HOUR_S
    ),
    Refusal.PER_TEXT: _Refused(
        429, "The number got this text often enough today", "send it tomorrow", "to", _HOUR_S
    ),
    Refusal.PER_ADDRESS: _Refused(
        429, "Your address's limit of the day is used up", "send it tomorrow", "", _HOUR_S
    ),
    Refusal.FLOOD: _Refused(
        429, "Too many SMS to this number in a row", "let the number rest a while", "to", _MINUTE_S
    ),
    Refusal.REPEATED: _Refused(
        429, "The number got the same SMS a moment ago", "send it later, or another text", "to", _MINUTE_S
    ),
}
TITLES |= {refusal.value: told.title for refusal, told in _REFUSALS.items()}


def problem_of(refusal: Refusal) -> Problem:
    """The answer to a request that is refused as a whole."""
    told = _REFUSALS[refusal]
    errors = (error_of(refusal),) if told.field else ()
    return Problem(told.status, refusal.value, told.detail, errors=errors, retry_s=told.retry_s)


def error_of(refusal: Refusal) -> FieldError:
    """The same of one message among several."""
    told = _REFUSALS[refusal]
    return FieldError(told.field or "message", refusal.value, f"{told.title}: {told.detail}")


def not_found(detail: str) -> Problem:
    """Also for what is another account's."""
    return Problem(404, "not_found", detail)


def unavailable() -> Problem:
    """Nothing can be stored."""
    return Problem(503, "unavailable", _BUSY, retry_s=AGAIN_S)
