"""Why a message would go the way it would: the decision of `Router`, made again step by step.

Nothing is taken or counted.  The result is plain values: what a person reads is made of them by
`gateway.cli.route`, and the keys are those of its --json.
"""

from __future__ import annotations

from typing import Any

from gateway.core.errors import Refusal
from gateway.core.model import Draft
from gateway.core.route_facts import ALPHABETS, Facts, facts_of, text_of
from gateway.core.route_targets import key_of
from gateway.core.router import Router
from gateway.core.routing import Route
from gateway.core.sent_as import parse
from gateway.core.upstream import Upstream
from protocols.sms.addresses import NPI_ISDN, TON_INTERNATIONAL, digits_of, guess_source_ton_npi
from protocols.sms.alphabet import Alphabet, as_gsm7, encode
from protocols.sms.data_coding import with_alphabet
from protocols.sms.segments import count

MOST_ROUTES = 200
"""So many routes that do not hold are told one by one."""

_ALPHABETS = {word: alphabet for alphabet, word in ALPHABETS.items()}
_WITH_CLASS = 0xF0
"""The data_coding group that names a class (3GPP TS 23.038 §4)."""


def draft_of(
    source: str,
    destination: str,
    text: str,
    *,
    alphabet: str = "",
    message_class: int | None = None,
    segments: int = 0,
) -> Draft:
    """The message that somebody asks about; ValueError for what is no number or no alphabet.

    Without an alphabet it is GSM 7 bit if that has all of the text, else UCS-2; without `segments` as many as
    the text needs.
    """
    digits = destination.removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 20):
        raise ValueError(f"{destination!r} is no number")
    if alphabet and alphabet not in _ALPHABETS:
        raise ValueError(f"{alphabet!r} is no alphabet; write {', '.join(_ALPHABETS)}")
    in_gsm7 = as_gsm7(text) is not None
    kind = _ALPHABETS[alphabet] if alphabet else Alphabet.GSM7 if in_gsm7 else Alphabet.UCS2
    data = text.encode() if kind is Alphabet.BINARY else encode(text, kind)
    coding = 0 if message_class is None else _WITH_CLASS | message_class & 3
    data_coding = with_alphabet(coding, kind)
    ton, npi = guess_source_ton_npi(source) if source else (0, 0)
    return Draft(
        service_type="",
        source_ton=ton,
        source_npi=npi,
        source=source.removeprefix("+"),
        destination_ton=TON_INTERNATIONAL,
        destination_npi=NPI_ISDN,
        destination=digits,
        esm_class=0,
        protocol_id=0,
        priority=0,
        registered_delivery=1,
        data_coding=with_alphabet(0, kind) or 0 if data_coding is None else data_coding,
        user_data=data,
        tlvs=b"",
        segments=segments or count(data, kind),
        due_ms=0,
        expires_ms=0,
        validity_period="",
    )


def explain(router: Router, account: str, draft: Draft, origin: int, now_ms: int) -> dict[str, Any]:
    """The routes that the message is compared with, and what follows from the one that holds."""
    facts = facts_of(account, draft, origin, now_ms)
    compared, found, left_out = _compared(router, facts)
    told: dict[str, Any] = {"routes": compared, "left_out": left_out, "route": None, "refused": None}
    route = router.for_service(found, draft) if draft.tlvs or draft.service_type else found
    if route is None:
        return {**told, "refused": Refusal.NO_ROUTE.value}
    told["route"] = route.name
    if route.refuse:
        return {**told, "refused": Refusal.ROUTE.value}
    written = router.written(draft, route, now_ms) if route.changes else draft
    if isinstance(written, Refusal):
        return {**told, "refused": written.value}
    told["changes"] = _changes(draft, written)
    told["sent"] = _shape(facts_of(account, written, origin, now_ms))
    told["written"] = {
        "user_data": written.user_data.hex(),
        "data_coding": written.data_coding,
        "esm_class": written.esm_class,
    }
    told["connectors"] = connectors = _connectors(router, route, written)
    told["connector"] = connectors[0]["name"]
    return told


