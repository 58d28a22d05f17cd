"""DNS: every host name that the configuration has, as the machine finds it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address

from gateway.cli.doctor.look import Look
from gateway.cli.doctor.results import Finding, Job, failed, passed, said, skipped, warned
from gateway.config.model import Config
from gateway.core.call_urls import CallUrlError, parse_call_url

SLOW_S = 1.0
LOOKUP_S = 6.0
MOST_CLIENTS = 40
"""So many hosts of clients are looked at: anybody may have named one."""


@dataclass(frozen=True, slots=True)
class Named:
    """A host, who named it first, and whether it is only a client's."""

    host: str
    by: str
    is_clients: bool = False


def jobs(look: Look) -> Iterator[Job]:
    assert look.config is not None
    hosts = list(hosts_of(look.config))
    names = [named for named in hosts if not is_ip(named.host)]
    if not names:
        yield said(skipped("host names", "the configuration has none, only IP addresses"))
        return
    clients = [named for named in names if named.is_clients]
    for named in [it for it in names if not it.is_clients] + clients[:MOST_CLIENTS]:
        yield Job(named.host, partial(_look_up, named, look), LOOKUP_S)
    if len(clients) > MOST_CLIENTS:
        text = f"{len(clients) - MOST_CLIENTS} more hosts of clients were not looked up"
        yield said(skipped("host names", text))


def hosts_of(config: Config) -> Iterator[Named]:
    """Each host once."""
    seen: set[str] = set()
    for named in _all(config):
        if named.host not in seen:
            seen.add(named.host)
            yield named


def _all(config: Config) -> Iterator[Named]:
    for connector in config.connectors:
        for address in (connector.address, *connector.backup_addresses):
            yield Named(address.host, f"connector {connector.name}")
    for service in config.smsc_connectors:
        for url in (service.url, *service.backup_urls):
            yield Named(url.host, f"connector {service.name}")
    if config.mail is not None and config.mail.smarthost is not None:
        yield Named(config.mail.smarthost.address.host, "smarthost")
    for account in config.accounts:
        for text in (account.http.handler, account.http.webhook) if account.http is not None else ():
            with suppress(CallUrlError):
                if text:
                    yield Named(parse_call_url(text).host, f"account {account.system_id}", is_clients=True)


def is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _look_up(named: Named, look: Look) -> Finding:
    subject = f"{named.host} ({named.by})"
    before = look.machine.elapsed_s()
    try:
        found = look.machine.addresses(named.host)
    except UnicodeError:
        return failed(subject, "it is no host name", "correct it in the configuration")
    except OSError as error:
        return _not_found(subject, named, error)
    took = look.machine.elapsed_s() - before
    kinds = {4: "IPv4", 6: "IPv6"}
    versions = sorted({ip_address(address.partition("%")[0]).version for address in found})
    shown = ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
    text = f"{shown} ({' and '.join(kinds[it] for it in versions)})"
    if took > SLOW_S:
        what_next = "look at the name servers in /etc/resolv.conf: one of them may be dead"
        return warned(subject, f"{text}, after {took:.1f} s", what_next)
    return passed(subject, text)


def _not_found(subject: str, named: Named, error: OSError) -> Finding:
    if error.errno == socket.EAI_AGAIN:
        text, what_next = "no name server answers", "look at /etc/resolv.conf, firewall and network"
    else:
        text, what_next = (
            f"is not found: {error.strerror or error}",
            f"correct the name of {named.by}, or its DNS",
        )
    if named.is_clients:
        return warned(subject, text, f"tell {named.by}: its calls wait, and die after days")
    return failed(subject, text, what_next)
