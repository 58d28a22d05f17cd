"""Measures what docs/performance.md says of HTTP for clients, and writes its table.

    python benchmarks/http_clients.py --smppload PATH [--write docs/performance.md] [--seconds S] [--repeat N]

wrk sends, each request another text; smppload plays the SMSC, which answers and sends receipts.  Each load
meets a fresh gateway, and so does Kannel's sendsms, with its messages in a spool, at the same SMSC; where
Kannel is not installed its rows are left out.  All of them share this machine, so the CPU time of the
processes that take the messages says more than the rate.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import ROOT, report_of, wait_for, write

CONFIG, SCRIPT = ROOT / "benchmarks" / "http_clients.yaml", ROOT / "benchmarks" / "http_clients.lua"
HOST, SMPP, SMSC, HTTP, KANNEL = "127.0.0.1", 2775, 2776, 2780, 2781
KANNEL_ADMIN, KANNEL_BOX = 2782, 2783
TICK = os.sysconf("SC_CLK_TCK")
BATCH = 100
SMPP_RATE = 1000
START_S = 30.0

KANNEL_CONFIG = f"""\
group = core
admin-port = {KANNEL_ADMIN}
admin-password = bench-on
admin-interface = {HOST}
smsbox-port = {KANNEL_BOX}
smsbox-interface = {HOST}
box-allow-ip = {HOST}
store-type = spool
store-location = "{{folder}}/spool"
dlr-storage = internal
log-file = "{{folder}}/bearerbox.log"
log-level = 3

group = smsbox
bearerbox-host = {HOST}
sendsms-port = {KANNEL}
sendsms-interface = {HOST}
log-file = "{{folder}}/smsbox.log"
log-level = 3

group = sendsms-user
username = bench
password = bench-on
max-messages = 10

group = sms-service
keyword = default
max-messages = 0
text = ""

