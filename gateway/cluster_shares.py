"""What this node may use of what all nodes share: connectors' windows and rates, accounts' rates and logins.

`gateway.core.cluster` says how parts are found; here they are given to those who use them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.core.accounts import Account, family_of
from gateway.core.cluster import Cluster, Peer, Share, fair_rate, fair_window
from gateway.core.limits import TokenBucket
from gateway.core.upstream import Upstream

if TYPE_CHECKING:
    from gateway.daemon import Daemon

LATELY_S = 10.0
"""An account that has sent here within that time has a part of its rate here."""
UNFILLED = 1e-9
"""The rate of a bucket that gets nothing just now."""
_NO_SHARE = (0.0, 0.0)


@dataclass(slots=True)
class _Link:
    """A connector's parts."""

    upstream: Upstream
    window: Share = field(default_factory=Share)
    rate: Share = field(default_factory=Share)
    given: tuple[int, float] = (0, 0.0)


@dataclass(slots=True)
class _Rate:
    """An account's part."""

    bucket: TokenBucket
    count: int
    sent_at: float = -1e9
    share: Share = field(default_factory=Share)
    given: tuple[float, float] = (0.0, 0.0)


class Shares:
    """This node's parts, taken anew with each look at the others."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._links: dict[str, _Link] = {}
        self._rates: dict[str, _Rate] = {}
        self._published: dict[str, list[float]] = {}

    def state(self) -> dict[str, Any]:
        """What this node publishes of it."""
        daemon = self._daemon
        accounts: dict[str, list[float]] = {}
        now = daemon.clock.now()
        for name, account in daemon.accounts.items():
            rate = self._rates.get(name)
            claim = rate.share.claim if rate is not None else 0.0
            is_active = rate is not None and now - rate.sent_at < LATELY_S
            receivers = len(daemon.outlets[name].receivers)
            if account.sessions or receivers or is_active or claim:
                accounts[name] = [account.sessions, receivers, int(is_active), claim]
        return {
            "connectors": {name: int(one.works_here) for name, one in daemon.upstreams.items()},
            "shares": {name: [link.rate.claim, link.window.claim] for name, link in self._links.items()},
            "accounts": accounts,
        }

    def look(self, cluster: Cluster) -> bool:
        """A beat was answered; whether the next one should come at once, because this node claims something
        else now, or may use more after it."""
        before = self._claims()
        upstreams = self._daemon.upstreams
        for name in set(self._links) - set(upstreams):
            del self._links[name]
        for name, upstream in upstreams.items():
            self._connector(name, upstream, cluster)
        self._accounts(cluster)
        return self._claims() != before or any(share.grows for share in self._all())

    def _claims(self) -> list[float]:
        return [share.claim for share in self._all()]

    def _all(self) -> Iterator[Share]:
        for link in self._links.values():
            yield from (link.window, link.rate)
        yield from (rate.share for rate in self._rates.values())

    # -- connectors ------------------------------------------------------------------------------------

    def _connector(self, name: str, upstream: Upstream, cluster: Cluster) -> None:
        self._is_elsewhere(upstream, cluster.works_elsewhere(name))
        link = self._links.get(name)
        if link is None or link.upstream is not upstream:
            link = self._links[name] = _Link(upstream)
        if not upstream.works_here:
            link.window.close()
            link.rate.close()
        else:
            self._look(name, link, cluster)
        rate = link.rate.used
        window = int(link.window.used) if rate or not upstream.flow.rate else 0
        if link.given != (window, rate) or upstream.flow.part != window:
            link.given = (window, rate)
            upstream.use(window, rate)

    def _look(self, name: str, link: _Link, cluster: Cluster) -> None:
        upstream, boots = link.upstream, cluster.usable_at(name)
        whole = upstream.flow.window * self._binds(name)
        is_known = cluster.boot in boots
        place, nodes = (boots.index(cluster.boot), len(boots)) if is_known else (0, 1)
        others = cluster.claimed(lambda peer: _share(peer, name)[1])
        fair = fair_window(whole, nodes, place) if is_known else 0
        link.window.look(fair, others, whole, busy=upstream.in_flight)
        if upstream.flow.rate:
            others = cluster.claimed(lambda peer: _share(peer, name)[0])
            rate = fair_rate(upstream.flow.rate, nodes, place) if is_known else 0.0
            link.rate.look(rate, others, upstream.flow.rate)
        else:
            link.rate.close()

    def _binds(self, name: str) -> int:
        """Links that each node has; a service has one."""
        connector = self._daemon.connectors.get(name)
        return getattr(getattr(connector, "config", None), "binds", 1)

    def _is_elsewhere(self, upstream: Upstream, elsewhere: bool) -> None:
        if upstream.elsewhere and not elsewhere and not upstream.bound:
            upstream.down_since = self._daemon.clock.now()  # it was not down until now
        upstream.elsewhere = elsewhere

    # -- accounts --------------------------------------------------------------------------------------

    def _accounts(self, cluster: Cluster) -> None:
        accounts, now = self._daemon.accounts, self._daemon.clock.now()
        sessions = cluster.sessions_elsewhere()
        sent: Counter[str] = Counter()
        for name, account in accounts.items():
            account.sessions_elsewhere = sessions.get(name, 0)
            sent[family_of(account)] += account.accepted
        for name in set(self._rates) - set(accounts):
            del self._rates[name]
        for name, account in accounts.items():
            if account.config.rate and family_of(account) == name:
                self._account(name, account, sent[name], cluster, now)
            else:
                self._rates.pop(name, None)

    def _account(self, name: str, account: Account, sent: int, cluster: Cluster, now: float) -> None:
        bucket, whole = account.bucket, account.config.rate
        count = sent + bucket.missed
        known = self._rates.get(name)
        if known is None or known.bucket is not bucket:
            known = self._rates[name] = _Rate(bucket, count)
        if count != known.count:
            known.count, known.sent_at = count, now
        nodes = cluster.senders_of(name) + 1
        if now - known.sent_at < LATELY_S:
            others = cluster.claimed(lambda peer: peer.accounts.get(name, (0, 0, 0, 0.0))[3])
            known.share.look(whole / nodes, others, whole)
        else:
            known.share.close()
        # what it may have at once, so that nobody is refused where he has not sent for a while
        given = (known.share.used or UNFILLED, max(1.0, whole / nodes))
        if given != known.given:
            known.given = given
            bucket.change(given[0], now, given[1])


def _share(peer: Peer, name: str) -> tuple[float, float]:
    return peer.shares.get(name, _NO_SHARE)
