"""What the log hears of a store that cannot write."""

from __future__ import annotations

from gateway_fakes import FakeJournal

from gateway.core.events import Events
from gateway.ops.store_watch import SURE_S, StoreWatch


def test_trouble_and_its_end_are_told_once() -> None:
    lines: list[str] = []
    journal = FakeJournal()
    events = Events(write=lines.append)
    watch = StoreWatch(journal, events)

    def look(now: float, error: str) -> str:
        journal.error = error
        watch.look(now)
        events.flush()
        said, lines[:] = "".join(lines), []
        return said

    full = "database or disk is full (SQLITE_FULL)"
    assert look(0, "") == ""
    said = look(1, full)
    assert "error store_cannot_write" in said
    assert "SQLITE_FULL" in said
    assert look(2, full) == ""
    assert look(3, "") == "", "one batch may fit by chance"
    assert look(4, full) == ""
    assert look(4 + SURE_S - 0.1, "") == ""
    assert "info store_writes_again" in look(4 + SURE_S, "")
    assert look(5 + SURE_S, "") == ""
    assert "store_cannot_write" in look(6 + SURE_S, full)
