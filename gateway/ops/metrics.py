"""A running gateway's metrics as plain values, by the names of `gateway.ops.metric_catalogue`.

Counting is done where things happen; here is only read.  It runs on the loop, so it asks nobody and scans
nothing: what has to be read from the store comes with the `Sample`.
"""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from operator import add
from typing import TYPE_CHECKING, Any

from gateway.core.clock import Clock
from gateway.core.histogram import Histogram
from gateway.core.steady_clock import SteadyClock
from gateway.ops.metric_catalogue import ACCOUNTS_MAX, METRICS, OTHER, PREFIX
from gateway.ops.processes import cpu_s, descriptors, resident_octets
from gateway.ops.readiness import reasons_of
from gateway.ops.status import problems_of

if TYPE_CHECKING:
    from gateway.daemon import Daemon

MILLIONTH = 1e-6
STORE_FILES = ("queue.sqlite3", "queue.sqlite3-wal")


@dataclass(frozen=True, slots=True)
class Sample:
    """What the store says of itself, read a while ago."""

    at_ms: int
    queues: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    """Connector → messages that wait, seconds that the oldest could have gone."""
    deliveries: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    """Account → deliveries that wait, seconds that the oldest has."""
    parked: int = 0
    ambiguous: int = 0
    size: int | None = None
    """Octets of a database on PostgreSQL; None: not known yet, or SQLite, whose files are looked at."""


class Values:
    """Values by metric; a name or a label that the catalogue does not know is a mistake of ours."""

    def __init__(self) -> None:
        self.found: dict[str, list[list[Any]]] = {}

    def add(self, name: str, value: float | Histogram | None, *labels: str) -> None:
        """Adds one; None: there is nothing to say."""
        if value is None:
            return
        metric = METRICS[name if name in METRICS else PREFIX + name]
        if len(labels) != len(metric.labels):
            raise ValueError(f"{metric.name} has the labels {metric.labels}")
        said = {"counts": list(value.counts), "sum": value.sum} if isinstance(value, Histogram) else value
        self.found.setdefault(metric.name, []).append([list(labels), said])


class Names:
    """Which accounts have a label of their own: the first ACCOUNTS_MAX, for as long as they are there.

    A number that went from one label to another would look like a restart.
    """

    def __init__(self, most: int = ACCOUNTS_MAX) -> None:
        self._most = most
        self._own: dict[str, None] = {}

    def own(self, names: Mapping[str, object]) -> dict[str, None]:
        """Those of the names that have a label of their own."""
        for name in [one for one in self._own if one not in names]:
            del self._own[name]
        for name in names:
            if len(self._own) >= self._most:
                break
            self._own[name] = None
        return self._own


def metrics_of(daemon: Daemon, sample: Sample, names: Names) -> dict[str, list[list[Any]]]:
    """Metric → [[labels, value], …]; a histogram's value is {"counts": by bucket, "sum": …}."""
    values = Values()
    _of_gateway(daemon, values)
    _of_messages(daemon, values, sample)
    _of_accounts(daemon, values, sample, names)
    for name in daemon.connectors:
        _of_connector(daemon, values, name, sample)
    for service in daemon.services.status():
        _of_service(daemon, values, service)
    _of_store(daemon, values, sample)
    _of_listeners(daemon, values)
    _of_mail(daemon, values)
    _of_http(daemon, values)
    return values.found


def _of_gateway(daemon: Daemon, values: Values) -> None:
    values.add("build_info", 1, program_version(), platform.python_version(), sqlite3.sqlite_version)
    values.add("start_time_seconds", started_at(daemon.clock, daemon.started))
    values.add("starts_total", daemon.boot)
    values.add("ready", int(not reasons_of(daemon)))
    values.add("nodes", len(daemon.cluster.cluster.peers) if daemon.cluster is not None else 1)
    values.add("lease_age_seconds", daemon.cluster.lease_age_s if daemon.cluster is not None else 0)
    values.add("problems", len(problems_of(daemon)))
    values.add("faults_total", daemon.faults.count)
    values.add("loop_lag_seconds", daemon.loop_lag)
    clock = daemon.clock
    values.add("clock_leapt_seconds", clock.leapt_ms / 1000 if isinstance(clock, SteadyClock) else 0)
    for name, pid in daemon.processes():
        values.add("process_resident_memory_bytes", resident_octets(pid), name)
        values.add("process_cpu_seconds_total", cpu_s(pid), name)
    now, most = descriptors()
    values.add("open_descriptors", now)
    values.add("open_descriptors_max", most)


