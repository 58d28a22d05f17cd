"""Who is written down, from where, and what happens when the store cannot write."""

from __future__ import annotations

import asyncio
import os
import pwd
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gateway_fakes import NOW_MS, FakeJournal, ManualClock, recorded_events

from gateway.admin import audit, recorder
from gateway.admin.recorder import REFUSED_MOST, Entry, Recorder
from gateway.core.batch import Answer
from gateway.ops.control import Peer, Unrecorded

HERE = Peer(os.getpid(), os.getuid())
PAGES = Peer(4321, 1)
ELSEWHERE = Peer(1234, 0)
BY = {"user": "ann", "address": "192.0.2.1"}


class Desk:
    """What a recorder needs of the daemon."""

    def __init__(self) -> None:
        self.journal = FakeJournal()
        self.clock = ManualClock()
        self.events, self.lines = recorded_events()
        self.accounts = {"shop": None}
        self.upstreams: dict[str, None] = {}
        self.web = SimpleNamespace(pid=PAGES.pid)
        self.config = SimpleNamespace(web=SimpleNamespace(users=[SimpleNamespace(name="ann")]))
        self.state_dir = Path("/nowhere")
        self.boot = 1
        self.cluster = None

    @property
    def recorder(self) -> Recorder:
        it: Any = self
        return Recorder(it)

    async def begun(
        self, request: dict[str, Any], peer: Peer = ELSEWHERE, *, ok: bool = True
    ) -> Entry | None:
        """A request that is written down, and what was."""
        task = asyncio.ensure_future(self.recorder.begin(request, peer))
        while not task.done() and not self.journal.is_due:  # noqa: ASYNC110 - a few turns of the loop
            await asyncio.sleep(0.001)
        if self.journal.is_due:
            self.rows = self.journal.commit(ok=ok, answer=Answer(audited=[7])).audits
        return await task

    def log(self) -> str:
        self.events.flush()
        return "".join(self.lines)


def run(test: Any) -> Any:
    async def made() -> Any:
        return await test(Desk())

    return asyncio.run(made())


def test_a_row_is_stored_before_and_its_outcome_after() -> None:
    async def test(desk: Desk) -> None:
        request = {"command": "account_credit", "account": "shop", "amount": "5", "note": "secret"}
        entry = await desk.begun(request)
        assert entry is not None
        name = pwd.getpwuid(0).pw_name
        assert desk.rows == [
            (NOW_MS, name, "command", "uid 0", "account_credit", "account=shop amount=5", "", "")
        ]
        entry.end({"balance": "5"}, None)
        assert desk.journal.batch.audit_ends == [(7, "done", "")]
        assert desk.journal.is_due
        said = f'audited action=account_credit who={name} origin=command address="uid 0"'
        assert f'{said} subject="account=shop amount=5" outcome=done why=-' in desk.log()

    run(test)


@pytest.mark.parametrize(
    ("last", "error", "outcome"),
    [
        ({"error": "it has ended: DELIVERED"}, None, ("refused", "it has ended")),
        ({"error": "no room"}, GeneratorExit(), ("refused", "no room")),
        (None, KeyError("secret"), ("refused", recorder.SENSELESS)),
        ({"rows": []}, RuntimeError("secret"), ("refused", recorder.FAILED)),
        ({"rows": []}, GeneratorExit(), ("stopped", "")),
        (None, asyncio.CancelledError(), ("stopped", "")),
        (None, None, ("done", "")),
    ],
)
def test_outcomes(last: Any, error: BaseException | None, outcome: tuple[str, str]) -> None:
    async def test(desk: Desk) -> None:
        entry = await desk.begun({"command": "backup"})
        assert entry is not None
        entry.end(last, error)
        assert desk.journal.batch.audit_ends == [(7, *outcome)]

    run(test)


def test_reading_writes_nothing() -> None:
    async def test(desk: Desk) -> None:
        assert await desk.begun({"command": "status"}) is None
        assert not desk.journal.batch.audits

    run(test)


def test_without_a_row_nothing_is_done() -> None:
    async def test(desk: Desk) -> None:
        with pytest.raises(Unrecorded, match="cannot write"):
            await desk.begun({"command": "backup"}, ok=False)
        assert "audited" not in desk.log()

    run(test)


