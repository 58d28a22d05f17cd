"""The clock: whether NTP holds it, and whether the store has seen a later time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial

from gateway.cli.doctor.advice import advice_for
from gateway.cli.doctor.look import Look
from gateway.cli.doctor.results import Finding, Job, failed, passed, skipped, warned
from gateway.core.message_ids import EPOCH_MS, moment_of_id
from gateway.core.steady_clock import LEAP_MS
from gateway.store.sqlite_open import FILE_NAME, open_reader, statements

_SET = "set it: timedatectl set-ntp true, or chronyc makestep; then look again"


def jobs(look: Look) -> Iterator[Job]:
    yield Job("NTP", partial(_ntp, look))
    if look.config is None or look.config.store is None:  # else it is among what PostgreSQL is asked
        yield Job("this machine's time", partial(_against_store, look))
    if look.gateway.answers:
        yield Job("the gateway's clock", partial(_of_gateway, look))


def _ntp(look: Look) -> Finding:
    text = look.machine.tool("timedatectl", "show", "--property=NTP,NTPSynchronized")
    found = dict(line.split("=", 1) for line in (text or "").splitlines() if "=" in line)
    if "NTPSynchronized" not in found:
        why = "timedatectl does not say; a container has its host's clock"
        return skipped("NTP", why, "chronyc tracking or ntpq -p, if the machine has them")
    if found["NTPSynchronized"] == "yes":
        return passed("NTP", "synchronized")
    if found.get("NTP") == "yes":
        return warned(
            "NTP", "on, and not synchronized", "systemctl status systemd-timesyncd; is UDP 123 open?"
        )
    return warned("NTP", "off: the clock goes its own way", "timedatectl set-ntp true, or install chrony")


def _against_store(look: Look) -> Finding:
    subject = "this machine's time"
    now_ms = int(look.machine.now_s() * 1000)
    if now_ms < EPOCH_MS:
        return failed(subject, "it is before 2020", _SET)
    try:
        newest_ms = _newest_ms(look)
    except (sqlite3.Error, OSError) as error:
        return skipped(subject, f"the store cannot be compared with: {error}")
    if newest_ms is None:
        return skipped(subject, "there is no message in the store to compare it with")
    behind_ms = newest_ms - now_ms
    if behind_ms > LEAP_MS:
        text = f"it is {behind_ms // 1000} s behind the newest message of the store"
        return failed(subject, text, _SET)
    return passed(subject, "not behind the newest message of the store")


def _newest_ms(look: Look) -> int | None:
    path = look.state_dir / FILE_NAME
    log, index = (path.with_name(path.name + end) for end in ("-wal", "-shm"))
    if not path.exists():
        return None
    if log.exists() and index.exists():
        opened = open_reader(path)
    else:  # nothing is made beside it; what is in a log alone is newer by moments
        opened = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    with closing(opened) as connection:
        newest = connection.execute(statements("statements")["newest_id"]).fetchone()[0]
    return moment_of_id(newest) if newest else None


def _of_gateway(look: Look) -> Finding:
    subject = "the gateway's clock"
    for problem in look.gateway.status.get("problems", ()):
        if "machine's clock" in problem:
            return failed(subject, problem, advice_for(problem))
    return passed(subject, "goes with the machine's")
