"""What metrics cost: the same load beside each other with and without them.

    python benchmarks/metrics_cost.py --smppload PATH [--pairs 5] [--write docs/metrics.md]

Without: the statements that observe a time are taken out of the gateway's source as it is loaded, it has no
pages, and nobody asks for anything.  With: as it is, with its pages, and Prometheus' question each 5 s.

Two gateways run at the same time, so whatever else the machine does, it does to both; one after the other
differ by more than what is measured.  What counts is the CPU time for a message: of the gateway's process,
which is what its throughput ends at, and of all its processes.
"""

from __future__ import annotations

import argparse
import ast
import importlib.abc
import importlib.machinery
import importlib.util
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from figures import CONFIG, ROOT, report_of, wait_for, write, wrong

from gateway.ops.processes import cpu_s, resident_octets

OBSERVING = {"observe", "observe_since"}
GATHERING = {"_answered_of"}
"""What is kept only to be observed."""
SCRAPE_S = 5.0
WITHOUT, WITH = "without", "with"


# -- a gateway without ---------------------------------------------------------------------------------


class Removed(ast.NodeTransformer):
    """Source without the statements that observe; `count` says how many there were."""

    def __init__(self) -> None:
        self.count = 0

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        call = node.value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            owner = call.func.value
            gathers = isinstance(owner, ast.Attribute) and owner.attr in GATHERING
            if call.func.attr in OBSERVING or gathers:
                self.count += 1
                return ast.copy_location(ast.Pass(), node)
        return node


class Loader(importlib.machinery.SourceFileLoader):
    """Loads a module without them."""

    def source_to_code(self, data: object, path: object, *, _optimize: int = -1) -> object:  # type: ignore[override]
        tree = Removed().visit(ast.parse(data))  # type: ignore[call-overload]
        return compile(tree, str(path), "exec", optimize=_optimize)

    def get_code(self, fullname: str) -> object:  # type: ignore[override]
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class Finder(importlib.abc.MetaPathFinder):
    """Finds the gateway's modules for it."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not name.startswith("gateway."):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None and spec.origin and not spec.submodule_search_locations:
            spec.loader = Loader(name, spec.origin)
        return spec


def as_gateway(arguments: Sequence[str]) -> int:
    """The gateway's command in this process, without observing."""
    for name in [one for one in sys.modules if one.startswith("gateway.")]:
        del sys.modules[name]
    sys.meta_path.insert(0, Finder())
    from gateway.__main__ import main as gateway

    sys.argv = ["smsc-gateway", *arguments]
    return gateway() or 0


# -- one run -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """One run's figures."""

    rate: float
    """Messages a second, accepted, sent and receipted."""
    gateway_us: float
    all_us: float
    """CPU for a message: the gateway's process, all of its processes."""
    scrapes: int
    scrape_ms: float


def run(mode: str, messages: int, smppload: str) -> Found:
    """A fresh gateway, one load."""
    with tempfile.TemporaryDirectory(prefix="smsc-gateway-bench-") as folder:
        clients, smsc, pages = free_ports(3)
        text = CONFIG.read_text().replace("2775", str(clients)).replace("2776", str(smsc))
        text = re.sub(r"  smtp:\n.*\n(?=mail:)", "", text)
        text = re.sub(r"mail:\n(?:  .*\n)+(?=accounts)", "", text)
        text = re.sub(r"    mail:\n      networks: .*\n", "", text)
        program = (
            [sys.executable, __file__, "--as-gateway"]
            if mode == WITHOUT
            else [sys.executable, "-m", "gateway"]
        )
        if mode == WITH:
            hashed = re.search(r"scrypt\S+", text)
            assert hashed is not None
            user = f"{{name: admin, role: viewer, password_hash: {hashed[0]}}}"
            text += f"web:\n  address: 127.0.0.1:{pages}\n  users: [{user}]\n"
        config = Path(folder, "gateway.yaml")
        config.write_text(text)
        with (
            Path(folder, "log").open("wb") as log,
            subprocess.Popen(
                [*program, "run", "--config", str(config), "--state-dir", folder], stderr=log, cwd=ROOT
            ) as gateway,
        ):
            try:
                wait_for(Path(folder, "log"), gateway)
                with scraping(pages if mode == WITH else 0) as times:
                    return measure(messages, smppload, gateway.pid, clients, smsc, times)
            finally:
                gateway.terminate()
                gateway.wait(30)


