"""Measures what docs/performance.md says of mail, and writes its table.

    python benchmarks/mail.py --smppload PATH [--write docs/performance.md] [--quick]

Mails come from Postfix's smtp-source; SMPP traffic and both SMSCs are smppload's.  All share this machine
with the gateway, which is started afresh for each run from gateway.yaml and mail.yaml.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

from figures import CONFIG, ROOT, wait_for, write
from mail_bombs import BOMBS, Pinger, send_bombs

from gateway.cli.daemon_client import ask

MAIL_CONFIG = ROOT / "benchmarks" / "mail.yaml"
HOST = "127.0.0.1"
SENDER, RECIPIENT = "bench@example.org", "79990001@sms.example.org"
CONNECTIONS = 20
KEPT, SINGLE = 40_000, 20_000
RATE, RATE_S = 2000, 10
TRIES, QUIET_WAIT_S = 5, 30
OTHERS_MAX = 0.1  # of a core
SETTLE_S = 60
TICKS = os.sysconf("SC_CLK_TCK")

T = TypeVar("T")


@dataclass(frozen=True)
class Ports:
    """Where the gateway listens, and where its two SMSCs do."""

    smpp: int
    smsc: int
    smtp: int
    mail_smsc: int


@dataclass(frozen=True)
class Gateway:
    """A running gateway with its folder."""

    process: subprocess.Popen[bytes]
    folder: Path
    ports: Ports

    def status(self) -> dict[str, Any]:
        answer: dict[str, Any] = ask(self.folder, "status")
        return answer

    def cpu_s(self) -> float:
        """CPU that its processes have used so far, in seconds."""
        return sum(_cpu_s(pid) for pid in _family(self.process.pid))

    def peak_mib(self) -> float:
        """The sum of its processes' peaks of memory, in MiB."""
        return sum(_peak_kib(pid) for pid in _family(self.process.pid)) / 1024

    def settle(self) -> None:
        """Until nothing is open any more."""
        until = time.monotonic() + SETTLE_S
        while self.status()["open_messages"]:
            if time.monotonic() > until:
                raise SystemExit("messages stay open: the SMSC does not answer")
            time.sleep(0.05)


class Machine:
    """Sees what else runs here, and measures again what that has disturbed."""

    def __init__(self, tries: int = TRIES) -> None:
        self._tries = tries
        self.worst = 0.0  # other processes' share of a core, during what counted

    def undisturbed(self, measure: Callable[[], T]) -> T:
        """What `measure` gives when others use hardly any CPU meanwhile; at last, when they do."""
        for attempt in range(self._tries):
            for _ in range(QUIET_WAIT_S if self._tries > 1 else 0):
                if _beside_others(partial(time.sleep, 1))[1] <= OTHERS_MAX:
                    break
            found, share = _beside_others(measure)
            if share <= OTHERS_MAX or attempt == self._tries - 1:
                break
            print(f"others used {share:.0%} of a core: again", file=sys.stderr, flush=True)
        self.worst = max(self.worst, share)
        return found


