"""What the parts of the cluster's fault plan share: nodes between senders and an SMSC, on servers of our own.

    with store(run) as servers, smsc(run) as upstream_port:
        nodes = two_nodes(run, servers.url, upstream_port)
        with all_running(nodes):
            ...                                  # the fault
            found = judged(run, nodes)           # lets everything come to its end

Each node has a sender of its own and a ledger of what that was promised; both are sessions of one account, so
a receipt may come to either.  The SMSC, its ledger and the judge are those of the other fault plan.
"""

from __future__ import annotations

import contextlib
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import kill
from harness import End, Place, Verdict, compare, smsc_password, tail
from kill import HOST, Gateway, tell
from part import PartError, Row, Run, count

from gateway.core.passwords import hash_password

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests" / "support"))

from postgres_programs import programs
from postgres_server import PostgresServer

VERSION = 15
DATABASE = "smsc"
WINDOW = 20
"""Of the connector, shared by all nodes: so many may come twice for each fault."""
TAKEOVER_MOST_S = 20.0
PATIENCE_S = 90.0
"""For whatever happens soon on a machine that has nothing else to do."""
RATE, RATE_SHORT = 150.0, 40.0
"""Messages/s of each sender."""
FIRST_MARKER = 79_000_000_000
MARKERS = 500_000_000
"""Between the first markers of two senders."""

CONFIG = """\
node: {node}
store: {url}
listeners:
  smpp:
    - address: {host}:{port}
accounts:
  - system_id: kill
    password_hash: {password_hash}
    window: 200
connectors:
  - name: smsc
    address: {smsc}
    system_id: gateway
    password: {smsc_password}
    reconnect_max_s: 0.2
    window: {window}
routes:
  - connectors: [smsc]
    on_ambiguous: resend_once
log:
  level: warning
"""


class Where(NamedTuple):
    """What is different for a node, and for whoever looks for it."""

    url: str
    """Of the store, as this node reaches it."""
    smsc: str
    """Address of the SMSC, as this node reaches it."""
    host: str = HOST
    """Where it listens."""
    before: Sequence[str] = ()
    """What starts it."""


@dataclass
class Node:
    """A gateway, its sender, and how often it had to be started again because it ended by itself."""

    name: str
    run: Run
    """With folders of its own."""
    place: Place
    host: str
    gateway: Gateway
    first: int
    rate: float
    ended: int = 0
    _read: int = field(default=0, repr=False)

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """It runs, and messages are sent to it; nothing is left of either, whatever happened."""
        with contextlib.ExitStack() as stack:
            self.gateway.launch()
            stack.callback(self.gateway.close)
            self.gateway.told()
            more = ("--host", self.host, "--first", str(self.first))
            client = kill.sender(self.run.ledgers, self.place.port, self.rate, self.place.password, more=more)
            self.client = stack.enter_context(client)
            yield

    def until_flowing(self) -> float:
        """Waits until its sender is promised something that it was not before; the seconds."""
        ledger = self.run.ledgers / "sender.jsonl"
        self._read = ledger.stat().st_size if ledger.exists() else 0
        began = time.monotonic()
        while not self._newly_acked(ledger):
            self.keep_alive()
            if time.monotonic() - began > PATIENCE_S:
                raise PartError(f"{self.name} takes nothing: {tail(self.gateway.log)}")
            time.sleep(0.02)
        return time.monotonic() - began

    def _newly_acked(self, ledger: Path) -> bool:
        if not ledger.exists():
            return False
        with ledger.open("rb") as lines:
            lines.seek(self._read)
            new = lines.read()
        self._read += new.rfind(b"\n") + 1
        return b'"acked"' in new

    def keep_alive(self) -> None:
        """Starts it again if it has ended by itself, as systemd does."""
        if self.gateway.code is not None:
            self.ended += 1
            self.restart()

    def restart(self) -> None:
        """Starts one that has ended.  The store may be out of reach just now: then it is tried again."""
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                self.gateway.start()
                return
            except kill.KillError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.5)


def node(run: Run, number: int, where: Where, place: Place, password_hash: str) -> Node:
    """The node of this number, with its configuration; it is not started."""
    name = "ab"[number]
    own = run._replace(folder=run.folder / name, ledgers=run.ledgers / name)
    for folder in (own.folder, own.ledgers):
        folder.mkdir()
    text = CONFIG.format(
        node=name,
        url=where.url,
        host=where.host,
        port=place.port,
        password_hash=password_hash,
        smsc=where.smsc,
        smsc_password=smsc_password(run).read_text(),
        window=WINDOW,
    )
    config = own.folder / "gateway.yaml"
    config.touch(0o600)  # it has a password, which goes further than this machine where there is a namespace
    config.write_text(text)
    gateway = Gateway(own.folder, before=where.before)
    rate = RATE if run.full else RATE_SHORT
    return Node(name, own, place, where.host, gateway, FIRST_MARKER + number * MARKERS, rate)


