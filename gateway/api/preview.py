"""POST /v1/preview: what a text with its values becomes, and costs, before anything is sent."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from gateway.api.drafts import FIELDS, TEXT_MAX, draft_of
from gateway.api.problems import FieldError, Problem, error_of
from gateway.core.accounts import Account
from gateway.core.errors import Refusal
from gateway.core.model import Draft, Origin
from gateway.core.prices import amount_text
from gateway.core.texts import rewrite
from gateway.front.desk import Desk
from gateway.front.templates import text_of
from protocols.sms import alphabet, segments
from protocols.sms.alphabet import Alphabet, for_data_coding

NUMBERS_MAX = 100
VALUES_MAX = 100
VALUE_MAX = 1000
TEMPLATE_MAX = 2**31 - 1
_MEMBERS = frozenset(("text", "template", "values", "from", "to", "transliterate", "flash"))
_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]{0,39})\}", re.ASCII)
_ANYBODY = "79990000000"


async def preview(desk: Desk, account: Account, value: Any) -> dict[str, Any]:
    """The text with its values, its parts, and for each number what it costs or why it is refused."""
    if type(value) is not dict:
        raise Problem(422, "invalid", "send an object with the member text, or template")
    if "template" in value:
        value = {**value, "text": await _template(desk, account, value)}
    errors = [
        FieldError(name[:40], "unknown", f"there is no such member; there are {', '.join(sorted(_MEMBERS))}")
        for name in sorted(value.keys() - _MEMBERS)
    ]
    numbers = _numbers(value, errors)
    text = _filled(value, errors)
    now_ms = desk.clock.now_ms()
    item = {name: value[name] for name in FIELDS & value.keys()} | {"text": text, "to": _ANYBODY}
    draft = draft_of(item, now_ms, "")
    if isinstance(draft, list):
        known = bool(errors)  # what is wrong with the values is wrong with the text too
        errors += [error for error in draft if not (known and text is None and error.field == "text")]
    if errors or isinstance(draft, list):
        raise Problem(422, "invalid", "nothing was previewed: see errors", errors=errors)
    shown = _parts(draft)
    if value.get("transliterate", "none") != "none":
        text = rewrite(str(text), value["transliterate"], ()).text
    shown = {"text": text, **shown}
    if numbers:
        quotes = shown["numbers"] = []
        for number in numbers:
            quotes.append(_quote(desk, account, draft, number, now_ms))
            await asyncio.sleep(0)  # its route may have to write the text anew
    return shown


async def _template(desk: Desk, account: Account, value: Mapping[str, Any]) -> str:
    """The text of a template of the account's (templates.php)."""
    number = value["template"]
    if "text" in value or type(number) is not int or not 0 < number <= TEMPLATE_MAX:
        error = FieldError("template", "invalid", "write a template's id, and no text")
        raise Problem(422, "invalid", "nothing was previewed: see errors", errors=(error,))
    text = await text_of(desk, account.name, number)
    if text is None:
        error = FieldError("template", "unknown", "the account has no template with this id")
        raise Problem(422, "invalid", "nothing was previewed: see errors", errors=(error,))
    return text


def _numbers(value: Mapping[str, Any], errors: list[FieldError]) -> list[str]:
    numbers = value.get("to", [])
    numbers = [numbers] if type(numbers) is str else numbers
    if (
        type(numbers) is not list
        or len(numbers) > NUMBERS_MAX
        or not all(type(number) is str for number in numbers)
    ):
        errors.append(FieldError("to", "invalid", f"write a number, or an array of up to {NUMBERS_MAX}"))
        return []
    return numbers


def _filled(value: Mapping[str, Any], errors: list[FieldError]) -> str | None:
    """The text with a value in each {place}."""
    text, values = value.get("text"), value.get("values", {})
    if type(values) is not dict or len(values) > VALUES_MAX:
        errors.append(FieldError("values", "invalid", f"write an object of up to {VALUES_MAX} texts"))
        values = {}
    for name, content in values.items():
        if type(content) is not str or len(content) > VALUE_MAX:
            errors.append(
                FieldError(f"values/{name[:40]}", "invalid", f"write a text of up to {VALUE_MAX} characters")
            )
            return None
    if type(text) is not str:
        return None if errors else text
    if len(text) > TEXT_MAX:  # with a value in each place it could be a thousand times as long
        errors.append(FieldError("text", "invalid", f"write a text of up to {TEXT_MAX} characters"))
        return None
    missing = {name for name in _PLACE.findall(text) if name not in values} if values else set()
    for name in sorted(missing)[:VALUES_MAX]:
        errors.append(
            FieldError(f"values/{name}", "missing", f"the text has {{{name}}}, and no value for it")
        )
    return _PLACE.sub(lambda found: values.get(found[1], found[0]), text)


def _parts(draft: Draft) -> dict[str, Any]:
    """What the text is cut into."""
    coding = for_data_coding(draft.data_coding)
    parts = segments.split(draft.user_data, coding)
    width = 2 if coding is Alphabet.UCS2 else 1
    single, part = (70, 67) if coding is Alphabet.UCS2 else (160, 153)
    return {
        "alphabet": coding.value,
        "parts": len(parts),
        "units": len(draft.user_data) // width,
        "units_left": (single if len(parts) == 1 else part) - len(parts[-1]) // width,
        "texts": [alphabet.decode(one, coding) for one in parts],
    }


def _quote(desk: Desk, account: Account, draft: Draft, number: str, now_ms: int) -> dict[str, Any]:
    """What this text to this number costs as its route writes it, or why it would be refused."""
    to = draft_of({"to": number, "text": "."}, now_ms, "")
    if isinstance(to, list):
        errors = [error.as_dict() for error in to]
        return {"to": number, "errors": errors}
    draft = draft._replace(destination=to.destination, destination_ton=to.destination_ton)
    quoted = _cost(desk, account, draft, now_ms)
    if isinstance(quoted, Refusal):
        return {"to": number, "errors": [error_of(quoted).as_dict()]}
    parts, cost = quoted
    return {"to": number, "parts": parts, "cost": amount_text(cost)}


def _cost(desk: Desk, account: Account, draft: Draft, now_ms: int) -> tuple[int, int] | Refusal:
    submission = desk.submission
    if account.rules is not None:
        draft = account.rules.prepare(draft)
    route = submission.router.find(account, draft, Origin.HTTP.value, now_ms)
    if route is None or route.refuse:
        return Refusal.NO_ROUTE if route is None else Refusal.ROUTE
    if route.changes:
        written = submission.router.written(draft, route, now_ms)
        if isinstance(written, Refusal):
            return written
        draft = written
    if draft.segments > account.config.max_segments:
        return Refusal.TOO_LONG
    plan = submission.ledger.plans.get(account.name)
    if plan is None:
        return draft.segments, 0
    price = plan.prices.find(submission.router.digits_up(draft))
    return Refusal.NO_PRICE if price is None else (draft.segments, price * draft.segments)
