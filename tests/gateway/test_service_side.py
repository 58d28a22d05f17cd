"""The SMSC services' part of the daemon: what one connector leaves the next of its name, and what is told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest
from gateway_fakes import NOW_MS, FakeJournal, ManualClock, account, message, recorded_events

from gateway.config.basics import TlsClient, Url
from gateway.config.secret import Secret
from gateway.config.smsc_model import SmscCallback, SmscConnector
from gateway.core.batch import Answer
from gateway.core.incoming import Incoming
from gateway.core.receipts import ReceiptBook
from gateway.core.upstream import Upstream
from gateway.daemon import Daemon
from gateway.service_side import ServiceSide


class Side:
    """A daemon's services, and nothing else of it."""

    def __init__(self) -> None:
        self.journal, self.clock = FakeJournal(), ManualClock()
        self.events, _ = recorded_events()
        self.daemon = SimpleNamespace(
            accounts={
                "app": account(),
                "able": account(system_id="able", service_messages=True),
            },
            incoming=Incoming(),
            journal=self.journal,
            events=self.events,
            clock=self.clock,
            random=Random(1),
            boot=3,
            task_ended=lambda task: None,
        )
        self.services = ServiceSide(cast(Daemon, self.daemon), {"answers one": 17})

    def add(self, name: str = "one", **fields: Any) -> Upstream:
        values = {
            "url": Url("http", "127.0.0.1", 1),
            "login": "alex",
            "password": Secret("p-secret"),
            **fields,
        }
        config = SmscConnector(name=name, **values)
        upstream = Upstream(
            name,
            window=10,
            rate=0,
            whole=True,
            service=True,
            journal=self.journal,
            events=self.events,
            clock=self.clock,
            random=Random(1),
        )
        self.services.connector(config, upstream, ReceiptBook(name, self.journal, self.events))
        return upstream

    async def drop(self, name: str = "one") -> None:
        await self.services.connectors[name].stop(0)
        self.services.drop(name)


def open_send(message_id: int, upstream_id: str) -> tuple[Any, ...]:
    return (tuple(message(message_id)), 1, NOW_MS, upstream_id)


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def run(loop: asyncio.Runner, test: Any) -> None:
    loop.run(test())


def test_doubts_and_the_mark_go_to_the_next_one_of_the_name(loop: asyncio.Runner) -> None:
    async def test() -> None:
        side = Side()
        side.add()
        first = side.services.connectors["one"]
        assert first.watcher.mark == 17
        side.services.store_says(Answer(open_sends=[("one", [open_send(1, "g1/7"), open_send(2, "g1/8")])]))
        assert [len(first.asker), first.upstream.in_flight] == [2, 2]
        first.watcher.mark = 18
        await side.drop()
        assert (side.services.connectors, len(first.asker)) == ({}, 0)
        side.add("other")
        upstream = side.add()
        second = side.services.connectors["one"]
        assert (len(second.asker), upstream.in_flight, second.watcher.mark) == (2, 2, 18)
        assert len(side.services.connectors["other"].asker) == 0
        await side.drop()
        await side.drop("other")

    run(loop, test)


def test_doubts_are_taken_over_once(loop: asyncio.Runner) -> None:
    async def test() -> None:
        side = Side()
        side.add()
        side.services.store_says(Answer(open_sends=[("one", [open_send(1, "g1/7")])]))
        await side.drop()
        side.add()
        second = side.services.connectors["one"]
        second.asker.heard_of("g1/7")
        await side.drop()
        side.add()
        assert len(side.services.connectors["one"].asker) == 0
        await side.drop()

    run(loop, test)


def test_answers_for_a_connector_that_is_gone_harm_nobody(loop: asyncio.Runner) -> None:
    async def test() -> None:
        side = Side()
        side.add()
        side.services.store_says(
            Answer(open_sends=[("gone", [])], unfinished=[("gone", [], 0), ("one", [], 0)])
        )
        side.services.drop("gone")
        await side.drop()

    run(loop, test)


def test_only_accounts_that_may_have_commands_in_their_texts(loop: asyncio.Runner) -> None:
    async def test() -> None:
        side = Side()
        side.add()
        may = side.services.connectors["one"].may_command
        assert [may(name) for name in ("app", "able", "gone")] == [False, True, False]
        await side.drop()

    run(loop, test)


def test_what_status_says_of_a_service(loop: asyncio.Runner) -> None:
    async def test() -> None:
        side = Side()
        side.add()
        side.services.store_says(Answer(open_sends=[("one", [open_send(1, "g1/7")])]))
        connector = side.services.connectors["one"]
        assert list(side.services.problems()) == []
        connector.balance, connector.currency, connector.is_poor = "5.00", "RUR", True
        connector.sender.requests, connector.asker.sent_again = 4, 2
        assert side.services.status() == [
            {
                "connector": "one",
                "balance": "5.00",
                "currency": "RUR",
                "asking": 1,
                "requests": 4,
                "sent_again": 2,
            }
        ]
        assert list(side.services.problems()) == ["the balance of one is low: 5.00 RUR"]
        assert "secret" not in repr(side.services.status())
        await side.drop()

    run(loop, test)


def test_calls_are_known_by_the_paths_of_the_connectors_that_there_are(loop: asyncio.Runner) -> None:
    async def test() -> None:
        side = Side()
        listener = SimpleNamespace(endpoints={})
        side.services.listeners = [cast(Any, listener)]
        side.add("silent")
        side.add("one", callback=SmscCallback(path="/one", secret=Secret("hush")))
        side.add("two", callback=SmscCallback(path="/two", secret=Secret("hush")))
        assert {path: it.connector for path, it in listener.endpoints.items()} == {
            "/one": "one",
            "/two": "two",
        }
        await side.drop("one")
        assert set(listener.endpoints) == {"/two"}
        for name in ("two", "silent"):
            await side.drop(name)

    run(loop, test)


def test_a_file_of_its_tls_section_that_is_not_there_is_told(loop: asyncio.Runner, tmp_path: Path) -> None:
    async def test() -> None:
        side = Side()
        with pytest.raises(OSError):
            side.add(url=Url("https", "localhost", 1), tls=TlsClient(ca=tmp_path / "gone"))

    run(loop, test)
