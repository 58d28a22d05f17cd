"""P2: the disk reports errors: a sync fails once and would then succeed, writes fail for a time."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from harness import (
    SLOW,
    Gateway,
    acknowledged,
    prepare,
    rest,
    running,
    sending,
    smsc,
    stop,
    tail,
    until_flowing,
    verdict,
)
from images import cut_power, make, mounted
from part import Part, PartError, Row, Run, at_least, count
from stored import acknowledged_ids, stored
from tracing import Fault, attached, writer_of

from gateway.cli.daemon_client import ask
from gateway.store.sqlite_open import FILE_NAME

RATE = 300.0
PATIENCE_S = 60.0
SYNC_ERRORS, SYNC_ERRORS_SHORT = 12, 2
WRITE_ERRORS, WRITE_ERRORS_SHORT = 12, 1
CHECKPOINT_ERRORS = 6
"""Only in the full size: a checkpoint comes every 16 MiB of the log."""
SOME_WRITES = 4
"""So many writes fail one after the other; the gateway tries once a second."""
NAMES = {"EIO": "SQLITE_IOERR_WRITE", "ENOSPC": "SQLITE_FULL"}


class Errors:
    """Lets the disk of one gateway fail again and again."""

    def __init__(self, run: Run, gateway: Gateway, image: Path) -> None:
        self._run = run
        self._gateway = gateway
        self._image = image
        self._chance = random.Random(run.seed)
        self._trace = run.ledgers / "trace"
        self._wal = gateway.state_dir / f"{FILE_NAME}-wal"
        self.times: Counter[str] = Counter()
        self.not_on_disk = 0
        """Messages that were acknowledged although the disk did not have them when a sync failed."""

    def sync_fails(self) -> None:
        """One fdatasync of the log reports an error, and the next ones would not."""
        until_flowing(self._run)
        said = len(self._log())
        fault = Fault("fdatasync", "error=EIO", str(self._chance.randint(1, 100)), self._wal)
        with attached(writer_of(self._gateway.pid), fault, self._trace):
            code = self._gateway.wait(PATIENCE_S)
        if code != 1 or "SQLITE_IOERR_FSYNC" not in self._log()[said:]:
            raise PartError(f"it ended with {code}: {tail(self._gateway.log)}")
        # What was not synced is not on the device: whoever was acknowledged all the same is not in its copy.
        copy = self._run.ledgers / "copy.img"
        cut_power(self._image, copy)
        promised = acknowledged_ids(self._run.ledgers / "sender.jsonl")
        with mounted(copy, self._run.folder / "after") as folder:
            self.not_on_disk += len(promised - stored(folder, self._run.ledgers).known)
        self.times["fdatasync: EIO"] += 1
        self._gateway.start()

    def writes_fail(self) -> None:
        """Some writes of the log report an error: the gateway refuses, tries again, and goes on."""
        until_flowing(self._run)
        error = self._chance.choice(list(NAMES))
        first = self._chance.randint(1, 100)
        fault = Fault("pwrite64", f"error={error}", f"{first}..{first + SOME_WRITES - 1}", self._wal)
        with attached(writer_of(self._gateway.pid), fault, self._trace):
            self._until(lambda: self._complains_of(NAMES[error]), "its status does not say so")
            self._until_acknowledging()
        self.times[f"pwrite64: {error}"] += 1

    def checkpoint_fails(self) -> None:
        """A checkpoint reports an error; nothing that was promised needs it, and it is done again."""
        call = self._chance.choice(("pwrite64", "fdatasync"))
        fault = Fault(call, "error=EIO", "1", self._wal.with_name(FILE_NAME))
        with attached(writer_of(self._gateway.pid), fault, self._trace):
            self._until(lambda: "INJECTED" in self._trace.read_text(), "there is no checkpoint")
            self._until_acknowledging()
        self.times[f"{call} of a checkpoint: EIO"] += 1

    def _until_acknowledging(self) -> None:
        before = acknowledged(self._run)
        self._until(lambda: acknowledged(self._run) > before, "it does not go on")

    def _complains_of(self, name: str) -> bool:
        """Errors that follow each other within seconds are told once by the log, each by the status."""
        problems: list[str] = ask(self._gateway.state_dir, "status")["problems"]
        return any(f"({name})" in problem for problem in problems)

    def _log(self) -> str:
        return self._gateway.log.read_text()

    def _until(self, condition: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if self._gateway.code is not None or time.monotonic() > deadline:
                raise PartError(f"{otherwise}: {tail(self._gateway.log)}")
            time.sleep(0.05)


def disk_fails(run: Run) -> list[Row]:
    """Errors of syncs and of writes, and the ledgers of all of them together."""
    image = run.ledgers / "disk.img"
    make(image)
    with mounted(image, run.folder / "state"), smsc(run, *SLOW) as upstream_port:
        place = prepare(run, upstream_port)
        gateway = Gateway(run.folder)
        errors = Errors(run, gateway, image)
        with running(gateway), sending(run, place, RATE) as client:
            for _ in range(SYNC_ERRORS if run.full else SYNC_ERRORS_SHORT):
                errors.sync_fails()
            for _ in range(WRITE_ERRORS if run.full else WRITE_ERRORS_SHORT):
                errors.writes_fail()
            for _ in range(CHECKPOINT_ERRORS if run.full else 0):
                errors.checkpoint_fails()
            end = rest(gateway, client)
            stop(gateway)
    return [
        at_least("errors of the disk", errors.times.total(), 30 if run.full else 3),
        *(Row(f"of these {name}", f"{times:,}") for name, times in sorted(errors.times.items())),
        count("acknowledged, and not on the disk when a sync had failed", errors.not_on_disk),
        *verdict(run, end).rows(),
    ]


PARTS = (
    Part(
        name="P2",
        title="errors of the disk",
        how=f"A gateway under {RATE:g} messages/s has its state on a filesystem of its own; strace lets calls"
        " of its writing process fail. After a failed fdatasync it has to end at once, and every message that"
        " was acknowledged is looked for in a copy of the device. When writes fail it has to refuse, and it"
        " has to go on when they do not. In the end nothing may be lost.",
        run=disk_fails,
    ),
)
