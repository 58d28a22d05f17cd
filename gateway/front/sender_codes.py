"""Codes that prove that a number belongs to who wants to send with it (SMSC HTTP API, senders.php)."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from typing import Final

from gateway.front.desk import (
    BAD_NUMBER,
    BAD_PARAMETERS,
    NOT_DELIVERABLE,
    NOT_FOUND,
    ApiProblem,
    Asked,
    Desk,
    Record,
    Unavailable,
    Value,
    committed,
)
from gateway.front.keeping import OK, full, not_saved, optional_text, text
from gateway.front.sender_records import ALLOWED, KIND, NAMES_MAX, OFF, SenderName, name_in, put
from gateway.front.sending import Sending
from protocols.smsc_http.recipients import canonical_number, is_number

CODE_KIND: Final = "sender_code"
"""Of the records."""
CODE_AGAIN_MS: Final = 8 * 3_600_000
CODE_LIVES_MS: Final = 24 * 3_600_000
TRIES_MAX: Final = 5
"""Wrong codes, and then it is good no more."""
CODE_SENT, WRONG_CODE = 10, 11
"""Error numbers of this script, SMSC HTTP API §1.6."""


class Codes:
    """Sends and checks them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._sending = Sending(desk)

    async def send(self, asked: Asked) -> Value:
        """A code goes to a number."""
        whose(asked)
        desk, number = self._desk, number_in(asked.params)
        site, title = asked.params.get("site", ""), optional_text(asked.params, "site_name", 100)
        await self._check_name(asked, number)
        known = await desk.records.named(CODE_KIND, asked.account.name, number)
        now_ms = desk.clock.now_ms()
        if known is not None and now_ms - known.data["sent_ms"] < CODE_AGAIN_MS:
            raise ApiProblem(CODE_SENT)
        code = f"{secrets.randbelow(10**6):06}"
        record = Record(
            desk.records.next_id(CODE_KIND) if known is None else known.record_id,
            number,
            {"code": code, "sent_ms": now_ms, "tries": 0},
        )
        params = {"phones": f"+{number}", "mes": f"{code} is your code{f' for {title}' if title else ''}"}
        if site:
            params["sender"] = site
        desk.records.put(CODE_KIND, asked.account.name, record)
        try:
            await self._sending.send(asked._replace(operation="send", params=params, files=()))
        except ApiProblem as problem:
            desk.records.drop(CODE_KIND, asked.account.name, record.record_id)
            await committed(desk.journal)
            number_of = BAD_NUMBER if problem.number == BAD_NUMBER else NOT_DELIVERABLE
            raise ApiProblem(number_of, problem.text) from None
        except Unavailable:  # whoever comes again, as he is told to, has had no code
            desk.records.drop(CODE_KIND, asked.account.name, record.record_id)
            raise
        return OK

    async def _check_name(self, asked: Asked, number: str) -> SenderName | None:
        """The name that the number is; ApiProblem 5 if a code for it would be for nothing."""
        desk, account = self._desk, asked.account.name
        found = await desk.records.named(KIND, account, number)
        if found is not None:
            name = name_in(found)
            if name.status == OFF:
                raise not_saved("the number is refused, and stays so until somebody allows it")
            return name
        [row] = await desk.rows("count_records", (account, KIND))
        if row["count"] >= NAMES_MAX:
            raise full(f"{NAMES_MAX} names")
        return None

    async def check(self, asked: Asked) -> Value:
        """The number may be used by who knows its code."""
        whose(asked)
        desk, account, number = self._desk, asked.account, number_in(asked.params)
        code = text(asked.params, "code", 20)
        known = await desk.records.named(CODE_KIND, account.name, number)
        now_ms = desk.clock.now_ms()
        if (
            known is None
            or known.data["tries"] >= TRIES_MAX
            or now_ms - known.data["sent_ms"] > CODE_LIVES_MS
        ):
            raise ApiProblem(NOT_FOUND)
        if not hmac.compare_digest(known.data["code"].encode(), code.encode()):
            tries = {**known.data, "tries": known.data["tries"] + 1}
            desk.records.put(CODE_KIND, account.name, known._replace(data=tries))
            await committed(desk.journal)
            raise ApiProblem(WRONG_CODE)
        name = await self._check_name(asked, number)
        if name is None:
            name = SenderName(desk.records.next_id(KIND), number, ALLOWED)
        desk.records.drop(CODE_KIND, account.name, known.record_id)
        await put(desk, account.name, name._replace(status=ALLOWED, changed_ms=now_ms))
        return OK


def whose(asked: Asked) -> None:
    """Names are of the account that asks: a sub-client asks for its own."""
    if asked.params.get("user", "") not in ("", asked.account.name):
        raise ApiProblem(BAD_PARAMETERS, "user: a sub-client asks for its own names")


def number_in(params: Mapping[str, str]) -> str:
    """The number that a request is about, in digits."""
    digits = canonical_number(text(params, "sender", 100).strip())
    if not is_number(digits):
        raise ApiProblem(BAD_NUMBER)
    return digits