def measure(messages: int, smppload: str, pid: int, clients: int, smsc: int, times: list[float]) -> Found:
    command = [
        smppload, "both", "--smsc-port", str(smsc), "--target", f"127.0.0.1:{clients}",
        "--system-id", "bench", "--password", "bench-on", "--dlr", "on", "--timeout", "180",
        "--messages", str(messages), "--binds", "4", "--window", "50",
    ]  # fmt: skip
    before = cpu_of(pid)
    found = report_of(command)
    after = cpu_of(pid)
    if found["ended"] != "complete" or wrong(found):
        raise SystemExit(f"messages are missing or wrong: {found}")
    own = 1e6 * (after[pid] - before[pid]) / messages
    both = 1e6 * sum(after[one] - before.get(one, 0.0) for one in after) / messages
    took_ms = 1000 * statistics.median(times) if times else 0.0
    return Found(found["complete"]["rate"], own, both, len(times), took_ms)


def cpu_of(pid: int) -> dict[int, float]:
    """Seconds of CPU of a gateway and of its children, by process."""
    listed = subprocess.run(
        ["ps", "--ppid", str(pid), "-o", "pid="], capture_output=True, text=True, check=False
    )
    children = map(int, listed.stdout.split())
    return {one: cpu_s(one) or 0.0 for one in (pid, *children) if resident_octets(one)}


@contextmanager
def scraping(port: int) -> Iterator[list[float]]:
    """Asks as Prometheus does, each 5 s; how long each answer took. 0: nobody asks."""
    times: list[float] = []
    over = threading.Event()

    def scrape() -> None:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/metrics",
            headers={"Accept": "application/openmetrics-text;version=1.0.0"},
        )
        began = time.perf_counter()
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert b"smsc_gateway_ready 1" in answer.read()
        times.append(time.perf_counter() - began)

    def scrape_on() -> None:
        while not over.wait(SCRAPE_S):
            scrape()

    thread = threading.Thread(target=scrape_on)
    if port:
        scrape_patiently(scrape)  # what the first question loads is no running cost
        thread.start()
    try:
        yield times
    finally:
        over.set()
        if port:
            thread.join()


def scrape_patiently(scrape: Callable[[], None]) -> None:
    """The pages come a moment after the gateway."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return scrape()
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


# -- all of them ---------------------------------------------------------------------------------------


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smppload", default="smppload", help="the built tool")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--messages", type=int, default=200_000, help="in each run")
    parser.add_argument("--write", type=Path, help="the page to write the table into")
    args = parser.parse_args()
    run(WITH, args.messages // 10, args.smppload)  # what is cold is cold for nobody
    found: dict[str, list[Found]] = {WITHOUT: [], WITH: []}
    for pair in range(args.pairs):
        modes = (WITHOUT, WITH) if pair % 2 else (WITH, WITHOUT)
        with ThreadPoolExecutor(2) as both:
            runs = {mode: both.submit(run, mode, args.messages, args.smppload) for mode in modes}
        for mode, one in runs.items():
            found[mode].append(one.result())
            print(f"{mode:8}{found[mode][-1]}", file=sys.stderr, flush=True)
    table = as_table(found, args.messages)
    print(table)
    if args.write:
        write(args.write, table, "cost")
    return 0


def as_table(found: dict[str, list[Found]], messages: int) -> str:
    """Medians, and the median of the pairs' ratios."""
    lines = [
        "| | messages/s | CPU of the gateway's process, µs/message | of all its processes |",
        "|---|---|---|---|",
    ]
    columns = ("rate", "gateway_us", "all_us")
    for mode, runs in found.items():
        cells = [f"{statistics.median(getattr(one, name) for one in runs):,.1f}" for name in columns]
        lines.append(f"| {mode} | {' | '.join(cells)} |")
    pairs = list(zip(found[WITHOUT], found[WITH], strict=True))
    ratios = [sorted(getattr(b, name) / getattr(a, name) for a, b in pairs) for name in columns]
    cells = [f"{statistics.median(row):.3f} ({row[0]:.3f} to {row[-1]:.3f})" for row in ratios]
    lines.append(f"| with / without, median of the pairs (lowest to highest) | {' | '.join(cells)} |")
    scrapes = sum(one.scrapes for one in found[WITH])
    took_ms = statistics.median(one.scrape_ms for one in found[WITH])
    said = f"{scrapes} answers to Prometheus, {took_ms:.0f} ms each"
    lines += ["", f"{len(pairs)} pairs of {messages:,} messages; {said}."]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(as_gateway(sys.argv[2:]) if sys.argv[1:2] == ["--as-gateway"] else main())
