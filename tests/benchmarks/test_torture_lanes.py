"""benchmarks/torture/lanes.py and one.py: a part that goes wrong is a result, and does not end the others."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import lanes
import pytest
from lanes import Options, run_lanes

FAKES = """\
import os, signal, subprocess, sys, time
from pathlib import Path
from part import Part, PartError, count

def fine(run):
    assert list(run.folder.iterdir()) == list(run.ledgers.iterdir()) == []
    run.say("half of it")
    return [count("lost", 0), count("full", int(run.full))]

def loses(run):
    (run.folder / "state").mkdir()
    (run.folder / "state" / "gateway.log").write_text("what it said")
    return [count("lost", 1)]

def wrong(run):
    raise PartError(f"strace is missing: see {run.folder}/gateway.log")

def crashes(run):
    return 1 / 0

def dies(run):
    Path(HERE, "left").write_text(f"{run.folder} {run.ledgers}")
    os._exit(3)

def hangs(run):
    child = subprocess.Popen(["sleep", "600"])
    try:
        Path(HERE, "child").write_text(f"{child.pid} {run.folder} {run.ledgers}")
        child.wait()
    finally:
        child.kill()
        child.wait()

ALL = {"A1": fine, "A2": loses, "A3": wrong, "A4": crashes, "A5": dies, "A6": hangs}
PARTS = tuple(Part(name, name.lower(), "so", function) for name, function in ALL.items())
"""
ONE = """\
import sys
sys.path[:0] = [{torture!r}, {here!r}]
import one
one.MODULES = dict.fromkeys(["A1", "A2", "A3", "A4", "A5", "A6"], "fakes")
sys.exit(one.main())
"""


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Options:
    """A run with parts that are made up."""
    (tmp_path / "fakes.py").write_text(f"HERE = {str(tmp_path)!r}\n{FAKES}")
    one = tmp_path / "one_of_fakes.py"
    one.write_text(ONE.format(torture=str(lanes.ONE.parent), here=str(tmp_path)))
    monkeypatch.setattr(lanes, "ONE", one)
    return Options(tmp_path / "results", short=True, seed=7, keep=False)


def by_name(results: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {result["part"]: result for result in results}


def test_each_part_has_a_result_whatever_happens_to_it(
    options: Options, capsys: pytest.CaptureFixture[str]
) -> None:
    found = by_name(asyncio.run(run_lanes([["A5", "A3", "A1"], ["A4", "A2"]], options)))
    assert {name: result["error"] for name, result in found.items()} == {
        "A1": "",
        "A2": "",
        "A3": "strace is missing: see A3.short.logs/gateway.log",
        "A4": "ZeroDivisionError: division by zero",
        "A5": "its process ended with 3: see results/*.log",
    }
    assert [row["holds"] for row in found["A1"]["rows"]] == [True, True]
    assert [row["holds"] for row in found["A2"]["rows"]] == [False]
    assert found["A1"]["seed"] == 7
    for name, result in found.items():
        assert result["full"] is False
        assert json.loads((options.results / f"{name}.short.json").read_text()) == result
    said = capsys.readouterr().err
    assert "A1  half of it" in said
    assert "ZeroDivisionError" in (options.results / "lane-2.log").read_text()
    assert "A1  half of it" not in (options.results / "lane-2.log").read_text()


def test_logs_are_kept_of_what_went_wrong_and_not_of_what_went_well(options: Options) -> None:
    asyncio.run(run_lanes([["A1", "A2"]], options))
    assert (options.results / "A2.short.logs" / "state-gateway.log").read_text() == "what it said"
    assert not (options.results / "A1.short.logs").exists()


def test_an_older_result_is_no_result_of_a_run_that_left_none(options: Options) -> None:
    options.results.mkdir()
    (options.results / "A5.short.json").write_text(json.dumps({"part": "A5", "error": "", "rows": [1]}))
    (result,) = asyncio.run(run_lanes([["A5"]], options))
    assert result["error"] == "its process ended with 3: see results/*.log"


def test_a_part_that_dies_leaves_no_folders(options: Options, tmp_path: Path) -> None:
    asyncio.run(run_lanes([["A5"]], options))
    left = (tmp_path / "left").read_text().split()
    assert [path for path in left if Path(path).exists()] == []


def test_an_interrupt_ends_all_that_a_part_has_started(options: Options, tmp_path: Path) -> None:
    note = tmp_path / "child"

    async def interrupt() -> None:
        running = asyncio.create_task(run_lanes([["A6", "A1"]], options))
        while not (note.exists() and note.read_text()):  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.02)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(interrupt())
    child, folder, ledgers = note.read_text().split()
    with pytest.raises(ProcessLookupError):
        os.kill(int(child), 0)
    assert not Path(folder).exists()
    assert not Path(ledgers).exists()
    assert list(options.results.glob("*.json")) == []
