"""Measures what docs/performance.md says of an SMSC service over HTTP, and writes its table.

    python benchmarks/service.py --smppload PATH [--write docs/performance.md] [--quick] [--repeat N]
        [--tries N] [--only N …]

smppload plays the clients, `smsc-gateway simulate --http` in a process of its own the service, with all of
its limits on: 15 requests at once, one identical per minute, and so on, are error 9.  Both share this machine
with the gateway, which is started afresh for each run.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from figures import ROOT, report_of, wait_for, write
from kill import EXECUTABLE, HOST, free_port
from mail import TRIES, Machine

from gateway.cli.daemon_client import ask
from gateway.core.passwords import hash_password

MESSAGES = 20_000
ASKED = 10_000
RATE, RATE_S = 500, 20
LOOK_S = 0.1
START_S = 30.0
ONE_BY_ONE = 1
ALL_TOGETHER = 100

SIMULATED = (
    *("--no-http-magic", "--http-balance", "99999999", "--http-handler-calls", "64"),
    *("--http-operator-ms", "20", "--http-final-ms", "50", "--http-handler-statuses", "final"),
)

CONFIG = """\
listeners:
  smpp:
    - address: {host}:{port}
{listener}accounts:
  - system_id: bench
    password_hash: {password_hash}
    window: 1000
    max_open: 10000000
smsc_connectors:
  - name: service
    url: {url}
    login: bench
    password: {service_password}
    list_max: {list_max}
{callback}routes:
  - connectors: [service]
"""
LISTENER = """\
  callbacks:
    - address: {host}:{callback_port}
"""
CALLBACK = """\
    callback:
      path: /calls
      secret: {secret}
