"""benchmarks/torture/reloads.py: its judge sees what a reload has broken."""

from __future__ import annotations

from dataclasses import replace

import pytest
from reload import Outcome
from reloads import rows

FINE = Outcome(
    reloads=100,
    bad_files=11,
    bad_files_taken=0,
    connectors_bound_anew=27,
    sessions=6,
    dropped=0,
    acked=7000,
    refused=0,
    smsc_messages=7000,
    lost=0,
    receipts_missing=0,
    duplicates=0,
    reload_ms_median=10.0,
    reload_ms_max=50.0,
)


def out(found: Outcome) -> list[str]:
    return [row.what for row in rows(found, 100) if not row.holds]


def test_reloads_that_break_nothing_are_within_bounds() -> None:
    assert out(FINE) == []


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("reloads", 99, "reloads that changed something"),
        ("bad_files", 9, "files with a mistake in between"),
        ("bad_files_taken", 1, "of these taken over"),
        ("dropped", 1, "of 6 sessions dropped"),
        ("acked", 999, "messages acknowledged to the clients"),
        ("refused", 1, "submits that were refused"),
        ("lost", 1, "lost"),
        ("receipts_missing", 1, "receipts missing"),
        ("duplicates", 1, "messages that an SMSC has twice"),
    ],
)
def test_one_that_is_broken_is_out_of_bounds(name: str, value: int, what: str) -> None:
    assert out(replace(FINE, **{name: value})) == [what]
