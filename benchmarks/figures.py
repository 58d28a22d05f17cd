"""Measures the figures of docs/performance.md with smppload, and writes the page.

    python benchmarks/figures.py --smppload PATH [--write docs/performance.md] [--quick]

Each run starts a fresh gateway from benchmarks/gateway.yaml in a temporary directory.  smppload plays both
the clients and the SMSC, on the same machine, so the figures say what gateway and tool do together.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "benchmarks" / "gateway.yaml"
PORTS = ("2775", "2776")


@dataclass(frozen=True)
class Run:
    """One load, and the figure that is read from it."""

    name: str
    options: str
    wanted: str
    upstream_binds: int = 1
    messages: int = 0


RUNS = (
    Run("4 binds, window 50", "--binds 4 --window 50", ">= 20,000/s, <= 60 µs", messages=300_000),
    Run("16 binds, window 10", "--binds 16 --window 10", ">= 0.8 of the first", messages=300_000),
    Run("1 bind, window 10", "--binds 1 --window 10", ">= 8,000/s", messages=100_000),
    Run("1 bind, window 1", "--binds 1 --window 1", "", messages=10_000),
    Run("fixed 2,000/s", "--binds 4 --window 50 --rate 2000", "p99 <= 5 ms", messages=40_000),
    Run("1,000 binds", "--binds 1000 --window 1", "RSS <= 100 MiB", messages=100_000),
    Run(
        "4 upstream binds, receipt before the response",
        "--binds 4 --window 50 --smsc-dlr-before-resp --smsc-dlr-spread --wait-smsc-binds 4",
        "0 receipts lost",
        upstream_binds=4,
        messages=200_000,
    ),
    Run(
        "1 % throttled",
        "--binds 4 --window 50 --smsc-throttle-pct 1",
        ">= 0.9 of the first",
        messages=300_000,
    ),
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smppload", default=os.environ.get("SMPPLOAD", "smppload"), help="the built tool")
    parser.add_argument("--write", type=Path, help="the page to write the table into")
    parser.add_argument("--quick", action="store_true", help="a tenth of the messages")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each; the median by rate counts")
    args = parser.parse_args()
    results = []
    for run in RUNS:
        print(f"{run.name} …", file=sys.stderr, flush=True)
        tries = [measure(run, args.smppload, args.quick) for _ in range(args.repeat)]
        tries.sort(key=lambda found: found["complete"]["rate"])
        results.append((run, tries[len(tries) // 2]))
    table = as_table(results)
    print(table)
    if args.write:
        write(args.write, table)
    bad = [run.name for run, found in results if found["ended"] != "complete" or wrong(found)]
    if bad:
        print("lost, doubled or corrupt: " + ", ".join(bad), file=sys.stderr)
    return 1 if bad else 0


def wrong(found: dict[str, Any]) -> int:
    """Messages and receipts that are not as they should be, as far as one side alone can know."""
    names = ("lost", "smsc_corrupt", "smsc_duplicates", "dlr_missing", "dlr_duplicates", "dlr_unmatched")
    return sum(found.get(name) or 0 for name in names)


def measure(run: Run, smppload: str, quick: bool) -> dict[str, Any]:
    """One run against a fresh gateway; smppload's JSON."""
    with tempfile.TemporaryDirectory(prefix="smsc-gateway-bench-") as folder:
        config = Path(folder, "gateway.yaml")
        text = CONFIG.read_text()
        if run.upstream_binds > 1:
            text = text.replace("  - name: smsc\n", f"  - name: smsc\n    binds: {run.upstream_binds}\n", 1)
        config.write_text(text)
        with Path(folder, "log").open("wb") as log:
            gateway = subprocess.Popen(
                [sys.executable, "-m", "gateway", "run", "--config", config, "--state-dir", folder],
                stderr=log,
                cwd=ROOT,
            )
            try:
                wait_for(Path(folder, "log"), gateway)
                return load(run, smppload, gateway.pid, quick)
            finally:
                gateway.terminate()
                gateway.wait(30)


def wait_for(log: Path, gateway: subprocess.Popen[bytes]) -> None:
    """Until the gateway says that it is ready."""
    deadline = time.monotonic() + 30
    while b" ready " not in log.read_bytes():
        if gateway.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"the gateway did not start:\n{log.read_text()}")
        time.sleep(0.05)


def load(run: Run, smppload: str, pid: int, quick: bool) -> dict[str, Any]:
    messages = run.messages // 10 if quick else run.messages
    command = [
        smppload, "both", "--smsc-port", PORTS[1], "--target", f"127.0.0.1:{PORTS[0]}",
        "--system-id", "bench", "--password", "bench-on", "--dlr", "on", "--timeout", "180",
        "--messages", str(messages), "--watch-pids", str(pid), *run.options.split(),
    ]  # fmt: skip
    return report_of(command)


def report_of(command: Sequence[str]) -> dict[str, Any]:
    """What smppload says at its end; the program ends when it says nothing."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout:
        raise SystemExit(f"smppload failed: {done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


COLUMNS = (
    "run",
    "wanted",
    "messages/s complete",
    "of the first",
    "CPU µs/message",
    "submit → resp p50 / p99, ms",
    "receipt p50, ms",
    "peak RSS, MiB",
    "lost, doubled, missing",
)


def as_table(results: list[tuple[Run, dict[str, Any]]]) -> str:
    """The figures as a table in Markdown."""
    first = results[0][1]["complete"]["rate"]
    lines = [COLUMNS, ("---",) * len(COLUMNS)]
    for run, found in results:
        latency, watch, rate = found["latency_ms"], found["watch"], found["complete"]["rate"]
        lines.append(
            (
                run.name,
                run.wanted,
                f"{rate:,.0f}",
                f"{rate / first:.2f}",
                f"{watch['cpu_us_per_message']:.1f}",
                f"{latency['resp']['p50']:.1f} / {latency['resp']['p99']:.1f}",
                f"{latency['receipt']['p50']:.1f}",
                f"{watch['peak_rss_mib']:.0f}",
                str(wrong(found)),
            )
        )
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def machine() -> str:
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    name = cpu[1].strip() if cpu else platform.machine()
    return f"{os.cpu_count()} × {name}, Linux {platform.release()}, CPython {platform.python_version()}"


def write(page: Path, table: str, name: str = "figures") -> None:
    """Puts the table between the page's two marks of that name."""
    text = page.read_text()
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    stamp = f"{datetime.now(UTC):%Y-%m-%d}, {machine()}"
    page.write_text(f"{before}{begin}\n{stamp}\n\n{table}\n{end}{after}")


if __name__ == "__main__":
    sys.exit(main())
