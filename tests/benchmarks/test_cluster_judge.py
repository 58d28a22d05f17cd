"""benchmarks/cluster: the judge sees what it is there to see."""

from __future__ import annotations

import json
from pathlib import Path

import kill
import pytest
from harness import Verdict
from nodes import DATABASE, WINDOW, Boots, figures, takeover
from part import PartError
from postgres_server import PostgresServer

NOTHING_WRONG = Verdict(
    acked=1000,
    arrived=1000,
    lost=0,
    receipts_missing=0,
    queued=0,
    ambiguous=3,
    duplicates=3,
    unexplained=0,
)


def bad(rows: object) -> list[str]:
    return [row.what for row in rows if not row.holds]  # type: ignore[attr-defined]


def test_a_run_without_a_fault_is_within_its_bounds() -> None:
    assert bad(figures(NOTHING_WRONG, faults=2)) == []
    assert bad(takeover([15.1, 19.9])) == []


def test_more_duplicates_than_windows_and_a_loss_are_seen() -> None:
    many = NOTHING_WRONG._replace(duplicates=2 * WINDOW + 1)
    assert bad(figures(many, faults=2)) == ["messages that the SMSC has twice"]
    assert bad(figures(NOTHING_WRONG._replace(lost=1), faults=2)) == ["lost"]
    assert bad(figures(NOTHING_WRONG._replace(unexplained=1), faults=2)) == [
        "of these not listed as ambiguous"
    ]


def test_one_takeover_that_is_late_is_seen() -> None:
    assert bad(takeover([15.0, 20.5, 15.0])) == ["fault to takeover, longest"]


def test_a_receipt_that_came_to_the_other_sender_is_no_missing_one(tmp_path: Path) -> None:
    said = {"a": [{"acked": "id1", "marker": 1}], "b": [{"receipt": "id1", "state": 2, "marker": 1}]}
    for name, entries in said.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "sender.jsonl").write_text("".join(json.dumps(one) + "\n" for one in entries))
    assert kill.promises(tmp_path / "a", tmp_path / "b").receipts_missing(set()) == 0
    assert kill.promises(tmp_path / "a").receipts_missing(set()) == 1


@pytest.fixture
def boots(postgres_server: PostgresServer) -> Boots:
    postgres_server.drop_database(DATABASE)
    postgres_server.create_database(DATABASE)
    postgres_server.execute(
        "CREATE TABLE boot (boot_id int, node int, fenced int, stopped_ms int, batch_no int);"
        "CREATE TABLE node (node int, name text);"
        "INSERT INTO node VALUES (1, 'a'); INSERT INTO boot VALUES (6, 1, 1, NULL, 3), (7, 1, 1, NULL, 5)",
        DATABASE,
    )
    return Boots(postgres_server)


def test_a_batch_that_is_stored_under_a_stale_token_is_seen(
    boots: Boots, postgres_server: PostgresServer
) -> None:
    assert boots.newest("a") == 7
    boots.until_over(7, since=0)
    assert boots.applied_afterwards() == 0
    postgres_server.execute("UPDATE boot SET batch_no = 6 WHERE boot_id = 7", DATABASE)
    assert boots.applied_afterwards() == 1


def test_a_node_from_which_nobody_takes_over_is_seen(boots: Boots, postgres_server: PostgresServer) -> None:
    postgres_server.execute("UPDATE boot SET fenced = 0", DATABASE)
    with pytest.raises(PartError, match="nobody has taken over from run 7"):
        boots.until_over(7, since=0)
