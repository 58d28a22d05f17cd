"""The command of a fault plan: runs parts, shows what came of them, writes the page."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from lanes import Options, run_lanes
from plan import lanes
from report import kept, page

INTERRUPTED = 130


class Plan(NamedTuple):
    """What is different for each plan."""

    doc: str
    """For --help."""
    modules: Mapping[str, str]
    """Its parts, in their order."""
    head: str
    """What the page begins with."""
    remarks: str
    """What the page says about parts, each under `## PART`."""
    results: Path
    """Where results are kept by default."""


async def run(plan: Plan, names: list[str], options: Options) -> list[dict[str, Any]]:
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
    return sorted(results, key=lambda result: list(plan.modules).index(result["part"]))


def show(result: dict[str, Any]) -> None:
    print(f"{result['part']} {result['title']} ({result['seconds']} s)")
    if result["error"]:
        print("  BAD did not run:", result["error"])
    for row in result["rows"]:
        bound = f" ({row['bound']})" if row["bound"] else ""
        print("  ok " if row["holds"] else "  BAD", f"{row['what']}: {row['value']}{bound}")


def main(plan: Plan) -> int:
    """Its exit code: 0 when all figures are within their bounds."""
    parser = argparse.ArgumentParser(
        description=plan.doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=" ".join(plan.modules))
    parser.add_argument("--short", action="store_true", help="the size that `make test` has time for")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results of this run there, too")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the page anew")
    parser.add_argument("--results", type=Path, default=plan.results, metavar="FOLDER")
    parser.add_argument("--keep", action="store_true", help="keep ledgers and logs, and say where")
    args = parser.parse_args()
    if unknown := set(args.parts) - set(plan.modules):
        parser.error(f"no such part: {' '.join(sorted(unknown))}; there are {' '.join(plan.modules)}")
    options = Options(args.results.resolve(), args.short, args.seed, args.keep)
    try:
        results = asyncio.run(run(plan, args.parts or list(plan.modules), options))
    except asyncio.CancelledError:
        print("ended before it was done", file=sys.stderr)
        return INTERRUPTED
    for result in results:
        show(result)
    if args.json:
        args.json.write_text(json.dumps(results))
    if args.write:
        text = page(kept(options.results), list(plan.modules), plan.remarks, plan.head)
        args.write.write_text(text)
    return 0 if all(r["rows"] and all(row["holds"] for row in r["rows"]) for r in results) else 1