def _beside_others(work: Callable[[], T]) -> tuple[T, float]:
    """What `work` gives, and other processes' share of a core meanwhile."""
    others, began = _busy_s() - _own_s(), time.monotonic()
    found = work()
    return found, max(0.0, (_busy_s() - _own_s() - others) / (time.monotonic() - began))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smppload", default=os.environ.get("SMPPLOAD", "smppload"), help="the built tool")
    parser.add_argument("--write", type=Path, help="the page to write the table into")
    parser.add_argument("--quick", action="store_true", help="a tenth of the mails and seconds")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each; the median counts")
    args = parser.parse_args()
    scale = 10 if args.quick else 1
    machine = Machine()
    rows = [
        rate_row(machine, f"{CONNECTIONS} kept connections", ">= 3,000/s", KEPT // scale, args, kept=True),
        rate_row(machine, "a connection for each mail", ">= 1,000/s", SINGLE // scale, args, kept=False),
        latency_row(machine, args, RATE_S // scale or 1),
        *bomb_rows(args),
        ("CPU of other processes during the first three", "", f"at most {machine.worst:.0%} of a core"),
    ]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in (COLUMNS, ("---",) * len(COLUMNS), *rows))
    print(table)
    if args.write:
        write(args.write, table, "mail figures")
    return 0


COLUMNS = ("run", "wanted", "found")


def rate_row(
    machine: Machine, name: str, wanted: str, mails: int, args: argparse.Namespace, *, kept: bool
) -> Sequence[str]:
    """Mails per second, until 250 and until the last receipt is there, and their CPU."""
    measure = partial(_rate, mails, args.smppload, kept=kept)
    tries = sorted(machine.undisturbed(measure) for _ in range(args.repeat))
    rate, complete, cpu_us, mib = tries[len(tries) // 2]
    found = f"{rate:,.0f}/s answered, {complete:,.0f}/s to the last receipt, {cpu_us:.0f} µs CPU per mail"
    return f"{mails:,} mails, {name}", wanted, f"{found}, peak RSS {mib:.0f} MiB"


def _rate(mails: int, smppload: str, *, kept: bool) -> tuple[float, float, float, float]:
    with running(smppload) as gateway:
        cpu = gateway.cpu_s()
        began = time.monotonic()
        subprocess.run(mail_source(gateway.ports, mails, kept=kept), check=True)
        answered = time.monotonic() - began
        gateway.settle()
        whole = time.monotonic() - began
        used = gateway.cpu_s() - cpu
        counts = gateway.status()
        if counts["accepted"] != mails:
            raise SystemExit(f"{counts['accepted']} of {mails} mails were taken")
        return mails / answered, mails / whole, used / mails * 1e6, gateway.peak_mib()


def latency_row(machine: Machine, args: argparse.Namespace, seconds: int) -> Sequence[str]:
    """The p99 of a fixed SMPP rate, alone and beside mail at full load, by turns."""
    alone, beside = [], []
    for _ in range(args.repeat):
        alone.append(machine.undisturbed(partial(_alone, args.smppload, seconds)))
        beside.append(machine.undisturbed(partial(_beside_mail, args.smppload, seconds)))
    p50, p99 = sorted(alone, key=itemgetter(1))[len(alone) // 2]
    slower_p50, slower_p99, mails = sorted(beside, key=itemgetter(1))[len(beside) // 2]
    found = (
        f"p50 / p99 {p50:.1f} / {p99:.1f} ms alone, {slower_p50:.1f} / {slower_p99:.1f} ms "
        f"beside {mails:,.0f} mails/s: {slower_p99 / p99:.1f} × the p99"
    )
    return f"{RATE:,} SMPP messages/s for {seconds} s beside mail", "<= 2 × the p99", found


def _alone(smppload: str, seconds: int) -> tuple[float, float]:
    with running(smppload) as gateway:
        return _smpp_latency(smppload, gateway.ports, seconds)


def _beside_mail(smppload: str, seconds: int) -> tuple[float, float, float]:
    with running(smppload) as gateway:
        source = subprocess.Popen(mail_source(gateway.ports, 1_000_000, kept=True), stderr=subprocess.DEVNULL)
        try:
            time.sleep(1)
            before, began = gateway.status()["accepted"], time.monotonic()
            latency = _smpp_latency(smppload, gateway.ports, seconds)
            taken, took = gateway.status()["accepted"] - before, time.monotonic() - began
        finally:
            source.terminate()
            source.wait()
    return *latency, (taken - RATE * seconds) / took


def _smpp_latency(smppload: str, ports: Ports, seconds: int) -> tuple[float, float]:
    command = [
        smppload, "both", "--smsc-port", str(ports.smsc), "--target", f"{HOST}:{ports.smpp}",
        "--system-id", "bench", "--password", "bench-on", "--dlr", "on", "--timeout", "120",
        "--binds", "4", "--window", "50", "--rate", str(RATE), "--messages", str(RATE * seconds),
        "--dst-prefix", "999990",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout:
        raise SystemExit(f"smppload failed: {done.stderr}")
    found = json.loads(done.stdout)
    if found["ended"] != "complete" or found["lost"] or found["dlr_missing"]:
        raise SystemExit(f"the SMPP traffic suffered: {found}")
    return found["latency_ms"]["resp"]["p50"], found["latency_ms"]["resp"]["p99"]


def bomb_rows(args: argparse.Namespace) -> Iterator[Sequence[str]]:
    """The longest wait for an enquire_link's answer while bombs come, four at a time."""
    with (
        running(args.smppload) as gateway,
        Pinger(HOST, gateway.ports.smpp, "bench", "bench-on") as pinger,
    ):
        pinger.ping_while(_a_second)
        yield "an enquire_link every 20 ms, no mail", "", f"longest wait {pinger.longest_ms():.0f} ms"
        for name in BOMBS:
            replies = pinger.ping_while(
                partial(send_bombs, name, HOST, gateway.ports.smtp, SENDER, RECIPIENT)
            )
            said = ", ".join(sorted(set(replies)))
            found = f"longest wait {pinger.longest_ms():.0f} ms; {said}"
            yield f"the same, {len(replies)} mails of {name}", "<= 500 ms", found
        found = f"{gateway.peak_mib():.0f} MiB"
        yield "peak RSS after all of them", "", found


def _a_second() -> list[str]:
    time.sleep(1)
    return []


def mail_source(ports: Ports, mails: int, *, kept: bool) -> list[str]:
    """The command that sends so many mails, each to a number of its own."""
    program = shutil.which("smtp-source", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise SystemExit("smtp-source is missing: apt-get install postfix")
    command = [program, *(["-d"] if kept else []), "-N", "-s", str(CONNECTIONS), "-m", str(mails)]
    return [*command, "-f", SENDER, "-t", RECIPIENT, f"{HOST}:{ports.smtp}"]


@contextmanager
def running(smppload: str) -> Iterator[Gateway]:
    """A fresh gateway, bound to the SMSC for mail."""
    with tempfile.TemporaryDirectory(prefix="smsc-gateway-bench-") as name:
        folder = Path(name)
        ports = _write_configuration(folder)
        smsc = subprocess.Popen(
            [smppload, "smsc", "--smsc-port", str(ports.mail_smsc)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "gateway",
                    "run",
                    "--config",
                    folder / "gateway.yaml",
                    "--state-dir",
                    folder,
                ],
                stderr=log,
                cwd=ROOT,
            )
            try:
                wait_for(folder / "log", process)
                gateway = Gateway(process, folder, ports)
                while gateway.status()["connectors"][1]["state"] != "bound":
                    time.sleep(0.05)
                yield gateway
            finally:
                process.terminate()
                process.wait(30)
                smsc.send_signal(signal.SIGTERM)
                smsc.wait(10)


def _write_configuration(folder: Path) -> Ports:
    """gateway.yaml and mail.yaml, on ports that are free."""
    sockets = [socket.create_server((HOST, 0)) for _ in range(4)]
    ports = Ports(*(s.getsockname()[1] for s in sockets))
    for s in sockets:
        s.close()
    (folder / "conf.d").mkdir()
    for source, copy in ((CONFIG, folder / "gateway.yaml"), (MAIL_CONFIG, folder / "conf.d" / "mail.yaml")):
        text = source.read_text()
        for usual, port in zip(("2775", "2776", "2525", "2777"), astuple(ports), strict=True):
            text = text.replace(f"127.0.0.1:{usual}", f"{HOST}:{port}")
        copy.write_text(text)
    return ports


def _busy_s() -> float:
    """CPU that all processes of this machine have used, in seconds."""
    user, nice, system, _, _, *rest = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(rest)) / TICKS


def _own_s() -> float:
    """CPU of this process and of the children that have ended, in seconds."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _family(pid: int) -> list[int]:
    """A process and its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:  # it has ended meanwhile
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for member in found:
        found.extend(children.get(member, ()))
    return found


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS  # its own and that of children that have ended


def _peak_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


if __name__ == "__main__":
    sys.exit(main())
