"""Kills the gateway again and again while messages flow, and counts what is lost and what is there twice.

    python benchmarks/kill.py [--kills N] [--rate N] [--seed N] [--json FILE] [--write docs/kill.md]

Three processes besides the gateway, which share nothing but sockets: a sender that writes down each promise
(kill_sender.py), a simulated SMSC that writes down each PDU, and this one: it kills, restarts and compares.

    lost = acked - at the SMSC - reported as failed - still queued

Half of the kills hit the gateway's main process alone, the other half its writing process as well.  Exit code
0: nothing is lost, no receipt is missing, and every message that came twice is listed as ambiguous.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from gateway.cli.daemon_client import ask
from gateway.core.passwords import hash_password

HERE = Path(__file__).resolve().parent
EXECUTABLE = str(Path(sys.executable).with_name("smsc-gateway"))
HOST = "127.0.0.1"
START_S = 30.0
LOOK_S = 0.5
"""How often it is looked whether a gateway that says nothing is still there."""
DRAIN_S = 240.0
ALL_ROWS = 100_000
DELIVERED = 2

CONFIG = """\
listeners:
  smpp:
    - address: {host}:{port}
accounts:
  - system_id: kill
    password_hash: {password_hash}
    window: 200
connectors:
  - name: smsc
    address: {host}:{smsc_port}
    system_id: gateway
    password: {smsc_password}
    reconnect_max_s: 0.2
routes:
  - connectors: [smsc]
    on_ambiguous: resend_once
log:
  level: warning
"""


class KillError(Exception):
    """The run itself went wrong, so there is nothing to judge."""


@dataclass(frozen=True)
class Outcome:
    """What the ledgers say."""

    kills: int
    acked: int
    unanswered: int
    refused: int
    smsc_messages: int
    smsc_pdus: int
    lost: int
    receipts_missing: int
    held: int
    ambiguous: int
    duplicates: int
    duplicates_unexplained: int
    receipts_repeated: int
    restart_ms_median: float
    restart_ms_max: float

    @property
    def passed(self) -> bool:
        return not (self.lost or self.receipts_missing or self.duplicates_unexplained) and self.acked > 0


class Gateway:
    """The gateway's process group; systemd's notification says when it is ready.

    `before` is what starts it, as `("strace", …)`; `more` goes to its environment.
    """

    def __init__(self, folder: Path, *, before: Sequence[str] = (), **more: str) -> None:
        self.before = list(before)
        self._more = more
        self.state_dir = folder / "state"
        self.log = folder / "gateway.log"
        self._folder = folder
        self._channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._channel.bind(str(folder / "notify"))
        self._process: subprocess.Popen[bytes]

    def start(self) -> float:
        """Starts it; the seconds until it was ready."""
        began = time.monotonic()
        self.launch()
        self.told()
        return time.monotonic() - began

    def launch(self) -> None:
        """Starts it, and does not wait."""
        self.forget()
        command = [EXECUTABLE, "run", "--config", str(self._folder / "gateway.yaml")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self.before, *command, "--state-dir", str(self.state_dir)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self._more, "NOTIFY_SOCKET": str(self._folder / "notify")},
                start_new_session=True,
            )

    def told(self) -> None:
        """Waits until it says that it is ready."""
        self._channel.settimeout(LOOK_S)
        until = time.monotonic() + START_S
        while True:
            with contextlib.suppress(TimeoutError):
                if b"READY=1" in self._channel.recv(4096):
                    return
                continue
            if self.code is not None:
                raise KillError(f"it ended with {self.code} before it was ready: see {self.log}")
            if time.monotonic() > until:
                raise KillError(f"not ready after {START_S:.0f} s: see {self.log}")

    def forget(self) -> None:
        """Drops what it has said until now."""
        self._channel.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                self._channel.recv(4096)

    @property
    def pid(self) -> int:
        """Of what was started: the gateway's main process, or what starts it."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """The exit code of one that has ended."""
        return self._process.poll()

    def wait(self, seconds: float) -> int:
        """Waits until it has ended by itself; its exit code."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise KillError(f"it has not ended after {seconds:.0f} s: see {self.log}") from None

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self, *, whole_group: bool) -> None:
        if self._process.poll() is not None:
            raise KillError(f"it ended by itself with {self._process.returncode}: see {self.log}")
        if whole_group:
            os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """Ends it as systemd does; its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self.wait(15)

    def close(self) -> None:
        if self._process.poll() is None:
            self.kill(whole_group=True)
        self._channel.close()


