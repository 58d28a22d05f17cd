"""What several nodes on one PostgreSQL would give, computed from what one node was measured to cost.

    python benchmarks/scaling.py [--figures FILE.json] [--write docs/scaling.md] [--plot FILE.svg]

A discrete-event simulation.  A message makes four steps; each one costs its node's loop, waits for the node's
writer, and is done with the batch that the writer takes it into.  A batch costs the writer and, at the same
time, a core of the server, then a round trip for each answer that it waits for, and a commit, which it shares
with whoever commits at that moment.
What is constant here is measured by benchmarks/postgres.py; network, fsync and disk of a server are assumed.
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from figures import write

FIGURES = Path(__file__).with_name("postgres.json")
STEPS = 4
WAITS = 3
"""Answers that a batch with everything in it waits for: which receipts came before their responses, what the
others have ended, and the commit (see `gateway.store.postgres_database`)."""
CHUNK = 16
"""Steps that reach the loop together, as PDUs of one read do."""
MARGIN = 0.35
"""So far the simulation of the measured machine may be from the measurement."""
QUIET = 0.3
"""Processors that others may have used while it was measured, for the two to be compared."""
UNDER_WAY = 400
"""Of the load tool: 200 messages that are not answered, and as many receipts."""
SECONDS = 6.0
"""Of the simulated time."""
NODES, CORES = (1, 2, 4, 16), (8, 32, 64)
LOOP, WRITER, SERVER, LOG = "loop", "writer and its waits", "server's cores", "log"


@dataclass(frozen=True)
class Costs:
    """µs and octets for a message; `_batch`: for a batch, however many steps are in it."""

    loop: float
    writer: float
    writer_batch: float
    server: float
    server_batch: float
    beside: float
    """Of the server's other processes."""
    tool: float
    waits: float
    """Times that a batch waits for an answer of the server, one after the other."""
    wal: float
    fsync: float


@dataclass(frozen=True)
class Place:
    """Machines and what is between them."""

    nodes: int = 1
    cores: int = 8
    """Of the server."""
    rtt: float = 200.0
    """µs between a node and the server."""
    log_mb_s: float = 1000.0
    window: int = 2000
    """Messages that are under way in each node."""
    shared: bool = False
    """Everything on the server's cores, the load tool too: the machine that was measured."""


@dataclass(frozen=True)
class Result:
    rate: float
    busy: dict[str, float]
    """Share of its capacity that each part used."""
    batch: float
    """Messages in a batch."""


def costs_of(rows: Sequence[dict[str, Any]]) -> Costs:
    """From two rows with batches of different sizes: what a batch costs, and what a message in it."""
    full, small = rows[0], rows[-1]

    def split(large: float, little: float) -> tuple[float, float]:
        a, b = 1 / full["messages_per_batch"], 1 / small["messages_per_batch"]
        fixed = max(0.0, (little - large) / (b - a)) if b > a else 0.0
        fixed = min(fixed, 0.8 * large / a)  # most of a small batch may be waiting that a large one has not
        return large - fixed * a, fixed

    def backends(row: dict[str, Any]) -> float:
        return float(row["server_us"]["backends"])

    writer, writer_batch = split(full["writer_us"], small["writer_us"])
    server, server_batch = split(backends(full), backends(small))
    return Costs(
        full["loop_us"], writer, writer_batch, server, server_batch,
        sum(full["server_us"].values()) - backends(full), full["tool_us"], WAITS,
        full["wal_octets"], 1000 * full["fsync_ms"],
    )  # fmt: skip


class Cores:
    """Processors: a piece of work takes the first that is free."""

    def __init__(self, count: int) -> None:
        self._free = [0.0] * count
        self.used = 0.0
        self.count = count

    def work(self, now: float, amount: float) -> float:
        """When it is done."""
        start = max(now, heapq.heappop(self._free))
        heapq.heappush(self._free, start + amount)
        self.used += amount
        return start + amount


class Disk:
    """One write at a time; what waits for it is in the next one."""

    def __init__(self, fsync: float, mb_s: float) -> None:
        self._fsync, self._mb_s = fsync, mb_s
        self._start = self._end = 0.0
        self.used = 0.0

    def commit(self, now: float, octets: float) -> float:
        amount = octets / self._mb_s
        self.used += amount
        if now > self._start:
            self._start = max(now, self._end)
            self._end = self._start + self._fsync
        self._end += amount
        return self._end


