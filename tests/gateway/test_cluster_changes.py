"""What other nodes change holds here too, without a word from anybody but the store."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from gateway.cluster_changes import ClusterChanges
from gateway.core.blacklist import Blacklists
from gateway.core.errors import StoreReadError
from gateway.core.pauses import Pause
from gateway.core.sender_names import SenderNames
from gateway.front.desk import Record

SINCE_MS = 1_700_000_000_000


class Upstream:
    def __init__(self) -> None:
        self.paused: Pause | None = None

    def pause(self, pause: Pause) -> None:
        assert self.paused is None or self.paused != pause
        self.paused = pause

    def resume(self) -> None:
        self.paused = None


class Store:
    """What the store has of records."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], list[Record]] = {}
        self.due: list[dict[str, Any]] = []
        self.failures = 0

    async def all(self, kind: str, account: str, limit: int = 0) -> list[Record]:
        await asyncio.sleep(0)
        if self.failures:
            self.failures -= 1
            raise StoreReadError("not now")
        return self.records.get((kind, account), [])

    async def rows(self, statement: str) -> list[dict[str, Any]]:
        await asyncio.sleep(0)
        assert statement == "jobs_due"
        return self.due


class Daemon:
    """As much of one as changes are about."""

    def __init__(self) -> None:
        self.upstreams = {"up": Upstream()}
        self.pauses: dict[str, Pause] = {}
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.events = SimpleNamespace(say=lambda level, event, **what: self.said.append((event, what)))
        self.accounts: dict[str, Any] = {"shop": SimpleNamespace(add_sources=self._sources)}
        self.sources: list[set[str]] = []
        self.admission = SimpleNamespace(blacklists=Blacklists())
        self.credited: list[tuple[str, int]] = []
        self.submission = SimpleNamespace(
            ledger=SimpleNamespace(credited=lambda *what: self.credited.append(what))
        )
        self.store = Store()
        self.heard_of_users = 0
        self.sub_accounts = SimpleNamespace(heard=self._heard)
        desk = SimpleNamespace(
            records=self.store,
            rows=self.store.rows,
            accounts=self.accounts,
            turns={},
            black={},
            sender_names=SenderNames(),
            due_jobs={},
            relay=None,
        )
        self.http = SimpleNamespace(desk=desk)
        self.ended: list[asyncio.Task[None]] = []

    def _sources(self, names: set[str]) -> None:
        self.sources.append(set(names))

    async def _heard(self) -> None:
        self.heard_of_users += 1

    def task_ended(self, task: asyncio.Task[None]) -> None:
        self.ended.append(task)


async def hear(daemon: Any, *changes: tuple[str, list[Any]]) -> None:
    heard = ClusterChanges(daemon)
    heard.heard(changes)
    await finished(heard)
    assert all(task.exception() is None for task in daemon.ended)


async def finished(heard: ClusterChanges) -> None:
    if heard._reading is not None:
        await heard._reading
        await asyncio.sleep(0)  # who waits for its end hears of it


def test_a_connector_pauses_and_goes_on_where_somebody_else_was_told_so() -> None:
    async def told() -> None:
        daemon = Daemon()
        pause = ("pauses", [("up", SINCE_MS, "admin"), ("not here yet", SINCE_MS, "admin")])
        await hear(daemon, pause, pause)
        assert daemon.upstreams["up"].paused == daemon.pauses["up"] == Pause(SINCE_MS, "admin")
        # a reload may bring it, and it must not send then
        assert daemon.pauses["not here yet"] == Pause(SINCE_MS, "admin")
        over = [("up", 0, ""), ("not here yet", 0, ""), ("never paused", 0, "")]
        await hear(daemon, ("pauses", over), ("pauses", over))
        assert daemon.upstreams["up"].paused is None
        assert not daemon.pauses
        assert [event for event, _ in daemon.said] == ["paused", "resumed"]

    asyncio.run(told())


def test_numbers_are_on_the_lists_of_all_nodes() -> None:
    async def told() -> None:
        daemon = Daemon()
        lists = daemon.admission.blacklists
        await hear(daemon, ("blacklisted", [("shop", "491"), ("", "492"), ("not here yet", "493")]))
        assert lists.sizes() == {"shop": 1, "": 1, "not here yet": 1}
        gone = [("shop", "491"), ("shop", "499"), ("not here yet", "493")]
        await hear(daemon, ("unblacklisted", gone))
        assert lists.sizes() == {"": 1}

    asyncio.run(told())


