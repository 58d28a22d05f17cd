"""Measures one node on PostgreSQL beside the same node on SQLite, and writes what each part costs.

    python benchmarks/postgres.py --smppload PATH [--write docs/performance.md] [--json FILE]

The server is one of its own on this machine, with fsync and synchronous_commit on.  smppload plays clients
and SMSC on the same machine.  Engines take turns, so each speaks for the hour that the other was measured in.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from figures import CONFIG, ROOT, Run, machine, report_of, wait_for, write, wrong
from metrics_cost import free_ports

sys.path.insert(0, str(ROOT / "tests" / "support"))

from postgres_programs import programs
from postgres_server import PostgresServer

SETTINGS = {"shared_buffers": "256MB", "max_wal_size": "2GB", "track_wal_io_timing": "on"}
RUNS = (
    Run("4 binds, window 50", "--binds 4 --window 50", ">= 12,000/s", messages=100_000),
    Run("16 binds, window 10", "--binds 16 --window 10", "", messages=100_000),
    Run("fixed 1,000/s", "--binds 4 --window 50 --rate 1000", "", messages=20_000),
)
ROLES = ("walwriter", "checkpointer", "background writer", "autovacuum")
BACKENDS = "backends"


@dataclass
class Found:
    """One run; µs and octets are for a message with its receipt."""

    run: str
    store: str
    rate: float
    """Messages a second with their receipts."""
    resp_p50_ms: float
    resp_p99_ms: float
    loop_us: float
    writer_us: float
    tool_us: float
    """smppload's own, which shares the processors."""
    wrong: int
    server_us: dict[str, float] = field(default_factory=dict)
    """PostgreSQL's processes, by what they are."""
    wal_octets: float = 0.0
    batches_per_s: float = 0.0
    messages_per_batch: float = 0.0
    statements_per_batch: float = 0.0
    fsync_ms: float = 0.0
    others_cores: float = 0.0
    """Processors that nothing of the run used, and that were busy all the same."""

    @property
    def server(self) -> float:
        return sum(self.server_us.values())


