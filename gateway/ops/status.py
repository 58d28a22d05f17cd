"""What a running gateway says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gateway.core.blacklist import EVERYBODY
from gateway.core.clock import Clock
from gateway.core.prices import amount_text
from gateway.core.steady_clock import SteadyClock

if TYPE_CHECKING:
    from gateway.daemon import Daemon


def status_of(daemon: Daemon) -> dict[str, Any]:
    """Counts and states, as plain values; nothing that is secret."""
    submission, blacklists = daemon.submission, daemon.admission.blacklists
    problems = problems_of(daemon)
    return {
        "healthy": not problems,
        "problems": problems,
        "boot": daemon.boot,
        "node": daemon.node if daemon.cluster is not None else None,
        "nodes": _nodes(daemon),
        "up_s": int(daemon.clock.now() - daemon.started),
        "open_messages": submission.open_messages,
        "accepted": submission.accepted,
        "blacklist": len(blacklists.of(EVERYBODY)),
        "refused": {reason.value: count for reason, count in submission.refused.items() if count},
        "store": {
            "address": daemon.store_address,
            "commits": daemon.journal.commits,
            "waiting_s": round(daemon.journal.waiting_s(), 3),
        },
        "accounts": [
            {
                "account": name,
                "sessions": account.sessions,
                "accepted": account.accepted,
                "open_messages": account.open_messages,
                "returned": daemon.outlets[name].delivered,
                "receivers": len(daemon.outlets[name].receivers),
                "blacklist": len(blacklists.of(name)),
                "balance": _balance(daemon, name),
            }
            for name, account in daemon.accounts.items()
        ],
        "connectors": [_connector(daemon, name) for name in daemon.connectors],
        "services": daemon.services.status(),
        "mail": _mail(daemon),
        "http": daemon.http.status(),
        "listeners": _listeners(daemon),
        "dead_letters": dict(daemon.dead_alarm.counts),
        "faults": daemon.faults.count,
    }


def problems_of(daemon: Daemon) -> list[str]:
    """What an admin should know of, each with what to do or where to look."""
    submission = daemon.submission
    problems = []
    if daemon.journal.error:
        problems.append(f"the store cannot write: {daemon.journal.error}")
    if daemon.cluster is not None and daemon.cluster.drain.begun:
        word = "drained" if daemon.cluster.drain.done else "being drained"
        problems.append(f"this node is {word}: smsc-gateway nodes resume {daemon.node}")
    elif submission.closed_because is not None:
        problems.append(f"nothing is accepted: {submission.closed_because.value}")
    for name in daemon.connectors:
        problems.extend(_connector_problems(daemon, name))
    problems.extend(daemon.services.problems())
    problems.extend(daemon.http.problems())
    problems.extend(daemon.web.problems())
    problems.extend(_mail_problems(daemon))
    problems.extend(daemon.dead_alarm.problems())
    problems.extend(daemon.faults.problems())
    problems.extend(clock_problems(daemon.clock))
    return problems


def _balance(daemon: Daemon, name: str) -> str | None:
    """What is left of an account's own money; None: it has none of its own."""
    plan = daemon.submission.ledger.plans.get(name)
    if plan is None or plan.purse.name != name:
        return None
    return f"{amount_text(plan.purse.balance)} {plan.purse.currency}".rstrip()


def _nodes(daemon: Daemon) -> list[dict[str, Any]]:
    """Those that share the store; none where it is this gateway's own."""
    if daemon.cluster is None:
        return []
    return [
        {
            "node": peer.name,
            "boot": peer.boot,
            "heartbeat_s": daemon.cluster.heartbeat_s(peer),
            "state": "drained" if peer.drained else "draining" if peer.draining else "in service",
            "leases": " ".join(sorted(peer.leases)) or None,
        }
        for peer in daemon.cluster.cluster.peers
    ]


