"""What several parts share: a gateway between an independent sender and an independent SMSC, and ledgers.

    with smsc(run) as upstream_port:
        at = prepare(run, upstream_port)
        gateway = Gateway(run.folder)
        with running(gateway), sending(run, at, rate=300) as client:
            ...                          # the fault
            end = rest(gateway, client)  # lets everything come to its end
    rows = verdict(run, end).rows()

Processes, sockets and promises are those of kill.py.  What the sender was promised (sender.jsonl) and what
the SMSC has taken (upstream.jsonl) is in `run.ledgers`, on another filesystem than the gateway's folder.
"""

from __future__ import annotations

import contextlib
import secrets
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import kill
from kill import HOST, Gateway, Promises, free_port, tell
from part import PartError, Row, Run, at_least, count

from gateway.core.passwords import hash_password

SLOW = ("--resp-delay-ms", "20", "--receipt-delay-ms", "50")
"""An SMSC of which something is under way at any moment."""
PATIENCE_S = 60.0
"""For whatever happens at once on a machine that has nothing else to do."""


class Place(NamedTuple):
    """Where the gateway of a part listens."""

    port: int
    password: str
    """Of the account `kill`."""


class End(NamedTuple):
    """How the gateway was found at the end; ids of messages."""

    doubts: set[str]
    """Those listed as ambiguous: the possible duplicates."""
    queued: set[str]
    """Those held or waiting."""


class Verdict(NamedTuple):
    """What the ledgers say when they are compared."""

    acked: int
    arrived: int
    """Different messages at the SMSC."""
    lost: int
    """Acknowledged, and neither at the SMSC nor reported as failed nor queued."""
    receipts_missing: int
    queued: int
    ambiguous: int
    duplicates: int
    """Messages that the SMSC has taken more than once."""
    unexplained: int
    """Of these, not listed as ambiguous."""

    def rows(self, least_acked: int = 100, *, doubts: bool = True) -> list[Row]:
        """Its figures; that something was sent is a bound too, else nothing would be shown.

        Without `doubts` nothing may be ambiguous, and nothing may come twice.
        """
        ambiguous, twice = "listed as ambiguous", "messages that the SMSC has twice"
        return [
            at_least("messages acknowledged to the sender", self.acked, least_acked),
            Row("messages at the SMSC", f"{self.arrived:,}"),
            count("lost", self.lost),
            count("receipts missing", self.receipts_missing),
            Row(ambiguous, f"{self.ambiguous:,}") if doubts else count(ambiguous, self.ambiguous),
            Row(twice, f"{self.duplicates:,}") if doubts else count(twice, self.duplicates),
            count("of these not listed as ambiguous", self.unexplained),
            Row("held for a person to decide", f"{self.queued:,}"),
        ]


@contextlib.contextmanager
def smsc(run: Run, *options: str, name: str = "") -> Iterator[int]:
    """The port of a simulated SMSC.  Several of them get a name each: a folder in the ledgers."""
    folder = run.ledgers / name
    folder.mkdir(exist_ok=True)
    secret = smsc_password(run)
    listen = ("--listen", f"{HOST}:0", "--password-file", str(secret), "--no-magic")
    with kill.simulator(folder, *listen, *options) as ready:
        yield int(ready["listen"].rpartition(":")[2])


def smsc_password(run: Run) -> Path:
    """The file with the password of the part's simulated SMSCs."""
    path = run.folder / "smsc-password"
    if not path.exists():
        path.write_text(secrets.token_hex(4))
    return path


def prepare(run: Run, upstream_port: int, config: str = kill.CONFIG, **more: object) -> Place:
    """Writes gateway.yaml into the part's folder; `config` has fields as kill.CONFIG, and `more`."""
    place = Place(free_port(), secrets.token_hex(4))
    text = config.format(
        host=HOST,
        port=place.port,
        smsc_port=upstream_port,
        password_hash=hash_password(place.password),
        smsc_password=smsc_password(run).read_text(),
        **more,
    )
    (run.folder / "gateway.yaml").write_text(text)
    return place