def cpu_us(pid: int) -> float:
    """What a process has used of processors until now."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1000


def children(pid: int) -> list[int]:
    lists = [(task / "children").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    return [int(child) for child in " ".join(lists).split()]


def busy_s() -> float:
    """What all processors have worked until now, idle time and waits for the disk left out."""
    user, nice, system, _, _, irq, soft, *_ = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")


def role_of(pid: int) -> str:
    title = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return next((role for role in ROLES if role in title), BACKENDS)


class Watch:
    """What the server has done since it was asked first."""

    NUMBERS = (
        "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8, wal_sync::float8, "
        "wal_sync_time::float8, "
        "(SELECT max(batch_no) FROM boot)::float8, (SELECT sum(calls) FROM pg_stat_statements)::float8 "
        "FROM pg_stat_wal"
    )

    def __init__(self, server: PostgresServer, database: str) -> None:
        self._server, self._database = server, database
        assert server._process is not None
        self._pid = server._process.pid
        self._cpu = {pid: cpu_us(pid) for pid in children(self._pid)}
        self._numbers = self._ask()

    def _ask(self) -> list[float]:
        with self._server.admin(self._database) as connection:
            row = connection.execute(self.NUMBERS.encode()).fetchone()
        assert row is not None
        return [float(value) for value in row]

    def read(self, found: Found, messages: int, seconds: float) -> None:
        """Into the figures of the run."""
        for pid in children(self._pid):
            role, used = role_of(pid), cpu_us(pid) - self._cpu.get(pid, 0.0)
            found.server_us[role] = found.server_us.get(role, 0.0) + used / messages
        wal, syncs, sync_ms, batches, calls = (
            now - then for now, then in zip(self._ask(), self._numbers, strict=True)
        )
        found.wal_octets = wal / messages
        found.fsync_ms = sync_ms / max(syncs, 1)
        found.batches_per_s = batches / seconds
        found.messages_per_batch = messages / max(batches, 1)
        found.statements_per_batch = calls / max(batches, 1)


def config_text(clients: int, smsc: int, store: str) -> str:
    """What the gateway of a run is configured with; `store` may be empty."""
    text = CONFIG.read_text().replace("2775", str(clients)).replace("2776", str(smsc))
    text = re.sub(r"  smtp:\n.*\n(?=mail:)", "", text)
    text = re.sub(r"mail:\n(?:  .*\n)+(?=accounts)", "", text)
    text = re.sub(r"    mail:\n      networks: .*\n", "", text)
    return text + (f"store: {store}\n" if store else "")


@contextmanager
def gateway(text: str) -> Iterator[int]:
    """A gateway with this configuration, ready; its process."""
    with tempfile.TemporaryDirectory(prefix="smsc-gateway-bench-") as folder:
        config, log = Path(folder, "gateway.yaml"), Path(folder, "log")
        config.write_text(text)
        with log.open("wb") as lines:
            process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "run", "--config", config, "--state-dir", folder],
                stderr=lines,
                cwd=ROOT,
            )
        try:
            wait_for(log, process)
            yield process.pid
        finally:
            process.terminate()
            process.wait(30)


def new_database(server: PostgresServer, number: int) -> str:
    """The name of one whose statements are counted."""
    database = f"bench{number}"
    server.create_database(database)
    server.execute("CREATE EXTENSION pg_stat_statements", database)
    return database


def measure(run: Run, smppload: str, server: PostgresServer | None, number: int) -> Found:
    """A fresh gateway, on a fresh database or file."""
    clients, smsc = free_ports(2)
    database = new_database(server, number) if server else ""
    store = server.socket_url(database) if server else ""
    with gateway(config_text(clients, smsc, store)) as pid:
        command = [
            smppload, "both", "--smsc-port", str(smsc), "--target", f"127.0.0.1:{clients}",
            "--system-id", "bench", "--password", "bench-on", "--dlr", "on", "--timeout", "180",
            "--messages", str(run.messages), *run.options.split(),
        ]  # fmt: skip
        return _loaded(run, command, pid, server, database)


def _loaded(run: Run, command: list[str], pid: int, server: PostgresServer | None, database: str) -> Found:
    watch = Watch(server, database) if server is not None else None
    writers = children(pid)
    loop, writer, began = cpu_us(pid), sum(map(cpu_us, writers)), time.monotonic()
    tool, busy = sum(os.times()[2:4]), busy_s()
    said: dict[str, Any] = report_of(command)
    seconds, messages = time.monotonic() - began, run.messages
    resp = said["latency_ms"]["resp"]
    found = Found(
        run=run.name,
        store="SQLite" if server is None else "PostgreSQL",
        rate=said["complete"]["rate"],
        resp_p50_ms=resp["p50"],
        resp_p99_ms=resp["p99"],
        loop_us=(cpu_us(pid) - loop) / messages,
        writer_us=(sum(map(cpu_us, writers)) - writer) / messages,
        tool_us=1e6 * (sum(os.times()[2:4]) - tool) / messages,
        wrong=wrong(said),
    )
    if watch is not None:
        watch.read(found, messages, seconds)
    own_us = found.loop_us + found.writer_us + found.tool_us + found.server
    found.others_cores = max(0.0, (busy_s() - busy - own_us * messages / 1e6) / seconds)
    return found


COLUMNS = (
    "run", "wanted", "store", "messages/s", "resp p50 / p99, ms", "loop", "writer", "server: backend",
    "its others", "smppload", "messages a batch", "statements a batch", "WAL octets",
    "cores of others", "lost, doubled, missing",
)  # fmt: skip


def as_table(results: list[tuple[Run, Found]]) -> str:
    lines = [COLUMNS, ("---",) * len(COLUMNS)]
    for run, found in results:
        theirs = found.store == "PostgreSQL"
        others = found.server - found.server_us.get(BACKENDS, 0.0)
        lines.append((
            run.name, run.wanted if theirs else "", found.store, f"{found.rate:,.0f}",
            f"{found.resp_p50_ms:.1f} / {found.resp_p99_ms:.1f}", f"{found.loop_us:.0f}",
            f"{found.writer_us:.0f}",
            f"{found.server_us.get(BACKENDS, 0.0):.0f}" if theirs else "", f"{others:.0f}" if theirs else "",
            f"{found.tool_us:.0f}", f"{found.messages_per_batch:.0f}" if theirs else "",
            f"{found.statements_per_batch:.0f}" if theirs else "",
            f"{found.wal_octets:,.0f}" if theirs else "", f"{found.others_cores:.1f}", str(found.wrong),
        ))  # fmt: skip
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smppload", default=os.environ.get("SMPPLOAD", "smppload"), help="the built tool")
    parser.add_argument("--version", type=int, default=15, help="of PostgreSQL")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each; the median by rate counts")
    parser.add_argument("--write", type=Path, help="the page to write the table into")
    parser.add_argument("--json", type=Path, help="what benchmarks/scaling.py reads")
    args = parser.parse_args()
    results: list[tuple[Run, Found]] = []
    number = 0
    with PostgresServer(programs(args.version)) as server:
        server.settings |= SETTINGS | {"shared_preload_libraries": "pg_stat_statements"}
        server.create()
        for run in RUNS:
            tries: dict[bool, list[Found]] = {False: [], True: []}
            for _ in range(args.repeat):
                for theirs, list_ in tries.items():
                    number += 1
                    found = measure(run, args.smppload, server if theirs else None, number)
                    print(f"{run.name}, {found.store}: {found.rate:,.0f}/s", file=sys.stderr, flush=True)
                    list_.append(found)
            for list_ in tries.values():
                middle = statistics.median_low(found.rate for found in list_)
                results.append((run, next(found for found in list_ if found.rate == middle)))
    table = as_table(results)
    print(table)
    if args.write:
        write(args.write, table, "postgres figures")
    if args.json:
        rows = [asdict(found) for _, found in results]
        args.json.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n")
    return int(any(found.wrong for _, found in results))


if __name__ == "__main__":
    sys.exit(main())
