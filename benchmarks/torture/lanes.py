"""Runs parts in processes of their own, several lanes of them side by side; ends all of them on demand."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import IO, Any, NamedTuple

from harness import processes
from one import remove_left

ONE = Path(__file__).with_name("one.py")
MOST_S = 2 * 3600.0
"""No part takes so long: it hangs."""
GOODBYE_S = 30.0
"""For a part to end its gateways."""


class Options(NamedTuple):
    """What all parts of a run have in common."""

    results: Path
    """The folder for results and the lanes' logs."""
    short: bool
    seed: int
    keep: bool

    def result(self, name: str) -> Path:
        """Where a part's result is; short ones never take the place of full ones."""
        return self.results / (f"{name}.short.json" if self.short else f"{name}.json")


async def run_lanes(lanes: list[list[str]], options: Options) -> list[dict[str, Any]]:
    """The results of all parts.  Cancelled, it ends what runs, then raises."""
    options.results.mkdir(parents=True, exist_ok=True)
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(_lane(n, names, options)) for n, names in enumerate(lanes, 1)]
    return [result for lane in running for result in lane.result()]


async def _lane(number: int, names: list[str], options: Options) -> list[dict[str, Any]]:
    results = []
    with (options.results / f"lane-{number}.log").open("w") as log:
        for place, name in enumerate(names, 1):
            _tell(log, f"{name}  begins ({place} of {len(names)} in lane {number})")
            result = await _part(name, options, log)
            results.append(result)
            bad = sum(not row["holds"] for row in result["rows"])
            how = result["error"] and f"did not run: {result['error']}"
            _tell(
                log, f"{name}  {how or (f'{bad} out of bounds' if bad else 'ok')}, {result['seconds']:.0f} s"
            )
    return results


async def _part(name: str, options: Options, log: IO[str]) -> dict[str, Any]:
    """Runs one part and reads its result; one that left none did not run."""
    path = options.result(name)
    path.unlink(missing_ok=True)
    words = ["--seed", str(options.seed), *["--short"] * options.short, *["--keep"] * options.keep]
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ONE),
        name,
        str(path),
        *words,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    copying = asyncio.create_task(_copy(process, log))
    why = f"its process ended with {{code}}: see {options.results.name}/*.log"
    try:
        await asyncio.wait_for(process.wait(), MOST_S)
    except TimeoutError:
        why = f"not done after {MOST_S / 3600:g} h"
    finally:
        await asyncio.shield(_end(process))
        await asyncio.wait([copying], timeout=1)  # something that it has left may hold the pipe
        copying.cancel()
        if not options.keep:
            remove_left(name, process.pid)
    if path.exists():
        found: dict[str, Any] = json.loads(path.read_text())
        return found
    result = {
        "part": name,
        "title": "",
        "how": "",
        "full": not options.short,
        "seed": options.seed,
        "rows": [],
    }
    result |= {"error": why.format(code=process.returncode), "seconds": round(time.monotonic() - began, 1)}
    path.write_text(json.dumps(result, indent=1))
    return result


async def _copy(process: asyncio.subprocess.Process, log: IO[str]) -> None:
    assert process.stderr is not None
    with contextlib.suppress(ValueError):  # a line of more than 64 KiB: nobody reads on
        async for line in process.stderr:
            _tell(log, line.decode(errors="replace").rstrip())


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ends a part and what it has started, if it runs: first it is asked to."""
    if process.returncode is not None:
        return
    started = processes(process.pid)
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), GOODBYE_S)
        return
    for pid in {*started, *processes(process.pid)}:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    await process.wait()


def _tell(log: IO[str], line: str) -> None:
    line = f"{time.strftime('%H:%M:%S')}  {line}"
    print(line, file=sys.stderr, flush=True)
    print(line, file=log, flush=True)
