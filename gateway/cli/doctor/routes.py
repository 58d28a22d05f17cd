"""Routes of the numbers that were given with --to."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from gateway.cli import CommandError
from gateway.cli.daemon_client import ask
from gateway.cli.doctor.look import Look
from gateway.cli.doctor.results import Finding, Job, failed, passed, said, skipped, warned
from gateway.core.events import safe

MOST_ACCOUNTS = 20
_DOWN = {"down": "has no link", "silent": "answers nothing", "paused": "is paused"}


def jobs(look: Look) -> Iterator[Job]:
    if not look.numbers:
        yield said(skipped("routes", "no number was given", "doctor --to NUMBER says which way it goes"))
    for number in look.numbers:
        yield Job(number, partial(_explain, number, look))


def _explain(number: str, look: Look) -> Iterator[Finding]:
    subject = f"to {safe(number)}"
    if not look.gateway.answers:
        why = f"the gateway is {look.gateway.running.value}, and routes hold by its state"
        yield skipped(subject, why, "start it")
        return
    assert look.config is not None
    accounts = [account.system_id for account in look.config.accounts if not account.blocked]
    told: dict[str, Any] = {}
    for account in ("", *accounts[:MOST_ACCOUNTS]):  # routes may be for some accounts only
        try:
            told = ask(look.state_dir, "route_explain", destination=number, account=account)
        except CommandError as error:
            yield failed(subject, str(error), "give a number in international digits")
            return
        if not told["refused"]:
            yield _found(subject, told)
            return
    what_next = f"smsc-gateway route explain --to {safe(number)} --account NAME says why"
    yield failed(subject, f"refused: {told['refused']}", what_next)


def _found(subject: str, told: dict[str, Any]) -> Finding:
    first = told["connectors"][0]
    whose = f"account {told['message']['account']}, " if told["message"]["account"] else ""
    text = f"{whose}route {told['route']}, by {first['name']}"
    if first["state"] in _DOWN:
        return warned(subject, f"{text}, which {_DOWN[first['state']]}: it waits", "see binds")
    return passed(subject, text)