"""


@dataclass(frozen=True)
class Run:
    """One load."""

    name: str
    wanted: str
    messages: int
    list_max: int = ALL_TOGETHER
    calls: bool = True
    """Receipts come by calls; else they are asked for."""
    rate: int = 0
    repeat: bool = True


RUNS = (
    Run(f"{MESSAGES:,} texts, receipts by calls", ">= 500/s", MESSAGES),
    Run(f"{MESSAGES:,} texts, each in a request of its own", "", MESSAGES, ONE_BY_ONE),
    Run(f"{ASKED:,} texts, receipts by asking", ">= 500/s", ASKED, calls=False, repeat=False),
    Run(f"fixed {RATE}/s for {RATE_S} s, receipts by calls", "", RATE * RATE_S, rate=RATE),
)


@dataclass(frozen=True)
class Found:
    """What one run gave."""

    load: dict[str, Any]
    """smppload's JSON."""
    counters: dict[str, Any]
    """The service's."""
    ledger: dict[str, Any]
    rate: float
    """Texts per second that the service accepted, from its first to its last one."""

    @property
    def error_9(self) -> int:
        return int(self.counters["errors_by_number"].get("9", 0))

    @property
    def requests(self) -> int:
        return int(self.counters["requests_by_operation"]["send"])

    @property
    def wrong(self) -> int:
        """Texts that were not accepted by the service just once, and receipts that did not come just once."""
        missing = self.load["accepted"] - self.ledger["accepted"]
        doubled = len(self.ledger["repeated_texts"]) + len(self.ledger["repeated_id_phone"])
        names = ("dlr_missing", "dlr_duplicates", "dlr_unmatched")
        return int(abs(missing) + doubled + sum(self.load[name] for name in names))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smppload", default=os.environ.get("SMPPLOAD", "smppload"), help="the built tool")
    parser.add_argument("--write", type=Path, help="the page to write the table into")
    parser.add_argument("--quick", action="store_true", help="a tenth of the messages")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each; the median by rate counts")
    parser.add_argument(
        "--tries", type=int, default=TRIES, help="of a run that other processes disturb, default %(default)s"
    )
    parser.add_argument("--only", type=int, nargs="*", metavar="N", help="runs by number from 1")
    args = parser.parse_args()
    machine = Machine(args.tries)
    results = []
    for number, run in enumerate(RUNS, 1):
        if args.only and number not in args.only:
            continue
        print(f"{run.name} …", file=sys.stderr, flush=True)
        count = run.messages // 10 if args.quick else run.messages
        one = partial(measure, run, count, args.smppload)
        tries = [machine.undisturbed(one) for _ in range(args.repeat if run.repeat else 1)]
        tries.sort(key=lambda found: found.rate)
        results.append((run, tries[len(tries) // 2]))
    table = as_table(results)
    table += f"\n\nOther processes used at most {machine.worst:.0%} of a core meanwhile."
    print(table)
    if args.write:
        write(args.write, table, "service figures")
    bad = [run.name for run, found in results if found.load["ended"] != "complete" or found.wrong]
    if bad:
        print("lost, doubled or missing: " + ", ".join(bad), file=sys.stderr)
    return 1 if bad else 0


def measure(run: Run, messages: int, smppload: str) -> Found:
    """One run against a fresh gateway and a fresh service."""
    port, callback_port = free_port(), free_port()
    secret = secrets.token_hex(8)
    with tempfile.TemporaryDirectory(prefix="smsc-gateway-bench-") as name:
        folder = Path(name)
        handler = f"http://{HOST}:{callback_port}/calls?sha1={secret}" if run.calls else ""
        with service(folder, handler) as url:
            text = CONFIG.format(
                host=HOST,
                port=port,
                listener=LISTENER.format(host=HOST, callback_port=callback_port) if run.calls else "",
                password_hash=hash_password("bench-on"),
                url=url,
                service_password=secret,
                list_max=run.list_max,
                callback=CALLBACK.format(secret=secret) if run.calls else "",
            )
            (folder / "gateway.yaml").write_text(text)
            with gateway(folder) as process, Look(url, messages) as look:
                load = submit(run, messages, smppload, port, process.pid)
                counters, ledger = page(url, "counters"), page(url, "ledger")
    return Found(load, counters, ledger, look.rate)


@contextmanager
def service(folder: Path, handler: str) -> Iterator[str]:
    """A simulated service; its URL."""
    url = f"{HOST}:{free_port()}"
    (folder / "handler").write_text(handler)
    given = ("--http-handler-file", str(folder / "handler")) if handler else ()
    process = subprocess.Popen(
        [EXECUTABLE, "simulate", "--http", url, *SIMULATED, *given], stdout=subprocess.DEVNULL
    )
    try:
        _until(process, partial(page, f"http://{url}", "counters"))
        yield f"http://{url}"
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def gateway(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A gateway whose connector is bound."""
    command = [EXECUTABLE, "run", "--config", str(folder / "gateway.yaml"), "--state-dir", str(folder)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log, cwd=ROOT)
        try:
            wait_for(folder / "log", process)
            _until(process, lambda: ask(folder, "status")["connectors"][0]["state"] == "bound")
            yield process
        finally:
            process.terminate()
            process.wait(60)


def _until(process: subprocess.Popen[bytes], holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            if holds():
                return
        except OSError:
            pass  # it does not listen yet
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"{process.args!r} does not get ready")
        time.sleep(0.05)


class Look:
    """Looks at what the service has accepted, beside the load."""

    def __init__(self, url: str, messages: int) -> None:
        self._url = url
        self._messages = messages
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.rate = 0.0

    def __enter__(self) -> Look:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        began = seen = 0.0
        while not self._over.wait(LOOK_S):
            accepted = page(self._url, "counters")["accepted"]
            now = time.monotonic()
            if accepted and not began:
                began, seen = now, accepted
            if accepted >= self._messages:
                self.rate = (accepted - seen) / max(now - began, LOOK_S)
                return


def page(url: str, name: str) -> dict[str, Any]:
    """One of the simulated service's pages for tests."""
    with urlopen(f"{url}/simulator/{name}", timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def submit(run: Run, messages: int, smppload: str, port: int, pid: int) -> dict[str, Any]:
    """Lets smppload submit, and wait for all receipts."""
    command = [
        smppload, "esme", "--target", f"{HOST}:{port}", "--system-id", "bench", "--password", "bench-on",
        "--binds", "4", "--window", "100", "--dlr", "on", "--timeout", "900", "--idle-timeout", "150",
        "--messages", str(messages), "--rate", str(run.rate), "--watch-pids", str(pid),
    ]  # fmt: skip
    return report_of(command)


COLUMNS = (
    "run",
    "wanted",
    "texts/s at the service",
    "last receipt after, s",
    "CPU µs/text",
    "requests to send",
    "error 9",
    "submit → resp p50 / p99, ms",
    "receipt p50 / p99, ms",
    "peak RSS, MiB",
    "lost, doubled, missing",
)


def as_table(results: Sequence[tuple[Run, Found]]) -> str:
    """The figures as a table in Markdown."""
    lines = [COLUMNS, ("---",) * len(COLUMNS)]
    for run, found in results:
        latency, watch = found.load["latency_ms"], found.load["watch"]
        lines.append(
            (
                run.name,
                run.wanted,
                f"{found.rate:,.0f}",
                f"{found.load['complete']['seconds']:,.1f}",
                f"{watch['cpu_us_per_message']:,.0f}",
                f"{found.requests:,}",
                str(found.error_9),
                f"{latency['resp']['p50']:.1f} / {latency['resp']['p99']:.1f}",
                f"{latency['receipt']['p50']:,.0f} / {latency['receipt']['p99']:,.0f}",
                f"{watch['peak_rss_mib']:.0f}",
                str(found.wrong),
            )
        )
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    sys.exit(main())