@contextlib.contextmanager
def simulator(folder: Path, *options: str) -> Iterator[dict[str, Any]]:
    """What `simulate` says when it is ready.  What it gets meanwhile is in upstream.jsonl."""
    ledger = folder / "upstream.jsonl"
    with ledger.open("wb") as out:
        process = subprocess.Popen([EXECUTABLE, "simulate", "--json", *options], stdout=out)
    try:
        deadline = time.monotonic() + START_S
        while not (lines := ledger.read_text().splitlines()):
            if process.poll() is not None or time.monotonic() > deadline:
                raise KillError("the simulator does not start")
            time.sleep(0.02)
        ready: dict[str, Any] = json.loads(lines[0])
        yield ready
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def sender(
    folder: Path, port: int, rate: float, password: str, system_id: str = "kill", more: Sequence[str] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """The client; its ledger is sender.jsonl.  `more` are further options of kill_sender.py."""
    command = [sys.executable, str(HERE / "kill_sender.py"), "--port", str(port), "--rate", str(rate)]
    process = subprocess.Popen(
        [*command, "--ledger", str(folder / "sender.jsonl"), "--system-id", system_id, *more],
        stdin=subprocess.PIPE,
        env={**os.environ, "KILL_PASSWORD": password},
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stdin is not None
        process.stdin.close()


def tell(process: subprocess.Popen[bytes], word: str) -> None:
    assert process.stdin is not None
    process.stdin.write(word.encode() + b"\n")
    process.stdin.flush()


def run(kills: int, rate: float, seed: int, folder: Path) -> Outcome:
    """The whole test in a folder of its own."""
    password, smsc_password = secrets.token_hex(4), secrets.token_hex(4)
    (folder / "smsc-password").write_text(smsc_password)
    port = free_port()
    slow = ("--no-magic", "--resp-delay-ms", "20", "--receipt-delay-ms", "50")
    listen = ("--listen", f"{HOST}:0", "--password-file", str(folder / "smsc-password"))
    with simulator(folder, *listen, *slow) as ready:
        text = CONFIG.format(
            host=HOST,
            port=port,
            smsc_port=ready["listen"].rpartition(":")[2],
            password_hash=hash_password(password),
            smsc_password=smsc_password,
        )
        (folder / "gateway.yaml").write_text(text)
        end = bombard(folder, port, password, rate, Shots(random.Random(seed), kills))
    return judge(folder, end)


def free_port() -> int:
    """A port that nobody listens on now, below those that the kernel gives to connections meanwhile."""
    while True:
        port = random.choice(range(16_000, 32_000))
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port


class Shots(NamedTuple):
    """When to kill: so often, and for as long as `goes_on`."""

    chance: random.Random
    kills: int
    pause_s: Callable[[random.Random], float] = lambda chance: chance.uniform(0.2, 1.5)
    goes_on: Callable[[], bool] = lambda: False


class End(NamedTuple):
    """How the gateway was found at the end."""

    restarts: list[float]
    """Seconds from each start to ready."""
    doubts: set[str]
    queued: set[str]

    @property
    def median_ms(self) -> float:
        return round(1000 * statistics.median(self.restarts or [0.0]), 1)

    @property
    def longest_ms(self) -> float:
        return round(1000 * max(self.restarts, default=0.0), 1)


def bombard(folder: Path, port: int, password: str, rate: float, shots: Shots) -> End:
    """Sends to the gateway of gateway.yaml, kills it again and again, and lets it come to rest."""
    gateway = Gateway(folder)
    restarts: list[float] = []
    gateway.start()
    try:
        with sender(folder, port, rate, password) as client:
            while len(restarts) < shots.kills or shots.goes_on():
                time.sleep(shots.pause_s(shots.chance))
                gateway.kill(whole_group=shots.chance.random() < 0.5)
                restarts.append(gateway.start())
            time.sleep(0.5)
            tell(client, "drain")
            drain(gateway.state_dir)
            doubts, queued = lists(gateway.state_dir)
            tell(client, "end")
            client.wait(10)
        code = gateway.stop()
        if code or b"Traceback" in gateway.log.read_bytes():
            raise KillError(f"the last stop ended with {code}, or something failed: see {gateway.log}")
    finally:
        gateway.close()
    return End(restarts, doubts, queued)


def drain(state_dir: Path) -> None:
    """Waits until only what a person has to decide is left."""
    deadline = time.monotonic() + DRAIN_S
    while True:
        summary = ask(state_dir, "queue")["summary"]
        if not (summary["upstream"] or summary["downstream"] or summary["awaiting_receipt"]):
            return
        if time.monotonic() > deadline:
            return  # what is left is judged
        time.sleep(0.1)


def lists(state_dir: Path) -> tuple[set[str], set[str]]:
    """The ids of the messages listed as ambiguous, and of those that are still queued."""

    def ids(kind: str) -> set[str]:
        return {row["message_id"] for row in ask(state_dir, "list", kind=kind, limit=ALL_ROWS)["rows"]}

    return ids("ambiguous"), ids("held") | ids("waiting")


@dataclass
class Promises:
    """What the sender's ledger says: message ids by marker, receipts by message id."""

    acked: dict[int, str] = field(default_factory=dict)
    known: dict[int, str] = field(default_factory=dict)
    """The acked ones, and those that only a receipt told of."""
    receipts: Counter[str] = field(default_factory=Counter)
    failed: set[str] = field(default_factory=set)
    refused: int = 0
    unanswered: int = 0

    def read(self, entry: dict[str, Any]) -> None:
        """Takes a line of the ledger."""
        if "acked" in entry:
            self.acked[entry["marker"]] = self.known[entry["marker"]] = entry["acked"]
        elif "receipt" in entry:
            self.known[entry["marker"]] = entry["receipt"]
            self.receipts[entry["receipt"]] += 1
            if entry["state"] != DELIVERED:
                self.failed.add(entry["receipt"])
        self.refused += "refused" in entry
        self.unanswered += "unanswered" in entry

    def lost(self, arrived: Counter[int], queued: set[str]) -> int:
        """Acked messages that are nowhere; `arrived` counts by marker what came to the upstream."""
        gone = self.failed | queued
        return sum(not arrived[marker] and id not in gone for marker, id in self.acked.items())

    def receipts_missing(self, queued: set[str]) -> int:
        """Acked messages without a receipt, which do not wait any more either."""
        return sum(id not in self.receipts and id not in queued for id in self.acked.values())

    @property
    def receipts_repeated(self) -> int:
        return sum(count > 1 for count in self.receipts.values())


def promises(*ledgers: Path) -> Promises:
    """Reads the sender's ledger, or those of several, each in its folder."""
    said = Promises()
    for folder in ledgers:
        for entry in read_lines(folder / "sender.jsonl"):
            said.read(entry)
    return said


def arrivals(ledgers: Path) -> Counter[int]:
    """What the SMSC has taken, by marker."""
    return Counter(
        int(entry["destination"])
        for entry in read_lines(ledgers / "upstream.jsonl")
        if entry["event"] == "received" and entry["status"] == "ESME_ROK"
    )


def judge(ledgers: Path, end: End) -> Outcome:
    """Compares the ledgers."""
    said = promises(ledgers)
    arrived = arrivals(ledgers)
    twice = {marker for marker, count in arrived.items() if count > 1}
    return Outcome(
        kills=len(end.restarts),
        acked=len(said.acked),
        unanswered=said.unanswered,
        refused=said.refused,
        smsc_messages=len(arrived),
        smsc_pdus=arrived.total(),
        lost=said.lost(arrived, end.queued),
        receipts_missing=said.receipts_missing(end.queued),
        held=len(end.queued),
        ambiguous=len(end.doubts),
        duplicates=len(twice),
        duplicates_unexplained=sum(said.known.get(marker) not in end.doubts for marker in twice),
        receipts_repeated=said.receipts_repeated,
        restart_ms_median=end.median_ms,
        restart_ms_max=end.longest_ms,
    )


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open() as lines:
        for line in lines:
            yield json.loads(line)


PAGE = """\
# Kill test

Written by `make kill` on {date}: `{command}`.

A client sends {rate:g} messages/s with receipts and writes down every `submit_sm_resp`; a simulated SMSC, in
a process of its own, writes down every PDU. Meanwhile the gateway is killed with SIGKILL at random moments
(every second time or so together with its writing process) and started again. Policy for doubtful submits:
`on_ambiguous: resend_once`, the default.

| | |
|---|---|
| kills | {o.kills} |
| messages acknowledged to the client | {o.acked} |
| submits that a kill left unanswered | {o.unanswered} |
| messages at the SMSC | {o.smsc_messages} |
| **lost** (acknowledged, and neither at the SMSC nor reported as failed nor queued) | **{o.lost}** |
| **receipts missing** | **{o.receipts_missing}** |
| messages listed as ambiguous | {o.ambiguous} |
| of these held for a person to decide (in doubt twice) | {o.held} |
| messages that reached the SMSC more than once | {o.duplicates} |
| **of these not listed as ambiguous** | **{o.duplicates_unexplained}** |
| receipts that the client got more than once | {o.receipts_repeated} |
| start to ready, median | {o.restart_ms_median:.0f} ms |
| start to ready, longest | {o.restart_ms_max:.0f} ms |

A receipt comes more than once when the gateway is killed between sending it and recording that the client
took it. What is known of each ambiguous message is in `smsc-gateway queue ambiguous`.
"""


def options(doc: str | None, *, kills: int, rate: float) -> argparse.ArgumentParser:
    """The options that every kill test has."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=kills, help="default %(default)s")
    parser.add_argument("--rate", type=float, default=rate, help="messages/s, default %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="of the moments, default %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write them as a page, too")
    parser.add_argument("--keep", action="store_true", help="keep ledgers and logs, and say where")
    return parser


def main_of(args: argparse.Namespace, run: Callable[[Path], Any], page: str) -> int:
    """Runs in a temporary folder, prints and writes the outcome; the exit code."""
    names = ("kills", "timeouts", "rate", "seed", "limits")
    again = " ".join(f"--{name} {getattr(args, name):g}" for name in names if name in args)
    folder = Path(tempfile.mkdtemp(prefix="kill-"))
    try:
        outcome = run(folder)
    except KillError as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        return 2
    figures = json.dumps(asdict(outcome) | {"passed": outcome.passed}, indent=2)
    print(figures)
    if args.json:
        args.json.write_text(figures + "\n")
    if args.write:
        date = datetime.now(UTC).strftime("%Y-%m-%d")
        command = f"python benchmarks/{Path(sys.argv[0]).name} {again}"
        args.write.write_text(page.format(date=date, command=command, rate=args.rate, o=outcome))
    if args.keep or not outcome.passed:
        print(f"ledgers and logs: {folder}", file=sys.stderr)
    else:
        shutil.rmtree(folder)
    return 0 if outcome.passed else 1


def main() -> int:
    args = options(__doc__, kills=50, rate=300).parse_args()
    return main_of(args, lambda folder: run(args.kills, args.rate, args.seed, folder), PAGE)


if __name__ == "__main__":
    sys.exit(main())
