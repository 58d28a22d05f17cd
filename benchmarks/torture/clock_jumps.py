"""T1: the machine's clock jumps while messages flow, and the gateway is started with a wrong one."""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import kill
from harness import SLOW, Gateway, prepare, rest, running, sending, smsc, stop, tail, until_flowing, verdict
from part import Part, PartError, Row, Run, at_least, count

from gateway.core.model import MessageState
from gateway.store.sqlite_open import FILE_NAME

RATE = 200.0
PATIENCE_S = 60.0
LIBRARIES = (
    *Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"),
    *Path("/usr/lib/faketime").glob("libfaketimeMT.so.1"),
)
JUMPS = ("+1h", "+0", "-1h", "+0", "+30d", "+0", "+365d", "+0", "-20000d", "+0")
JUMPS_SHORT = ("+30d", "-1h")
WRONG_STARTS = ("-1h", "-20000d")
"""The second one has no date: no battery, and NTP has not come yet."""
SOME_S = 1.0
"""So long it goes on with each clock."""


def why_no_jumps() -> str:
    """What this machine lacks for it; empty: nothing."""
    return "" if LIBRARIES and shutil.which("faketime") else "faketime is not there"


class Clock:
    """The clock that the gateway's processes see."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.set("+0")
        self.environment = {
            "LD_PRELOAD": str(LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, offset: str) -> None:
        """So far from what it is."""
        new = self._file.with_suffix(".new")
        new.write_text(offset + "\n")
        new.replace(self._file)


def said(gateway: Gateway) -> int:
    """How often the gateway has told of its clock."""
    return gateway.log.read_text().count(" clock_")


def jump(gateway: Gateway, clock: Clock, offset: str) -> None:
    """Sets the clock, and waits until the gateway has seen it."""
    before, deadline = said(gateway), time.monotonic() + PATIENCE_S
    clock.set(offset)
    while said(gateway) == before:
        if gateway.code is not None or time.monotonic() > deadline:
            raise PartError(f"it has not seen the clock go to {offset}: {tail(gateway.log)}")
        time.sleep(0.05)


def clock_jumps(run: Run) -> list[Row]:
    if reason := why_no_jumps():
        raise PartError(reason)
    jumps = JUMPS if run.full else JUMPS_SHORT
    clock = Clock(run.folder)
    with smsc(run, *SLOW) as upstream_port:
        place = prepare(run, upstream_port, kill.CONFIG.replace("level: warning", "level: info"))
        gateway = Gateway(run.folder, **clock.environment)
        with running(gateway), sending(run, place, RATE) as client:
            until_flowing(run)
            for offset in jumps:
                jump(gateway, clock, offset)
                time.sleep(SOME_S)
                until_flowing(run)
            sessions = _sessions(gateway)
            for offset in WRONG_STARTS if run.full else ():
                stop(gateway)
                clock.set(offset)
                gateway.start()
                until_flowing(run)
                time.sleep(SOME_S)
            clock.set("+0")
            end = rest(gateway, client)
            stop(gateway)
    kept, expired = _history(gateway.state_dir)
    found = verdict(run, end)
    return [
        at_least("jumps that the gateway has seen", said(gateway), len(jumps)),
        count("sessions of the sender and links that the jumps have ended", sessions - 2),
        *found.rows(doubts=False),
        count("messages reported as failed", len(kill.promises(run.ledgers).failed)),
        count("messages that have expired", expired),
        count("acknowledged and not in the history", max(0, found.acked - kept)),
    ]


def _sessions(gateway: Gateway) -> int:
    """How many have been bound until now: one of the sender, one to the SMSC, unless they were lost."""
    return gateway.log.read_text().count(" info bound ")


def _history(state_dir: Path) -> tuple[int, int]:
    """Ended messages that are known, and how many of them have expired."""
    with closing(sqlite3.connect(f"file:{state_dir / FILE_NAME}?mode=ro", uri=True)) as connection:
        (kept,) = connection.execute("SELECT count(*) FROM history").fetchone()
        (expired,) = connection.execute(
            "SELECT count(*) FROM history WHERE state = ?", (MessageState.EXPIRED.value,)
        ).fetchone()
    return kept, expired


PARTS = (
    Part(
        name="T1",
        title="the clock jumps",
        how="The gateway's processes see a clock (libfaketime) that goes an hour on and back, an hour back,"
        " 30 days and a year on, and to before 1972, while 200 messages/s flow; then it is started with one"
        " that is an hour behind, and one that has no date. Timers are not to move, and nothing is to"
        " expire or to be deleted.",
        run=clock_jumps,
    ),
)