@contextlib.contextmanager
def running(gateway: Gateway) -> Iterator[float]:
    """Starts it; the seconds until it was ready.  Nothing of it is left afterwards, whatever happened."""
    try:
        yield gateway.start()
    finally:
        gateway.close()


@contextlib.contextmanager
def sending(run: Run, place: Place, rate: float) -> Iterator[subprocess.Popen[bytes]]:
    """A sender of so many messages/s, which connects again whenever it has to (kill_sender.py)."""
    with kill.sender(run.ledgers, place.port, rate, place.password) as client:
        yield client


def rest(gateway: Gateway, client: subprocess.Popen[bytes]) -> End:
    """Ends the sending, waits until the gateway has nothing more to do, and asks for its lists."""
    tell(client, "drain")
    kill.drain(gateway.state_dir)
    end = End(*kill.lists(gateway.state_dir))
    tell(client, "end")
    client.wait(PATIENCE_S)
    return end


def stop(gateway: Gateway) -> float:
    """Ends it by SIGTERM; the seconds that this took.  PartError: it failed, or has said so in its log."""
    began = time.monotonic()
    code = gateway.stop()
    seconds = time.monotonic() - began
    if code or b"Traceback" in gateway.log.read_bytes():
        raise PartError(f"the stop ended with {code}, or something failed: {tail(gateway.log)}")
    return seconds


def tail(log: Path, lines: int = 5) -> str:
    """The end of a log, for a message: the folder will be gone."""
    return " | ".join(log.read_text(errors="replace").splitlines()[-lines:])


def verdict(run: Run, end: End) -> Verdict:
    """Compares the ledgers of one sender and one SMSC, both of which have ended."""
    return compare(kill.promises(run.ledgers), kill.arrivals(run.ledgers), end)


def compare(said: Promises, arrived: Counter[int], end: End) -> Verdict:
    """Compares what was promised with what has arrived, by marker."""
    twice = {marker for marker, times in arrived.items() if times > 1}
    return Verdict(
        acked=len(said.acked),
        arrived=len(arrived),
        lost=said.lost(arrived, end.queued),
        receipts_missing=said.receipts_missing(end.queued),
        queued=len(end.queued),
        ambiguous=len(end.doubts),
        duplicates=len(twice),
        unexplained=sum(said.known.get(marker) not in end.doubts for marker in twice),
    )


def until_flowing(run: Run) -> None:
    """Waits until the sender writes something down, as it does when the gateway takes its messages."""
    ledger = run.ledgers / "sender.jsonl"
    before, until = ledger.stat().st_size if ledger.exists() else 0, time.monotonic() + PATIENCE_S
    while not (ledger.exists() and ledger.stat().st_size > before):
        if time.monotonic() > until:
            raise PartError(f"the gateway has taken nothing for {PATIENCE_S:.0f} s")
        time.sleep(0.02)


def acknowledged(run: Run) -> int:
    """Messages that the sender has been promised so far, while it runs."""
    return (run.ledgers / "sender.jsonl").read_bytes().count(b'"acked"')


def processes(pid: int) -> list[int]:
    """A process and all that it has started, the oldest first: main, writer and mail reader of a gateway."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found = [pid]
    for one in found:  # grows meanwhile
        found += sorted(children.get(one, ()))
    return found


def rss_bytes(pid: int) -> int:
    """Memory of one process; 0: it has ended."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


def open_files(pid: int) -> int:
    """Open descriptors of one process; 0: it has ended.  The gateway's are only for root to see."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return 0


def wal_bytes(state_dir: Path) -> int:
    """The size of the write-ahead log."""
    with contextlib.suppress(OSError):
        return (state_dir / "queue.sqlite3-wal").stat().st_size
    return 0
