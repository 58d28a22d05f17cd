"""Throws malformed PDUs at the decoder and at live sessions, and sees whether anything else suffers.

    python benchmarks/fuzz.py [--decoder N] [--live N] [--seed N] [--json FILE] [--write docs/fuzz.md]

The decoder may answer with a PDU or with DecodeError, within a second; a PDU that can be written again must
read as itself. The live part runs the whole gateway on loopback: attackers in the place of applications and
of an SMSC, while four applications send with receipts and count what they get (fuzz_live.py). Exit code 0:
no crash, no hang, every message of the four answered and receipted, memory flat.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fuzz_live
from fuzz_mutator import Mutator

from protocols.smpp import codec
from protocols.smpp.errors import DecodeError, SmppError

LONGEST_S = 1.0
LATENCY_S = 10.0
"""No session may wait so long for an answer."""
GROWTH_MIB = 24.0


@dataclass
class Decoder:
    """What became of the PDUs."""

    pdus: int = 0
    decoded: int = 0
    refused: int = 0
    crashes: int = 0
    hangs: int = 0
    differing: int = 0
    """Written again, they read as something else."""
    longest_ms: float = 0.0
    seconds: float = 0.0
    first: str = ""
    """The first failure: its number, and how it failed."""

    @property
    def passed(self) -> bool:
        return not (self.crashes or self.hangs or self.differing)


class Hang(BaseException):
    """The watchdog has seen no progress; nothing may catch it on the way."""


def decode_all(count: int, seed: int) -> Decoder:
    """Decodes PDUs 0 to `count` of the seed."""
    mutator, found = Mutator(seed), Decoder()

    def on_alarm(signum: int, frame: object) -> None:
        raise Hang

    signal.signal(signal.SIGALRM, on_alarm)
    began = time.monotonic()
    for number in range(count):
        pdu = mutator.pdu(number)
        at = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, LONGEST_S)
        try:
            problem = decode_one(pdu, found)
        except Hang:
            found.hangs += 1
            problem = "hang"
        except Exception as error:  # anything that is not documented
            found.crashes += 1
            problem = repr(error)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        found.longest_ms = max(found.longest_ms, 1000 * (time.perf_counter() - at))
        if problem and not found.first:
            found.first = f"PDU {number} of seed {seed}: {problem}"
        found.pdus += 1
    found.seconds = round(time.monotonic() - began, 1)
    found.longest_ms = round(found.longest_ms, 2)
    return found


def decode_one(frame: bytes, found: Decoder) -> str:
    """What is wrong with the decoder, if anything."""
    try:
        pdu = codec.decode(frame)
    except DecodeError:
        found.refused += 1
        return ""
    found.decoded += 1
    try:
        again = codec.encode(pdu)
    except SmppError:
        return ""
    if codec.decode(again) != pdu:
        found.differing += 1
        return "reads as something else when it is written again"
    return ""


PAGE = """\
# Fuzzing

Written by `make fuzz` on {date}: `{command}`.

PDUs of the test vectors (the specification's, the malformed ones, and those of all
[quirks](interop.md#quirks)) are changed: bits, octets at their limits, cuts, doubled pieces, length fields,
thousands of TLVs, the beginning of one with the end of another, other headers. PDU n of a seed is always the
same.

## The decoder

| | |
|---|---|
| PDUs | {d[pdus]:,} |
| of these read | {d[decoded]:,} |
| refused with the documented error | {d[refused]:,} |
| **anything else raised** | **{d[crashes]}** |
| **longer than a second** | **{d[hangs]}** |
| read otherwise when written again | {d[differing]} |
| the longest one took | {d[longest_ms]} ms |

## A running gateway

The whole gateway with its store and a simulated SMSC. {a} attackers bind as an application and send; one
more is an SMSC that the gateway has bound to. Meanwhile {g} applications of another account send a message
each {every:g} ms with a receipt wanted; first for {alone:g} s without the attackers, to compare.

| | |
|---|---|
| malformed PDUs from applications | {v[client_pdus]:,} in {v[client_sessions]:,} sessions |
| malformed PDUs from the SMSC | {v[smsc_pdus]:,} in {v[smsc_sessions]:,} sessions |
| answers that the attackers got | {v[answers]:,} |
| **crashes** (of the gateway or its store; faults in its log) | **{v[crashes]}** |
| **hangs** (no answer, or no bind, within {limit:g} s) | **{v[hangs]}** |
| messages of the others | {v[good_sent]:,} |
| **of these answered with ESME_ROK** | **{v[good_answered]:,}** |
| **receipts that they got** | **{v[good_receipts]:,}** |
| sessions of theirs that ended | {v[good_lost]} |
| answer, median and worst, without attackers | {v[alone_median_ms]} ms, {v[alone_worst_ms]} ms |
| answer, median and worst, under attack | {v[median_ms]} ms, {v[worst_ms]} ms |
| memory of the gateway and its store, near the beginning | {v[memory_begin_mib]} MiB |
| the same at the end | {v[memory_end_mib]} MiB |
| seconds | {v[seconds]} |

A small run of both is a test (`tests/fuzz/test_fuzz_smpp.py`), beside one that drives the session, and one
that makes any octets up. The machine had other work to do meanwhile if the figures without attackers look
slow.
"""


DEEP = "\n## By coverage\n"
"""From here on the page is fuzz_deep.py's."""


def passed(decoder: Decoder, live: fuzz_live.Live) -> bool:
    """Whether nothing else suffered."""
    return (
        decoder.passed
        and not (live.crashes or live.hangs or live.good_lost)
        and live.good_sent == live.good_answered == live.good_receipts > 0
        and live.memory_end_mib - live.memory_begin_mib <= GROWTH_MIB
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--decoder", type=int, default=1_000_000, help="PDUs, default %(default)s")
    parser.add_argument("--live", type=int, default=50_000, help="PDUs, default %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write them as a page, too")
    args = parser.parse_args()
    decoder = decode_all(args.decoder, args.seed)
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    live = fuzz_live.run(args.live, args.seed, folder, LATENCY_S)
    good = passed(decoder, live)
    figures: dict[str, Any] = {"decoder": asdict(decoder), "live": asdict(live), "passed": good}
    print(json.dumps(figures, indent=2))
    if args.json:
        args.json.write_text(json.dumps(figures, indent=2) + "\n")
    if args.write:
        _, mark, deep = args.write.read_text().partition(DEEP)
        args.write.write_text(
            PAGE.format(
                date=datetime.now(UTC).strftime("%Y-%m-%d"),
                command=f"python benchmarks/fuzz.py --decoder {args.decoder} --live {args.live}"
                f" --seed {args.seed}",
                d=asdict(decoder),
                v=asdict(live),
                a=fuzz_live.ATTACKERS,
                g=fuzz_live.GOOD,
                every=1000 * fuzz_live.EVERY_S,
                alone=fuzz_live.ALONE_S,
                limit=LATENCY_S,
            )
            + mark
            + deep
        )
    if good:
        shutil.rmtree(folder)
    else:
        print(f"configuration and log: {folder}", file=sys.stderr)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
