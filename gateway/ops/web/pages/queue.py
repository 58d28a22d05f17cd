"""What waits, is in doubt or was taken by nobody, a page at a time; and what a person says about it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from gateway.ops.web.gateway_client import GatewayDown, GatewayError
from gateway.ops.web.page import PageError, Route, Visit
from gateway.ops.web.spans import span
from gateway.ops.web.words import N_

ROWS = 50
NAME_MAX = 64
TICKED_MAX = 500
DEAD = ("deliveries", "letters", "calls")
DECISIONS = {
    "resend": (N_("Send again"), N_("They are sent once more: their receivers may get them twice.")),
    "drop": (N_("Give up"), N_("They end without another try; their senders get a receipt.")),
}
"""Words of the command line: the button, and what it does."""
_CURSOR = re.compile("[0-9]{1,19}", re.ASCII)
_DEAD_ID = re.compile("[LC]?[0-9]{1,18}", re.ASCII)
_MESSAGE_ID = re.compile("[0-9]{1,19}", re.ASCII)


async def show(visit: Visit) -> web.StreamResponse:
    """What there is of each, and where to look at it."""
    found, connectors = await visit.ask("queue_counts"), await visit.ask("connectors")
    queues = [
        {**row, "oldest": span(int(1000 * row["oldest_s"]), visit._)}
        for row in connectors["connectors"]
        if row["queued"]
    ]
    return visit.page("queue.html", counts=found["counts"], counted_to=found["counted_to"], queues=queues)


# -- lists --------------------------------------------------------------------------------------------


async def held(visit: Visit) -> web.StreamResponse:
    return await _list(visit, "held", "queue_held.html", decisions=DECISIONS)


async def ambiguous(visit: Visit) -> web.StreamResponse:
    return await _list(visit, "ambiguous", "queue_ambiguous.html")


async def unmatched(visit: Visit) -> web.StreamResponse:
    return await _list(visit, "unmatched", "queue_unmatched.html")


async def undelivered(visit: Visit) -> web.StreamResponse:
    return await _list(visit, "undelivered", "queue_undelivered.html")


async def dead(visit: Visit) -> web.StreamResponse:
    kind = visit.query.get("kind", DEAD[0])
    if kind not in DEAD:
        raise PageError(404, visit._("There is no such list."))
    return await _list(visit, f"dead_{kind}", "deadletters.html", dead=kind, kinds=DEAD)


async def _list(visit: Visit, kind: str, template: str, **values: Any) -> web.StreamResponse:
    account, after = visit.query.get("account", "")[:NAME_MAX], visit.query.get("after", "")
    if not _CURSOR.fullmatch(after):
        after = ""
    found = await visit.ask("queue_page", kind=kind, account=account, after=after or 0, limit=ROWS)
    same = {name: value for name, value in (("kind", visit.query.get("kind")), ("account", account)) if value}
    for row in found["rows"]:
        _add_ages(visit, row, found["now_ms"])
    return visit.page(
        template,
        rows=found["rows"],
        account=account,
        first=_address(visit, same) if after else None,
        more=_address(visit, {**same, "after": found["next"]}) if found["next"] else None,
        **values,
    )


def _address(visit: Visit, query: dict[str, str]) -> str:
    return f"{visit.path}?{urlencode(query)}" if query else visit.path


def _add_ages(visit: Visit, row: dict[str, Any], now_ms: int) -> None:
    """How long ago, or until when, for people."""
    for name in ("received_ms", "created_ms", "died_ms", "since_ms", "accepted_ms"):
        if row.get(name):
            row["age"] = span(now_ms - row[name], visit._)
    if row.get("expires_ms"):
        left_ms = row["expires_ms"] - now_ms
        row["left"] = span(left_ms, visit._) if left_ms > 0 else ""


# -- what a person says -------------------------------------------------------------------------------


async def decide(visit: Visit) -> web.StreamResponse:
    """Sends held messages again, or gives them up, when that was confirmed."""
    word, ids = visit.form.get("word", ""), _ids(visit, _MESSAGE_ID)
    if word not in DECISIONS:
        raise PageError(400, visit._("Say what is to be done."))
    if not ids:
        return visit.redirect("/queue/held", problem=visit._("Nothing is ticked."))
    button, meaning = DECISIONS[word]
    if visit.form.get("confirmed") != "yes":
        question = visit.count("{count} message: are you sure?", "{count} messages: are you sure?", len(ids))
        return visit.page(
            "queue_confirm.html",
            title=visit._("Held messages"),
            question=question,
            meaning=visit._(meaning),
            action="/queue/decide",
            button=visit._(button),
            back="/queue/held",
            hidden={"word": word, "ids": " ".join(ids)},
        )
    answer = await visit.ask("decide", message_ids=ids, word=word)
    failed = [row for row in answer["results"] if not row["done"]]
    done = len(ids) - len(failed)
    told = visit.count("{count} message decided.", "{count} messages decided.", done)
    if not failed:
        return visit.redirect("/queue/held", notice=told)
    why = f"{failed[0]['message_id']}: {failed[0]['why']}"
    left = visit.count("{count} was not: {why}", "{count} were not, the first: {why}", len(failed), why=why)
    return visit.redirect("/queue/held", problem=f"{told} {left}" if done else left)


def _ids(visit: Visit, form: re.Pattern[str]) -> list[str]:
    """What was ticked, or confirmed; each once."""
    ids = [id for value in visit.values("ids") for id in value.split()]
    if len(ids) > TICKED_MAX or not all(map(form.fullmatch, ids)):
        raise PageError(400, visit._("These are no ids of this list."))
    return list(dict.fromkeys(ids))


async def replay(visit: Visit) -> web.StreamResponse:
    """Lets dead letters wait again: those that are ticked, or one."""
    ids, back = _ids(visit, _DEAD_ID), _back(visit)
    if not ids:
        return visit.redirect(back, problem=visit._("Nothing is ticked."))
    answer = await visit.ask("replay", ids=ids)
    told = visit.count("{count} waits again.", "{count} wait again.", answer["replayed"])
    gone = len(answer["unknown"])
    if not gone:
        return visit.redirect(back, notice=told)
    left = visit.count("{count} is not dead any more.", "{count} are not dead any more.", gone)
    return visit.redirect(back, problem=f"{told} {left}")


def _back(visit: Visit) -> str:
    """The list that the form was on."""
    kind, account = visit.form.get("kind", ""), visit.form.get("account", "")[:NAME_MAX]
    query = {"kind": kind if kind in DEAD else DEAD[0], **({"account": account} if account else {})}
    return f"/deadletters?{urlencode(query)}"


async def replay_all(visit: Visit) -> web.StreamResponse:
    """All of an account, deliveries and calls, when that was confirmed."""
    account, back = visit.form.get("account", "")[:NAME_MAX], _back(visit)
    if not account:
        raise PageError(400, visit._("Say whose."))
    if visit.form.get("confirmed") != "yes":
        return visit.page(
            "queue_confirm.html",
            title=visit._("Dead letters"),
            question=visit._("All dead letters of {account}?", account=account),
            meaning=visit._(
                "Deliveries go to its sessions at once if one is bound, calls to its handler or webhook. "
                "What is refused once more is dead again."
            ),
            action="/deadletters/replay-all",
            button=visit._("Let all wait again"),
            back=back,
            hidden={"account": account, "kind": visit.form.get("kind", "")},
        )
    done = 0
    try:
        async for line in visit.ask_many("replay_all", account=account):
            done = line["replayed"]
    except GatewayDown:
        raise
    except GatewayError as error:
        return visit.redirect(back, problem=str(error))
    return visit.redirect(back, notice=visit.count("{count} waits again.", "{count} wait again.", done))


ROUTES = (
    Route("GET", "/queue", show),
    Route("GET", "/queue/held", held),
    Route("GET", "/queue/ambiguous", ambiguous),
    Route("GET", "/queue/unmatched", unmatched),
    Route("GET", "/queue/undelivered", undelivered),
    Route("GET", "/deadletters", dead),
    Route("POST", "/queue/decide", decide, role="operator"),
    Route("POST", "/deadletters/replay", replay, role="operator"),
    Route("POST", "/deadletters/replay-all", replay_all, role="operator", timeout_s=300.0),
)
