"""Which commands only read, and which are written down: those that change something, or show whole numbers or
texts. What is written down of one is its subject: ids, names that are configured, numbers as logs show them.

Nothing else that stands in a request gets there: whatever a person has typed may be a text or a password.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any, NamedTuple

from gateway.core.model import MessageState, Progress
from gateway.ops.control import Reply, Request
from protocols.sms.addresses import mask

SHOWN_MAX = 3
"""So many ids or numbers of one request are named, the others counted."""
SENDER_MAX = 11
WHY_MAX = 120
REPEATED_MIN = 3
"""A value of so many characters is not told again in a reason."""
UNKNOWN_NAME = "?"
DONE, REFUSED, STOPPED = "done", "refused", "stopped"
"""STOPPED: whoever asked had left before all was done or told."""
WORDS = frozenset(
    {"cancel", "retry", "hold", "release", "resend", "drop", *Progress.__members__, *MessageState.__members__}
)
"""What may be decided (messages.WORDS), and states."""
_AMOUNT = re.compile(r"[-+]?[0-9]{1,15}(\.[0-9]{1,6})?", re.ASCII)
_ID = re.compile(r"[LC]?[0-9]{1,19}", re.ASCII)
_SENDER = re.compile(r"[A-Za-z0-9 ._&+-]{1,11}", re.ASCII)
_DIGITS = re.compile(r"(?<![0-9])(?:\+|00)?([0-9]{5,15})(?![0-9])", re.ASCII)
"""What may be somebody's number; a message_id has more digits."""
_LONG = re.compile(r"(?<![0-9])[0-9]{10,15}(?![0-9])", re.ASCII)
"""Neither is that an id of ours: those of deliveries are shorter, those of messages longer."""
_PLAIN = re.compile(r"[A-Za-z0-9 ,.()/_+…–-]*", re.ASCII)


class Kind(Enum):
    """What a value of a request is, and so how it is shown."""

    NAME = "a configured name"
    SENDER = "what a sender calls itself"
    NUMBER = "a subscriber's number, or several"
    ID = "an id of ours, or several"
    WORD = "one of few words, or several"
    AMOUNT = "money"
    COUNT = "a whole number"
    MOMENT = "milliseconds since 1970"
    FLAG = "said only when it is so"
    CHOICE = "yes or no"


@dataclass(frozen=True, slots=True)
class Action:
    """A command that is written down."""

    subject: dict[str, Kind] = field(default_factory=dict)
    """The values of its request that say what it is about."""
    only_with: tuple[str, ...] = ()
    """It is written down only with one of these; empty: always."""
    only_without: str = ""
    """It is not written down with this."""
    result: Callable[[Reply], str] | None = None
    """What came of it, where an answer without an error may mean less than done; "": all is done."""


def _decided(reply: Reply) -> str:
    results = reply.get("results") or []
    done = sum(bool(row["done"]) for row in results)
    return "" if done == len(results) else f"{done} of {len(results)}"


def _replayed(reply: Reply) -> str:
    unknown = len(reply.get("unknown") or ())
    return f"{unknown} were not there" if unknown else ""


def _reloaded(reply: Reply) -> str:
    problems = len(reply.get("problems") or ())
    return f"0 changed, {problems} mistakes" if problems else ""


_WHOSE = {"account": Kind.NAME, "connector": Kind.NAME, "number": Kind.NUMBER}
_TIMES = {"from_ms": Kind.MOMENT, "to_ms": Kind.MOMENT, "since_ms": Kind.MOMENT, "until_ms": Kind.MOMENT}
_FIND = {**_WHOSE, **_TIMES, "message_id": Kind.ID, "states": Kind.WORD, "full": Kind.FLAG}
_ONE_CONNECTOR = {"connector": Kind.NAME}

ACTIONS: dict[str, Action] = {
    "account_credit": Action({"account": Kind.NAME, "amount": Kind.AMOUNT, "from": Kind.NAME}),
    "backup": Action(),
    "blacklist_add": Action({"account": Kind.NAME, "numbers": Kind.NUMBER}),
    "blacklist_list": Action({"account": Kind.NAME, "number": Kind.NUMBER}),
    "blacklist_remove": Action({"account": Kind.NAME, "numbers": Kind.NUMBER}),
    "connector_pause": Action(_ONE_CONNECTOR),
    "connector_rebind": Action(_ONE_CONNECTOR),
    "connector_resume": Action(_ONE_CONNECTOR),
    "decide": Action({"word": Kind.WORD, "message_ids": Kind.ID}, result=_decided),
    "erase": Action(),  # the number would go with what is erased
    "export": Action({**_WHOSE, **_TIMES, "states": Kind.WORD, "text": Kind.FLAG}),
    "find": Action(_FIND, only_with=("full",)),
    "find_page": Action(_FIND, only_with=("full",)),
    "incoming": Action({"full": Kind.FLAG}, only_with=("full",)),
    "message": Action(
        {"message_id": Kind.ID, "full": Kind.FLAG, "text": Kind.FLAG}, only_with=("full", "text")
    ),
    "node_drain": Action({"node": Kind.NAME}),
    "node_resume": Action({"node": Kind.NAME}),
    "ping_task_add": Action({"account": Kind.NAME, "to": Kind.NUMBER, "sender": Kind.SENDER}),
    "ping_task_list": Action({"account": Kind.NAME}),
    "ping_task_remove": Action({"account": Kind.NAME, "id": Kind.ID}),
    "reload": Action(only_without="diff", result=_reloaded),
    "replay": Action({"ids": Kind.ID}, result=_replayed),
    "replay_all": Action({"account": Kind.NAME}),
    "sender_decide": Action({"account": Kind.NAME, "name": Kind.SENDER, "allowed": Kind.CHOICE}),
    "trace": Action({**_WHOSE, "seconds": Kind.COUNT, "texts": Kind.CHOICE}),
}
READS = frozenset(
    {
        "account",
        "accounts",
        "accounts_page",
        "audit",
        "config",
        "config_on_disk",
        "connector",
        "connectors",
        "dead",
        "list",
        "metrics",
        "nodes",
        "queue",
        "queue_counts",
        "queue_page",
        "ready",
        "route_explain",
        "route_list",
        "sender_list",
        "statistics",
        "status",
        "unmatched",
    }
)
"""They show numbers masked, and no texts but those that were asked with."""
NOTES = frozenset({"audit_note"})
"""What the pages have to say for the audit themselves."""
_UNNAMED = Action()


