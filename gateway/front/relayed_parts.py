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
from protocols.sms import alphabet
from protocols.sms.addresses import guess_source_ton_npi
from protocols.smsc_http.recipients import is_mail, is_number
from protocols.smsc_http.sending import is_client_id, split_comment

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


def read_request(desk: Desk, account: Account, params: Mapping[str, str]) -> Request:
    """ApiProblem 1 for what is none."""
    api_id = "" if params.get("id") == "0" else params.get("id", "")
    if api_id and not is_client_id(api_id):
        raise bad()
    text, comment = split_comment(params.get("mes", ""))
    if len(text) > _TEXT_MAX and not params.get("mail"):
        raise bad()
    kind = next((code for name, code in KINDS.items() if params.get(name, "0") not in ("", "0")), 0)
    return Request(account, params, api_id or str(desk.next_api_id()), kind, text, comment)


def draft_of(request: Request, phone: str) -> Draft:
    """A recipient's message as the gateway keeps it: its text, without the files."""
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


def admit(desk: Desk, account: Account, phone: str, draft: Draft) -> Part | Refusal:
    """As Submission admits what it sends itself; there is no route."""
    submission, now, now_ms = desk.submission, desk.clock.now(), desk.clock.now_ms()
    if not (is_mail(phone) if "@" in phone else is_number(phone)):
        return Refusal.DESTINATION
    if submission.closed_because is not None or desk.journal.error:
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


def theirs(params: Mapping[str, str]) -> dict[str, str]:
    """What of the parameters the service is given."""
    return {name: value for name, value in own_parameters("send", params).items() if name not in _OURS}


def api_message_of(
    request: Request, message_id: int, phone: str, parts: int, cost: int, is_mass: bool
) -> ApiMessage:
    """What its client knows of it."""
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
