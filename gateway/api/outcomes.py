"""The answer to a request to send: what became of each of its messages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from gateway.api.drafts import Errors
from gateway.api.problems import Problem, error_of, problem_of
from gateway.api.states import ACCEPTED, SCHEDULED
from gateway.core.errors import Refusal
from gateway.core.prices import amount_text
from gateway.core.submission import Accepted

Outcome = Accepted | Refusal | Errors
_SHOWN_MAX = 255
_quoted = json.encoder.encode_basestring_ascii


def body_of(
    items: Sequence[Any], outcomes: Sequence[Outcome], parts: Sequence[int], now_ms: int, *, is_many: bool
) -> bytes:
    """The body in JSON, written by hand, because a request waits for it. `parts`: the SMS of each."""
    lines = []
    accepted = 0
    for place, outcome in enumerate(outcomes):
        if isinstance(outcome, Accepted):
            accepted += 1
            message, cost = outcome
            state = SCHEDULED if message.due_ms > now_ms else ACCEPTED
            name = f',"reference":{_quoted(message.client_id)}' if message.client_id else ""
            lines.append(
                f'{{"id":"{message.message_id}","to":"{message.destination}","parts":{parts[place]},'
                f'"cost":"{_money(cost)}","state":"{state}"{name}}}'
            )
        else:
            lines.append(_refused(items[place], _errors(outcome)))
    if not is_many:
        return lines[0].encode()
    counts = f'"accepted":{accepted},"refused":{len(lines) - accepted}'
    return f'{{{counts},"messages":[{",".join(lines)}]}}'.encode()


def late_body_of(items: Sequence[Any], body: bytes, late: Mapping[int, Refusal], *, is_many: bool) -> bytes:
    """The body when the store has refused some of its messages; b"": that were all of them."""
    shown = json.loads(body)
    messages = shown["messages"] if is_many else [shown]
    lines, left = [], 0
    for item, message in zip(items, messages, strict=True):
        why = late.get(int(message.get("id", 0)))
        left += why is None and "id" in message
        line = json.dumps(message, separators=(",", ":"))
        lines.append(line if why is None else _refused(item, [error_of(why)]))
    if not left:
        return b""
    counts = f'"accepted":{left},"refused":{len(lines) - left}'
    return f'{{{counts},"messages":[{",".join(lines)}]}}'.encode()


def _refused(item: Any, errors: Errors) -> str:
    """Of several messages one that was not taken: its error, and what it is known by."""
    shown: dict[str, Any] = {"state": "refused", "errors": [error.as_dict() for error in errors]}
    if type(item) is dict:
        for name in ("reference", "to"):
            value = item.get(name)
            if type(value) is str and len(value) <= _SHOWN_MAX:
                shown = {name: value, **shown}
    return json.dumps(shown, separators=(",", ":"))


@lru_cache(maxsize=1024)
def _money(amount: int) -> str:
    return amount_text(amount)


def all_refused(outcomes: Sequence[Outcome], *, is_many: bool) -> Problem:
    """None was taken."""
    if not is_many:
        (one,) = outcomes
        if isinstance(one, Refusal):
            return problem_of(one)
        assert isinstance(one, list)
        return Problem(422, "invalid", "nothing was sent: see errors", errors=one)
    errors: Errors = []
    for place, outcome in enumerate(outcomes):
        found = _errors(outcome)
        errors += [
            error._replace(field=f"/messages/{place}/{error.field}".removesuffix("/")) for error in found
        ]
    return Problem(422, "invalid", "none of the messages was taken: see errors", errors=errors)


def _errors(outcome: Outcome) -> Errors:
    if isinstance(outcome, list):
        return outcome
    assert isinstance(outcome, Refusal)
    return [error_of(outcome)]
