"""D3 of the fault plan in its short form, and that its judge sees a row that never was and a lost message."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib import import_module
from pathlib import Path
from random import Random

from gateway.store.sqlite_open import FILE_NAME

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path += [str(BENCHMARKS), str(BENCHMARKS / "torture")]


def test_damaged_files_are_told_or_served_and_recovered(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = [sys.executable, str(BENCHMARKS / "torture"), "D3", "--short", "--json", str(report)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [result] = json.loads(report.read_text())
    assert [row["what"] for row in result["rows"] if not row["holds"]] == []


def test_the_judge_sees_a_row_that_never_was_and_a_lost_message(tmp_path: Path) -> None:
    damaged, store = import_module("damaged_files"), import_module("damage_store")
    (tmp_path / "made").mkdir()
    original = store.make(tmp_path / "made", Random(1))
    whole = tmp_path / "whole"
    damaged.write(damaged.Files(original.file, original.log), whole)
    shutil.copytree(whole, tmp_path / "false")
    assert damaged.judge(whole, original, {})[1:] == (0, 0, 0)
    lost, changed = sorted(original.live)[:2]
    with closing(sqlite3.connect(tmp_path / "false" / FILE_NAME)) as connection, connection:
        connection.execute("DELETE FROM message WHERE message_id = ?", (lost,))
        connection.execute("UPDATE message SET destination = '1' WHERE message_id = ?", (changed,))
    assert damaged.judge(tmp_path / "false", original, {})[1:] == (1, 1, 1)
    shutil.rmtree(tmp_path / "false")
    damaged.write(damaged.Files(original.file, original.log), tmp_path / "false")
    with closing(sqlite3.connect(tmp_path / "false" / FILE_NAME)) as connection, connection:
        connection.execute("DELETE FROM message WHERE message_id = ?", (lost,))
    assert damaged.judge(tmp_path / "false", original, {"lost_messages": [str(lost)]})[1:] == (0, 1, 0)
