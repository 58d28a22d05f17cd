"""What a node does with a word of another one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gateway import cluster_side
from gateway.cluster_side import ClusterSide, connector_lease
from gateway.egress.smpp_connector import STANDBY, SmppConnector


def test_who_is_hinted_at_looks_also_behind_a_claim_that_is_under_way() -> None:
    hinted: list[str] = []
    upstreams = {
        name: SimpleNamespace(hinted=lambda name=name: hinted.append(name)) for name in ("one", "two")
    }
    side = ClusterSide(SimpleNamespace(upstreams=upstreams, outlets={}), "n1")  # type: ignore[arg-type]
    side.hint(["q:two", "q:of another configuration", "d:app", "c"])
    assert hinted == ["two"]


def test_a_node_that_has_given_a_connector_up_does_not_take_a_late_beats_word_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[str] = []
    monkeypatch.setattr(cluster_side, "start_connector", lambda _, one: taken.append(one.config.name))
    connector: Any = object.__new__(SmppConnector)
    connector.config = SimpleNamespace(name="smsc", one_bind_only=True)
    connector.state = STANDBY
    daemon: Any = SimpleNamespace(
        is_stopping=False,
        connectors={"smsc": connector},
        upstreams={"smsc": SimpleNamespace(bound=0)},
        events=SimpleNamespace(say=lambda *_, **__: None),
    )
    side = ClusterSide(daemon, "n1")
    side.cluster.leases = {connector_lease("smsc")}  # type: ignore[assignment]
    side._abstains_ms["smsc"] = 10_000
    side._keep_single(9_999)
    assert taken == []
    side._keep_single(10_000)
    assert taken == ["smsc"]
