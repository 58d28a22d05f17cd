"""Messages that go to a service as they came, because they have files, or need what only it has.

The service is asked first, with an id of ours; when it has taken the message, that is one of the gateway's:
it is charged, asked for by status.php, and ends with the service's receipt like any other. If the gateway is
killed between the two, nobody was told that it was taken; if the answer is lost, the service is asked what it
has under that id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.core.accounts import Account
from gateway.core.errors import Refusal
from gateway.core.model import Draft, Message, OnAmbiguous, Origin, Progress, Wish
from gateway.core.networks import mccmnc_of
from gateway.core.prices import amount_text
from gateway.core.smsc_ids import upstream_id_of
from gateway.front.address_book import group_numbers
from gateway.front.blacklist import forbids
from gateway.front.desk import FORBIDDEN, NO_MONEY, ApiProblem, Asked, Desk, Unavailable, Value, committed
from gateway.front.fields import bad, spellings
from gateway.front.relay import Doubt, Relay
from gateway.front.relayed_parts import (
    Part,
    Request,
    admit,
    api_message_of,
    draft_of,
    read_request,
    theirs,
)
from gateway.translate.api_status import refusal_number, registered_as
from protocols.sms.receipts import response_key
from protocols.smsc_http import errors
from protocols.smsc_http.sending import group_number, split_phones
from protocols.smsc_http.statuses import NOT_FOUND
from protocols.smsc_http.values import identity

RECIPIENTS_MAX = 1_000
SMS_MAX = 1_000_000
"""So much of one request a service is believed."""


class Sendings:
    """Sends by the relay, and keeps what was sent."""

    def __init__(self, desk: Desk, relay: Relay) -> None:
        self._desk = desk
        self._relay = relay

    async def send(self, asked: Asked) -> Value:
        """send.php as a whole; ApiProblem, Unavailable."""
        account, params = asked.account, asked.params
        service = self._relay.service_of(account, asked.operation)
        if account.config.test_mode:
            raise ApiProblem(FORBIDDEN, "this account is in test mode: nothing goes to a service for it")
        phones = await self._phones(account, params)
        if not phones or len(phones) > RECIPIENTS_MAX or params.get("list"):
            raise bad()
        request = read_request(self._desk, account, params)
        parts, refusal = self._parts(request, phones)
        if refusal is None and asked.operation == "send" and self._too_fast(request, parts):
            refusal = Refusal.RATE
        if refusal is not None or asked.operation == "cost":
            for part in parts:
                part.take_back()
        if refusal is not None:
            raise await self._refused(request, phones, refusal)
        if asked.operation == "cost":
            return {"cost": amount_text(sum(part.cost for part in parts)), "cnt": len(parts)}
        request_id = f"r{parts[0].message_id}"
        sms = await self._send(
            request, parts, {**theirs(request), "phones": ",".join(phones), "id": request_id}, asked
        )
        await self._keep(request, parts, request_id, sms)
        for phone in phones:
            service.watch(upstream_id_of(request_id, phone))
        return self._answer(request, parts, sms)

    async def _phones(self, account: Account, params: Mapping[str, str]) -> list[str]:
        """The recipients, each once; a group is its contacts."""
        found: dict[str, None] = {}
        for phone in dict.fromkeys(split_phones(params.get("phones", ""))):
            number = group_number(phone)
            members: Sequence[str] | None = [phone]
            if number is not None:
                is_mail = params.get("mail", "0") not in ("", "0")
                members = await group_numbers(self._desk, account.name, number, is_mail)
            if members is None:
                raise bad()
            found.update(dict.fromkeys(spellings(member)[0] for member in members))
            if len(found) > RECIPIENTS_MAX:
                break  # too many, whatever else there is
        return list(found)

    # -- before ------------------------------------------------------------------------------------------

    def _parts(self, request: Request, phones: Sequence[str]) -> tuple[list[Part], Refusal | None]:
        """What each recipient is sent, charged and counted for, up to the first that may not be."""
        parts: list[Part] = []
        name, is_mass = request.account.name, len(phones) > 1
        for phone in phones:
            if forbids(self._desk, name, phone, is_mass):
                return parts, Refusal.BLACKLIST
            part = admit(self._desk, request, phone, len(parts))
            if isinstance(part, Refusal):
                return parts, part
            parts.append(part)
        return parts, None

    def _too_fast(self, request: Request, parts: Sequence[Part]) -> bool:
        """Whether it is more than the account may send in a second."""
        return not request.account.bucket.take(request.segments * len(parts), self._desk.clock.now())

    async def _refused(self, request: Request, phones: Sequence[str], why: Refusal | int) -> Exception:
        """What is raised; messages that the service would register are."""
        number = refusal_number(why) if isinstance(why, Refusal) else why
        if not number:
            return Unavailable()
        if number not in errors.WITH_ID:
            return ApiProblem(number)
        state, error = registered_as(why)
        now_ms, batch = self._desk.clock.now_ms(), self._desk.journal.batch
        for phone in phones:
            message_id, draft = self._desk.submission.ids.next(now_ms), draft_of(request, phone)
            said = (1, state.value, error, "", request.api_id, 0, draft.data_coding, draft.user_data)
            batch.registered.append(
                (message_id, request.account.name, now_ms, draft.source, draft.destination, *said)
            )
            batch.api_messages.append(
                tuple(api_message_of(request, message_id, phone, 1, 0, len(phones) > 1))
            )
        await committed(self._desk.journal)
        return ApiProblem(number, id=identity(request.api_id))

    # -- the service -------------------------------------------------------------------------------------

    async def _send(
        self, request: Request, parts: Sequence[Part], params: Mapping[str, str], asked: Asked
    ) -> int:
        """How many SMS, or seconds of calls, the service counts."""
        try:
            answer = await self._relay.ask(request.account, "send", params, asked.files)
        except Doubt:
            if await self._has(request, params):
                return len(parts)
            for part in parts:
                part.take_back()
            raise
        except ApiProblem as problem:
            for part in parts:
                part.take_back()
            # what our login lacks the client cannot pay
            number = errors.UNDELIVERABLE_NUMBER if problem.number == NO_MONEY else problem.number
            raise await self._refused(request, [part.phone for part in parts], number) from None
        except BaseException:
            for part in parts:
                part.take_back()
            raise
        count = answer.get("cnt") if isinstance(answer, Mapping) else None
        return min(count, SMS_MAX) if isinstance(count, int) and count > 0 else len(parts)

    async def _has(self, request: Request, params: Mapping[str, str]) -> bool:
        """Whether the service has a message after all, so that it is not sent once more."""
        asked = {"id": params["id"], "phone": params["phones"].partition(",")[0]}
        try:
            found = await self._relay.ask(request.account, "status", asked)
        except (ApiProblem, Unavailable):
            return False
        return isinstance(found, Mapping) and found.get("status", NOT_FOUND) != NOT_FOUND

    # -- after -------------------------------------------------------------------------------------------

    async def _keep(self, request: Request, parts: Sequence[Part], request_id: str, sms: int) -> None:
        """The messages are the gateway's from now on, and the service has them."""
        desk, account, submission = self._desk, request.account, self._desk.submission
        http = account.config.http
        connector, now_ms = http.relay if http is not None else "", desk.clock.now_ms()
        batch, each = desk.journal.batch, max(1, sms // len(parts))
        messages = []
        for part in parts:
            message_id, upstream_id = part.message_id, upstream_id_of(request_id, part.phone)
            message = self._message(request, part, connector, now_ms)
            messages.append(message)
            if part.charge is not None:
                batch.charges.append(submission.ledger.accepted(message_id, part.charge))
            if part.counted is not None:
                batch.counted.extend(part.counted.rows)
            batch.accepted.append((*message, Progress.SENT.value))
            batch.intents.append((message_id, 1, connector, now_ms))
            key = response_key(upstream_id)
            batch.submitted.append((now_ms, upstream_id, key, message_id, 1, connector))
            is_mass = len(parts) > 1
            api_message = api_message_of(request, message_id, part.phone, each, part.cost, is_mass)
            batch.api_messages.append(tuple(api_message))
        account.open_messages += len(parts)
        submission.open_messages += len(parts)
        try:
            await committed(desk.journal)
        except Unavailable:
            submission.ended(account, len(parts))
            for part in parts:
                submission.ledger.not_stored(part.message_id)
                if part.counted is not None:
                    part.counted.take_back()
            raise
        account.accepted += len(parts)
        submission.accepted += len(parts)
        submission.ledger.stored(part.message_id for part in parts)
        for message in messages if desk.events.messages else ():
            desk.events.accepted(message, now_ms)

    def _message(self, request: Request, part: Part, connector: str, now_ms: int) -> Message:
        draft, charged = part.draft, Wish.CHARGED.value if part.charge is not None else 0
        expires_ms = draft.expires_ms or now_ms + self._desk.submission.default_validity_ms
        http = request.account.config.http
        called = Wish.CALLED.value if http is not None and (http.handler or http.webhook) else 0
        return Message._make(
            (
                part.message_id,
                request.account.name,
                now_ms,
                *draft[: Draft._fields.index("segments")],
                1,
                connector,
                connector,
                # its files are nowhere else: nobody could send it again
                OnAmbiguous.FAIL.value,
                0,
                expires_ms,
                "",
                0,
                Origin.HTTP.value,
                charged | called,
                "",
                request.api_id,
                "",
            )
        )

    def _answer(self, request: Request, parts: Sequence[Part], sms: int) -> dict[str, Any]:
        params = request.params
        answer: dict[str, Any] = {"id": identity(request.api_id), "cnt": sms}
        if params.get("cost") in ("2", "3"):
            answer["cost"] = amount_text(sum(part.cost for part in parts))
        if params.get("cost") == "3":
            plan = self._desk.submission.ledger.plans.get(request.account.name)
            answer["balance"] = amount_text(plan.purse.balance if plan is not None else 0)
        if params.get("op") == "1":
            answer["phones"] = [
                {
                    "phone": part.phone,
                    "mccmnc": mccmnc_of(part.phone),
                    "cost": amount_text(part.cost),
                    "status": "-1",
                    "error": "0",
                }
                for part in parts
            ]
        return answer
