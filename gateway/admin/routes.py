"""Routes: why a message would go which way, with the state that there is now, and the list of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.core.accounts import Account
from gateway.core.errors import Refusal
from gateway.core.model import Draft
from gateway.core.numbers import reader_of
from gateway.core.route_conditions import INGRESSES
from gateway.core.route_explanation import draft_of, explain, message_of
from gateway.core.route_facts import facts_of
from gateway.core.routing import Route
from gateway.ops.control import Handler, Reply, Request

if TYPE_CHECKING:
    from gateway.daemon import Daemon

LIST_MAX = 1000


def handlers(daemon: Daemon) -> dict[str, Handler]:
    """What can be asked of routes."""

    async def route_explain(request: Request) -> Reply:
        return _explain(daemon, request)

    async def route_list(request: Request) -> Reply:
        routes = list(daemon.submission.router.routes)
        return {"rows": [_row(route) for route in routes[:LIST_MAX]], "count": len(routes)}

    return {"route_explain": route_explain, "route_list": route_list}


def _explain(daemon: Daemon, request: Request) -> Reply:
    name, now_ms = str(request.get("account") or ""), int(request.get("at_ms") or daemon.clock.now_ms())
    account = daemon.accounts.get(name)
    if name and account is None:
        return {"error": f"there is no account {name!r}; known here: {', '.join(daemon.accounts)}"}
    word = str(request.get("ingress") or "smpp")
    if word not in INGRESSES:
        return {"error": f"{word!r} is no way in; write {', '.join(INGRESSES)}"}
    draft = _draft(request, account)
    submission = daemon.submission
    if account is not None and account.rules is not None:
        draft = account.rules.prepare(draft)
    told = explain(submission.router, name, draft, INGRESSES[word], now_ms)
    told["message"] = {**message_of(facts_of(name, draft, INGRESSES[word], now_ms)), "ingress": word}
    told["message"]["at_ms"] = now_ms
    if account is not None and told["refused"] is None:
        told["refused"] = _refused(daemon, account, draft, told)
        told["test_mode"] = account.config.test_mode
    told["prices"] = _prices(daemon, name, told)
    if not request.get("octets"):
        told.pop("written", None)
    return told


def _draft(request: Request, account: Account | None) -> Draft:
    """The message that is asked about, as its way in would have it."""
    destination = str(request["destination"])
    read = reader_of(account.config.default_region) if account is not None else None
    return draft_of(
        str(request.get("source") or ""),
        (read(destination) if read is not None else None) or destination,
        str(request.get("text") or ""),
        alphabet=str(request.get("alphabet") or ""),
        message_class=None if request.get("class") is None else int(request["class"]),
        segments=int(request.get("segments") or 0),
    )


def _refused(daemon: Daemon, account: Account, draft: Draft, told: dict[str, Any]) -> str | None:
    """Why the account may not send this at all, of what can be said without counting it."""
    submission = daemon.submission
    if account.sources and draft.source not in account.sources:
        return Refusal.SOURCE.value
    if told["sent"]["segments"] > account.config.max_segments:
        return Refusal.TOO_LONG.value
    denied = submission.denied
    if denied is not None and (denied.fit(draft.destination) or denied.fit(_goes_to(told))):
        return Refusal.DENIED.value
    if account.rules is not None:
        refusal = account.rules.forbids(_goes_to(told), draft.destination)
        if refusal is not None:
            return refusal.value
    return None


def _goes_to(told: dict[str, Any]) -> str:
    """The number that the SMSC would be given."""
    changed = (change["to"] for change in told["changes"] if change["what"] == "destination")
    return str(next(changed, told["message"]["to"]))


def _prices(daemon: Daemon, name: str, told: dict[str, Any]) -> dict[str, Any]:
    """What the message costs, in millionths: the account, and us at the connector."""
    found: dict[str, Any] = {}
    if "sent" not in told:
        return found
    segments = told["sent"]["segments"]
    destination = _goes_to(told)
    plan = daemon.submission.ledger.plans.get(name)
    if plan is not None:
        price = plan.prices.find(destination)
        found["account"] = None if price is None else price * segments
        found["currency"] = plan.prices.currency
        if price is None and told["refused"] is None:
            told["refused"] = Refusal.NO_PRICE.value
    price = told["connectors"][0]["price"]
    if price is not None:
        found["connector"] = price * segments
    return found


def _row(route: Route) -> dict[str, Any]:
    prefixes = [prefix for prefix in route.prefixes if prefix]
    return {
        "number": route.number,
        "name": route.name,
        "priority": route.priority,
        "prefixes": prefixes,
        "conditions": [condition.words for condition in route.conditions],
        "connectors": list(route.connectors),
        "weights": list(route.weights),
        "refuse": route.refuse,
    }
