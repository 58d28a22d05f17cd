"""D1: the disk gets low, then full, then has room again."""

from __future__ import annotations

import os
from pathlib import Path

from full_support import Watch
from harness import Gateway, prepare, rest, running, sending, smsc, stop, until_flowing, verdict
from images import memory
from kill import CONFIG
from part import Part, PartError, Row, Run, at_least, count

from gateway.housekeeping import DISK_LOW_OCTETS

DISK_OCTETS = 160 << 20
RATE = 300.0
RATE_UP = 100
"""The SMSC takes less than what comes, so that something waits when the disk is full."""
TIMES, TIMES_SHORT = 3, 1
STILL_GOING = 30
ROOM_FOR_LOGS = 4 << 20


def disk_gets_full(run: Run) -> list[Row]:
    """Low, full, and free again, some times; then everything comes to rest."""
    times = TIMES if run.full else TIMES_SHORT
    config = CONFIG.replace("    reconnect_max_s: 0.2\n", f"    reconnect_max_s: 0.2\n    rate: {RATE_UP}\n")
    with memory(run.folder / "state", DISK_OCTETS) as disk, smsc(run) as upstream_port:
        place = prepare(run, upstream_port, config)
        gateway = Gateway(run.folder)
        watch = Watch(run, gateway)
        with running(gateway), sending(run, place, RATE) as client:
            until_flowing(run)
            went_on = sum(_fill_and_free(watch, disk / "ballast") for _ in range(times))
            end = rest(gateway, client)
            stop(gateway)
    return [
        at_least("times that the disk was full", times, times),
        at_least("messages that went up while it was low", went_on, STILL_GOING * times),
        count("acknowledged while it refused", watch.acked_while_refusing),
        *verdict(run, end).rows(),
    ]


def _fill_and_free(watch: Watch, ballast: Path) -> int:
    """How many messages went up while nothing was accepted any more."""
    watch.until_acknowledging()
    _leave(ballast, DISK_LOW_OCTETS - ROOM_FOR_LOGS)
    watch.until_said("disk_low")
    before = watch.arrived()
    watch.until_refusing()
    watch.until(lambda: watch.arrived() >= before + STILL_GOING, "what is queued does not go on")
    went_on = watch.arrived() - before
    _leave(ballast, 0)
    watch.until_said("store_cannot_write")
    if not any("the store cannot write" in problem for problem in watch.problems()):
        raise PartError("its status does not say that it cannot write")
    watch.until_refusing()
    ballast.unlink()
    watch.until_acknowledging()
    return went_on


def _leave(ballast: Path, octets: int) -> None:
    """Makes the ballast so large that the disk has this much room."""
    disk = os.statvfs(ballast.parent)
    size = ballast.stat().st_size if ballast.exists() else 0
    more = disk.f_bavail * disk.f_frsize - octets
    with ballast.open("ab") as file:
        os.posix_fallocate(file.fileno(), 0, size + more)


PARTS = (
    Part(
        name="D1",
        title="disk full",
        how=f"The state is on a disk of {DISK_OCTETS >> 20} MiB. A file takes its room away: first up to the"
        f" mark of {DISK_LOW_OCTETS >> 20} MiB, at which nothing more is accepted and what is queued goes on,"
        " then all of it. When the file goes, the gateway has to go on by itself.",
        run=disk_gets_full,
    ),
)
