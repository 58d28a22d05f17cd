"""Money that is moved from one balance to another, also when another node has spent it meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from front_sending import PURSE, SendDesk, sender

from gateway.core.batch import Answer, Batch
from gateway.core.conditions import refused_late
from gateway.front.payments import move


@pytest.fixture
def at(tmp_path: Path) -> Iterator[SendDesk]:
    both = (sender(name, balance="own", prices="retail") for name in ("rich", "poor"))
    made = SendDesk(tmp_path, *both)
    yield made
    made.close()


def share(at: SendDesk, *, refuses: bool) -> list[Batch]:
    """The store is shared, and has the last word; what it is asked."""
    submission, asked = at.desk.submission, list[Batch]()
    submission.shared = submission.ledger.shared = True
    apply = at.journal._applier.apply

    def applied(batch: Batch) -> Answer:
        asked.append(batch)
        late = [(row[1], "balance") for row in batch.conditions] if refuses else []
        answer = Answer() if refuses else apply(batch)
        answer.refused_late = late
        answer.balances = [("rich", 5)] if refuses else [("rich", PURSE - 70), ("poor", 70)]
        submission.refused_late = refused_late(late)
        submission.ledger.store_has([], answer.balances)
        return answer

    at.journal._applier.apply = applied  # type: ignore[method-assign]
    return asked


def balances(at: SendDesk) -> tuple[int, int]:
    ledger = at.desk.ledger()
    return ledger.purse("rich").balance, ledger.purse("poor").balance


def test_what_is_moved_is_there_once(at: SendDesk) -> None:
    assert asyncio.run(move(at.desk, "rich", "poor", 70, "rich"))
    assert balances(at) == (PURSE - 70, 70)
    assert at.journal.batches[-1].conditions == []


def test_a_shared_store_is_asked_and_says_what_is_left(at: SendDesk) -> None:
    asked = share(at, refuses=False)
    assert asyncio.run(move(at.desk, "rich", "poor", 70, "rich", floor=-9))
    assert balances(at) == (PURSE - 70, 70)
    [(kind, id, group, *rest)] = asked[0].conditions
    assert (kind, id == group, rest) == ("move", True, ["rich", 70, -9, 0])


def test_what_others_have_spent_is_not_moved(at: SendDesk) -> None:
    share(at, refuses=True)
    assert not asyncio.run(move(at.desk, "rich", "poor", 70, "rich"))
    assert balances(at) == (5, 0)
