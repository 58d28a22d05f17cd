"""Q1: a million messages wait; what that costs the start, the traffic beside them, and memory."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from harness import PATIENCE_S, processes, rss_bytes, running, stop
from kill import HOST, Gateway, free_port
from part import Part, PartError, Row, Run, at_least, count

from gateway.cli.daemon_client import ask, ask_many
from gateway.core.passwords import hash_password

FLOOD = Path(__file__).with_name("flood.py")
PASSWORD = "flood-on"
FAR, NEAR = "4670", "4671"
"""First digits of numbers: those that the connector takes whose SMSC is away, and the others."""
MIB = 2**20
READY_MOST_S = 10.0
LEAST_RATIO = 0.9
RSS_MOST = 200 * MIB

CONFIG = """\
listeners:
  smpp:
    - address: {host}:{port}
accounts:
  - system_id: flood
    password_hash: {password_hash}
    window: 1000
    max_binds: 100
    max_open: 10000000
connectors:
  - name: far
    address: {host}:{far}
    system_id: gateway
    password: gateway
    window: 1000
    reconnect_max_s: 1
  - name: near
    address: {host}:{near}
    system_id: gateway
    password: gateway
    window: 1000
    reconnect_max_s: 1
routes:
  - prefix: '{far_prefix}'
    connectors: [far]
  - prefix: '{near_prefix}'
    connectors: [near]
queue:
  outbox_max: 10000000
log:
  level: warning
"""


class Size(NamedTuple):
    """How much is sent."""

    queued: int
    beside: int
    """Messages of one turn beside the queue."""
    pairs: int
    """Turns with the queue, each with one without it."""
    drain_s: float
    """The drain is ended after so long; what is left has to be in the queue then."""


FULL = Size(queued=1_000_000, beside=30_000, pairs=3, drain_s=120.0)
SHORT = Size(queued=20_000, beside=2_000, pairs=1, drain_s=30.0)


class Turn(NamedTuple):
    """What a load found (flood.py)."""

    acked: int
    refused: int
    arrived: int
    twice: int
    receipts: int
    seconds: float
    """Until the last of everything was there, or it was ended."""


class Found(NamedTuple):
    """What the whole run found; memory in octets, of each process, the main one first."""

    accepted: int
    build_s: float
    ready_s: float
    ready_cpu_s: float
    """CPU of all processes until then."""
    queued_after: int
    """Messages that wait after the kill."""
    beside: list[Turn]
    empty: list[Turn]
    drained: Turn
    left: int
    """Messages that wait after the drain."""
    built_rss: list[int]
    built_peak: list[int]
    start_rss: list[int]
    peak: list[int]
    """From the start to the end of the drain."""
    answers: dict[str, float]
    """Seconds until a command had its answer, with all waiting and traffic beside."""


class Place:
    """A gateway with a state directory of its own, and the ports of its two SMSCs."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.port, self.far, self.near = free_port(), free_port(), free_port()
        text = CONFIG.format(
            host=HOST,
            port=self.port,
            far=self.far,
            near=self.near,
            far_prefix=FAR,
            near_prefix=NEAR,
            password_hash=hash_password(PASSWORD),
        )
        (folder / "gateway.yaml").write_text(text)
        self.gateway = Gateway(folder)
        self.first = 0
        """The next turn's first marker."""

    def rss(self) -> list[int]:
        return [rss_bytes(pid) for pid in processes(self.gateway.pid)]

    def peaks(self) -> list[int]:
        """The most memory that each process has had at once."""
        return [_peak_bytes(pid) for pid in processes(self.gateway.pid)]

    def cpu_s(self) -> float:
        """CPU that its processes have used until now."""
        return sum(_cpu_s(pid) for pid in processes(self.gateway.pid))

    def waiting(self) -> int:
        """Messages that the connector without an SMSC has to send."""
        rows = ask(self.gateway.state_dir, "queue")["summary"]["upstream"]
        return sum(row["messages"] for row in rows if row["connector"] == "far")


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024


