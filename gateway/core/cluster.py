"""Several nodes on one store: what they know of each other, and what each may use of what they share.

Pure: moments come in as arguments.  The contract with the store is `Batch.beats` and `Answer.view`.

Theory of operation.  A *beat* stores what this node is and has, and in the same transaction looks at what the
others have stored; one is under way at a time.  Of a thing that all share, such as a connector's rate, each
node *claims* a part and publishes the claim; it *uses* a greater part than before only when a beat after the
one that published the claim shows that it fits with the claims of the others.  Of two nodes that want more at
the same moment at least one sees the other's claim that way, whatever the order of their commits, so what is
used is never more in sum than there is.  A smaller part is used at once, and published then.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from gateway.core.batch import Row

LOOK_MS = 1_000
"""A node looks at what the others are and have so often …"""
HEARTBEAT_MS = 5_000
"""… and has its lease renewed so often."""
LEASE_MS = 15_000
"""Without that it lasts so long, by the database's clock; then the others take its work over."""
LONGEST_MS = LEASE_MS - HEARTBEAT_MS
"""A node that knows of no renewal for so long ends: it is sooner than that."""
HOUSEKEEPING = "housekeeping"
"""The lease of the node that looks for what is old and over."""
JOBS = "jobs"
"""The lease of the node that sends mailing lists."""
DRAINED = "the node is drained"
"""Why nothing goes up from a node, see `Upstream.hold`."""
_ROUNDING = 1e-9


def connector_lease(name: str) -> str:
    """The lease of a connector that may be bound once (`one_bind_only`)."""
    return f"connector:{name}"


def asks_lease(name: str) -> str:
    """The lease of the node that asks a service what became of messages."""
    return f"asks:{name}"


class View(NamedTuple):
    """What a look at the store says: the fields of Answer.view, in this order."""

    boot: int
    node: int
    nodes: list[Row]
    """Those that live, this one too: boot, node, name, state (JSON), 1 if somebody wants it drained,
    since when it runs (ms since 1970), milliseconds since its lease was renewed, its leases (a tuple)."""
    leases: list[str]
    """What this node alone may do: "housekeeping", "jobs", "connector:NAME", "asks:NAME"."""
    taken_over: list[Row]
    """Name of a node whose lease is over and whose work this look has set free, its segments in doubt."""
    waiting_accounts: list[str]
    """Of the accounts that this node has receiving sessions of: those for which deliveries wait."""
    due_connectors: list[Row]
    """connector, due_ms: something waits for it, and whatever node it is bound at may claim it."""
    draining: int
    """1: somebody wants this node drained."""


class Peer(NamedTuple):
    """A node that lives, as the others see it."""

    boot: int
    node: int
    name: str
    draining: bool
    since_ms: int
    renewed_ms_ago: int
    leases: tuple[str, ...]
    version: str
    connectors: Mapping[str, int]
    """1: it can be used at that node."""
    shares: Mapping[str, tuple[float, float]]
    """Connector → what that node claims of its rate and of its window."""
    accounts: Mapping[str, tuple[int, int, int, float]]
    """Account → its sessions there, those that receive, 1 if it has sent there lately, what that node claims
    of its rate."""
    drained: bool
    """It takes nothing new, and nothing of it is under way."""


class Lease:
    """Whether this node may still act; moments are of a clock that goes on while the machine sleeps."""

    def __init__(self, now_ms: int) -> None:
        self._renewed_ms = now_ms

    def renewed(self, sent_ms: int) -> None:
        """The beat that was sent then has renewed it."""
        self._renewed_ms = max(self._renewed_ms, sent_ms)

    def age_ms(self, now_ms: int) -> int:
        """How long ago the last beat was sent that has renewed it."""
        return now_ms - self._renewed_ms

    def is_over(self, now_ms: int) -> bool:
        """The others may take the work over soon, or have done so."""
        return now_ms - self._renewed_ms >= LONGEST_MS


