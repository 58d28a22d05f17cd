"""send.php of the simulated service: a request becomes messages, or an error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from gateway.simulator.smsc_http import fields
from gateway.simulator.smsc_http.faults import Fault
from gateway.simulator.smsc_http.flood import Flood
from gateway.simulator.smsc_http.kinds import Content, FileSize, content_of, kind_of
from gateway.simulator.smsc_http.life import MAIL, Handler, Life, Start
from gateway.simulator.smsc_http.model import ApiProblem, Desk, Params, SentMessage, SimAccount
from gateway.simulator.smsc_http.numbering import Network, network_of
from gateway.simulator.smsc_http.outcomes import REGISTERED, Outcome, Outcomes
from gateway.simulator.smsc_http.recipients import canonical, is_good_sender, is_well_formed, price
from gateway.simulator.smsc_http.schedule import Schedule
from gateway.simulator.smsc_http.store import Store
from protocols.smsc_http.sending import (
    ListLine,
    SendingError,
    group_number,
    is_client_id,
    parse_list,
    split_phones,
)

BAD_PARAMETERS, NO_MONEY, FORBIDDEN, BAD_NUMBER, NOT_DELIVERABLE, BAD_CAPTCHA = 1, 3, 6, 7, 8, 10
_NOT_SENT = Outcome("ended before it was sent")
_SINGLE_CENT = Decimal("0.01")


class Refused(Exception):
    """The request meets a fault before it is accepted."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


class Sent(NamedTuple):
    """The answer in canonical form, and the fault that spoils it, if any."""

    value: dict[str, object]
    fault: Fault | None


class _End(NamedTuple):
    """A message that ends as it is registered; `number` is the error of a request that has only such."""

    number: int
    status: int
    err: int


@dataclass(slots=True)
class _Draft:
    """A message that may become one."""

    phone: str
    content: Content
    sender: str
    start: float
    network: Network
    cost: Decimal
    outcome: Outcome = _NOT_SENT
    end: _End | None = None


