"""Measures what a way to the server costs one node, and several nodes on one machine each other.

    python benchmarks/postgres_nodes.py --smppload PATH [--write docs/scaling.md]

The server is one of its own on this machine.  A delaying relay stands in for a network: it is part of this
program, and its own work counts among that of others.  Beside each figure stands what `scaling.py` computes
for the same case from benchmarks/postgres.json, which is measured anew just before.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import scaling
import yaml
from figures import write, wrong
from metrics_cost import free_ports
from postgres import BACKENDS, SETTINGS, Found, Watch, busy_s, children, config_text, cpu_us, gateway
from postgres import new_database as fresh
from postgres_programs import programs
from postgres_server import HOST, PostgresServer

BINDS, WINDOW = 4, 50
"""Of each node's clients."""
MESSAGES = 100_000
"""Over all nodes."""
PINGS = 200


@dataclass(frozen=True)
class Case:
    """One way to set it up."""

    name: str
    nodes: int = 1
    one_way_ms: float | None = None
    """Of the relay; None: straight to the server's socket."""


CASES = (
    Case("1 node, the server's socket"),
    Case("1 node, by TCP", one_way_ms=0.0),
    Case("1 node, 0.2 ms more", one_way_ms=0.1),
    Case("1 node, 0.5 ms more", one_way_ms=0.25),
    Case("1 node, 1 ms more", one_way_ms=0.5),
    Case("1 node, 2 ms more", one_way_ms=1.0),
    Case("2 nodes, the server's socket", nodes=2),
    Case("3 nodes, the server's socket", nodes=3),
    Case("4 nodes, the server's socket", nodes=4),
)


