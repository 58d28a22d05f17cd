"""Runs one part in a process of its own, and writes its result down.

    python benchmarks/torture/one.py PART RESULT.json [--short] [--seed N] [--keep]

The result is written whatever happens: a part that raises is one that did not run.  With --keep its folders
stay, and it says where they are.  SIGINT and SIGTERM end it, and all that it has started.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))  # kill.py and the others are there
sys.path.append(str(Path(__file__).resolve().parents[1] / "cluster"))

from machine import commit, filesystem, machine
from part import Part, PartError, Run
from plan import CLUSTER, MODULES

OTHER_DISK = Path("/dev/shm")
LOG_MAX = 2**20
DISKS = (Path(tempfile.gettempdir()), Path("/var/tmp"))


def part_of(name: str) -> Part:
    parts: tuple[Part, ...] = import_module((MODULES | CLUSTER)[name]).PARTS
    return next(part for part in parts if part.name == name)


def disk() -> Path:
    """A folder for temporary files that is on a disk."""
    return next((place for place in DISKS if filesystem(place) != "tmpfs"), DISKS[0])


def prefix_of(name: str, pid: int) -> str:
    """How the names of a part's folders begin."""
    return f"torture-{name}-{pid}-"


def remove_left(name: str, pid: int) -> None:
    """Removes the folders of a part whose process died without doing so."""
    for place in (disk(), OTHER_DISK):
        for folder in place.glob(f"{prefix_of(name, pid)}*"):
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def folders(name: str, *, keep: bool) -> Iterator[tuple[Path, Path]]:
    """Two empty ones for a part: on a disk, and on another filesystem."""
    prefix = prefix_of(name, os.getpid())
    made = [Path(tempfile.mkdtemp(prefix=prefix, dir=place)) for place in (disk(), OTHER_DISK)]
    try:
        yield made[0], made[1]
    finally:
        for folder in made:
            if keep:
                print(f"{name}  kept: {folder}", file=sys.stderr, flush=True)
            else:
                shutil.rmtree(folder, ignore_errors=True)


def save_logs(folder: Path, into: Path) -> None:
    """Copies the ends of the logs below a folder that will be gone."""
    into.mkdir(exist_ok=True)
    for log in folder.rglob("*.log"):
        name = "-".join(log.relative_to(folder).parts)
        (into / name).write_bytes(log.read_bytes()[-LOG_MAX:])


def run(name: str, logs: Path, *, full: bool, seed: int, keep: bool) -> dict[str, Any]:
    """The result of a part as plain values; `error` is set, and `rows` empty, when it did not run.

    The gateway's logs are kept in the folder `logs` when something is wrong.
    """
    result: dict[str, Any] = {"part": name, "full": full, "seed": seed, "rows": [], "error": ""}
    result |= {"title": "", "how": "", "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M")}
    result |= {"machine": machine(disk()), "load": round(os.getloadavg()[0], 1), "commit": commit()}
    say = lambda line: print(f"{name}  {line}", file=sys.stderr, flush=True)  # noqa: E731
    began = time.monotonic()
    with folders(name, keep=keep) as (folder, ledgers):
        try:
            part = part_of(name)
            result |= {"title": part.title, "how": part.how}
            rows = part.run(Run(full, folder, ledgers, seed, say))
            result["rows"] = [row._asdict() for row in rows]
            if not rows:
                raise PartError("it has no figures")
        except PartError as error:
            result["error"] = str(error)
        except Exception as error:
            traceback.print_exc()
            result["error"] = f"{type(error).__name__}: {error}"
        shutil.rmtree(logs, ignore_errors=True)
        if result["error"] or not all(row["holds"] for row in result["rows"]):
            result["error"] = result["error"].replace(str(folder), logs.name)
            save_logs(folder, logs)
    result["seconds"] = round(time.monotonic() - began, 1)
    if result["commit"] != (now := commit()):
        result["commit"] += f", at the end {now}"
    return result


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=MODULES | CLUSTER)
    parser.add_argument("result", type=Path)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true")
    args = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):  # also where the first is ignored, as in the background
        signal.signal(number, signal.default_int_handler)
    try:
        result = run(
            args.part, args.result.with_suffix(".logs"), full=not args.short, seed=args.seed, keep=args.keep
        )
    except KeyboardInterrupt:
        return 130
    beside = args.result.with_suffix(".new")
    beside.write_text(json.dumps(result, indent=1))
    beside.replace(args.result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