group = smsc
smsc = smpp
smsc-id = smsc
host = {HOST}
port = {SMSC}
transceiver-mode = true
smsc-username = gateway
smsc-password = gateway
system-type = ""
interface-version = 34
max-pending-submits = 1000
reconnect-delay = 1
"""


@dataclass(frozen=True)
class Run:
    """One load."""

    name: str
    form: str
    """As http_clients.lua takes it."""
    wanted: str = ""
    connections: int = 64
    size: int = 1
    """Messages of a request."""


RUNS = (
    Run("send.php", "send", ">= 8,000/s, >= Kannel"),
    Run("POST /v1/messages, one", "one"),
    Run(f"POST /v1/messages, {BATCH} each", "batch", ">= 20,000/s", 8, BATCH),
)
OTHER = Run("Kannel's sendsms, spool", "kannel")
SMPP_RUN = Run("SMPP, 4 binds, window 50", "smpp")
SMPP_MESSAGES_A_SECOND = 5_000
"""Of the load over SMPP so many are sent for each second that the others last."""


@dataclass(frozen=True)
class Found:
    """What one run gave."""

    load: dict[str, Any]
    messages: int
    rate: float
    """Messages a second."""
    cpu_us: float
    """Of the processes that take them, for each message."""
    main_us: float
    """Of the first of these processes alone."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smppload", default=os.environ.get("SMPPLOAD", "smppload"), help="the built tool")
    parser.add_argument("--write", type=Path, help="the page to write the table into")
    parser.add_argument("--seconds", type=int, default=10, help="of each load, default %(default)s")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each; the median by rate counts")
    args = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed: apt-get install wrk")
    runs = [*RUNS, SMPP_RUN, *((OTHER,) if shutil.which("bearerbox") else ())]
    tries: dict[str, list[Found]] = {run.name: [] for run in runs}
    for _ in range(args.repeat):  # one after the other, so that what disturbs them disturbs all alike
        for run in runs:
            print(f"{run.name} …", file=sys.stderr, flush=True)
            tries[run.name].append(measure(run, args.seconds, args.smppload))
    found = [(run, sorted(tries[run.name], key=lambda one: one.rate)[args.repeat // 2]) for run in runs]
    calm = [beside(args.smppload, args.seconds, loaded=False) for _ in range(args.repeat)]
    busy = [beside(args.smppload, args.seconds, loaded=True) for _ in range(args.repeat)]
    text = (
        f"{as_table(found)}\n\n{beside_text(sorted(calm)[args.repeat // 2], sorted(busy)[args.repeat // 2])}"
    )
    print(text)
    if args.write:
        write(args.write, text, "http figures")
    bad = [run.name for run, one in found if one.load["bad"] or one.load["lost"]]
    if bad:
        print("refused or lost: " + ", ".join(bad), file=sys.stderr)
    return 1 if bad else 0


def measure(run: Run, seconds: int, smppload: str) -> Found:
    """One load at a fresh gateway, or at a fresh Kannel."""
    if run.form == "smpp":
        return measure_smpp(seconds, smppload)
    start = kannel if run.form == "kannel" else gateway
    with tempfile.TemporaryDirectory(prefix="smsc-gateway-bench-") as name, smsc(smppload):
        folder = Path(name)
        with start(folder) as pids:
            port = KANNEL if run.form == "kannel" else HTTP
            wrk(run, port, 1, 0)  # the password is known after this
            before = [cpu_s(pid) for pid in pids]
            load = wrk(run, port, seconds, 1_000_000)
            spent = [cpu_s(pid) - was for pid, was in zip(pids, before, strict=True)]
    messages = load["requests"] * run.size
    per_message = [1e6 * one / messages for one in spent]
    return Found(load, messages, messages / load["seconds"], sum(per_message), per_message[0])


def measure_smpp(seconds: int, smppload: str) -> Found:
    """The same gateway with the same messages over SMPP: what HTTP costs can be compared with it."""
    command = [
        *(smppload, "both", "--smsc-port", str(SMSC), "--target", f"{HOST}:{SMPP}", "--len", "22"),
        *("--system-id", "bench", "--password", "bench-on", "--binds", "4", "--window", "50"),
        *("--messages", str(SMPP_MESSAGES_A_SECOND * seconds), "--timeout", "180", "--dlr", "on"),
    ]
    with (
        tempfile.TemporaryDirectory(prefix="smsc-gateway-bench-") as name,
        gateway(Path(name), linked=False) as pids,
    ):
        before = [cpu_s(pid) for pid in pids]
        report = report_of(command)
        spent = [cpu_s(pid) - was for pid, was in zip(pids, before, strict=True)]
    messages, latency = report["accepted"], report["latency_ms"]["resp"]
    load = {"bad": report["rejected"], "lost": report["lost"]}
    load |= {"p50_ms": latency["p50"], "p99_ms": latency["p99"]}
    per_message = [1e6 * one / messages for one in spent]
    return Found(load, messages, report["complete"]["rate"], sum(per_message), per_message[0])


def wrk(run: Run, port: int, seconds: int, first: int) -> dict[str, Any]:
    """A load of so many seconds; what http_clients.lua says of it."""
    command = [
        *("wrk", "-t1", f"-c{run.connections}", f"-d{seconds}s", "--latency", "-s", str(SCRIPT)),
        *(f"http://{HOST}:{port}", "--", run.form, str(run.size), str(first)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not done.stderr.startswith("{"):
        raise SystemExit(f"wrk failed: {done.stderr}{done.stdout}")
    found: dict[str, Any] = json.loads(done.stderr)
    return found


def beside(smppload: str, seconds: int, *, loaded: bool) -> float:
    """The p99 (ms) of submit_sm to its response at a fixed rate, with or without all that HTTP can send."""
    with tempfile.TemporaryDirectory(prefix="smsc-gateway-bench-") as name:
        command = [
            *(smppload, "both", "--smsc-port", str(SMSC), "--target", f"{HOST}:{SMPP}", "--dlr", "on"),
            *("--system-id", "bench", "--password", "bench-on", "--binds", "4", "--window", "50"),
            *("--rate", str(SMPP_RATE), "--messages", str(SMPP_RATE * seconds), "--timeout", "180"),
        ]
        with gateway(Path(name), linked=False):
            load = None
            if loaded:
                load = subprocess.Popen(
                    [
                        *("wrk", "-t1", "-c64", f"-d{seconds + 5}s", "-s", str(SCRIPT)),
                        *(f"http://{HOST}:{HTTP}", "--", "send", "1", "0"),
                    ],
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            try:
                return float(report_of(command)["latency_ms"]["resp"]["p99"])
            finally:
                if load is not None:
                    load.terminate()
                    load.wait(10)


# -- processes -----------------------------------------------------------------------------------------------


@contextmanager
def gateway(folder: Path, *, linked: bool = True) -> Iterator[Sequence[int]]:
    """A gateway with its SMSC; its processes, that of the listeners first."""
    log = folder / "log"
    command = [sys.executable, "-m", "gateway", "run", "--config", str(CONFIG), "--state-dir", str(folder)]
    with log.open("wb") as file:
        process = subprocess.Popen(command, stderr=file, cwd=ROOT)
    try:
        wait_for(log, process)
        time.sleep(2 if linked else 0.5)  # it binds, and its first commits are behind it
        yield (process.pid, *children_of(process.pid))
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def kannel(folder: Path) -> Iterator[Sequence[int]]:
    """Kannel's two boxes."""
    (folder / "spool").mkdir()
    config = folder / "kannel.conf"
    config.write_text(KANNEL_CONFIG.format(folder=folder))
    boxes: list[subprocess.Popen[bytes]] = []
    try:
        for name in ("bearerbox", "smsbox"):
            command = [str(shutil.which(name)), str(config)]
            boxes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            time.sleep(2)
        yield [box.pid for box in reversed(boxes)]
    finally:
        for box in reversed(boxes):
            box.terminate()
            try:
                box.wait(15)
            except subprocess.TimeoutExpired:
                box.kill()
                box.wait(5)


@contextmanager
def smsc(smppload: str) -> Iterator[None]:
    """An SMSC that takes everything."""
    process = subprocess.Popen(
        [smppload, "smsc", "--smsc-port", str(SMSC)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def children_of(parent: int) -> list[int]:
    """The processes that one has started, and theirs."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has just ended
            if int(fields[1]) == parent:
                found += [int(entry.name), *children_of(int(entry.name))]
    return found


def cpu_s(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


# -- the page ------------------------------------------------------------------------------------------------

COLUMNS = (
    *("load", "wanted", "messages/s", "of Kannel", "CPU µs/message", "of SMPP's"),
    "of which the process that listens, µs",
    *("p50 / p99, ms", "refused or lost"),
)


def as_table(results: Sequence[tuple[Run, Found]]) -> str:
    """The figures as a table in Markdown."""
    base = next((found.rate for run, found in results if run.form == "kannel"), 0.0)
    smpp = next(found.cpu_us for run, found in results if run.form == "smpp")
    lines = [COLUMNS, ("---",) * len(COLUMNS)]
    for run, found in results:
        load = found.load
        lines.append(
            (
                run.name,
                run.wanted,
                f"{found.rate:,.0f}",
                f"{found.rate / base:.2f}" if base else "",
                f"{found.cpu_us:.0f}",
                f"{found.cpu_us / smpp:.1f}",
                f"{found.main_us:.0f}",
                f"{load['p50_ms']:.1f} / {load['p99_ms']:.1f}",
                str(load["bad"] + load["lost"]),
            )
        )
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def beside_text(calm: float, busy: float) -> str:
    """The sentence about SMPP beside HTTP."""
    return (
        f"SMPP at {SMPP_RATE:,} messages/s, p99 of submit_sm to its response: {calm:.1f} ms alone, "
        f"{busy:.1f} ms with as much HTTP as the gateway takes ({busy / calm:.1f} times; wanted: at most 2)."
    )


if __name__ == "__main__":
    sys.exit(main())