def test_money_that_came_elsewhere_may_be_told_to_be_used_up_again() -> None:
    async def told() -> None:
        daemon = Daemon()
        await hear(daemon, ("credits", [("shop",)]), ("what a newer version says", [(1,)]))
        assert daemon.credited == [("shop", 0)]

    asyncio.run(told())


def test_what_records_say_is_read_anew_for_their_account() -> None:
    async def told() -> None:
        daemon = Daemon()
        desk = daemon.http.desk
        desk.black["shop"] = {"490": 1, "491": 1}
        desk.black["other"] = {"490": 1}
        daemon.store.records["black", "shop"] = [Record(1, "491", {"type": 2}), Record(2, "492", {"type": 0})]
        daemon.store.records["sender", "shop"] = [
            Record(1, "Shop", {"status": 1}),
            Record(2, "Off", {"status": 2}),
        ]
        await hear(daemon, ("records", [("black", "shop"), ("sender", "shop"), ("wait_call", "shop")]))
        assert desk.black == {"shop": {"491": 2}, "other": {"490": 1}}
        assert daemon.sources == [{"Shop"}]
        assert daemon.heard_of_users == 0

    asyncio.run(told())


def test_lists_are_due_when_the_store_says_so_unless_they_changed_here_meanwhile() -> None:
    async def told() -> None:
        daemon = Daemon()
        due = daemon.http.desk.due_jobs
        due.update({("shop", 1): 10, ("shop", 2): 20, ("shop", 3): 30})
        rows = (("shop", 1, 11), ("shop", 3, 31), ("shop", 4, 40))
        daemon.store.due = [dict(zip(("account", "record_id", "next_ms"), row, strict=True)) for row in rows]
        changes = ClusterChanges(daemon)  # type: ignore[arg-type]
        changes.heard([("records", [("job", "shop")])])
        await asyncio.sleep(0)
        due["shop", 3] = 300  # while the store is being read
        due["shop", 5] = 50
        await finished(changes)
        assert due == {("shop", 1): 11, ("shop", 3): 300, ("shop", 4): 40, ("shop", 5): 50}

    asyncio.run(told())


def test_sub_clients_come_first_and_the_store_is_asked_again_when_it_could_not_be(monkeypatch: Any) -> None:
    async def told() -> None:
        monkeypatch.setattr("gateway.cluster_changes.AGAIN_S", 0.0)
        daemon = Daemon()
        daemon.store.failures = 2
        daemon.store.records["black", "shop"] = [Record(1, "491", {"type": 1})]
        await hear(daemon, ("records", [("black", "shop"), ("user", "shop")]))
        assert daemon.http.desk.black == {"shop": {"491": 1}}
        assert daemon.heard_of_users == 3
        assert len(daemon.ended) == 1

    asyncio.run(told())


def test_a_mistake_of_ours_is_told_to_whoever_ends_the_gateway_for_it() -> None:
    async def told() -> None:
        daemon = Daemon()
        daemon.store.records["black", "shop"] = [Record(1, "491", {})]
        heard = ClusterChanges(daemon)  # type: ignore[arg-type]
        heard.heard([("records", [("black", "shop")])])
        [task] = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait([task])
        await asyncio.sleep(0)  # who waits for its end hears of it
        assert daemon.ended == [task]
        assert isinstance(task.exception(), KeyError)
        assert task.get_name() == "changes of other nodes"

    asyncio.run(told())


def test_a_gateway_without_http_hears_of_sub_clients_only() -> None:
    async def told() -> None:
        daemon = Daemon()
        daemon.http.desk = None
        await hear(daemon, ("records", [("black", "shop"), ("user", "shop"), ("job", "shop")]))
        assert daemon.heard_of_users == 1

    asyncio.run(told())


def test_the_kinds_that_are_held_are_those_that_a_node_is_told_of() -> None:
    from gateway.front import blacklist, job_records, sender_records, sub_clients, waiting_calls
    from gateway.http_side import NUMBERED
    from gateway.store.shared_steps import HELD

    modules = (blacklist, job_records, sender_records, sub_clients, waiting_calls)
    assert {module.KIND for module in modules} == HELD
    assert set(NUMBERED) >= HELD


def test_all_kinds_that_are_numbered_have_blocks() -> None:
    from gateway.front import (
        address_book,
        documents_kept,
        exports,
        ping,
        sender_codes,
        templates,
    )
    from gateway.http_side import NUMBERED
    from gateway.store.shared_steps import HELD

    others = {address_book.GROUP, documents_kept.FOLDER, exports.KIND, ping.KIND, templates.KIND}
    assert set(NUMBERED) == HELD | others | {sender_codes.CODE_KIND}
