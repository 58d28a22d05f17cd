"""Messages that go to a service as they came, because they have files, or need what only it has.

The service is asked first, with an id of ours; when it has taken the message, that is one of the gateway's:
it is charged, asked for by status.php, and ends with the service's receipt like any other. If the gateway is
killed between the two, nobody was told that it was taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gateway.core.accounts import Account
from gateway.core.admission import Counted
from gateway.core.api import ApiFlag, ApiMessage
from gateway.core.errors import Refusal
from gateway.core.ledger import Charge
from gateway.core.model import Draft, Message, OnAmbiguous, Origin, Progress, Wish
from gateway.core.networks import mccmnc_of
from gateway.core.prices import amount_text
from gateway.core.smsc_ids import upstream_id_of
from gateway.front.desk import NO_MONEY, ApiProblem, Asked, Desk, Unavailable, Value, committed
from gateway.front.fields import bad, spellings
from gateway.front.relay import Relay, own_parameters
from gateway.translate.api_status import refusal_number, registered_as
from protocols.sms import alphabet
from protocols.sms.addresses import guess_source_ton_npi
from protocols.sms.receipts import response_key
from protocols.smsc_http import errors
from protocols.smsc_http.recipients import is_mail, is_number
from protocols.smsc_http.sending import is_client_id, split_comment, split_phones
from protocols.smsc_http.values import identity

RECIPIENTS_MAX = 1_000
KINDS = {"mms": 6, "call": 7, "mail": 8, "viber": 10, "soc": 12, "hlr": 4, "ping": 5, "flash": 1}
"""By parameter: codes of types (SMSC HTTP API §3.3)."""
_OURS = frozenset({"id", "cost", "op", "err", "pp", "userip"})
"""What is not the service's business. It drew a captcha's picture for our address, which `userip` is not."""
_DATA_CODINGS = {alphabet.Alphabet.GSM7: 0, alphabet.Alphabet.UCS2: 8}
_TEXT_MAX = 1_000
_ADDRESS_MAX = 20  # SMPP v3.4 §5.2.8


class Part(NamedTuple):
    """One recipient of a request."""

    message_id: int
    phone: str
    draft: Draft
    counted: Counted | None = None
    charge: Charge | None = None

    @property
    def cost(self) -> int:
        """In millionths."""
        return 0 if self.charge is None else self.charge.amount

    def take_back(self) -> None:
        """It is not sent after all."""
        if self.counted is not None:
            self.counted.take_back()
        if self.charge is not None:
            self.charge.take_back()


class Request(NamedTuple):
    """What send.php is asked for, beside the recipients."""

    account: Account
    params: Mapping[str, str]
    api_id: str
    kind: int
    text: str
    comment: str


class Sendings:
    """Sends by the relay, and keeps what was sent."""

    def __init__(self, desk: Desk, relay: Relay) -> None:
        self._desk = desk
        self._relay = relay

    async def send(self, asked: Asked) -> Value:
        """send.php as a whole; ApiProblem, Unavailable."""
        account, params = asked.account, asked.params
        service = self._relay.service_of(account, asked.operation)
        found = (spellings(phone)[0] for phone in split_phones(params.get("phones", "")))
        phones = list(dict.fromkeys(found))
        if not phones or len(phones) > RECIPIENTS_MAX or params.get("list"):
            raise bad()
        request = self._read(account, params)
        parts, refusal = self._parts(request, phones)
        if refusal is not None or asked.operation == "cost":
            for part in parts:
                part.take_back()
        if refusal is not None:
            raise await self._refused(request, phones, refusal)
        if asked.operation == "cost":
            return {"cost": amount_text(sum(part.cost for part in parts)), "cnt": len(parts)}
        request_id = f"r{parts[0].message_id}"
        sms = await self._send(request, parts, {**_theirs(params), "id": request_id}, asked)
        await self._keep(request, parts, request_id, sms)
        for phone in phones:
            service.watch(upstream_id_of(request_id, phone))
        return self._answer(request, parts, sms)

    # -- before ------------------------------------------------------------------------------------------

    def _read(self, account: Account, params: Mapping[str, str]) -> Request:
        api_id = params.get("id", "")
        if api_id and not is_client_id(api_id):
            raise bad()
        text, comment = split_comment(params.get("mes", ""))
        if len(text) > _TEXT_MAX and not params.get("mail"):
            raise bad()
        kind = next((code for name, code in KINDS.items() if params.get(name, "0") not in ("", "0")), 0)
        return Request(account, params, api_id or str(self._desk.next_api_id()), kind, text, comment)

    def _parts(self, request: Request, phones: Sequence[str]) -> tuple[list[Part], Refusal | None]:
        """What each recipient is sent, charged and counted for, up to the first that may not be."""
        parts: list[Part] = []
        for phone in phones:
            draft = self._draft(request, phone)
            part = self._admit(request.account, phone, draft)
            if isinstance(part, Refusal):
                return parts, part
            parts.append(part)
        return parts, None

    def _draft(self, request: Request, phone: str) -> Draft:
        written = alphabet.choose(request.text)
        sender = request.params.get("sender", "")[:_ADDRESS_MAX]
        source_ton, source_npi = guess_source_ton_npi(sender) if sender else (0, 0)
        is_digits = phone.isdecimal()
        return Draft(
            service_type="",
            source_ton=source_ton,
            source_npi=source_npi,
            source=sender,
            destination_ton=1 if is_digits else 5,
            destination_npi=1 if is_digits else 0,
            destination=phone[:_ADDRESS_MAX],
            esm_class=0,
            protocol_id=0,
            priority=0,
            registered_delivery=1,
            data_coding=_DATA_CODINGS[written],
            user_data=alphabet.encode(request.text, written),
            tlvs=b"",
            segments=1,
            due_ms=0,
            expires_ms=0,
            validity_period="",
            client_id=request.api_id,
        )

    def _admit(self, account: Account, phone: str, draft: Draft) -> Part | Refusal:
        """As Submission admits what it sends itself; there is no route."""
        submission, now, now_ms = self._desk.submission, self._desk.clock.now(), self._desk.clock.now_ms()
        if not (is_mail(phone) if "@" in phone else is_number(phone)):
            return Refusal.DESTINATION
        if submission.closed_because is not None or self._desk.journal.error:
            return submission.closed_because or Refusal.STORE
        open_most = min(submission.max_messages - submission.open_messages, account.config.max_open)
        if account.open_messages >= open_most:
            return Refusal.QUEUE_FULL
        rules, counted = account.rules, None
        if rules is not None:
            draft = rules.prepare(draft)
        if account.sources and draft.source not in account.sources:
            return Refusal.SOURCE
        if submission.denied is not None and submission.denied.fit(phone):
            return Refusal.DENIED
        if rules is not None:
            admitted = rules.admit(draft, now, now_ms)
            if isinstance(admitted, Refusal):
                return admitted
            draft, counted = admitted
        part = Part(submission.ids.next(now_ms), phone, draft, counted)
        if draft.due_ms > now_ms:
            part.take_back()
            return Refusal.HOURS
        charge = submission.ledger.charge(account.name, phone, 1)
        if isinstance(charge, Refusal):
            part.take_back()
            return charge
        return part._replace(charge=charge)

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
            message_id, draft = self._desk.submission.ids.next(now_ms), self._draft(request, phone)
            said = (1, state.value, error, "", request.api_id, 0, draft.data_coding, draft.user_data)
            batch.registered.append(
                (message_id, request.account.name, now_ms, draft.source, draft.destination, *said)
            )
            batch.api_messages.append(tuple(_api_message(request, message_id, phone, 1, 0, len(phones) > 1)))
        await committed(self._desk.journal)
        return ApiProblem(number, id=identity(request.api_id))

    # -- the service -------------------------------------------------------------------------------------

    async def _send(
        self, request: Request, parts: Sequence[Part], params: Mapping[str, str], asked: Asked
    ) -> int:
        """How many SMS, or seconds of calls, the service counts."""
        try:
            answer = await self._relay.ask(request.account, "send", params, asked.files)
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
        return count if isinstance(count, int) and count > 0 else len(parts)

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
            api_message = _api_message(request, message_id, part.phone, each, part.cost, is_mass)
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


def _theirs(params: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in own_parameters("send", params).items() if name not in _OURS}


def _api_message(
    request: Request, message_id: int, phone: str, parts: int, cost: int, is_mass: bool
) -> ApiMessage:
    return ApiMessage(
        message_id,
        request.account.name,
        request.api_id,
        phone,
        request.params.get("sender", ""),
        request.kind,
        parts,
        cost,
        request.comment,
        ApiFlag.MASS.value if is_mass else 0,
    )