class Sending:
    """Takes requests to send. All its state is in what it is given, but for the last numbers."""

    def __init__(
        self,
        account: SimAccount,
        store: Store,
        life: Life,
        handler: Handler,
        outcomes: Outcomes,
        flood: Flood,
        desk: Desk,
    ) -> None:
        self._account = account
        self._store = store
        self._life = life
        self._handler = handler
        self._outcomes = outcomes
        self._flood = flood
        self.desk = desk
        self._last_id = 0
        self._last_int_id = 0

    def send(
        self, params: Params, files: Sequence[FileSize], now: float, forced: int = 0, spoil: bool = True
    ) -> Sent:
        """Do what send.php does. Raises ApiProblem, or Refused for a fault of a destination.

        `forced` is an error (3, 6, 7 or 8) with which all messages are registered. Without `spoil` faults of
        destinations are left out: nobody waits for the answer.
        """
        self._check(params)
        schedule = Schedule(params, self._account.tz, now)
        drafts = self._drafts(params, files, schedule, now)
        cost = params.get("cost", "0") or "0"
        if cost == "1":
            good = [draft for draft in drafts if draft.end is None]
            total = sum((draft.cost for draft in good), Decimal(0))
            return Sent({"cost": money(total), "cnt": _count(good)}, None)
        fault = self._choose(drafts, now, forced, spoil=spoil)
        good = [draft for draft in drafts if draft.end is None]
        total = sum((draft.cost for draft in good if self._is_charged(draft)), Decimal(0))
        if good and not self._account.can_pay(total):
            for draft in good:
                draft.end = _End(NO_MONEY, *REGISTERED[NO_MONEY])
            good, total = [], Decimal(0)
        error = _error(drafts)
        id = self._accept(drafts, params, schedule, now, tell=not error)
        if error:
            raise ApiProblem(error, id)
        self._account.balance -= total
        value: dict[str, object] = {"id": id, "cnt": _count(good)}
        if cost in ("2", "3"):
            value["cost"] = money(total)
        if cost == "3":
            value["balance"] = money(self._account.balance)
        self._list(value, drafts, params)
        return Sent(value, fault)

    def _check(self, params: Params) -> None:
        """The parameters that are good or bad by themselves."""
        id = params.get("id", "")
        bad = id not in ("", "0") and not is_client_id(id)
        bad = bad or params.get("cost", "0") not in ("", "0", "1", "2", "3")
        bad = bad or params.get("translit", "0") not in ("", "0", "1", "2")
        fields.optional_integer(params, "smsreq", 10, 999)
        fields.optional_integer(params, "pp", 0, 10**9)
        file_url = params.get("fileurl", "")
        if bad or (file_url and not file_url.startswith(("http://", "https://"))):
            raise ApiProblem(BAD_PARAMETERS)
        if params.get("imgcode") and not self.desk.captcha_is(params.get("userip", ""), params["imgcode"]):
            raise ApiProblem(BAD_CAPTCHA)

    def _drafts(
        self, params: Params, files: Sequence[FileSize], schedule: Schedule, now: float
    ) -> list[_Draft]:
        """A draft for each recipient; bad numbers and the blacklist have ended already."""
        kind = kind_of(params)
        default_sender = params.get("sender", self._account.sender)
        contents: dict[str, Content] = {}
        drafts = []
        for phones, mes, line_sender, zone in _lines(params):
            content = contents.get(mes)
            if content is None:
                content = contents[mes] = content_of(
                    mes, kind, params, files, lambda link: self.desk.shorten(link, now)
                )
            sender = line_sender or default_sender
            sender = "" if sender == "." else "HLR" if content.kind.name == "hlr" else sender
            start = schedule.start(zone)
            for phone in self._recipients(phones, content):
                drafts.append(_draft(phone, content, sender, start))
        if not drafts:
            raise ApiProblem(BAD_PARAMETERS)
        mass = len(drafts) > 1
        for draft in drafts:
            if draft.end is None and self.desk.is_black(draft.phone, mass=mass):
                draft.end = _End(NOT_DELIVERABLE, 23, 250)
        if schedule.is_spread:
            for index, draft in enumerate(drafts):
                draft.start += schedule.offset(index, len(drafts))
        return drafts

    def _recipients(self, phones: Sequence[str], content: Content) -> Sequence[str]:
        """Canonical recipients, those of groups too, each once."""
        found: dict[str, None] = {}
        for phone in phones:
            number = group_number(phone)
            members: Sequence[str] = (phone,)
            if number is not None:
                group = self.desk.group_phones(number)
                if group is None:
                    raise ApiProblem(BAD_PARAMETERS)
                members = group
            for member in members:
                found[canonical(member, content.kind)] = None
        return tuple(found)

    def _choose(self, drafts: Sequence[_Draft], now: float, forced: int, *, spoil: bool) -> Fault | None:
        """What becomes of each draft; the fault of the request, if one of its destinations has one."""
        chosen = None
        for draft in drafts:
            if draft.end is not None:
                continue
            draft.outcome = outcome = self._outcomes.choose(draft.phone, draft.content.text)
            number = forced or outcome.registered
            if number:
                draft.end = _End(number, *REGISTERED[number])
            elif spoil and outcome.fault is not None and chosen is None:
                chosen = outcome.fault
        if chosen is not None and chosen.kind.refuses:
            raise Refused(chosen)
        for draft in drafts:
            if draft.end is None and self._flood.is_one(draft.phone, now):
                draft.end = _End(0, 23, 251)
        return chosen

    def _is_charged(self, draft: _Draft) -> bool:
        return not self._account.virtual or draft.content.kind.type == MAIL

    def _accept(
        self, drafts: Sequence[_Draft], params: Params, schedule: Schedule, now: float, *, tell: bool
    ) -> int | str:
        """Register the messages; the ones without an end begin to live. Returns their id."""
        given = params.get("id", "")
        id: int | str = int(given) if given.isdecimal() else given
        if not id:
            self._last_id += 1
            id = self._last_id
        starts = []
        for draft in drafts:
            message = self._message(draft, id, now)
            self._store.add(message)
            if draft.end is None:
                starts.append(Start(message, draft.outcome, draft.start, schedule.valid_s))
            elif tell:
                self._handler.status(message)
        self._life.begin(starts)
        return id

    def _message(self, draft: _Draft, id: int | str, now: float) -> SentMessage:
        self._last_int_id += 1
        content, network, end = draft.content, draft.network, draft.end
        return SentMessage(
            int_id=self._last_int_id,
            id=id,
            phone=draft.phone,
            text=content.text,
            sender=draft.sender,
            type=content.kind.type,
            status=-1 if end is None else end.status,
            err=0 if end is None else end.err,
            sent_at=max(now, draft.start),
            changed_at=now,
            cost=draft.cost if end is None and self._is_charged(draft) else Decimal(0),
            parts=content.parts,
            comment=content.comment,
            flag=content.kind.type,
            mccmnc=network.mccmnc,
            country=network.country,
            operator=network.operator,
            region=network.region,
            extra=content.extra,
        )

    def _list(self, value: dict[str, object], drafts: Sequence[_Draft], params: Params) -> None:
        """Add what `op=1` and `err=1` ask for: all recipients, or those that ended already."""
        all_of_them = params.get("op") == "1"
        if not all_of_them and params.get("err") != "1":
            return
        value["phones"] = [
            {
                "phone": draft.phone,
                "mccmnc": draft.network.mccmnc,
                "cost": money(draft.cost),
                "status": str(draft.end.status if draft.end is not None else -1),
                "error": str(draft.end.err if draft.end is not None else 0),
            }
            for draft in drafts
            if all_of_them or draft.end is not None
        ]


def money(amount: Decimal) -> str:
    """An amount as answers have it, `1.40`."""
    return str(amount.quantize(_SINGLE_CENT))


def _lines(params: Params) -> Sequence[ListLine]:
    if params.get("list"):
        try:
            return parse_list(params["list"], params.get("nl") == "1")
        except SendingError:
            raise ApiProblem(BAD_PARAMETERS) from None
    return (ListLine(split_phones(params.get("phones", "")), params.get("mes", "")),)


def _draft(phone: str, content: Content, sender: str, start: float) -> _Draft:
    kind = content.kind
    network = network_of(phone)
    draft = _Draft(phone, content, sender, start, network, price(kind, network, content.parts))
    if not is_well_formed(phone, kind):
        draft.end = _End(BAD_NUMBER, *REGISTERED[BAD_NUMBER])
    elif not is_good_sender(sender, kind) and kind.name != "hlr":
        draft.end = _End(FORBIDDEN, 23, 254)
    return draft


def _error(drafts: Sequence[_Draft]) -> int:
    """The error of a request none of whose recipients is sent to, else 0."""
    numbers = [draft.end.number if draft.end is not None else 0 for draft in drafts]
    return numbers[0] if all(numbers) else 0


def _count(drafts: Sequence[_Draft]) -> int:
    return sum(draft.content.parts for draft in drafts)
