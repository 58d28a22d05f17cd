"""benchmarks/torture/harness.py: the judge sees what it is there to see."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from harness import End, open_files, processes, rss_bytes, verdict, wal_bytes
from part import Run

NOTHING = End(set(), set())


def ledgers(folder: Path, sender: list[dict[str, object]], smsc: list[str], status: str = "ESME_ROK") -> Run:
    """A run with what both sides have written down; the SMSC's list is of destinations."""
    (folder / "sender.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in sender))
    arrived = [{"event": "received", "status": status, "destination": number} for number in smsc]
    lines = [{"event": "ready", "listen": "127.0.0.1:1"}, *arrived]
    (folder / "upstream.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return Run(False, folder, folder, 1, print)


def acked(marker: int) -> dict[str, object]:
    return {"acked": f"id{marker}", "marker": marker}


def receipt(marker: int, state: int = 2) -> dict[str, object]:
    return {"receipt": f"id{marker}", "state": state, "marker": marker}


def bad(found: dict[str, bool]) -> list[str]:
    return [what for what, holds in found.items() if not holds]


def judged(run: Run, end: End = NOTHING, *, doubts: bool = True) -> list[str]:
    """The figures that are out of bounds."""
    return bad({row.what: row.holds for row in verdict(run, end).rows(least_acked=1, doubts=doubts)})


def test_what_arrived_once_with_its_receipt_is_fine(tmp_path: Path) -> None:
    assert judged(ledgers(tmp_path, [acked(1), receipt(1)], ["1"]), doubts=False) == []


def test_an_acknowledged_message_that_is_nowhere_is_lost(tmp_path: Path) -> None:
    run = ledgers(tmp_path, [acked(1), receipt(1), acked(2)], ["1"])
    found = verdict(run, NOTHING)
    assert (found.acked, found.lost, found.receipts_missing) == (2, 1, 1)
    assert judged(run) == ["lost", "receipts missing"]


def test_what_the_smsc_refused_has_not_arrived(tmp_path: Path) -> None:
    run = ledgers(tmp_path, [acked(1), receipt(1)], ["1"], status="ESME_RSYSERR")
    assert judged(run) == ["lost"]


def test_what_is_queued_or_reported_as_failed_is_not_lost(tmp_path: Path) -> None:
    run = ledgers(tmp_path, [acked(1), acked(2), receipt(2, state=5)], [])
    assert judged(run, End(set(), {"id1"})) == []


def test_a_receipt_that_never_came_is_missing(tmp_path: Path) -> None:
    assert judged(ledgers(tmp_path, [acked(1)], ["1"])) == ["receipts missing"]


def test_a_message_that_came_twice_must_be_listed(tmp_path: Path) -> None:
    run = ledgers(tmp_path, [acked(1), receipt(1)], ["1", "1"])
    assert judged(run) == ["of these not listed as ambiguous"]
    assert judged(run, End({"id1"}, set())) == []
    assert judged(run, End({"id1"}, set()), doubts=False) == [
        "listed as ambiguous",
        "messages that the SMSC has twice",
    ]


def test_a_run_that_sent_nothing_shows_nothing(tmp_path: Path) -> None:
    assert judged(ledgers(tmp_path, [], [])) == ["messages acknowledged to the sender"]


def test_processes_are_one_and_all_that_it_has_started() -> None:
    inner = "import sys; print('there', flush=True); sys.stdin.read()"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", outer], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdout.readline()
        found = processes(child.pid)
        assert found[0] == child.pid
        assert len(found) == 2
        assert set(found) <= set(processes(os.getpid()))
        child.stdin.close()


def test_memory_and_descriptors_are_those_of_the_process(tmp_path: Path) -> None:
    before = open_files(os.getpid())
    with (tmp_path / "one").open("wb"):
        assert open_files(os.getpid()) == before + 1
    assert rss_bytes(os.getpid()) > 1_000_000
    (tmp_path / "queue.sqlite3-wal").write_bytes(b"123")
    assert wal_bytes(tmp_path) == 3
    assert wal_bytes(tmp_path / "nowhere") == 0