@contextlib.contextmanager
def flood(place: Place, **options: object) -> Iterator[subprocess.Popen[str]]:
    """A load; `ended` says what it found."""
    command = [sys.executable, str(FLOOD), "--gateway", str(place.port)]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    environment = {**os.environ, "FLOOD_PASSWORD": PASSWORD}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def ended(process: subprocess.Popen[str]) -> Turn:
    """Waits for its end."""
    out, _ = process.communicate()
    if process.returncode:
        raise PartError(f"the load ended with {process.returncode}")
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return Turn(
        found["acked"],
        found["refused"],
        found["arrived"],
        found["twice"],
        found["receipts"],
        max(found["seconds"].values()),
    )


def beside(place: Place, messages: int) -> dict[str, object]:
    """The options of a turn over the connector whose SMSC is there."""
    first, place.first = place.first, place.first + messages
    return {
        "smsc": place.near,
        "prefix": NEAR,
        "first": first,
        "messages": messages,
        "arrivals": messages,
        "receipts": messages,
    }


def answer_times(state_dir: Path) -> dict[str, float]:
    """Seconds until each command has its whole answer."""
    commands: dict[str, Callable[[], object]] = {
        "status": lambda: ask(state_dir, "status"),
        "queue": lambda: ask(state_dir, "queue"),
        "queue waiting --limit 100": lambda: ask(state_dir, "list", kind="waiting", limit=100),
        "message find --number, the last": lambda: find(state_dir, 1),
        "message find --number, none": lambda: find(state_dir, 0),
    }
    times = {}
    for name, command in commands.items():
        began = time.monotonic()
        command()
        times[name] = time.monotonic() - began
    return times


def find(state_dir: Path, found: int) -> None:
    number = f"{FAR}{'0' * 9}" if found else f"{FAR}{'9' * 9}"
    wanted: dict[str, object] = {"message_id": 0, "upstream_id": None, "client_id": None, "number": number}
    wanted |= {"account": None, "connector": None, "since_ms": 0, "until_ms": 0, "states": [], "full": True}
    deque(ask_many(state_dir, "find", **wanted, limit=100), maxlen=0)


def large_queue(run: Run) -> list[Row]:
    return rows(measure(run, FULL if run.full else SHORT), FULL if run.full else SHORT)


def measure(run: Run, size: Size) -> Found:
    """Builds the queue, kills, starts, sends beside it by turns with an empty one, and drains it."""
    million, empty = Place(run.folder / "million"), Place(run.folder / "empty")
    with running(million.gateway):
        with flood(million, prefix=FAR, messages=size.queued, binds=8) as load:
            built = ended(load)
        run.say(f"{built.acked:,} accepted in {built.seconds:.1f} s")
        built_rss, built_peak = million.rss(), million.peaks()
        million.gateway.kill(whole_group=True)
        ready_s = million.gateway.start()
        ready_cpu_s = million.cpu_s()
        start_rss, queued_after = million.rss(), million.waiting()
        run.say(f"ready after {ready_s:.2f} s, {queued_after:,} wait")
        with running(empty.gateway):
            with_queue, without = by_turns(run, size, million, empty)
            stop(empty.gateway)
        with flood(million, **beside(million, size.beside)) as load:
            answers = answer_times(million.gateway.state_dir)
            with_queue.append(ended(load))
        drained = drain(million, size)
        run.say(f"{drained.arrived:,} drained in {drained.seconds:.1f} s")
        left, peak = million.waiting(), million.peaks()
        stop(million.gateway)
    return Found(
        built.acked,
        built.seconds,
        ready_s,
        ready_cpu_s,
        queued_after,
        with_queue,
        without,
        drained,
        left,
        built_rss,
        built_peak,
        start_rss,
        peak,
        answers,
    )


def by_turns(run: Run, size: Size, million: Place, empty: Place) -> tuple[list[Turn], list[Turn]]:
    """Traffic beside the queue, and without one; who is first changes."""
    turns: dict[Place, list[Turn]] = {million: [], empty: []}
    for place in (million, empty):  # the first bind costs a password, and the SMSC has to be found
        with flood(place, **beside(place, 500)) as load:
            ended(load)
    for pair in range(size.pairs):
        for place in (million, empty) if pair % 2 else (empty, million):
            with flood(place, **beside(place, size.beside)) as load:
                turns[place].append(ended(load))
        rates = " and ".join(f"{rate(turns[place][-1]):,.0f}/s" for place in (million, empty))
        run.say(f"with and without the queue: {rates}")
    return turns[million], turns[empty]


