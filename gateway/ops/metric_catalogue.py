"""Every metric: its name for Prometheus, what it means and which labels it has; the one place that says so.

The daemon fills it in (`gateway.ops.metrics`), the pages' process writes it down for who scrapes, and
docs/metrics.md is made of it (`python -m gateway.ops.metric_catalogue docs/metrics.md`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from gateway.core.histogram import LONG_SECONDS, ROWS, SECONDS

PREFIX = "smsc_gateway_"


class Metric(NamedTuple):
    """One family of values."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    """A counter begins at 0 with each start, where nothing else is said; its name ends in "_total"."""
    labels: tuple[str, ...]
    meaning: str
    bounds: tuple[float, ...] = ()
    """Of a histogram's buckets; the last one, +Inf, is not among them."""


def _counter(name: str, meaning: str, *labels: str) -> Metric:
    return Metric(f"{PREFIX}{name}_total", "counter", labels, meaning)


def _gauge(name: str, meaning: str, *labels: str) -> Metric:
    return Metric(f"{PREFIX}{name}", "gauge", labels, meaning)


def _histogram(name: str, meaning: str, *labels: str, bounds: tuple[float, ...] = SECONDS) -> Metric:
    return Metric(f"{PREFIX}{name}", "histogram", labels, meaning, bounds)


