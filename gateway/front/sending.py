"""send.php and /rest/send/: messages of any kind to any number of recipients, or what they would cost.

Theory of operation.  All of a request is decided in one go, with nothing awaited between the first look at
its texts and the last row: so its messages are in one batch, and the answer waits for that one commit. What
the service registers although it refuses it (errors 3, 6, 7 and 8) is in the same batch, as ended messages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from gateway.core.accounts import Account
from gateway.core.api import ApiFlag
from gateway.core.batch import Answer
from gateway.core.conditions import refused_late
from gateway.core.errors import Refusal
from gateway.core.model import Draft, Origin
from gateway.core.quoting import Quote, quote
from gateway.core.submission import Accepted
from gateway.front.desk import (
    BAD_PARAMETERS,
    ApiProblem,
    Asked,
    Desk,
    Handler,
    Unavailable,
    Value,
    committed,
)
from gateway.front.planning import (
    IN_A_TURN,
    MAX_RECIPIENTS,
    Outcome,
    Plan,
    Planned,
    Shorten,
    check_count,
    lines_of,
    planned,
    planned_in_turns,
)
from gateway.front.schedule import schedule_of
from gateway.front.sending_checks import check
from gateway.front.sending_links import Links, placeholder
from gateway.front.sent import error_of, money, parts_of, row_of, segments_of, segments_taken
from gateway.front.usual import usual_draft
from gateway.translate.api_status import refusal_number, registered_as
from gateway.translate.api_submit import KINDS, Kind, SubmitError, Wanted, kind_of
from protocols.smsc_http.errors import WITH_ID
from protocols.smsc_http.sending import ListLine, group_number

_MASS: Final = ApiFlag.MASS.value
_HTTP: Final = Origin.HTTP.value
_TEXTS: Final[Mapping[Refusal, str]] = {
    Refusal.SPECIAL: "the account may not send what handsets obey without asking (smpp.allow)",
    Refusal.SERVICE_OPTIONS: "such a message needs service_messages of the account, and an SMSC service",
    Refusal.SOURCE: "the account may not use this sender",
}
"""Where the service's words would not say what is missing."""


def handlers(desk: Desk) -> dict[str, Handler]:
    """What this module answers."""
    sending = Sending(desk)
    return {"send": sending.send, "cost": sending.cost}