def action_of(request: Request) -> Action | None:
    """How a request is written down; None: it only reads. One that is in no list is written down."""
    command = str(request.get("command"))
    if command in READS or command in NOTES:
        return None
    action = ACTIONS.get(command, _UNNAMED)
    if action.only_without and request.get(action.only_without):
        return None
    if action.only_with and not any(request.get(name) for name in action.only_with):
        return None
    return action


# -- how values are shown -----------------------------------------------------------------------------


class Names(NamedTuple):
    """What there is, by name."""

    accounts: Container[str]
    connectors: Container[str]
    nodes: Container[str] = ()


def subject_of(action: Action, request: Request, names: Names) -> str:
    """What a request is about, in a line."""
    parts = []
    for key, kind in action.subject.items():
        value = request.get(key)
        if value in (None, "", []) or (kind is not Kind.CHOICE and not value):
            continue
        parts.append(f"{key.removesuffix('_ms')}={_shown(kind, value, names)}")
    return " ".join(parts)


def _shown(kind: Kind, value: Any, names: Names) -> str:
    if kind in (Kind.FLAG, Kind.CHOICE):
        return "yes" if value else "no"
    if kind is Kind.MOMENT:
        return _moment(value)
    values = value if isinstance(value, list) else [value]
    if kind is Kind.NUMBER:
        values = [number for one in values for number in str(one).split(",")]
    shown = ",".join(_one(kind, str(one).strip(), names) for one in values[:SHOWN_MAX])
    return shown if len(values) <= SHOWN_MAX else f"{shown} and {len(values) - SHOWN_MAX} more"


def _one(kind: Kind, text: str, names: Names) -> str:
    if kind is Kind.NAME:
        is_known = text in names.accounts or text in names.connectors or text in names.nodes
        return text if is_known else UNKNOWN_NAME
    if kind is Kind.NUMBER:
        digits = text.removeprefix("+").removeprefix("00")
        return mask(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 40 else UNKNOWN_NAME
    if kind is Kind.SENDER:
        return masked(text) if _SENDER.fullmatch(text) else UNKNOWN_NAME
    if kind is Kind.WORD:
        return text if text in WORDS else UNKNOWN_NAME
    pattern = _AMOUNT if kind is Kind.AMOUNT else _ID
    # somebody may have given a number where an id belongs
    return _LONG.sub(lambda found: mask(found[0]), text) if pattern.fullmatch(text) else UNKNOWN_NAME


def _moment(value: Any) -> str:
    try:
        return datetime.fromtimestamp(int(value) / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (TypeError, ValueError, OverflowError, OSError):
        return UNKNOWN_NAME


def masked(text: str) -> str:
    """A text in which whatever may be somebody's number is shown as in logs."""
    return _DIGITS.sub(lambda found: mask(found[1]), text)


# -- outcomes ------------------------------------------------------------------------------------------


class Outcome(NamedTuple):
    """What came of an action."""

    word: str
    """DONE, REFUSED or STOPPED."""
    why: str = ""


def outcome_of(action: Action, request: Request, reply: Reply) -> Outcome:
    """By the last answer."""
    if "error" in reply:
        return Outcome(REFUSED, why_of(str(reply["error"]), request))
    told = action.result(reply) if action.result is not None else ""
    return Outcome(REFUSED if told.startswith("0 ") else DONE, told)


def why_of(text: str, request: Request) -> str:
    """An error's first words, up to what is quoted or explained, without what the request had said."""
    for value in sorted(set(_texts_in(request)), key=len, reverse=True):
        if len(value) >= REPEATED_MIN:
            text = text.replace(value, "…")
    found = _PLAIN.match(text)
    return masked(found[0] if found else "").strip()[:WHY_MAX]


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in ("command", "by"):
                yield from _texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts_in(item)
    elif isinstance(value, str):
        yield value
