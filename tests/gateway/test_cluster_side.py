"""What a node does with a word of another one."""

from __future__ import annotations

from types import SimpleNamespace

from gateway.cluster_side import ClusterSide


def test_who_is_hinted_at_looks_also_behind_a_claim_that_is_under_way() -> None:
    hinted: list[str] = []
    upstreams = {
        name: SimpleNamespace(hinted=lambda name=name: hinted.append(name)) for name in ("one", "two")
    }
    side = ClusterSide(SimpleNamespace(upstreams=upstreams, outlets={}), "n1")  # type: ignore[arg-type]
    side.hint(["q:two", "q:of another configuration", "d:app", "c"])
    assert hinted == ["two"]