class Sending:
    """Takes requests to send."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def send(self, asked: Asked) -> Value:
        """The messages of a request, taken and durable; or what `desk.relay` says of what has files."""
        if asked.files or asked.params.get("imgcode"):
            return await self._relayed(asked)
        draft = usual_draft(asked.params, asked.account, asked.address)
        if draft is not None and not self._desk.black:
            return await self._send_one(asked, draft)
        lines = await self.lines(asked)
        links = Links(self._desk, asked.account.name)
        plan = self._plan(asked, links.shorten)
        if sum(map(_recipients, lines)) <= IN_A_TURN:
            messages = planned(plan, lines)
        else:
            messages = await planned_in_turns(plan, lines)
        outcomes = self._outcomes(asked, plan, messages)
        taken = self._settle(asked, plan, messages, outcomes, links)
        answer = await committed(self._desk.journal)
        if answer.refused_late and isinstance(taken, dict):
            ends = _after(outcomes, answer)
            taken = self._answer_late(asked, plan, taken["id"], messages, ends)
        if isinstance(taken, ApiProblem):
            raise taken
        return taken

    async def _send_one(self, asked: Asked, draft: Draft) -> Value:
        """What `take` does, for the usual request."""
        desk, account = self._desk, asked.account
        now_ms = desk.clock.now_ms()
        taken = desk.submission.accept_each(account, (draft,), desk.clock.now(), now_ms, Origin.HTTP)
        one = taken if isinstance(taken, Refusal) else taken[0]
        if isinstance(one, Refusal):
            plan = self._plan(asked, None)
            messages = planned(plan, lines_of(asked.params))
            settled = self._settle(asked, plan, messages, _each(taken, 1), Links(desk, account.name))
            await committed(desk.journal)
            assert isinstance(settled, ApiProblem)
            raise settled
        message, cost = one
        segments = segments_taken(draft, message)
        id = draft.client_id or str(desk.next_api_id())
        desk.journal.batch.api_messages.append(
            (
                message.message_id,
                account.name,
                id,
                draft.destination,
                message.source,
                0,
                segments,
                cost,
                "",
                0,
            )
        )
        desk.submission.flush()
        answer = await committed(desk.journal)
        shown = int(id) if id.isdecimal() else id
        if answer.refused_late and isinstance(why := _after([one], answer)[0], Refusal):
            raise self._problem(account, why, shown)
        return {"id": shown, "cnt": segments}

    def take(self, asked: Asked, lines: Sequence[ListLine]) -> Value | ApiProblem:
        """Puts the messages of a request into the gathering batch, all of them: nothing is awaited here.

        What is returned is the answer when that batch is durable; ApiProblem is raised if nothing has to be.
        """
        links = Links(self._desk, asked.account.name)
        plan = self._plan(asked, links.shorten)
        messages = planned(plan, lines)
        return self._settle(asked, plan, messages, self._outcomes(asked, plan, messages), links)

    async def cost(self, asked: Asked) -> Value:
        """What the messages of a request would cost; nothing is taken or kept."""
        if asked.files:
            return await self._relayed(asked)
        return await self.cost_of(asked, await self.lines(asked))

    async def cost_of(self, asked: Asked, lines: Sequence[ListLine]) -> Value:
        """The same of texts and recipients that are known."""
        plan = self._plan(asked, placeholder(self._desk))
        total = count = 0
        for one in await planned_in_turns(plan, lines):
            if one.why is None:
                quoted = quote(self._desk.submission, asked.account, one.draft, plan.now_ms, _HTTP)
                if isinstance(quoted, Quote):
                    total += quoted.cost
                    count += parts_of(one, quoted.segments)
        return {"cost": money(total), "cnt": count}

    async def _relayed(self, asked: Asked) -> Value:
        if self._desk.relay is None:
            what = "files" if asked.files else "a captcha"
            raise ApiProblem(
                BAD_PARAMETERS, f"{what}: the gateway has no service that takes them (http.relay)"
            )
        return await self._desk.relay(asked)

    async def lines(self, asked: Asked) -> Sequence[ListLine]:
        """The texts and their recipients, with the members of groups in their places."""
        params = asked.params
        lines = lines_of(params)
        raw = params.get("list") or params.get("phones", "")
        if "G" not in raw and "g" not in raw:
            return lines
        if not any(phone[:1] in ("G", "g") for line in lines for phone in line.phones):
            return lines
        check_count(lines)  # each of them may be a group, and all are read before anything else is decided
        is_mail = _kind(params) is KINDS["mail"]
        groups: dict[str, list[str]] = {}
        found: list[ListLine] = []
        for line in lines:
            phones = await self._members(asked, line.phones, groups, is_mail)
            found.append(line._replace(phones=phones))
            check_count(found)
        return found

    async def _members(
        self, asked: Asked, phones: Sequence[str], groups: dict[str, list[str]], is_mail: bool
    ) -> tuple[str, ...]:
        """The recipients of a line; `groups`: those of the request that were read already."""
        from gateway.front.address_book import group_numbers  # few have one

        found: list[str] = []
        for phone in phones:
            number = group_number(phone)
            if number is None:
                found.append(phone)
                continue
            if number not in groups:
                members = await group_numbers(self._desk, asked.account.name, number, is_mail)
                if members is None:
                    raise ApiProblem(BAD_PARAMETERS, "there is no such group of contacts")
                groups[number] = members if is_mail else [f"+{member}" for member in members]
            found.extend(groups[number])
            if len(found) > MAX_RECIPIENTS:
                break  # too many, whatever else there is
        return tuple(found)

    # -- all in one go -----------------------------------------------------------------------------------

    def _plan(self, asked: Asked, shorten: Shorten | None) -> Plan:
        params, account, desk = asked.params, asked.account, self._desk
        check(params)
        now_ms = desk.clock.now_ms()
        schedule = schedule_of(params, account.config.time_zone, now_ms)
        given = params.get("id", "")
        wanted = Wanted(
            "" if given == "0" else given,
            params.get("userip") or asked.address,
            schedule.lifetime_ms,
        )
        return Plan(
            account,
            params,
            _kind(params),
            schedule,
            now_ms,
            wanted,
            desk.submission.router,
            shorten if params.get("tinyurl") == "1" else None,
            _check_of(desk, account.name) if desk.black else None,
        )

    def _settle(
        self, asked: Asked, plan: Plan, messages: Sequence[Planned], outcomes: Sequence[Outcome], links: Links
    ) -> Value | ApiProblem:
        """Keeps what became of the messages, and says it."""
        desk, params = self._desk, asked.params
        number = error_of(outcomes)
        if number and number not in WITH_ID:
            raise ApiProblem(number, self._words(plan.account, outcomes[0]))
        id = plan.wanted.client_id or str(desk.next_api_id())
        if id.isdecimal():
            id = str(int(id))
        self._note(plan, id, messages, outcomes)
        links.keep(messages, outcomes)
        desk.submission.flush()
        shown = int(id) if id.isdecimal() else id
        if number:
            return ApiProblem(number, self._words(plan.account, outcomes[0]), shown)
        return self._answer(asked, params.get("cost", ""), shown, messages, outcomes)

    def _outcomes(self, asked: Asked, plan: Plan, messages: Sequence[Planned]) -> Sequence[Outcome]:
        """What became of each message."""
        desk = self._desk
        drafts = [one.draft for one in messages if one.why is None]
        if not drafts:
            return [one.why for one in messages if one.why is not None]
        now = desk.clock.now()
        answer = desk.submission.accept_each(asked.account, drafts, now, plan.now_ms, Origin.HTTP)
        taken = _each(answer, len(drafts))
        if len(drafts) == len(messages):
            return taken
        rest = iter(taken)
        return [next(rest) if one.why is None else one.why for one in messages]

    def _note(self, plan: Plan, id: str, messages: Sequence[Planned], outcomes: Sequence[Outcome]) -> None:
        """What is kept of messages that came over HTTP; those that were refused are kept too."""
        batch, name = self._desk.journal.batch, plan.account.name
        flags = _MASS if len(messages) > 1 else 0
        for one, outcome in zip(messages, outcomes, strict=True):
            content, draft = one.content, one.draft
            if isinstance(outcome, Accepted):
                message, cost = outcome
                message_id, sender = message.message_id, message.source
                parts = parts_of(one, segments_of(one, outcome))
            else:
                message_id, sender, parts, cost = (
                    self._register(plan, one, outcome),
                    draft.source,
                    content.parts,
                    0,
                )
            batch.api_messages.append(
                (
                    message_id,
                    name,
                    id,
                    one.phone,
                    sender,
                    content.kind.type,
                    parts,
                    cost,
                    content.comment,
                    flags,
                )
            )

    def _register(self, plan: Plan, one: Planned, why: Refusal) -> int:
        """A message that is refused and can be asked for all the same; its id."""
        draft = one.draft
        message_id = self._desk.submission.ids.next(plan.now_ms)
        state, error = registered_as(why)
        self._desk.journal.batch.registered.append(
            (
                message_id,
                plan.account.name,
                plan.now_ms,
                draft.source,
                draft.destination or one.phone,
                draft.segments,
                state.value,
                error,
                "",
                draft.client_id,
                draft.esm_class,
                draft.data_coding,
                draft.user_data,
            )
        )
        return message_id

    # -- answers -----------------------------------------------------------------------------------------

    def _answer(
        self, asked: Asked, cost: str, id: int | str, messages: Sequence[Planned], outcomes: Sequence[Outcome]
    ) -> Value:
        count = total = 0
        for one, outcome in zip(messages, outcomes, strict=True):
            if isinstance(outcome, Accepted):
                count += parts_of(one, segments_of(one, outcome))
                total += outcome.cost
        value: dict[str, Any] = {"id": id, "cnt": count}
        if cost in ("2", "3"):
            value["cost"] = money(total)
        if cost == "3":
            value["balance"] = self._balance(asked.account)
        if asked.params.get("op") == "1":
            value["phones"] = [row_of(*both) for both in zip(messages, outcomes, strict=True)]
        elif asked.params.get("err") == "1":
            both = zip(messages, outcomes, strict=True)
            value["phones"] = [row_of(one, end) for one, end in both if isinstance(end, Refusal)]
        return value

    def _answer_late(
        self,
        asked: Asked,
        plan: Plan,
        id: int | str,
        messages: Sequence[Planned],
        outcomes: Sequence[Outcome],
    ) -> Value | ApiProblem:
        """The same when the store has refused some; it has registered those as ended."""
        if error_of(outcomes):
            assert isinstance(outcomes[0], Refusal)
            return self._problem(plan.account, outcomes[0], id)
        return self._answer(asked, asked.params.get("cost", ""), id, messages, outcomes)

    def _problem(self, account: Account, why: Refusal, id: int | str) -> ApiProblem:
        number = refusal_number(why)
        return ApiProblem(number, self._words(account, why), id if number in WITH_ID else None)

    def _words(self, account: Account, why: Outcome) -> str:
        if why is Refusal.TOO_LONG:
            return f"the text is more than {account.config.max_segments} SMS (max_segments of the account)"
        return _TEXTS.get(why, "") if isinstance(why, Refusal) else ""

    def _balance(self, account: Account) -> str:
        plan = self._desk.submission.ledger.plans.get(account.name)
        return money(0 if plan is None else plan.purse.balance)


def _each(taken: Sequence[Outcome] | Refusal, count: int) -> Sequence[Outcome]:
    """What became of each of so many messages. Raises Unavailable, or the error of them all."""
    if not isinstance(taken, Refusal):
        return taken
    number = refusal_number(taken)
    if not number:
        raise Unavailable
    if number not in WITH_ID:
        raise ApiProblem(number)
    return [taken] * count


def _after(outcomes: Sequence[Outcome], answer: Answer) -> list[Outcome]:
    """What became of messages whose batch is committed."""
    late = refused_late(answer.refused_late)
    return [late.get(one.message.message_id, one) if isinstance(one, Accepted) else one for one in outcomes]


def _recipients(line: ListLine) -> int:
    return len(line.phones)


def _check_of(desk: Desk, account: str) -> Callable[[str, bool], bool] | None:
    from gateway.front.blacklist import check_of  # few have one of their own

    return check_of(desk, account)


def _kind(params: Mapping[str, str]) -> Kind:
    try:
        return kind_of(params)
    except SubmitError as error:
        raise ApiProblem(BAD_PARAMETERS, str(error)) from None
