"""The judge of K2's writing process sees a promise that was not kept."""

from __future__ import annotations

import random
from pathlib import Path

from store_alone import Alone, Ledger, Load
from stored import Stored, acknowledged_ids, stored


def test_each_kind_of_broken_promise_is_seen() -> None:
    ledger = Ledger()
    ledger.accepted |= {1, 2, 3}
    ledger.ended |= {2, 3}
    ledger.brought |= {3}
    kept = Stored(frozenset({1}), frozenset({2, 3}), frozenset({2}), "ok")
    assert ledger.missing(kept) == 0
    assert ledger.missing(kept._replace(live=frozenset())) == 1, "a message is lost"
    assert ledger.missing(kept._replace(deliveries=frozenset())) == 1, "a receipt is lost"
    assert ledger.missing(kept._replace(live=frozenset({1, 2}), past=frozenset({3}))) == 1, "an end is lost"


def test_a_store_that_is_fed_keeps_what_it_has_promised(tmp_path: Path) -> None:
    ledger = Ledger()
    alone = Alone(tmp_path)
    assert alone.ready()
    assert alone.feed(Load(ledger, random.Random(1), sweeps=True), 20) == 19
    alone.kill()
    alone.close()
    found = stored(tmp_path, tmp_path)
    assert found.integrity == "ok"
    assert len(ledger.ended) > 100
    assert ledger.missing(found) == 0
    ledger.accepted.add(1 << 40)
    assert ledger.missing(found) == 1


def test_a_ledger_that_is_being_written_is_read_to_its_last_whole_line(tmp_path: Path) -> None:
    ledger = tmp_path / "sender.jsonl"
    ledger.write_text('{"acked": "7", "marker": 1}\n{"refused": "X", "marker": 2}\n{"acked": "8", "mar')
    assert acknowledged_ids(ledger) == {7}
