"""Rows of what comes over HTTP, for the tests of the store."""

from __future__ import annotations

from typing import Any

from gateway_fakes import NOW_MS, delivery, message
from store_support import PEER, Store

from gateway.core.api import ApiMessage, ApiUse, Call, CallTarget
from gateway.core.batch import Answer, Row
from gateway.core.model import INCOMING, Message, Origin, Progress, Wish

HANDLER, WEBHOOK, INBOX, NO_SESSIONS = (
    int(use) for use in (ApiUse.HANDLER, ApiUse.WEBHOOK, ApiUse.INBOX, ApiUse.NO_SESSIONS)
)
CALLED = Wish.CALLED.value


def known(message_id: int, **fields: Any) -> Row:
    """A row of Batch.api_messages."""
    values: dict[str, Any] = {
        "message_id": message_id,
        "account": "app",
        "api_id": "77",
        "phone": PEER,
        "sender": "Example",
        "kind": 0,
        "parts": 1,
        "cost": 1_400_000,
        "comment": "note",
        "flags": 0,
    }
    assert not fields.keys() - values.keys()
    return tuple(ApiMessage(**{**values, **fields}))


def live(message_id: int, **fields: Any) -> Message:
    """A message over HTTP whose account is called with its end."""
    return message(message_id, **{"origin": Origin.HTTP.value, "flags": CALLED, **fields})


def use(store: Store, uses: int, account: str = "app") -> None:
    store.apply(api_accounts=[(account, uses)])


def send(store: Store, *messages: Message, **fields: Any) -> Answer:
    """Accepts messages that go straight up; `fields`: of what is known of each."""
    return store.apply(
        accepted=[(*m, Progress.SENT.value) for m in messages],
        intents=[(m.message_id, 1, m.connector, NOW_MS) for m in messages],
        api_messages=[known(m.message_id, **{"account": m.account, **fields}) for m in messages],
    )


def fail(store: Store, *message_ids: int, state: int = 5) -> Answer:
    return store.apply(failed=[(n, state, "000", NOW_MS) for n in message_ids])


def incoming(text: bytes = b"yes", **fields: Any) -> Row:
    """A row of Batch.incoming."""
    return tuple(delivery(0, message_id=0, state=INCOMING, error="", user_data=text, **fields))[1:-1]


def call(account: str = "app", **fields: Any) -> Row:
    """A row of Batch.calls."""
    values: dict[str, Any] = {
        "call_id": 0,
        "target": 0,
        "tries": 0,
        "account": account,
        "kind": 4,
        "created_ms": NOW_MS,
        "message_id": 0,
        "api_id": "",
        "phone": PEER,
        "own_number": "1234",
        "state": 0,
        "error": "",
        "done_ms": NOW_MS,
        "sms_type": 0,
        "parts": 0,
        "cost": 0,
        "comment": "",
        "esm_class": 0,
        "data_coding": 0,
        "user_data": b"",
        "info": "",
    }
    return tuple(Call(**{**values, **fields}))[3:]


def claim(
    store: Store, now_ms: int = NOW_MS, limit: int = 100, left_out: tuple[str, ...] = ()
) -> tuple[list[Call], int | None]:
    """What a claim brings, and when the next one is due; of accounts that are left out nothing at all."""
    targets = tuple((account, target.value) for account in left_out for target in CallTarget)
    ((rows, due_ms),) = store.apply(call_claims=[(now_ms, limit, targets)]).calls
    return [Call(*row) for row in rows], due_ms
