"""What a node may use of connectors and accounts' rates, look by look, beside a node that is made up here."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from gateway_fakes import ManualClock, account

from gateway.cluster_shares import LATELY_S, Shares
from gateway.core.cluster import Cluster, View
from gateway.core.flow_control import FlowControl

HERE, THERE = 1, 2


class Upstream:
    def __init__(self, window: int, rate: int) -> None:
        self.flow = FlowControl(window, rate, 0.0)
        self.flow.part = 0
        self.in_flight = 0
        self.works_here = self.bound = True
        self.elsewhere = False
        self.down_since = 0.0
        self.used: list[tuple[int, float]] = []

    def use(self, window: int, rate: float) -> None:
        self.flow.part = window
        self.used.append((window, rate))


class Node:
    """A daemon, as far as its parts are about it."""

    def __init__(self, window: int = 10, rate: int = 0, binds: int = 1, boot: int = HERE) -> None:
        self.boot = boot
        self.clock = ManualClock()
        self.upstream = Upstream(window, rate)
        self.upstreams = {"smsc": self.upstream}
        self.connectors = {"smsc": SimpleNamespace(config=SimpleNamespace(binds=binds))}
        self.app = account(rate=20)
        self.accounts = {"app": self.app}
        self.outlets = {"app": SimpleNamespace(receivers=[])}
        self.cluster = Cluster()
        self.shares = Shares(self)  # type: ignore[arg-type]

    def look(self, other: dict[str, Any] | None = None, times: int = 3) -> dict[str, Any]:
        """What this node publishes after so many looks at another one with this state; None: it is alone."""
        for _ in range(times):
            states = {self.boot: self.shares.state()}
            if other is not None:
                states[HERE + THERE - self.boot] = other
            rows: list[Any] = [
                (boot, boot, f"n{boot}", json.dumps(it), 0, 0, 0, ()) for boot, it in states.items()
            ]
            self.cluster.look(View(self.boot, self.boot, rows, [], [], [], [], 0))
            self.shares.look(self.cluster)
        return self.shares.state()


def other_with(window: float = 0.0, rate: float = 0.0, accounts: Any = None) -> dict[str, Any]:
    return {"connectors": {"smsc": 1}, "shares": {"smsc": [rate, window]}, "accounts": accounts or {}}


# -- connectors ------------------------------------------------------------------------------------------


def test_what_is_under_way_is_claimed_beside_a_node_that_has_come() -> None:
    node = Node()
    node.look()
    node.upstream.in_flight = 8
    published = node.look(other_with())
    assert node.upstream.flow.part == 5
    assert published["shares"]["smsc"][1] == 8
    node.upstream.in_flight = 3
    assert node.look(other_with(window=2))["shares"]["smsc"][1] == 5


def test_all_links_of_a_node_count_for_the_window() -> None:
    node = Node(binds=2)
    node.look(other_with(window=10))
    assert node.upstream.flow.part == 10


def test_of_a_rate_of_one_the_second_node_sends_nothing() -> None:
    first, second = Node(rate=1), Node(rate=1, boot=THERE)
    first.look(other_with(window=5))
    second.look(other_with(window=5, rate=1.0))
    assert first.upstream.used[-1] == (5, 1.0)
    assert second.upstream.flow.part == 0
    assert all(window == 0 for window, _ in second.upstream.used)


def test_a_connector_that_is_down_here_is_used_by_the_others() -> None:
    node = Node()
    node.look(other_with(window=5))
    node.upstream.works_here = False
    assert node.look(other_with(window=5))["shares"]["smsc"] == [0, 0]
    assert node.upstream.flow.part == 0


def test_what_worked_elsewhere_until_now_is_not_down_for_long() -> None:
    node = Node()
    node.upstream.bound = node.upstream.works_here = False
    node.look(other_with(window=10))
    assert node.upstream.elsewhere
    node.clock.advance(60)
    node.look()
    assert not node.upstream.elsewhere
    assert node.upstream.down_since == node.clock.now()
    node.clock.advance(60)
    node.look()
    assert node.upstream.down_since == node.clock.now() - 60


# -- accounts --------------------------------------------------------------------------------------------


def sends_there(rate: float) -> dict[str, Any]:
    return other_with(accounts={"app": [1, 1, 1, rate]})


def test_who_is_refused_for_his_rate_sends_here_all_the_same() -> None:
    node = Node()
    node.look()
    node.app.bucket.missed += 1
    assert node.look()["accounts"]["app"] == [0, 0, 1, 20]
    node.clock.advance(LATELY_S)
    assert node.look()["accounts"] == {}


def test_at_once_an_account_sends_no_more_than_its_part() -> None:
    node = Node()
    node.look()
    node.app.accepted += 1
    node.look(sends_there(10.0))
    assert node.app.bucket.rate == 10
    node.clock.advance(5)
    assert node.app.bucket.available(node.clock.now()) == 10


def test_where_it_has_not_sent_for_a_while_it_may_begin_with_its_part() -> None:
    node = Node()
    node.look(sends_there(20.0))
    assert node.app.bucket.available(node.clock.now()) == 10
    node.clock.advance(60)
    assert node.app.bucket.available(node.clock.now()) < 10.001