class Simulation:
    """Time in µs."""

    def __init__(self, costs: Costs, place: Place, seed: int = 1) -> None:
        self._costs, self._place = costs, place
        self._chance = random.Random(seed)
        self._server = Cores(place.cores)
        own = [Cores(2) for _ in range(place.nodes)]
        self._machines = [self._server] * place.nodes if place.shared else own
        self._disk = Disk(costs.fsync, place.log_mb_s)
        self._events: list[tuple[float, int, int, str, list[int]]] = []
        self._order = 0
        self._waiting = [[0] * STEPS for _ in range(place.nodes)]
        self._loop_free = [0.0] * place.nodes
        self._writing = [False] * place.nodes
        self._write_used = 0.0
        self.done, self.batches = 0.0, 0

    def _at(self, when: float, node: int, what: str, steps: list[int]) -> None:
        self._order += 1
        heapq.heappush(self._events, (when, self._order, node, what, steps))

    def run(self, seconds: float = SECONDS) -> Result:
        for node in range(self._place.nodes):
            self._to_loop(0.0, node, [self._place.window, 0, 0, 0])
        warm, end = 0.25e6 * seconds, 1e6 * seconds
        done, batches = 0.0, 0
        while self._events[0][0] < end:
            now, _, node, what, steps = heapq.heappop(self._events)
            if now < warm:
                done, batches = self.done, self.batches
            if what == "gather":
                self._waiting[node] = [a + b for a, b in zip(self._waiting[node], steps, strict=True)]
            else:
                self._writing[node] = False
                self.done += sum(steps) / STEPS
                self._to_loop(now, node, [steps[-1], *steps[:-1]])
            if not self._writing[node] and any(self._waiting[node]):
                self._write(now, node)
        rate = (self.done - done) * 1e6 / (end - warm)
        return self._result(rate, end, (self.done - done) / max(1, self.batches - batches))

    def _to_loop(self, now: float, node: int, steps: list[int]) -> None:
        """The loop takes steps some at a time, one after the other."""
        cost = self._costs.loop / STEPS
        if self._place.shared:
            cost += self._costs.tool / STEPS
        left = list(steps)
        while any(left):
            some, room = [0] * STEPS, CHUNK
            for kind in range(STEPS):
                some[kind] = min(left[kind], room)
                left[kind] -= some[kind]
                room -= some[kind]
            start = max(now, self._loop_free[node])
            self._loop_free[node] = self._machines[node].work(start, cost * sum(some))
            self._at(self._loop_free[node], node, "gather", some)

    def _write(self, now: float, node: int) -> None:
        """The batch of all that waits goes to the server and is committed."""
        costs, place = self._costs, self._place
        steps, self._waiting[node] = self._waiting[node], [0] * STEPS
        messages = sum(steps) / STEPS
        unlike = self._chance.uniform(0.9, 1.1)
        mine = self._machines[node].work(now, unlike * (costs.writer_batch + costs.writer * messages))
        waits = costs.waits * place.rtt
        theirs = self._server.work(
            now, unlike * (costs.server_batch + (costs.server + costs.beside) * messages)
        )
        end = self._disk.commit(max(mine, theirs) + waits, costs.wal * messages)
        self._write_used += end - now
        self._writing[node] = True
        self.batches += 1
        self._at(end, node, "written", steps)

    def _result(self, rate: float, end: float, batch: float) -> Result:
        nodes = self._place.nodes
        busy = {
            LOOP: rate * self._costs.loop / 1e6 / nodes,
            WRITER: self._write_used / end / nodes,
            SERVER: self._server.used / end / self._place.cores,
            LOG: self._disk.used / end,
        }
        return Result(rate, busy, batch)


def bottleneck(costs: Costs, place: Place) -> str:
    """What brings most when it is doubled, or costs half: a part that is always busy may only be waiting."""
    better = {
        "the server's cores": (costs, replace(place, cores=2 * place.cores)),
        "the loop": (replace(costs, loop=costs.loop / 2), place),
        "the writer's own work": (
            replace(costs, writer=costs.writer / 2, writer_batch=costs.writer_batch / 2),
            place,
        ),
        "the server's work for a batch": (
            replace(costs, server=costs.server / 2, server_batch=costs.server_batch / 2),
            place,
        ),
        "round trips": (replace(costs, waits=costs.waits / 2), place),
        "the log": (replace(costs, fsync=costs.fsync / 2), replace(place, log_mb_s=2 * place.log_mb_s)),
        "the clients' windows": (costs, replace(place, window=2 * place.window)),
    }
    rates = {name: Simulation(*changed).run(SECONDS).rate for name, changed in better.items()}
    return next(name for name, rate in rates.items() if rate >= 0.97 * max(rates.values()))


def capacity(costs: Costs, place: Place) -> float:
    """Messages a second that no arrangement can exceed: of each part alone, with batches without end."""
    return min(
        place.nodes * 1e6 / costs.loop,
        place.nodes * 1e6 / (costs.writer + costs.server),
        place.cores * 1e6 / (costs.server + costs.beside),
        place.log_mb_s * 1e6 / costs.wal,
    )


