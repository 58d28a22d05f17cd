"""A person's decision about a message: the answer says what became of it, whenever it comes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from gateway_fakes import FakeJournal, ManualClock, quiet_events

from gateway.ops.control import ControlSocket


class Waiting:
    """A store in which every message waits."""

    def timeline(self, message_id: int) -> dict[str, Any] | None:
        return {"state": "QUEUED"}

    def mail(self, mail_id: int) -> dict[str, Any] | None:
        return None

    def listing(self, kind: str, limit: int) -> list[dict[str, Any]]:
        return []

    def summary(self) -> dict[str, Any]:
        return {}


def control_of(journal: FakeJournal) -> ControlSocket:
    return ControlSocket(Path("unused"), Waiting(), journal, quiet_events(), ManualClock(), status=dict)


async def asked(control: ControlSocket, journal: FakeJournal) -> asyncio.Task[dict[str, Any]]:
    """`queue drop` whose decision is in the gathering batch."""
    before = len(journal.batch.decisions)
    task = asyncio.ensure_future(control._decide(7, "drop"))
    while len(journal.batch.decisions) == before:  # noqa: ASYNC110 - a few turns of the loop
        await asyncio.sleep(0)
    return task


@pytest.mark.parametrize(
    ("ok", "waited", "answer"), [(True, True, "done"), (True, False, "error"), (False, False, "error")]
)
def test_the_answer_is_what_the_store_did(ok: bool, waited: bool, answer: str) -> None:
    async def run() -> None:
        journal = FakeJournal()
        control = control_of(journal)
        task = await asked(control, journal)
        batch, end = journal.take()
        if ok:
            control.decided(batch.decisions, [waited])
        end(ok, None)
        assert list(await task) == [answer]

    asyncio.run(run())


def test_a_commit_after_the_patience_of_whoever_asked_harms_nothing() -> None:
    async def run() -> None:
        journal = FakeJournal()
        control = control_of(journal)
        task = await asked(control, journal)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        control.decided(journal.batch.decisions, [True])
        journal.commit()

    asyncio.run(run())
