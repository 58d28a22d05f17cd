"""benchmarks/torture/report.py: the page leaves nothing out, and makes nothing better than it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from part import Row, count
from report import Is, kept, page, verdict

MACHINE = {
    "cpu": "2 × Some CPU",
    "memory": "4 GiB",
    "kernel": "6.1",
    "filesystem": "ext4",
    "python": "3.11",
    "sqlite": "3.40.1",
}


def result(name: str = "K1", *rows: Row, full: bool = True, error: str = "", **more: Any) -> dict[str, Any]:
    """As one.py writes it; without rows one that is within its bounds."""
    found = {"part": name, "title": f"the test {name}", "how": "It is done.", "full": full, "seed": 1}
    found |= {"date": "2026-01-02 03:04", "machine": MACHINE, "load": 0.5, "commit": "0123abc"}
    given = rows or (() if error else (count("lost", 0),))
    return found | {"seconds": 90.0, "rows": [row._asdict() for row in given], "error": error} | more


def said(*results: dict[str, Any], names: tuple[str, ...] = ("K1",), remarks: str = "") -> str:
    return page({found["part"]: found for found in results}, names, remarks)


def test_figures_within_their_bounds_are_said_to_be() -> None:
    text = said(result("K1", count("lost", 0), Row("messages", "1,000")))
    assert "**1 parts: 1 within bounds.**" in text
    assert "| K1 | the test K1 | within bounds | 2026-01-02 03:04 | 1.5 | 0123abc |" in text
    assert "| lost | 0 | 0 | ok |" in text
    assert "| messages | 1,000 |  |  |" in text
    assert "## What is out of bounds, or missing\n\nNothing.\n" in text
    assert "Machine: 2 × Some CPU, 4 GiB, Linux 6.1, ext4, Python 3.11, SQLite 3.40.1." in text


def test_a_loss_turns_the_verdict_and_is_listed_with_its_bound() -> None:
    text = said(
        result("K1", count("lost", 1), count("receipts missing", 0)), result("K2"), names=("K1", "K2")
    )
    assert "**2 parts: 1 within bounds, 1 out of bounds.**" in text
    assert "- **K1** lost: 1 (bound: 0).\n" in text
    assert "| lost | 1 | 0 | **out** |" in text
    assert "- **K2**" not in text


def test_a_part_without_a_result_is_named() -> None:
    text = said(result("K1"), names=("K1", "K2"))
    assert "1 within bounds, 1 no result" in text
    assert "- **K2** no result.\n" in text
    assert "| K2 |  | **no result** |  |  |  |" in text


def test_a_part_that_did_not_run_says_why() -> None:
    text = said(result("K1", error="the disk\nis full"))
    assert "- **K1** did not run: the disk is full.\n" in text
    assert "**Did not run**: the disk is full" in text
    assert verdict(result("K1", error="", rows=[])) is Is.FAILED  # nothing was judged


def test_a_short_run_does_not_pass_for_a_full_one() -> None:
    text = said(result("K1", full=False))
    assert "**1 parts: 1 short run only.**" in text
    assert "- **K1** short run only.\n" in text
    assert "**A short run, not the size of the plan.**" in text


def test_a_short_run_that_is_out_of_bounds_is_out_of_bounds() -> None:
    assert verdict(result("K1", count("lost", 1), full=False)) is Is.OUT


def test_a_remark_stands_with_its_part() -> None:
    remarks = "Head.\n\n## K1\n\nIt loses one because of | this.\n\nSecond paragraph.\n\n## K2\nAnother.\n"
    text = said(result("K1", count("lost", 1)), remarks=remarks)
    assert "lost: 1 (bound: 0). See its remark below.\n" in text
    assert "\nIt loses one because of | this.\n\nSecond paragraph.\n" in text
    assert "Another." not in text
    assert "Head." not in text


def test_results_of_two_machines_are_told_apart() -> None:
    other = result("K2", machine=MACHINE | {"memory": "8 GiB"})
    text = said(result("K1"), other, names=("K1", "K2"))
    assert "- 2 × Some CPU, 4 GiB, Linux 6.1, ext4, Python 3.11, SQLite 3.40.1: K1\n" in text
    assert "- 2 × Some CPU, 8 GiB, Linux 6.1, ext4, Python 3.11, SQLite 3.40.1: K2\n" in text


def test_cells_cannot_break_the_table() -> None:
    text = said(result("K1", Row("a|b", "1\n2")))
    assert "| a\\|b | 1 2 |  |  |" in text


@pytest.mark.parametrize("order", [("K1.json", "K1.short.json"), ("K1.short.json", "K1.json")])
def test_the_full_result_is_taken_whichever_came_later(tmp_path: Path, order: tuple[str, str]) -> None:
    for name in order:
        (tmp_path / name).write_text(json.dumps(result("K1", full="short" not in name)))
    (tmp_path / "K2.short.json").write_text(json.dumps(result("K2", full=False)))
    found = kept(tmp_path)
    assert {name: one["full"] for name, one in found.items()} == {"K1": True, "K2": False}
