"""The fault plan: kills, power loss, bad disks, bad upstreams, hostile clients; figures with their bounds.

    python benchmarks/torture [PART …] [--short] [--seed N] [--json FILE] [--write docs/torture.md]

Every part starts gateways of its own, on loopback.  Without names all parts run, S1 beside the others: about
an hour and a quarter at full size, on two cores.  Each result is kept as build/torture/PART.json, and the
page is made of all that are kept, those of earlier runs too; lines of progress are in lane-N.log beside them.
Ctrl-C ends it and all that it has started.  Exit code 0: all figures are within their bounds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))  # kill.py and the others are there

from lanes import Options, run_lanes
from plan import MODULES, lanes
from report import kept, page

ROOT = Path(__file__).resolve().parents[2]
REMARKS = Path(__file__).with_name("remarks.md")
INTERRUPTED = 130


async def run(names: list[str], options: Options) -> list[dict[str, Any]]:
    """The results, in the plan's order.  CancelledError: somebody wanted it to end."""
    task = asyncio.current_task()
    assert task is not None

    def end() -> None:
        if not task.cancelling():  # who presses twice still wants nothing to be left
            print("ending all that was started …", file=sys.stderr, flush=True)
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end)
    results = await run_lanes(lanes(names), options)
    return sorted(results, key=lambda result: list(MODULES).index(result["part"]))


def show(result: dict[str, Any]) -> None:
    print(f"{result['part']} {result['title']} ({result['seconds']} s)")
    if result["error"]:
        print("  BAD did not run:", result["error"])
    for row in result["rows"]:
        bound = f" ({row['bound']})" if row["bound"] else ""
        print("  ok " if row["holds"] else "  BAD", f"{row['what']}: {row['value']}{bound}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=" ".join(MODULES))
    parser.add_argument("--short", action="store_true", help="the size that `make test` has time for")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results of this run there, too")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the page anew")
    parser.add_argument("--results", type=Path, default=ROOT / "build" / "torture", metavar="FOLDER")
    parser.add_argument("--keep", action="store_true", help="keep ledgers and logs, and say where")
    args = parser.parse_args()
    if unknown := set(args.parts) - set(MODULES):
        parser.error(f"no such part: {' '.join(sorted(unknown))}; there are {' '.join(MODULES)}")
    options = Options(args.results.resolve(), args.short, args.seed, args.keep)
    try:
        results = asyncio.run(run(args.parts or list(MODULES), options))
    except asyncio.CancelledError:
        print("ended before it was done", file=sys.stderr)
        return INTERRUPTED
    for result in results:
        show(result)
    if args.json:
        args.json.write_text(json.dumps(results))
    if args.write:
        args.write.write_text(page(kept(options.results), list(MODULES), REMARKS.read_text()))
    return 0 if all(r["rows"] and all(row["holds"] for row in r["rows"]) for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