SUBJECTS: dict[str, tuple[Metric, ...]] = {
    "The gateway itself": (
        _gauge("build_info", "1; what runs is in the labels.", "version", "python", "sqlite"),
        _gauge("start_time_seconds", "When it started, in seconds since 1970."),
        _counter("starts", "Starts of this store's gateway, over all restarts."),
        _gauge("ready", "1: it accepts messages; 0: it does not, and /ready says why."),
        _gauge("nodes", "Nodes that live on its store, this one too."),
        _gauge("lease_age_seconds", "How long ago this node's lease was renewed; it ends itself at 10."),
        _gauge("problems", "How many problems `smsc-gateway status` names."),
        _counter("faults", "Errors in the gateway's own code; each is a line in the log."),
        _histogram("loop_lag_seconds", "How late the event loop's timer is, looked at 20 times a second."),
        _gauge("clock_leapt_seconds", "How far the machine's clock is from ours, which does not leap."),
        _gauge("process_resident_memory_bytes", "Memory of each of its processes.", "process"),
        _counter("process_cpu_seconds", "CPU time of each of its processes.", "process"),
        _gauge("open_descriptors", "Files and sockets that the gateway's process has open."),
        _gauge("open_descriptors_max", "How many it may have open."),
    ),
    "Messages": (
        _counter("messages_accepted", "Messages that we took responsibility for.", "account"),
        _counter("messages_refused", "Messages that were refused at once.", "reason"),
        _gauge("messages_open", "Messages that have not ended.", "account"),
        _gauge("messages_open_max", "How many there may be (`queue.max_messages`)."),
        _histogram(
            "accept_seconds", "From reading a client's submit_sm to its answer, with the commit.", "listener"
        ),
        _histogram(
            "message_end_seconds",
            "From accepting a message to its final receipt, of messages whose sender wants receipts.",
            bounds=LONG_SECONDS,
        ),
        _gauge("messages_ambiguous", "Segments of which nobody knows whether the SMSC took them."),
    ),
    "Accounts": (
        _gauge("sessions", "SMPP sessions that are bound.", "account"),
        _gauge("receivers", "Those of them that take receipts and incoming SMS.", "account"),
        _counter("deliveries", "Receipts and incoming SMS that the account took.", "account"),
        _gauge("deliveries_waiting", "Receipts and incoming SMS that wait for the account.", "account"),
        _gauge("deliveries_oldest_age_seconds", "How long the oldest of them has waited.", "account"),
        _gauge("account_balance", "What is left of its money, in its currency.", "account", "currency"),
        _gauge("dead_letters", "What nobody took within the last day.", "kind"),
    ),
    "Connectors": (
        _gauge("connector_up", "1: it is bound and the SMSC answers.", "connector"),
        _gauge("connector_silent", "1: it is bound, and answers no submit.", "connector"),
        _gauge("connector_paused", "1: somebody has paused it.", "connector"),
        _gauge("connector_links", "Links that can send.", "connector"),
        _counter(
            "connector_binds", "Links that came up: more than a few an hour are a flapping link.", "connector"
        ),
        _gauge("connector_window_used", "Segments that are under way.", "connector"),
        _gauge(
            "connector_window",
            "Segments that may be under way now; less while the SMSC throttles.",
            "connector",
        ),
        _counter("connector_submitted", "Segments that the SMSC took.", "connector"),
        _counter("connector_refused", "Segments that it refused for good.", "connector"),
        _counter("connector_throttled", "Segments that it refused for lack of capacity.", "connector"),
        _counter("connector_ambiguous", "Segments that it did not answer.", "connector"),
        _counter(
            "connector_approximated",
            'Texts that went up with "?" for characters it does not have.',
            "connector",
        ),
        _histogram("connector_response_seconds", "From sending a submit to the SMSC's answer.", "connector"),
        _gauge(
            "queue_messages", "Messages that wait on disk, also those whose time has not come.", "connector"
        ),
        _gauge(
            "queue_oldest_age_seconds",
            "How long the one that waits longest could have gone; 0: none waits beyond its time.",
            "connector",
        ),
        _counter(
            "receipts",
            "Receipts by what became of them: matched, unmatched, repeated.",
            "connector",
            "result",
        ),
        _gauge("receipts_parked", "Receipts in the store that match nothing yet."),
        _gauge(
            "service_balance", "What the SMSC service says is left of our money.", "connector", "currency"
        ),
        _gauge("service_balance_low", "1: it is below what the configuration calls low.", "connector"),
        _counter("service_requests", "Requests to the SMSC service with messages in them.", "connector"),
    ),
    "The store": (
        _gauge("store_writable", "1: the last batch could be written; 0: nothing is accepted."),
        _counter("store_commits", "Batches that were committed."),
        _histogram("store_commit_seconds", "From sending a batch to the writing process to its answer."),
        _histogram("store_batch_messages", "Messages accepted in a batch, of batches with any.", bounds=ROWS),
        _gauge("store_waiting_seconds", "How long the oldest batch under way has waited for its commit."),
        _gauge(
            "store_file_bytes",
            "The store's files: the database, and its log; `postgresql`: the whole database there.",
            "file",
        ),
        _gauge("disk_free_bytes", "Free space where the store is; below 100 MiB nothing is accepted."),
        _gauge("queue_sampled_timestamp_seconds", "When the store's numbers here were read from it."),
    ),
    "Listeners": (
        _gauge("listener_connections", "Connections that are open.", "listener", "protocol"),
        _counter("listener_bad_inputs", "What came and could not be read.", "listener", "protocol"),
        _gauge(
            "certificate_expires_timestamp_seconds",
            "When a listener's certificate ends, in seconds since 1970.",
            "listener",
        ),
    ),
    "Mail": (
        _counter("mails", "Mails that came: taken, refused, repeated.", "result"),
        _counter("letters", "Mails that we wrote: sent, put_off, dead.", "result"),
        _gauge("smarthost_up", "1: the smarthost takes mail."),
    ),
    "HTTP": (
        _counter("http_requests", "Requests that were answered, by API: service, json.", "api"),
        _counter("http_errors", "Those of them that were answered with an error.", "api"),
        _counter("http_refused", "Those that were let no further: login, rate.", "api"),
        _counter("calls", "Calls to clients' handlers and webhooks: taken, put_off, dead.", "result"),
        _gauge("calls_under_way", "Calls that wait for their answer."),
    ),
}
METRICS: dict[str, Metric] = {metric.name: metric for rows in SUBJECTS.values() for metric in rows}
ACCOUNTS_MAX = 200
"""So many accounts have labels of their own; the rest is summed up as OTHER."""
OTHER = "other"


def documentation() -> Iterator[str]:
    """Lines of docs/metrics.md: a table for each subject."""
    for subject, metrics in SUBJECTS.items():
        yield f"## {subject}"
        yield ""
        yield "| metric | type | labels | meaning |"
        yield "|---|---|---|---|"
        for metric in metrics:
            labels = ", ".join(f"`{label}`" for label in metric.labels)
            yield f"| `{metric.name}` | {metric.kind} | {labels} | {metric.meaning} |"
        yield ""


def write_page(page: Path) -> None:
    """Puts the tables between the page's marks."""
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition("<!-- metrics -->\n")
    _, end, after = rest.partition("<!-- end of metrics -->")
    tables = "\n".join(documentation())
    page.write_text(f"{before}{begin}\n{tables}\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    write_page(Path(sys.argv[1]))
