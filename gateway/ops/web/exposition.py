"""The daemon's answer to "metrics" as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from gateway.ops.metric_catalogue import METRICS, Metric

Rows = list[tuple[list[str], Any]]


class Exposition(Collector):
    """One answer; a collector of prometheus-client, whose formats are the ones that Prometheus knows."""

    def __init__(self, found: Mapping[str, Rows]) -> None:
        self._found = found

    def collect(self) -> Iterator[Family]:
        """The families, in the catalogue's order; what it does not name is of another version."""
        for metric in METRICS.values():
            if rows := self._found.get(metric.name):
                yield _family(metric, rows)

    def written(self, accept: str) -> tuple[bytes, str]:
        """It as text in the form that a client prefers, and what to call that."""
        encoder, content_type = choose_encoder(accept)
        return encoder(self), content_type


def _family(metric: Metric, rows: Rows) -> Family:
    if metric.kind == "histogram":
        histogram = HistogramMetricFamily(metric.name, metric.meaning, labels=metric.labels)
        bounds = [*map(str, metric.bounds), "+Inf"]
        for labels, value in rows:
            buckets = list(zip(bounds, accumulate(value["counts"]), strict=True))
            histogram.add_metric(labels, buckets, sum_value=value["sum"])
        return histogram
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = kind(metric.name, metric.meaning, labels=metric.labels)
    for labels, value in rows:
        family.add_metric(labels, value)
    return family
