"""The fault plan: kills, power loss, bad disks, bad upstreams, hostile clients; figures with their bounds.

    python benchmarks/torture [PART …] [--short] [--seed N] [--json FILE] [--write docs/torture.md]

Every part starts gateways of its own, on loopback.  Without names all parts run, one after the other.  Exit
code 0: all figures are within their bounds.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # kill.py and the others are there

from part import Part, Run  # noqa: E402

OTHER_DISK = Path("/dev/shm")
MODULES = {
    "K1": "random_kills",
    "K2": "write_kills",
    "K3": "stops",
    "P1": "power_loss",
    "P2": "sync_errors",
    "D1": "disk_full",
    "D2": "file_limit",
    "D3": "damaged_files",
    "U1": "upstream_faults",
    "U2": "upstream_faults",
    "U3": "upstream_faults",
    "U4": "upstream_faults",
    "U5": "upstream_faults",
    "U6": "upstream_faults",
    "A1": "doubt",
    "L1": "slow_clients",
    "F1": "fuzzed_pdus",
    "F2": "fuzzed_clients",
    "M1": "mail_bombs",
    "T1": "clock_jumps",
    "R1": "reloads",
    "Q1": "large_queue",
    "S1": "soak",
}
"""Where a part is; a module's PARTS are those that it has."""


def part_of(name: str) -> Part:
    parts: tuple[Part, ...] = import_module(MODULES[name]).PARTS
    return next(part for part in parts if part.name == name)


def run(part: Part, *, full: bool, seed: int) -> dict[str, Any]:
    """One part in folders of its own; its figures as plain values."""
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix=f"torture-{part.name}-") as folder,
        tempfile.TemporaryDirectory(prefix=f"torture-{part.name}-", dir=OTHER_DISK) as ledgers,
    ):
        say = lambda line: print(f"{part.name}  {line}", file=sys.stderr, flush=True)  # noqa: E731
        rows = part.run(Run(full, Path(folder), Path(ledgers), seed, say))
    return {
        "part": part.name,
        "title": part.title,
        "how": part.how,
        "full": full,
        "seed": seed,
        "seconds": round(time.monotonic() - began, 1),
        "rows": [row._asdict() for row in rows],
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=" ".join(MODULES))
    parser.add_argument("--short", action="store_true", help="the size that `make test` has time for")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    results = [run(part_of(name), full=not args.short, seed=args.seed) for name in args.parts or MODULES]
    for result in results:
        print(f"{result['part']} {result['title']} ({result['seconds']} s)")
        for row in result["rows"]:
            print("  ok " if row["holds"] else "  BAD", f"{row['what']}: {row['value']}", f"({row['bound']})")
    if args.json:
        args.json.write_text(json.dumps(results))
    return 0 if all(row["holds"] for result in results for row in result["rows"]) else 1


if __name__ == "__main__":
    sys.exit(main())