@cache
def program_version() -> str:
    """What is installed."""
    try:
        return version("smsc-gateway")
    except PackageNotFoundError:
        return "unknown"


def started_at(clock: Clock, started: float) -> float:
    """When something began, by the wall clock, in seconds since 1970."""
    return round(clock.now_ms() / 1000 - (clock.now() - started), 3)


def _of_messages(daemon: Daemon, values: Values, sample: Sample) -> None:
    submission = daemon.submission
    for reason, count in submission.refused.items():
        values.add("messages_refused_total", count, reason.value)
    values.add("messages_open_max", submission.max_messages)
    for listener in daemon.smpp.listeners:
        if listener.wanted:
            values.add("accept_seconds", listener.accept_s, listener.name)
    values.add("message_end_seconds", daemon.end_s)
    values.add("messages_ambiguous", sample.ambiguous)


def _of_accounts(daemon: Daemon, values: Values, sample: Sample, names: Names) -> None:
    own = names.own(daemon.accounts)
    others: list[float] = []
    for name, account in daemon.accounts.items():
        outlet = daemon.outlets[name]
        waiting, age_s = sample.deliveries.get(name, _NOTHING)
        row = (
            account.accepted,
            account.open_messages,
            account.sessions,
            len(outlet.receivers),
            outlet.delivered,
            waiting,
            age_s,
        )
        if name in own and name != OTHER:
            _add_account(values, name, row)
        elif others:  # there may be ten thousand
            others = [*map(add, others[:-1], row[:-1]), max(others[-1], age_s)]
        else:
            others = list(row)
    if others:
        _add_account(values, OTHER, others)
    for name in own:
        plan = daemon.submission.ledger.plans.get(name)
        if plan is not None and plan.purse.name == name:
            values.add("account_balance", plan.purse.balance * MILLIONTH, name, plan.purse.currency)
    for kind, count in daemon.dead_alarm.by_kind().items():
        values.add("dead_letters", count, kind)


def _add_account(values: Values, label: str, row: Sequence[float]) -> None:
    for metric, value in zip(_BY_ACCOUNT, row, strict=True):
        values.add(metric, value, label)


_NOTHING = (0, 0.0)
_BY_ACCOUNT = (
    "messages_accepted_total",
    "messages_open",
    "sessions",
    "receivers",
    "deliveries_total",
    "deliveries_waiting",
    "deliveries_oldest_age_seconds",
)


def _of_connector(daemon: Daemon, values: Values, name: str, sample: Sample) -> None:
    upstream, receipts = daemon.upstreams[name], daemon.receipts[name]
    bound, silent = daemon.connectors[name].state == "bound", upstream.silence.is_silent
    waiting, age_s = sample.queues.get(name, (0, 0.0))
    for metric, value in (
        ("connector_up", int(bound and not silent)),
        ("connector_silent", int(bound and silent)),
        ("connector_paused", int(upstream.paused is not None)),
        ("connector_links", len(upstream.links)),
        ("connector_binds_total", upstream.binds),
        ("connector_window_used", upstream.in_flight),
        ("connector_window", upstream.window_now),
        ("connector_submitted_total", upstream.submitted),
        ("connector_refused_total", upstream.refused),
        ("connector_throttled_total", upstream.throttled),
        ("connector_ambiguous_total", upstream.doubtful),
        ("connector_approximated_total", upstream.approximated()),
        ("queue_messages", waiting),
        ("queue_oldest_age_seconds", age_s),
    ):
        values.add(metric, value, name)
    values.add("connector_response_seconds", upstream.response_s, name)
    values.add("receipts_total", receipts.matched, name, "matched")
    values.add("receipts_total", receipts.unmatched, name, "unmatched")
    values.add("receipts_total", receipts.replays, name, "repeated")


