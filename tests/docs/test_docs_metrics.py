"""docs/metrics.md is what the catalogue says."""

from __future__ import annotations

import re

import pytest
from docs_support import text_of

from gateway.ops.metric_catalogue import METRICS, PREFIX, documentation

BASE_UNITS = ("_seconds", "_bytes", "_total", "_info")
MARKS = re.compile(r"<!-- metrics -->\n(.*)\n<!-- end of metrics -->", re.DOTALL)


def test_the_page_has_the_catalogues_tables() -> None:
    found = MARKS.search(text_of("docs/metrics.md"))
    assert found is not None
    wanted = "\n".join(documentation()).strip()
    assert found[1].strip() == wanted, "python -m gateway.ops.metric_catalogue docs/metrics.md"


@pytest.mark.parametrize("name", METRICS)
def test_names_are_as_prometheus_wants_them(name: str) -> None:
    metric = METRICS[name]
    assert re.fullmatch(r"smsc_gateway_[a-z][a-z_]*[a-z]", name)
    assert name.endswith("_total") == (metric.kind == "counter")
    assert bool(metric.bounds) == (metric.kind == "histogram")
    assert metric.bounds == tuple(sorted(set(metric.bounds)))
    assert metric.meaning.endswith(".")
    assert not re.search(r"_(ms|milliseconds|kib|mib|percent|count)(_|$)", name.removeprefix(PREFIX))
    if re.search(r"_(lag|age|waiting|response|commit|accept)_?", name) and metric.kind != "gauge":
        assert name.endswith(BASE_UNITS)
