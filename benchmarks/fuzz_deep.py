"""Fuzzes by coverage: octets that reach something new go to tests/corpus, those that break it elsewhere.

    python benchmarks/fuzz_deep.py [TARGET …] [--seconds N] [--seed N] [--broken FOLDER] [--write PAGE]

The targets are those of tests/fuzz/targets.py, each for N seconds. atheris (libFuzzer for Python) finds out
what is new; `make fuzz-deep` installs it beside the project, into build/atheris. Where there is none, the
corpus is changed by chance alone, and nothing is kept. Exit code 0: nothing broke, nothing took longer than
5 s, and no process had more than 1 GiB.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ATHERIS = ROOT / "build" / "atheris"
sys.path[:0] = [str(ROOT / "tests" / "fuzz"), str(ATHERIS)]

import corpus  # noqa: E402
from fuzz_mutator import Octets  # noqa: E402

NAMES = (
    *("decoder", "session", "receipt", "udh", "text", "mime", "address", "answers", "callbacks", "http"),
    *("requests", "json", "configuration", "webhooks", "control"),
)
"""As in tests/fuzz/targets.py, whose modules must not be read before atheris is there; a test compares."""
LONGEST = 4096
"""Octets of an input."""
KEPT = 160_000
"""Characters of a target's corpus; the small ones stay."""
LIMITS = ("-timeout=5", "-rss_limit_mb=1024", f"-max_len={LONGEST}", "-print_final_stats=1")
_EXECUTED = re.compile(r"stat::number_of_executed_units: (\d+)")
_REACHED = re.compile(r"cov: (\d+)")


@dataclass
class Found:
    """What became of a target."""

    target: str
    inputs: int
    """That were tried."""
    reached: int
    """Branches, as atheris counts them; 0: it was not there."""
    corpus: int
    """Inputs that are kept."""
    seconds: float
    broken: str = ""
    """The file with the octets that broke it."""


def fuzz(target: str, seconds: int, seed: int, broken: Path) -> Found:
    """One target, in processes of their own."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        tried, kept = Path(scratch, "tried"), Path(scratch, "kept")
        for folder in (tried, kept):
            folder.mkdir()
        for octets in corpus.read(target):
            tried.joinpath(hashlib.sha1(octets, usedforsecurity=False).hexdigest()).write_bytes(octets)
        broken.mkdir(parents=True, exist_ok=True)
        prefix = f"-artifact_prefix={broken}/{target}-"
        log = _child(target, f"-max_total_time={seconds}", f"-seed={seed}", prefix, *LIMITS, str(tried))
        failed = re.search(r"Test unit written to (\S+)", log)
        if failed is None:
            merged = _child(target, "-merge=1", prefix, *LIMITS, str(kept), str(tried))
            if not any(kept.iterdir()):
                sys.exit(f"{target}: nothing is left of the corpus:\n{merged[-2000:]}")
            _keep(target, [path.read_bytes() for path in kept.iterdir()])
    executed, reached = _EXECUTED.search(log), _REACHED.findall(log)
    if executed is None and failed is None:
        sys.exit(f"{target}: atheris did not run:\n{log[-2000:]}")
    return Found(
        target,
        int(executed[1]) if executed else 0,
        int(reached[-1]) if reached else 0,
        len(corpus.read(target)),
        round(time.monotonic() - began, 1),
        failed[1] if failed else "",
    )


def _child(target: str, *options: str) -> str:
    """What libFuzzer says; it ends its process, so it has one."""
    command = [sys.executable, __file__, "--inside", target, *options]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ATHERIS)))}
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def _inside(target: str, options: list[str]) -> None:
    import atheris

    with atheris.instrument_imports(include=["protocols", "gateway"]):
        from targets import TARGETS
    again = shlex.join((sys.executable, __file__, "--inside", target))  # to merge it starts itself by a shell
    atheris.Setup([again, *options], TARGETS[target])
    atheris.Fuzz()


def _keep(target: str, inputs: list[bytes]) -> None:
    """Writes the corpus, as much of it as there is room for."""
    kept, left = [], KEPT
    for octets in sorted(inputs, key=len):
        left -= len(corpus.line_of(octets)) + 1
        if left < 0:
            break
        kept.append(octets)
    corpus.write(target, kept)


def by_chance(target: str, seconds: float, seed: int, broken: Path) -> Found:
    """Without atheris: octets of the corpus, changed, until the time is up."""
    from targets import TARGETS

    def on_alarm(signum: int, frame: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, on_alarm)
    mutator, began, number = Octets(corpus.read(target), seed, LONGEST), time.monotonic(), 0
    while time.monotonic() - began < seconds:
        octets = mutator.made(number)
        number += 1
        signal.setitimer(signal.ITIMER_REAL, 5)
        try:
            TARGETS[target](octets)
        except Exception:  # whatever it is, it must not be
            broken.mkdir(parents=True, exist_ok=True)
            path = broken / f"{target}-{hashlib.sha1(octets, usedforsecurity=False).hexdigest()}"
            path.write_bytes(octets)
            return Found(target, number, 0, len(corpus.read(target)), time.monotonic() - began, str(path))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    return Found(target, number, 0, len(corpus.read(target)), round(time.monotonic() - began, 1))


def table_of(found: list[Found]) -> str:
    """The table of docs/fuzz.md."""
    head = "| target | inputs tried | branches reached | inputs kept | seconds | broken by |"
    rows = [
        f"| {one.target} | {one.inputs:,} | {one.reached:,} | {one.corpus:,} | {one.seconds:.0f} |"
        f" {Path(one.broken).name or 'nothing'} |"
        for one in found
    ]
    return "\n".join([head, "|---|---|---|---|---|---|", *rows])


def main() -> int:
    if sys.argv[1:2] == ["--inside"]:
        _inside(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(NAMES))
    parser.add_argument("--seconds", type=int, default=120, help="of each, default %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default %(default)s")
    parser.add_argument("--broken", type=Path, default=ROOT / "build" / "broken", help="default %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write them into a page, too")
    args = parser.parse_args()
    strange = sorted(set(args.targets) - set(NAMES))
    if strange:
        parser.error(f"no target is named {', '.join(strange)}; there are {', '.join(NAMES)}")
    has_atheris = find_spec("atheris") is not None
    if not has_atheris:
        print("atheris is not there (see make fuzz-deep): the corpus is changed by chance, nothing is kept")
    found = []
    for target in args.targets or NAMES:
        one = (fuzz if has_atheris else by_chance)(target, args.seconds, args.seed, args.broken)
        print(json.dumps(asdict(one)), flush=True)
        found.append(one)
    if args.json:
        figures: list[dict[str, Any]] = [asdict(one) for one in found]
        args.json.write_text(json.dumps(figures, indent=2) + "\n")
    if args.write:
        from figures import write

        write(args.write, table_of(found), "deep figures")
    return 1 if any(one.broken for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
