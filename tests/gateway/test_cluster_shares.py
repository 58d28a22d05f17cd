"""What a node is given of a connector, beat by beat."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace
from typing import Any

from gateway_fakes import FakeJournal, FakeLink, ManualClock, recorded_events

from gateway.cluster_shares import Shares
from gateway.core.cluster import Cluster, View
from gateway.core.upstream import Upstream


def upstream() -> Upstream:
    events, _ = recorded_events()
    return Upstream(
        "one",
        window=10,
        rate=0,
        whole=False,
        journal=FakeJournal(),
        events=events,
        clock=ManualClock(),
        random=Random(7),
    )


def test_a_connector_that_has_come_up_asks_for_beats_until_it_has_its_part_and_then_no_more() -> None:
    one = upstream()
    daemon: Any = SimpleNamespace(upstreams={"one": one}, accounts={}, connectors={}, clock=ManualClock())
    cluster, shares = Cluster(), Shares(daemon)
    one.link_up(FakeLink())
    cluster.look(View(1, 1, [(1, 1, "a", '{"connectors": {"one": 1}}', 0, 0, 0, ())], [], [], [], [], 0))
    assert [shares.look(cluster) for _ in range(4)] == [True, True, False, False]
    assert one.part == 10
