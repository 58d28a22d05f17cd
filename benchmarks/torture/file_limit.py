"""D2: the store's files may not grow any more (`ulimit -f`).

The system answers EFBIG, and kills with SIGXFSZ who does not ignore that; Python does.
"""

from __future__ import annotations

import resource

from full_support import Watch
from harness import (
    SLOW,
    Gateway,
    prepare,
    rest,
    running,
    sending,
    smsc,
    stop,
    until_flowing,
    verdict,
    wal_bytes,
)
from part import Part, Row, Run, at_least, count
from tracing import writer_of

RATE = 300.0
TIMES, TIMES_SHORT = 3, 1
ROOM = 512 << 10
UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


def file_cannot_grow(run: Run) -> list[Row]:
    """A limit that goes away, and one that is there until the next start."""
    times = TIMES if run.full else TIMES_SHORT
    with smsc(run, *SLOW) as upstream_port:
        place = prepare(run, upstream_port)
        gateway = Gateway(run.folder)
        watch = Watch(run, gateway)
        with running(gateway), sending(run, place, RATE) as client:
            for _ in range(times):
                until_flowing(run)
                _limit(watch, gateway)
                resource.prlimit(writer_of(gateway.pid), resource.RLIMIT_FSIZE, UNLIMITED)
                watch.until_acknowledging()
                stop(gateway)  # so that the log is a new one, which has to grow
                gateway.start()
                until_flowing(run)
                _limit(watch, gateway)
                stop(gateway)
                gateway.start()
            watch.until_acknowledging()
            end = rest(gateway, client)
            stop(gateway)
    return [
        at_least("times that the file could not grow", 2 * times, 2 * times),
        count("acknowledged while it refused", watch.acked_while_refusing),
        *verdict(run, end).rows(),
    ]


def _limit(watch: Watch, gateway: Gateway) -> None:
    most = wal_bytes(gateway.state_dir) + ROOM
    resource.prlimit(writer_of(gateway.pid), resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
    watch.until_said("store_cannot_write")
    watch.until_refusing()


PARTS = (
    Part(
        name="D2",
        title="a limit of the file's size",
        how=f"Under {RATE:g} messages/s the writing process gets a limit of the size of its files, as `ulimit"
        " -f` sets it, that it soon reaches. The gateway has to refuse, without a traceback. Once the limit"
        " goes it has to go on by itself; once the gateway is stopped, and started without it.",
        run=file_cannot_grow,
    ),
)
