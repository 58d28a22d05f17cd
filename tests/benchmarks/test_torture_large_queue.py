"""benchmarks/torture/large_queue.py: its judge sees what a queue has cost; flood.py counts by marker."""

from __future__ import annotations

from typing import Any

import pytest
from flood import Counts
from large_queue import MIB, Found, Size, Turn, rows

SIZE = Size(queued=1_000, beside=100, pairs=2, drain_s=10.0)
TURN = Turn(acked=100, refused=0, arrived=100, twice=0, receipts=100, seconds=1.0)
DRAINED = Turn(acked=0, refused=0, arrived=1_000, twice=0, receipts=1_000, seconds=10.0)
FINE = Found(
    accepted=1_000,
    build_s=1.0,
    ready_s=2.0,
    ready_cpu_s=1.5,
    queued_after=1_000,
    beside=[TURN, TURN, TURN],
    empty=[TURN, TURN],
    drained=DRAINED,
    left=0,
    built_rss=[40 * MIB, 30 * MIB],
    built_peak=[60 * MIB, 30 * MIB],
    start_rss=[40 * MIB, 30 * MIB],
    peak=[60 * MIB, 40 * MIB],
    answers={"status": 0.01},
)
SLOW = TURN._replace(seconds=1.2)


def out(found: Found) -> list[str]:
    return [row.what for row in rows(found, SIZE) if not row.holds]


def test_a_queue_that_costs_nothing_is_within_bounds() -> None:
    assert out(FINE) == []


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"accepted": 999, "queued_after": 999}, ["messages accepted while their SMSC is away"]),
        ({"ready_s": 10.1}, ["from the start after kill -9 to ready"]),
        ({"queued_after": 999}, ["lost by the kill"]),
        ({"queued_after": 1_001}, ["lost by the kill"]),
        ({"beside": [SLOW, SLOW, TURN]}, ["ratio"]),
        ({"empty": [TURN, TURN._replace(arrived=99)]}, ["lost of these turns"]),
        ({"beside": [TURN, TURN, TURN._replace(receipts=99)]}, ["receipts missing of these turns"]),
        ({"beside": [TURN, TURN._replace(refused=1), TURN]}, ["refused"]),
        ({"beside": [TURN, TURN._replace(twice=1), TURN]}, ["messages that an SMSC has twice"]),
        ({"drained": DRAINED._replace(twice=1)}, ["messages that an SMSC has twice"]),
        ({"drained": DRAINED._replace(receipts=999)}, ["receipts missing"]),
        (
            {"drained": DRAINED._replace(arrived=999)},
            ["messages of the queue at its SMSC", "lost of the queue"],
        ),
        ({"built_peak": [150 * MIB, 51 * MIB]}, ["larger of the two"]),
        ({"peak": [150 * MIB, 51 * MIB]}, ["larger of the two"]),
    ],
)
def test_what_is_lost_slow_or_large_is_out_of_bounds(changed: dict[str, Any], what: list[str]) -> None:
    assert out(FINE._replace(**changed)) == what


def test_a_drain_that_was_ended_loses_nothing_that_still_waits() -> None:
    ended = FINE._replace(drained=DRAINED._replace(arrived=600, receipts=500), left=400)
    assert "lost of the queue" not in out(ended)
    assert "lost of the queue" in out(ended._replace(left=399))


def test_the_counter_knows_each_marker_once() -> None:
    counts = Counts(messages=3, first=5)
    for marker in (5, 6, 5):
        counts.arrives(marker)
    assert (counts.arrived, counts.twice) == (2, 1)
