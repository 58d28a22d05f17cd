"""The messages that a request asks for: its recipients, its texts, and a draft for each (SMSC HTTP API §2.1).

What is wrong with one recipient refuses that one; ApiProblem is about the request as a whole.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from gateway.core.accounts import Account
from gateway.core.errors import Refusal
from gateway.core.model import Draft
from gateway.core.numbers import reader_of
from gateway.core.router import Router
from gateway.core.submission import Accepted
from gateway.front.desk import BAD_PARAMETERS, ApiProblem
from gateway.front.schedule import Schedule
from gateway.translate.api_submit import (
    BINARY_SMS,
    OWN_KINDS,
    SMS,
    Content,
    Kind,
    SubmitError,
    Wanted,
    binary_of,
    content_of,
    draft_of,
    source_of,
)
from protocols.smsc_http.recipients import MAX_RECIPIENT, canonical_number, is_number
from protocols.smsc_http.sending import (
    MAX_HEAD,
    ListLine,
    SendingError,
    parse_list,
    split_comment,
    split_phones,
)

MAX_RECIPIENTS: Final = 10_000
"""Of one request, with the members of its groups."""
MAX_LINES: Final = 2 * MAX_RECIPIENTS
"""Of a list, with the empty ones and, with `nl`, those within texts."""
IN_A_TURN: Final = 500
"""After so many messages somebody else has a turn."""
MAX_COMMENT: Final = 1000
"""Characters."""
_NO_SENDER: Final = (0, 0, "")
_LINK = re.compile(r"https?://[^\s<>{},]+")
_AFTER_A_LINK = ".,;:!?)\"'"

Outcome = Accepted | Refusal
Source = tuple[int, int, str]
Shorten = Callable[[str], str]


class Planned(NamedTuple):
    """A message that may become one."""

    phone: str
    """As answers and status.php name the recipient."""
    content: Content
    draft: Draft
    why: Refusal | None
    """It is refused already."""


class Plan(NamedTuple):
    """What a request says of all its messages."""

    account: Account
    params: Mapping[str, str]
    kind: Kind
    schedule: Schedule
    now_ms: int
    wanted: Wanted
    router: Router
    shorten: Shorten | None
    """Makes a link short; None: they stay as they are."""
    is_black: Callable[[str, bool], bool] | None = None
    """Whether nothing may be sent there: a recipient, and whether the request has several."""


def lines_of(params: Mapping[str, str]) -> Sequence[ListLine]:
    """The texts of a request, and whom each goes to, as given."""
    listed = params.get("list")
    if listed:
        if listed.count("\n") > MAX_LINES:
            raise _too_many()
        try:
            return parse_list(listed, params.get("nl") == "1")
        except SendingError as error:
            raise ApiProblem(BAD_PARAMETERS, str(error)) from None
    phones = params.get("phones", "")
    if len(phones) > MAX_HEAD:
        raise _too_many()
    recipients = (phones,) if phones.isdecimal() else split_phones(phones)
    return (ListLine(recipients, params.get("mes", "")),)


def planned(plan: Plan, lines: Sequence[ListLine]) -> list[Planned]:
    """The messages, each recipient of a text once."""
    try:
        return _settled(plan, list(_planned(plan, lines)))
    except SubmitError as error:
        raise ApiProblem(BAD_PARAMETERS, str(error)) from None


async def planned_in_turns(plan: Plan, lines: Sequence[ListLine]) -> list[Planned]:
    """The same for many messages: others have their turns meanwhile."""
    found: list[Planned] = []
    try:
        for one in _planned(plan, lines):
            found.append(one)
            if not len(found) % IN_A_TURN:
                await asyncio.sleep(0)
    except SubmitError as error:
        raise ApiProblem(BAD_PARAMETERS, str(error)) from None
    return _settled(plan, found)


def _settled(plan: Plan, found: list[Planned]) -> list[Planned]:
    """All messages of a request, with what depends on how many they are."""
    if not found:
        raise ApiProblem(BAD_PARAMETERS)
    if len(found) > 1 and plan.schedule.is_spread:
        found = [_put_off(plan, one, place, len(found)) for place, one in enumerate(found)]
    if plan.is_black is not None:
        mass, black = len(found) > 1, plan.is_black
        found = [
            one._replace(why=Refusal.BLACKLIST) if one.why is None and black(one.phone, mass) else one
            for one in found
        ]
    return found


def _planned(plan: Plan, lines: Sequence[ListLine]) -> Iterator[Planned]:
    if len(lines) > 1 or len(lines[0].phones) > 1:
        check_count(lines)
    sender = plan.params.get("sender", "")
    national = _national(plan.account)
    contents: dict[str, Content] = {}
    for phones, text, line_sender, zone in lines:
        content = contents.get(text)
        if content is None:
            content = contents[text] = _content(plan, text, None)
        wants_links = plan.shorten is not None and _LINK.search(content.text) is not None
        source = _source(line_sender or sender, content.kind)
        due_ms = plan.schedule.due_ms(zone)
        seen: set[str] = set()
        for given in phones:
            phone, digits, is_good = _recipient(given, content.kind, national)
            if phone in seen:
                continue
            seen.add(phone)
            own = _content(plan, text, plan.shorten) if wants_links and is_good else content
            draft = draft_of(own, source or _NO_SENDER, digits, due_ms, plan.now_ms, plan.wanted)
            why = _why_not(plan, own, source, is_good=is_good)
            if own.kind.name not in OWN_KINDS and why is None:
                draft = _for_service(draft, own, phone, plan.now_ms)
            yield Planned(phone, own, draft, why)


def check_count(lines: Sequence[ListLine]) -> None:
    """ApiProblem when a request has too many recipients."""
    if sum(len(line.phones) for line in lines) > MAX_RECIPIENTS:
        raise _too_many()


def _too_many() -> ApiProblem:
    return ApiProblem(BAD_PARAMETERS, f"a request has at most {MAX_RECIPIENTS} recipients")


def _why_not(plan: Plan, content: Content, source: Source | None, *, is_good: bool) -> Refusal | None:
    """What speaks against a message before anybody has looked for its route."""
    if not is_good:
        return Refusal.DESTINATION
    if source is None:
        return Refusal.SOURCE
    if content.special and content.special not in plan.account.config.smpp.allow:
        return Refusal.SPECIAL
    if content.kind.name not in OWN_KINDS:
        may = plan.account.config.service_messages and plan.router.has_service
        return None if may else Refusal.SERVICE_OPTIONS
    return None


def _put_off(plan: Plan, one: Planned, place: int, count: int) -> Planned:
    draft = one.draft
    due_ms = plan.schedule.spread(draft.due_ms, place, count)
    later_ms = due_ms - (draft.due_ms or plan.now_ms) if due_ms else 0
    expires_ms = draft.expires_ms + later_ms if draft.expires_ms else 0
    return one._replace(draft=draft._replace(due_ms=due_ms, expires_ms=expires_ms))


# -- texts -----------------------------------------------------------------------------------------------


def _content(plan: Plan, mes: str, shorten: Shorten | None) -> Content:
    """What a text becomes, with its links made short if there is something that does."""
    kind, params = plan.kind, plan.params
    if kind is BINARY_SMS:
        return binary_of(mes, params["bin"])
    if kind is SMS and mes.lstrip()[:2] == "__":
        from gateway.translate import api_kinds  # what only a service can do: few send it

        found = api_kinds.kind_in(mes)
        if found is not None:
            kind, mes = found
    text, comment = split_comment(mes) if "~~~" in mes else (mes, "")
    if len(comment) > MAX_COMMENT:
        raise ApiProblem(BAD_PARAMETERS, f"a comment has at most {MAX_COMMENT} characters")
    if shorten is not None:
        text = _LINK.sub(lambda link: _short(link[0], shorten), text)
    if kind.name in OWN_KINDS:
        return content_of(text, comment, kind, params)
    from gateway.translate import api_kinds

    if kind.name == "mail" and not (params.get("subj") and params.get("sender")):
        raise SubmitError("an e-mail has a subject and a sender")
    return api_kinds.content_of(text, comment, kind, params)


def _short(link: str, shorten: Shorten) -> str:
    whole = link.rstrip(_AFTER_A_LINK)
    return shorten(whole) + link[len(whole) :]


def links_in(text: str) -> list[str]:
    """The links of a text, as they are made short."""
    return [link.rstrip(_AFTER_A_LINK) for link in _LINK.findall(text)]


def _for_service(draft: Draft, content: Content, phone: str, now_ms: int) -> Draft:
    from gateway.translate.api_kinds import for_service

    return for_service(draft, content, phone, now_ms)


# -- ends ------------------------------------------------------------------------------------------------


def _source(sender: str, kind: Kind) -> Source | None:
    """Who it is from; None: nobody can be called so."""
    sender = "" if sender == "." else sender
    if kind.name in OWN_KINDS:
        return source_of(sender)
    from gateway.translate.api_kinds import sender_of

    return sender_of(sender, kind)


def _national(account: Account) -> Callable[[str], str | None] | None:
    """What reads numbers of the account's country; None: the service's own corrections do."""
    region = account.config.default_region
    return reader_of(region) if region not in ("", "RU") else None


def reader_for(account: Account, kind: Kind) -> Callable[[str], str]:
    """How an account's recipients are read: what answers name each of them."""
    national = _national(account)
    return lambda given: _recipient(given, kind, national)[0]


def _recipient(given: str, kind: Kind, national: Callable[[str], str | None] | None) -> tuple[str, str, bool]:
    """The recipient as answers name it, its digits if it is a number, and whether this kind can go there."""
    if len(given) > MAX_RECIPIENT:
        raise ApiProblem(BAD_PARAMETERS, f"a recipient has at most {MAX_RECIPIENT} characters")
    if kind.name not in OWN_KINDS:
        from gateway.translate import api_kinds

        recipient, digits = api_kinds.recipient_of(given, kind)
        return recipient, digits, api_kinds.is_well_formed(recipient, digits, kind)
    if national is not None and not given.startswith("+"):
        digits = national(given) or canonical_number(f"+{given}")
    else:
        digits = canonical_number(given)
    return digits, digits, is_number(digits)
