"""POST /v1/messages: one message or up to a thousand, each once however often its request comes.

Theory of operation.  A request with an Idempotency-Key leaves a row in its batch with its digest and its
answer; the store knows whether the key has come before, keeps nothing of the request then, and gives the
first answer back. So such a request costs no look into the store, and a kill at any moment loses nothing.
Only one of which nothing was taken has no row; then the store is asked whether it was taken the first time (a
repeated text may be refused the second time). Requests with one key that are under way at the same time wait
for the first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from gateway.api.drafts import Errors, draft_of, kind_of
from gateway.api.outcomes import Outcome, all_refused, body_of, late_body_of
from gateway.api.problems import FieldError, Problem, problem_of
from gateway.core.accounts import Account
from gateway.core.api import ApiFlag
from gateway.core.batch import Answer, without_late
from gateway.core.conditions import refused_late
from gateway.core.errors import Refusal
from gateway.core.http import HttpReply
from gateway.core.model import Draft, Origin
from gateway.core.submission import Accepted
from gateway.front.desk import Desk, committed
from gateway.translate.api_submit import BINARY, BINARY_SMS, FLASH_SMS, SMS, UCS2

MESSAGES_MAX = 1000
"""Of one request."""
AT_ONCE = 20_000
"""So many characters are read in one go; in other letters that takes some 30 ms."""
_EACH = 200
"""Characters that take as long as all of a message but its text."""
KEY_MAX = 255
KEYS_ARE_KEPT_MS = 86_400_000
JSON = "application/json"

_ONE = ApiFlag.JSON.value
_ONE_OF_MANY = (ApiFlag.JSON | ApiFlag.MASS).value
_KINDS = {0: SMS.type, UCS2: SMS.type, BINARY: BINARY_SMS.type}
"""By data_coding."""


class Wanted(NamedTuple):
    """What a request wants to have sent."""

    account: Account
    items: Sequence[Any]
    is_many: bool
    address: str
    key: str
    """"": none."""
    digest: bytes


class Sending:
    """Takes messages."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._under_way: dict[tuple[str, str], asyncio.Future[None]] = {}
        """Of requests with a key."""

    async def post(self, account: Account, value: Any, address: str, key: str, body: bytes) -> HttpReply:
        """The answer to a request; `value` is what its body holds, `key` its Idempotency-Key or ""."""
        items, is_many = _items(value)
        if not key:
            return await self._send(Wanted(account, items, is_many, address, "", b""))
        if len(key) > KEY_MAX or not (key.isascii() and key.isprintable() and " " not in key):
            raise Problem(
                400,
                "malformed_request",
                f"an Idempotency-Key has 1 to {KEY_MAX} visible ASCII characters, for example a UUID",
            )
        digest = blake2b(b"POST /v1/messages\n" + body, digest_size=16).digest()
        wanted = Wanted(account, items, is_many, address, key, digest)
        name = account.name, key
        while (first := self._under_way.get(name)) is not None:
            await asyncio.shield(first)
        done = self._under_way[name] = asyncio.get_running_loop().create_future()
        try:
            return await self._send_once(wanted)
        finally:
            del self._under_way[name]
            done.set_result(None)

    async def _send_once(self, wanted: Wanted) -> HttpReply:
        try:
            return await self._send(wanted)
        except Problem as problem:
            if problem.status == 503:
                raise
            known = await self._known(wanted)
            if known is None:
                raise
            return known

    async def _known(self, wanted: Wanted) -> HttpReply | None:
        """What was answered to this key."""
        since_ms = self._desk.clock.now_ms() - KEYS_ARE_KEPT_MS
        rows = await self._desk.rows("v1_request_key", (wanted.account.name, wanted.key, since_ms))
        return _again(wanted, bytes(rows[0]["digest"]), bytes(rows[0]["answer"])) if rows else None

    async def _send(self, wanted: Wanted) -> HttpReply:
        desk, account = self._desk, wanted.account
        now_ms = desk.clock.now_ms()
        if wanted.is_many:
            made = await _drafts(wanted, now_ms)
        else:
            made = [draft_of(wanted.items[0], now_ms, wanted.address, account.flags)]
        outcomes, parts = self._take(wanted, made, now_ms)
        body = body_of(wanted.items, outcomes, parts, now_ms, is_many=wanted.is_many)
        batch, place = desk.journal.batch, 0
        ids = self._note(wanted, outcomes, parts)
        if wanted.key:
            place = len(batch.request_keys)
            row = (account.name, wanted.key, wanted.digest, now_ms, body, ids)
            batch.request_keys.append(row)
        answer = await committed(desk.journal)
        known = _row_of(answer, place) if wanted.key and answer.keys_known else None
        if known is not None:
            return _again(wanted, *known)
        if answer.refused_late:
            late = refused_late(answer.refused_late)
            body = late_body_of(wanted.items, body, late, is_many=wanted.is_many)
            if not body:
                ends = (
                    late.get(one.message.message_id, one) if isinstance(one, Accepted) else one
                    for one in outcomes
                )
                raise all_refused(list(ends), is_many=wanted.is_many)
        return HttpReply(202, JSON, body)

    def _take(
        self, wanted: Wanted, made: Sequence[Draft | Errors], now_ms: int
    ) -> tuple[list[Outcome], list[int]]:
        """What became of each, and how many SMS it is; raises Problem when none is taken."""
        desk, account = self._desk, wanted.account
        forbids = _blacklist_of(desk, account.name) if desk.black else None
        outcomes: list[Outcome] = []
        drafts: list[Draft] = []
        places: list[int] = []
        for place, draft in enumerate(made):
            if isinstance(draft, list):
                outcomes.append(draft)
            elif draft.esm_class and (kind := kind_of(draft)) and kind not in account.config.smpp.allow:
                outcomes.append(Refusal.SPECIAL)
            elif forbids is not None and forbids(draft.destination, len(made) > 1):
                outcomes.append(Refusal.BLACKLIST)
            else:
                outcomes.append(Refusal.STORE)  # until its turn comes
                drafts.append(draft)
                places.append(place)
        parts = [0] * len(outcomes)
        if drafts:
            taken = desk.submission.accept_each(account, drafts, desk.clock.now(), now_ms, Origin.HTTP)
            if isinstance(taken, Refusal):
                raise problem_of(taken)
            for place, draft, one in zip(places, drafts, taken, strict=True):
                outcomes[place] = one
                if isinstance(one, Accepted):
                    message = one.message
                    # a connector that splits by itself has it stored as one segment
                    whole = message.user_data is draft.user_data
                    parts[place] = draft.segments if whole else message.segments
            desk.submission.flush()
        if not any(parts):
            raise all_refused(outcomes, is_many=wanted.is_many)
        return outcomes, parts

    def _note(self, wanted: Wanted, outcomes: Sequence[Outcome], parts: Sequence[int]) -> tuple[int, ...]:
        """What is kept of messages that came over HTTP; their ids."""
        rows, name = self._desk.journal.batch.api_messages, wanted.account.name
        flags = _ONE_OF_MANY if len(outcomes) > 1 else _ONE
        ids = []
        for outcome, count in zip(outcomes, parts, strict=True):
            if isinstance(outcome, Accepted):
                message, cost = outcome
                ids.append(message.message_id)
                rows.append(
                    (
                        message.message_id,
                        name,
                        message.client_id,
                        message.destination,
                        message.source,
                        _KINDS.get(message.data_coding, FLASH_SMS.type),
                        count,
                        cost,
                        "",
                        flags,
                    )
                )
        return tuple(ids)