def drain(place: Place, size: Size) -> Turn:
    """The SMSC that was away is there and takes all that waits, a client takes the receipts."""
    wanted = {"arrivals": size.queued, "receipts": size.queued}
    with flood(place, smsc=place.far, binds=1, limit=size.drain_s, **wanted) as load:
        found = ended(load)
    deadline = time.monotonic() + PATIENCE_S
    while place.waiting() > size.queued - found.arrived and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def rate(turn: Turn) -> float:
    """Messages/s, from the first submit to the last receipt (or to what was waited for instead)."""
    return turn.arrived / turn.seconds


def mib(each: list[int]) -> str:
    return f"{sum(each) / MIB:.0f} MiB ({' + '.join(f'{octets / MIB:.0f}' for octets in each)})"


def rows(found: Found, size: Size) -> list[Row]:
    """The figures and their bounds."""
    turns = found.beside + found.empty
    compared = found.beside[: len(found.empty)]  # commands were asked during the one that is over
    medians = [statistics.median(map(rate, some)) for some in (compared, found.empty)]
    ratio = medians[0] / medians[1]
    peak = max(sum(found.built_peak), sum(found.peak))
    all_drained = found.drained.arrived == size.queued
    return [
        at_least("messages accepted while their SMSC is away", found.accepted, size.queued),
        Row("accepted a second", f"{found.accepted / found.build_s:,.0f}"),
        Row(
            "from the start after kill -9 to ready",
            f"{found.ready_s:.2f} s",
            f"≤ {READY_MOST_S:g} s",
            found.ready_s <= READY_MOST_S,
        ),
        Row("CPU of this, all processes", f"{found.ready_cpu_s:.2f} s"),
        count("lost by the kill", abs(found.accepted - found.queued_after)),
        Row("messages/s beside the queue, median", f"{medians[0]:,.0f}"),
        Row("messages/s without a queue, median", f"{medians[1]:,.0f}"),
        Row("ratio", f"{ratio:.2f}", f"≥ {LEAST_RATIO:g}", ratio >= LEAST_RATIO),
        Row("ratio of each pair", ", ".join(f"{one:.2f}" for one in ratios(compared, found.empty))),
        count("lost of these turns", sum(turn.acked - turn.arrived for turn in turns)),
        count("receipts missing of these turns", sum(turn.acked - turn.receipts for turn in turns)),
        count("refused", sum(turn.refused for turn in turns)),
        at_least("messages of the queue at its SMSC", found.drained.arrived, min(200_000, size.queued)),
        Row("drained a second, with receipts", f"{rate(found.drained):,.0f}"),
        count("lost of the queue", max(0, found.accepted - found.drained.arrived - found.left)),
        count("messages that an SMSC has twice", sum(turn.twice for turn in [*turns, found.drained])),
        *([count("receipts missing", size.queued - found.drained.receipts)] if all_drained else []),
        Row("memory (main + writer) when all wait", mib(found.built_rss)),
        Row("after the start", mib(found.start_rss)),
        Row("peak while they were accepted", mib(found.built_peak)),
        Row("peak from the start to the end of the drain", mib(found.peak)),
        Row("larger of the two", f"{peak / MIB:.0f} MiB", f"≤ {RSS_MOST // MIB} MiB", peak <= RSS_MOST),
        *(Row(f"answer of `{name}`", f"{1000 * took:,.0f} ms") for name, took in found.answers.items()),
    ]


def ratios(with_queue: list[Turn], without: list[Turn]) -> list[float]:
    return [rate(one) / rate(other) for one, other in zip(with_queue, without, strict=True)]


PARTS = (
    Part(
        name="Q1",
        title="A queue of a million",
        how=f"{FULL.queued:,} messages are accepted over SMPP while their SMSC is away; the gateway is"
        " killed with all its processes and started again. Then traffic goes through another connector, by"
        " turns with the same traffic through a gateway that has nothing else to do, and in the end the SMSC"
        f" is there and takes what has waited ({FULL.drain_s:g} s at the most). Client and SMSC (flood.py)"
        " count by marker; the commands are asked while all wait and traffic goes on.",
        run=large_queue,
    ),
)