class Share:
    """A node's part of something that all nodes use, see the theory of operation."""

    __slots__ = ("_before", "claim", "grows", "used")

    def __init__(self) -> None:
        self.used = 0.0
        """What may be used now."""
        self.claim = 0.0
        """What the next beat publishes; never less than `used`."""
        self.grows = False
        """There is room for more, as soon as one more beat has told the others."""
        self._before = 0.0  # what the beat before the last one has published

    def look(self, fair: float, others: float, whole: float, busy: float = 0.0) -> bool:
        """A beat is answered; whether what may be used is another part now.

        `fair`: what this node should have; `others`: the sum of the others' claims; `busy`: what is taken and
        cannot be given back at once.
        """
        used = self.used
        room = min(fair, max(0.0, whole - others))
        if fair <= used:
            self.used = fair
        elif room > used + _ROUNDING and fair <= min(self._before, self.claim):
            self.used = room
        self._before = self.claim
        self.claim = max(fair, busy)
        self.grows = room > self.used + _ROUNDING
        return self.used != used

    def close(self) -> None:
        """Nothing is used any more."""
        self.used = self.claim = self._before = 0.0
        self.grows = False


def fair_rate(rate: float, nodes: int, place: int) -> float:
    """What the node at this place among so many has of a rate per second: of less than one for each, the
    first ones have one, as no SMS is sent by halves."""
    return rate / nodes if rate >= nodes else float(place < rate)


def fair_window(window: int, nodes: int, place: int) -> int:
    """The same of a window, in whole segments: all of them together have all of it."""
    return window // nodes + (place < window % nodes)


class Cluster:
    """What this node knows of all that live, itself among them, since its last look."""

    def __init__(self) -> None:
        self.boot = 0
        self.peers: list[Peer] = []
        """By boot: the one that runs for longest comes first."""
        self.leases: frozenset[str] = frozenset()
        self.draining = False
        self._read: dict[int, tuple[str, dict[str, Any]]] = {}

    def look(self, view: View) -> None:
        """Takes in what the store has answered."""
        read = {row[0]: self._state(row[0], row[3]) for row in view.nodes}
        self._read = {row[0]: (row[3], read[row[0]]) for row in view.nodes}
        self.boot = view.boot
        self.peers = [_peer(row, read[row[0]]) for row in sorted(view.nodes)]
        self.leases = frozenset(view.leases)
        self.draining = bool(view.draining)

    def _state(self, boot: int, text: str) -> dict[str, Any]:
        """What a node publishes; most of the time the same as a second ago."""
        known = self._read.get(boot)
        if known is not None and known[0] == text:
            return known[1]
        found: dict[str, Any] = json.loads(text) if text else {}
        return found

    @property
    def others(self) -> Iterable[Peer]:
        return (peer for peer in self.peers if peer.boot != self.boot)

    def usable_at(self, connector: str) -> list[int]:
        """The boots of the nodes at which a connector can be used."""
        return [peer.boot for peer in self.peers if peer.connectors.get(connector)]

    def works_elsewhere(self, connector: str) -> bool:
        """Whether it can be used at another node."""
        return any(peer.connectors.get(connector) for peer in self.others)

    def sessions_elsewhere(self) -> dict[str, int]:
        """Account → its sessions at the other nodes, of those with any."""
        found: dict[str, int] = {}
        for peer in self.others:
            for name, (sessions, *_) in peer.accounts.items():
                if sessions:
                    found[name] = found.get(name, 0) + sessions
        return found

    def senders_of(self, account: str) -> int:
        """At how many other nodes an account has sent lately."""
        return sum(name.accounts[account][2] for name in self.others if account in name.accounts)

    def claimed(self, what: Callable[[Peer], float]) -> float:
        """The sum of what the other nodes claim of something."""
        return sum(map(what, self.others))


def _peer(row: Row, state: dict[str, Any]) -> Peer:
    boot, node, name, _, draining, since_ms, renewed_ms_ago, leases = row
    return Peer(
        boot,
        node,
        name,
        bool(draining),
        since_ms,
        renewed_ms_ago,
        tuple(leases),
        state.get("version", ""),
        state.get("connectors", {}),
        state.get("shares", {}),
        state.get("accounts", {}),
        bool(state.get("drained")),
    )
