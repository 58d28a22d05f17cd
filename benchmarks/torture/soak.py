"""S1: an hour's three quarters of even load; what grows in the gateway meanwhile."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import kill
from harness import (
    Place,
    open_files,
    prepare,
    processes,
    rss_bytes,
    running,
    smsc,
    stop,
    tail,
    wal_bytes,
)
from kill import HOST, Gateway, free_port
from part import Part, PartError, Row, Run, at_least, count
from side_traffic import SideTraffic

ROOT = Path(__file__).resolve().parents[2]
SMPPLOAD = ROOT / "build" / "smppload" / "smppload"
MIB = 2**20
COUNTED = (
    "accepted",
    "lost",
    "dlr_missing",
    "smsc_duplicates",
    "smsc_corrupt",
    "dlr_duplicates",
    "dlr_unmatched",
    "rejected",
)
"""Of what smppload tells."""
SAMPLE_S = 2.0
TELL_EVERY = 60
"""Samples."""
SIDE_EVERY_S = 10.0
"""A bind's password costs as much as a thousand messages."""
SLOPE_MOST = 1.0
"""MiB/h."""
FILES_MORE = 5
WAL_MOST = 64 * MIB


class Size(NamedTuple):
    """How much is sent, and how fast."""

    burst: int
    """Messages that come first, as fast as they are taken: memory rises to what the largest batches need.
    Without them it would rise a little whenever the machine stands still for a moment, for hours."""
    messages: int
    rate: int
    """A second."""
    warm_up_s: float
    """Memory of this time is not judged: the store's page cache, the ids of ended messages and the
    allocator's pools fill up to their bounds, at this rate by 15 MiB in three minutes."""


FULL = Size(200_000, 3_000_000, 1_111, 600.0)
SHORT = Size(5_000, 20_000, 1_111, 5.0)

CONFIG = """\
listeners:
  smpp:
    - address: {host}:{port}
  smtp:
    - address: {host}:{smtp_port}
  http:
    - address: {host}:{http_port}
mail:
  domains: [sms.example.org]
accounts:
  - system_id: kill
    password_hash: {password_hash}
    window: 500
    max_open: 1000000
    http: {{}}
    mail:
      networks: [127.0.0.0/8]
connectors:
  - name: load
    address: {host}:{load_port}
    system_id: gateway
    password: {smsc_password}
    window: 500
    reconnect_max_s: 0.2
  - name: side
    address: {host}:{smsc_port}
    system_id: gateway
    password: {smsc_password}
    reconnect_max_s: 0.2
routes:
  - connectors: [load]
  - {{prefix: "79", connectors: [side]}}
log:
  level: warning
"""


class Sample(NamedTuple):
    """The gateway at one moment."""

    at_s: float
    """Since the load began."""
    rss: tuple[int, ...]
    """Octets, of each of its processes."""
    files: int
    wal: int


def soak(run: Run) -> list[Row]:
    return soak_of(run, FULL if run.full else SHORT)


def soak_of(run: Run, size: Size) -> list[Row]:
    """The whole run; slopes of a short one are no more than information."""
    ports = {name: free_port() for name in ("smtp_port", "http_port", "load_port")}
    with smsc(run) as upstream_port:
        place = prepare(run, upstream_port, CONFIG, **ports)
        gateway = Gateway(run.folder)
        with running(gateway):
            side = SideTraffic(place, ports["smtp_port"], ports["http_port"])
            began = time.monotonic()
            samples: list[Sample] = []
            counts: Counter[str] = Counter()
            for load in (Load(0, size.burst, 0), Load(size.burst, size.messages, size.rate)):
                words = load.words(place, ports["load_port"], gateway.pid)
                with loading(run, words) as process:
                    samples += watch(run, gateway, process, side, began)
                counts.update(read_counts(run))
            kill.drain(gateway.state_dir)
            stop(gateway)
    arrived = kill.arrivals(run.ledgers)
    return [*load_rows(counts, size), *side_rows(side, arrived), *growth_rows(samples, size, judged=run.full)]


class Load(NamedTuple):
    """What one run of smppload sends."""

    first: int
    """Of its markers."""
    messages: int
    rate: int
    """A second; 0: as fast as they are taken."""

    def words(self, place: Place, smsc_port: int, watched: int) -> list[str]:
        """The options for it as clients and SMSC."""
        most_s = 2 * self.messages / (self.rate or 1_000) + 120
        text = f"both --smsc-port {smsc_port} --target {HOST}:{place.port} --system-id kill"
        text += f" --password {place.password} --binds 4 --window 100 --dlr on --pace-us 20000"
        text += f" --first {self.first} --messages {self.messages} --rate {self.rate} --watch-pids {watched}"
        text += f" --smsc-resp-delay-ms 20 --dlr-delay-ms 500 --timeout {most_s:.0f} --idle-timeout 120"
        return text.split()