def _listeners(daemon: Daemon) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {
            "protocol": "smpp",
            "address": smpp.name,
            "connections": len(smpp.connections),
            "bad_inputs": smpp.bad_inputs,
        }
        for smpp in daemon.smpp.listeners
        if smpp.wanted
    ]
    rows.extend(
        {
            "protocol": listener.protocol,
            "address": listener.address,
            "connections": len(listener.connections),
            "bad_inputs": None,
        }
        for listener in (daemon.mail.listeners if daemon.mail else ())
    )
    rows.extend(
        {
            "protocol": "callbacks",
            "address": listener.address,
            "connections": len(listener.connections),
            "bad_inputs": listener.refused,
        }
        for listener in daemon.services.listeners
    )
    rows.extend(
        {
            "protocol": "http",
            "address": listener.address,
            "connections": len(listener.connections),
            "bad_inputs": listener.bad_inputs,
        }
        for listener in daemon.http.listeners
    )
    return rows


def clock_problems(clock: Clock) -> Iterator[str]:
    """Whether the machine's clock has leapt, and is not gone by."""
    leapt_s = clock.leapt_ms // 1000 if isinstance(clock, SteadyClock) else 0
    if leapt_s:
        side = "ahead of" if leapt_s > 0 else "behind"
        yield f"the machine's clock is {abs(leapt_s)} s {side} the gateway's, which has not leapt: set it"


def _mail_problems(daemon: Daemon) -> Iterator[str]:
    if daemon.mail is None:
        return
    if daemon.mail.reader.rests:
        yield "no mail is taken for a minute: what reads mails died too often, see the log"
    postman = daemon.mail.postman
    if postman is not None and postman.state == "down":
        yield f"smarthost {postman.smarthost.address} is down: {postman.last_error}"


def _mail(daemon: Daemon) -> list[dict[str, Any]]:
    if daemon.mail is None:
        return []
    intake, postman = daemon.mail.intake, daemon.mail.postman
    counts: dict[str, Any] = {
        "taken": intake.taken,
        "refused": intake.refused,
        "repeated": intake.repeated,
    }
    if postman is not None:
        counts |= {
            "smarthost": str(postman.smarthost.address),
            "state": postman.state,
            "letters_sent": postman.sent,
            "put_off": postman.put_off,
            "dead": postman.refused,
            "last_error": postman.last_error,
        }
    return [counts]


def _connector_problems(daemon: Daemon, name: str) -> Iterator[str]:
    upstream = daemon.upstreams[name]
    if upstream.paused is not None:
        since_ms, who = upstream.paused
        since = datetime.fromtimestamp(since_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        by = f" by {who}" if who else ""
        yield f"connector {name} is paused since {since}{by}: smsc-gateway connector resume {name}"
    state = _link_state(daemon, name)
    if state == "standby" and (upstream.elsewhere or upstream.held):
        return  # another node has it
    if state != "bound":
        yield f"connector {name} is {state}: {upstream.last_error}"


def connector_state(daemon: Daemon, name: str) -> str:
    """A word for how it is: "bound" when messages go up by it."""
    if daemon.upstreams[name].paused is not None:
        return "paused"
    return _link_state(daemon, name)


def _link_state(daemon: Daemon, name: str) -> str:
    state = daemon.connectors[name].state
    return "silent" if state == "bound" and daemon.upstreams[name].silence.is_silent else state


def _connector(daemon: Daemon, name: str) -> dict[str, Any]:
    upstream, receipts = daemon.upstreams[name], daemon.receipts[name]
    return {
        "connector": name,
        "state": connector_state(daemon, name),
        "links": len(upstream.links),
        "in_flight": upstream.in_flight,
        "window_now": upstream.window_now,
        "backlog": upstream.backlog,
        "submitted": upstream.submitted,
        "refused": upstream.refused,
        "throttled": upstream.throttled,
        "approximated": upstream.approximated(),
        "ambiguous": upstream.doubtful,
        "receipts": receipts.matched,
        "receipts_unmatched": receipts.unmatched,
        "receipts_repeated": receipts.replays,
        "receipt_ids": receipts.usual_form,
        "last_error": upstream.last_error,
    }