def test_whoever_left_before_it_began_has_stopped_it() -> None:
    async def test(desk: Desk) -> None:
        task = asyncio.ensure_future(desk.recorder.begin({"command": "backup"}, HERE))
        while not desk.journal.is_due:  # noqa: ASYNC110 - a few turns of the loop
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.wait([task])
        desk.journal.commit(answer=Answer(audited=[7]))
        assert desk.journal.batch.audit_ends == [(7, "stopped", "")]

    run(test)


@pytest.mark.parametrize(
    ("peer", "by", "who"),
    [
        (PAGES, BY, ("ann", "page", "192.0.2.1")),
        (HERE, BY, ("ann", "page", "192.0.2.1")),
        (PAGES, {"user": "my password", "address": "\x1b192.0.2.1"}, ("?", "page", "192.0.2.1")),
        (PAGES, {}, ("?", "page", "")),
        (ELSEWHERE, BY, ("root", "command", "uid 0")),
        (ELSEWHERE, "ann", ("root", "command", "uid 0")),
        (Peer(1234, 987654), None, ("987654", "command", "uid 987654")),
    ],
)
def test_who(peer: Peer, by: Any, who: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the pages' process is believed what it says of others; the rest the kernel says."""
    monkeypatch.setattr(recorder, "_login_uid", lambda pid: None)

    async def test(desk: Desk) -> None:
        request = {"command": "backup", "by": by}
        await desk.begun(request, peer)
        assert desk.rows[0][1:4] == who
        assert ("by" in request) == (who[1] == "page")

    run(test)


def test_who_logged_in_before_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "_login_uid", lambda pid: {1234: 987654}[pid])

    async def test(desk: Desk) -> None:
        await desk.begun({"command": "backup"})
        assert desk.rows[0][3] == "uid 0, login 987654"

    run(test)


def test_what_the_pages_have_to_say() -> None:
    async def test(desk: Desk) -> None:
        it: Any = desk
        note: Any = audit.handlers(it)["audit_note"]
        assert await note({"what": "login", "by": BY}) == {}
        assert await note({"what": "logout", "by": BY}) == {}
        assert await note({"what": "login_refused", "by": {"user": "pass word"}}) == {}
        assert list(await note({"what": "login"})) == ["error"]
        assert list(await note({"what": "burnt", "by": BY})) == ["error"]
        assert [(row[1], *row[4:]) for row in desk.journal.batch.audits] == [
            ("ann", "login", "", "done", ""),
            ("ann", "logout", "", "done", ""),
            ("?", "login", "", "refused", ""),
        ]
        assert "pass word" not in desk.log()

    run(test)


def test_strangers_do_not_fill_the_disk() -> None:
    async def test(desk: Desk) -> None:
        it: Any = desk
        note: Any = audit.handlers(it)["audit_note"]
        for _ in range(REFUSED_MOST + 40):
            await note({"what": "login_refused", "by": BY})
        await note({"what": "login", "by": BY})
        assert len(desk.journal.batch.audits) == REFUSED_MOST + 1
        desk.clock.advance(recorder.REFUSED_S)
        await note({"what": "login_refused", "by": BY})
        assert desk.journal.batch.audits[-1][-1] == "and 40 more before"

    run(test)


@pytest.mark.parametrize("ok", [True, False])
def test_a_signal_is_written_down_and_obeyed_in_any_case(ok: bool) -> None:
    async def test(desk: Desk) -> None:
        task = asyncio.ensure_future(desk.recorder.begin_signal("reload"))
        while not desk.journal.is_due:  # noqa: ASYNC110 - a few turns of the loop
            await asyncio.sleep(0)
        rows = desk.journal.commit(ok=ok, answer=Answer(audited=[7])).audits
        assert rows[0][1:5] == ("?", "signal", "", "reload")
        entry = await task
        assert (entry is not None) == ok
        if entry is not None:
            entry.end({"problems": [1, 2]}, None)
            assert desk.journal.batch.audit_ends == [(7, "refused", "0 changed, 2 mistakes")]

    run(test)