def two_nodes(run: Run, *places: Where) -> list[Node]:
    """Two nodes with one account."""
    password = secrets.token_hex(4)
    password_hash = hash_password(password)
    return [
        node(run, number, where, Place(kill.free_port(), password), password_hash)
        for number, where in enumerate(places)
    ]


@contextlib.contextmanager
def all_working(nodes: Sequence[Node]) -> Iterator[None]:
    """All of them run and have their senders."""
    with contextlib.ExitStack() as stack:
        for one in nodes:
            stack.enter_context(one.working())
        for one in nodes:
            one.until_flowing()
        yield


@contextlib.contextmanager
def server(*addresses: str) -> Iterator[PostgresServer]:
    """A server with an empty database, which survives a power loss; it listens on these addresses too."""
    with PostgresServer(programs(VERSION), addresses=addresses) as made:
        made.create()
        made.create_database(DATABASE)
        yield made


class Boots:
    """Looks at the runs of nodes from outside: who was ended by the others, and what came of it then."""

    def __init__(self, of: PostgresServer) -> None:
        self._server = of
        self._over: dict[int, int] = {}

    def newest(self, name: str) -> int:
        """The number of a node's newest run."""
        query = "SELECT max(boot_id) FROM boot JOIN node USING (node) WHERE name = %s"
        return int(self._ask(query, (name,))[0])

    def until_over(self, boot: int, since: float) -> float:
        """Waits until a run's work is anybody's; the seconds from that moment.

        Others have ended the run, or its writing process has outlived the main one and has handed all over.
        """
        query = "SELECT fenced = 1 OR stopped_ms IS NOT NULL, batch_no FROM boot WHERE boot_id = %s"
        while True:
            over, batch_no = self._ask(query, (boot,))
            if over:
                self._over[boot] = batch_no
                return time.monotonic() - since
            if time.monotonic() - since > PATIENCE_S:
                raise PartError(f"nobody has taken over from run {boot}")
            time.sleep(0.05)

    def applied_afterwards(self) -> int:
        """Batches that were stored for runs that were over."""
        return sum(
            self._ask("SELECT batch_no FROM boot WHERE boot_id = %s", (boot,))[0] - batch_no
            for boot, batch_no in self._over.items()
        )

    def _ask(self, query: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
        with self._server.admin(DATABASE) as connection:
            found = connection.execute(query.encode(), values).fetchone()
        assert found is not None
        return tuple(found)


def judged(run: Run, nodes: Sequence[Node]) -> Verdict:
    """Ends the sending, waits until nothing is to be done, and compares the ledgers."""
    for one in nodes:
        tell(one.client, "drain")
    for one in nodes:
        one.keep_alive()
        kill.drain(one.gateway.state_dir)
    end = End(*kill.lists(nodes[0].gateway.state_dir))
    for one in nodes:
        tell(one.client, "end")
        one.client.wait(PATIENCE_S)
    return compare(kill.promises(*(one.run.ledgers for one in nodes)), kill.arrivals(run.ledgers), end)


def stop_all(nodes: Sequence[Node]) -> None:
    """Ends all nodes by SIGTERM.  PartError: one of them failed, or has said so in its log."""
    for one in nodes:
        code = one.gateway.stop()
        if code or b"Traceback" in one.gateway.log.read_bytes():
            raise PartError(f"{one.name} ended with {code}, or something failed: {tail(one.gateway.log)}")


def takeover(seconds: Sequence[float]) -> list[Row]:
    """How long it took until the others had the work."""
    ordered = sorted(seconds)
    longest, median = ordered[-1], ordered[len(ordered) // 2]
    bound = f"≤ {TAKEOVER_MOST_S:g} s"
    return [
        Row("fault to takeover, median", f"{median:.1f} s"),
        Row("fault to takeover, longest", f"{longest:.1f} s", bound, longest <= TAKEOVER_MOST_S),
    ]


def figures(found: Verdict, faults: int) -> list[Row]:
    """The judge's figures, with the bound of what may come twice."""
    rows = [row for row in found.rows(least_acked=10 * faults) if "twice" not in row.what]
    return [*rows, count("messages that the SMSC has twice", found.duplicates, WINDOW * faults)]


def version_row(of: PostgresServer) -> Row:
    with of.admin() as connection:
        found = connection.execute("SHOW server_version").fetchone()
    assert found is not None
    return Row("PostgreSQL", str(found[0]).split()[0])