def _of_service(daemon: Daemon, values: Values, service: Mapping[str, Any]) -> None:
    name = service["connector"]
    try:
        balance = float(service["balance"] or "nan")
    except ValueError:  # whatever the service says
        balance = float("nan")
    if balance == balance:
        values.add("service_balance", balance, name, service["currency"])
    values.add("service_balance_low", int(daemon.services.connectors[name].is_poor), name)
    values.add("service_requests_total", service["requests"], name)


def _of_store(daemon: Daemon, values: Values, sample: Sample) -> None:
    journal = daemon.journal
    values.add("store_writable", int(not journal.error))
    values.add("store_commits_total", journal.commits)
    values.add("store_commit_seconds", journal.commit_s)
    values.add("store_batch_messages", journal.batch_messages)
    values.add("store_waiting_seconds", round(journal.waiting_s(), 3))
    if daemon.store_url:
        values.add("store_file_bytes", sample.size, "postgresql")
    else:
        for file in STORE_FILES:
            path = daemon.state_dir / file
            values.add("store_file_bytes", path.stat().st_size if path.exists() else 0, file)
    disk = os.statvfs(daemon.state_dir)
    values.add("disk_free_bytes", disk.f_bavail * disk.f_frsize)
    values.add("receipts_parked", sample.parked)
    values.add("queue_sampled_timestamp_seconds", sample.at_ms / 1000)


def _of_listeners(daemon: Daemon, values: Values) -> None:
    for protocol, address, listener, bad_inputs in listeners_of(daemon):
        values.add("listener_connections", len(listener.connections), address, protocol)
        values.add("listener_bad_inputs_total", bad_inputs, address, protocol)
        values.add("certificate_expires_timestamp_seconds", listener.certificate_ends, address)
    values.add("certificate_expires_timestamp_seconds", daemon.web.certificate_ends, daemon.web.address)


def listeners_of(daemon: Daemon) -> Iterator[tuple[str, str, Any, int | None]]:
    """Protocol, address, listener, and how much came that could not be read (None: it is not counted)."""
    for smpp in daemon.smpp.listeners:
        if smpp.wanted:
            yield "smpp", smpp.name, smpp, smpp.bad_inputs
    for mail in daemon.mail.listeners if daemon.mail else ():
        yield mail.protocol, mail.address, mail, None
    for callbacks in daemon.services.listeners:
        yield "callbacks", callbacks.address, callbacks, callbacks.refused
    for http in daemon.http.listeners:
        yield "http", http.address, http, http.bad_inputs


def _of_mail(daemon: Daemon, values: Values) -> None:
    if daemon.mail is None:
        return
    intake, postman = daemon.mail.intake, daemon.mail.postman
    values.add("mails_total", intake.taken, "taken")
    values.add("mails_total", intake.refused, "refused")
    values.add("mails_total", intake.repeated, "repeated")
    if postman is not None:
        values.add("letters_total", postman.sent, "sent")
        values.add("letters_total", postman.put_off, "put_off")
        values.add("letters_total", postman.refused, "dead")
        values.add("smarthost_up", int(postman.state != "down"))


def _of_http(daemon: Daemon, values: Values) -> None:
    for row in daemon.http.status():
        for api, prefix in (("service", ""), ("json", "json_")):
            values.add("http_requests_total", row[f"{prefix}requests"], api)
            values.add("http_errors_total", row[f"{prefix}errors"], api)
            values.add("http_refused_total", row[f"{prefix}refused"], api)
        called = partial(values.add, "calls_total")
        called(row["calls_taken"], "taken")
        called(row["calls_put_off"], "put_off")
        called(row["calls_dead"], "dead")
        values.add("calls_under_way", row["calls_under_way"])