@contextlib.contextmanager
def loading(run: Run, words: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """smppload while it runs; its counts will be in load.json."""
    tool = os.environ.get("SMPPLOAD") or str(SMPPLOAD)
    if not Path(tool).exists():
        raise PartError("smppload is missing: `make soak` builds it, or SMPPLOAD names it")
    with (run.ledgers / "load.json").open("wb") as out, (run.ledgers / "load.log").open("wb") as log:
        process = subprocess.Popen([tool, *words], stdout=out, stderr=log, cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def read_counts(run: Run) -> dict[str, int]:
    """What smppload has counted, and the gateway's CPU (µs).  PartError: it could not do its work."""
    found: dict[str, Any] = json.loads((run.ledgers / "load.json").read_text())
    if found["ended"] != "complete":
        raise PartError(f"the load ended by {found['ended']}: {found['problems'][:3]}")
    cpu_us = round(found["watch"]["cpu_us_per_message"] * found["accepted"])
    return {name: found[name] for name in COUNTED} | {"cpu_us": cpu_us}


def watch(
    run: Run, gateway: Gateway, load: subprocess.Popen[bytes], side: SideTraffic, began: float
) -> list[Sample]:
    """Samples until the load ends; mails, requests and sessions go beside it."""
    if not side.rounds:
        side.once()  # whatever starts with the first of a kind is there then
    samples: list[Sample] = []
    while load.poll() is None:
        at_s = time.monotonic() - began
        if at_s >= side.rounds * SIDE_EVERY_S:
            side.once()
        if gateway.code is not None:
            raise PartError(f"the gateway has ended with {gateway.code}: {tail(gateway.log)}")
        rss = tuple(rss_bytes(pid) for pid in processes(gateway.pid))
        files = sum(open_files(pid) for pid in processes(gateway.pid))
        samples.append(Sample(at_s, rss, files, wal_bytes(gateway.state_dir)))
        if len(samples) % TELL_EVERY == 0:
            run.say(told(samples[-1]))
        time.sleep(max(0.0, SAMPLE_S - (time.monotonic() - began - at_s)))
    return samples


def told(sample: Sample) -> str:
    memory = " + ".join(f"{octets / MIB:.1f}" for octets in sample.rss)
    return f"{sample.at_s:.0f} s: {memory} MiB, {sample.files} files, WAL {sample.wal / MIB:.1f} MiB"


def load_rows(found: Mapping[str, int], size: Size) -> list[Row]:
    """What smppload has counted in both runs."""
    messages = size.burst + size.messages
    return [
        at_least("messages acknowledged over SMPP", found["accepted"], messages),
        count("lost", found["lost"]),
        count("receipts missing", found["dlr_missing"]),
        count("messages that the SMSC has twice", found["smsc_duplicates"]),
        count("messages that are not as they were sent", found["smsc_corrupt"]),
        count("receipts twice, or of no message", found["dlr_duplicates"] + found["dlr_unmatched"]),
        count("refused", found["rejected"]),
        Row("CPU of the gateway, per message", f"{found['cpu_us'] / messages:,.0f} µs"),
    ]


def side_rows(side: SideTraffic, arrived: Counter[int]) -> list[Row]:
    """What went beside it by mail and HTTP."""
    return [
        at_least("acknowledged by mail and HTTP beside it", len(side.acked), side.tried // 2),
        count("of these refused", side.refused),
        count("of these lost", sum(not arrived[marker] for marker in side.acked)),
        count("of these twice", sum(times > 1 for times in arrived.values())),
    ]


def growth_rows(samples: Sequence[Sample], size: Size, *, judged: bool) -> list[Row]:
    """What grew after the warm-up."""
    warm = [sample for sample in samples if sample.at_s >= size.warm_up_s]
    if len(warm) < 2:
        raise PartError(f"the load was over before {size.warm_up_s:.0f} s")
    if len({len(sample.rss) for sample in warm}) > 1 or not all(all(sample.rss) for sample in warm):
        raise PartError("these are not the same processes all the time: one has ended, or begun")
    total = slope([(sample.at_s, sum(sample.rss)) for sample in warm])
    each = [slope([(sample.at_s, sample.rss[n]) for sample in warm]) for n in range(len(warm[0].rss))]
    middle = statistics.median(sample.files for sample in warm)
    wide = max(abs(sample.files - middle) for sample in warm)
    wal = max(sample.wal for sample in samples)
    first, last = warm[0], warm[-1]
    bound = (f"< {SLOPE_MOST:g} MiB/h", total < SLOPE_MOST) if judged else ()
    return [
        Row("memory (RSS of all its processes) at the start", f"{sum(samples[0].rss) / MIB:.1f} MiB"),
        Row(f"after {first.at_s / 60:.0f} min", f"{sum(first.rss) / MIB:.1f} MiB"),
        Row(f"after {last.at_s / 60:.0f} min", f"{sum(last.rss) / MIB:.1f} MiB"),
        Row("slope between these, by least squares", f"{total:+.2f} MiB/h", *bound),
        Row("of each process", ", ".join(f"{one:+.2f}" for one in each) + " MiB/h"),
        Row("open files, median", f"{middle:.0f}"),
        Row("largest distance from it", f"{wide:.0f}", f"≤ {FILES_MORE}", wide <= FILES_MORE),
        Row("largest write-ahead log", f"{wal / MIB:.1f} MiB", f"< {WAL_MOST // MIB} MiB", wal < WAL_MOST),
    ]


def slope(points: Sequence[tuple[float, int]]) -> float:
    """MiB/h of octets over seconds."""
    seconds, octets = zip(*points, strict=True)
    return statistics.linear_regression(seconds, octets).slope * 3600 / MIB


PARTS = (
    Part(
        name="S1",
        title="Three million messages",
        how="A load tool (smppload, written in C) is client and SMSC, and follows each message by its number"
        f" from submit to receipt, in its memory: {FULL.burst:,} as fast as they are taken, then"
        f" {FULL.messages:,} at {FULL.rate:,}/s. Beside it a mail, a request over HTTP and a session that"
        f" comes and goes, every {SIDE_EVERY_S:g} s. Memory and open files of all processes of the gateway"
        " are read from /proc."
        f" The first {FULL.warm_up_s / 60:.0f} minutes are not in the slope: the store's page cache and"
        " others that have an upper bound fill meanwhile.",
        run=soak,
    ),
)
