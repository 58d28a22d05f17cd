"""The audit: rows that come before what was done, their outcomes, and what becomes of them."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from gateway_fakes import DAY_MS, NOW_MS
from store_support import Store

from gateway.store import reader_audit
from gateway.store.reader_audit import Wanted, audit_page
from protocols.sms.addresses import mask

ALL = 1 << 62
EVERYTHING = Wanted()


def row(at_ms: int = NOW_MS, **fields: Any) -> tuple[Any, ...]:
    """A row of Batch.audits."""
    values: dict[str, Any] = {
        "at_ms": at_ms,
        "who": "root",
        "origin": "command",
        "address": "uid 0",
        "action": "decide",
        "subject": "message_ids=7",
        "outcome": "",
        "why": "",
    }
    assert not fields.keys() - values.keys()
    return tuple({**values, **fields}.values())


def page(
    store: Store, wanted: Wanted = EVERYTHING, before: int = ALL, limit: int = 100, boot: int = 1
) -> tuple[list[int], int]:
    rows, after = audit_page(store.engine.reads, wanted, boot, before, limit)
    return [found["audit_id"] for found in rows], after


def outcomes(store: Store, boot: int) -> list[str]:
    return [found["outcome"] for found in audit_page(store.engine.reads, Wanted(), boot, ALL, 100)[0]]


def test_each_row_has_its_id_and_gets_its_outcome(store: Store) -> None:
    first, second = store.apply(audits=[row(), row(action="reload")]).audited
    store.apply(audit_ends=[(second, "refused", "why")])
    found = {r["audit_id"]: (r["action"], r["outcome"], r["why"]) for r in store.rows("audit")}
    assert found == {first: ("decide", "", ""), second: ("reload", "refused", "why")}


def test_what_a_run_that_ended_has_left_open_is_unknown(store: Store) -> None:
    store.apply(audits=[row(), row(outcome="done")])
    boot = store.rows("audit")[0]["boot"]
    assert outcomes(store, boot) == ["done", "under way"]
    store.restart()
    store.apply(audits=[row()])
    newest = store.rows("audit")[-1]["boot"]
    assert newest != boot
    assert outcomes(store, newest) == ["under way", "done", "unknown"]


def test_an_id_is_never_given_twice(store: Store) -> None:
    (first,) = store.apply(audits=[row()]).audited
    store.sweep(audit_before_ms=NOW_MS + 1)
    assert store.rows("audit") == []
    assert store.apply(audits=[row()]).audited[0] > first


def test_old_rows_go_some_at_a_time(store: Store) -> None:
    store.apply(audits=[row(NOW_MS + n) for n in range(5000)])
    sweeps = 0
    while store.sweep(audit_before_ms=NOW_MS + 4500).sweep_again:
        sweeps += 1
        assert len(store.rows("audit")) >= 5000 - 2000 * sweeps
    assert sweeps == 2
    assert [r["at_ms"] for r in store.rows("audit")] == [NOW_MS + n for n in range(4500, 5000)]


@pytest.mark.parametrize("number", ["79990001234", "4791234", "12345678", "447400123456789", "112"])
def test_an_erased_number_goes_in_its_masked_form(store: Store, number: str) -> None:
    """The statement masks as logs do, whatever the number's length."""
    kept = row(subject="number=1234***4321", why="1***")
    store.apply(audits=[row(subject=f"account=a number={mask(number)}", why=f"{mask(number)}!"), kept])
    counts = store.apply(erasures=[(number, 0, 0)]).erased[0][0]
    first, second = store.rows("audit")
    assert (first["subject"], first["why"]) == ("account=a number=erased", "erased!")
    assert (second["subject"], second["why"]) == ("number=1234***4321", "1***")
    assert counts["audit"] == 1


def test_pages_and_filters(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.apply(
        audits=[
            row(NOW_MS, who="ann", origin="page", address="192.0.2.1", outcome="done"),
            row(NOW_MS + DAY_MS, action="reload", outcome="refused"),
            row(NOW_MS + 2 * DAY_MS, who="ann", origin="page", address="192.0.2.1"),
        ]
    )
    assert page(store) == ([3, 2, 1], 0)
    assert page(store, limit=2) == ([3, 2], 2)
    assert page(store, before=2) == ([1], 0)
    assert page(store, Wanted(who="ann"))[0] == [3, 1]
    assert page(store, Wanted(who="192.0.2"))[0] == [3, 1]
    assert page(store, Wanted(who="%"))[0] == []
    assert page(store, Wanted(action="reload"))[0] == [2]
    assert page(store, Wanted(outcome="refused"))[0] == [2]
    assert page(store, Wanted(outcome="under way"))[0] == [3]
    assert page(store, Wanted(since_ms=NOW_MS + DAY_MS))[0] == [3, 2]
    assert page(store, Wanted(until_ms=NOW_MS + DAY_MS))[0] == [2, 1]
    monkeypatch.setattr(reader_audit, "LOOK", 1)
    assert page(store, Wanted(action="reload")) == ([], 3)
    assert page(store, Wanted(since_ms=NOW_MS + DAY_MS), before=2) == ([], 0)


@pytest.mark.parametrize("seed", range(10))
def test_whatever_happens_each_outcome_is_that_of_its_row(store: Store, seed: int) -> None:
    """A walk: rows and outcomes in any batches, restarts in between; nothing changes what has ended."""
    random = Random(seed)
    known: dict[int, str] = {}
    for _ in range(40):
        new = [row(subject=str(random.random())) for _ in range(random.randrange(3))]
        open_ = [audit_id for audit_id, outcome in known.items() if not outcome]
        ends = [(n, random.choice(("done", "refused")), "") for n in open_ if random.random() < 0.5]
        answer = store.apply(audits=new, audit_ends=ends)
        known |= {audit_id: outcome for audit_id, outcome, _ in ends}
        known |= dict.fromkeys(answer.audited, "")
        assert len(answer.audited) == len(new)
        if random.random() < 0.1:
            store.restart()
        assert {r["audit_id"]: r["outcome"] for r in store.rows("audit")} == known
