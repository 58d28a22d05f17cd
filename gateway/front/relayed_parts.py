"""What a message that goes to a service as a whole is here: its recipients, and what each is charged for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gateway.core.accounts import Account
from gateway.core.admission import Counted
from gateway.core.api import ApiFlag, ApiMessage
from gateway.core.errors import Refusal
from gateway.core.ledger import Charge
from gateway.core.model import Draft
from gateway.front.desk import Desk
from gateway.front.fields import bad
from gateway.front.relay import own_parameters
from protocols.sms import alphabet, segments
from protocols.sms.addresses import guess_source_ton_npi
from protocols.smsc_http.recipients import is_mail, is_number
from protocols.smsc_http.sending import is_client_id, split_comment

KINDS = {"mms": 6, "call": 7, "mail": 8, "viber": 10, "soc": 12, "hlr": 4, "ping": 5, "flash": 1}
"""By parameter: codes of types (SMSC HTTP API §3.3)."""
_OURS = frozenset({"id", "cost", "op", "err", "pp", "userip"})
"""What is not the service's business. It drew a captcha's picture for our address, which `userip` is not."""
_DATA_CODINGS = {alphabet.Alphabet.GSM7: 0, alphabet.Alphabet.UCS2: 8}
_TEXT_MAX = 1_000
"""Characters; of a letter only so many are kept here, once for each of its recipients."""
_ADDRESS_MAX = 20  # SMPP v3.4 §5.2.8
_SENDER_MAX = 100
"""Characters: a letter's is a mail address."""
_OF_SEGMENTS = frozenset({0, 1})
"""Kinds that are SMS: a text with a captcha."""


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
    comment: str
    sender: str
    """As the account's rules have it."""
    data_coding: int
    user_data: bytes
    """Of the text, for all recipients."""
    segments: int
    """What each of them is charged for: what has no text of its own is one."""


def read_request(desk: Desk, account: Account, params: Mapping[str, str]) -> Request:
    """ApiProblem 1 for what is none."""
    api_id = "" if params.get("id") == "0" else params.get("id", "")
    if api_id and not is_client_id(api_id):
        raise bad()
    text, comment = split_comment(params.get("mes", ""))
    if len(text) > _TEXT_MAX and not params.get("mail"):
        raise bad()
    kind = next((code for name, code in KINDS.items() if params.get(name, "0") not in ("", "0")), 0)
    text = text[:_TEXT_MAX]
    written = alphabet.choose(text)
    octets = alphabet.encode(text, written)
    count = max(1, segments.count(octets, written)) if kind in _OF_SEGMENTS else 1
    said = _DATA_CODINGS[written], octets, count
    api_id = api_id or str(desk.next_api_id())
    return Request(account, params, api_id, kind, comment[:_TEXT_MAX], _sender(account, params), *said)


def _sender(account: Account, params: Mapping[str, str]) -> str:
    """Whom the message is from; ApiProblem 1 for what is no name."""
    sender = params.get("sender", "")
    if len(sender) > _SENDER_MAX:
        raise bad()
    ours = account.rules.sender_for(sender) if account.rules is not None else None
    return sender if ours is None else str(ours["source"])


def draft_of(request: Request, phone: str) -> Draft:
    """A recipient's message as the gateway keeps it: its text, without the files."""
    sender = request.sender[:_ADDRESS_MAX]
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
        data_coding=request.data_coding,
        user_data=request.user_data,
        tlvs=b"",
        segments=request.segments,
        due_ms=0,
        expires_ms=0,
        validity_period="",
        client_id=request.api_id,
    )


def admit(desk: Desk, request: Request, phone: str, before: int) -> Part | Refusal:
    """As Submission admits what it sends itself, behind so many of the same request; there is no route."""
    account, draft = request.account, draft_of(request, phone)
    submission, now, now_ms = desk.submission, desk.clock.now(), desk.clock.now_ms()
    if not (is_mail(phone) if "@" in phone else is_number(phone)):
        return Refusal.DESTINATION
    if submission.closed_because is not None or desk.journal.error:
        return submission.closed_because or Refusal.STORE
    room = min(
        submission.max_messages - submission.open_messages, account.config.max_open - account.open_messages
    )
    if before >= room:
        return Refusal.QUEUE_FULL
    rules, counted = account.rules, None
    if account.sources and request.sender not in account.sources:
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
    charge = submission.ledger.charge(account.name, phone, request.segments)
    if isinstance(charge, Refusal):
        part.take_back()
        return charge
    return part._replace(charge=charge)


def theirs(request: Request) -> dict[str, str]:
    """What of the parameters the service is given."""
    own = own_parameters("send", request.params)
    found = {name: value for name, value in own.items() if name not in _OURS}
    return {**found, "sender": request.sender} if request.sender else found


def api_message_of(
    request: Request, message_id: int, phone: str, parts: int, cost: int, is_mass: bool
) -> ApiMessage:
    """What its client knows of it."""
    return ApiMessage(
        message_id,
        request.account.name,
        request.api_id,
        phone,
        request.sender,
        request.kind,
        parts,
        cost,
        request.comment,
        ApiFlag.MASS.value if is_mass else 0,
    )
