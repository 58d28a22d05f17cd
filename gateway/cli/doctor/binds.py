"""Connectors: the gateway's word where it runs, else a login that ends at once.

A bind beside the gateway's own could be refused, or end the gateway's. So while it runs, or may run, only
connections are tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from gateway.cli.doctor.advice import advice_for
from gateway.cli.doctor.connecting import connect, reason_of
from gateway.cli.doctor.look import Look
from gateway.cli.doctor.results import Finding, Job, Outcome, failed, passed, said, skipped, warned
from gateway.cli.probe_session import ProbeError, ProbeSession
from gateway.config.basics import Address
from gateway.config.connector_model import Connector
from gateway.config.smsc_model import SmscConnector

BIND_S = 4.0
_REACH = "check address, firewall and VPN, then ask the operator"


def jobs(look: Look) -> Iterator[Job]:
    assert look.config is not None
    rows = {row["connector"]: row for row in look.gateway.status.get("connectors", ())}
    for connector in look.config.connectors:
        is_bound = False
        if look.gateway.answers:
            told = list(_as_told(connector.name, rows.get(connector.name), look))
            is_bound = told[-1].outcome is Outcome.PASSED
            yield said(*told)
        elif look.gateway.may_run:
            yield said(
                skipped(connector.name, "the gateway may be bound, and cannot be asked", "see gateway")
            )
        else:
            yield _login(connector)
        for number, address in enumerate((connector.address, *connector.backup_addresses)):
            # what is bound, or is about to be, need not be tried another time
            if number or (look.gateway.may_run and not is_bound):
                yield _reach(connector.name, address, rows.get(connector.name), is_backup=bool(number))
    for service in look.config.smsc_connectors:
        yield from _service(service, rows.get(service.name), look)


def _as_told(name: str, row: dict[str, Any] | None, look: Look) -> Iterator[Finding]:
    """The gateway's word: a pause, which is somebody's wish, and how its links are."""
    if row is None:
        yield warned(name, "the running gateway has no such connector yet", "smsc-gateway reload")
        return
    start = f"connector {name} is "
    problems = [it for it in look.gateway.status["problems"] if it.startswith(start)]
    for text in problems:
        if text.startswith(f"{start}paused"):
            what = text.removeprefix(start).partition(": ")[0]
            yield warned(name, what, f"smsc-gateway connector resume {name}, when it may go on")
    troubles = [it for it in problems if not it.startswith(f"{start}paused")]
    for text in troubles:
        yield failed(name, text.removeprefix(start), advice_for(text))
    if not troubles:
        links = f"bound, {row['links']} link{'s' * (row['links'] != 1)}"
        last = f"; its last error: {row['last_error']}" if row["last_error"] else ""
        yield passed(name, f"{links}, {row['in_flight']} in flight{last}")


def _login(connector: Connector) -> Job:
    subject = f"{connector.name} ({connector.address})"

    def log_in() -> Iterator[Finding]:
        session = ProbeSession(connector, BIND_S)
        try:
            session.log_in()
        except ProbeError as error:
            text, _, fix = str(error).partition(" – ")
            yield failed(subject, text, fix or _REACH)
        else:
            yield passed(subject, f"it took the bind of {connector.system_id} ({connector.bind_mode})")
        finally:
            session.close()

    return Job(subject, log_in, 3 * BIND_S)


def _reach(name: str, address: Address, row: dict[str, Any] | None, *, is_backup: bool) -> Job:
    """Whether anybody is there at all; a reason that the gateway has given is not given again."""
    subject = f"{name}: TCP to {address}"
    said_already = str(row["last_error"]) if row is not None else ""

    def reach() -> Iterator[Finding]:
        try:
            connect(address.host, address.port).close()
        except OSError as error:
            make = warned if is_backup else failed
            if is_backup or reason_of(error) not in said_already:
                yield make(subject, reason_of(error), _REACH)
        else:
            yield passed(subject, "connects")

    return Job(subject, reach)


def _service(service: SmscConnector, row: dict[str, Any] | None, look: Look) -> Iterator[Job]:
    if look.gateway.answers:
        money = {it["connector"]: it for it in look.gateway.status.get("services", ())}.get(service.name)
        *others, last = _as_told(service.name, row, look)
        if money is not None and money["balance"] is not None:
            balance = f"balance {money['balance']} {money['currency']}".rstrip()
            last = replace(last, found=f"{last.found}; {balance}")
        yield said(*others, last)
    else:
        what_next = f"smsc-gateway smsc balance --connector {service.name}"
        yield said(skipped(service.name, "the login is not tried", what_next))
    for number, url in enumerate((service.url, *service.backup_urls)):
        yield _reach(service.name, Address(url.host, url.port), row, is_backup=bool(number))