class Relay:
    """Passes octets on between its port and the server's, each after the same time; order is kept."""

    def __init__(self, port: int, one_way_s: float) -> None:
        self._to, self._wait = (HOST, port), one_way_s
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._to)
                for one in (client, server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for source, target in ((client, server), (server, client)):
                    passing: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
                    threading.Thread(target=self._take, args=(source, passing), daemon=True).start()
                    threading.Thread(target=self._give, args=(passing, target), daemon=True).start()

    def _take(self, source: socket.socket, passing: queue.SimpleQueue[tuple[float, bytes]]) -> None:
        data = b"?"
        while data:
            try:
                data = source.recv(1 << 18)
            except OSError:
                data = b""
            passing.put((time.monotonic() + self._wait, data))

    def _give(self, passing: queue.SimpleQueue[tuple[float, bytes]], target: socket.socket) -> None:
        with suppress(OSError):
            while True:
                due, data = passing.get()
                if (left := due - time.monotonic()) > 0:
                    time.sleep(left)
                if not data:
                    target.shutdown(socket.SHUT_WR)
                    return
                target.sendall(data)


def round_trip_us(url: str) -> float:
    """Of the smallest statement, when nothing else is done; the median."""
    took = []
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(PINGS):
            began = time.monotonic()
            connection.execute("SELECT 1").fetchone()
            took.append(1e6 * (time.monotonic() - began))
    return statistics.median(took)


@dataclass
class Measured:
    """One run of a case; µs are for a message with its receipt."""

    found: Found
    rtt_us: float
    rates: list[float] = field(default_factory=list)
    """Of each node's clients."""


def measure(case: Case, smppload: str, server: PostgresServer, number: int, messages: int) -> Measured:
    database = fresh(server, number)
    with ExitStack() as stack:
        url = server.socket_url(database)
        if case.one_way_ms is not None:
            relay = Relay(server.port, case.one_way_ms / 1000)
            stack.callback(relay.close)
            url = server.url(database).replace(f":{server.port}/", f":{relay.port}/")
        rtt = round_trip_us(url)
        smsc, *clients = free_ports(1 + case.nodes)
        pids = [
            stack.enter_context(gateway(node_text(place, case.nodes, port, smsc, url)))
            for place, port in enumerate(clients)
        ]
        tools = Tools(smppload, smsc, clients, messages // case.nodes)
        return _loaded(case, tools, pids, Watch(server, database), rtt)


def node_text(place: int, nodes: int, port: int, smsc: int, url: str) -> str:
    """The configuration of one of so many: each has all accounts; its clients use the one of its place."""
    config: dict[str, Any] = yaml.safe_load(config_text(port, smsc, url))
    (account,) = config["accounts"]
    config["accounts"] = [account | {"system_id": f"bench{number}"} for number in range(nodes)]
    return json.dumps(config | {"node": f"node{place}"})  # which is YAML, without aliases


class Tools:
    """smppload as the SMSC, and as the clients of each node."""

    def __init__(self, smppload: str, smsc: int, clients: Sequence[int], each: int) -> None:
        self.each = each
        self._smsc = [smppload, "smsc", "--smsc-port", str(smsc)]
        self._clients = [
            [
                smppload, "esme", "--target", f"{HOST}:{port}", "--system-id", f"bench{place}",
                "--password", "bench-on", "--dlr", "on", "--timeout", "180", "--binds", str(BINDS),
                "--window", str(WINDOW), "--messages", str(each), "--first", str(place * each),
            ]
            for place, port in enumerate(clients)
        ]  # fmt: skip

    def run(self) -> list[dict[str, Any]]:
        """What all have to say, the SMSC last."""
        with subprocess.Popen(
            self._smsc, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as smsc:
            said = []
            time.sleep(2.0)  # until the connectors have bound, and have their parts of the window
            started = [subprocess.Popen(one, stdout=subprocess.PIPE, text=True) for one in self._clients]
            for one in started:
                said.append(json.loads(one.communicate()[0]))
            smsc.terminate()
            said.append(json.loads(smsc.communicate()[0]))
        return said


def _loaded(case: Case, tools: Tools, pids: Sequence[int], watch: Watch, rtt: float) -> Measured:
    writers = [child for pid in pids for child in children(pid)]

    def used() -> tuple[float, float]:
        return sum(map(cpu_us, pids)), sum(map(cpu_us, writers))

    (loop, writer), began, busy = used(), time.monotonic(), busy_s()
    *clients, smsc = tools.run()
    seconds, messages = time.monotonic() - began, tools.each * len(pids)
    (loop_now, writer_now) = used()
    resp = [one["latency_ms"]["resp"] for one in clients]
    tool_us = 1e6 * sum(one["own_cpu_s"] for one in (*clients, smsc)) / messages
    found = Found(
        run=case.name,
        store="PostgreSQL",
        rate=messages / max(one["complete"]["seconds"] for one in clients),
        resp_p50_ms=statistics.mean(one["p50"] for one in resp),
        resp_p99_ms=max(one["p99"] for one in resp),
        loop_us=(loop_now - loop) / messages,
        writer_us=(writer_now - writer) / messages,
        tool_us=tool_us,
        wrong=sum(map(wrong, (*clients, smsc))),
    )
    watch.read(found, messages, seconds)
    own_us = found.loop_us + found.writer_us + found.tool_us + found.server
    found.others_cores = max(0.0, (busy_s() - busy - own_us * messages / 1e6) / seconds)
    return Measured(found, rtt, [one["complete"]["rate"] for one in clients])


COLUMNS = (
    "case", "round trip, ms", "messages/s", "computed", "resp p50 / p99, ms", "loop", "writer", "server",
    "messages a batch", "fsync, ms", "cores of others", "lost, doubled, missing",
)  # fmt: skip


def as_table(results: Sequence[tuple[Case, Measured]], costs: scaling.Costs) -> str:
    lines = [COLUMNS, ("---",) * len(COLUMNS)]
    near = results[0][1].rtt_us
    for case, one in results:
        found = one.found
        computed = scaling.measured_again(costs, case.nodes, max(0.0, one.rtt_us - near))
        lines.append((
            case.name, f"{one.rtt_us / 1000:.2f}", f"{found.rate:,.0f}", f"{computed:,.0f}",
            f"{found.resp_p50_ms:.1f} / {found.resp_p99_ms:.1f}", f"{found.loop_us:.0f}",
            f"{found.writer_us:.0f}", f"{found.server_us.get(BACKENDS, 0.0):.0f}",
            f"{found.messages_per_batch:.0f}", f"{found.fsync_ms:.2f}", f"{found.others_cores:.1f}",
            str(found.wrong),
        ))  # fmt: skip
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smppload", default=os.environ.get("SMPPLOAD", "smppload"), help="the built tool")
    parser.add_argument("--version", type=int, default=15, help="of PostgreSQL")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each; the median by rate counts")
    parser.add_argument("--messages", type=int, default=MESSAGES, help="of each run, over all nodes")
    parser.add_argument("--write", type=Path, help="the page to write the table into")
    args = parser.parse_args()
    tries: dict[Case, list[Measured]] = {case: [] for case in CASES}
    with PostgresServer(programs(args.version)) as server:
        server.settings |= SETTINGS | {"shared_preload_libraries": "pg_stat_statements"}
        server.create()
        for turn in range(args.repeat):
            for place, (case, list_) in enumerate(tries.items()):
                list_.append(measure(case, args.smppload, server, turn * len(CASES) + place, args.messages))
                print(f"{case.name}: {list_[-1].found.rate:,.0f}/s", file=sys.stderr, flush=True)
    rows = [row for row in json.loads(scaling.FIGURES.read_text())["rows"] if row["store"] == "PostgreSQL"]
    results = [
        (case, sorted(list_, key=lambda one: one.found.rate)[(len(list_) - 1) // 2])
        for case, list_ in tries.items()
    ]
    table = as_table(results, scaling.costs_of(rows))
    print(table)
    if args.write:
        write(args.write, table, "nodes figures")
    return int(any(one.found.wrong for _, one in results))


if __name__ == "__main__":
    sys.exit(main())