def message_of(facts: Facts) -> dict[str, Any]:
    """What is known of the message as it came."""
    return {"from": facts.source, "to": facts.digits, "account": facts.account or None, **_shape(facts)}


def _shape(facts: Facts) -> dict[str, Any]:
    return {"alphabet": facts.alphabet, "segments": facts.segments, "class": facts.message_class}


def _compared(router: Router, facts: Facts) -> tuple[list[dict[str, Any]], Route | None, int]:
    compared: list[dict[str, Any]] = []
    left_out = 0
    for route in router.routes.candidates(facts.digits):
        conditions = []
        for condition in route.conditions:
            holds = condition.holds(facts)
            row = {"option": condition.option, "asks": condition.words, "holds": holds}
            conditions.append(row if holds else {**row, "but": condition.found(facts)})
        holds = all(row["holds"] for row in conditions)
        if holds or len(compared) < MOST_ROUTES:
            compared.append(
                {
                    "name": route.name,
                    "number": route.number,
                    "priority": route.priority,
                    "prefix": _longest(route, facts.digits),
                    "holds": holds,
                    "conditions": conditions,
                }
            )
        else:
            left_out += 1
        if holds:
            return compared, route, left_out
    return compared, None, left_out


def _longest(route: Route, digits: str) -> str:
    return max((prefix for prefix in route.prefixes if digits.startswith(prefix)), key=len)


def _changes(before: Draft, after: Draft) -> list[dict[str, Any]]:
    """What the route writes anew."""
    found: list[dict[str, Any]] = []

    def tell(what: str, old: object, new: object) -> None:
        if old != new:
            found.append({"what": what, "from": old, "to": new})

    if after.sent_as:
        sent = parse(after.sent_as)
        tell("source", digits_of(before.source, before.source_ton), sent.source)
        tell("destination", digits_of(before.destination, before.destination_ton), sent.destination)
    if after.user_data != before.user_data:
        texts = [text_of(draft, facts_of("", draft, 0, 0).coding) for draft in (before, after)]
        tell("text", *texts)
    if after.expires_ms != before.expires_ms:
        tell("expires_ms", before.expires_ms or None, after.expires_ms)
    return found


def _connectors(router: Router, route: Route, draft: Draft) -> list[dict[str, Any]]:
    """The connectors as they would be tried now, with what each is worth and how it is."""
    # any key is as good as another: the next message draws anew
    preferred = router.order(route, draft, key_of(draft.destination)) if route.spreads else route.connectors
    digits = router.digits_up(draft)
    weights = dict(zip(route.connectors, route.weights, strict=False))
    rows = []
    for name in router.ranked(route, preferred):
        find = router.prices.get(name)
        rows.append(
            {
                "name": name,
                "state": state_of(router.upstreams[name]),
                "weight": weights.get(name),
                "price": find(digits) if find is not None else None,
            }
        )
    rows[0]["why"] = _why(router, route, tuple(preferred), rows[0])
    return rows


def state_of(upstream: Upstream) -> str:
    """How a connector is: "linked", "paused", "silent" (its SMSC answers nothing) or "down"."""
    return "linked" if upstream.works else upstream.trouble


def _why(router: Router, route: Route, preferred: tuple[str, ...], chosen: dict[str, Any]) -> str:
    first = preferred[0]
    if chosen["name"] != first:
        return f"{first} comes first, and is {state_of(router.upstreams[first])}"
    if not route.spreads:
        return "the only one" if len(preferred) == 1 else "the first one listed"
    if route.cheapest and chosen["price"] is not None:
        return "the cheapest"
    if route.weights:
        per_cent = round(100 * chosen["weight"] / sum(route.weights))
        whose = "this number goes there" if route.sticky else "drawn for each message"
        return f"by weight, {per_cent} of 100: {whose}"
    return "the first one listed: none has a price for this number"