def _blacklist_of(desk: Desk, account: str) -> Callable[[str, bool], bool] | None:
    """What the account has put on its list over HTTP for one kind of sending alone (phones.php)."""
    from gateway.front.blacklist import check_of  # few have one

    return check_of(desk, account)


async def _drafts(wanted: Wanted, now_ms: int) -> list[Draft | Errors]:
    """What each asks for; others have their turn between some of them."""
    flags = wanted.account.flags
    made, read = [], 0
    for item in wanted.items:
        made.append(draft_of(item, now_ms, wanted.address, flags))
        text = item.get("text") if type(item) is dict else None
        read += _EACH + (len(text) if type(text) is str else 0)
        if read >= AT_ONCE:
            read = 0
            await asyncio.sleep(0)
    return made


def _items(value: Any) -> tuple[Sequence[Any], bool]:
    if type(value) is not dict:
        raise Problem(422, "invalid", 'send one message, or {"messages": [...]}')
    if "messages" not in value:
        return (value,), False
    items = value["messages"]
    if len(value) > 1 or type(items) is not list or not 0 < len(items) <= MESSAGES_MAX:
        errors = (FieldError("messages", "invalid", f"write an array of 1 to {MESSAGES_MAX} messages"),)
        raise Problem(422, "invalid", "messages stands alone, and is an array", errors=errors)
    return items, True


def _row_of(answer: Answer, place: int) -> tuple[bytes, bytes] | None:
    for number, digest, body in answer.keys_known:
        if number == place:
            return bytes(digest), bytes(body)
    return None


def _again(wanted: Wanted, digest: bytes, body: bytes) -> HttpReply:
    """The answer of the first time."""
    if digest != wanted.digest:
        raise Problem(
            409, "key_reused", "this Idempotency-Key came with another request: make a new one for this one"
        )
    body, late = without_late(body)
    if late:
        body = late_body_of(wanted.items, body, refused_late(late), is_many=wanted.is_many)
    return HttpReply(202, JSON, body, (("Idempotent-Replayed", "true"),))
