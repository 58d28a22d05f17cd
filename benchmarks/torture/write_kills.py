"""K2: the process that writes the store is killed at its system calls that change a file on the disk."""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from harness import SLOW, Gateway, Verdict, prepare, rest, running, sending, smsc, stop, verdict
from part import Part, PartError, Row, Run, at_least, count
from store_alone import LARGE_EVERY, Alone, Ledger, Load
from stored import stored
from tracing import Fault, attached, place_of, strace, writer_of

from gateway.store.sqlite_open import FILE_NAME

RATE = 200.0
KILL = "signal=SIGKILL"
BATCHES_MOST = 400
"""A process that was not killed within so many has no such call any more: that is no point."""
END_S = 40.0
TELL_EVERY = 50


class Kind(NamedTuple):
    """A kind of point, and how many of them there are."""

    name: str
    full: int
    short: int
    calls: dict[str, int]
    """Call → it is one of the first so many."""
    of: str = ""
    """Only calls on the file with this ending: "" is any, "db" the database, "wal" its log."""
    from_start: bool = False
    """The calls count from the start of the process, else from when it is ready."""
    is_new: bool = False
    """In a new folder."""
    sweeps: bool = False
    large_every: int = LARGE_EVERY


KINDS = (
    Kind("creation", 60, 4, {"pwrite64": 140, "fdatasync": 10, "fsync": 2}, from_start=True, is_new=True),
    Kind("start", 80, 6, {"pwrite64": 20, "fdatasync": 3}, from_start=True),
    Kind("batches", 150, 12, {"pwrite64": 600, "fdatasync": 30}, of="wal"),
    Kind("checkpoint", 90, 6, {"pwrite64": 500, "fdatasync": 1}, of="db", large_every=1),
    Kind("scrub", 60, 6, {"pwrite64": 150, "fdatasync": 2}, of="db", sweeps=True),
    Kind("scrub, log emptied", 10, 1, {"ftruncate": 2}, of="wal", sweeps=True),
)
GATEWAY_KILLS, GATEWAY_KILLS_SHORT = 50, 5


class Chain:
    """One store after the other: the start after one kill is the run-up to the next."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._chance = random.Random(run.seed)
        self._folders = 0
        self._folder: Path
        self._ledger: Ledger
        self._trace = run.ledgers / "alone.trace"
        self.places: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.lost = 0
        self.damaged = 0
        self._new_folder()

    def _new_folder(self) -> None:
        self._folders += 1
        self._folder = self._run.folder / f"alone-{self._folders}"
        self._folder.mkdir()
        self._ledger = Ledger()

    def points(self) -> None:
        """All of them, in an order of chance."""
        wanted = [kind for kind in KINDS for _ in range(kind.full if self._run.full else kind.short)]
        self._chance.shuffle(wanted)
        for kind in wanted:
            for _ in range(5):
                if self._point(kind):
                    break
            else:
                raise PartError(f"no kill at {kind.name}")
            if self.kinds.total() % TELL_EVERY == 0:
                self._run.say(f"{self.kinds.total()} kills of the writing process alone")

    def _point(self, kind: Kind) -> bool:
        """One life; whether it ended at a call of this kind."""
        if kind.is_new:
            self._new_folder()
        call = self._chance.choice(list(kind.calls))
        path = {"db": self._folder / FILE_NAME, "wal": self._folder / f"{FILE_NAME}-wal", "": None}[kind.of]
        fault = Fault(call, KILL, str(self._chance.randint(1, kind.calls[call])), path)
        load = Load(self._ledger, self._chance, sweeps=kind.sweeps, large_every=kind.large_every)
        code = self._from_start(fault, load) if kind.from_start else self._when_ready(fault, load)
        self._judge()
        if code == 0:
            return False
        if code != -9:
            raise PartError(f"the writing process ended with {code} at {fault}")
        self.kinds[kind.name] += 1
        self.places[place_of(self._trace)] += 1
        return True

    def _from_start(self, fault: Fault, load: Load) -> int:
        alone = Alone(self._folder, [strace(), *fault.options(self._trace)])
        if alone.ready():
            alone.feed(load, 30)
        return alone.close()

    def _when_ready(self, fault: Fault, load: Load) -> int:
        alone = Alone(self._folder)
        if not alone.ready():
            raise PartError("the store does not start")
        with attached(alone.process.pid, fault, self._trace):
            alone.feed(load, BATCHES_MOST)
            return alone.close()

    def _judge(self) -> None:
        found = stored(self._folder, self._run.ledgers)
        self.lost += self._ledger.missing(found)
        self.damaged += found.integrity != "ok"


class GatewayKills(NamedTuple):
    """What became of a whole gateway whose writing process was killed."""

    kills: int
    damaged: int
    places: Counter[str]
    verdict: Verdict


def kill_under_gateway(run: Run) -> GatewayKills:
    """The same points with everything around them, and the ledgers of a sender and an SMSC."""
    chance = random.Random(run.seed)
    wanted = GATEWAY_KILLS if run.full else GATEWAY_KILLS_SHORT
    trace, places, damaged = run.ledgers / "gateway.trace", Counter[str](), 0
    with smsc(run, *SLOW) as upstream_port:
        place = prepare(run, upstream_port)
        gateway = Gateway(run.folder)
        with running(gateway), sending(run, place, RATE) as client:
            for _ in range(wanted):
                call = chance.choice(("pwrite64", "fdatasync"))
                fault = Fault(call, KILL, str(chance.randint(1, {"pwrite64": 1500, "fdatasync": 60}[call])))
                with attached(writer_of(gateway.pid), fault, trace):
                    code = gateway.wait(END_S)
                if code != 1:
                    raise PartError(f"without its writing process the gateway ended with {code}")
                places[place_of(trace)] += 1
                damaged += stored(gateway.state_dir, run.ledgers).integrity != "ok"
                gateway.start()
            end = rest(gateway, client)
            stop(gateway)
    return GatewayKills(places.total(), damaged, places, verdict(run, end))


def kill_at_writes(run: Run) -> list[Row]:
    """Both at once: each of them mostly waits."""
    chain = Chain(run)
    with ThreadPoolExecutor(1) as beside:
        gateway = beside.submit(kill_under_gateway, run)
        chain.points()
        found = gateway.result()
    wanted = sum(kind.full if run.full else kind.short for kind in KINDS)
    places = chain.places + found.places
    return [
        at_least("kills", chain.kinds.total() + found.kills, 500 if run.full else 40),
        *(Row(f"of these: {name}", f"{chain.kinds[name]:,}") for name, *_ in KINDS),
        at_least("of these: the writing process alone", chain.kinds.total(), wanted),
        Row("of these: of a whole gateway under load", f"{found.kills:,}"),
        *(Row(f"killed at {where}", f"{times:,}") for where, times in sorted(places.items())),
        count("stores that integrity_check finds damaged", chain.damaged + found.damaged),
        count("promises of the writing process that are not kept", chain.lost),
        *found.verdict.rows(),
    ]


PARTS = (
    Part(
        name="K2",
        title="kill -9 at each write and sync",
        how="strace kills the process that writes the store at its n-th pwrite64, fdatasync or ftruncate:"
        " while it makes a database, while it starts after the last kill, in batches, in checkpoints, and"
        " while it empties the log of deleted texts. Most points hit that process alone, fed with batches,"
        f" the others a gateway under {RATE:g} messages/s. After each one a copy is checked for damage and"
        " for every promise.",
        run=kill_at_writes,
    ),
)
