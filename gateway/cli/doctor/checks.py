"""The checks by their names, which stay: people put them behind --only, and programs read them in --json."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from gateway.cli.doctor import (
    binds,
    callbacks,
    certificates,
    clock,
    configuration,
    files,
    limits,
    names,
    pages,
    ports,
    routes,
    running_gateway,
    smarthost,
    store,
    trial,
)
from gateway.cli.doctor.look import Look
from gateway.cli.doctor.results import Job, failed, said, skipped


class Check(NamedTuple):
    """`jobs` says what there is to look at; with `needs_config` only where the configuration can be read."""

    jobs: Callable[[Look], Iterable[Job]]
    needs_config: bool
    about: str


CHECKS = {
    "configuration": Check(configuration.jobs, False, "mistakes and warnings; whether the gateway has it"),
    "gateway": Check(running_gateway.jobs, False, "whether it runs and answers, and its problems"),
    "files": Check(files.jobs, False, "owners and modes: configuration, keys, state directory"),
    "store": Check(store.jobs, False, "room, inodes, schema, damage, backups"),
    "dns": Check(names.jobs, True, "host names of connectors, smarthost and clients"),
    "tls": Check(
        certificates.jobs, True, "dates, chains and keys of certificates, ours and the other sides'"
    ),
    "binds": Check(binds.jobs, True, "connectors: the gateway's word, or a login where none runs"),
    "smarthost": Check(smarthost.jobs, True, "up to where a mail would begin"),
    "callbacks": Check(callbacks.jobs, True, "our listeners answer, clients' hosts can be reached"),
    "clock": Check(clock.jobs, False, "NTP, and the newest message of the store"),
    "limits": Check(limits.jobs, False, "open files, memory, waiting connections"),
    "ports": Check(ports.jobs, True, "who listens where the gateway should"),
    "pages": Check(pages.jobs, True, "whether the web pages answer"),
    "message": Check(trial.jobs, False, "a message through a gateway and a simulated SMSC of its own"),
    "routes": Check(routes.jobs, True, "which way the numbers of --to go"),
}


def jobs_of(wanted: Sequence[str], look: Look) -> Iterator[tuple[str, Job]]:
    """What is to be looked at, with the name of its check, in the order of CHECKS."""
    for name, check in CHECKS.items():
        # why nothing that needs it was looked at
        is_cause = name == "configuration" and look.config is None
        if name not in wanted and not is_cause:
            continue
        if check.needs_config and look.config is None:
            yield name, said(skipped(name, "the configuration cannot be read"))
            continue
        try:
            for job in check.jobs(look):
                yield name, job
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            # a gateway of another version says other things of itself; the other checks are for it too
            text = f"the check itself broke ({type(error).__name__})"
            what_next = "is the running gateway of this version? smsc-gateway --version; else report it"
            yield name, said(failed(name, text, what_next))
