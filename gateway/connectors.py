"""The links to SMSCs come and go: at the start, at a reload, when this node is drained.

A connector is three things of one name: its `Upstream` (queue and rate), its `ReceiptBook`, the link itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from gateway.config.model import Connector as ConnectorConfig
from gateway.config.smsc_model import SmscConnector as ServiceConfig
from gateway.core.batch import Row
from gateway.core.cluster import DRAINED, asks_lease
from gateway.core.receipts import ReceiptBook
from gateway.core.upstream import Upstream
from gateway.egress.smpp_connector import STANDBY, SmppConnector
from gateway.kinds import STOP_TIMEOUT_S, UNBIND_TIMEOUT_S, Connector
from protocols.sms.receipts import FORMS

if TYPE_CHECKING:
    from gateway.daemon import Daemon


def add_connector(daemon: Daemon, config: ConnectorConfig | ServiceConfig) -> None:
    """Starts a connector, unless this node is drained; OSError when a file of its TLS section cannot be
    read."""
    is_service = isinstance(config, ServiceConfig)
    upstream = daemon.upstreams[config.name] = _upstream(daemon, config)
    # the ids that a service names are ours, as we gave them
    forms = FORMS[:1] if is_service else FORMS
    receipts = ReceiptBook(config.name, daemon.journal, daemon.events, forms=forms)
    daemon.receipts[config.name] = receipts
    connector: Connector
    if isinstance(config, ServiceConfig):
        connector = daemon.services.connector(config, upstream, receipts)
        if daemon.cluster is not None:
            connector.client.guard = daemon.cluster.watch
            connector.watcher.is_ours = partial(daemon.may, asks_lease(config.name))
    else:
        connector = _smpp_connector(daemon, config, upstream, receipts)
    daemon.connectors[config.name] = connector
    if connector.state != STANDBY:
        start_connector(daemon, connector)


def _upstream(daemon: Daemon, config: ConnectorConfig | ServiceConfig) -> Upstream:
    """What waits for a connector, and how fast it may go."""
    upstream = Upstream(
        config.name,
        window=config.max_requests * config.list_max if isinstance(config, ServiceConfig) else config.window,
        rate=config.rate,
        whole=isinstance(config, ServiceConfig) or config.long_messages == "payload",
        service=isinstance(config, ServiceConfig),
        journal=daemon.journal,
        events=daemon.events,
        clock=daemon.clock,
        random=daemon.random,
    )
    upstream.all = daemon.upstreams
    if daemon.cluster is not None:
        upstream.flow.part = 0  # until it is known what the others use
    if (pause := daemon.pauses.get(config.name)) is not None:
        upstream.pause(pause)
    if daemon.is_drained:
        upstream.hold(DRAINED)
    if config.incoming_account:
        upstream.on_alert = daemon.outlets[config.incoming_account].alert
    return upstream


def _smpp_connector(
    daemon: Daemon, config: ConnectorConfig, upstream: Upstream, receipts: ReceiptBook
) -> SmppConnector:
    connector = SmppConnector(
        config,
        upstream=upstream,
        receipts=receipts,
        incoming=daemon.incoming,
        journal=daemon.journal,
        events=daemon.events,
        clock=daemon.clock,
        random=daemon.random,
    )
    connector.taps = daemon.tracing.taps
    if daemon.cluster is not None:
        connector.guard = daemon.cluster.watch
        if config.one_bind_only or daemon.is_drained:  # the next look says whether it binds here
            connector.state = STANDBY
            daemon.cluster.beat_soon()
    return connector


def start_connector(daemon: Daemon, connector: Connector) -> None:
    """Lets it bind, and notices when it dies."""
    for task in connector.start():
        task.add_done_callback(daemon.task_ended)


async def stop_connector(daemon: Daemon, name: str) -> None:
    """Sends nothing more by a connector, waits for its answers, and ends its links."""
    upstream = daemon.upstreams[name]
    upstream.hold("a reload ended this link")
    await daemon.until(lambda: daemon.journal.dead or not upstream.in_flight, STOP_TIMEOUT_S)
    await daemon.connectors.pop(name).stop(UNBIND_TIMEOUT_S)
    daemon.services.drop(name)


def hand_over(daemon: Daemon, name: str) -> None:
    """What waits for a connector that is not configured goes by the others of its routes."""
    daemon.journal.batch.moves.extend((name, other, 0) for other in daemon.upstreams)
    daemon.journal.wake()


def put_back(daemon: Daemon, name: str, rows: Iterable[tuple[Row, Iterable[int]]]) -> None:
    """What was claimed for a connector that is no longer configured was not sent."""
    now_ms = daemon.clock.now_ms()
    for fields, segments in rows:
        daemon.journal.batch.postponed.extend((fields[0], n, name, 0, 0, now_ms, "") for n in segments)
    daemon.journal.wake()


def forget_pauses(daemon: Daemon) -> None:
    """Of connectors that are no longer configured: one of such a name that comes later is another one.

    Not where nodes share a store: what one of them does not configure, another one may.
    """
    if daemon.cluster is not None:
        return
    for name in set(daemon.pauses) - set(daemon.connectors):
        del daemon.pauses[name]
        daemon.journal.batch.pauses.append((name, 0, ""))
        daemon.journal.wake()