def as_table(costs: Costs) -> tuple[str, dict[int, list[tuple[int, float]]]]:
    """All places, in Markdown, and the lines of the plot by cores."""
    head = (
        "nodes",
        "cores of the server",
        "messages/s",
        "first bottleneck",
        "loop busy",
        "cores busy",
        "log busy",
    )
    lines = [f"| {' | '.join((*head, 'messages a batch'))} |", "| ---: " * 3 + "| --- " + "| ---: " * 4 + "|"]
    curves: dict[int, list[tuple[int, float]]] = {}
    for cores in CORES:
        for nodes in NODES:
            place = Place(nodes=nodes, cores=cores)
            found = Simulation(costs, place).run()
            shares = " | ".join(f"{100 * found.busy[part]:.0f} %" for part in (LOOP, SERVER, LOG))
            first = bottleneck(costs, place)
            cells = f"{nodes} | {cores} | {found.rate:,.0f} | {first} | {shares} | {found.batch:.0f}"
            lines.append(f"| {cells} |")
            curves.setdefault(cores, []).append((nodes, found.rate))
    return "\n".join(lines), curves


def plot(curves: dict[int, list[tuple[int, float]]]) -> str:
    """The curves as SVG: nodes to the right, messages a second upwards."""
    most = max(rate for curve in curves.values() for _, rate in curve)
    width, height, left, low = 640, 360, 70, 320
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<path d="M{left} 20V{low}H{width - 20}" fill="none" stroke="#888"/>',
        f'<text x="{left}" y="14">messages/s (computed)</text>',
        f'<text x="{width - 80}" y="{height - 8}">nodes</text>',
    ]
    for nodes in NODES:
        parts.append(f'<text x="{left + nodes * 33}" y="{low + 16}" text-anchor="middle">{nodes}</text>')
    for tick in range(5):
        value, y = most * tick / 4, low - 290 * tick / 4
        parts.append(f'<text x="{left - 6}" y="{y:.0f}" text-anchor="end">{value:,.0f}</text>')
    for colour, (cores, curve) in zip(("#c33", "#36c", "#393"), curves.items(), strict=True):
        points = " ".join(f"{left + nodes * 33},{low - 290 * rate / most:.0f}" for nodes, rate in curve)
        y = low - 290 * curve[-1][1] / most
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(
            f'<text x="{width - 36}" y="{y - 6:.0f}" fill="{colour}" text-anchor="end">{cores} cores</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def measured_again(costs: Costs, nodes: int = 1, rtt: float = 0.0) -> float:
    """The machine that was measured, as the simulation sees it: two processors for all, and nobody else.

    `rtt`: µs between a node and the server.
    """
    place = Place(nodes=nodes, cores=2, rtt=rtt, window=UNDER_WAY, shared=True)
    return Simulation(costs, place).run(10.0).rate


def compared(row: dict[str, Any], costs: Costs) -> str:
    """What the simulation says of the machine that was measured, and whether that can be held against it."""
    simulated = f"{measured_again(costs):,.0f}/s"
    said = f"The machine that was measured, simulated: {simulated}; measured: {row['rate']:,.0f}/s"
    if row["others_cores"] <= QUIET:
        return f"{said}."
    return (
        f"{said}, **while other processes used {row['others_cores']:.1f} of its two processors**: "
        "the two cannot be compared, and the simulation has not been held against a measurement yet."
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--figures", type=Path, default=FIGURES)
    parser.add_argument("--write", type=Path, help="the page to write the table into")
    parser.add_argument("--plot", type=Path, help="the SVG to write")
    args = parser.parse_args()
    rows = [row for row in json.loads(args.figures.read_text())["rows"] if row["store"] == "PostgreSQL"]
    costs = costs_of(rows)
    table, curves = as_table(costs)
    told = (
        f"Computed from: loop {costs.loop:.0f} µs; writer {costs.writer:.0f} µs and "
        f"{costs.writer_batch:,.0f} µs a batch; server {costs.server:.0f} µs and "
        f"{costs.server_batch:,.0f} µs a batch, its other processes {costs.beside:.1f} µs; "
        f"{costs.waits:.0f} round trips a batch; "
        f"{costs.wal:,.0f} octets of log; fsync {costs.fsync / 1000:.1f} ms. " + compared(rows[0], costs)
    )
    print(f"{told}\n\n{table}")
    if args.write:
        write(args.write, f"{told}\n\n{table}", "scaling figures")
    if args.plot:
        args.plot.write_text(plot(curves))
    return 0


if __name__ == "__main__":
    sys.exit(main())
